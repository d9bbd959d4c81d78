//! The machine's twin of every text: the whole report.

use crate::report::Document;

/// Indented JSON with a final newline. Figures are not rounded; what does not apply is `null`, and so is a float that is not finite.
pub fn render(document: &Document) -> String {
    let mut text =
        serde_json::to_string_pretty(document).expect("a report is plain data whose maps have text keys, which always serializes");
    text.push('\n');
    text
}

/// The JSON Schema of results: draft 2020-12, with a final newline.
pub fn schema() -> String {
    let schema = schemars::schema_for!(Document);
    serde_json::to_string_pretty(&schema).expect("a schema is a JSON value") + "\n"
}

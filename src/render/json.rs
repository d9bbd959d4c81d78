//! The machine's twin of every text: the whole report.

use schemars::JsonSchema;
use serde::Serialize;

use crate::report::Document;

/// Indented JSON with a final newline. Figures are not rounded; what does not apply is `null`, and so is a float that is not finite.
pub fn render(document: &Document) -> String {
    pretty(document)
}

/// The JSON Schema of results: draft 2020-12, with a final newline.
pub fn schema() -> String {
    schema_of::<Document>()
}

/// As [`render`], of any report.
pub(super) fn pretty(report: &impl Serialize) -> String {
    serde_json::to_string_pretty(report).expect("a report is plain data whose maps have text keys, which always serializes") + "\n"
}

/// As [`schema`], of any report.
pub(super) fn schema_of<T: JsonSchema>() -> String {
    pretty(&schemars::schema_for!(T))
}

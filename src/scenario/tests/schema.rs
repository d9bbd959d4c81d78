//! The published schema says what the reader says: every text of the corpus goes through both.

use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;

use crate::scenario::schema;
use crate::scenario::{Diagnostic, Diagnostics};

static VALIDATOR: LazyLock<Validator> = LazyLock::new(|| jsonschema::validator_for(&schema::schema()).expect("the schema is one"));

/// Mistakes that a schema can say, and must.
const SAID: [&str; 9] = [
    "missing-key",
    "unknown-key",
    "wrong-type",
    "unknown-value",
    "unknown-strategy",
    "unknown-metric",
    "impossible-percentile",
    "bad-rate",
    "bad-duration",
];

/// Of these codes, what ours does not say, by words of the message: rules between tables.
const UNSAID: [&str; 1] = ["no member of the quota group"];

/// Fails where reader and schema differ on a text; what is no TOML is no business of a schema.
pub(super) fn agrees(text: &str, errors: Option<&Diagnostics>) {
    let Ok(table) = text.parse::<toml::Table>() else { return };
    // JSON has no infinity and no dates.
    let Ok(json) = serde_json::to_value(&table) else { return };
    let Some(errors) = errors else {
        let found: Vec<String> = VALIDATOR.iter_errors(&json).map(|error| format!("{error} at {}", error.instance_path())).collect();
        assert!(found.is_empty(), "the reader accepts what the schema does not: {found:?}\n{text}");
        return;
    };
    let says = |found: &Diagnostic| SAID.contains(&found.code) && !UNSAID.iter().any(|unsaid| found.message.contains(unsaid));
    if errors.iter().any(says) {
        assert!(!VALIDATOR.is_valid(&json), "the schema accepts what the reader does not: {}\n{text}", errors.render(false, 92));
    }
}

/// The file beside the shipped scenarios is what the program prints; to renew it:
/// `cargo run -- schema > scenarios/scenario.v1.json`.
#[test]
fn the_published_file_is_the_schema() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/scenarios/scenario.v1.json");
    let published = std::fs::read_to_string(path).expect("it is published");
    assert!(published == schema::text(), "scenarios/scenario.v1.json is not what `lbsim schema` prints: renew it");
}

/// Every definition describes its keys, and every reference leads somewhere.
#[test]
fn references_lead_somewhere() {
    fn references(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(object) => {
                found.extend(object.get("$ref").and_then(Value::as_str).map(str::to_owned));
                object.values().for_each(|value| references(value, found));
            }
            Value::Array(items) => items.iter().for_each(|value| references(value, found)),
            _ => {}
        }
    }
    let schema = schema::schema();
    let mut found = Vec::new();
    references(&schema, &mut found);
    assert!(found.len() > 50);
    for reference in found {
        let name = reference.strip_prefix("#/$defs/").expect("a definition");
        assert!(schema["$defs"].get(name).is_some(), "{name}");
    }
}

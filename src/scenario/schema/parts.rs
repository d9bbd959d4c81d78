//! What schemas are made of.

use serde_json::{Map, Value, json};

use crate::scenario::keys;

/// As the reader takes durations, rates and ratios apart.
pub(super) const DURATION: &str = r"^\s*(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)\s*(ns|us|µs|μs|ms|s|m|h|d)\s*$";
pub(super) const RATE: &str = r"^\s*\+?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][+-]?\d+)?\s*/\s*(ns|us|ms|s|m|min|h|d)\s*$";
pub(super) const PERCENT: &str = r"^\s*\+?(\d[\d_]*\.?[\d_]*|\.\d[\d_]*)([eE][+-]?\d+)?\s*%?\s*$";
/// A number that is not zero somewhere before the unit.
pub(super) const NOT_ZERO: &str = "[1-9]";

pub(super) type Property = (&'static str, Value, &'static str);

/// A fixed value, or a table with one law. Members of a mixture are of the definition `kind`.
pub(super) fn distribution(kind: &str, scalar: &Value, keys: &[&str]) -> Value {
    let moments =
        || table_of(keys::MEAN_CV, &[("mean", scalar.clone()), ("cv", json!({ "type": "number", "minimum": 0 }))], &["mean", "cv"]);
    let member = table_of(keys::MIXTURE, &[("weight", reference("positive")), ("value", reference(kind))], &["weight", "value"]);
    let slow =
        table_of(keys::SLOW, &[("share", reference("ratio")), ("factor", json!({ "type": "number", "minimum": 1 }))], &["share", "factor"]);
    let mut properties = vec![
        ("p50", scalar.clone()),
        ("p99", scalar.clone()),
        ("slow", slow),
        ("exponential", scalar.clone()),
        ("uniform", json!({ "type": "array", "items": scalar, "minItems": 2, "maxItems": 2 })),
        ("lognormal", moments()),
        ("gamma", moments()),
        ("mixture", json!({ "type": "array", "minItems": 1, "items": member })),
    ];
    if keys.contains(&"per_1k_input") {
        properties.push(("per_1k_input", reference("duration")));
    }
    let mut law = table_of(keys, &properties, &[]);
    let only = |key: &str| json!({ "required": [key] });
    let percentiles = json!({ "required": ["p50", "p99"] });
    law["oneOf"] = json!([percentiles, only("exponential"), only("uniform"), only("lognormal"), only("gamma"), only("mixture")]);
    law["dependentRequired"] = json!({ "slow": ["p50", "p99"], "p50": ["p99"], "p99": ["p50"] });
    if keys.contains(&"per_1k_input") {
        law["dependentRequired"]["per_1k_input"] = json!(["p50", "p99"]);
    }
    json!({ "anyOf": [scalar, law] })
}

/// A table with exactly these keys.
pub(super) fn table(keys: &[&str], properties: &[Property], required: &[&str]) -> Value {
    let described = |(key, value, what): &Property| {
        let mut value = value.clone();
        // `false` forbids a key, and has no place for words.
        value.as_object_mut().into_iter().for_each(|object| drop(object.insert("description".to_owned(), json!(what))));
        (*key, value)
    };
    table_of(keys, &properties.iter().map(described).collect::<Vec<_>>(), required)
}

pub(super) fn table_of(keys: &[&str], properties: &[(&str, Value)], required: &[&str]) -> Value {
    debug_assert!(
        keys.len() == properties.len() && keys.iter().all(|key| properties.iter().any(|(known, _)| known == key)),
        "{keys:?} is not {:?}",
        properties.iter().map(|(key, _)| key).collect::<Vec<_>>()
    );
    let properties: Map<String, Value> = properties.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
    let mut table = json!({ "type": "object", "additionalProperties": false, "properties": properties });
    if !required.is_empty() {
        table["required"] = json!(required);
    }
    table
}

pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{name}") })
}

pub(super) fn list(name: &str) -> Value {
    json!({ "type": "array", "items": { "$ref": format!("#/$defs/{name}") } })
}

pub(super) fn words(words: &[&str]) -> Value {
    json!({ "enum": words })
}

pub(super) fn switch() -> Value {
    json!({ "enum": ["on", "off", true, false] })
}

pub(super) fn count(least: u64) -> Value {
    json!({ "type": "integer", "minimum": least })
}

pub(super) fn text_of(pattern: &str, what: &str) -> Value {
    json!({ "type": "string", "pattern": pattern, "description": what })
}

/// The same, with another pattern to match.
pub(super) fn both(value: Value, pattern: &str) -> Value {
    let mut value = value;
    value["allOf"] = json!([{ "pattern": pattern }]);
    value
}

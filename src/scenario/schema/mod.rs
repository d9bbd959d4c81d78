//! The JSON Schema of scenario files (draft 2020-12), for editors and other tools.
//!
//! Keys come from the reader's own tables (`keys`), words from the catalogues; a test keeps that nothing is left out, and that
//! schema and reader accept and reject the same texts. What a schema cannot say (rules between tables, such as names that have
//! to exist) only the reader checks.

mod balancer;
mod expect;
mod load;
mod parts;
mod provider;

use serde_json::{Map, Value, json};

use super::keys;
use parts::{DURATION, NOT_ZERO, PERCENT, Property, RATE, both, distribution, list, reference, table, text_of, words};

/// Where the schema lies beside the shipped scenarios, as `#:schema ./scenario.v1.json` names it.
pub const FILE: &str = "scenario.v1.json";

const DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";
/// The schema, with a description of every key.
pub fn schema() -> Value {
    let mut root = table(keys::ROOT, &root(), &["schema", "name", "load", "balancer", "provider"]);
    let head = [("$schema", json!(DRAFT)), ("$id", json!(FILE)), ("title", json!("Scenario of lbsim"))];
    let members = root.as_object_mut().into_iter().flat_map(std::mem::take);
    let mut all: Map<String, Value> = head.into_iter().map(|(key, value)| (key.to_owned(), value)).chain(members).collect();
    all.insert("$defs".to_owned(), definitions());
    Value::Object(all)
}

/// Indented text with a final newline.
pub fn text() -> String {
    serde_json::to_string_pretty(&schema()).expect("a JSON value") + "\n"
}

fn root() -> Vec<Property> {
    vec![
        ("schema", json!({ "const": 1 }), "version of the format"),
        ("name", reference("name"), "unique among the files that are checked together"),
        ("description", json!({ "type": "string" }), "one sentence: what this scenario shows"),
        ("seed", json!({ "type": "integer", "minimum": 0, "default": 0 }), "every draw derives from it"),
        ("clock", words(&["virtual", "real"]), "how time passes; virtual unless given"),
        ("load", reference("load"), "what arrives"),
        ("balancer", reference("balancer"), "what a gateway would hand to the engine"),
        ("provider", json!({ "type": "array", "minItems": 1, "items": { "$ref": "#/$defs/provider" } }), "the pool"),
        ("event", list("event"), "timed changes of providers"),
        ("slo", table(keys::SLO, &slo(), &[]), "what counts as good"),
        ("expect", list("expect"), "what must hold"),
    ]
}

fn slo() -> Vec<Property> {
    let most = |what| ("positive_duration", what);
    [("ttft", most("longest time to first token")), ("latency", most("longest time to the last byte"))]
        .map(|(key, (kind, what))| (key, reference(kind), what))
        .to_vec()
}

fn definitions() -> Value {
    let mut all = Map::new();
    let tables = [
        ("load", load::load()),
        ("class", load::class()),
        ("stage", load::stage()),
        ("burst", load::burst()),
        ("balancer", balancer::balancer()),
        ("provider", provider::provider()),
        ("limits", provider::limits()),
        ("event", provider::event()),
        ("change", provider::change()),
        ("expect", expect::expect()),
    ];
    let values = [
        ("name", json!({ "type": "string", "minLength": 1, "pattern": r"^[^\n]*$" })),
        ("duration", text_of(DURATION, "a number and a unit: \"250ms\", \"1.5s\", \"2m\"")),
        ("positive_duration", both(text_of(DURATION, "longer than zero"), NOT_ZERO)),
        ("rate", text_of(RATE, "\"100/s\", \"600/min\"")),
        ("positive_rate", both(text_of(RATE, "above zero: \"100/s\", \"600/min\""), NOT_ZERO)),
        ("ratio", json!({ "anyOf": [{ "type": "number", "minimum": 0, "maximum": 1 }, { "type": "string", "pattern": PERCENT }] })),
        ("window", expect::window()),
        ("amount", json!({ "type": "number", "minimum": 0 })),
        ("positive", json!({ "type": "number", "exclusiveMinimum": 0 })),
        ("status", json!({ "type": "integer", "minimum": 400, "maximum": 599 })),
        ("time", distribution("time", &reference("duration"), keys::DIST)),
        ("first_token", distribution("time", &reference("duration"), keys::TTFT)),
        ("size", distribution("size", &json!({ "type": "number", "minimum": 0 }), keys::DIST)),
    ];
    all.extend(tables.into_iter().chain(values).map(|(name, value)| (name.to_owned(), value)));
    Value::Object(all)
}

//! `[[expect]]`.

use serde_json::{Map, Value, json};

use super::parts::{DURATION, reference, table, words};
use crate::gate::metric::{Metric, Unit};
use crate::scenario::keys;

pub(super) fn expect() -> Value {
    let metrics: Vec<String> = Metric::names();
    let metrics: Vec<&str> = metrics.iter().map(String::as_str).collect();
    let value = json!({ "anyOf": [{ "type": "number", "minimum": 0 }, { "type": "string" }] });
    let properties = vec![
        ("metric", words(&metrics), "what is measured"),
        ("provider", reference("name"), "of whom"),
        ("during", reference("window"), "requests that arrive in an event's window, or in a span \"60s..120s\""),
        ("class", reference("name"), "of a class alone"),
        ("target", value.clone(), "aim, with `tolerance`"),
        ("tolerance", value.clone(), "distance from it that is accepted"),
        ("min", value.clone(), "smallest accepted"),
        ("max", value, "largest accepted"),
    ];
    let mut expect = table(keys::EXPECT, &properties, &["metric"]);
    let has = |keys: &[&str]| json!({ "required": keys });
    expect["anyOf"] = json!([has(&["target", "tolerance"]), has(&["min"]), has(&["max"])]);
    expect["dependentRequired"] = json!({ "target": ["tolerance"], "tolerance": ["target"] });
    expect["not"] = json!({ "anyOf": [has(&["target", "min"]), has(&["target", "max"])] });
    let needs: Vec<&str> = metrics.iter().copied().filter(|name| Metric::parse(name).is_some_and(Metric::needs_provider)).collect();
    let mut rules = vec![json!({ "if": of_metric(&needs), "then": has(&["provider"]) })];
    for (unit, value) in [(Unit::Millis, "duration"), (Unit::Nanos, "duration"), (Unit::Ratio, "ratio"), (Unit::Number, "amount")] {
        let of_unit: Vec<&str> = metrics.iter().copied().filter(|name| Metric::parse(name).map(Metric::unit) == Some(unit)).collect();
        let values: Map<String, Value> =
            ["target", "tolerance", "min", "max"].into_iter().map(|key| (key.to_owned(), reference(value))).collect();
        rules.push(json!({ "if": of_metric(&of_unit), "then": { "properties": values } }));
    }
    expect["allOf"] = json!(rules);
    expect
}

/// Whether the metric is one of these.
fn of_metric(names: &[&str]) -> Value {
    json!({ "properties": { "metric": { "enum": names } }, "required": ["metric"] })
}

/// The name of an event, or a span of two durations.
pub(super) fn window() -> Value {
    let duration = DURATION.trim_start_matches('^').trim_end_matches('$');
    json!({ "type": "string", "minLength": 1, "anyOf": [{ "pattern": format!(r"^{duration}\.\.{duration}$") }, { "not": { "pattern": r"\.\." } }] })
}

//! `[[provider]]`, its limits, and what events change of it.

use serde_json::{Value, json};

use super::parts::{Property, count, reference, table, words};
use crate::engine::limit::Algorithm;
use crate::scenario::keys;
use crate::world::profile::PROFILES;
use crate::world::shape::SHAPES;

pub(super) fn provider() -> Value {
    let profiles: Vec<&str> = PROFILES.iter().map(|profile| profile.name).collect();
    let shapes: Vec<&str> = SHAPES.iter().map(|(name, _)| *name).collect();
    let properties = vec![
        ("name", reference("name"), "unique"),
        ("weight", reference("positive"), "give all providers one, or none"),
        ("priority", count(0), "tier; a higher number is used only when no provider of a lower one is eligible"),
        ("models", json!({ "type": "array", "items": { "type": "string", "minLength": 1 } }), "absent: serves all"),
        ("enabled", json!({ "type": "boolean" }), "false: drained; events can change it"),
        ("latency", reference("time"), "of the whole answer"),
        ("ttft", reference("first_token"), "time to first token of a streamed answer"),
        ("itl", reference("time"), "time per further token"),
        ("error_rate", reference("ratio"), "attempts answered with `error_status`"),
        ("error_status", reference("status"), "of such an answer"),
        ("error_latency", reference("time"), "how long error answers and refusals take"),
        ("capacity", table(keys::CAPACITY, &capacity(), &["slots"]), "attempts served at the same time"),
        ("limits", reference("limits"), "the true limits"),
        ("declared", reference("limits"), "what the balancer is told in their place"),
        ("visibility", words(&["config", "headers", "none"]), "what the balancer knows of the limits"),
        ("cost", table(keys::COST, &cost(), &["input", "output"]), "price per million tokens"),
        ("background", reference("positive_rate"), "traffic of others on the same quota"),
        ("profile", words(&profiles), "a built-in profile, which other keys override"),
        ("shape", words(&shapes), "whose errors, headers and paths it has over HTTP; that of the profile, else openai"),
        ("quota_group", json!({ "type": "string", "minLength": 1 }), "providers of one group share one quota"),
        ("url", json!(false), "of the gateway; not supported yet"),
        ("api_key_env", json!(false), "of the gateway; not supported yet"),
    ];
    let mut provider = table(keys::PROVIDER, &properties, &["name"]);
    let has = |keys: &[&str]| json!({ "required": keys });
    provider["anyOf"] = json!([has(&["latency"]), has(&["ttft", "itl"]), has(&["profile"])]);
    provider["not"] = json!({ "anyOf": [has(&["latency", "ttft"]), has(&["latency", "itl"])] });
    provider
}

fn capacity() -> Vec<Property> {
    let queue = json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, { "const": "unbounded" }] });
    vec![("slots", count(1), "in parallel"), ("queue", queue, "places in front of them, then 503")]
}

fn cost() -> Vec<Property> {
    let price = json!({ "type": "number", "minimum": 0 });
    vec![("input", price.clone(), "of prompts"), ("output", price, "of answers")]
}

pub(super) fn limits() -> Value {
    let amount = reference("positive");
    let properties = vec![
        ("rpm", amount.clone(), "requests per minute"),
        ("rpd", amount.clone(), "requests per day"),
        ("tpm", amount.clone(), "tokens per minute"),
        ("itpm", amount.clone(), "input tokens per minute"),
        ("otpm", amount.clone(), "output tokens per minute"),
        ("tpd", amount, "tokens per day"),
        ("ramp", reference("positive_rate"), "how fast the admitted rate may grow, per second"),
        ("max_concurrency", count(1), "attempts at the same time"),
        ("algorithm", words(&Algorithm::ALL.map(Algorithm::word)), "how they count; token-bucket unless given"),
        ("period", reference("positive_duration"), "slice in which per-minute limits are enforced; 60s unless given"),
        ("request_period", reference("positive_duration"), "slice of `rpm` alone"),
        ("burst", json!({ "type": "number", "minimum": 1 }), "depth of the request bucket; one period's worth unless given"),
        ("charge", words(&["estimate", "actual"]), "cost of tokens at admission; estimate unless given"),
        ("count_refused", json!({ "type": "boolean" }), "refused attempts use quota, too"),
    ];
    let mut limits = table(keys::LIMITS, &properties, &[]);
    limits["dependentRequired"] = json!({ "request_period": ["rpm"] });
    limits
}

pub(super) fn event() -> Value {
    let properties = vec![
        ("name", reference("name"), "for `during`"),
        ("provider", reference("name"), "whose"),
        ("at", reference("duration"), "start, from the start of the run"),
        ("until", reference("duration"), "end; absent: the end of the run"),
        ("set", reference("change"), "fields it replaces"),
    ];
    table(keys::EVENT, &properties, &["provider", "at", "set"])
}

pub(super) fn change() -> Value {
    let boolean = || json!({ "type": "boolean" });
    let properties = vec![
        ("error_rate", reference("ratio"), "as of a provider"),
        ("error_status", reference("status"), "as of a provider"),
        ("error_latency", reference("time"), "as of a provider"),
        ("latency_factor", reference("positive"), "on all service times"),
        ("ttft_factor", reference("positive"), "on the time to first token"),
        ("itl_factor", reference("positive"), "on the time per token"),
        ("hang", boolean(), "never answers"),
        ("stall", boolean(), "work that would start waits for the end"),
        ("refuse_connections", boolean(), "connections are refused"),
        ("retry_after", json!({ "anyOf": [{ "$ref": "#/$defs/duration" }, { "const": "off" }] }), "a hint, right or wrong; off: none"),
        ("limits", reference("limits"), "other true limits"),
        ("enabled", boolean(), "false drains: the balancer is told"),
    ];
    let mut change = table(keys::SET, &properties, &[]);
    change["minProperties"] = json!(1);
    change
}

//! `[load]` and what stands in it.

use serde_json::{Value, json};

use super::parts::{Property, count, list, reference, table, words};
use crate::scenario::keys;

pub(super) fn load() -> Value {
    let properties = vec![
        ("arrival", words(&["constant", "poisson", "gamma"]), "law of the gaps; poisson unless given"),
        ("burstiness", reference("positive"), "of gamma: below 1 is burstier than poisson (CV² = 1/burstiness)"),
        ("rate", reference("positive_rate"), "open loop: requests per time"),
        ("users", count(1), "closed loop: this many users, each with one request at a time"),
        ("think_time", reference("time"), "pause of a user before each request"),
        ("trace", json!({ "type": "string", "minLength": 1 }), "replay: a file, relative to this one"),
        ("speed", reference("positive"), "times of the trace are divided by this"),
        ("duration", reference("positive_duration"), "length of the measured part"),
        ("requests", count(1), "or its number of requests"),
        ("warmup", reference("duration"), "simulated before, and left out of every figure"),
        ("tokens", table(keys::TOKENS, &tokens(), &[]), "sizes; 400 in and 180 out unless given"),
        ("max_tokens", most_tokens(), "what the client asks for; unlimited unless given"),
        ("timeout", reference("positive_duration"), "per attempt, instead of the balancer's"),
        ("sessions", table(keys::SESSIONS, &sessions(), &["count"]), "affinity keys, Zipf-distributed"),
        ("class", list("class"), "kinds of request"),
        ("stage", list("stage"), "changes of the rate"),
        ("burst", list("burst"), "arrivals at one instant"),
    ];
    let mut load = table(keys::LOAD, &properties, &[]);
    let only = |key: &str| json!({ "required": [key] });
    load["oneOf"] = json!([only("rate"), only("users"), only("trace")]);
    load["not"] = json!({ "required": ["duration", "requests"] });
    load["if"] = json!({ "properties": { "arrival": { "const": "gamma" } }, "required": ["arrival"] });
    load["then"] = json!({ "required": ["burstiness"] });
    load["anyOf"] = json!([only("duration"), only("requests"), only("trace")]);
    load
}

fn most_tokens() -> Value {
    json!({ "anyOf": [{ "type": "integer", "minimum": 0 }, { "const": "unlimited" }] })
}

fn tokens() -> Vec<Property> {
    vec![("input", reference("size"), "prompt tokens"), ("output", reference("size"), "answer tokens, cut at `max_tokens`")]
}

fn sessions() -> Vec<Property> {
    vec![
        ("count", count(1), "number of sessions"),
        ("skew", json!({ "type": "number", "minimum": 0 }), "exponent of Zipf's law; 0 is uniform"),
    ]
}

pub(super) fn class() -> Value {
    let properties = vec![
        ("name", reference("name"), "unique"),
        ("model", json!({ "type": "string", "minLength": 1 }), "only providers that list it, or list none, are eligible"),
        ("share", reference("ratio"), "part of the requests; all classes or none"),
        ("priority", count(0), "lower waits less in the balancer's queue"),
        ("deadline", reference("positive_duration"), "shed when it cannot be sent within this"),
        ("cancel", reference("ratio"), "clients that go away in the middle of the answer"),
        ("tokens", table(keys::TOKENS, &tokens(), &[]), "sizes"),
        ("max_tokens", most_tokens(), "what the client asks for"),
        ("timeout", reference("positive_duration"), "per attempt"),
        ("poison", reference("ratio"), "requests that fail at every provider"),
        ("poison_status", reference("status"), "with this status"),
    ];
    table(keys::CLASS, &properties, &["name"])
}

pub(super) fn stage() -> Value {
    let properties = vec![
        ("at", reference("duration"), "start of the change"),
        ("over", reference("duration"), "length of the ramp; 0s is a step"),
        ("rate", reference("rate"), "rate at its end; 0/s is a gap"),
    ];
    table(keys::STAGE, &properties, &["at", "rate"])
}

pub(super) fn burst() -> Value {
    let properties = vec![
        ("at", reference("duration"), "first instant"),
        ("count", count(1), "arrivals at it"),
        ("every", reference("positive_duration"), "distance of repetitions; once unless given"),
    ];
    table(keys::BURST, &properties, &["at", "count"])
}

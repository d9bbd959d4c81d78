//! `[balancer]` and what stands in it.

use serde_json::{Value, json};

use super::parts::{Property, count, reference, switch, table, words};
use crate::engine::strategy::CATALOGUE;
use crate::scenario::keys;

pub(super) fn balancer() -> Value {
    let names: Vec<&str> = CATALOGUE.iter().flat_map(|info| std::iter::once(info.name).chain(info.aliases.iter().copied())).collect();
    let strategy = words(&names);
    let properties = vec![
        ("strategy", strategy.clone(), "how a provider is chosen among the eligible ones"),
        ("choices", count(1), "providers that power-of-two and peak-ewma compare"),
        ("quota", switch(), "off: limits are not counted, 429s do not cool down"),
        ("output_estimate", output_estimate(), "what a pick reserves for an answer where the provider charges what was used"),
        ("health", switch(), "off: nothing is ejected"),
        ("compare", json!({ "type": "array", "items": strategy }), "default set of `lbsim compare`"),
        ("replicas", json!({ "type": "integer", "minimum": 1, "maximum": 64 }), "gateways that do not see each other's counters"),
        (
            "replica_shares",
            json!({ "type": "array", "items": { "$ref": "#/$defs/ratio" }, "minItems": 1 }),
            "share of the requests that comes to each gateway; in turn unless given",
        ),
        ("sync", table(keys::SYNC, &sync(), &["interval"]), "what the gateways tell each other; nothing unless given"),
        ("timeout", reference("positive_duration"), "per attempt; 60s unless given"),
        ("queue", table(keys::QUEUE, &queue(), &[]), "requests that wait for quota or capacity"),
        ("retry", table(keys::RETRY, &retry(), &[]), "after a failed attempt"),
        ("hedge", table(keys::HEDGE, &hedge(), &["after"]), "a second attempt beside a slow first one"),
        ("outlier_detection", table(keys::OUTLIER_DETECTION, &outlier_detection(), &[]), "when a failing provider is taken out"),
        ("health_check", table(keys::HEALTH_CHECK, &health_check(), &[]), "active probes; none unless given"),
    ];
    table(keys::BALANCER, &properties, &["strategy"])
}

fn output_estimate() -> Value {
    json!({ "anyOf": [{ "const": "max-tokens" }, { "type": "string", "pattern": "^p[5-9][0-9]$" }] })
}

fn sync() -> Vec<Property> {
    vec![
        ("interval", reference("positive_duration"), "between two messages"),
        ("quota", words(&["common", "divided"]), "common: each counts what all use; divided: each has a part, by demand"),
    ]
}

fn queue() -> Vec<Property> {
    vec![("max_wait", reference("duration"), "0s: shed at once when all are full"), ("max_length", count(0), "requests that may wait")]
}

fn retry() -> Vec<Property> {
    vec![
        ("max_retries", json!({ "type": "integer", "minimum": 0, "maximum": 1000 }), "attempts after the first"),
        ("backoff", reference("duration"), "mean wait before the first retry, doubled for each further one"),
        ("max_backoff", reference("duration"), "cap of the doubling"),
        ("budget", json!({ "anyOf": [{ "$ref": "#/$defs/ratio" }, { "const": "off" }] }), "retries ÷ requests over 10 s"),
        ("honor_retry_after", json!({ "type": "boolean" }), "a provider's retry-after is a floor for the wait"),
    ]
}

fn hedge() -> Vec<Property> {
    vec![
        ("after", reference("duration"), "when the first attempt has no answer by then"),
        ("budget", reference("ratio"), "hedges ÷ requests at most"),
    ]
}

fn outlier_detection() -> Vec<Property> {
    vec![
        ("consecutive_errors", count(1), "failures in a row that eject"),
        ("error_ratio", reference("ratio"), "share of failures in the window that ejects"),
        ("window", reference("positive_duration"), "the window"),
        ("min_requests", count(1), "attempts in it before the share counts"),
        ("base_ejection_time", reference("positive_duration"), "first ejection, doubled for each further one"),
        ("max_ejection_time", reference("positive_duration"), "cap of the doubling"),
        ("max_ejection_percent", json!({ "type": "integer", "minimum": 0, "maximum": 100 }), "share of the pool that may be out"),
        ("slow_start", reference("duration"), "how long a returning provider takes to its full share"),
    ]
}

fn health_check() -> Vec<Property> {
    vec![
        ("interval", reference("positive_duration"), "between probes"),
        ("timeout", reference("positive_duration"), "of a probe"),
        ("unhealthy_threshold", count(1), "failed probes in a row that eject"),
        ("healthy_threshold", count(1), "good ones that bring back"),
    ]
}

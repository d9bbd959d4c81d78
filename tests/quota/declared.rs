//! Limits that are declared, used by nobody else: no 429 at all, and nothing of the quota wasted.

use crate::pool::{Case, Limited, Marks, REQUESTS, TOKENS, hold};

/// Zero refusals, and at least `served` of what is possible, at each load and with each strategy.
fn exact(pools: &[(&str, &[Limited<'static>])], sizes: &'static str, served: f64) {
    hold(pools, Marks { refused_max: 0.0, served_min: served, used_min: served }, |case| Case { sizes, ..case });
}

#[test]
fn requests_alone() {
    exact(&REQUESTS, "", 0.99);
}

/// Fixed sizes that `max_tokens` states: the estimate is the truth.
#[test]
fn tokens_of_known_size() {
    exact(&TOKENS, "max_tokens = 180", 0.99);
}

/// Sizes that nobody knows in advance: input + `max_tokens` is reserved, and the rest comes back at the end.
#[test]
fn tokens_of_unknown_size() {
    exact(&TOKENS, "max_tokens = 1_000\ntokens = { input = 400, output = { p50 = 150, p99 = 568 } }", 0.97);
}

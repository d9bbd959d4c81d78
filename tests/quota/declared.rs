//! Limits that are declared, used by nobody else: no 429 at all, and nothing of the quota wasted.

use crate::pool::{Case, Limited, REQUESTS, STRATEGIES, TOKENS};

/// Zero refusals, and at least `served` of what is possible, at each load and with each strategy.
fn exact(pools: &[(&str, &[Limited<'_>])], sizes: &'static str, served: f64) {
    for (name, pool) in pools {
        for strategy in STRATEGIES {
            for load in [0.6, 0.9, 1.0, 1.2] {
                let outcome = Case { sizes, ..Case::new(pool, strategy, load) }.run();
                let what = format!("{name}, {strategy}, load {load}: {}", outcome.figures());
                println!("{what}");
                assert_eq!(outcome.refusals(), 0, "{what}");
                assert!(outcome.served() >= served, "{what}");
                // With more work than quota nothing of it lies idle.
                assert!(load < 1.1 || outcome.used() >= served, "{what}");
            }
        }
    }
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

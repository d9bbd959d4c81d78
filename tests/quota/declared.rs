//! Limits that are declared, used by nobody else: no 429 at all, and nothing of the quota wasted.

use crate::pool::{Case, Limited, Marks, REQUESTS, TOKENS, hold, refusals};

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

/// Answers without `max_tokens`, half of which are cancelled or time out while they stream: what has come by then is counted.
#[test]
fn streams_that_break_off() {
    for algorithm in ["token-bucket", "fixed-window", "sliding-window"] {
        for class in ["cancel = '50%'", "timeout = '3s'"] {
            let (refused, sent) = refusals(&format!(
                "schema = 1\nname = 'streams'\n[load]\nrate = '10/s'\nduration = '10m'\ntokens = {{ input = 100, output = 800 }}\n\
                 [[load.class]]\nname = 'all'\n{class}\n[balancer]\nstrategy = 'round-robin'\nqueue = {{ max_wait = '30s' }}\n\
                 [[provider]]\nname = 'a'\nttft = '200ms'\nitl = '5ms'\nlimits = {{ tpm = 120_000, algorithm = '{algorithm}' }}\n"
            ));
            assert!(sent > 500, "{algorithm}, {class}: {sent}");
            assert_eq!(refused, 0, "{algorithm}, {class}: of {sent}");
        }
    }
}

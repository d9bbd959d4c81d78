//! Limits that only refusals tell.

use crate::pool::{Case, Limited, Marks, REQUESTS, TOKENS, hold};

const VISIBILITY: &str = "none";

/// The most refusals, as a share of attempts, after the first three minutes: a limit is met and found out by a few refusals, at
/// the latest when its bucket runs dry, and then tried once in five minutes and more. Of 7,680 such cases
/// with sixty other seeds 6 have more, all but one of them buckets that run dry only while we measure.
const REFUSED_MAX: f64 = 0.02;

/// After the first three minutes few refusals, and at least 95 % of what is possible.
fn learned(pools: &[(&str, &[Limited<'static>])], sizes: &'static str) {
    let shape = |case| Case { sizes, visibility: VISIBILITY, warmup_s: 180, duration_s: 600, ..case };
    hold(pools, Marks { refused_max: REFUSED_MAX, served_min: 0.95 }, shape);
}

#[test]
fn requests_alone() {
    learned(&REQUESTS, "");
}

#[test]
fn tokens_of_known_size() {
    learned(&TOKENS, "max_tokens = 180");
}

/// A tenth of all attempts is refused for want of shared capacity, whatever we send, and nothing says for how long. What is
/// not refused must still be served: pacing ourselves, or pausing at each refusal, would give a third of it away.
#[test]
fn shared_capacity_does_not_freeze_us_out() {
    let unlimited = [Limited { limits: "rpm = 1_000_000", per_minute: 600.0 }];
    let provider = "error_rate = '10%'\nerror_status = 429";
    let case = Case { visibility: VISIBILITY, provider, warmup_s: 180, duration_s: 600, ..Case::new(&unlimited, "power-of-two", 1.0) };
    let outcome = case.run();
    assert!(outcome.served() >= 0.85, "{}", outcome.figures());
}

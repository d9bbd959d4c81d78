//! Answers that are much shorter than `max_tokens`, or have none, at providers that charge what was used: what a learned size of
//! answers is worth.

use crate::pool::{Case, Limited, Marks, STRATEGIES, hold};

/// A slice of ten seconds of the first holds ten requests of 400 + 180 tokens, or one of 400 + 4,096.
const WINDOWS: [(&str, &[Limited<'static>]); 2] = [
    (
        "fixed",
        &[
            Limited { limits: "tpm = 34_800, period = '10s', charge = 'actual', algorithm = 'fixed-window'", per_minute: 60.0 },
            Limited { limits: "tpm = 58_000, period = '10s', charge = 'actual', algorithm = 'fixed-window'", per_minute: 100.0 },
        ],
    ),
    (
        "sliding",
        &[
            Limited { limits: "tpm = 34_800, period = '10s', charge = 'actual', algorithm = 'sliding-window'", per_minute: 60.0 },
            Limited { limits: "tpm = 58_000, period = '10s', charge = 'actual', algorithm = 'sliding-window'", per_minute: 100.0 },
        ],
    ),
];

/// What an answer leaves flows back into a bucket, so that reserving too much wastes less there.
const BUCKETS: [(&str, &[Limited<'static>]); 1] = [(
    "bucket",
    &[
        Limited { limits: "tpm = 34_800, period = '10s', charge = 'actual'", per_minute: 60.0 },
        Limited { limits: "tpm = 58_000, period = '10s', charge = 'actual'", per_minute: 100.0 },
    ],
)];

const SHORT: &str = "max_tokens = 4_096\ntokens = { input = 400, output = { p50 = 150, p99 = 568 } }";
const UNBOUNDED: &str = "tokens = { input = 400, output = { p50 = 150, p99 = 568 } }";

/// A load of all that is possible: with `max_tokens` reserved half of it is served at most, and nothing refused.
#[test]
fn with_max_tokens_reserved_half_of_a_window_lies_idle() {
    for (name, pool) in WINDOWS {
        for strategy in STRATEGIES {
            let outcome = Case { sizes: SHORT, ..Case::new(pool, strategy, 1.0) }.run();
            println!("{name}, {strategy}: {}", outcome.figures());
            assert!(outcome.served() <= 0.5 && outcome.refused() == 0.0, "{name}, {strategy}: {}", outcome.figures());
        }
    }
}

/// Of the same loads, and lower and higher ones: nearly all is served, for few refusals. An answer that is longer than reserved
/// overdraws a limit until it ends, which shows where the limit is nearly used up.
#[test]
fn with_a_percentile_nearly_all_is_served() {
    for (balancer, refused_max) in [("output_estimate = 'p90'", 0.03), ("output_estimate = 'p95'", 0.02)] {
        let marks = Marks { refused_max, served_min: 0.97, used_min: 0.85 };
        for pools in [&WINDOWS[..], &BUCKETS[..]] {
            hold(pools, marks, |case| Case { sizes: SHORT, balancer, ..case });
        }
    }
}

/// Without `max_tokens` nothing can be reserved for answers but what was learned.
#[test]
fn without_max_tokens_a_percentile_keeps_to_the_limit() {
    let marks = Marks { refused_max: 0.025, served_min: 0.97, used_min: 0.85 };
    for pools in [&WINDOWS[..], &BUCKETS[..]] {
        hold(pools, marks, |case| Case { sizes: UNBOUNDED, balancer: "output_estimate = 'p95'", ..case });
    }
}

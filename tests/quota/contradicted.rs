//! Limits that are declared wrongly, and that response headers tell too.

use crate::pool::{Case, Limited, Marks, hold};

/// "60 a minute" in four meanings, of which the declaration is none: a bucket of 60.
const POOLS: [(&str, &[Limited<'static>]); 5] = [
    ("shallow", &[Limited { limits: "rpm = 60, burst = 1", per_minute: 60.0 }; 2]),
    ("slices", &[Limited { limits: "rpm = 60, algorithm = 'fixed-window', period = '10s'", per_minute: 60.0 }; 2]),
    ("fixed", &[Limited { limits: "rpm = 60, algorithm = 'fixed-window'", per_minute: 60.0 }; 2]),
    ("sliding", &[Limited { limits: "rpm = 60, algorithm = 'sliding-window'", per_minute: 60.0 }; 2]),
    (
        "all",
        &[
            Limited { limits: "rpm = 60, burst = 1", per_minute: 60.0 },
            Limited { limits: "rpm = 60, algorithm = 'fixed-window', period = '10s'", per_minute: 60.0 },
            Limited { limits: "rpm = 60, algorithm = 'fixed-window'", per_minute: 60.0 },
            Limited { limits: "rpm = 60, algorithm = 'sliding-window'", per_minute: 60.0 },
        ],
    ),
];

/// Headers that name another limit, or that come after refusals where the declaration allows more, count as if nothing were
/// declared. A sliding window is found late: what was used of it before is taken to expire all at once.
#[test]
fn headers_are_believed() {
    let marks = Marks { refused_max: 0.01, served_min: 0.97, used_min: 0.78 };
    hold(&POOLS, marks, |case| Case { visibility: "headers", provider: "declared = { rpm = 60 }", ..case });
}

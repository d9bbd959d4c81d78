//! Limits that are declared wrongly, and that response headers tell too.

use lbsim::gate::run::{Options, run};
use lbsim::scenario::{Overrides, parse};

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

/// For a minute and a half the provider allows a tenth of what is declared, and says so. When its headers say what is declared
/// again, that counts again: all of the load that comes then is served.
#[test]
fn a_declaration_that_is_right_again_is_believed_again() {
    let text = r#"
schema = 1
name = "again"
[load]
arrival = "constant"
rate = "0.5/s"
duration = "10m"
stage = [{ at = "150s", rate = "4/s" }]
[balancer]
strategy = "round-robin"
[[provider]]
name = "alpha"
latency = "100ms"
limits = { rpm = 600 }
visibility = "headers"
declared = { rpm = 600 }
[[event]]
provider = "alpha"
at = "30s"
until = "120s"
set = { limits = { rpm = 60, algorithm = "fixed-window" } }
"#;
    let plan = parse("again.toml", text, &Overrides::default()).expect("a valid scenario").scenario.plan;
    let run = run(&plan, &[], Options::default()).expect("a plan that can be run").run;
    // 75 at half a request a second, and 4 × 450 s.
    assert_eq!((run.requests.offered, run.requests.succeeded), (1_875, 1_875));
}

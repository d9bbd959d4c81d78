//! The same scenario under both clocks: one engine, the same draws, so the same decisions wherever chance is addressed.

use lbsim::drive::{Plan, RealTime};
use lbsim::gate::run::{Options, run};
use lbsim::report::Run;
use lbsim::scenario::{Overrides, parse};

/// One run, its requests' and attempts' sums checked.
pub fn report(plan: &Plan) -> Run {
    let run = run(plan, &[], Options::default()).expect("a plan that can be run").run;
    let requests = run.requests;
    assert_eq!(requests.offered, requests.succeeded + requests.failed + requests.shed + requests.unfinished, "every request ends once");
    assert_eq!(run.attempts.total, run.providers.iter().map(|provider| provider.attempts).sum::<u64>());
    run
}

/// Under the virtual clock and in real time.
fn both(text: &str) -> (Run, Run) {
    let loaded = parse("test.toml", text, &Overrides::default()).expect("a valid scenario");
    let plan = loaded.scenario.plan;
    let real = Plan { real: Some(RealTime::default()), ..plan.clone() };
    (report(&plan), report(&real))
}

#[test]
fn a_weighted_scenario_is_the_same_over_http() {
    // Errors, sizes and service times are drawn by request, and weighted round robin without feedback decides by order of
    // arrival: shares and outcomes must be equal exactly, in real time too, for plain and for streamed answers.
    let (virtual_run, real) = both(
        r#"
schema = 1
name = "weighted"
seed = 7
[load]
arrival = "constant"
rate = "100/s"
duration = "2s"
[balancer]
strategy = "weighted-round-robin"
health = "off"
[[provider]]
name = "alpha"
weight = 3
latency = { p50 = "30ms", p99 = "90ms" }
error_rate = "10%"
[[provider]]
name = "beta"
weight = 1
ttft = "20ms"
itl = "1ms"
"#,
    );
    assert_eq!(virtual_run.requests, real.requests);
    assert_eq!(virtual_run.attempts, real.attempts);
    for (simulated, served) in virtual_run.providers.iter().zip(&real.providers) {
        assert_eq!((simulated.attempts, simulated.errors), (served.attempts, served.errors), "{}", served.name);
        // Nothing real is faster than its own service time.
        assert!(served.latency_ms.min >= simulated.latency_ms.min, "{}", served.name);
    }
    let punctual = real.real.expect("a run in real time says how punctual it was");
    assert_eq!(punctual.lag_ms.count, real.requests.offered);
}

#[test]
fn limits_refuse_the_same_requests_over_http() {
    // 40 requests at 20/s against 10 a second in fixed windows, unknown to a balancer that does not react: ten of each
    // window's twenty are refused. Windows are aligned, and an arrival stands 25 ms from the nearest edge.
    let (virtual_run, real) = both(
        r#"
schema = 1
name = "limited"
[load]
arrival = "constant"
rate = "20/s"
duration = "2s"
[balancer]
strategy = "round-robin"
quota = "off"
health = "off"
[[provider]]
name = "alpha"
latency = "5ms"
limits = { rpm = 600, algorithm = "fixed-window", period = "1s" }
"#,
    );
    assert_eq!((virtual_run.attempts.rate_limited, virtual_run.requests.succeeded), (20, 20));
    // An arrival at exactly a window's edge may fall to either side of it over sockets, never more than that one.
    assert!(real.attempts.rate_limited.abs_diff(20) <= 1, "{} of 40 refused", real.attempts.rate_limited);
}

#[test]
fn faults_are_real_and_every_request_is_accounted_for() {
    // A provider that refuses connections, one that never answers, and a good one: two retries find it.
    let (virtual_run, real) = both(
        r#"
schema = 1
name = "faults"
[load]
arrival = "constant"
rate = "20/s"
duration = "1s"
[balancer]
strategy = "round-robin"
health = "off"
timeout = "200ms"
retry = { max_retries = 2, backoff = "10ms", budget = "off" }
[[provider]]
name = "refuses"
latency = "10ms"
[[provider]]
name = "hangs"
latency = "10ms"
[[provider]]
name = "works"
latency = "10ms"
[[event]]
provider = "refuses"
at = "0s"
set = { refuse_connections = true }
[[event]]
provider = "hangs"
at = "0s"
set = { hang = true }
"#,
    );
    for run in [&virtual_run, &real] {
        assert_eq!(run.requests.succeeded, 20);
        let [refuses, hangs, works] = &run.providers[..] else { panic!("three providers") };
        assert_eq!((refuses.errors, hangs.timeouts, works.succeeded), (refuses.attempts, hangs.attempts, 20));
    }
}

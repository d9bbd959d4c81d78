//! The same scenario under both clocks: one engine, the same draws, so the same decisions wherever chance is addressed.

use std::path::{Path, PathBuf};

use lbsim::drive::{Plan, RealTime};
use lbsim::gate::agree::agreement;
use lbsim::gate::run::{Options, run};
use lbsim::gate::{Expectation, Metric};
use lbsim::report::{Run, Verdict};
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

/// A scenario of ours under both clocks, `scale` times faster than the wall: every share, refusal and success agrees. How long
/// things took is left to `lbsim run --agree`: a busy machine is late, and tests assert no timings.
#[track_caller]
fn agrees(name: &str, set: &[&str], scale: f64) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(name);
    let overrides = Overrides { set: set.iter().map(|set| (*set).to_owned()).collect(), ..Overrides::default() };
    let loaded = lbsim::scenario::load(path.to_str().expect("a name in UTF-8"), &overrides).expect("a scenario of ours");
    let plan = loaded.scenario.plan;
    let timed = |metric: Metric| matches!(metric, Metric::Latency(_) | Metric::Ttft(_));
    let wanted: Vec<Expectation> = agreement(&report(&plan), scale).into_iter().map(|(wanted, _)| wanted).collect();
    let wanted: Vec<Expectation> = wanted.into_iter().filter(|wanted| !timed(wanted.metric)).collect();
    assert!(wanted.len() >= 3 + plan.providers.len(), "shares, refusals, shed, successes");
    let real = Plan { real: Some(RealTime { time_scale: scale, ..RealTime::default() }), ..plan };
    let found = run(&real, &wanted, Options::default()).expect("a plan that can be run").run;
    for result in found.expectations {
        assert_eq!(result.verdict, Verdict::Pass, "{result:?}");
    }
}

#[test]
fn weighted_agrees() {
    agrees("weighted.toml", &["load.duration=60s"], 10.0);
}

#[test]
fn rate_limits_agree() {
    agrees("rate_limits.toml", &["load.duration=100s"], 10.0);
}

#[test]
fn an_outage_agrees() {
    agrees("outage.toml", &[], 20.0);
}

#[test]
fn a_brownout_agrees() {
    agrees("brownout.toml", &[], 20.0);
}

#[test]
fn a_minute_of_a_recorded_trace_agrees() {
    // Patel et al., "Splitwise", ISCA 2024: in the folder that `LBSIM_TRACES` names, or in `../shared/traces`.
    let folder = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/traces");
    let folder = std::env::var_os("LBSIM_TRACES").map_or_else(folder, PathBuf::from);
    let Ok(trace) = folder.join("AzureLLMInferenceTrace_conv.csv").canonicalize() else {
        eprintln!("skipped: no trace in {}", folder.display());
        return;
    };
    agrees("azure_conversation.toml", &[&format!("load.trace={}", trace.display()), "load.duration=60s"], 10.0);
}

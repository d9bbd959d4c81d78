//! A file that uses every key: each value lands in the plan.

use crate::drive::plan::{SharedQuota, Sync};
use crate::engine::OutputEstimate;
use crate::engine::limit::{Algorithm, Charge};
use crate::engine::strategy::Strategy;
use crate::gate::expect::Want;
use crate::gate::metric::{Figure, Metric};
use crate::time::Nanos;
use crate::world::dist::Dist;
use crate::world::spec::{ArrivalLaw, Burst, End, RetryAfter, Service, Sessions, Source, Stage, Visibility};

use super::{Parts, brief, check};
use crate::scenario::Scenario;

/// The example of the format's description, with the parts that this version refuses left out, and a second provider.
pub(super) const FULL: &str = r#"#:schema ./scenario.v1.json
schema = 1
name = "weighted"
description = "one sentence: what this scenario shows"
seed = 42
clock = "virtual"

[load]
arrival = "gamma"
burstiness = 0.5
rate = "100/s"
duration = "2m"
warmup = "10s"
tokens = { input = { p50 = 400, p99 = 3500 }, output = 180 }
max_tokens = 1_024
sessions = { count = 1000, skew = 1.1 }
[[load.class]]
name = "interactive"
model = "gpt-4o"
share = "60%"
priority = 1
deadline = "2s"
cancel = "8%"
[[load.class]]
name = "batch"
share = 0.4
poison = "1%"
poison_status = 400
max_tokens = 10
timeout = "5s"
tokens = { output = { exponential = 99.5 } }
[[load.stage]]
at = "60s"
over = "10s"
rate = "150/s"
[[load.stage]]
at = "70s"
rate = "0/s"
[[load.burst]]
at = "60s"
count = 60
every = "60s"

[balancer]
strategy = "weighted-round-robin"
choices = 3
quota = "off"
output_estimate = "p95"
health = "on"
compare = ["random", "least-connections"]
replicas = 4
replica_shares = ["40%", 0.3, "20%", "10%"]
sync = { interval = "2s", quota = "divided" }
timeout = "30s"
queue = { max_wait = "3s", max_length = 100 }
retry = { max_retries = 2, backoff = "50ms", max_backoff = "4s", budget = "10%", honor_retry_after = false }
hedge = { after = "1s", budget = "6%" }
outlier_detection = { consecutive_errors = 6, error_ratio = "40%", window = "20s", min_requests = 10, base_ejection_time = "5s", max_ejection_time = "100s", max_ejection_percent = 30, slow_start = "0s" }
health_check = { interval = "6s", timeout = "2s", unhealthy_threshold = 4, healthy_threshold = 1 }

[[provider]]
name = "alpha"
weight = 5
priority = 1
models = ["gpt-4o"]
enabled = false
latency = { p50 = "420ms", p99 = "2.1s", slow = { share = "2%", factor = 6 } }
error_rate = "0.2%"
error_status = 503
error_latency = "0s"
capacity = { slots = 8, queue = 16 }
limits = { rpm = 600, rpd = 9_000, tpm = 900_000, itpm = 1, otpm = 2, tpd = 3, ramp = "20/s", max_concurrency = 40, algorithm = "token-bucket", burst = 7, period = "1s", charge = "actual", count_refused = true }
visibility = "headers"
cost = { input = 2.5, output = 10 }
background = "120/min"
quota_group = "org-a"

[[provider]]
name = "beta"
weight = 0.5
ttft = { gamma = { mean = "400ms", cv = 0.5 } }
itl = { mixture = [{ weight = 9, value = "10ms" }, { weight = 1, value = { uniform = ["1s", "2s"] } }] }
quota_group = "org-a"

[[event]]
name = "down"
provider = "alpha"
at = "30s"
until = "60s"
set = { error_rate = 1.0, error_status = 500, error_latency = "1s", latency_factor = 2, hang = true, stall = false, refuse_connections = true, retry_after = "5s", limits = { rpm = 60 }, enabled = false }
[[event]]
provider = "beta"
at = "0s"
set = { hang = true, ttft_factor = 3, itl_factor = 0.5, retry_after = "off" }

[slo]
ttft = "3s"
latency = "20s"

[[expect]]
metric = "share"
provider = "alpha"
during = "down"
class = "batch"
target = "50%"
tolerance = "0.1%"
[[expect]]
metric = "latency_p99"
during = "60s..120s"
max = "1.5s"
[[expect]]
metric = "decision_p50"
max = "1us"
"#;

fn full() -> Scenario {
    match check(FULL) {
        Ok(loaded) => loaded.scenario,
        Err(found) => panic!("{}", found.render(false, 92)),
    }
}

#[test]
fn the_head_and_the_load_land_in_the_plan() {
    let scenario = full();
    let load = &scenario.plan.load;
    assert_eq!(
        (scenario.name.as_str(), scenario.path.as_str(), scenario.plan.seed, scenario.plan.engine.seed),
        ("weighted", "s.toml", 42, 42)
    );
    assert_eq!(scenario.description.as_deref(), Some("one sentence: what this scenario shows"));
    assert_eq!(scenario.compare, [Strategy::Random, Strategy::LeastConnections]);
    assert_eq!((load.end, load.warmup), (End::Duration(Nanos::from_secs(120)), Nanos::from_secs(10)));
    assert_eq!(load.sessions, Some(Sessions { count: 1_000, skew: 1.1 }));
    let Source::Open(open) = &load.source else { panic!("an open loop") };
    assert_eq!((open.arrival, open.rate), (ArrivalLaw::Gamma { burstiness: 0.5 }, 100.0));
    let stage = |at, over, rate| Stage { at: Nanos::from_secs(at), over: Nanos::from_secs(over), rate };
    assert_eq!(open.stages, [stage(60, 10, 150.0), stage(70, 0, 0.0)]);
    assert_eq!(open.bursts, [Burst { at: Nanos::from_secs(60), count: 60, every: Some(Nanos::from_secs(60)) }]);
}

#[test]
fn classes_take_from_the_load_what_they_do_not_say() {
    let classes = full().plan.load.classes;
    let [interactive, batch] = classes.as_slice() else { panic!("two classes") };
    // exp(N(ln 400, σ²)) with its 0.99 quantile at 3500: σ = ln(8.75) / 2.32634787404 = 2.1690537 / 2.3263479.
    let Dist::LogNormal { mu, sigma } = interactive.input else { panic!("log-normal input") };
    assert!((mu - 400.0_f64.ln()).abs() < 1e-12 && (sigma - 2.169_053_700_369_523_6 / 2.326_347_874_040_840_8).abs() < 1e-12);
    assert_eq!((interactive.name.as_deref(), interactive.model.as_deref()), (Some("interactive"), Some("gpt-4o")));
    assert_eq!((interactive.share, interactive.priority, interactive.cancel, interactive.poison), (0.6, 1, 0.08, 0.0));
    assert_eq!((interactive.deadline, interactive.timeout, interactive.max_tokens), (Some(Nanos::from_secs(2)), None, Some(1_024)));
    assert_eq!(interactive.output, Dist::Fixed(180.0));
    assert_eq!((batch.share, batch.priority, batch.cancel, batch.poison), (0.4, 0, 0.0, 0.01));
    assert_eq!((interactive.poison_status, batch.poison_status), (None, Some(400)));
    assert_eq!((batch.deadline, batch.timeout, batch.max_tokens), (None, Some(Nanos::from_secs(5)), Some(10)));
    assert_eq!((&batch.input, &batch.output), (&interactive.input, &Dist::Exponential { mean: 99.5 }));
}

#[test]
fn the_balancer_lands_in_the_plan() {
    let plan = full().plan;
    assert_eq!((plan.engine.strategy, plan.engine.choices, plan.engine.quota), (Strategy::WeightedRoundRobin, 3, false));
    assert_eq!(plan.engine.output_estimate, OutputEstimate::Percentile(95));
    assert_eq!((plan.replicas, plan.timeout), (4, Nanos::from_secs(30)));
    assert_eq!(plan.replica_shares, [0.4, 0.3, 0.2, 0.1]);
    assert_eq!(plan.sync, Some(Sync { interval: Nanos::from_secs(2), quota: SharedQuota::Divided }));
    assert_eq!((plan.queue.max_wait, plan.queue.max_length), (Nanos::from_secs(3), 100));
    let retry = plan.engine.retry;
    assert_eq!((retry.max_retries, retry.backoff, retry.max_backoff), (2, Nanos::from_millis(50), Nanos::from_secs(4)));
    assert_eq!((retry.budget, retry.honor_retry_after), (Some(0.1), false));
    let hedge = plan.hedge.expect("a hedge");
    assert_eq!((hedge.after, hedge.budget), (Nanos::from_secs(1), 0.06));
    let outlier = plan.engine.outlier_detection.expect("outlier detection");
    assert_eq!((outlier.consecutive_errors, outlier.error_ratio, outlier.window, outlier.min_requests), (6, 0.4, Nanos::from_secs(20), 10));
    assert_eq!((outlier.base_ejection_time, outlier.max_ejection_time), (Nanos::from_secs(5), Nanos::from_secs(100)));
    assert_eq!((outlier.max_ejection_percent, outlier.slow_start), (30, Nanos::ZERO));
    let check = plan.health_check.expect("probes");
    assert_eq!((check.interval, check.timeout), (Nanos::from_secs(6), Nanos::from_secs(2)));
    assert_eq!((check.unhealthy_threshold, check.healthy_threshold), (4, 1));
    assert_eq!((plan.slo.ttft, plan.slo.latency), (Some(Nanos::from_secs(3)), Some(Nanos::from_secs(20))));
}

#[test]
fn providers_land_as_they_are_and_as_they_are_known() {
    let plan = full().plan;
    let ([alpha, beta], [known, other]) = (plan.providers.as_slice(), plan.engine.providers.as_slice()) else { panic!("two providers") };
    let Service::Whole(Dist::Slow { share, factor, base }) = &alpha.service else { panic!("a slow mode") };
    assert_eq!((*share, *factor), (0.02, 6.0));
    assert!(matches!(**base, Dist::LogNormal { mu, .. } if (mu - 420e6_f64.ln()).abs() < 1e-12));
    assert_eq!((alpha.error_rate, alpha.error_status, &alpha.error_latency), (0.002, 503, &Dist::Fixed(0.0)));
    assert_eq!((alpha.slots, alpha.queue, alpha.background), (Some(8), Some(16), 2.0));
    let limits = &alpha.limits;
    assert_eq!((limits.rpm, limits.rpd, limits.tpm), (Some(600.0), Some(9_000.0), Some(900_000.0)));
    assert_eq!((limits.itpm, limits.otpm, limits.tpd, limits.max_concurrency), (Some(1.0), Some(2.0), Some(3.0), Some(40)));
    assert_eq!(limits.ramp, Some(20.0));
    assert_eq!((limits.algorithm, limits.period, limits.burst), (Algorithm::TokenBucket, Some(Nanos::from_secs(1)), Some(7.0)));
    assert_eq!((limits.charge, limits.count_refused), (Charge::Actual, true));
    assert_eq!((known.weight, known.priority, &known.models[..], known.drained), (Some(5.0), 1, &["gpt-4o".to_owned()][..], true));
    assert_eq!(known.cost.map(|cost| (cost.input, cost.output)), Some((2.5, 10.0)));
    // Visibility "headers": the balancer does not know the limits, of neither member of the group.
    assert!(alpha.visibility == Visibility::Headers && known.limits.is_unlimited());
    assert!(beta.visibility == Visibility::Headers && other.limits.is_unlimited());
    assert_eq!((&beta.limits, other.quota_group.as_deref()), (limits, Some("org-a")));
    let Service::Streamed { ttft, itl, prefill: 0.0, crowding: 0.0 } = &beta.service else { panic!("a streamed answer") };
    assert_eq!(ttft, &Dist::Gamma { shape: 4.0, scale: 1e8 });
    assert_eq!(itl, &Dist::Mixture(vec![(0.9, Dist::Fixed(1e7)), (0.1, Dist::Uniform { low: 1e9, high: 2e9 })]));
}

#[test]
fn events_and_expectations_land_in_the_plan() {
    let scenario = full();
    let [down, open_ended] = scenario.plan.events.as_slice() else { panic!("two events") };
    assert_eq!(
        (down.name.as_deref(), down.provider, down.at, down.until),
        (Some("down"), 0, Nanos::from_secs(30), Some(Nanos::from_secs(60)))
    );
    let set = &down.set;
    assert_eq!((set.error_rate, set.error_status, &set.error_latency), (Some(1.0), Some(500), &Some(Dist::Fixed(1e9))));
    assert_eq!((set.latency_factor, set.hang, set.stall), (Some(2.0), Some(true), Some(false)));
    assert_eq!(
        (set.refuse_connections, set.retry_after, set.enabled),
        (Some(true), Some(RetryAfter::Fixed(Nanos::from_secs(5))), Some(false))
    );
    assert_eq!(set.limits.as_ref().and_then(|limits| limits.rpm), Some(60.0));
    let slow = &open_ended.set;
    assert_eq!((slow.ttft_factor, slow.itl_factor, slow.retry_after), (Some(3.0), Some(0.5), Some(RetryAfter::Off)));
    assert_eq!((open_ended.name.as_deref(), open_ended.provider, open_ended.until), (None, 1, None));

    let [share, latency, decision] = scenario.expectations.as_slice() else { panic!("three expectations") };
    assert_eq!((share.metric, share.provider, share.class), (Metric::Share, Some(0), Some(1)));
    assert_eq!(share.want, Want::Target { target: 0.5, tolerance: 0.001 });
    let window = share.during.as_ref().expect("a window");
    assert_eq!((window.label.as_str(), window.from, window.until), ("down", Nanos::from_secs(30), Nanos::from_secs(60)));
    assert_eq!(FULL.lines().nth(share.line - 1), Some("[[expect]]"));
    assert_eq!((latency.metric, latency.want), (Metric::Latency(Figure::P99), Want::Range { min: None, max: Some(1_500.0) }));
    assert_eq!(latency.during.as_ref().map(|window| (window.from, window.until)), Some((Nanos::from_secs(60), Nanos::from_secs(120))));
    assert_eq!((decision.metric, decision.want), (Metric::Decision(Figure::P50), Want::Range { min: None, max: Some(1_000.0) }));
}

/// What the balancer is told in place of the truth; in a quota group all members are told the same.
#[test]
fn declared_limits_are_the_belief() {
    let provider = "latency = \"100ms\"\nlimits = { rpm = 120 }\ndeclared = { rpm = 30 }";
    let plan = check(&Parts { provider, ..Parts::default() }.text()).expect("valid").scenario.plan;
    assert_eq!((plan.providers[0].limits.rpm, plan.engine.providers[0].limits.rpm), (Some(120.0), Some(30.0)));
    let provider = format!("{provider}\nquota_group = \"org\"");
    let rest = "[[provider]]\nname = \"beta\"\nlatency = \"100ms\"\nquota_group = \"org\"";
    let plan = check(&Parts { provider: &provider, rest, ..Parts::default() }.text()).expect("valid").scenario.plan;
    assert_eq!((plan.providers[1].limits.rpm, plan.engine.providers[1].limits.rpm), (Some(120.0), Some(30.0)));
}

/// The shortest valid scenario: everything else has the documented default.
#[test]
fn defaults() {
    let loaded = check(&Parts::default().text()).expect("valid");
    let plan = loaded.scenario.plan;
    assert_eq!((plan.seed, plan.replicas, plan.timeout), (0, 1, Nanos::from_secs(60)));
    assert_eq!((plan.queue.max_wait, plan.queue.max_length), (Nanos::ZERO, 1_000));
    assert_eq!((plan.hedge, plan.health_check), (None, None));
    assert_eq!((plan.engine.choices, plan.engine.quota), (2, true));
    assert_eq!(plan.engine.output_estimate, OutputEstimate::MaxTokens);
    assert_eq!(plan.engine.retry, crate::engine::config::Retry::default());
    assert_eq!(plan.engine.outlier_detection, Some(crate::engine::config::OutlierDetection::default()));
    let [class] = plan.load.classes.as_slice() else { panic!("one class") };
    assert_eq!((class.name.as_deref(), class.share, class.max_tokens, class.timeout), (None, 1.0, None, None));
    assert_eq!((&class.input, &class.output), (&Dist::Fixed(400.0), &Dist::Fixed(180.0)));
    let [provider] = plan.providers.as_slice() else { panic!("one provider") };
    assert_eq!((provider.error_rate, provider.error_status, &provider.error_latency), (0.0, 500, &Dist::Fixed(2e7)));
    assert_eq!((provider.slots, provider.queue, provider.visibility), (None, None, Visibility::Config));
    assert!(provider.limits.is_unlimited() && plan.engine.providers[0].weight.is_none());
    assert!(matches!(&provider.service, Service::Whole(Dist::Fixed(nanos)) if *nanos == 1e8));
}

/// Forms of one value that mean the same, and edges that are valid.
#[test]
fn other_forms() {
    let valid = |parts: Parts<'_>| match check(&parts.text()) {
        Ok(loaded) => loaded.scenario.plan,
        Err(found) => panic!("{}", found.render(false, 92)),
    };
    let plan = valid(Parts {
        balancer: "strategy = \"random\"\nhealth = \"off\"\nquota = false\noutlier_detection = {}\nhealth_check = {}",
        ..Parts::default()
    });
    assert!(plan.engine.outlier_detection.is_none() && plan.health_check.is_none() && !plan.engine.quota);
    let plan = valid(Parts { balancer: "strategy = \"random\"\nretry = { budget = \"off\", backoff = \"9s\" }", ..Parts::default() });
    assert_eq!((plan.engine.retry.budget, plan.engine.retry.max_backoff), (None, Nanos::from_secs(9)));
    let plan = valid(Parts { load: "rate = \"0.5/min\"\nrequests = 5\nmax_tokens = \"unlimited\"", ..Parts::default() });
    assert!(matches!(plan.load.source, Source::Open(ref open) if open.rate == 0.5 / 60.0));
    let plan = valid(Parts { load: "users = 5\nthink_time = \"0s\"\nrequests = 5", ..Parts::default() });
    assert!(matches!(plan.load.source, Source::Closed { users: 5, think_time: Dist::Fixed(0.0) }));
    let plan = valid(Parts { provider: "latency = { p50 = \"0s\", p99 = \"0s\" }", ..Parts::default() });
    assert!(matches!(plan.providers[0].service, Service::Whole(Dist::Fixed(0.0))));
    // mean 1 s, cv 1: σ² = ln 2, μ = ln 1e9 − ln 2 / 2.
    let plan = valid(Parts { provider: "latency = { lognormal = { mean = \"1s\", cv = 1 } }", ..Parts::default() });
    let Service::Whole(Dist::LogNormal { mu, sigma }) = plan.providers[0].service else { panic!("log-normal") };
    assert!((mu - (1e9_f64.ln() - 2.0_f64.ln() / 2.0)).abs() < 1e-12 && (sigma - 2.0_f64.ln().sqrt()).abs() < 1e-12);
    let plan = valid(Parts {
        load: "rate = \"1/s\"\nrequests = 9\n[[load.class]]\nname = \"a\"\n[[load.class]]\nname = \"b\"",
        ..Parts::default()
    });
    assert!(plan.load.classes.iter().all(|class| class.share == 0.5));
    let loaded = check(&format!("\u{feff}{}", Parts::default().text())).expect("a byte order mark is no error");
    assert_eq!(brief(&loaded.warnings), Vec::<String>::new());
}

//! A report made by hand, for the tests of the formats.

use std::collections::BTreeMap;

use crate::report::{
    Attempts, ClassRun, DecisionCost, Efficiency, ExpectationResult, FORMAT, Fairness, ProviderRun, ProviderTimeline, Quantiles, Quota,
    Report, Requests, Run, ScenarioRef, Timeline, Verdict, Wall,
};

/// Three providers, one of which gets too much; one expectation of each verdict.
pub fn report() -> Report {
    Report {
        format: FORMAT,
        lbsim: "0.1.0".to_owned(),
        scenario: ScenarioRef {
            name: "weighted".to_owned(),
            digest: "8d3f0c1e".to_owned(),
            path: "scenarios/weighted.toml".to_owned(),
            description: Some(
                "Shares follow weights, and a provider that fails for half a minute gives its share to the others.".to_owned(),
            ),
            arguments: Vec::new(),
        },
        clock: "virtual".to_owned(),
        verdict: Verdict::Fail,
        runs: vec![run()],
        wall: Some(wall()),
        replicated: Vec::new(),
        comparison: None,
    }
}

/// The same without a single attempt: everything was shed.
pub fn empty() -> Report {
    let mut report = report();
    let run = &mut report.runs[0];
    run.requests = Requests { offered: 10, shed: 10, ..Requests::default() };
    run.attempts = Attempts::default();
    for times in [&mut run.latency_ms, &mut run.ttft_ms, &mut run.balancer_queue_ms, &mut run.provider_queue_ms] {
        *times = Quantiles::default();
    }
    for provider in &mut run.providers {
        let (name, weight, target_share) = (provider.name.clone(), provider.weight, provider.target_share);
        *provider = ProviderRun { share: None, target_share, ..self::provider(&name, weight, None, 0) };
        provider.latency_ms = Quantiles::default();
    }
    run.classes.truncate(1);
    run.fairness = Fairness::default();
    run.efficiency = Efficiency::default();
    run.expectations.truncate(3);
    for expectation in &mut run.expectations {
        (expectation.got, expectation.samples, expectation.verdict) = (None, 0, Verdict::NoData);
    }
    report.verdict = Verdict::NoData;
    report.wall = None;
    report
}

fn run() -> Run {
    let requests = Requests { offered: 12_000, succeeded: 11_950, failed: 40, shed: 8, unfinished: 2, cancelled: 2 };
    let mut alpha = provider("alpha", 5.0, Some(5.0 / 7.0), 8_600);
    alpha.quota = Some(Quota { rpm_peak: Some(4_300.0), tpm_peak: None, utilization: Some(0.717) });
    alpha.errors = 40;
    alpha.rate_limited = 12;
    alpha.utilization = Some(0.43);
    let mut gamma = provider("gamma-eu-west-1-with-a-long-name", 1.0, Some(1.0 / 7.0), 1_700);
    gamma.timeouts = 3;
    gamma.ejections = Some(1);
    Run {
        decisions: None,
        real: None,
        strategy: "weighted-round-robin".to_owned(),
        seed: 42,
        simulated_s: 123.4,
        measured_s: 120.0,
        requests,
        attempts: Attempts { total: 12_012, retries: 20, rate_limited: 12, errors: 40, timeouts: 3, avoidable_rate_limited: 0 },
        latency_ms: times(420.0),
        latency_ladder: vec![(0.0, 84.0, 1), (0.5, 420.0, 5_975), (1.0, 4_914.0, 11_950)],
        ttft_ms: times(120.0),
        balancer_queue_ms: Quantiles { count: 11_992, mean: Some(0.0), max: Some(0.0), ..Quantiles::default() },
        provider_queue_ms: times(0.5),
        providers: vec![alpha, provider("beta", 1.0, Some(1.0 / 7.0), 1_712), gamma],
        classes: ["interactive", "batch"].map(|name| class(name, requests)).to_vec(),
        fairness: Fairness {
            max_share_error: Some(0.00166),
            total_variation: Some(0.00166),
            jain: Some(0.9999),
            chi2: Some(0.2),
            chi2_p: Some(0.905),
        },
        efficiency: Efficiency {
            goodput_per_s: Some(99.6),
            bound_per_s: Some(100.0),
            ratio: Some(0.996),
            binding: Some("rpm of alpha".to_owned()),
            mix_bound_per_s: Some(99.8),
            mix_ratio: Some(0.998),
            latency_bound_ms: Some(480.0),
            latency_ratio: Some(0.952),
        },
        timeline: Timeline {
            interval_s: 60.0,
            offered: vec![6_000, 6_000],
            providers: BTreeMap::from([(
                "alpha".to_owned(),
                ProviderTimeline { attempts: vec![1], rate_limited: vec![0], errors: vec![0], quota: Vec::new() },
            )]),
        },
        expectations: vec![
            expectation("share", Some("alpha"), "50% ± 0.1%", Some(0.499_917), Verdict::Pass),
            expectation("success_ratio", None, "≥ 99.9%", Some(0.995_833), Verdict::Fail),
            expectation("latency_p99", Some("gamma-eu-west-1-with-a-long-name"), "≤ 2s", Some(2_100.0), Verdict::Fail),
            expectation("recovery_time", Some("beta"), "≤ 5s", None, Verdict::NoData),
            expectation("retries_per_request", None, "≤ 0.1", Some(0.001_67), Verdict::Pass),
        ],
    }
}

fn provider(name: &str, weight: f64, target_share: Option<f64>, attempts: u64) -> ProviderRun {
    ProviderRun {
        name: name.to_owned(),
        weight,
        target_share,
        share: Some(attempts as f64 / 12_012.0),
        attempts,
        succeeded: attempts,
        rate_limited: 0,
        errors: 0,
        timeouts: 0,
        latency_ms: times(420.0),
        provider_queue_ms: times(0.5),
        in_flight_max: 17,
        in_flight_mean: Some(3.25),
        utilization: None,
        quota: None,
        ejections: Some(0),
        cost: None,
    }
}

fn class(name: &str, requests: Requests) -> ClassRun {
    ClassRun { name: name.to_owned(), requests, latency_ms: times(420.0), ttft_ms: times(120.0) }
}

fn expectation(metric: &str, provider: Option<&str>, want: &str, got: Option<f64>, verdict: Verdict) -> ExpectationResult {
    ExpectationResult {
        simulated: None,
        metric: metric.to_owned(),
        provider: provider.map(str::to_owned),
        during: (metric == "share").then(|| "down".to_owned()),
        class: None,
        want: want.to_owned(),
        got,
        samples: if got.is_some() { 12_000 } else { 0 },
        verdict,
        distance: None,
        cause: None,
        line: None,
    }
}

/// A law with the given median, in milliseconds.
fn times(p50: f64) -> Quantiles {
    let times = |factor: f64| Some(p50 * factor);
    Quantiles {
        count: 11_950,
        mean: times(1.2),
        stddev: times(0.7),
        min: times(0.2),
        p50: Some(p50),
        p90: times(2.5),
        p95: times(3.2),
        p99: times(5.0),
        p999: times(8.1),
        max: times(11.7),
    }
}

fn wall() -> Wall {
    let quantiles = Quantiles {
        count: 1_501,
        mean: Some(58.2),
        stddev: Some(30.0),
        min: Some(21.0),
        p50: Some(49.0),
        p90: Some(88.0),
        p95: Some(95.0),
        p99: Some(180.0),
        p999: Some(1_900.0),
        max: Some(4_210.0),
    };
    let histogram = vec![(31, 320), (49, 600), (88, 500), (150, 60), (190, 20), (4_210, 1)];
    Wall {
        elapsed_s: 0.12,
        requests_per_s: 100_000.0,
        decision_ns: DecisionCost { quantiles, histogram, timer_ns: 22 },
        variants: Vec::new(),
    }
}

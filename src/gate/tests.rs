//! Every metric through a scripted run, and every metric without data.

use super::*;
use crate::engine::config::Cost;
use crate::engine::limit::Limits;
use crate::engine::strategy::Strategy;
use crate::metrics::observe::{AttemptEnd, AttemptKind, RequestEnd, RequestInfo};
use crate::metrics::quota::Admitted;
use crate::metrics::{ClassInfo, Objectives, Observer, ProviderInfo, Recorder, RecorderConfig, RunStats};
use crate::report::Verdict::{self, Fail, NoData, Pass};
use crate::time::Nanos;

fn s(secs: u64) -> Nanos {
    Nanos::from_secs(secs)
}

fn config(expectations: &[Expectation]) -> RecorderConfig {
    let provider = |name: &str| ProviderInfo { name: name.to_owned(), ..ProviderInfo::default() };
    let class = |name: &str| ClassInfo { name: name.to_owned(), model: None, share: 0.5 };
    let mut providers = vec![provider("a"), provider("b")];
    providers[0].limits = Limits { rpm: Some(30.0), ..Limits::default() };
    providers[0].cost = Some(Cost { input: 1e6, output: 0.0 });
    RecorderConfig {
        providers,
        classes: vec![class("x"), class("y")],
        strategy: Strategy::RoundRobin,
        warmup: Nanos::ZERO,
        ends: s(20),
        slo: Objectives { ttft: None, latency: Some(s(1)) },
        slices: slices(expectations),
        closed: false,
        health: true,
        timer_ns: 10,
        late_after: Nanos::MAX,
    }
}

/// Twenty requests, one a second, over both classes. a answers in 1 s after 500 ms in its queue; b refuses every second
/// attempt, which is then retried at a, and answers the others in 2 s. The last is shed. b is out from 5 s to 12 s.
fn run(expectations: &[Expectation]) -> RunStats {
    let mut recorder = Recorder::new(config(expectations));
    for id in 0..20 {
        let r = RequestInfo { id, intended: s(id), class: (id % 2) as u16, measured: true, input: 2, output: 3 };
        recorder.offered(&r);
        if id == 19 {
            recorder.ended(s(id), &r, RequestEnd::Shed);
            continue;
        }
        let mut at = s(id);
        let mut kind = AttemptKind::First;
        if id % 4 == 3 {
            recorder.sent(at, &r, 1, kind);
            recorder.returned(&r, 1, at, Admitted::whole(&r));
            recorder.attempt_ended(at, &r, 1, at, AttemptEnd::RateLimited);
            (at, kind) = (at + Nanos::from_millis(500), AttemptKind::Retry);
        }
        let (provider, took) = if id % 4 == 1 { (1, s(2)) } else { (0, s(1)) };
        recorder.sent(at, &r, provider, kind);
        recorder.occupancy(at, provider, 1 + id as u32 % 3, 0);
        if provider == 0 {
            recorder.started(at + Nanos::from_millis(500), &r, 0, at);
        }
        recorder.attempt_ended(at + took, &r, provider, at, AttemptEnd::Succeeded);
        recorder.ended(at + took, &r, RequestEnd::Succeeded { first_token: at + took });
    }
    recorder.ejected(s(5), 1);
    recorder.readmitted(s(12), 1);
    [110, 110, 510].into_iter().for_each(|nanos| recorder.decision_timed(nanos));
    recorder.arrivals_ended(s(20));
    recorder.finished(s(21));
    recorder.into_run(0).1
}

fn expect(metric: &str, provider: Option<usize>, during: Option<(u64, u64)>, class: Option<usize>) -> Expectation {
    let metric = Metric::parse(metric).unwrap_or_else(|| panic!("{metric} is in the catalogue"));
    let during = during.map(|(from, until)| Window { label: format!("{from}s..{until}s"), from: s(from), until: s(until) });
    Expectation { metric, provider, during, class, want: Want::Range { min: Some(-1e300), max: None }, line: 0 }
}

/// Every metric by hand. Of the 20 requests 14 are answered by a (5 of them after b refused), 5 by b, 1 is shed.
#[test]
fn every_metric_has_its_value() {
    let cases: &[(&str, Option<usize>, f64, u64)] = &[
        // Attempts: b 5 + 5 refused... id%4==1: 1,5,9,13,17; id%4==3: 3,7,11,15 (19 is shed). So a 14, b 5 + 4 = 9.
        ("share", Some(0), 14.0 / 23.0, 23),
        ("max_share_error", None, 14.0 / 23.0 - 0.5, 23),
        ("total_variation", None, 14.0 / 23.0 - 0.5, 23),
        ("success_ratio", None, 0.95, 20),
        ("success_ratio", Some(1), 5.0 / 9.0, 9),
        ("failed", None, 0.0, 20),
        ("failed", Some(1), 4.0, 9),
        ("shed", None, 1.0, 20),
        ("shed_ratio", None, 0.05, 20),
        ("rate_limited", None, 4.0, 23),
        ("rate_limited", Some(0), 0.0, 14),
        ("rate_limited_ratio", None, 4.0 / 23.0, 23),
        ("rate_limited_ratio", Some(1), 4.0 / 9.0, 9),
        ("retries_per_request", None, 0.2, 20),
        // Latencies: 10 of 1 s, 4 of 1.5 s, 5 of 2 s.
        ("latency_mean", None, 26_000.0 / 19.0, 19),
        ("latency_max", None, 2_000.0, 19),
        ("latency_mean", Some(0), 1_000.0, 14),
        ("latency_p50", Some(1), 2_000.0, 5),
        ("ttft_p999", None, 2_000.0, 19),
        ("balancer_queue_max", None, 0.0, 19),
        ("provider_queue_p90", Some(0), 500.0, 14),
        ("provider_queue_mean", None, 500.0, 14),
        // 14 admitted of the 30 of a full bucket and 30/min × 20 s = 10.
        ("quota_utilization", Some(0), 0.35, 14),
        ("in_flight_max", None, 3.0, 23),
        ("goodput", None, 0.5, 20),
        ("ejections", None, 1.0, 23),
        ("ejections", Some(0), 0.0, 14),
        ("recovery_time", None, 7_000.0, 1),
        ("cost", None, 28.0, 14),
        ("decision_p50", None, 100.0, 3),
        ("decision_p99", None, 500.0, 3),
    ];
    let expectations: Vec<Expectation> = cases.iter().map(|(metric, provider, ..)| expect(metric, *provider, None, None)).collect();
    let results = evaluate(&expectations, &run(&expectations));
    for ((metric, provider, want, samples), result) in cases.iter().zip(&results) {
        let got = result.got.unwrap_or(f64::NAN);
        // Percentiles are within 0.1 %, everything else is exact to rounding.
        let tolerance = if metric.contains("_p") { 0.001 * want } else { 1e-12 * want };
        assert!((got - want).abs() <= tolerance.abs(), "{metric} of {provider:?} is {got}, not {want}");
        assert_eq!((result.samples, result.verdict), (*samples, Verdict::Pass), "{metric} of {provider:?}");
    }
    // 9 of 23 where 11.5 are expected: (2.5²/11.5)·2 = 1.087 with one degree of freedom, whose tail is 0.2971.
    let chi2_p = expect("chi2_p", None, None, None);
    let got = evaluate(std::slice::from_ref(&chi2_p), &run(&[])).remove(0);
    assert!((got.got.unwrap() - 0.2971).abs() < 1e-4, "{got:?}");
}

/// Windows and classes: only the requests that arrive in them count, and the label says where.
#[test]
fn windows_and_classes_are_told_apart() {
    let expectations = [
        expect("shed", None, Some((10, 20)), None),
        expect("latency_mean", None, None, Some(0)),
        expect("share", Some(1), Some((0, 4)), Some(1)),
        expect("ejection_delay", Some(1), Some((3, 10)), None),
        expect("recovery_time", Some(1), Some((3, 10)), None),
        expect("quota_utilization", Some(0), Some((0, 8)), None),
        expect("in_flight_max", Some(0), Some((0, 2)), None),
        expect("share", Some(0), Some((100, 200)), None),
    ];
    assert_eq!(slices(&expectations).len(), 7, "two of them ask about the same window");
    let run = run(&expectations);
    let results = evaluate(&expectations, &run);
    let got = |index: usize| results[index].got;
    assert_eq!((got(0), results[0].samples), (Some(1.0), 10));
    // Class x has the even requests, all answered by a at once.
    assert_eq!((got(1), results[1].class.as_deref()), (Some(1_000.0), Some("x")));
    // Class y in [0, 4): 1 at b; 3 at b and again at a.
    assert_eq!((got(2), results[2].samples), (Some(2.0 / 3.0), 3));
    assert_eq!((got(3), got(4)), (Some(2_000.0), Some(2_000.0)));
    // Requests 0 2 3 4 6 7 at a in 8 s, of the 30 of a full bucket and 30/min × 8 s = 4.
    assert_eq!(got(5), Some(6.0 / 34.0));
    assert_eq!(got(6), Some(1.0));
    assert_eq!((got(7), results[7].verdict), (None, Verdict::NoData));
    assert_eq!((results[0].during.as_deref(), results[2].provider.as_deref()), (Some("10s..20s"), Some("b")));
}

/// A run in which nothing happened: no metric has a value, so none passes, not even "at most 0".
#[test]
fn without_samples_there_is_no_data() {
    let mut recorder = Recorder::new(config(&[]));
    recorder.arrivals_ended(s(20));
    recorder.finished(s(20));
    let (_, stats) = recorder.into_run(0);
    for name in Metric::names() {
        for provider in [None, Some(0), Some(9)] {
            let expectation = Expectation { want: Want::Range { min: None, max: Some(1e300) }, ..expect(&name, provider, None, None) };
            let result = evaluate(&[expectation], &stats).remove(0);
            assert_eq!((result.got, result.samples, result.verdict), (None, 0, Verdict::NoData), "{name} of {provider:?}");
        }
    }
}

/// What never happened, or is not known, is no data in a run full of requests too. A class nobody asked for is not recorded.
#[test]
fn what_never_happened_is_no_data() {
    let run = run(&[]);
    for expectation in [
        expect("ejection_delay", Some(0), None, None),
        expect("ejection_delay", Some(1), None, None),
        expect("recovery_time", Some(0), None, None),
        expect("efficiency", None, None, None),
        expect("cost", Some(1), None, None),
        expect("quota_utilization", Some(1), None, None),
        expect("shed", None, None, Some(1)),
    ] {
        let result = evaluate(std::slice::from_ref(&expectation), &run).remove(0);
        assert_eq!(result.verdict, Verdict::NoData, "{result:?}");
    }
    let mut bounded = run.clone();
    bounded.efficiency.ratio = Some(0.9);
    assert_eq!(evaluate(&[expect("efficiency", None, None, None)], &bounded)[0].got, Some(0.9));
    let mut unhealthy = run;
    unhealthy.slices[0].providers.iter_mut().for_each(|provider| provider.ejections = None);
    assert_eq!(evaluate(&[expect("ejections", None, None, None)], &unhealthy)[0].verdict, Verdict::NoData);
}

/// Where the catalogue allows a provider, or a run, there is a value for it, and nowhere else.
#[test]
fn the_catalogue_and_the_measuring_agree() {
    let mut stats = run(&[]);
    stats.efficiency.ratio = Some(0.9);
    stats.exchanges.overhead.record(s(1));
    for slice in &mut stats.slices {
        slice.providers[0].ejection_delay = Some(s(1));
        slice.providers[0].recovery_time = Some(s(1));
        slice.retry_after.record(s(1));
    }
    for name in Metric::names() {
        let metric = Metric::parse(&name).unwrap();
        let has = |provider| evaluate(&[expect(&name, provider, None, None)], &stats)[0].got.is_some();
        assert_eq!(has(Some(0)), metric.allows_provider(), "{name} of a provider");
        assert_eq!(has(None), !metric.needs_provider(), "{name} of the run");
    }
}

/// Fail before no data before pass; nothing expected is `none`; interrupted is incomplete.
#[test]
fn verdicts_add_up() {
    let of = |verdicts: &[Verdict]| verdict(verdicts.iter().copied(), false);
    assert_eq!(of(&[]), Verdict::None);
    assert_eq!(of(&[Pass, Pass]), Pass);
    assert_eq!(of(&[Pass, NoData]), NoData);
    assert_eq!(of(&[NoData, Fail, Pass]), Fail);
    assert_eq!(verdict([Fail].into_iter(), true), Verdict::Incomplete);
}

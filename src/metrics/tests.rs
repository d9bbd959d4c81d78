//! The recorder as a whole, through scripted events whose figures are worked out by hand.

use super::observe::{AttemptEnd, AttemptKind, RequestEnd, RequestInfo};
use super::quota::Admitted;
use super::*;
use crate::engine::config::Cost;
use crate::engine::limit::Limits;
use crate::engine::strategy::Strategy;
use crate::report::{Fairness, Requests};
use crate::rng::{Draws, Stream};
use crate::time::Nanos;

fn ms(millis: u64) -> Nanos {
    Nanos::from_millis(millis)
}

fn provider(name: &str) -> ProviderInfo {
    ProviderInfo { name: name.to_owned(), ..ProviderInfo::default() }
}

/// Plain providers, one class, no warm-up, no objective.
pub(super) fn config(names: &[&str]) -> RecorderConfig {
    RecorderConfig {
        providers: names.iter().map(|name| provider(name)).collect(),
        classes: vec![ClassInfo { name: "default".to_owned(), model: None, share: 1.0 }],
        strategy: Strategy::RoundRobin,
        warmup: Nanos::ZERO,
        ends: Nanos::MAX,
        slo: Objectives::default(),
        slices: Vec::new(),
        closed: false,
        health: true,
        timer_ns: 0,
        late_after: Nanos::MAX,
    }
}

fn request(id: u64, intended: Nanos) -> RequestInfo {
    RequestInfo { id, intended, class: 0, measured: true, input: 100, output: 50 }
}

/// One request that is answered at once by `provider`, `queue` after it was sent and `took` in all.
fn success(recorder: &mut Recorder, request: &RequestInfo, provider: usize, queue: Nanos, took: Nanos) {
    let sent = request.intended;
    recorder.offered(request);
    recorder.sent(sent, request, provider, AttemptKind::First);
    recorder.started(sent + queue, request, provider, sent);
    recorder.attempt_ended(sent + took, request, provider, sent, AttemptEnd::Succeeded);
    recorder.ended(sent + took, request, RequestEnd::Succeeded { first_token: sent + queue });
}

/// A 429 and a retry elsewhere, a failure, a shed and a cancelled request, a hedge: every figure by hand.
#[test]
fn every_figure_of_a_scripted_run() {
    let mut config = config(&["a", "b"]);
    config.slo = Objectives { ttft: Some(ms(600)), latency: Some(ms(900)) };
    config.providers[0].limits = Limits { rpm: Some(60.0), ..Limits::default() };
    config.providers[1].cost = Some(Cost { input: 2.0, output: 10.0 });
    config.providers[1].slots = Some(2);
    let mut recorder = Recorder::new(config);
    // 0: refused by a after 20 ms, retried at b after 100 ms, first token at 500 ms, done at 900 ms: good.
    let r = request(0, ms(0));
    recorder.offered(&r);
    recorder.sent(ms(0), &r, 0, AttemptKind::First);
    recorder.occupancy(ms(0), 0, 1, 0);
    recorder.returned(&r, 0, ms(0), Admitted::whole(&r));
    recorder.attempt_ended(ms(20), &r, 0, ms(0), AttemptEnd::RateLimited);
    recorder.occupancy(ms(20), 0, 0, 0);
    recorder.sent(ms(100), &r, 1, AttemptKind::Retry);
    recorder.occupancy(ms(100), 1, 1, 0);
    recorder.started(ms(300), &r, 1, ms(100));
    recorder.occupancy(ms(300), 1, 1, 1);
    recorder.attempt_ended(ms(900), &r, 1, ms(100), AttemptEnd::Succeeded);
    recorder.occupancy(ms(900), 1, 0, 0);
    recorder.ended(ms(900), &r, RequestEnd::Succeeded { first_token: ms(500) });
    // 1: waited 1 s in the balancer; first token 1.2 s after its arrival: not good.
    let r = request(1, ms(1_000));
    recorder.offered(&r);
    recorder.sent(ms(2_000), &r, 0, AttemptKind::First);
    recorder.sent(ms(2_100), &r, 1, AttemptKind::Hedge);
    recorder.attempt_ended(ms(2_300), &r, 0, ms(2_000), AttemptEnd::Succeeded);
    recorder.attempt_ended(ms(2_300), &r, 1, ms(2_100), AttemptEnd::Abandoned);
    recorder.ended(ms(2_300), &r, RequestEnd::Succeeded { first_token: ms(2_200) });
    // 2 fails by an error after a timeout, 3 is shed, 4 goes away, 5 is cut off before it was sent.
    let r = request(2, ms(3_000));
    recorder.offered(&r);
    recorder.sent(ms(3_000), &r, 1, AttemptKind::First);
    recorder.attempt_ended(ms(3_500), &r, 1, ms(3_000), AttemptEnd::TimedOut);
    recorder.sent(ms(3_500), &r, 0, AttemptKind::Retry);
    recorder.attempt_ended(ms(3_520), &r, 0, ms(3_500), AttemptEnd::Failed { status: 500 });
    recorder.ended(ms(3_520), &r, RequestEnd::Failed);
    for (id, end) in
        [(3, RequestEnd::Shed), (4, RequestEnd::Unfinished { cancelled: true }), (5, RequestEnd::Unfinished { cancelled: false })]
    {
        recorder.offered(&request(id, ms(3_600)));
        recorder.ended(ms(3_600), &request(id, ms(3_600)), end);
    }
    recorder.arrivals_ended(ms(4_000));
    recorder.finished(ms(5_000));
    assert_eq!(recorder.check(), Ok(()));
    let (run, stats) = recorder.into_run(7);

    assert_eq!((run.strategy.as_str(), run.seed, run.simulated_s, run.measured_s), ("round-robin", 7, 5.0, 4.0));
    assert_eq!(run.requests, Requests { offered: 6, succeeded: 2, failed: 1, shed: 1, unfinished: 2, cancelled: 1 });
    let attempts = run.attempts;
    assert_eq!((attempts.total, attempts.retries, attempts.rate_limited, attempts.errors, attempts.timeouts), (6, 2, 1, 1, 1));
    assert_eq!((run.latency_ms.count, run.latency_ms.mean, run.latency_ms.max), (2, Some(1_100.0), Some(1_300.0)));
    assert_eq!((run.ttft_ms.min, run.ttft_ms.max), (Some(500.0), Some(1_200.0)));
    assert_eq!((run.balancer_queue_ms.count, run.balancer_queue_ms.max, run.balancer_queue_ms.min), (3, Some(1_000.0), Some(0.0)));
    assert_eq!((run.provider_queue_ms.count, run.provider_queue_ms.mean), (1, Some(200.0)));
    assert_eq!(run.efficiency.goodput_per_s, Some(0.25));
    assert_eq!(stats.slices[0].good, 1);

    let [a, b] = &run.providers[..] else { panic!("two providers") };
    assert_eq!((a.attempts, a.succeeded, a.rate_limited, a.errors, a.timeouts), (3, 1, 1, 1, 0));
    assert_eq!((b.attempts, b.succeeded, b.rate_limited, b.errors, b.timeouts), (3, 1, 0, 0, 1));
    assert_eq!((a.share, a.target_share, b.latency_ms.mean), (Some(0.5), Some(0.5), Some(800.0)));
    // a: 20 of 4,000 ms one attempt; b: 800 ms one attempt, 600 ms one of two slots.
    assert_eq!((a.in_flight_mean, b.in_flight_mean, a.utilization, b.utilization), (Some(0.005), Some(0.2), None, Some(0.075)));
    assert_eq!((a.in_flight_max, b.in_flight_max), (1, 1));
    // a admitted two attempts of 150 tokens; allowed were a full bucket of 60 and 60/min × 4 s = 4.
    let quota = a.quota.unwrap();
    assert_eq!((quota.rpm_peak, quota.tpm_peak, quota.utilization, b.quota), (Some(2.0), Some(300.0), Some(2.0 / 64.0), None));
    assert_eq!((a.cost, b.cost), (None, Some((100.0 * 2.0 + 50.0 * 10.0) / 1e6)));
    assert_eq!(run.timeline.interval_s, 1.0);
    assert_eq!(run.timeline.offered, [1, 1, 0, 4]);
    assert_eq!(run.timeline.providers["a"].attempts, [1, 0, 1, 1]);
    assert_eq!(run.timeline.providers["b"].attempts, [1, 0, 1, 1]);
    assert_eq!(run.timeline.providers["a"].rate_limited, [1, 0, 0, 0]);
    assert_eq!(run.timeline.providers["a"].errors, [0, 0, 0, 1]);
}

/// A request of the warm-up leaves no trace but its place at the provider, from the end of the warm-up on.
#[test]
fn the_warm_up_counts_only_as_occupancy() {
    let mut config = config(&["a"]);
    config.warmup = ms(1_000);
    config.providers[0].slots = Some(1);
    config.providers[0].limits.rpm = Some(60.0);
    let mut recorder = Recorder::new(config);
    let early = RequestInfo { measured: false, ..request(0, ms(500)) };
    recorder.occupancy(ms(500), 0, 1, 1);
    success(&mut recorder, &early, 0, ms(0), ms(1_000));
    recorder.ejected(ms(900), 0);
    recorder.occupancy(ms(1_500), 0, 0, 0);
    recorder.offered(&request(1, ms(1_600)));
    recorder.ended(ms(1_600), &request(1, ms(1_600)), RequestEnd::Shed);
    recorder.arrivals_ended(ms(2_000));
    recorder.finished(ms(2_000));
    let (run, _) = recorder.into_run(0);
    assert_eq!((run.measured_s, run.requests.offered, run.requests.shed, run.attempts.total), (1.0, 1, 1, 0));
    let a = &run.providers[0];
    assert_eq!((a.in_flight_max, a.in_flight_mean, a.utilization), (1, Some(0.5), Some(0.5)));
    assert_eq!((a.share, a.ejections, a.latency_ms.count, a.quota.unwrap().rpm_peak), (None, Some(0), 0, Some(0.0)));
    assert_eq!(run.fairness, Fairness::default());
    assert_eq!(run.timeline.offered, [0, 1]);
}

/// A run that is cut off in its warm-up measures nothing and invents nothing.
#[test]
fn a_run_without_measured_time_has_no_rates() {
    let mut config = config(&["a"]);
    config.warmup = ms(1_000);
    let mut recorder = Recorder::new(config);
    recorder.finished(ms(400));
    let (run, stats) = recorder.into_run(0);
    assert_eq!((run.measured_s, run.providers[0].in_flight_mean, run.efficiency.goodput_per_s), (0.0, None, None));
    assert_eq!(stats.slices[0].providers[0].quota_utilization, None);
}

/// Each thing that can begin and not end is named.
#[test]
fn what_does_not_end_is_found() {
    let mut recorder = Recorder::new(config(&["a"]));
    recorder.offered(&request(0, ms(0)));
    assert_eq!(recorder.check(), Err(Imbalance::Requests { offered: 1, ended: 0 }));
    recorder.ended(ms(1), &request(0, ms(0)), RequestEnd::Failed);
    recorder.sent(ms(0), &request(0, ms(0)), 0, AttemptKind::First);
    assert_eq!(recorder.check(), Err(Imbalance::Attempts { provider: 0, sent: 1, ended: 0 }));
    recorder.attempt_ended(ms(1), &request(0, ms(0)), 0, ms(0), AttemptEnd::Abandoned);
    assert_eq!(recorder.check(), Ok(()));
}

/// Slices against a recorder that is only told of the requests of the slice: the same figures.
#[test]
fn a_slice_is_a_run_of_its_requests() {
    let slice = Slice { window: Some((ms(2_000), ms(5_000))), class: Some(1) };
    let mut config = config(&["a", "b", "c"]);
    config.classes =
        vec![ClassInfo { name: "x".to_owned(), model: None, share: 0.5 }, ClassInfo { name: "y".to_owned(), model: None, share: 0.5 }];
    let mut alone = Recorder::new(config.clone());
    config.slices = vec![Slice { window: slice.window, class: None }, slice];
    let mut sliced = Recorder::new(config);
    let seed = 11;
    for id in 0..5_000_u64 {
        let mut draws = Draws::new(seed, Stream::Service, id);
        let info = RequestInfo { class: draws.below(2) as u16, ..request(id, ms(2 * id)) };
        let (provider, took) = (draws.below(3) as usize, Nanos::new(draws.below(1_000_000_000)));
        success(&mut sliced, &info, provider, Nanos::ZERO, took);
        if slice.contains(info.intended, info.class) {
            success(&mut alone, &info, provider, Nanos::ZERO, took);
        }
    }
    for recorder in [&mut sliced, &mut alone] {
        recorder.arrivals_ended(ms(10_000));
        recorder.finished(ms(12_000));
    }
    let ((_, sliced), (_, alone)) = (sliced.into_run(0), alone.into_run(0));
    let (got, want) = (sliced.slice(slice).unwrap(), &alone.slices[0]);
    assert!(got.requests.offered > 500, "about 750 of 5,000, seed {seed}");
    assert_eq!((got.requests, got.attempts, got.good), (want.requests, want.attempts, want.good));
    assert_eq!(got.fairness, want.fairness);
    for (got, want) in [(&got.latency, &want.latency), (&got.ttft, &want.ttft), (&got.balancer_queue, &want.balancer_queue)] {
        assert_eq!(got.quantiles_ns(), want.quantiles_ns());
    }
    for (got, want) in got.providers.iter().zip(&want.providers) {
        assert_eq!((got.attempts, got.latency.quantiles_ns()), (want.attempts, want.latency.quantiles_ns()));
    }
    assert_eq!(sliced.slices[1].requests.offered, 1_500);
    assert!(sliced.slice(Slice { window: None, class: Some(1) }).is_none(), "it was not asked for");
}

/// Two providers of one group with 120 requests a minute: 10 and 20 admitted in 20 s use 30 of 120 + 40.
#[test]
fn a_group_uses_its_quota_together() {
    let mut config = config(&["a", "b", "c"]);
    for (index, group) in [Some("org"), Some("org"), None].into_iter().enumerate() {
        config.providers[index].quota_group = group.map(str::to_owned);
    }
    config.providers[0].limits.rpm = Some(120.0);
    let mut recorder = Recorder::new(config);
    for id in 0..30 {
        success(&mut recorder, &request(id, ms(500 * id)), usize::from(id % 3 > 0), ms(0), ms(10));
    }
    recorder.arrivals_ended(ms(20_000));
    recorder.finished(ms(20_000));
    let (run, _) = recorder.into_run(0);
    let quota = |index: usize| run.providers[index].quota.map(|quota| (quota.rpm_peak.unwrap(), quota.utilization.unwrap()));
    assert_eq!([quota(0), quota(1), quota(2)], [Some((10.0, 0.1875)), Some((20.0, 0.1875)), None]);
}

/// The timer's cost is taken off; what is shorter than a clock read becomes zero, not negative.
#[test]
fn decisions_are_timed_without_the_timer() {
    let mut recorder = Recorder::new(RecorderConfig { timer_ns: 20, ..config(&["a"]) });
    [15, 20, 50].into_iter().for_each(|nanos| recorder.decision_timed(nanos));
    let (_, stats) = recorder.into_run(0);
    assert_eq!((stats.decisions.count(), stats.decisions.max(), stats.decisions.mean_ns()), (3, Some(Nanos::new(30)), Some(10.0)));
}

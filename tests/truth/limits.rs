//! Limits as the mock enforces them and as the balancer keeps them: exact numbers of refusals by hand.

use lbsim::engine::limit::Algorithm;
use lbsim::engine::{Limits, Strategy};
use lbsim::metrics::observe::AttemptEnd;
use lbsim::world::dist::Dist;
use lbsim::world::spec::{Change, RetryAfter, Visibility};

use crate::log::observe;
use crate::world::{World, fixed, ms, provider, s};

fn windowed(rpm: f64, algorithm: Algorithm, period: Option<f64>) -> Limits {
    Limits { rpm: Some(rpm), algorithm, period: period.map(s), ..Limits::default() }
}

/// Ids of the attempts that were not refused.
fn admitted(world: &World) -> Vec<u64> {
    let (run, log) = observe(&world.plan);
    let admitted: Vec<u64> =
        log.attempts.iter().filter(|attempt| attempt.end == Some(AttemptEnd::Succeeded)).map(|attempt| attempt.request).collect();
    assert_eq!(run.requests.offered, run.requests.succeeded + run.attempts.rate_limited + run.requests.shed);
    admitted
}

/// 60 a minute against a constant 2/s for two minutes: with a fixed window the first 60 of each minute's 120; with a
/// sliding one the same, as each that is 60 s old makes room for one; with a bucket 119 + 60: while it empties, one goes
/// out and half a one flows in each half second, so the level before arrival i is 60 − i/2 until it is below one.
#[test]
fn sixty_a_minute_by_three_algorithms() {
    for quota in [false, true] {
        let world = |algorithm| {
            let member = provider("p", fixed(0.01)).limits(windowed(60.0, algorithm, None));
            World::new(Strategy::RoundRobin, vec![member]).constant(2.0).duration(120.0).quota(quota)
        };
        let halves: Vec<u64> = (0..60).chain(120..180).collect();
        assert_eq!(admitted(&world(Algorithm::FixedWindow)), halves);
        assert_eq!(admitted(&world(Algorithm::SlidingWindow)), halves);
        // Levels: 60 − i/2 ≥ 1 up to i = 118; then every second arrival finds exactly one (equality admits).
        let bucket: Vec<u64> = (0..240).filter(|i| *i <= 118 || i % 2 == 0).collect();
        assert_eq!(admitted(&world(Algorithm::TokenBucket)), bucket);
    }
}

/// Who refuses: with quotas known and on the balancer sheds and the provider never says 429; without, the other way.
#[test]
fn knowledge_turns_refusals_into_shedding() {
    for (quota, visibility, sheds) in
        [(true, Visibility::Config, true), (false, Visibility::Config, false), (true, Visibility::None, false)]
    {
        let mut member = provider("p", fixed(0.01)).limits(windowed(60.0, Algorithm::FixedWindow, None));
        member.spec.visibility = visibility;
        let mut world = World::new(Strategy::RoundRobin, vec![member]).constant(2.0).duration(120.0).quota(quota);
        if visibility == Visibility::None {
            // An unknown limit is met by 429s; what the balancer then learns is not this test's subject.
            world = world.quota(false);
        }
        let (run, _) = observe(&world.plan);
        let refused = (run.requests.shed, run.attempts.rate_limited);
        assert_eq!(refused, if sheds { (120, 0) } else { (0, 120) }, "{quota} {visibility:?}");
    }
}

/// Refusals take 20 ms and clients go after 10: none of them has seen a 429, so none was avoidable, and what was refused has
/// used nothing: of the 120 attempts in a minute that holds 60 half, which is all of it.
#[test]
fn a_refusal_that_nobody_waits_for_is_no_429_and_uses_nothing() {
    let mut limited = provider("a", fixed(0.0)).limits(windowed(60.0, Algorithm::FixedWindow, None));
    limited.spec.error_latency = fixed(0.02);
    let world = World::new(Strategy::RoundRobin, vec![limited, provider("b", fixed(0.0))]);
    let (run, _) = observe(&world.constant(4.0).duration(60.0).timeout(0.01).quota(false).plan);
    assert_eq!((run.providers[0].attempts, run.providers[0].timeouts), (120, 60));
    assert_eq!((run.attempts.rate_limited, run.attempts.avoidable_rate_limited), (0, 0));
    let quota = run.providers[0].quota.unwrap();
    assert_eq!((quota.rpm_peak, quota.utilization), (Some(60.0), Some(1.0)));
}

/// Twice what 60 a minute admits, for ten minutes and by a sole user with a queue, is all of the quota by each algorithm: 60 in
/// each of ten windows, or those of the full bucket and 60 a minute, of which one may be on its way at the end. The queue is
/// sent at 600 s, when an eleventh window begins: that is no more of the measured time.
#[test]
fn a_quota_is_never_used_above_what_it_holds() {
    for (algorithm, admitted) in [(Algorithm::FixedWindow, 600), (Algorithm::SlidingWindow, 600), (Algorithm::TokenBucket, 660)] {
        let member = provider("p", fixed(0.01)).limits(windowed(60.0, algorithm, None));
        let world = World::new(Strategy::RoundRobin, vec![member]).constant(2.0).duration(600.0).balancer_queue(20.0, 1_000);
        let (run, log) = observe(&world.plan);
        let used = run.providers[0].quota.unwrap().utilization.unwrap();
        assert!((1.0 - 1.0 / admitted as f64..=1.0).contains(&used), "{algorithm:?}: {used}");
        assert!(log.attempts.len() > admitted, "{algorithm:?}: some were sent at the very end");
    }
}

/// 60 a minute enforced by the second: a fixed window of 1 s admits one a second, at exactly t = 0, 1, 2 …
#[test]
fn a_period_is_the_slice_of_enforcement() {
    let member = provider("p", fixed(0.01)).limits(windowed(60.0, Algorithm::FixedWindow, Some(1.0)));
    let world = World::new(Strategy::RoundRobin, vec![member]).constant(4.0).duration(30.0).quota(false);
    assert_eq!(admitted(&world), (0..30).map(|second| 4 * second).collect::<Vec<_>>());
    // 90 a minute in slices of 1 s is 1.5, rounded down to 1; 600 a minute is 10 a second.
    let member = provider("p", fixed(0.01)).limits(windowed(90.0, Algorithm::FixedWindow, Some(1.0)));
    assert_eq!(admitted(&World::new(Strategy::RoundRobin, vec![member]).constant(4.0).duration(30.0).quota(false)).len(), 30);
    let member = provider("p", fixed(0.01)).limits(windowed(600.0, Algorithm::SlidingWindow, Some(1.0)));
    assert_eq!(admitted(&World::new(Strategy::RoundRobin, vec![member]).constant(20.0).duration(30.0).quota(false)).len(), 300);
}

/// A bucket of depth 5 at 60 a minute: a burst of five and then one a second.
#[test]
fn a_bucket_bursts_to_its_depth() {
    let limits = Limits { burst: Some(5.0), ..windowed(60.0, Algorithm::TokenBucket, None) };
    let world =
        World::new(Strategy::RoundRobin, vec![provider("p", fixed(0.01)).limits(limits)]).constant(10.0).duration(20.0).quota(false);
    // Level before arrival i: 5 + i/10 − taken, so 0…4 go, the fifth at level 0.5 not; from t = 1 s on each whole second.
    let expected: Vec<u64> = (0..5).chain((1..20).map(|second| 10 * second)).collect();
    assert_eq!(admitted(&world), expected);
}

/// Token limits: 400 + 180 tokens at their true size; 5,800 a minute are exactly ten requests. By estimate with
/// `max_tokens` 600 a request is charged 1,000 and gets 420 back at its end, to its own window.
#[test]
fn token_limits_by_hand() {
    use lbsim::engine::limit::Charge;
    let tokens = |tpm: f64, charge| Limits { tpm: Some(tpm), algorithm: Algorithm::FixedWindow, charge, ..Limits::default() };
    let actual = World::new(Strategy::RoundRobin, vec![provider("p", fixed(0.01)).limits(tokens(5_800.0, Charge::Actual))]);
    assert_eq!(admitted(&actual.constant(1.0).duration(120.0).quota(false)), (0..10).chain(60..70).collect::<Vec<_>>());
    // Estimated, ended before the next: used before request i is 580·i; it fits while 580·i + 1,000 ≤ 5,800: i = 0…8.
    for quota in [false, true] {
        let mut quick = World::new(Strategy::RoundRobin, vec![provider("p", fixed(0.01)).limits(tokens(5_800.0, Charge::Estimate))]);
        quick.plan.load.classes[0].max_tokens = Some(600);
        assert_eq!(admitted(&quick.constant(1.0).duration(120.0).quota(quota)), (0..9).chain(60..69).collect::<Vec<_>>(), "quota {quota}");
        // Answers that take two minutes return nothing in time: five of 1,000 each.
        let mut slow = World::new(Strategy::RoundRobin, vec![provider("p", fixed(120.0)).limits(tokens(5_800.0, Charge::Estimate))]);
        slow.plan.load.classes[0].max_tokens = Some(600);
        assert_eq!(admitted(&slow.constant(1.0).duration(120.0).quota(quota)), (0..5).chain(60..65).collect::<Vec<_>>(), "quota {quota}");
    }
}

/// A refusal tells when to come back, and a retry that honours it finds the window open; one that does not, does not.
#[test]
fn retry_after_is_honoured() {
    for honoured in [true, false] {
        let member = provider("p", fixed(0.01)).limits(windowed(1.0, Algorithm::FixedWindow, Some(60.0)));
        let mut world = World::new(Strategy::RoundRobin, vec![member]).constant(1.0 / 30.0).duration(60.0).quota(false).retries(1, 0.1);
        world.plan.engine.retry.honor_retry_after = honoured;
        // Arrivals at 0 (admitted) and 30 s (429, told to come back in 30 s).
        let (run, log) = observe(&world.plan);
        assert_eq!((run.attempts.total, run.attempts.rate_limited), (3, if honoured { 1 } else { 2 }));
        let back = log.attempts[2].sent;
        let range = if honoured { s(60.0)..=s(60.1) } else { s(30.05)..=s(30.15) };
        assert!(range.contains(&back), "{honoured}: {back}");
        assert_eq!(run.requests.succeeded, if honoured { 2 } else { 1 });
    }
}

/// `count_refused`, 3 in any minute against one each 10 s: whoever ignores the limit has six attempts in each minute, and after
/// the first three none ever goes; a balancer that counts it itself sheds the rest and gets its three a minute.
#[test]
fn refused_attempts_that_count_keep_the_window_full() {
    for (count_refused, quota, expected) in [(true, false, 3), (false, false, 30), (true, true, 30)] {
        let limits = Limits { count_refused, ..windowed(3.0, Algorithm::SlidingWindow, None) };
        let member = provider("p", fixed(0.01)).limits(limits);
        let world = World::new(Strategy::RoundRobin, vec![member]).constant(0.1).duration(600.0).quota(quota);
        assert_eq!(admitted(&world).len(), expected, "counts {count_refused}, quota {quota}");
    }
}

/// A refusal that counts says when there is room with itself counted: of one in any minute, admitted at 0 and refused at 30 s,
/// the next fits at 90 s; where it does not count, at 60 s.
#[test]
fn a_refusal_that_counts_tells_so() {
    for (count_refused, expected) in [(true, 90.0), (false, 60.0)] {
        let limits = Limits { count_refused, ..windowed(1.0, Algorithm::SlidingWindow, None) };
        let member = provider("p", fixed(0.01)).limits(limits);
        let world = World::new(Strategy::RoundRobin, vec![member]).constant(1.0 / 30.0).duration(60.0).quota(false).retries(1, 0.1);
        let (run, log) = observe(&world.plan);
        assert_eq!((run.attempts.rate_limited, run.requests.succeeded), (1, 2));
        let back = log.attempts[2].sent;
        assert!((s(expected)..=s(expected + 0.1)).contains(&back), "counts {count_refused}: {back}");
    }
}

/// An event's `retry_after` is what errors carry, and refusals take `error_latency`.
#[test]
fn an_event_may_set_retry_after_and_error_latency() {
    let set = Change {
        error_rate: Some(1.0),
        error_status: Some(503),
        retry_after: Some(RetryAfter::Fixed(s(7.0))),
        error_latency: Some(fixed(0.5)),
        ..Change::default()
    };
    let world = World::new(Strategy::RoundRobin, vec![provider("p", fixed(0.01))])
        .constant(1.0)
        .duration(1.0)
        .retries(1, 0.1)
        .event(0, 0.0, 5.0, set);
    let (run, log) = observe(&world.plan);
    assert_eq!((run.requests.succeeded, run.attempts.errors), (1, 1));
    assert_eq!(log.attempts[0].ended, ms(500));
    assert!((s(7.5)..=s(7.6)).contains(&log.attempts[1].sent), "{}", log.attempts[1].sent);
}

/// `max_concurrency` at the provider counts what is in service and what queues; the peak never exceeds it.
#[test]
fn max_concurrency_bounds_what_is_there() {
    for quota in [false, true] {
        let limits = Limits { max_concurrency: Some(4), ..Limits::default() };
        let world = World::new(Strategy::RoundRobin, vec![provider("p", fixed(1.0)).slots(2).limits(limits)])
            .constant(10.0)
            .duration(20.0)
            .quota(quota);
        let (run, log) = observe(&world.plan);
        assert_eq!((run.providers[0].in_flight_max, log.peak(0)), (4, (4, 2)));
        // Two leave each second and two come in their place; the first four fill it.
        assert_eq!(run.requests.succeeded, 4 + 2 * 19, "quota {quota}");
    }
}

/// Limits that an event replaces hold from its start to before its end: 60 a minute by the second, 5 a second in [10, 20).
#[test]
fn an_event_replaces_the_limits() {
    let second = |rpm| windowed(rpm, Algorithm::FixedWindow, Some(1.0));
    let set = Change { limits: Some(second(300.0)), ..Change::default() };
    let world =
        World::new(Strategy::RoundRobin, vec![provider("p", fixed(0.01)).limits(second(60.0))]).constant(10.0).duration(30.0).quota(false);
    let expected: Vec<u64> = (0..300).filter(|i| i % 10 < if (100..200).contains(i) { 5 } else { 1 }).collect();
    assert_eq!(admitted(&world.event(0, 10.0, 20.0, set)), expected);
}

/// A group shares one quota: 60 a minute for both, whoever is asked, for the truth and for the balancer's belief.
#[test]
fn a_group_shares_its_quota() {
    for quota in [false, true] {
        let mut members = crate::world::providers(2, &provider("p", fixed(0.01)));
        for member in &mut members {
            member.spec.quota_group = Some("org".to_owned());
        }
        members[0].spec.limits = windowed(60.0, Algorithm::FixedWindow, None);
        let world = World::new(Strategy::RoundRobin, members).constant(2.0).duration(120.0).quota(quota);
        let (run, _) = observe(&world.plan);
        assert_eq!((run.requests.succeeded, run.attempts.rate_limited + run.requests.shed), (120, 120), "quota {quota}");
        if quota {
            assert_eq!(run.attempts.rate_limited, 0, "the balancer knows that the group shares");
        }
    }
}

/// A refused attempt uses no quota unless it is said to: an error answer does. 3 a minute, each odd one poisoned by a
/// provider that always errs.
#[test]
fn errors_use_quota_and_refusals_do_not() {
    let limits = windowed(3.0, Algorithm::FixedWindow, None);
    let world =
        World::new(Strategy::RoundRobin, vec![provider("p", fixed(0.01)).limits(limits.clone()).errors(1.0)]).constant(0.1).duration(60.0);
    let (run, _) = observe(&world.quota(false).plan);
    assert_eq!((run.attempts.errors, run.attempts.rate_limited), (3, 3));
    // A full provider (503) gives its quota back: one slot of 25 s, no queue, arrivals every 10 s: 0, 30 and so on are
    // served and the two between refused by the slot, not by the quota of 3.
    let full =
        World::new(Strategy::RoundRobin, vec![provider("p", fixed(25.0)).limits(limits).slots(1).queue(0)]).constant(0.1).duration(120.0);
    let (run, _) = observe(&full.quota(false).plan);
    assert_eq!((run.requests.succeeded, run.attempts.errors, run.attempts.rate_limited), (4, 8, 0));
}

/// Sizes that are drawn are the same whoever counts: tokens admitted never exceed the limit in any aligned minute.
#[test]
fn no_window_is_ever_overdrawn() {
    for seed in 0..10 {
        let limits = Limits { rpm: Some(40.0), algorithm: Algorithm::FixedWindow, ..Limits::default() };
        let mut world = World::new(Strategy::LeastConnections, crate::world::providers(3, &provider("p", fixed(3.0)).limits(limits)));
        world.plan.load.classes[0].input = Dist::Exponential { mean: 300.0 };
        let (run, log) = observe(&world.poisson(3.0).duration(300.0).seed(seed).balancer_queue(20.0, 1_000).plan);
        for provider in 0..3 {
            for minute in 0..6 {
                let there = log.attempts.iter().filter(|one| one.provider == provider && one.sent.as_nanos() / 60_000_000_000 == minute);
                assert!(there.count() <= 40, "seed {seed}");
            }
        }
        assert_eq!(run.attempts.rate_limited, 0, "seed {seed}: the balancer knows the limits");
    }
}

/// 1, 2 or 6 a minute against a constant 2/s for ten minutes, kept by the balancer (quota on) or met at the provider (off):
/// windows let the first n of each minute's 120 in; a bucket those for which an oracle in whole numbers has a level, counted
/// in units of 1/120 of a request, n of which flow in between two arrivals.
#[test]
fn tiny_limits_admit_exactly_what_they_say() {
    for (n, quota) in [(1, true), (1, false), (2, true), (2, false), (6, true), (6, false)] {
        let world = |algorithm| {
            let member = provider("p", fixed(0.01)).limits(windowed(n as f64, algorithm, None));
            World::new(Strategy::RateLimitAware, vec![member]).constant(2.0).duration(600.0).quota(quota)
        };
        let first: Vec<u64> = (0..1_200).filter(|i| i % 120 < n).collect();
        assert_eq!(admitted(&world(Algorithm::FixedWindow)), first, "{n} a minute");
        assert_eq!(admitted(&world(Algorithm::SlidingWindow)), first, "{n} a minute");
        let mut level = 120 * n;
        let bucket: Vec<u64> = (0..1_200)
            .filter(|i| {
                level = if *i > 0 { (level + n).min(120 * n) } else { level };
                let admits = level >= 120;
                level -= if admits { 120 } else { 0 };
                admits
            })
            .collect();
        assert_eq!(admitted(&world(Algorithm::TokenBucket)), bucket, "{n} a minute");
        for algorithm in [Algorithm::FixedWindow, Algorithm::SlidingWindow, Algorithm::TokenBucket] {
            let (run, _) = observe(&world(algorithm).plan);
            assert_eq!(if quota { run.attempts.rate_limited } else { run.requests.shed }, 0, "{n} a minute by {algorithm:?}");
        }
    }
}

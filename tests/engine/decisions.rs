//! What a pick says when it does not send: wait until when, or never, and why.

use lbsim::engine::limit::{RateLimitHeaders, Told};
use lbsim::engine::{AttemptResult, Config, Decision, Limits, Outcome, Request, Strategy, Usage};
use lbsim::time::Nanos;

use super::{engine, providers, send, succeed};

fn waits(decision: &Decision) -> Option<(Option<Nanos>, &'static str)> {
    match decision {
        Decision::Wait { until, why } => Some((*until, why.word())),
        Decision::Send(_) | Decision::Refuse { .. } => None,
    }
}

#[test]
fn a_used_up_rate_names_the_moment_it_frees() {
    // One request a second with a burst of one: the second request waits until exactly 1 s, and then goes.
    let mut pool = providers(1);
    pool[0].limits = Limits { rpm: Some(60.0), burst: Some(1.0), ..Default::default() };
    let engine = engine(Strategy::RoundRobin, pool);
    let lease = send(&engine, Nanos::ZERO, &Request::new(0));
    succeed(&engine, Nanos::ZERO, lease);
    let second = engine.pick(Nanos::from_millis(400), &Request::new(1));
    assert_eq!(waits(&second), Some((Some(Nanos::from_secs(1)), "rpm")));
    assert!(matches!(engine.pick(Nanos::new(999_999_999), &Request::new(1)), Decision::Wait { .. }), "not a nanosecond before");
    let _lease = send(&engine, Nanos::from_secs(1), &Request::new(1));
}

#[test]
fn a_refused_attempt_counts_where_the_provider_counts_it() {
    // One in any minute, which others have used: refused at 0 with a pause of 5 s. If that counts, the next fits at 60 s.
    for (count_refused, free) in [(true, 60), (false, 5)] {
        let mut pool = providers(1);
        let algorithm = lbsim::engine::limit::Algorithm::SlidingWindow;
        pool[0].limits = Limits { rpm: Some(1.0), algorithm, count_refused, ..Default::default() };
        let engine = engine(Strategy::RoundRobin, pool);
        let lease = send(&engine, Nanos::ZERO, &Request::new(0));
        let retry_after = Some(Nanos::from_secs(5));
        engine.settle(Nanos::ZERO, lease, Outcome { retry_after, ..Outcome::new(AttemptResult::Status(429)) });
        let next = engine.pick(Nanos::from_secs(1), &Request::new(1));
        assert_eq!(waits(&next).map(|(until, _)| until), Some(Some(Nanos::from_secs(free))), "counts {count_refused}");
    }
}

#[test]
fn of_several_the_first_to_come_back_counts() {
    let mut pool = providers(2);
    pool[0].limits = Limits { rpm: Some(6.0), burst: Some(1.0), ..Default::default() };
    pool[1].limits = Limits { rpm: Some(12.0), burst: Some(1.0), ..Default::default() };
    let engine = engine(Strategy::LeastConnections, pool);
    let _leases = [0, 1].map(|id| send(&engine, Nanos::ZERO, &Request::new(id)));
    let third = engine.pick(Nanos::ZERO, &Request::new(2));
    assert_eq!(waits(&third), Some((Some(Nanos::from_secs(5)), "rpm")));
}

#[test]
fn what_can_never_be_served_is_refused_at_once() {
    let mut pool = providers(2);
    pool[0].drained = true;
    pool[1].limits = Limits { tpm: Some(1_000.0), ..Default::default() };
    let engine = engine(Strategy::Random, pool);
    let large = Request { input_tokens: 600, max_tokens: Some(401), ..Request::new(0) };
    let decision = engine.pick(Nanos::ZERO, &large);
    assert!(matches!(decision, Decision::Refuse { why } if why.word() == "drained" || why.word() == "tpm"), "{decision:?}");
    let _lease = send(&engine, Nanos::ZERO, &Request { max_tokens: Some(400), ..large });
}

#[test]
fn a_drained_pool_refuses() {
    let mut pool = providers(2);
    pool.iter_mut().for_each(|provider| provider.drained = true);
    let decision = engine(Strategy::PowerOfTwo, pool).pick(Nanos::ZERO, &Request::new(0));
    assert!(matches!(decision, Decision::Refuse { why } if why.word() == "drained"), "{decision:?}");
}

#[test]
fn tokens_are_reserved_before_the_answer_and_returned_after_it() {
    // 1,000 tokens a minute: two requests of 500 fit at once, a third waits; when the first turns out to have used 100,
    // the 400 it did not need admit one of 400.
    let mut pool = providers(1);
    pool[0].limits = Limits { tpm: Some(1_000.0), ..Default::default() };
    let engine = engine(Strategy::Failover, pool);
    let request = Request { input_tokens: 100, max_tokens: Some(400), ..Request::new(0) };
    let first = send(&engine, Nanos::ZERO, &request);
    let _second = send(&engine, Nanos::ZERO, &request);
    assert_eq!(waits(&engine.pick(Nanos::ZERO, &request)), Some((Some(Nanos::from_secs(30)), "tpm")));
    let usage = Some(Usage { input_tokens: 50, output_tokens: 50 });
    engine.settle(Nanos::ZERO, first, Outcome { usage, ..Outcome::new(AttemptResult::Success) });
    let _third = send(&engine, Nanos::ZERO, &Request { max_tokens: Some(300), ..request });
}

#[test]
fn a_quota_that_has_refilled_is_used_again() {
    // Both have 60 requests a minute. The first has used up 59 while the second was drained; two minutes later both are
    // full again, and of requests that come slower than any quota binds the first gets its half.
    let mut pool = providers(2);
    for provider in &mut pool {
        provider.limits = Limits { rpm: Some(60.0), ..Limits::default() };
    }
    pool[1].drained = true;
    let engine = engine(Strategy::RateLimitAware, pool.clone());
    for id in 0..59 {
        succeed(&engine, Nanos::ZERO, send(&engine, Nanos::ZERO, &Request::new(id)));
    }
    pool[1].drained = false;
    engine.reconfigure(Nanos::from_secs(1), Config::new(Strategy::RateLimitAware, pool)).expect("a valid configuration");
    let mut seen = [0_u32; 2];
    for id in 100..400 {
        let now = Nanos::from_secs(id + 20);
        let lease = send(&engine, now, &Request::new(id));
        seen[lease.provider().index()] += 1;
        succeed(&engine, now, lease);
    }
    // A fair coin tossed 300 times lies within 150 ± 45 but for once in ten million.
    assert!(seen[0].abs_diff(150) < 45, "{seen:?}");
}

#[test]
fn a_reconfiguration_brings_new_limits() {
    // Two requests a minute, both used; with five a minute three more go, and what was used stays used.
    let mut pool = providers(1);
    let limits = |rpm| Limits { rpm: Some(rpm), algorithm: lbsim::engine::limit::Algorithm::FixedWindow, ..Limits::default() };
    pool[0].limits = limits(2.0);
    let engine = engine(Strategy::Failover, pool.clone());
    let sent = |ids: std::ops::Range<u64>| {
        let picks = ids.map(|id| engine.pick(Nanos::from_secs(id), &Request::new(id)));
        picks.filter(|decision| matches!(decision, Decision::Send(_))).count()
    };
    assert_eq!(sent(0..10), 2);
    pool[0].limits = limits(5.0);
    engine.reconfigure(Nanos::from_secs(10), Config::new(Strategy::Failover, pool)).expect("a valid configuration");
    assert_eq!(sent(10..30), 3);
    assert_eq!(sent(60..70), 5, "a new window");
}

/// What no model uses and no header says is as if it had not been told; what is in range but wrong would be believed.
#[test]
fn garbage_takes_nobody_out() {
    let mut pool = providers(1);
    pool[0].limits = Limits { tpm: Some(1_000.0), ..Default::default() };
    let engine = engine(Strategy::RoundRobin, pool);
    let request = |id| Request { input_tokens: 100, max_tokens: Some(100), ..Request::new(id) };
    for usage in [(u32::MAX, 1), (1, u32::MAX), (1 << 25, 1 << 25)] {
        let lease = send(&engine, Nanos::ZERO, &request(1));
        let usage = Some(Usage { input_tokens: usage.0, output_tokens: usage.1 });
        engine.settle(Nanos::ZERO, lease, Outcome { usage, ..Outcome::new(AttemptResult::Success) });
    }
    let told = |limit, remaining, reset| Told { limit, remaining, reset };
    let garbage = [
        told(Some(f64::NAN), Some(f64::NAN), None),
        told(Some(f64::INFINITY), Some(-1.0), None),
        told(Some(0.0), Some(f64::NEG_INFINITY), None),
        told(None, Some(2e15), Some(Nanos::MAX)),
    ];
    let lease = send(&engine, Nanos::ZERO, &request(2));
    for requests in garbage {
        engine.headers(Nanos::ZERO, &lease, &RateLimitHeaders { requests, ..RateLimitHeaders::default() });
    }
    succeed(&engine, Nanos::ZERO, lease);
    assert_eq!(engine.snapshot(Nanos::ZERO).providers[0].ignored_headers, 8);
    // Four times 200 are charged, as estimated, and a fifth fits.
    let lease = send(&engine, Nanos::ZERO, &request(3));
    succeed(&engine, Nanos::ZERO, lease);
    assert_eq!(waits(&engine.pick(Nanos::ZERO, &request(4))), Some((Some(Nanos::from_secs(12)), "tpm")));
}

/// A lease, and what is heard of its provider's health, carry the caller's number, also when the pool has been turned round meanwhile.
#[test]
fn a_lease_knows_its_provider_whatever_becomes_of_the_pool() {
    let mut pool = providers(2);
    (pool[0].tag, pool[1].tag) = (100, 101);
    let engine = engine(Strategy::Failover, pool.clone());
    let leases: Vec<_> = (0..5).map(|id| send(&engine, Nanos::ZERO, &Request::new(id))).collect();
    pool.reverse();
    engine.reconfigure(Nanos::ZERO, Config::new(Strategy::Failover, pool)).expect("a valid configuration");
    let lease = send(&engine, Nanos::ZERO, &Request::new(9));
    assert_eq!((lease.provider().index(), lease.tag()), (0, 101));
    succeed(&engine, Nanos::ZERO, lease);
    for lease in leases {
        assert_eq!(lease.tag(), 100);
        engine.settle(Nanos::ZERO, lease, Outcome::new(AttemptResult::Status(500)));
    }
    assert_eq!(engine.next_health_event().map(|event| event.tag), Some(100), "five failures in a row");
    (0..3).for_each(|_| engine.probed(Nanos::ZERO, 0, false));
    assert_eq!(engine.next_health_event().map(|event| event.tag), Some(101), "three failed probes of who is first now");
}

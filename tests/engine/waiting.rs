//! When to ask again: `Wait { until }` is the first moment at which the pool takes the request, and `retry_after` the same behind a
//! queue.

use lbsim::engine::limit::Algorithm;
use lbsim::engine::{Decision, Engine, Limits, Request, Strategy};
use lbsim::rng::{Draws, Stream};
use lbsim::time::Nanos;

use super::{engine, providers, send, succeed};

/// Three providers with limits of every algorithm, drawn from a seed.
fn limited(seed: u64) -> Engine {
    let mut draw = Draws::new(seed, Stream::Service, 0);
    let mut pool = providers(3);
    for provider in &mut pool {
        let algorithm = [Algorithm::TokenBucket, Algorithm::FixedWindow, Algorithm::SlidingWindow][draw.below(3) as usize];
        provider.limits = Limits {
            rpm: Some(1.0 + draw.below(20) as f64),
            tpm: Some(2_000.0 + draw.below(2_000) as f64),
            burst: (algorithm == Algorithm::TokenBucket).then_some(1.0 + draw.below(3) as f64),
            algorithm,
            ..Limits::default()
        };
    }
    let strategies = [Strategy::RoundRobin, Strategy::LeastConnections, Strategy::RateLimitAware, Strategy::PowerOfTwo];
    engine(strategies[(seed % 4) as usize], pool)
}

/// Brute force over time: a nanosecond before `until`, and at random moments before it, every pick is turned away; at
/// `until` it goes. 200 pools, 100 requests each of random sizes.
#[test]
fn until_is_the_earliest_moment() {
    let mut waits = 0;
    for seed in 0..200 {
        let engine = limited(seed);
        let mut draw = Draws::new(seed, Stream::Service, 1);
        let mut now = Nanos::ZERO;
        for id in 0..100 {
            now += Nanos::from_millis(draw.below(1_500));
            let request = Request { input_tokens: draw.below(500) as u32, max_tokens: Some(draw.below(500) as u32), ..Request::new(id) };
            let lease = match engine.pick(now, &request) {
                Decision::Send(lease) => lease,
                Decision::Wait { until: Some(until), .. } => {
                    waits += 1;
                    let early = until.since(now).as_nanos();
                    let mut before: Vec<u64> = (0..3).map(|_| draw.below(early)).chain([early - 1]).collect();
                    before.sort_unstable();
                    for at in before {
                        let early = engine.pick(now + Nanos::new(at), &request);
                        assert!(
                            matches!(early, Decision::Wait { until: Some(again), .. } if again == until),
                            "seed {seed}, {id}: {early:?}"
                        );
                    }
                    now = until;
                    send(&engine, now, &request)
                }
                other => panic!("seed {seed}, request {id}: {other:?}"),
            };
            succeed(&engine, now, lease);
        }
    }
    assert!(waits > 5_000, "{waits} waits: the limits bind");
}

/// `ahead` requests and this one, sent one by one as soon as each can go: the last goes when `retry_after` said, to the
/// nanosecond. Equal requests, as that is what it assumes.
#[test]
fn retry_after_is_when_those_ahead_have_gone() {
    let mut behind = 0;
    for seed in 0..150 {
        let engine = limited(seed);
        let mut draw = Draws::new(seed, Stream::Service, 2);
        let request = |id| Request { input_tokens: 60, max_tokens: Some(60), ..Request::new(id) };
        let mut now = Nanos::from_secs(30);
        for id in 0..draw.below(80) {
            if let Decision::Send(lease) = engine.pick(now, &request(id)) {
                succeed(&engine, now, lease);
            }
            now += Nanos::from_millis(draw.below(700));
        }
        let ahead = draw.below(60);
        let told = now + engine.retry_after(now, &request(1_000), ahead).expect("limits come back");
        for id in 0..=ahead {
            loop {
                match engine.pick(now, &request(1_000 + id)) {
                    Decision::Send(lease) => break succeed(&engine, now, lease),
                    Decision::Wait { until: Some(until), .. } => now = until,
                    other => panic!("seed {seed}: {other:?}"),
                }
            }
        }
        behind += u64::from(ahead > 0 && told > Nanos::from_secs(90));
        let off = told.since(now).max(now.since(told));
        assert!(off == Nanos::ZERO, "seed {seed}, {ahead} ahead: told {told}, went at {now}");
    }
    assert!(behind > 20, "{behind} of them had to wait for long");
}

/// Nobody can say when a place in flight ends before any answer has ever come; what can never be served has no time.
#[test]
fn some_have_no_time() {
    let mut pool = providers(1);
    pool[0].limits = Limits { tpm: Some(100.0), ..Limits::default() };
    let engine = engine(Strategy::RoundRobin, pool);
    assert_eq!(engine.retry_after(Nanos::ZERO, &Request { input_tokens: 101, ..Request::new(0) }, 0), None);
    assert_eq!(engine.retry_after(Nanos::ZERO, &Request { input_tokens: 100, ..Request::new(0) }, 0), Some(Nanos::ZERO));
    assert_eq!(engine.retry_after(Nanos::ZERO, &Request { input_tokens: 100, ..Request::new(0) }, 2), Some(Nanos::from_secs(120)));
}

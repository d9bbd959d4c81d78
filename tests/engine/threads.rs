//! Many threads on one engine: limits hold at every moment, nothing is lost, turns are exact. No timing is asserted.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::thread;

use lbsim::engine::{Config, Decision, Engine, Lease, Limits, ProviderConfig, Request, Strategy, strategy};
use lbsim::time::Nanos;

use super::{engine, providers, send, succeed};

const THREADS: u64 = 4;
const PICKS: u64 = 3_000;
const LIMIT: u32 = 3;

#[test]
fn limits_hold_and_counters_return_to_zero_while_the_pool_changes() {
    for info in &strategy::CATALOGUE {
        crowd(info.strategy);
    }
}

/// Four threads with up to four leases each over four limited providers, one of which comes and goes.
fn crowd(strategy: Strategy) {
    let engine = engine(strategy, pool(4, LIMIT));
    // Counted from outside: after the pick, before the settlement, so never more than what the engine believes.
    let in_flight: Vec<AtomicI64> = (0..4).map(|_| AtomicI64::new(0)).collect();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS)
            .map(|worker| {
                scope.spawn({
                    let (engine, in_flight) = (&engine, &in_flight);
                    move || work(engine, in_flight, worker)
                })
            })
            .collect();
        scope.spawn(|| {
            for round in 0.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                let config = Config::new(strategy, pool(3 + round % 2, LIMIT));
                engine.reconfigure(Nanos::ZERO, config).expect("a valid configuration");
                thread::yield_now();
            }
        });
        let ended: Vec<_> = workers.into_iter().map(thread::ScopedJoinHandle::join).collect();
        // Before anything is made of a panic: the scope waits for all its threads.
        done.store(true, Ordering::Relaxed);
        let sent: u64 = ended.into_iter().map(|sent| sent.expect("no panic in a worker")).sum();
        assert!(sent > 0, "{strategy}");
    });
    let left: Vec<u32> = engine.snapshot(Nanos::ZERO).providers.iter().map(|provider| provider.in_flight).collect();
    assert!(left.iter().all(|count| *count == 0), "{strategy}: {left:?}");
    assert!(in_flight.iter().all(|count| count.load(Ordering::Relaxed) == 0), "{strategy}");
    // Every place can be used again.
    engine.reconfigure(Nanos::ZERO, Config::new(strategy, pool(3, LIMIT))).expect("a valid configuration");
    let all: Vec<Lease> = (0..3 * u64::from(LIMIT)).map(|id| send(&engine, Nanos::ZERO, &Request::new(id))).collect();
    assert!(matches!(engine.pick(Nanos::ZERO, &Request::new(99)), Decision::Wait { .. }), "{strategy}");
    all.into_iter().for_each(|lease| succeed(&engine, Nanos::ZERO, lease));
}

fn pool(n: usize, limit: u32) -> Vec<ProviderConfig> {
    let limits = Limits { max_concurrency: Some(limit), ..Default::default() };
    providers(n).into_iter().map(|provider| ProviderConfig { limits: limits.clone(), ..provider }).collect()
}

/// Returns how many requests were sent.
fn work(engine: &Engine, in_flight: &[AtomicI64], worker: u64) -> u64 {
    let mut held: Vec<Lease> = Vec::new();
    let mut sent = 0;
    let settle = |lease: Lease| {
        in_flight[lease.provider().index()].fetch_sub(1, Ordering::SeqCst);
        succeed(engine, Nanos::ZERO, lease);
    };
    for id in 0..PICKS {
        match engine.pick(Nanos::ZERO, &Request::new(worker * PICKS + id)) {
            Decision::Send(lease) => {
                let provider = lease.provider().index();
                let count = in_flight[provider].fetch_add(1, Ordering::SeqCst) + 1;
                // The fourth provider leaves and comes back as a newcomer, beside attempts of its former self.
                assert!(provider == 3 || count <= i64::from(LIMIT), "{count} at p{provider}");
                sent += 1;
                held.push(lease);
            }
            Decision::Wait { .. } => held.drain(..).for_each(settle),
            Decision::Refuse { why } => panic!("three providers are always there: {why}"),
        }
        if held.len() >= 4 {
            settle(held.swap_remove(id as usize % 4));
        }
    }
    held.into_iter().for_each(settle);
    sent
}

#[test]
fn round_robin_turns_are_exact_under_contention() {
    // 4 × 16,000 picks over 8 providers: each gets exactly 8,000, however the threads interleave.
    let engine = engine(Strategy::RoundRobin, providers(8));
    let counts: Vec<AtomicU64> = (0..8).map(|_| AtomicU64::new(0)).collect();
    thread::scope(|scope| {
        for worker in 0..THREADS {
            let (engine, counts) = (&engine, &counts);
            scope.spawn(move || {
                for id in 0..16_000 {
                    let lease = send(engine, Nanos::ZERO, &Request::new(worker * 16_000 + id));
                    counts[lease.provider().index()].fetch_add(1, Ordering::Relaxed);
                    succeed(engine, Nanos::ZERO, lease);
                }
            });
        }
    });
    assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 8_000), "{counts:?}");
}

#[test]
fn weighted_turns_are_exact_under_contention() {
    // 5 : 2 : 1 over 4 × 8,000 picks: rounds of 8 are whole.
    let engine = engine(Strategy::WeightedRoundRobin, super::weighted(&[5.0, 2.0, 1.0]));
    let counts: Vec<AtomicU64> = (0..3).map(|_| AtomicU64::new(0)).collect();
    thread::scope(|scope| {
        for worker in 0..THREADS {
            let (engine, counts) = (&engine, &counts);
            scope.spawn(move || {
                for id in 0..8_000 {
                    let lease = send(engine, Nanos::ZERO, &Request::new(worker * 8_000 + id));
                    counts[lease.provider().index()].fetch_add(1, Ordering::Relaxed);
                    succeed(engine, Nanos::ZERO, lease);
                }
            });
        }
    });
    let counts: Vec<u64> = counts.into_iter().map(AtomicU64::into_inner).collect();
    assert_eq!(counts, [20_000, 8_000, 4_000]);
}

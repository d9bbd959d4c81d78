use std::sync::atomic::Ordering::Relaxed;

use super::*;
use crate::engine::strategy::CATALOGUE;

const EVERY_KIND: [Option<Algorithm>; 4] =
    [None, Some(Algorithm::TokenBucket), Some(Algorithm::FixedWindow), Some(Algorithm::SlidingWindow)];

fn settings(limits: Option<Algorithm>) -> Settings {
    Settings {
        strategies: CATALOGUE.iter().map(|info| info.strategy).collect(),
        providers: vec![1, 17],
        threads: vec![1, 2],
        limits,
        in_flight: 4,
        rounds: 2,
        resolution: 0.1,
        at_most: None,
    }
}

/// What is measured is a decision that sends: whatever the strategy and the limits, also when windows turn over and are full.
#[test]
fn every_decision_sends() {
    for limits in EVERY_KIND {
        for (providers, threads) in rounds::sizes(&settings(limits)) {
            let mut pool = rounds::Pool::new(&settings(limits), providers, threads).unwrap();
            assert!(rounds::measure(&mut pool, 2, &AtomicU64::new(0), &AtomicBool::new(false)));
            for arm in pool.strategies.iter().chain([&pool.again]) {
                assert_eq!(arm.callers().iter().map(|caller| caller.unsent).sum::<usize>(), 0, "{limits:?} over {providers}");
                assert_eq!((arm.callers().len(), arm.rounds.len()), (threads, 2));
            }
        }
    }
}

/// Every figure has its place, and progress comes to what was foretold.
#[test]
fn a_bench_has_a_figure_for_everything_asked_for() {
    let settings = settings(Some(Algorithm::TokenBucket));
    let progress = AtomicU64::new(0);
    let bench = run(&settings, &progress, &AtomicBool::new(false)).unwrap().expect("nobody stopped it");
    assert_eq!(progress.load(Relaxed), settings.turns());
    let sizes: Vec<_> = bench.pools.iter().map(|pool| (pool.providers, pool.threads)).collect();
    assert_eq!(sizes, [(1, 1), (17, 1), (1, 2), (17, 2)]);
    for pool in &bench.pools {
        assert!(pool.strategies.iter().map(|cost| cost.strategy.as_str()).eq(CATALOGUE.iter().map(|info| info.name)));
        assert_eq!(pool.strategies[0].ratio, Spread { lowest: 1.0, median: 1.0, low: 1.0, high: 1.0 }, "of itself");
        for Spread { lowest, median, low, high } in pool.strategies.iter().flat_map(|cost| [cost.ns, cost.ratio]) {
            assert!(0.0 < lowest && lowest <= low && low <= median && median <= high, "{lowest} {low} {median} {high}");
        }
        assert_eq!(pool.rounds, settings.rounds);
        assert_eq!(pool.noisy, pool.spread > settings.resolution);
    }
}

/// A bench that is stopped before its first round has nothing to say.
#[test]
fn without_a_whole_round_there_is_no_result() {
    let stopped = run(&settings(None), &AtomicU64::new(0), &AtomicBool::new(true)).unwrap();
    assert_eq!(stopped, None);
}

/// Judged is what the whole interval says, and only where A against A is quiet.
#[test]
fn figures_are_judged_by_their_interval() {
    let spread = |low: f64, high: f64| Spread { lowest: low, median: (low + high) / 2.0, low, high };
    for (ns, most, verdict) in [
        (spread(90.0, 100.0), 100.0, Verdict::Pass),
        (spread(90.0, 100.1), 100.0, Verdict::Noisy),
        (spread(100.1, 120.0), 100.0, Verdict::Fail),
    ] {
        assert_eq!(against(AtMost::Nanos(most), &ns, &spread(1.0, 1.0)), verdict);
        assert_eq!(against(AtMost::Ratio(most), &spread(1.0, 1.0), &ns), verdict);
    }
    // Nothing takes longer than a second, and nothing less than a tenth of a nanosecond; no two things are equal to a part in 10^9.
    for (at_most, resolution, verdict) in
        [(1e9, f64::INFINITY, Verdict::Pass), (0.01, f64::INFINITY, Verdict::Fail), (1e9, 1e-9, Verdict::Noisy)]
    {
        let settings = Settings {
            at_most: Some(AtMost::Nanos(at_most)),
            resolution,
            threads: vec![1],
            providers: vec![3],
            rounds: 3,
            ..settings(None)
        };
        let bench = run(&settings, &AtomicU64::new(0), &AtomicBool::new(false)).unwrap().expect("nobody stopped it");
        assert_eq!(bench.verdict, verdict);
        assert!(bench.pools[0].strategies.iter().all(|cost| cost.verdict == Some(verdict)));
    }
}

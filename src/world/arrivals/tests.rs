//! Arrivals against exact sequences, closed forms and counting.

use std::sync::Arc;

use super::*;
use crate::world::dist::Dist;
use crate::world::spec::{ArrivalLaw, Burst, OpenLoop, Stage};

const SECOND: u64 = 1_000_000_000;

fn seconds(s: u64) -> Nanos {
    Nanos::from_secs(s)
}

fn open(arrival: ArrivalLaw, rate: f64) -> OpenLoop {
    OpenLoop { arrival, rate, stages: Vec::new(), bursts: Vec::new() }
}

fn load(open: OpenLoop, end: End) -> Load {
    Load { source: Source::Open(open), end, warmup: Nanos::ZERO, classes: Vec::new(), sessions: None }
}

fn times(load: &Load, seed: u64) -> Vec<u64> {
    OpenArrivals::new(load, seed).map(|arrival| arrival.at.as_nanos()).collect()
}

fn stage(at: u64, over: u64, rate: f64) -> Stage {
    Stage { at: seconds(at), over: seconds(over), rate }
}

#[test]
fn constant_arrivals_come_at_i_over_rate() {
    // i/rate to the nearest nanosecond, in integers: (2·i·10⁹·q + p) / 2p for the rate p/q.
    for (p, q, count) in [(10_u64, 1_u64, 5_000_u64), (3, 1, 5_000), (7, 60, 5_000), (600, 60, 100), (5_120, 1, 20_000), (4, 5, 1_000)] {
        let load = load(open(ArrivalLaw::Constant, p as f64 / q as f64), End::Requests(count));
        let exact: Vec<u64> = (0..count).map(|i| (2 * i * SECOND * q + p) / (2 * p)).collect();
        assert_eq!(times(&load, 1), exact, "{p} per {q} s");
    }
    let third = load(open(ArrivalLaw::Constant, 3.0), End::Requests(4));
    assert_eq!(times(&third, 1), [0, 333_333_333, 666_666_667, SECOND], "worked out by hand");
}

#[test]
fn constant_arrivals_do_not_drift() {
    // Request 10⁸ + 1 at 3/s is due at 33333333.666… s, about a year in; the error of a float there is 4 ns, which is
    // what the formula promises; a sum of rounded gaps would be off by 33 ms.
    let mut curve = RateCurve::new(&open(ArrivalLaw::Constant, 3.0));
    let target = base::Operational { whole: 100_000_001, fraction: 0.0 };
    let at = curve_time(&mut curve, target).expect("a steady rate never ends");
    assert!(at.as_nanos().abs_diff(33_333_333_666_666_667) <= 4, "{at:?}");
}

fn curve_time(curve: &mut RateCurve, target: base::Operational) -> Option<Nanos> {
    curve.time_of(target, &mut rate::Cursor::default())
}

#[test]
fn the_end_is_half_open() {
    let twenty = load(open(ArrivalLaw::Constant, 10.0), End::Duration(seconds(2)));
    let all: Vec<Arrival> = OpenArrivals::new(&twenty, 1).collect();
    assert_eq!(all.len(), 20, "a constant 10/s in [0, 2 s) is exactly 20 arrivals");
    assert_eq!(all.last().map(|a| (a.id, a.at)), Some((19, Nanos::from_millis(1_900))));
    let mut arrivals = OpenArrivals::new(&twenty, 1);
    assert_eq!(arrivals.by_ref().count(), 20);
    assert_eq!(arrivals.next(), None, "the end is final");
}

#[test]
fn the_warm_up_comes_on_top_and_is_numbered() {
    // 10/s, one second of warm-up: ids 0…9 before it ends, the measured ones from 10 on, for either kind of end.
    for (end, last) in [(End::Duration(seconds(2)), 29), (End::Requests(7), 16)] {
        let mut load = load(open(ArrivalLaw::Constant, 10.0), end);
        load.warmup = seconds(1);
        let all: Vec<Arrival> = OpenArrivals::new(&load, 1).collect();
        assert!(all.iter().enumerate().all(|(i, a)| a.id == i as u64), "ids count arrivals");
        assert_eq!(all.last().map(|a| a.id), Some(last), "{end:?}");
        assert_eq!(all.iter().filter(|a| a.at < seconds(1)).count(), 10);
        assert_eq!(expected_requests(&load), Some(last + 1));
    }
    assert_eq!(times(&load(open(ArrivalLaw::Poisson, 10.0), End::Requests(0)), 1), Vec::<u64>::new());
}

#[test]
fn poisson_gaps_are_exponential() {
    // Kolmogorov–Smirnov over 100,000 gaps against 1 − e^(−λt), critical distance 2.694/√n at α = 10⁻⁶; seed 7.
    // The first gap counts from t = 0.
    let n = 100_000_u64;
    let load = load(open(ArrivalLaw::Poisson, 250.0), End::Requests(n));
    let all = times(&load, 7);
    let mut gaps: Vec<f64> = std::iter::once(all[0]).chain(all.windows(2).map(|w| w[1] - w[0])).map(|g| g as f64 / 1e9).collect();
    gaps.sort_by(f64::total_cmp);
    let distance = gaps.iter().enumerate().fold(0.0_f64, |worst, (i, gap)| {
        let p = 1.0 - (-250.0 * gap).exp();
        worst.max((p - i as f64 / n as f64).abs()).max(((i + 1) as f64 / n as f64 - p).abs())
    });
    assert!(distance < 2.694 / (n as f64).sqrt(), "distance {distance}");
}

#[test]
fn poisson_counts_have_the_variance_of_their_mean() {
    // Counts in 2,000 one-second windows at 50/s. Mean within 5·√(50/2000) = 0.8; the index of dispersion times (k−1)
    // is chi-square with k−1 degrees of freedom, so the index is 1 ± 5·√(2/1999) = 0.16; seed 3.
    let all = times(&load(open(ArrivalLaw::Poisson, 50.0), End::Duration(seconds(2_000))), 3);
    let mut counts = vec![0.0_f64; 2_000];
    all.iter().for_each(|at| counts[(at / SECOND) as usize] += 1.0);
    let mean = counts.iter().sum::<f64>() / 2_000.0;
    let variance = counts.iter().map(|c| (c - mean).powi(2)).sum::<f64>() / 1_999.0;
    assert!((mean - 50.0).abs() < 0.8, "mean {mean}");
    assert!((variance / mean - 1.0).abs() < 0.16, "dispersion {}", variance / mean);
}

#[test]
fn gamma_gaps_have_cv_squared_of_one_over_burstiness() {
    // n = 200,000 gaps of shape k at 100/s; seed 11. The mean has the relative standard error √(1/(k n)), and CV² has
    // √((2 + 2/k)/n), by the delta method with the skewness 2/√k and the kurtosis 3 + 6/k; five of each. Gaps are not
    // clamped: rounding to whole nanoseconds changes a mean gap of 10 ms by less than 10⁻⁷.
    let n = 200_000_u64;
    for k in [0.1, 0.25, 1.0, 4.0] {
        let all = times(&load(open(ArrivalLaw::Gamma { burstiness: k }, 100.0), End::Requests(n)), 11);
        let gaps: Vec<f64> = std::iter::once(all[0]).chain(all.windows(2).map(|w| w[1] - w[0])).map(|g| g as f64 / 1e9).collect();
        let mean = gaps.iter().sum::<f64>() / n as f64;
        let variance = gaps.iter().map(|g| (g - mean).powi(2)).sum::<f64>() / n as f64;
        assert!((mean * 100.0 - 1.0).abs() < 5.0 / (k * n as f64).sqrt(), "shape {k}: mean {mean}");
        assert!(
            (variance / (mean * mean) * k - 1.0).abs() < 5.0 * ((2.0 + 2.0 / k) / n as f64).sqrt(),
            "shape {k}: CV² {}",
            variance / (mean * mean)
        );
    }
}

#[test]
fn a_ramp_brings_the_area_below_it() {
    // 0/s → 100/s over 10 s: 500 arrivals, the i-th at √(i/5) s (t²·5 = i). Then 100/s.
    let mut ramp = open(ArrivalLaw::Constant, 1.0);
    ramp.stages = vec![stage(0, 0, 0.0), stage(0, 10, 100.0)];
    let all = times(&load(ramp.clone(), End::Duration(seconds(20))), 1);
    assert_eq!(all.len(), 1_500);
    for (i, at) in all.iter().take(500).enumerate() {
        let exact = (i as f64 / 5.0).sqrt() * 1e9;
        assert!((*at as f64 - exact).abs() <= 1.0, "arrival {i} at {at}, expected {exact}");
    }
    assert_eq!(&all[500..503], [10 * SECOND, 10 * SECOND + SECOND / 100, 10 * SECOND + SECOND / 50]);
    assert_eq!(expected_requests(&load(ramp.clone(), End::Duration(seconds(20)))), Some(1_500));
    // The same curve with Poisson arrivals: the counts of [0, 5), [5, 10), [10, 20) are Poisson of 125, 375 and 1000;
    // averaged over 100 seeds within five standard errors of the mean.
    ramp.arrival = ArrivalLaw::Poisson;
    let mut counts = [0.0_f64; 3];
    for seed in 0..100 {
        for at in times(&load(ramp.clone(), End::Duration(seconds(20))), seed) {
            counts[match at / SECOND {
                0..5 => 0,
                5..10 => 1,
                _ => 2,
            }] += 0.01;
        }
    }
    for (count, mean) in counts.iter().zip([125.0_f64, 375.0, 1_000.0]) {
        assert!((count - mean).abs() < 5.0 * (mean / 100.0).sqrt(), "{counts:?}");
    }
}

#[test]
fn a_ramp_down_to_zero_ends_the_arrivals() {
    // 10/s for 10 s, down to 0 over 10 s: 100 + 50 arrivals, and no 151st: the end by count is never reached.
    let mut down = open(ArrivalLaw::Constant, 10.0);
    down.stages = vec![stage(10, 10, 0.0)];
    let all = times(&load(down, End::Requests(1_000)), 1);
    assert_eq!(all.len(), 150);
    assert!(all.iter().all(|at| *at < 20 * SECOND));
    assert!(all.windows(2).all(|w| w[0] < w[1]));
}

#[test]
fn gaps_in_the_rate_hold_no_arrival() {
    // 7/min for 60 s, nothing in [60 s, 90 s), then 20/s for 10 s. Under every law nothing may fall into the gap; the
    // constant arrivals are 7 + 200, and the first after the gap comes at its end exactly.
    for law in [ArrivalLaw::Constant, ArrivalLaw::Poisson, ArrivalLaw::Gamma { burstiness: 0.05 }] {
        let mut gap = open(law, 7.0 / 60.0);
        gap.stages = vec![stage(60, 0, 0.0), stage(90, 0, 20.0)];
        let load = load(gap, End::Duration(seconds(100)));
        for seed in 0..200 {
            let all = times(&load, seed);
            assert!(all.iter().all(|at| !(60 * SECOND..90 * SECOND).contains(at)), "{law:?}, seed {seed}");
            assert!(all.windows(2).all(|w| w[0] <= w[1]), "{law:?}, seed {seed}: not in order");
            if law == ArrivalLaw::Constant {
                assert_eq!((all.len(), all[7]), (207, 90 * SECOND));
            }
        }
    }
}

#[test]
fn steps_take_effect_at_once() {
    // 10/s for 1 s, then 100/s: the eleventh arrival at 1 s, the next ones every 10 ms.
    let mut step = open(ArrivalLaw::Constant, 10.0);
    step.stages = vec![stage(1, 0, 100.0)];
    let all = times(&load(step, End::Requests(13)), 1);
    assert_eq!(&all[9..], [900_000_000, SECOND, 1_010_000_000, 1_020_000_000]);
}

#[test]
fn bursts_come_behind_the_base_and_in_file_order() {
    // 1/s and bursts of 3 at 2 s every 2 s, 2 at 4 s once: at 4 s that is one base arrival, then three, then two.
    let mut burst = open(ArrivalLaw::Constant, 1.0);
    burst.bursts = vec![Burst { at: seconds(2), count: 3, every: Some(seconds(2)) }, Burst { at: seconds(4), count: 2, every: None }];
    let load = load(burst, End::Duration(seconds(6)));
    let all: Vec<u64> = times(&load, 1).iter().map(|at| at / SECOND).collect();
    assert_eq!(all, [0, 1, 2, 2, 2, 2, 3, 4, 4, 4, 4, 4, 4, 5], "the burst at 6 s lies on the open end");
    assert_eq!(expected_requests(&load), Some(14));
}

#[test]
fn bursts_go_on_when_the_base_is_silent() {
    let mut silent = open(ArrivalLaw::Poisson, 5.0);
    silent.stages = vec![stage(0, 0, 0.0)];
    silent.bursts = vec![Burst { at: Nanos::ZERO, count: 2, every: Some(seconds(10)) }];
    assert_eq!(times(&load(silent, End::Requests(5)), 1), [0, 0, 10 * SECOND, 10 * SECOND, 20 * SECOND]);
}

#[test]
fn bursts_do_not_shift_the_base() {
    // The Poisson arrivals with bursts, less the burst instants, are those without.
    let plain = open(ArrivalLaw::Poisson, 20.0);
    let mut burst = plain.clone();
    burst.bursts = vec![Burst { at: seconds(1), count: 50, every: Some(seconds(3)) }];
    let end = End::Duration(seconds(60));
    let mut with = times(&load(burst, end), 5);
    with.retain(|at| at % SECOND != 0);
    assert_eq!(with, times(&load(plain, end), 5));
}

#[test]
fn the_same_seed_gives_the_same_arrivals() {
    for law in [ArrivalLaw::Poisson, ArrivalLaw::Gamma { burstiness: 0.3 }] {
        let load = load(open(law, 1_000.0), End::Requests(1_000));
        assert_eq!(times(&load, 9), times(&load, 9));
        assert_ne!(times(&load, 9), times(&load, 10));
    }
    // Golden values, recorded once (the Poisson ones also worked out by a separate program): a change here changes every result that users have stored.
    assert_eq!(times(&load(open(ArrivalLaw::Poisson, 100.0), End::Requests(3)), 42), [2_586_976, 12_080_946, 45_967_294]);
    assert_eq!(
        times(&load(open(ArrivalLaw::Gamma { burstiness: 0.25 }, 100.0), End::Requests(3)), 42),
        [14_978_601, 14_979_656, 15_363_983]
    );
}

#[test]
fn a_trace_is_replayed_at_its_speed() {
    let row = |at| TraceRow { at: Nanos::new(at), input: 1, output: 1, session: None };
    let mut load = load(open(ArrivalLaw::Constant, 1.0), End::Trace);
    let rows: Arc<[TraceRow]> = [0, 5, 10, SECOND, 4 * SECOND].map(row).into();
    load.source = Source::Trace { rows: Arc::clone(&rows), speed: 2.0 };
    // 5/2 is rounded up.
    assert_eq!(times(&load, 1), [0, 3, 5, SECOND / 2, 2 * SECOND]);
    assert_eq!(OpenArrivals::new(&load, 1).map(|a| a.trace).collect::<Vec<_>>(), rows.iter().copied().map(Some).collect::<Vec<_>>());
    assert_eq!(expected_requests(&load), Some(5));
    load.end = End::Duration(seconds(2));
    assert_eq!((times(&load, 1).len(), expected_requests(&load)), (4, Some(4)), "cut by a duration, half-open");
    (load.end, load.warmup) = (End::Requests(1), seconds(1));
    assert_eq!((times(&load, 1).len(), expected_requests(&load)), (5, Some(5)), "cut by a count behind the warm-up");
    load.end = End::Requests(100);
    assert_eq!(times(&load, 1).len(), 5, "a trace does not begin again");
}

#[test]
fn thinking_belongs_to_the_user_and_the_round() {
    let mut load = load(open(ArrivalLaw::Constant, 1.0), End::Requests(10));
    assert_eq!(think_time(&load, 1, 0, 0), Nanos::ZERO, "nobody thinks in an open loop");
    load.source = Source::Closed { users: 3, think_time: Dist::Exponential { mean: 1e9 } };
    assert_eq!(OpenArrivals::new(&load, 1).next(), None);
    assert_eq!(expected_requests(&load), Some(10));
    let mut seen: Vec<u64> =
        (0..3).flat_map(|user| (0..200).map(move |n| (user, n))).map(|(u, n)| think_time(&load, 1, u, n).as_nanos()).collect();
    assert_eq!(seen[5], think_time(&load, 1, 0, 5).as_nanos(), "independent of what was drawn in between");
    // Exponential: mean 1 s ± 5/√600 = 0.2 s.
    let mean = seen.iter().sum::<u64>() as f64 / 600.0 / 1e9;
    assert!((mean - 1.0).abs() < 0.2, "mean {mean}");
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 600, "every round has a pause of its own");
}

#[test]
fn a_huge_or_tiny_rate_is_harmless() {
    assert_eq!(times(&load(open(ArrivalLaw::Constant, 1e9), End::Requests(4)), 1), [0, 1, 2, 3]);
    assert_eq!(times(&load(open(ArrivalLaw::Constant, 1e-12), End::Requests(4)), 1), [0], "the second would come after the end of time");
}

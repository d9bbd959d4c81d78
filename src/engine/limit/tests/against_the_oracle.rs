//! Random histories, step by step against the naive oracle.

use super::*;
use crate::engine::limit::oracle::Oracle;

/// What both sides hold: the reservation, the oracle's id, and when it was made.
type Open = Vec<(Reservation, usize)>;

/// Each seed draws limits, and then 300 steps of a history in which time stands still, creeps by a nanosecond, drifts, or
/// lands exactly on an edge; attempts are admitted, refused (counted or not, one or many), settled with less or more, or cancelled.
/// After each step both must agree on the decision, the blamed limit and the headroom, and the oracle must confirm `free_at`.
#[test]
fn every_decision_is_the_same() {
    for seed in 0..600 {
        let mut draws = Draws::new(seed, Stream::Pick, 0);
        let limits = random_limits(&mut draws);
        // Shown when a step fails.
        println!("seed {seed}: {limits:?}");
        run(seed, &limits, &mut draws);
    }
}

fn random_limits(draws: &mut Draws) -> Limits {
    let maybe = |draws: &mut Draws, values: &[f64]| {
        if draws.chance(0.45) { Some(values[draws.below(values.len() as u64) as usize]) } else { None }
    };
    Limits {
        rpm: maybe(draws, &[1.0, 2.0, 6.0, 7.0, 60.0, 0.5, 33.333_33, 600.0]),
        rpd: maybe(draws, &[3.0, 40.0, 1_000.0]),
        tpm: maybe(draws, &[1.0, 500.0, 2_000.0, 10_000.0]),
        itpm: maybe(draws, &[300.0, 1_234.5, 5_000.0]),
        otpm: maybe(draws, &[100.0, 900.0, 4_000.0]),
        tpd: maybe(draws, &[700.0, 20_000.0]),
        max_concurrency: draws.chance(0.3).then(|| 1 + draws.below(5) as u32),
        algorithm: ALGORITHMS[draws.below(3) as usize],
        period: if draws.chance(0.4) { Some(Nanos::from_millis(500 + draws.below(20_000))) } else { None },
        request_period: if draws.chance(0.2) { Some(Nanos::from_millis(500 + draws.below(20_000))) } else { None },
        burst: maybe(draws, &[1.0, 1.5, 10.0]),
        ..Limits::default()
    }
}

fn random_cost(draws: &mut Draws) -> Cost {
    let most = [1, 20, 600, 6_000][draws.below(4) as usize];
    tokens(draws.below(most), draws.below(most))
}

fn run(seed: u64, limits: &Limits, draws: &mut Draws) {
    let (mut ledger, mut oracle) = (ledger(limits), Oracle::new(limits));
    let mut open: Open = Vec::new();
    let mut now = Nanos::ZERO;
    for step in 0..300 {
        let cost = random_cost(draws);
        now = next_instant(draws, now, limits, &mut ledger, cost);
        match draws.below(10) {
            0..=5 => admit(&mut ledger, &mut oracle, &mut open, now, cost),
            6 if draws.chance(0.5) => {
                ledger.drain(now, cost);
                oracle.drain(now, cost);
            }
            6 => hammer(draws, &mut ledger, &mut oracle, now, cost),
            _ => finish(draws, &mut ledger, &mut oracle, &mut open, now, cost),
        }
        let context = || format!("seed {seed}, step {step}, {limits:?}");
        let free_at = ledger.free_at(now, cost);
        assert!(oracle.confirms(now, cost, free_at), "{free_at:?} at {now} for {cost:?}: {}", context());
        let (got, want) = (ledger.headroom(now), oracle.headroom(now));
        // Two divisions and a subtraction of doubles between 0 and a few thousand.
        assert!((got - want).abs() < 1e-9, "headroom {got} for {want}: {}", context());
        assert_eq!(ledger.in_flight() as usize, open.len());
    }
}

fn next_instant(draws: &mut Draws, now: Nanos, limits: &Limits, ledger: &mut Ledger, cost: Cost) -> Nanos {
    let period = limits.period.unwrap_or(Nanos::from_secs(60)).as_nanos();
    match draws.below(8) {
        0 | 1 => now,
        2 => now + Nanos::new(1),
        3 => now + Nanos::new(draws.below(2_000_000_000)),
        4 => Nanos::new((now.as_nanos() / period + 1) * period - draws.below(2)),
        5 => now + Nanos::new(period - draws.below(2)),
        6 if draws.chance(0.05) => now + Nanos::from_secs(86_400),
        _ => match ledger.free_at(now, cost) {
            FreeAt::At(at) => Nanos::new(at.as_nanos() - draws.below(2)),
            _ => now,
        },
    }
    .max(now)
}

fn admit(ledger: &mut Ledger, oracle: &mut Oracle, open: &mut Open, now: Nanos, cost: Cost) {
    let refusing = oracle.refusing(now, cost);
    match ledger.try_reserve(now, cost) {
        Ok(reservation) => {
            assert!(refusing.is_empty(), "admitted against {refusing:?}");
            open.push((reservation, oracle.take(now, cost)));
        }
        Err(refusal) => {
            assert!(refusing.contains(&refusal.dimension), "{refusal:?}, but {refusing:?} refuse");
            assert!(oracle.confirms(now, cost, refusal.free_at), "{refusal:?}");
        }
    }
}

/// A handful of refused attempts that count.
fn hammer(draws: &mut Draws, ledger: &mut Ledger, oracle: &mut Oracle, now: Nanos, cost: Cost) {
    for _ in 0..1 + draws.below(6) {
        ledger.refuse_counts(now, cost);
        oracle.refuse_counts(now, cost);
    }
}

fn finish(draws: &mut Draws, ledger: &mut Ledger, oracle: &mut Oracle, open: &mut Open, now: Nanos, actual: Cost) {
    if open.is_empty() {
        return;
    }
    let (reservation, id) = open.swap_remove(draws.below(open.len() as u64) as usize);
    let reserved = reservation.cost();
    match draws.below(4) {
        0 => {
            ledger.settle(now, reservation, None);
            oracle.settle(now, id, |d| reserved.of(d), |d| reserved.of(d));
        }
        1 => {
            ledger.cancel(now, reservation);
            oracle.settle(now, id, |d| reserved.of(d), |_| 0);
        }
        _ => {
            ledger.settle(now, reservation, Some(actual));
            oracle.settle(now, id, |d| reserved.of(d), |d| actual.of(d));
        }
    }
}

//! Corrections by response headers.

use super::*;

/// A provider that only we use says what the ledger already knows, whatever was reserved, returned and refilled between
/// the admission it tells of and now: no header may lower anything. (A ledger that took "remaining" for what is
/// left *now* would lose its reservations twice.) Truth and belief are the same struct; the header is rounded down.
#[test]
fn a_header_about_our_own_traffic_changes_nothing() {
    for seed in 0..200 {
        let mut draws = Draws::new(seed, Stream::Pick, 1);
        let algorithm = ALGORITHMS[draws.below(3) as usize];
        let mut ledger = ledger(&Limits { rpm: Some(120.0), tpm: Some(90_000.0), algorithm, ..Limits::default() });
        let mut open = Vec::new();
        let mut now = Nanos::ZERO;
        for _ in 0..400 {
            now += Nanos::new(draws.below(400_000_000));
            if let Ok(reservation) = ledger.try_reserve(now, tokens(draws.below(500), draws.below(500))) {
                let header: Vec<_> = ledger.usage(now).map(|usage| (usage.dimension, usage.left().floor())).collect();
                open.push((reservation, header));
            }
            if open.len() > 20 {
                let (reservation, header) = open.remove(0);
                for (dimension, remaining) in header {
                    let lowered = ledger.correct(now, &reservation, dimension, remaining, None);
                    assert!(!lowered, "seed {seed}, {algorithm:?}, {dimension} at {now}");
                }
                if draws.chance(0.2) {
                    ledger.cancel(now, reservation);
                } else {
                    ledger.settle(now, reservation, Some(tokens(draws.below(500), draws.below(500))));
                }
            }
        }
    }
}

/// Others use the quota too, and 20 headers are always under way, each telling of what the ones before told already. Applied one
/// by one they must never take the same thing off twice: within the first minute (after it, windows may forget
/// what others used later than the provider does) belief stays at or above the truth, less the one of rounding.
#[test]
fn headers_in_flight_do_not_count_twice() {
    for seed in 0..200 {
        let mut draws = Draws::new(seed, Stream::Pick, 2);
        let limits = Limits { rpm: Some(1_000.0), algorithm: ALGORITHMS[draws.below(3) as usize], ..Limits::default() };
        let (mut truth, mut belief) = (ledger(&limits), ledger(&limits));
        let left = |ledger: &mut Ledger, now| ledger.usage(now).next().map_or(0.0, |usage| usage.left());
        let mut under_way = Vec::new();
        let mut now = Nanos::ZERO;
        let mut lowered = 0;
        while now < Nanos::from_secs(59) {
            now += Nanos::new(draws.below(200_000_000));
            if draws.chance(0.3) {
                truth.try_reserve(now, REQUEST).map(drop).ok();
            }
            if truth.try_reserve(now, REQUEST).is_ok() {
                let ours = belief.try_reserve(now, REQUEST).expect("belief is never below the truth");
                under_way.push((ours, left(&mut truth, now).floor()));
            }
            if under_way.len() > 20 {
                // Answers overtake each other.
                let (ours, remaining) = under_way.swap_remove(draws.below(20) as usize);
                lowered += u32::from(belief.correct(now, &ours, Dimension::Requests, remaining, Some(1_000.0)));
                belief.settle(now, ours, None);
            }
            let (believed, true_left) = (left(&mut belief, now), left(&mut truth, now));
            assert!(believed >= true_left - 1.0, "seed {seed} at {now}: {believed} < {true_left}, {:?}", limits.algorithm);
        }
        assert!(lowered > 5, "seed {seed}: others were noticed {lowered} times");
    }
}

/// Others used 40 of 100 before our request: the header says 59, and 59 it is, less what was reserved since.
#[test]
fn what_others_used_is_taken_off() {
    for algorithm in ALGORITHMS {
        let mut ledger = ledger(&Limits { rpm: Some(100.0), algorithm, ..Limits::default() });
        let answered = ledger.try_reserve(Nanos::ZERO, REQUEST).expect("empty");
        let _since: Vec<_> = (0..9).map(|_| ledger.try_reserve(Nanos::ZERO, REQUEST).expect("fits")).collect();
        assert!(ledger.correct(Nanos::ZERO, &answered, Dimension::Requests, 59.0, Some(100.0)));
        assert!(!ledger.correct(Nanos::ZERO, &answered, Dimension::Requests, 90.0, Some(100.0)), "never raised");
        let left = ledger.usage(Nanos::ZERO).next().map(|usage| usage.left().round());
        assert_eq!(left, Some(50.0), "{algorithm:?}");
    }
}

#[test]
fn garbage_is_ignored() {
    let mut ledger = ledger(&Limits { tpm: Some(5_500.0), max_concurrency: Some(9), ..Limits::default() });
    let answered = ledger.try_reserve(Nanos::ZERO, tokens(0, 0)).expect("empty");
    for remaining in [f64::NAN, -1.0, f64::INFINITY, 1e300] {
        assert!(!ledger.correct(Nanos::ZERO, &answered, Dimension::Tokens, remaining, None), "{remaining}");
    }
    for limit in [f64::NAN, 0.0, -5.0, 50.0] {
        assert!(!ledger.correct(Nanos::ZERO, &answered, Dimension::Tokens, 100.0, Some(limit)), "100 left of {limit}");
    }
    assert!(!ledger.correct(Nanos::ZERO, &answered, Dimension::Requests, 0.0, None), "no such limit");
    assert!(!ledger.correct(Nanos::ZERO, &answered, Dimension::Concurrency, 0.0, None));
    assert!(!ledger.correct(Nanos::ZERO, &answered, Dimension::Tokens, 5_000.0, None), "5,500 rounded to thousands");
    assert!(ledger.correct(Nanos::ZERO, &answered, Dimension::Tokens, 4_000.0, None));
}

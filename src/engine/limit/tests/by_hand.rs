//! Sequences and edges that can be worked out by hand.

use super::*;

/// A bucket of rate r and depth r admits r at once and then one each 60/r s, rounded up to a nanosecond: k-th at
/// ⌈k × 60e9 / r⌉, also where 60/r is no whole number (7), below one request a minute (0.5), and with decimals.
#[test]
fn a_bucket_admits_exactly_when_a_request_has_flowed_in() {
    for (rpm, scaled, depth) in [(1.0, 10, 1), (2.0, 20, 2), (6.0, 60, 6), (7.0, 70, 7), (0.5, 5, 1), (0.1, 1, 1), (3.3, 33, 3)] {
        let mut ledger = ledger(&Limits { rpm: Some(rpm), burst: Some(f64::from(depth)), ..Limits::default() });
        let got = earliest_admissions(&mut ledger, 40);
        let want: Vec<u64> =
            (0..40_u128).map(|i| i.saturating_sub(depth as u128 - 1)).map(|k| (k * 600_000_000_000_u128).div_ceil(scaled) as u64).collect();
        assert_eq!(got, want, "rpm {rpm}");
    }
}

/// 1/s with depth 1: one at each whole second, and the level never exceeds one however long the silence.
#[test]
fn a_bucket_of_one_per_second_and_depth_one() {
    let mut ledger = ledger(&Limits { rpm: Some(60.0), burst: Some(1.0), ..Limits::default() });
    for second in [0, 1, 2, 100, 101] {
        let now = Nanos::from_secs(second);
        let reservation = ledger.try_reserve(now, REQUEST).expect("a second has passed");
        assert_eq!(ledger.free_at(now, REQUEST), FreeAt::At(Nanos::from_secs(second + 1)));
        ledger.settle(now, reservation, None);
    }
}

/// Tiny limits: N in each aligned window, and the next exactly at the window's start.
#[test]
fn fixed_windows_admit_exactly_n_each() {
    for n in [1, 2, 6_u64] {
        let mut ledger = ledger(&Limits { rpm: Some(n as f64), algorithm: Algorithm::FixedWindow, ..Limits::default() });
        let want: Vec<u64> = (0..30).map(|i| i / n * 60_000_000_000).collect();
        assert_eq!(earliest_admissions(&mut ledger, 30), want);
    }
}

/// Tiny limits: the (i + N)-th exactly one period after the i-th, which no longer counts then.
#[test]
fn sliding_windows_admit_exactly_n_in_any_minute() {
    for n in [1, 2, 6_u64] {
        let mut ledger = ledger(&Limits { rpm: Some(n as f64), algorithm: Algorithm::SlidingWindow, ..Limits::default() });
        let mut admitted = Vec::new();
        // Offered every 7 s (and so never in step with the minute).
        for i in 0..200 {
            let now = Nanos::from_secs(7 * i);
            let recent = admitted.iter().filter(|at| 7 * i - *at < 60).count() as u64;
            assert_eq!(ledger.try_reserve(now, REQUEST).is_ok(), recent < n, "at {now} with {recent} in the last minute");
            if recent < n {
                admitted.push(7 * i);
            }
        }
    }
}

/// The stated rate is per minute, the period is the slice: 600 per minute in slices of 1 s are 10 each second.
#[test]
fn the_period_is_the_enforcement_slice() {
    for algorithm in ALGORITHMS {
        let limits = Limits { rpm: Some(600.0), period: Some(Nanos::from_secs(1)), algorithm, ..Limits::default() };
        let mut ledger = ledger(&limits);
        for second in 0..3 {
            let admitted = (0..20).filter(|_| ledger.try_reserve(Nanos::from_secs(second), REQUEST).is_ok()).count();
            assert_eq!(admitted, 10, "{algorithm:?}");
        }
    }
}

/// 615 rpm in slices of 1 s: windows round 10.25 down to 10; 6 rpm in slices of 1 s: 0.1 becomes 1, the least.
#[test]
fn windows_round_down_to_at_least_one() {
    for (rpm, amount) in [(615.0, 10.0), (6.0, 1.0)] {
        for algorithm in [Algorithm::FixedWindow, Algorithm::SlidingWindow] {
            let limits = Limits { rpm: Some(rpm), period: Some(Nanos::from_secs(1)), algorithm, ..Limits::default() };
            assert_eq!(ledger(&limits).usage(Nanos::ZERO).next().map(|usage| usage.capacity), Some(amount));
        }
    }
    let limits = Limits { rpm: Some(615.0), period: Some(Nanos::from_secs(1)), ..Limits::default() };
    assert_eq!(ledger(&limits).usage(Nanos::ZERO).next().map(|usage| usage.capacity), Some(10.25), "a bucket keeps the fraction");
}

/// A cost equal to all that is left is admitted; one token more is not; more than the capacity is never.
#[test]
fn equality_admits_and_more_than_all_never_does() {
    for algorithm in ALGORITHMS {
        let mut ledger = ledger(&Limits { tpm: Some(1_000.0), algorithm, ..Limits::default() });
        let refusal = ledger.try_reserve(Nanos::ZERO, tokens(1_001, 0)).expect_err("more than the limit");
        assert_eq!(refusal, Refusal { dimension: Dimension::Tokens, free_at: FreeAt::Never });
        let huge = tokens(u64::MAX, u64::MAX);
        assert_eq!(ledger.free_at(Nanos::ZERO, huge), FreeAt::Never);
        let _held = ledger.try_reserve(Nanos::ZERO, tokens(400, 600)).expect("all of it");
        assert!(ledger.try_reserve(Nanos::ZERO, tokens(1, 0)).is_err());
        assert!(ledger.try_reserve(Nanos::ZERO, tokens(0, 0)).is_ok(), "0 ≥ 0");
    }
}

/// All or nothing: a refusal by the last limit leaves the others, and the count in flight, as they were.
#[test]
fn a_refusal_takes_nothing() {
    for algorithm in ALGORITHMS {
        let limits = Limits { rpm: Some(2.0), tpm: Some(100.0), max_concurrency: Some(2), algorithm, ..Limits::default() };
        let mut ledger = ledger(&limits);
        for _ in 0..50 {
            let refusal = ledger.try_reserve(Nanos::ZERO, tokens(101, 0)).expect_err("too many tokens");
            assert_eq!(refusal.dimension, Dimension::Tokens);
        }
        assert_eq!(ledger.headroom(Nanos::ZERO), 1.0);
        let first = ledger.try_reserve(Nanos::ZERO, tokens(1, 0)).expect("untouched");
        let _second = ledger.try_reserve(Nanos::ZERO, tokens(1, 0)).expect("untouched");
        let refusal = ledger.try_reserve(Nanos::ZERO, tokens(1, 0)).expect_err("third");
        assert_eq!(refusal, Refusal { dimension: Dimension::Concurrency, free_at: FreeAt::OnSettle });
        ledger.settle(Nanos::ZERO, first, None);
        let refusal = ledger.try_reserve(Nanos::ZERO, tokens(1, 0)).expect_err("rpm is used up");
        assert_eq!(refusal.dimension, Dimension::Requests);
    }
}

/// What is given back at the same instant is given back exactly, and an excess is owed until it is repaid.
#[test]
fn settling_returns_or_debits_the_difference() {
    for algorithm in ALGORITHMS {
        let mut ledger = ledger(&Limits { tpm: Some(60_000.0), algorithm, ..Limits::default() });
        let now = Nanos::from_millis(1_234);
        for _ in 0..1_000 {
            let reservation = ledger.try_reserve(now, tokens(30_000, 30_000)).expect("all of it, each time");
            ledger.settle(now, reservation, Some(Cost::default()));
        }
        let reservation = ledger.try_reserve(now, tokens(60_000, 0)).expect("all of it");
        ledger.settle(now, reservation, Some(tokens(60_000, 10_000)));
        assert_eq!(ledger.usage(now).next().map(|usage| usage.fraction() > 1.16), Some(true));
        assert_eq!(ledger.headroom(now), 0.0);
        // 1,000 tokens a second: the bucket has repaid 10,000 after 10 s; windows start anew with the next period.
        let free = match algorithm {
            Algorithm::TokenBucket => now + Nanos::from_secs(10),
            Algorithm::FixedWindow => Nanos::from_secs(60),
            Algorithm::SlidingWindow => now + Nanos::from_secs(60),
        };
        assert_eq!(ledger.free_at(now, Cost::default()), FreeAt::At(free));
    }
}

/// A settlement after the window's end changes nothing in the next one, in either direction.
#[test]
fn windows_that_are_over_are_left_alone() {
    for (algorithm, later) in [(Algorithm::FixedWindow, 61), (Algorithm::SlidingWindow, 110)] {
        for actual in [0, 5_000] {
            let mut ledger = ledger(&Limits { tpm: Some(1_000.0), algorithm, ..Limits::default() });
            let old = ledger.try_reserve(Nanos::from_secs(50), tokens(1_000, 0)).expect("empty");
            let now = Nanos::from_secs(later);
            let _new = ledger.try_reserve(now, tokens(600, 0)).expect("a new window");
            ledger.settle(now, old, Some(tokens(actual, 0)));
            assert_eq!(ledger.headroom(now), 0.4, "{algorithm:?}");
        }
    }
}

/// An earlier `now` is taken for the latest seen, and the end of time overflows nothing.
#[test]
fn time_neither_goes_back_nor_overflows() {
    for algorithm in ALGORITHMS {
        let limits = Limits { rpm: Some(6e10), tpd: Some(8e13), algorithm, period: Some(Nanos::from_secs(3_600)), ..Limits::default() };
        let mut all = ledger(&limits);
        let first = all.try_reserve(Nanos::from_secs(9), REQUEST).expect("empty");
        assert_eq!(all.try_reserve(Nanos::ZERO, REQUEST).map(|second| second.at()), Ok(first.at()));
        all.settle(Nanos::MAX, first, Some(tokens(u64::MAX, u64::MAX)));
        let end = all.try_reserve(Nanos::MAX, tokens(1, 0));
        assert_eq!(end.is_ok(), algorithm != Algorithm::TokenBucket, "an endless debt is owed to a bucket only");
        assert_eq!(all.free_at(Nanos::MAX, tokens(u64::MAX, 0)), FreeAt::Never);
        let mut one = ledger(&Limits { rpm: Some(1.0), algorithm, ..Limits::default() });
        let _ = one.try_reserve(Nanos::MAX, REQUEST).expect("empty");
        assert_eq!(one.free_at(Nanos::MAX, REQUEST), FreeAt::Never, "{algorithm:?}: free beyond the end of time");
    }
}

/// What others use is what fits, never more.
#[test]
fn others_use_what_fits() {
    for algorithm in ALGORITHMS {
        let mut ledger = ledger(&Limits { rpm: Some(3.0), tpm: Some(100.0), algorithm, ..Limits::default() });
        ledger.drain(Nanos::ZERO, tokens(500, 0));
        let left: Vec<f64> = ledger.usage(Nanos::ZERO).map(|usage| usage.left()).collect();
        assert_eq!(left, [2.0, 0.0]);
        assert_eq!(ledger.in_flight(), 0);
    }
}

/// `count_refused` at 3 a minute, attempts every 10 s for ten minutes. A sliding window holds six of any minute, so who goes on
/// after the first three is never let in again, and after 40 s of silence is: then the last minute holds two. A fixed window
/// starts anew each minute: 3 of 6. A bucket lets two more go from what flowed in, and then loses the half of each 10 s.
#[test]
fn whoever_hammers_stays_refused() {
    for (algorithm, admitted) in [(Algorithm::TokenBucket, 5), (Algorithm::FixedWindow, 30), (Algorithm::SlidingWindow, 3)] {
        let mut ledger = ledger(&Limits { rpm: Some(3.0), algorithm, ..Limits::default() });
        let tries = |ledger: &mut Ledger, second| {
            let now = Nanos::from_secs(second);
            let admitted = ledger.reserve(now, REQUEST).is_some();
            if !admitted {
                ledger.refuse_counts(now, REQUEST);
            }
            admitted
        };
        assert_eq!((0..60).filter(|i| tries(&mut ledger, 10 * i)).count(), admitted, "{algorithm:?}");
        assert!(tries(&mut ledger, 590 + 40), "{algorithm:?}");
    }
}

/// A million refused attempts leave no more behind than the window holds, and the last of them counts for as long as the first.
#[test]
fn a_flood_of_refusals_is_bounded() {
    let limits = Limits { rpm: Some(100.0), algorithm: Algorithm::SlidingWindow, ..Limits::default() };
    let mut ledger = ledger(&limits);
    for i in 0..1_000_000 {
        ledger.refuse_counts(Nanos::new(i), REQUEST);
    }
    let used = ledger.usage(Nanos::new(999_999)).next().map(|usage| usage.used);
    assert_eq!(used, Some(101.0), "what is remembered");
    // 101 are remembered, at 999,899 ns and later: 99 are left when the second of them expires.
    assert_eq!(ledger.free_at(Nanos::new(999_999), REQUEST), FreeAt::At(Nanos::from_secs(60) + Nanos::new(999_900)));
}

#[test]
fn nothing_is_unlimited_like_no_limits() {
    let mut none = ledger(&Limits::default());
    assert!(none.is_unlimited());
    assert_eq!(none.headroom(Nanos::ZERO), 1.0);
    for _ in 0..10 {
        none.try_reserve(Nanos::ZERO, tokens(u64::MAX, u64::MAX)).map(drop).expect("no limit");
    }
    assert_eq!((none.in_flight(), none.usage(Nanos::ZERO).count()), (10, 0));
}

/// Everything that cannot be enforced is refused, with the key in the message.
#[test]
fn absurd_limits_are_refused() {
    let rpm = |rpm| Limits { rpm: Some(rpm), ..Limits::default() };
    for bad in [0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e-9, 1e12] {
        let error = Ledger::new(&rpm(bad)).expect_err("not a rate");
        assert!(error.to_string().starts_with("rpm "), "{error}");
    }
    assert!(Ledger::new(&rpm(6e10)).is_ok(), "1e9 per second is the most");
    let with = |burst, period, max_concurrency| Limits { burst, period, max_concurrency, ..rpm(10.0) };
    assert_eq!(Ledger::new(&with(None, Some(Nanos::ZERO), None)).err(), Some(LimitError::PeriodZero));
    assert_eq!(Ledger::new(&with(None, Some(Nanos::MAX), None)).err(), Some(LimitError::PeriodTooLong(Nanos::MAX)));
    assert_eq!(Ledger::new(&with(Some(0.5), None, None)).err(), Some(LimitError::BurstBelowOne(0.5)));
    assert!(matches!(Ledger::new(&with(Some(f64::NAN), None, None)), Err(LimitError::NotPositive { key: "burst", .. })));
    assert!(matches!(Ledger::new(&with(None, None, Some(0))), Err(LimitError::NotPositive { key: "max_concurrency", .. })));
}

/// New limits: what was used of 10 stays used of 6, in flight stays in flight, a settlement from before still counts; a
/// limit that was not there before starts unused and has nothing to give back.
#[test]
fn replacing_limits_keeps_what_was_used() {
    // Not zero, where the instants of buckets of all rates are alike.
    let now = Nanos::from_secs(3_600);
    for algorithm in ALGORITHMS {
        let mut ledger = ledger(&Limits { rpm: Some(10.0), tpm: Some(1_000.0), algorithm, ..Limits::default() });
        let held: Vec<_> = (0..4).map(|_| ledger.try_reserve(now, tokens(100, 0)).expect("fits")).collect();
        let limits = Limits { rpm: Some(6.0), tpm: Some(500.0), itpm: Some(100.0), algorithm, ..Limits::default() };
        ledger.replace(now, &limits).expect("sensible");
        let left = |ledger: &mut Ledger| ledger.usage(now).map(|usage| usage.left().round()).collect::<Vec<_>>();
        assert_eq!(left(&mut ledger), [2.0, 100.0, 100.0], "{algorithm:?}");
        assert_eq!(ledger.in_flight(), 4);
        let _new = ledger.try_reserve(now, tokens(50, 0)).expect("fits");
        for reservation in held {
            ledger.settle(now, reservation, Some(Cost::default()));
        }
        assert_eq!(left(&mut ledger), [1.0, 450.0, 50.0], "{algorithm:?}");
    }
}

/// From no limits to some: what was admitted without limits gives nothing back, and is counted in flight.
#[test]
fn limits_that_appear_owe_nothing_to_the_past() {
    for algorithm in ALGORITHMS {
        let mut ledger = ledger(&Limits::default());
        let before = ledger.try_reserve(Nanos::ZERO, tokens(900, 0)).expect("no limit");
        ledger.replace(Nanos::ZERO, &Limits { tpm: Some(1_000.0), algorithm, ..Limits::default() }).expect("sensible");
        let _after = ledger.try_reserve(Nanos::ZERO, tokens(1_000, 0)).expect("unused");
        ledger.settle(Nanos::ZERO, before, Some(Cost::default()));
        assert_eq!((ledger.headroom(Nanos::ZERO), ledger.in_flight()), (0.0, 1), "{algorithm:?}");
    }
}

/// However much attempts and others say they used, a sliding window is full until a period after they said so, and then empty.
#[test]
fn a_sliding_window_survives_absurd_amounts() {
    let limits = Limits { tpm: Some(90_000.0), algorithm: Algorithm::SlidingWindow, ..Limits::default() };
    let mut ledger = ledger(&limits);
    let huge = tokens(u64::MAX, u64::MAX);
    let reservations: Vec<_> = (0..20).map(|_| ledger.try_reserve(Nanos::ZERO, tokens(1, 1)).expect("little is used")).collect();
    for reservation in reservations {
        ledger.settle(Nanos::ZERO, reservation, Some(huge));
        ledger.note_foreign_use(Nanos::ZERO, u64::MAX, huge);
    }
    let free = Nanos::from_secs(60);
    assert_eq!(ledger.free_at(Nanos::new(free.as_nanos() - 1), tokens(0, 1)), FreeAt::At(free));
    assert_eq!(ledger.free_at(free, tokens(90_000, 0)), FreeAt::Now);
}

//! What is given back counts as never taken, where the provider charged no more from the start.

use super::*;
use crate::engine::limit::oracle::Oracle;

fn looking_back(limits: &Limits) -> Ledger {
    let mut ledger = ledger(limits);
    ledger.look_back();
    ledger
}

/// Ten tokens a second, 600 deep. The first attempt reserves 300 and uses none: so the provider's bucket stays full, loses what flows in for 30 s,
/// and holds 300 after the second attempt. With 300 back, ours would hold 600.
#[test]
fn what_flowed_over_does_not_come_back() {
    let limits = Limits { tpm: Some(600.0), charge: Charge::Actual, ..Limits::default() };
    let mut ledger = looking_back(&limits);
    let first = ledger.try_reserve(Nanos::ZERO, tokens(0, 300)).expect("full");
    let now = Nanos::from_secs(30);
    let second = ledger.try_reserve(now, tokens(0, 300)).expect("full again");
    ledger.settle(now, first, Some(tokens(0, 0)));
    assert_eq!(ledger.free_at(now, tokens(0, 300)), FreeAt::Now);
    assert_eq!(ledger.free_at(now, tokens(0, 301)), FreeAt::At(now + Nanos::from_millis(100)));
    // Nothing was lost since the second: all of it comes back.
    ledger.settle(now, second, Some(tokens(0, 0)));
    assert_eq!(ledger.free_at(now, tokens(0, 600)), FreeAt::Now);
}

/// Random histories of admissions and settlements with less than was reserved, out of order: every decision is that of a ledger which
/// knew from the start what answers use as soon as they have ended, however often its bucket would have been full in between.
#[test]
fn every_decision_is_that_of_who_knew_from_the_start() {
    let mut admitted = 0;
    for seed in 0..400 {
        let mut draws = Draws::new(seed, Stream::Pick, 1);
        let limits = Limits {
            tpm: Some([500.0, 2_000.0, 10_000.0, 33_333.333_33][draws.below(4) as usize]),
            otpm: draws.chance(0.5).then_some(4_000.0),
            period: draws.chance(0.5).then(|| Nanos::from_millis(500 + draws.below(20_000))),
            charge: Charge::Actual,
            ..Limits::default()
        };
        let (mut ledger, mut oracle) = (looking_back(&limits), Oracle::new(&limits).looking_back());
        let (mut open, mut now) = (Vec::new(), Nanos::ZERO);
        for step in 0..400 {
            let most = [10, 300, 2_000][draws.below(3) as usize];
            let cost = tokens(draws.below(100), draws.below(most));
            let longest = [1, 2, 2_000_000_000, 10_000_000_000][draws.below(4) as usize];
            now += Nanos::new(draws.below(longest));
            if let Ok(reservation) = ledger.try_reserve(now, cost) {
                assert_eq!(oracle.refusing(now, cost), [], "seed {seed}, step {step}, {limits:?}");
                open.push((reservation, oracle.take(now, cost)));
                admitted += 1;
            }
            if !open.is_empty() && draws.chance(0.5) {
                let (reservation, id) = open.swap_remove(draws.below(open.len() as u64) as usize);
                let reserved = reservation.cost();
                let used = tokens(reserved.input, draws.below(reserved.output + 1));
                ledger.settle(now, reservation, Some(used));
                oracle.settle(now, id, |d| reserved.of(d), |d| used.of(d));
            }
            let free_at = ledger.free_at(now, cost);
            assert!(oracle.confirms(now, cost, free_at), "seed {seed}, step {step}: {free_at:?} at {now} for {cost:?}, {limits:?}");
        }
    }
    assert!(admitted > 40_000, "{admitted}");
}

//! The ledger against a naive oracle, and against what can be worked out by hand.

mod against_the_oracle;
mod by_hand;
mod headers;
mod hindsight;
mod learned;

use super::*;
use crate::rng::{Draws, Stream};
use crate::time::Nanos;

const ALGORITHMS: [Algorithm; 3] = [Algorithm::TokenBucket, Algorithm::FixedWindow, Algorithm::SlidingWindow];
const REQUEST: Cost = Cost { input: 0, output: 0 };

fn ledger(limits: &Limits) -> Ledger {
    Ledger::new(limits).expect("sensible limits")
}

fn tokens(input: u64, output: u64) -> Cost {
    Cost { input, output }
}

/// The instants (ns) at which one request after the other is admitted when each comes as early as it can.
fn earliest_admissions(ledger: &mut Ledger, count: usize) -> Vec<u64> {
    let mut now = Nanos::ZERO;
    let mut admitted = Vec::new();
    while admitted.len() < count {
        match ledger.free_at(now, REQUEST) {
            FreeAt::Now => {
                let reservation = ledger.try_reserve(now, REQUEST).expect("free now");
                ledger.settle(now, reservation, None);
                admitted.push(now.as_nanos());
            }
            FreeAt::At(at) => {
                ledger.try_reserve(Nanos::new(at.as_nanos() - 1), REQUEST).expect_err("not a nanosecond before");
                now = at;
            }
            other => panic!("nothing is in flight: {other:?}"),
        }
    }
    admitted
}

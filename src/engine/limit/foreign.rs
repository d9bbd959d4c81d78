//! What others used of the same quota, as they tell it.

use super::{Cost, Dimension, Ledger};
use crate::time::Nanos;

impl Ledger {
    /// Takes what others used off every limit, also where that leaves less than nothing; concurrency is not touched. A bucket then
    /// owes it, a window is over-full until it ends. The growth of the rate counts own requests only.
    pub fn note_foreign_use(&mut self, now: Nanos, requests: u64, tokens: Cost) {
        let now = self.advance(now);
        for limit in &mut self.limits {
            let used = match limit.dimension {
                Dimension::Requests | Dimension::RequestsPerDay => requests,
                Dimension::Ramp | Dimension::Concurrency => 0,
                Dimension::Tokens | Dimension::TokensPerDay => tokens.total(),
                Dimension::InputTokens => tokens.input,
                Dimension::OutputTokens => tokens.output,
            };
            if used > 0 {
                limit.note_foreign(now, used);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::limit::{Algorithm, FreeAt, Limits};

    /// 60 requests and 6,000 tokens a minute, of which others used 40 and 3,000: 20 of 100 tokens go, then none; and the
    /// next goes when it would have gone had all 60 been our own.
    #[test]
    fn what_others_used_is_not_there_for_us() {
        let now = Nanos::from_secs(10);
        let cost = Cost { input: 50, output: 50 };
        for (algorithm, frees) in [(Algorithm::TokenBucket, 11), (Algorithm::FixedWindow, 60), (Algorithm::SlidingWindow, 70)] {
            let limits = Limits { rpm: Some(60.0), tpm: Some(6_000.0), algorithm, ..Limits::default() };
            let mut ledger = Ledger::new(&limits).expect("sound limits");
            ledger.note_foreign_use(now, 40, Cost { input: 2_000, output: 1_000 });
            for i in 0..20 {
                assert!(ledger.reserve(now, cost).is_some(), "{algorithm:?}: {i}");
            }
            let refusal = ledger.would_refuse(now, cost).expect("the limit is reached");
            assert_eq!((refusal.dimension, refusal.free_at), (Dimension::Requests, FreeAt::At(Nanos::from_secs(frees))), "{algorithm:?}");
        }
    }
}

//! A sliding window of a provider that counts refused attempts, too, found out from refusals.
//!
//! Of n per P, of which a refused attempt takes one as well, more than n may have been sent in the last P: whoever is refused has
//! to wait until less than n of them are left. So a hint ends P after one of the attempts, be it one that was refused, and from that
//! one on n were sent, the refused one included, but never from the oldest one on: that is what a window says that does not count
//! them, or a bucket.

use super::log::Log;
use super::marks::{Agreement, CLOSE, ENTRIES_MAX, MEMORY, Mark, PERIODS, is_close};
use crate::time::Nanos;

/// So many attempts may lie so close together that one of them agrees with any hint.
const CHANCE_MAX: f64 = 0.25;

/// The evidence.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted {
    /// Attempts that were refused.
    refused: Log,
    windows: [Agreement; PERIODS.len()],
    /// The pause that the mark before asked for.
    hint: Nanos,
}

impl Counted {
    /// An attempt that was sent at `sent` was refused.
    pub fn refused(&mut self, now: Nanos, sent: Nanos) {
        self.refused.insert(sent, 1.0);
        self.refused.forget(now, MEMORY);
        if self.refused.len() > ENTRIES_MAX {
            self.refused.forget_oldest();
        }
    }

    /// Takes in a mark; the amount and the period of the window that it proves. `let_in`: what else was sent, all of it after `since`.
    /// Each finding that turned out `wrong` asks for two more marks.
    pub fn judge(&mut self, mark: Mark, let_in: &Log, since: Nanos, wrong: u32) -> Option<(f64, Nanos)> {
        let mut found = None;
        for (index, period) in PERIODS.into_iter().enumerate() {
            let amount = self.amount(mark, period, let_in, since);
            let agreement = &mut self.windows[index];
            agreement.count(amount, mark.hint(), period);
            if found.is_none() && agreement.is_proof(1 + 2 * wrong) {
                found = amount.map(|amount| (amount, period));
            }
        }
        self.hint = mark.hint();
        found
    }

    /// How much a window of this length holds, if it fits the mark.
    fn amount(&self, mark: Mark, period: Nanos, let_in: &Log, since: Nanos) -> Option<f64> {
        let (start, end) = (mark.sent.as_nanos().checked_sub(period.as_nanos())?, mark.end.as_nanos().checked_sub(period.as_nanos())?);
        let (start, end) = (Nanos::new(start), Nanos::new(end));
        let from = end - CLOSE;
        let first = [let_in, &self.refused].into_iter().filter_map(|log| log.first_after(from)).min()?;
        let sent = |from| let_in.between(from, mark.sent) + self.refused.between(from, mark.sent);
        let amount = sent(from);
        let chance = amount * 2.0 * CLOSE.as_f64() / period.as_f64();
        // The refused attempt was one too many.
        let is_full = start >= since && sent(start) > amount;
        // A window asks for anything but the same pause again, or for its whole length.
        let varies = !is_close(mark.hint(), self.hint) && !is_close(mark.hint(), period);
        (is_full && varies && first <= end + CLOSE && chance <= CHANCE_MAX).then_some(amount)
    }

    /// All that was sent, `let_in` being what was not refused.
    pub fn all(&self, let_in: &Log) -> Log {
        let mut all = let_in.clone();
        self.refused.entries().for_each(|(at, amount)| all.insert(at, amount));
        all
    }
}

//! A sliding window of a minute, known by what it repeats.
//!
//! Refusals without a hint say only that a limit is used up. A window takes as many as it let in a period ago, however they were spread,
//! so at each refusal as many were let in in the last period: that is what it holds. The number alone is no proof, for at an even pace it
//! is always the same. That little was let in between two refusals is, as long as the number stays: a bucket lets in no less than
//! flows in, and by chance what was let in a period ago says nothing. A fixed window that is full lets in none at all: kept as a
//! sliding one it is never refused.

use crate::time::Nanos;

/// The window that is looked for.
pub(super) const PERIOD: Nanos = Nanos::from_secs(60);
/// Numbers are the same to this share, or to one.
const CLOSE: f64 = 0.002;
/// Little is less than this share of what an even rate would have let in,
const LITTLE: f64 = 0.7;
/// and so many less.
const LESS: f64 = 5.0;
/// So many times in a row that is proof.
const PROOF: u32 = 4;
const WRONG_MAX: u32 = 8;

/// Refusals in a row.
#[derive(Clone, Debug, Default)]
pub(super) struct Repeats {
    amount: f64,
    little: u32,
    last: Nanos,
    /// Findings that turned out wrong: each asks for twice as much proof.
    wrong: u32,
}

impl Repeats {
    /// When the last refused attempt was sent.
    pub fn last(&self) -> Nanos {
        self.last
    }

    /// One that was sent then was refused, after `amount` in the period that ends with it and `since` after the last refused one; what the
    /// window holds, if it is one.
    pub fn refused(&mut self, sent: Nanos, amount: f64, since: f64) -> Option<f64> {
        let even = self.amount * sent.since(self.last).as_f64() / PERIOD.as_f64();
        self.last = sent;
        if (amount - self.amount).abs() > (self.amount * CLOSE).max(1.0) {
            (self.amount, self.little) = (amount, 0);
            return None;
        }
        self.little += u32::from(even <= self.amount && since <= (even * LITTLE).min(even - LESS));
        (self.little >= PROOF << self.wrong).then_some(self.amount)
    }

    /// What was found turned out to be wrong.
    pub fn start_over(&mut self) {
        *self = Repeats { last: self.last, wrong: (self.wrong + 1).min(WRONG_MAX), ..Repeats::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::limit::log::Log;
    use crate::rng::{Draws, Stream};

    /// Ten minutes at a provider that lets one in if `admits` says so of (log, now, a draw). Who was refused pauses for a second; else
    /// `gap` ms lie between two. What is found, of which first.
    fn found(gap: u64, mut admits: impl FnMut(&Log, Nanos, f64) -> bool) -> Option<f64> {
        let (mut repeats, mut log, mut draws, mut ms) = (Repeats::default(), Log::default(), Draws::new(5, Stream::Pick, 0), 0);
        while ms < 600_000 {
            let now = Nanos::from_millis(ms);
            if admits(&log, now, draws.open_unit()) {
                log.insert(now, 1.0);
                ms += gap;
                continue;
            }
            let amount = log.between(now.since(PERIOD), now);
            let since = log.between(repeats.last(), now);
            if let Some(found) = repeats.refused(now, amount, since) {
                return Some(found);
            }
            ms += 1_000;
        }
        None
    }

    /// Twelve a second are wanted of ten. A window that takes 600 a minute shows; a bucket does not, and what is refused by chance does not,
    /// nor does what is left of a bucket by others.
    #[test]
    fn only_a_window_repeats_itself() {
        assert_eq!(found(83, |log, now, _| log.between(now.since(PERIOD), now) < 600.0), Some(600.0));
        for depth in [1.0, 20.0, 600.0] {
            let (mut level, mut as_of) = (depth, Nanos::ZERO);
            let bucket = |_: &Log, now: Nanos, _: f64| {
                level = f64::min(level + 10.0 * now.since(as_of).as_secs_f64(), depth);
                as_of = now;
                let admits = level >= 1.0;
                level -= f64::from(u8::from(admits));
                admits
            };
            assert_eq!(found(83, bucket), None, "a bucket of {depth}");
        }
        for chance in [0.01, 0.05, 0.2] {
            assert_eq!(found(83, |_, _, draw| draw >= chance), None, "{chance} by chance");
        }
    }
}

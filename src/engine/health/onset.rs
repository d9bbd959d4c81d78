//! The onset of an outage: new attempts fail while old ones still succeed.
//!
//! Answers of language models take seconds. When a provider breaks and answers errors at once, the attempts from before are
//! answered well for all that time, and each of them interrupts a row of failures; a share of failures over a window is
//! slower still, with half a minute of successes in it. What tells an outage from noise is the fate of the attempts sent
//! *since* the first failure: none succeeds and most fail. Those without an answer so far count as good, so that slow answers
//! among quick errors do not look like an outage.

use crate::time::Nanos;

/// Attempts since a failure.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Onset {
    /// The end of that failure; `None`: there was none lately.
    since: Option<Nanos>,
    /// Attempts sent since then, those that said nothing taken off.
    sent: u32,
    /// Failures among them, the first one included.
    bad: u32,
}

impl Onset {
    /// An attempt was sent.
    #[inline]
    pub fn sent(&mut self) {
        if self.since.is_some() {
            self.sent = self.sent.saturating_add(1);
        }
    }

    /// An attempt that was sent at `sent` failed.
    pub fn failed(&mut self, now: Nanos, sent: Nanos) {
        match self.since {
            None => *self = Onset { since: Some(now), sent: 1, bad: 1 },
            Some(since) if sent >= since => self.bad += 1,
            Some(_) => {}
        }
    }

    /// An attempt that was sent at `sent` succeeded: if that was after the failure, the provider was well then, and the row is
    /// broken.
    #[inline]
    pub fn succeeded(&mut self, sent: Nanos) {
        if self.since.is_some_and(|since| sent >= since) {
            *self = Onset::default();
        }
    }

    /// An attempt that was sent at `sent` ended and said nothing about the provider.
    #[inline]
    pub fn said_nothing(&mut self, sent: Nanos) {
        if self.since.is_some_and(|since| sent >= since) {
            self.sent = self.sent.saturating_sub(1);
        }
    }

    /// Whether there was a failure lately.
    pub fn is_running(&self) -> bool {
        self.since.is_some()
    }

    /// Failures so far, the first one included.
    pub fn bad(&self) -> u32 {
        self.bad
    }

    /// Whether it is an outage: twice as many failures as condemn in a row, and two thirds of all that was sent. With 5 %
    /// of random errors and five in a row, ten of fifteen have probability C(14, 9) · 0.05⁹ = 4·10⁻⁹.
    pub fn is_outage(&self, in_a_row: u32) -> bool {
        u64::from(self.bad) >= 2 * u64::from(in_a_row) && 3 * u64::from(self.bad) >= 2 * u64::from(self.sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Nanos {
        Nanos::from_millis(millis)
    }

    #[test]
    fn old_successes_do_not_hide_an_outage() {
        let mut onset = Onset::default();
        onset.failed(at(1_000), at(980));
        for i in 1..9 {
            onset.sent();
            onset.succeeded(at(900));
            onset.failed(at(1_000 + i * 10), at(1_000 + i * 10 - 5));
        }
        assert!(!onset.is_outage(5), "nine");
        onset.sent();
        onset.failed(at(1_100), at(1_095));
        assert!(onset.is_outage(5), "ten of ten");
    }

    #[test]
    fn attempts_under_way_count_as_good() {
        // Every tenth fails at once, the others take their time.
        let mut onset = Onset::default();
        for i in 0..1_000 {
            onset.sent();
            if i % 10 == 0 {
                onset.failed(at(i), at(i));
            }
        }
        assert!(!onset.is_outage(5), "{onset:?}");
    }

    #[test]
    fn a_new_success_ends_it_and_what_says_nothing_is_taken_off() {
        let mut onset = Onset::default();
        onset.failed(at(0), at(0));
        onset.succeeded(at(0));
        assert!(onset.since.is_none(), "sent after it, and good");
        onset.failed(at(10), at(9));
        for _ in 0..20 {
            onset.sent();
            onset.said_nothing(at(11));
        }
        assert_eq!((onset.sent, onset.bad), (1, 1));
    }
}

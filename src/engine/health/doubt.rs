//! Failures that the request may have caused, and when that is no longer believed.
//!
//! A 404 may be a client's wrong model name or a deployment that is gone; the failure of a retry may be the second of a poison
//! request or that of a broken provider. One of them alone says nothing. But what follows the request fails wherever it goes: a
//! row of different requests that fail here, none between them answered, while others are answered elsewhere, is the
//! provider's. The share q of such failures among the answers of the other providers, (bad + 1) / (good + bad + 2) by
//! Laplace's rule of succession, is what would fail here too if requests were to blame, and qⁿ the chance of a row of n (a
//! one-sided sequential test: Wald, "Sequential Analysis", 1947). At 5 % of bad requests a row of five has 3·10⁻⁷; where half of
//! all is bad it takes twenty. Nothing is concluded while nobody answers elsewhere.

use super::onset::Onset;
use super::window::{Counts, Window};
use crate::engine::request::{AttemptResult, Outcome};
use crate::time::Nanos;

/// The largest chance of a row that is still put down to the requests, per attempt that begins one.
const CHANCE_MAX: f64 = 1e-6;

/// Which failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A first attempt ended with a status that often is the request's fault.
    Status,
    /// A retry failed as well.
    Retry,
}

/// What an end that was not good raises doubts of, if any; `again`: the request had failed at this provider before.
pub(crate) fn doubts(outcome: &Outcome, first: bool, again: bool) -> Option<Kind> {
    let of_retry = || (!first && !again).then_some(Kind::Retry);
    match outcome.result {
        // The size or the form of the request: nobody answers that. 429 is a matter of quota.
        AttemptResult::Status(400 | 413 | 422 | 429) => None,
        AttemptResult::Status(400..=499) if outcome.refusal().is_some() => None,
        AttemptResult::Status(401) => of_retry(),
        AttemptResult::Status(400..=499) if first => Some(Kind::Status),
        AttemptResult::Status(400..=599) => of_retry(),
        AttemptResult::ConnectionError | AttemptResult::TimedOut | AttemptResult::Interrupted => of_retry(),
        AttemptResult::Status(_)
        | AttemptResult::Success
        | AttemptResult::Abandoned
        | AttemptResult::CallerTimedOut
        | AttemptResult::NotSent => None,
    }
}

/// Doubtful failures of one kind at one provider.
#[derive(Clone, Debug)]
pub(super) struct Doubt {
    /// Since the last good end.
    row: u32,
    onset: Onset,
    /// Bad: these failures. Good: retries that were answered, where retries are what it is about.
    ends: Window,
}

impl Doubt {
    pub fn new(window: Nanos) -> Doubt {
        Doubt { row: 0, onset: Onset::default(), ends: Window::new(window) }
    }

    /// An attempt was sent.
    pub fn sent(&mut self) {
        self.onset.sent();
    }

    /// An attempt that was sent at `sent` failed so.
    pub fn failed(&mut self, now: Nanos, sent: Nanos) {
        self.row = self.row.saturating_add(1);
        self.onset.failed(now, sent);
        self.ends.count(now, false);
    }

    /// An attempt that was sent at `sent` succeeded.
    pub fn succeeded(&mut self, sent: Nanos) {
        self.row = 0;
        self.onset.succeeded(sent);
    }

    /// A retry was answered.
    pub fn healed(&mut self, now: Nanos) {
        self.ends.count(now, true);
    }

    /// Whether failures are being counted.
    pub fn is_open(&self) -> bool {
        self.row > 0 || self.onset.is_running()
    }

    /// How many failures in a row speak against the provider; 0 below `in_a_row` of them. Of those amid the successes of old
    /// attempts half count: C(3n/2, n) · qⁿ, the chance of n among 3n/2, is less than q^(n/2) for any q below 0.14.
    pub fn failures(&self, in_a_row: u32) -> u32 {
        if self.row >= in_a_row {
            self.row
        } else if self.onset.is_outage(in_a_row) {
            self.onset.bad() / 2
        } else {
            0
        }
    }

    /// Ends of the last window.
    pub fn counts(&mut self, now: Nanos) -> Counts {
        self.ends.counts(now)
    }

    /// Starts over; the window stays, for others to compare with.
    pub fn clear(&mut self) {
        (self.row, self.onset) = (0, Onset::default());
    }
}

/// How attempts ended in the last window, at one provider or at several.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ends {
    /// Answered.
    pub good: u32,
    /// First attempts that failed doubtfully.
    pub doubtful: u32,
    /// Retries, as good and bad.
    pub retries: Counts,
}

impl Ends {
    /// Together with those of another provider.
    pub fn and(self, other: Ends) -> Ends {
        let retries =
            Counts { good: self.retries.good.saturating_add(other.retries.good), bad: self.retries.bad.saturating_add(other.retries.bad) };
        Ends { good: self.good.saturating_add(other.good), doubtful: self.doubtful.saturating_add(other.doubtful), retries }
    }

    /// Attempts that said something.
    pub fn asked(&self) -> u32 {
        self.good.saturating_add(self.doubtful).saturating_add(self.retries.bad)
    }

    /// Whether so many failures of this kind in a row, at a provider that is not among these, are its own fault.
    pub fn condemn(&self, kind: Kind, failures: u32, in_a_row: u32) -> bool {
        let (good, bad) = match kind {
            Kind::Status => (self.good, self.doubtful.saturating_add(self.retries.bad)),
            Kind::Retry => (self.retries.good, self.retries.bad),
        };
        let share = (f64::from(bad) + 1.0) / (f64::from(good) + f64::from(bad) + 2.0);
        good >= in_a_row && share.powi(failures.min(1_000) as i32) <= CHANCE_MAX
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(status: u16) -> Outcome {
        Outcome::new(AttemptResult::Status(status))
    }

    #[test]
    fn what_nobody_answers_raises_no_doubts() {
        for status in [400, 413, 422, 429, 402, 498] {
            let refusal = crate::engine::RefusalKind::classify(status, "");
            assert_eq!(doubts(&Outcome { refusal, ..failed(status) }, true, false), None, "{status}");
        }
        for status in [403, 404, 408, 409] {
            assert_eq!(doubts(&failed(status), true, false), Some(Kind::Status), "{status}");
            assert_eq!(doubts(&failed(status), false, false), Some(Kind::Retry), "{status}");
        }
        for status in [401, 500, 503] {
            assert_eq!(doubts(&failed(status), true, false), None, "{status} votes already");
            assert_eq!(doubts(&failed(status), false, false), Some(Kind::Retry), "{status}");
            assert_eq!(doubts(&failed(status), false, true), None, "one request, one voice: {status}");
        }
    }

    /// The rows that it takes, against qⁿ ≤ 10⁻⁶: ln 10⁻⁶ / ln q, rounded up.
    #[test]
    fn the_row_that_it_takes_follows_the_share_elsewhere() {
        let needed = |good: u32, bad: u32| {
            let ends = Ends { good, doubtful: bad, ..Ends::default() };
            (5..200).find(|failures| ends.condemn(Kind::Status, *failures, 5))
        };
        assert_eq!(needed(1_000, 0), Some(5), "nothing like it elsewhere: the fewest there are");
        assert_eq!(needed(949, 49), Some(5), "5 %");
        assert_eq!(needed(909, 89), Some(6), "9 %");
        assert_eq!(needed(499, 499), Some(20), "half of all");
        assert_eq!(needed(5, 0), Some(8), "little is known: one in seven");
        assert_eq!(needed(4, 0), None, "hardly anybody answers elsewhere");
        assert_eq!(needed(0, 100), None, "nor does anybody");
    }

    /// Poison requests are all that is retried in a healthy pool: no retry is answered anywhere.
    #[test]
    fn retries_are_compared_with_retries() {
        let poison = Ends { good: 10_000, doubtful: 0, retries: Counts { good: 0, bad: 300 } };
        assert!(!poison.condemn(Kind::Retry, 1_000, 5));
        let healed = Ends { good: 10_000, doubtful: 0, retries: Counts { good: 300, bad: 9 } };
        assert!(healed.condemn(Kind::Retry, 5, 5));
    }
}

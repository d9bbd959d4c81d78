//! Use of a provider's quota.

use super::capacity::{allowed, flow, rates};
use super::observe::RequestInfo;
use crate::engine::limit::{Dimension, Limits};
use crate::time::Nanos;

const MINUTE: Nanos = Nanos::from_secs(60);

/// Attempts that were admitted, with the tokens that they used. A provider that answers an error has admitted the attempt;
/// one that it refuses (429, 503 for a full queue) has used nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Admitted {
    /// Attempts.
    pub attempts: u64,
    /// Input tokens.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
}

impl Admitted {
    #[inline]
    pub(super) fn add(&mut self, input: u32, output: u32) {
        self.attempts += 1;
        self.input += u64::from(input);
        self.output += u64::from(output);
    }

    /// What an attempt of this request uses that is answered whole.
    pub fn whole(request: &RequestInfo) -> Admitted {
        Admitted { attempts: 1, input: request.input.into(), output: request.output.into() }
    }

    pub(super) fn take_back(&mut self, unused: Admitted) {
        self.attempts -= unused.attempts;
        self.input -= unused.input;
        self.output -= unused.output;
    }

    pub(super) fn merge(&mut self, other: &Admitted) {
        self.attempts += other.attempts;
        self.input += other.input;
        self.output += other.output;
    }

    /// Admitted ÷ [`allowed`] in `span`, whose last instant is `last`, for the tightest limit; `in_flight` is the time mean for
    /// `max_concurrency`. `None` without limits or time.
    ///
    /// It is at most 1 where the quota is fresh at the start, but for tokens that were not known at admission (without
    /// `max_tokens`) and limits that an event changes. From elsewhere on what was saved before may be used, too.
    pub fn utilization(&self, limits: &Limits, span: (Nanos, Nanos), last: Nanos, in_flight: f64) -> Option<f64> {
        if span.1 <= span.0 {
            return None;
        }
        let rated = rates(limits).map(|rate| self.used(rate.0) / allowed(limits, rate, span, last));
        let places = limits.max_concurrency.map(|most| in_flight / f64::from(most));
        rated.chain(places).reduce(f64::max)
    }

    /// Admitted ÷ the [`flow`] in `span`, for the tightest rate: the pace of a moment, which may be above 1. `None` without rates.
    pub(super) fn pace(&self, limits: &Limits, span: Nanos) -> Option<f64> {
        rates(limits).map(|rate| self.used(rate.0) / flow(rate, span)).reduce(f64::max)
    }

    fn used(&self, dimension: Dimension) -> f64 {
        let used = match dimension {
            Dimension::Tokens | Dimension::TokensPerDay => self.input + self.output,
            Dimension::InputTokens => self.input,
            Dimension::OutputTokens => self.output,
            _ => self.attempts,
        };
        used as f64
    }
}

/// The busiest aligned minute, in constant memory.
///
/// An attempt counts in the minute in which it was sent. Whether it was refused, or broke off, is known a little later, so the
/// last four minutes stay open for corrections: far longer than a refusal takes.
#[derive(Clone, Debug, Default)]
pub(super) struct Minutes {
    open: [Minute; 4],
    peak: Minute,
}

#[derive(Clone, Copy, Debug, Default)]
struct Minute {
    number: u64,
    attempts: u64,
    tokens: u64,
}

impl Minutes {
    #[inline]
    pub(super) fn sent(&mut self, at: Nanos, tokens: u64) {
        let number = at.as_nanos() / MINUTE.as_nanos();
        let minute = &mut self.open[(number % 4) as usize];
        if minute.number != number {
            self.peak.cover(minute);
            *minute = Minute { number, attempts: 0, tokens: 0 };
        }
        minute.attempts += 1;
        minute.tokens += tokens;
    }

    pub(super) fn returned(&mut self, sent: Nanos, unused: Admitted) {
        let number = sent.as_nanos() / MINUTE.as_nanos();
        let minute = &mut self.open[(number % 4) as usize];
        if minute.number == number {
            minute.attempts -= unused.attempts;
            minute.tokens -= unused.input + unused.output;
        }
    }

    /// Most attempts and most tokens in a minute.
    pub(super) fn peaks(&self) -> (u64, u64) {
        let mut peak = self.peak;
        self.open.iter().for_each(|minute| peak.cover(minute));
        (peak.attempts, peak.tokens)
    }
}

impl Minute {
    fn cover(&mut self, other: &Minute) {
        self.attempts = self.attempts.max(other.attempts);
        self.tokens = self.tokens.max(other.tokens);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Minutes 0, 1 and 9 by hand; a refusal that comes in the next minute is taken from the minute it was sent in.
    #[test]
    fn peaks_are_per_aligned_minute_and_without_refusals() {
        let mut minutes = Minutes::default();
        for second in [0, 30, 59] {
            minutes.sent(Nanos::from_secs(second), 10);
        }
        for second in [60, 61, 62, 63] {
            minutes.sent(Nanos::from_secs(second), 1);
        }
        minutes.returned(Nanos::from_secs(59), Admitted { attempts: 1, input: 4, output: 6 });
        assert_eq!(minutes.peaks(), (4, 20));
        minutes.sent(Nanos::from_secs(9 * 60), 500);
        assert_eq!(minutes.peaks(), (4, 500));
    }

    /// 30 attempts of 100 + 50 tokens in half a minute against each limit by hand; the tightest one is reported. A bucket that
    /// starts full allows a minute and a half's worth; later on, half a minute's.
    #[test]
    fn the_tightest_limit_counts() {
        let mut admitted = Admitted::default();
        (0..31).for_each(|_| admitted.add(100, 50));
        admitted.take_back(Admitted { attempts: 1, input: 100, output: 50 });
        let at = Nanos::from_secs;
        let used = |limits: &Limits, from: u64, until: u64| admitted.utilization(limits, (at(from), at(until)), at(until), 3.0);
        let none = Limits::default();
        assert_eq!((used(&none, 0, 30), admitted.pace(&none, at(30))), (None, None));
        let rpm = Limits { rpm: Some(120.0), ..none.clone() };
        assert_eq!((used(&rpm, 0, 30), used(&rpm, 10, 40), admitted.pace(&rpm, at(30))), (Some(30.0 / 180.0), Some(0.5), Some(0.5)));
        assert_eq!(used(&Limits { tpm: Some(10_000.0), ..rpm.clone() }, 0, 30), Some(0.3));
        assert_eq!(used(&Limits { otpm: Some(2_500.0), ..rpm.clone() }, 0, 30), Some(0.4));
        assert_eq!(used(&Limits { rpd: Some(60.0), ..rpm.clone() }, 10, 40), Some(0.5), "all of a day's limit");
        assert_eq!(used(&Limits { max_concurrency: Some(4), ..rpm.clone() }, 0, 30), Some(0.75));
        assert_eq!(used(&rpm, 30, 30), None);
    }
}

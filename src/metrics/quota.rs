//! Use of a provider's quota.

use super::observe::RequestInfo;
use crate::engine::limit::Limits;
use crate::time::{NANOS_PER_SECOND, Nanos};

const MINUTE: u64 = 60 * NANOS_PER_SECOND;

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

    /// Admitted ÷ allowed over `span` for the tightest limit, `in_flight` being the time mean for `max_concurrency`;
    /// `None` without limits or time.
    ///
    /// Allowed is the stated rate × the span; of a day's limit all of it, also where the span is shorter, as it may be used in a
    /// minute. A bucket that starts full gives more than that, so a short run may exceed 1.
    pub fn utilization(&self, limits: &Limits, span: Nanos, in_flight: Option<f64>) -> Option<f64> {
        let minutes = span.as_f64() / MINUTE as f64;
        let days = (minutes / (24.0 * 60.0)).max(1.0);
        let tokens = self.input + self.output;
        let uses = [
            (limits.rpm, self.attempts as f64, minutes),
            (limits.rpd, self.attempts as f64, days),
            (limits.tpm, tokens as f64, minutes),
            (limits.itpm, self.input as f64, minutes),
            (limits.otpm, self.output as f64, minutes),
            (limits.tpd, tokens as f64, days),
            (limits.max_concurrency.map(f64::from), in_flight.unwrap_or(0.0), 1.0),
        ];
        if span == Nanos::ZERO {
            return None;
        }
        uses.into_iter().filter_map(|(limit, used, time)| Some(used / (limit? * time))).reduce(f64::max)
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
        let number = at.as_nanos() / MINUTE;
        let minute = &mut self.open[(number % 4) as usize];
        if minute.number != number {
            self.peak.cover(minute);
            *minute = Minute { number, attempts: 0, tokens: 0 };
        }
        minute.attempts += 1;
        minute.tokens += tokens;
    }

    pub(super) fn returned(&mut self, sent: Nanos, unused: Admitted) {
        let number = sent.as_nanos() / MINUTE;
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

    /// 30 attempts of 100 + 50 tokens in half a minute against each limit by hand; the tightest one is reported.
    #[test]
    fn the_tightest_limit_counts() {
        let mut admitted = Admitted::default();
        (0..31).for_each(|_| admitted.add(100, 50));
        admitted.take_back(Admitted { attempts: 1, input: 100, output: 50 });
        let span = Nanos::from_secs(30);
        let none = Limits::default();
        assert_eq!(admitted.utilization(&none, span, Some(3.0)), None);
        let rpm = Limits { rpm: Some(120.0), ..none.clone() };
        assert_eq!(admitted.utilization(&rpm, span, None), Some(0.5));
        assert_eq!(admitted.utilization(&Limits { tpm: Some(10_000.0), ..rpm.clone() }, span, None), Some(0.9));
        assert_eq!(admitted.utilization(&Limits { otpm: Some(2_500.0), ..rpm.clone() }, span, None), Some(1.2));
        assert_eq!(admitted.utilization(&Limits { max_concurrency: Some(4), ..rpm.clone() }, span, Some(3.0)), Some(0.75));
        assert_eq!(admitted.utilization(&rpm, Nanos::ZERO, None), None);
    }
}

//! Pauses that a provider asks for with a 429 (or a 503 with `retry-after`).
//!
//! A hint is a floor: a longer one extends the pause, a shorter one never shortens it. It is also capped, because
//! providers have asked for a day after a burst of a second; what is over the cap ends in one careful attempt instead.
//! Without a hint the pause starts at a second and doubles with each further refusal until an answer succeeds: an
//! exhausted daily quota is then asked once in five minutes, not once a second.

use crate::rng;
use crate::time::Nanos;

/// First pause without a hint.
const FIRST: Nanos = Nanos::from_secs(1);

/// Cooldown of one provider or quota group.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cooldown {
    until: Nanos,
    /// Refusals since the last success, not counting those of attempts that were sent before the pause began.
    refusals: u32,
    /// When the running pause began.
    since: Nanos,
}

impl Cooldown {
    /// An attempt that was sent at `sent` was refused at `now`, with a hint or without.
    pub fn refused(&mut self, now: Nanos, sent: Nanos, hint: Option<Nanos>, cap: Nanos, salt: u64) {
        // A burst that is refused as one is one refusal.
        if self.refusals == 0 || sent >= self.since {
            self.refusals = (self.refusals + 1).min(32);
            self.since = now;
        }
        let growing = FIRST.as_f64() * 2_f64.powi(self.refusals as i32 - 1);
        let unit = (rng::mix(salt ^ u64::from(self.refusals) ^ now.as_nanos()) >> 11) as f64 / (1_u64 << 53) as f64;
        let pause = match hint {
            // A repeated refusal after a hint was kept says that the hint was too short.
            Some(hint) if self.refusals <= 1 => hint,
            Some(hint) => hint.max(Nanos::from_f64(growing / 2.0)),
            // Half to full: gateways that were refused together come back apart.
            None => Nanos::from_f64(growing * (0.5 + 0.5 * unit)),
        };
        self.until = self.until.max(now + pause.min(cap));
    }

    /// An attempt that was sent at `sent` succeeded: refusals start over, unless it was sent before the last of them and
    /// says nothing about the time after it. A pause that is running stays.
    #[inline]
    pub fn succeeded(&mut self, sent: Nanos) {
        if sent >= self.since {
            self.refusals = 0;
        }
    }

    /// Not before this.
    pub fn until(&self) -> Nanos {
        self.until
    }

    /// Whether an admission needs a closer look.
    #[inline]
    pub fn is_noteworthy(&self, now: Nanos) -> bool {
        self.refusals > 0 || self.until > now
    }

    /// Whether the next attempt should go alone: refusals have repeated without a success in between.
    pub fn is_wary(&self) -> bool {
        self.refusals >= 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CAP: Nanos = Nanos::from_secs(300);

    fn at(seconds: u64) -> Nanos {
        Nanos::from_secs(seconds)
    }

    #[test]
    fn a_longer_hint_extends_and_a_shorter_one_never_shortens() {
        let mut cooldown = Cooldown::default();
        cooldown.refused(at(10), at(9), Some(at(12)), CAP, 1);
        assert_eq!(cooldown.until(), at(22));
        cooldown.refused(at(11), at(9), Some(at(1)), CAP, 1);
        assert_eq!(cooldown.until(), at(22), "shorter");
        cooldown.refused(at(12), at(9), Some(at(30)), CAP, 1);
        assert_eq!(cooldown.until(), at(42), "longer");
    }

    #[test]
    fn a_hint_is_capped_and_a_zero_hint_is_none_at_first() {
        let mut cooldown = Cooldown::default();
        cooldown.refused(at(10), at(9), Some(at(86_400)), CAP, 1);
        assert_eq!(cooldown.until(), at(310));
        let mut cooldown = Cooldown::default();
        cooldown.refused(at(10), at(9), Some(Nanos::ZERO), CAP, 1);
        assert_eq!(cooldown.until(), at(10));
    }

    #[test]
    fn without_a_hint_pauses_double_until_a_success() {
        let (mut cooldown, mut now, mut asked) = (Cooldown::default(), at(0), 0);
        while now < at(3_600) {
            cooldown.refused(now, now, None, CAP, 1);
            assert!(cooldown.until() > now);
            now = cooldown.until();
            asked += 1;
        }
        // 1 + 2 + … + 256 s (halved at worst) takes nine; then one in 150 to 300 s for the rest of the hour.
        assert!((18..=35).contains(&asked), "{asked} attempts in an hour");
        cooldown.succeeded(at(9));
        cooldown.refused(now, now, None, CAP, 1);
        assert!(cooldown.until().since(now) > at(100), "an answer from before the pause proves nothing");
        now = cooldown.until();
        cooldown.succeeded(now);
        cooldown.refused(now, now, None, CAP, 1);
        assert!(cooldown.until().since(now) <= at(1), "starts over");
    }

    #[test]
    fn a_burst_that_is_refused_together_counts_once() {
        let mut cooldown = Cooldown::default();
        (0..60).for_each(|_| cooldown.refused(at(10), at(9), None, CAP, 1));
        assert!(cooldown.until() <= at(11), "not 2^60 seconds: {}", cooldown.until());
        assert!(!cooldown.is_wary());
    }
}

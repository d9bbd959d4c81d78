//! Hung providers: seen by their silence, long before the time-out.
//!
//! A provider that accepts requests and never answers produces no failure to count until the first time-out, and looks
//! idle to anything that waits for answers. But a provider that has given no sign of life (an answer of any kind, or a
//! first token) for twice its usual 99th percentile, while several attempts waited for one all that time, is hung: among
//! healthy providers one attempt in ten thousand waits that long, and it must then be all that wait together. Answers that
//! stream wait for nothing: a provider with nothing but long answers under way is silent and well.

use crate::time::Nanos;

/// Attempts that wait below which silence says nothing.
const WAITING_MIN: u32 = 2;
/// Samples before the percentile means anything.
const SAMPLES_MIN: u32 = 20;
/// Step of the percentile estimate, as a share of its value.
const STEP: f64 = 0.1;

/// Signs of life of one provider.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Silence {
    /// Last sign of life, or when enough attempts began to wait for one.
    since: Nanos,
    /// Estimate of the 99th percentile of the time to the first sign of life, ns.
    p99: f64,
    samples: u32,
}

impl Silence {
    /// An attempt was sent; `waiting`: those that waited for their first token before it.
    #[inline]
    pub fn sent(&mut self, now: Nanos, waiting: u32) {
        if waiting < WAITING_MIN {
            self.since = now;
        }
    }

    /// An attempt gave a sign of life.
    #[inline]
    pub fn heard(&mut self, now: Nanos) {
        self.since = self.since.max(now);
    }

    /// A good answer began `after` ns. The estimate moves up by 99 parts or down by one (stochastic approximation of a
    /// quantile: Robbins, Monro, Ann. Math. Stat. 22(3), 1951), in proportion to itself.
    #[inline]
    pub fn answered(&mut self, now: Nanos, after: f64) {
        self.heard(now);
        self.samples = self.samples.saturating_add(1);
        if self.samples <= SAMPLES_MIN {
            self.p99 = self.p99.max(after);
        } else if after > self.p99 {
            self.p99 = (self.p99 * (1.0 + 0.99 * STEP)).min(after).max(1.0);
        } else {
            self.p99 *= 1.0 - 0.01 * STEP;
        }
    }

    /// Whether an answer that has not begun after this long is later than usual.
    pub fn is_late(&self, after: Nanos) -> bool {
        self.samples >= SAMPLES_MIN && after.as_f64() > self.p99
    }

    /// Whether the provider, with so many attempts that wait for their first token, must be taken for hung.
    #[inline]
    pub fn is_hung(&self, now: Nanos, waiting: u32) -> bool {
        waiting >= WAITING_MIN && self.samples >= SAMPLES_MIN && now.since(self.since).as_f64() > 2.0 * self.p99
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Stream};

    /// The estimate against the true 99th percentile of an exponential law, ln 100 × mean, over many samples: within
    /// a third, which is ample for a rule of twice its value.
    #[test]
    fn the_percentile_is_found() {
        let (mut silence, mut sum) = (Silence::default(), 0.0);
        for i in 0..40_000 {
            silence.answered(Nanos::from_millis(i), -1e9 * Draws::new(5, Stream::Service, i).open_unit().ln());
            if i >= 20_000 {
                sum += silence.p99;
            }
        }
        let (mean, truth) = (sum / 20_000.0, 1e9 * 100_f64.ln());
        assert!((mean / truth - 1.0).abs() < 0.33, "{mean} against {truth}");
    }

    #[test]
    fn only_a_long_common_silence_is_a_hang() {
        let mut silence = Silence::default();
        (0..100).for_each(|i| silence.answered(Nanos::from_millis(i * 100), 1e9));
        let last = Nanos::from_millis(9_900);
        silence.sent(last - Nanos::from_secs(50), 0);
        silence.sent(last, 1);
        assert!(!silence.is_hung(last + Nanos::from_millis(1_700), 8), "within twice the usual");
        assert!(silence.is_hung(last + Nanos::from_millis(2_100), 8));
        assert!(!silence.is_hung(last + Nanos::from_secs(60), 1), "one slow attempt is no hang");
        silence.heard(last + Nanos::from_secs(2));
        assert!(!silence.is_hung(last + Nanos::from_millis(2_100), 8), "any sign of life clears it");
        assert!(!Silence::default().is_hung(Nanos::from_secs(99), 50), "nothing is known yet");
    }
}

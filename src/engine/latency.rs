//! How slow a provider is, from what it answered.
//!
//! Two signals are kept apart, because they vary independently and mislead when merged: the time to the first token,
//! and the time per further token. What strategies compare is the time a *typical* request would take, so that a
//! provider which happens to get the long answers does not look slow, nor one with quick first tokens and a slow
//! stream fast.

use crate::time::Nanos;

/// Time constant of the averages: a sample that is this old has lost 63 % of its weight.
pub(crate) const TAU: f64 = 10e9;

/// The latency that a provider is taken to have as long as nobody in the pool has answered anything.
pub(crate) const UNKNOWN: f64 = 1e9;

/// What is known about one provider's speed: averages whose memory fades with time, not with the number of samples.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Speed {
    /// Time to first token, ns; meaningful once `known`.
    ttft: f64,
    /// Time per further token, ns; meaningful once `token_known`.
    per_token: f64,
    /// Peak-sensitive whole-answer time, ns, as of `at`.
    peak: f64,
    at: Nanos,
    known: bool,
    token_known: bool,
}

impl Speed {
    /// A whole answer: first token after `ttft` ns, `total` ns in all, `tokens` of output (0: unknown).
    #[inline]
    pub fn succeeded(&mut self, now: Nanos, ttft: f64, total: f64, tokens: u32) {
        let kept = fade(now, self.at);
        self.ttft = blend(self.known.then_some(self.ttft), ttft, kept);
        if tokens > 1 {
            let sample = (total - ttft).max(0.0) / f64::from(tokens - 1);
            self.per_token = blend(self.token_known.then_some(self.per_token), sample, kept);
            self.token_known = true;
        }
        self.known = true;
        self.raise_peak(now, total, kept);
    }

    /// A failure after `elapsed` ns: a fast one must not make the provider look fast, a slow one counts in full.
    pub fn failed(&mut self, now: Nanos, elapsed: f64) {
        let kept = fade(now, self.at);
        let expected = if self.known { self.ttft } else { UNKNOWN };
        if elapsed > expected {
            self.ttft = blend(self.known.then_some(self.ttft), elapsed, kept);
            self.known = true;
        }
        self.raise_peak(now, elapsed.max(self.peak * kept), kept);
    }

    /// Time of a typical request with `tokens` of output, in ns; `None` before the first sample.
    pub fn typical(&self, tokens: f64) -> Option<f64> {
        let streaming = if self.token_known { (tokens - 1.0).max(0.0) * self.per_token } else { 0.0 };
        self.known.then_some(self.ttft + streaming)
    }

    /// What is to be expected of a provider whose estimate is `typical`, ns, 0 if unknown, where `pool` is that of the whole pool.
    /// Without an answer so far: the pool's. An estimate that is older than its time constant moves from the slow side towards
    /// the pool's, so that a provider which was slow once is tried again.
    #[inline]
    pub fn expected(&self, now: Nanos, typical: f64, pool: f64) -> f64 {
        if typical == 0.0 {
            return pool;
        }
        let rest = if typical < pool { typical } else { pool };
        rest + (typical - rest) * regress(now, self.at)
    }

    /// The same of the peak-sensitive estimate, which fades.
    #[inline]
    pub fn expected_peak(&self, now: Nanos, pool: f64) -> f64 {
        if self.peak == 0.0 {
            return pool;
        }
        let rest = if self.peak < pool { self.peak } else { pool };
        rest + (self.peak - rest) * fade(now, self.at)
    }

    /// Jumps up at once, comes down slowly: Finagle's PeakEwma (finagle-core `loadbalancer/PeakEwma.scala`).
    fn raise_peak(&mut self, now: Nanos, sample: f64, kept: f64) {
        self.peak = if sample > self.peak { sample } else { self.peak * kept + sample * (1.0 - kept) };
        self.at = now;
    }
}

/// The average after one more sample, where the old one keeps the weight `kept`. The first sample is the average.
/// Many samples at one instant would each weigh nothing, so every sample weighs at least 1/32.
fn blend(average: Option<f64>, sample: f64, kept: f64) -> f64 {
    match average {
        None => sample,
        Some(average) => sample + (average - sample) * kept.min(1.0 - 1.0 / 32.0),
    }
}

/// Up to 292 years; a signed conversion is one instruction, an unsigned one five.
#[inline]
pub(crate) fn nanos(time: Nanos) -> f64 {
    time.as_nanos().min(i64::MAX as u64) as i64 as f64
}

/// 1 / (1 + (now − then)/3τ), what is left of a distance from the pool after that time.
#[inline]
fn regress(now: Nanos, then: Nanos) -> f64 {
    let x = nanos(now.since(then)) * (1.0 / (3.0 * TAU));
    // As below: three terms are exact to 1e-6.
    if x < 0.01 { 1.0 - x + x * x } else { 1.0 / (1.0 + x) }
}

/// exp(−(now − then)/τ), the weight that is left of a sample of that age.
#[inline]
pub(crate) fn fade(now: Nanos, then: Nanos) -> f64 {
    let x = nanos(now.since(then)) * (1.0 / TAU);
    // Under load samples are close together: three terms of the series are then exact to 2e-7 and cost a tenth of exp.
    if x < 0.01 { 1.0 - x + 0.5 * x * x } else { decay(x) }
}

#[inline(never)]
fn decay(x: f64) -> f64 {
    (-x).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_forgets_by_time() {
        // From 1 s, a sample of 2 s after one time constant: 2 − e^−1 exactly.
        let mut speed = Speed::default();
        speed.succeeded(Nanos::ZERO, 1e9, 1e9, 1);
        assert_eq!(speed.typical(1.0), Some(1e9));
        speed.succeeded(Nanos::new(TAU as u64), 2e9, 2e9, 1);
        let expected = 2e9 - 1e9 * (-1.0_f64).exp();
        assert!((speed.typical(1.0).unwrap_or(0.0) - expected).abs() < 1.0, "{speed:?}");
    }

    #[test]
    fn a_failure_never_looks_cheap() {
        let mut speed = Speed::default();
        speed.succeeded(Nanos::from_secs(1), 5e8, 2e9, 101);
        let before = speed.typical(101.0);
        for i in 0..100 {
            speed.failed(Nanos::from_millis(1_100 + i), 1e6);
        }
        assert!(speed.typical(101.0) >= before, "a hundred failures of 1 ms leave the estimate where it was");
        speed.failed(Nanos::from_secs(30), 60e9);
        assert!(speed.typical(101.0) > before.map(|value| value * 5.0), "a timeout raises it");
    }

    #[test]
    fn long_answers_do_not_make_a_provider_slow() {
        // The same provider (0.4 s + 10 ms a token) seen through 50-token and through 1,500-token answers.
        let (mut short, mut long) = (Speed::default(), Speed::default());
        for i in 1..=50 {
            let now = Nanos::from_millis(i * 100);
            short.succeeded(now, 4e8, 4e8 + 49.0 * 1e7, 50);
            long.succeeded(now, 4e8, 4e8 + 1_499.0 * 1e7, 1_500);
        }
        let (short, long) = (short.typical(200.0).unwrap_or(0.0), long.typical(200.0).unwrap_or(0.0));
        assert!((short - long).abs() < 1.0, "{short} and {long} for the same typical request");
    }

    #[test]
    fn the_peak_jumps_up_and_fades() {
        let mut speed = Speed::default();
        speed.succeeded(Nanos::from_secs(1), 1e8, 1e8, 1);
        speed.succeeded(Nanos::from_secs(2), 9e9, 9e9, 1);
        assert_eq!(speed.peak, 9e9, "up at once");
        speed.succeeded(Nanos::from_secs(3), 1e8, 1e8, 1);
        assert!(speed.peak > 8e9, "down slowly: {:?}", speed.peak);
    }
}

//! Ranks by Zipf's law: rank k of 0…n−1 with probability ∝ (k+1)^−skew.
//!
//! Rejection-inversion after Hörmann and Derflinger, "Rejection-Inversion to Generate Variates from Monotone Discrete
//! Distributions", ACM TOMACS 6 (1996): constant time and memory for any n, no table. `rand_distr::Zipf` needs three
//! powers of the platform's `powf` a draw; this needs one exponential and one logarithm most of the time, from `libm`.

use crate::rng::Draws;

/// Draws ranks. The hat over the discrete law is h(x) = x^−skew with the integral H(x) = (x^(1−skew) − 1)/(1 − skew).
#[derive(Clone, Copy, Debug)]
pub struct ZipfSampler {
    count: u64,
    skew: f64,
    /// H(1.5) − h(1): where the first rank's share of the hat begins.
    low: f64,
    /// H(count + 0.5).
    high: f64,
    /// Below this distance from the rounded value a candidate is accepted unseen.
    sure: f64,
}

impl ZipfSampler {
    /// `count` ≥ 1 ranks (0 counts as 1), `skew` ≥ 0; skew 0 is uniform.
    pub fn new(count: u64, skew: f64) -> ZipfSampler {
        let count = count.max(1);
        let (low, high) = (integral(1.5, skew) - 1.0, integral(count as f64 + 0.5, skew));
        let sure = 2.0 - inverse(integral(2.5, skew) - hat(2.0, skew), skew);
        ZipfSampler { count, skew, low, high, sure }
    }

    /// A rank in 0…count−1; 0 is the most popular.
    #[inline]
    pub fn sample(&self, draws: &mut Draws) -> u64 {
        if self.skew == 0.0 {
            return draws.below(self.count);
        }
        loop {
            let u = self.high + draws.unit() * (self.low - self.high);
            let x = inverse(u, self.skew);
            let rank = ((x + 0.5) as u64).clamp(1, self.count);
            let k = rank as f64;
            if k - x <= self.sure || u >= integral(k + 0.5, self.skew) - hat(k, self.skew) {
                return rank - 1;
            }
        }
    }
}

fn hat(x: f64, skew: f64) -> f64 {
    libm::exp(-skew * libm::log(x))
}

/// (x^(1−s) − 1)/(1 − s), which is ln x at s = 1; written so that nothing cancels near s = 1.
fn integral(x: f64, skew: f64) -> f64 {
    let log = libm::log(x);
    let t = (1.0 - skew) * log;
    // expm1(t)/t, with its first terms where the quotient would be 0/0.
    let quotient = if t.abs() > 1e-8 { libm::expm1(t) / t } else { 1.0 + t / 2.0 };
    quotient * log
}

fn inverse(y: f64, skew: f64) -> f64 {
    // Below −1 there is no x; rounding can get there at the lower end for large skews.
    let t = (y * (1.0 - skew)).max(-1.0);
    let quotient = if t.abs() > 1e-8 { libm::log1p(t) / t } else { 1.0 - t / 2.0 };
    libm::exp(quotient * y)
}

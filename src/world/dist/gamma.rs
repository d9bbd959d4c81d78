//! Gamma deviates after Marsaglia and Tsang, "A Simple Method for Generating Gamma Variables", ACM TOMS 26 (2000).

use super::normal::standard_normal;
use super::unit_exponential;
use crate::rng::Draws;

/// Draws from the gamma law of a given shape and scale 1.
///
/// `rand_distr::Gamma` uses the same method with the platform's `ln` and `powf`; this one uses `libm` throughout.
#[derive(Clone, Copy, Debug)]
pub struct GammaSampler {
    /// The shape of the inner law, at least 1, less one third.
    d: f64,
    /// 1 / √(9 d).
    c: f64,
    /// 1 / shape where the shape is below one; otherwise none.
    boost: Option<f64>,
}

impl GammaSampler {
    /// `shape` > 0: the mean, and 1 / CV².
    #[inline]
    pub fn new(shape: f64) -> GammaSampler {
        let (inner, boost) = if shape < 1.0 { (shape + 1.0, Some(1.0 / shape)) } else { (shape, None) };
        let d = inner - 1.0 / 3.0;
        GammaSampler { d, c: 1.0 / (9.0 * d).sqrt(), boost }
    }

    /// One value, ≥ 0; for shapes far below one it is often too small for a float, and then zero.
    #[inline]
    pub fn sample(&self, draws: &mut Draws) -> f64 {
        let value = self.sample_inner(draws);
        match self.boost {
            // Γ(a) = Γ(a + 1) · U^(1/a), section 6 of the paper; U^(1/a) = exp(−E/a) with E exponential.
            Some(boost) => value * libm::exp(-unit_exponential(draws) * boost),
            None => value,
        }
    }

    fn sample_inner(&self, draws: &mut Draws) -> f64 {
        loop {
            let x = standard_normal(draws);
            let root = 1.0 + self.c * x;
            if root <= 0.0 {
                continue;
            }
            let v = root * root * root;
            let u = draws.open_unit();
            // The squeeze accepts more than nine in ten without a logarithm.
            let square = x * x;
            if u < 1.0 - 0.0331 * square * square || libm::log(u) < 0.5 * square + self.d * (1.0 - v + libm::log(v)) {
                return self.d * v;
            }
        }
    }
}

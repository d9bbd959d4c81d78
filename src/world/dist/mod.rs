//! Laws of durations and token counts, and how to draw from them.
//!
//! What has to be the same on every platform goes through `libm` (pure Rust) rather than the platform's `exp` and
//! `log`. Normal deviates come from the ziggurat of `rand_distr`, whose result depends on the platform's functions
//! only in its far tail and only in the last bit; times are rounded to whole nanoseconds, tokens to whole numbers,
//! where they are drawn, so that bit is lost.

mod gamma;
mod normal;
mod zipf;

#[cfg(test)]
mod tests;

pub use self::gamma::GammaSampler;
pub use self::zipf::ZipfSampler;

use self::normal::standard_normal;
use crate::rng::Draws;

/// Standard deviation of the logarithm of the slow factor of [`Dist::Slow`]; fitted to public probes of hosted models.
pub const SLOW_SIGMA: f64 = 0.3;

/// A non-negative random quantity: nanoseconds where it is a duration, tokens where it is a size.
#[derive(Clone, Debug, PartialEq)]
pub enum Dist {
    /// Always the same value.
    Fixed(f64),
    /// exp(N(mu, sigma²)).
    LogNormal {
        /// Mean of the logarithm.
        mu: f64,
        /// Standard deviation of the logarithm, ≥ 0.
        sigma: f64,
    },
    /// By its mean.
    Exponential {
        /// Mean.
        mean: f64,
    },
    /// Uniform in [low, high].
    Uniform {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// Gamma by shape and scale.
    Gamma {
        /// Shape, > 0.
        shape: f64,
        /// Scale, ≥ 0.
        scale: f64,
    },
    /// One of several laws, with probabilities that sum to one.
    Mixture(Vec<(f64, Dist)>),
    /// `base`, times a slow factor (log-normal, median `factor`, sigma 0.3) with probability `share`.
    Slow {
        /// The law without the slow mode.
        base: Box<Dist>,
        /// Probability of the slow mode.
        share: f64,
        /// Median of the factor.
        factor: f64,
    },
}

impl Dist {
    /// One value: finite and ≥ 0. The numbers it takes from `draws` are its own business, so give it an address of its
    /// own (a stream and an index) and nobody else is shifted.
    #[inline]
    pub fn sample(&self, draws: &mut Draws) -> f64 {
        let value = self.draw(draws);
        // Written so that NaN, which no checked scenario can produce, becomes zero, and an overflow stays finite.
        if value > 0.0 { value.min(f64::MAX) } else { 0.0 }
    }

    fn draw(&self, draws: &mut Draws) -> f64 {
        match self {
            Dist::Fixed(value) => *value,
            Dist::LogNormal { mu, sigma } => libm::exp(mu + sigma * standard_normal(draws)),
            Dist::Exponential { mean } => mean * unit_exponential(draws),
            Dist::Uniform { low, high } => low + (high - low) * draws.unit(),
            Dist::Gamma { shape, scale } => scale * GammaSampler::new(*shape).sample(draws),
            Dist::Mixture(parts) => pick(parts, draws).map_or(0.0, |part| part.draw(draws)),
            Dist::Slow { base, share, factor } => {
                // The base comes first, so that it is the same with and without the slow mode.
                let value = base.draw(draws);
                if draws.chance(*share) { value * factor * libm::exp(SLOW_SIGMA * standard_normal(draws)) } else { value }
            }
        }
    }

    /// The expected value.
    pub fn mean(&self) -> f64 {
        match self {
            Dist::Fixed(value) => *value,
            Dist::LogNormal { mu, sigma } => libm::exp(mu + sigma * sigma / 2.0),
            Dist::Exponential { mean } => *mean,
            Dist::Uniform { low, high } => (low + high) / 2.0,
            Dist::Gamma { shape, scale } => shape * scale,
            Dist::Mixture(parts) => parts.iter().map(|(probability, part)| probability * part.mean()).sum(),
            Dist::Slow { base, share, factor } => {
                let slow = factor * libm::exp(SLOW_SIGMA * SLOW_SIGMA / 2.0);
                base.mean() * (1.0 - share + share * slow)
            }
        }
    }
}

/// Exponential of mean one, by inversion.
#[inline]
pub(crate) fn unit_exponential(draws: &mut Draws) -> f64 {
    -libm::log(draws.open_unit())
}

/// A part by its probability; the last takes what rounding leaves over. `None` without parts.
fn pick<'a>(parts: &'a [(f64, Dist)], draws: &mut Draws) -> Option<&'a Dist> {
    let mut left = draws.unit();
    for (probability, part) in parts {
        if left < *probability {
            return Some(part);
        }
        left -= probability;
    }
    parts.last().map(|(_, part)| part)
}

//! What a typical request of a pool is like: running means over all providers.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::latency::UNKNOWN;

/// Two running means, as f64 bits; 0: unknown.
#[derive(Debug, Default)]
pub(crate) struct Typical {
    latency: AtomicU64,
    tokens: AtomicU64,
}

impl Typical {
    /// Latency of a typical request at a typical provider, ns.
    #[inline]
    pub fn latency(&self) -> f64 {
        match self.latency.load(Relaxed) {
            0 => UNKNOWN,
            bits => f64::from_bits(bits),
        }
    }

    /// Output tokens of a typical request; 0 while unknown.
    #[inline]
    pub fn tokens(&self) -> f64 {
        f64::from_bits(self.tokens.load(Relaxed))
    }

    /// Whether it is the first.
    #[inline]
    pub fn learn_latency(&self, sample: f64) -> bool {
        let is_first = self.latency.load(Relaxed) == 0;
        learn(&self.latency, sample);
        is_first
    }

    /// Returns the new mean.
    #[inline]
    pub fn learn_tokens(&self, sample: u32) -> f64 {
        learn(&self.tokens, f64::from(sample).max(1.0))
    }
}

/// Moves a running mean 1/64 of the way to a sample; the first sample is the mean. Two threads may overwrite each other
/// here, which loses one sample of a mean and nothing else.
#[inline]
fn learn(mean: &AtomicU64, sample: f64) -> f64 {
    let bits = mean.load(Relaxed);
    let value = if bits == 0 { sample } else { f64::from_bits(bits) + (sample - f64::from_bits(bits)) * (1.0 / 64.0) };
    mean.store(value.to_bits(), Relaxed);
    value
}

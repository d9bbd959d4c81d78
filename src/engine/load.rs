//! What is in flight at a provider, and what strategies compare that look at little else.

use super::config::{Config, ProviderConfig};
use super::strategy::{Strategy, key};
use crate::time::Nanos;

/// Attempts in flight.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Load {
    pub in_flight: u32,
    /// Those of them without a first token so far.
    pub waiting: u32,
    /// Wrapping sum of the send times in ns of those that wait.
    pub starts: u64,
}

impl Load {
    /// One more, sent at `sent`.
    #[inline]
    pub fn sent(&mut self, sent: Nanos) {
        self.in_flight += 1;
        self.waiting += 1;
        self.starts = self.starts.wrapping_add(sent.as_nanos());
    }

    /// One that was sent at `sent` waits no longer.
    #[inline]
    pub fn heard(&mut self, sent: Nanos) {
        self.waiting -= 1;
        self.starts = self.starts.wrapping_sub(sent.as_nanos());
    }
}

/// How a strategy ranks a provider by its load or by what is left of its quota.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// By what is left.
    pub weighs_headroom: bool,
    /// The attempt that is being placed, where the load is a factor of the latency.
    own: f64,
    factor: f64,
}

impl Scale {
    /// `inverse_weight` is that of its [`Place`](super::pool::Place).
    pub fn new(config: &Config, provider: &ProviderConfig, inverse_weight: f64) -> Scale {
        let (own, factor) = match config.strategy {
            Strategy::RateLimitAware => (0.0, provider.weight.unwrap_or(1.0)),
            Strategy::PeakEwma | Strategy::LowestLatency => (1.0, 1.0),
            _ => (0.0, inverse_weight),
        };
        Scale { weighs_headroom: config.strategy == Strategy::RateLimitAware, own, factor }
    }

    /// Lower is better: the attempts in flight per weight; with the one that is being placed, without the weight, as a factor of
    /// the latency, the bits of a float; or what is left of its tightest limit times its weight. Found out once per change,
    /// not for every provider in every pick.
    #[inline]
    pub fn score(&self, load: Load, headroom: f32) -> u64 {
        if self.weighs_headroom {
            !key(f64::from(headroom) * self.factor)
        } else {
            key((f64::from(load.in_flight) + self.own) * self.factor)
        }
    }
}

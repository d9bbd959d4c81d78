//! What is in flight at a provider, and what strategies compare of it.

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
    starts: u64,
    /// When the latest one was sent.
    latest: Nanos,
}

impl Load {
    /// One more, sent at `sent`.
    #[inline]
    pub fn sent(&mut self, sent: Nanos) {
        self.in_flight += 1;
        self.waiting += 1;
        self.starts = self.starts.wrapping_add(sent.as_nanos());
        self.latest = sent;
    }

    /// One that was sent at `sent` waits no longer.
    #[inline]
    pub fn heard(&mut self, sent: Nanos) {
        self.waiting -= 1;
        self.starts = self.starts.wrapping_sub(sent.as_nanos());
    }

    /// Mean send time of those that wait for their first token; the end of time if none does. Those that stream are not late,
    /// however long: the long answers are most of what is in flight, and would make any provider look slow.
    #[inline]
    pub fn mean_start(&self) -> Nanos {
        if self.waiting <= 1 {
            return Nanos::new(if self.waiting == 0 { u64::MAX } else { self.starts });
        }
        // n·latest − Σ starts, both wrapping: the true difference fits.
        let before = u64::from(self.waiting).wrapping_mul(self.latest.as_nanos()).wrapping_sub(self.starts) as i64 as f64;
        Nanos::new(self.latest.as_nanos().saturating_sub((before * reciprocal(self.waiting)) as i64 as u64))
    }
}

/// How a strategy ranks a provider by its load, with its latency as a factor, or by what is left of its quota.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    weighs: Weighs,
    /// The attempt that is being placed, where the load is a factor of the latency.
    own: f64,
    factor: f64,
}

/// What counts besides the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weighs {
    Nothing,
    Headroom,
    Latency,
    PeakLatency,
}

impl Scale {
    /// `inverse_weight` is that of its [`Place`](super::pool::Place).
    pub fn new(config: &Config, provider: &ProviderConfig, inverse_weight: f64) -> Scale {
        let (weighs, own, factor) = match config.strategy {
            Strategy::RateLimitAware => (Weighs::Headroom, 0.0, provider.weight.unwrap_or(1.0)),
            Strategy::PeakEwma => (Weighs::PeakLatency, 1.0, inverse_weight),
            Strategy::LowestLatency => (Weighs::Latency, 1.0, inverse_weight),
            _ => (Weighs::Nothing, 0.0, inverse_weight),
        };
        Scale { weighs, own, factor }
    }

    /// By what is left of the quota.
    #[inline]
    pub fn weighs_headroom(&self) -> bool {
        self.weighs == Weighs::Headroom
    }

    /// By the latency.
    #[inline]
    pub fn weighs_latency(&self) -> bool {
        matches!(self.weighs, Weighs::Latency | Weighs::PeakLatency)
    }

    /// By the peak-sensitive estimate of it.
    #[inline]
    pub fn weighs_peak(&self) -> bool {
        self.weighs == Weighs::PeakLatency
    }

    /// Lower is better: the attempts in flight per weight; with the one that is being placed, times `latency` (elsewhere 1); or what
    /// is left of its tightest limit times its weight. Found out once per change, not for every provider in every pick.
    #[inline]
    pub fn score(&self, load: Load, headroom: f32, latency: f64) -> u64 {
        if self.weighs_headroom() { !key(f64::from(headroom) * self.factor) } else { key(latency * self.times(load.in_flight)) }
    }

    /// By how much a latency counts with so many in flight.
    #[inline]
    pub fn times(&self, in_flight: u32) -> f64 {
        (f64::from(in_flight) + self.own) * self.factor
    }
}

/// 1 / n from a table, as far as that reaches: a division takes longer than all else here. 0 of 0.
#[inline]
fn reciprocal(n: u32) -> f64 {
    RECIPROCALS.get(n as usize).copied().unwrap_or_else(|| 1.0 / f64::from(n))
}

static RECIPROCALS: [f64; 128] = {
    let mut table = [0.0; 128];
    let mut n = 1;
    while n < table.len() {
        table[n] = 1.0 / n as f64;
        n += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand, at times near zero and so late that their sum wraps.
    #[test]
    fn the_mean_start_is_that_of_those_that_wait() {
        for base in [0, u64::MAX / 2] {
            let at = |ns: u64| Nanos::new(base + ns);
            let mut load = Load::default();
            assert_eq!(load.mean_start(), Nanos::MAX);
            [10, 20, 60].into_iter().for_each(|ns| load.sent(at(ns)));
            assert_eq!(load.mean_start(), at(30));
            load.heard(at(60));
            assert_eq!(load.mean_start(), at(15));
            load.heard(at(10));
            assert_eq!((load.mean_start(), load.in_flight), (at(20), 3));
            load.heard(at(20));
            assert_eq!(load.mean_start(), Nanos::MAX);
        }
    }
}

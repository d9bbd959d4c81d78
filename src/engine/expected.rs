//! What to expect of a provider, where the strategy weighs its latency.

use super::latency::{Speed, UNKNOWN};
use super::load::Scale;
use crate::time::Nanos;

/// As of the last end of an attempt or the last look at the provider: estimates fade so slowly that nobody need find them out anew
/// in every pick.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    /// Time of a typical request, ns; 1 where latency is not weighed, so that it is no factor of a score.
    pub latency: f64,
}

impl Expected {
    /// Of a provider whose estimate is `typical`, ns, 0 if unknown; `pool` is that of the whole pool, 0 if it is unknown too.
    #[inline]
    pub fn of(scale: &Scale, speed: &Speed, typical: f64, now: Nanos, pool: f64) -> Expected {
        let pool = if pool == 0.0 { UNKNOWN } else { pool };
        let latency = if scale.weighs_peak() { speed.expected_peak(now, pool) } else { speed.expected(now, typical, pool) };
        let latency = if scale.weighs_latency() { latency } else { 1.0 };
        Expected { latency }
    }
}

//! How much is left of the tightest limit, and whether anything more would be admitted.

use super::{Cost, Ledger};
use crate::time::Nanos;

impl Ledger {
    /// What is left of the tightest limit, concurrency included, as a fraction of its capacity: 0 to 1; 1 when unlimited.
    pub fn headroom(&mut self, now: Nanos) -> f64 {
        let now = self.advance(now);
        let mut least = self.free_places();
        for limit in &mut self.limits {
            least = least.min(limit.left_fraction(now));
        }
        least.max(0.0)
    }

    /// [`Ledger::headroom`], and whether `cost` would be admitted, for less than the two questions cost apart.
    #[inline]
    pub fn outlook(&mut self, now: Nanos, cost: Cost) -> (f64, bool) {
        let now = self.advance(now);
        let (mut least, mut admits) = (self.free_places(), self.in_flight < self.max_concurrency);
        for limit in &mut self.limits {
            let (left, fits) = limit.outlook(now, cost.of(limit.dimension));
            (least, admits) = (least.min(left), admits & fits);
        }
        (least.max(0.0), admits)
    }

    /// Whether an attempt without tokens would be admitted.
    pub(super) fn is_open(&mut self, now: Nanos) -> bool {
        let now = self.advance(now);
        self.in_flight < self.max_concurrency && self.limits.iter_mut().all(|limit| limit.fits(now, Cost::default().of(limit.dimension)))
    }

    /// [`Ledger::headroom`] but for the rounding, for comparisons.
    #[inline]
    pub(super) fn headroom_about(&mut self, now: Nanos) -> f64 {
        let now = self.advance(now);
        let mut least = self.free_places();
        for limit in &mut self.limits {
            least = lower(least, limit.left_about(now));
        }
        least.max(0.0)
    }

    /// What is left of the places in flight, as a fraction: 1 when they are not limited, below 0 when there are too many.
    #[inline]
    pub(super) fn free_places(&self) -> f64 {
        self.free_places_but(0)
    }

    /// [`Ledger::free_places`] with so many more in flight.
    #[inline]
    pub(super) fn free_places_but(&self, more: u32) -> f64 {
        match self.max_concurrency {
            u32::MAX => 1.0,
            most => 1.0 - f64::from(self.in_flight + more) / f64::from(most),
        }
    }

    /// From now on every admission finds out what is left after it.
    pub(super) fn weigh_headroom(&mut self, weighs: bool) {
        self.weighs_headroom = weighs;
    }
}

/// Of two numbers: the library's minimum takes care of others, in four times the instructions.
#[inline]
pub(super) fn lower(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

//! Token bucket, as the generic cell rate algorithm.

use super::FreeAt;
use super::hindsight::Hindsight;
use super::rate::Rate;
use crate::time::Nanos;

/// Refills continuously up to its depth; admits iff the level is at least the cost; starts full.
///
/// Kept as one number: the instant at which the bucket will be full, times the refill rate. The level at `now` is then
/// depth − max(0, full − now × rate), every quantity in units of 1 / ([`SCALE`](super::rate::SCALE) × span) of a token.
/// What is given back beyond the depth disappears by itself, and an excess pushes `full` beyond one depth: a level below zero.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    /// Units that flow in per nanosecond, 1 to 8.64e18.
    rate: u64,
    /// Units per request or token.
    unit: u64,
    /// Units in a full bucket, at least one `unit`, at most about 2^109.
    depth: u128,
    /// Instant at which the bucket is full, × `rate`; at most [`FULL_MAX`].
    full: u128,
    /// 2^11 / depth, to tell the remaining fraction without a division.
    depth_inverse: f64,
    /// Where settlements count as of the admission.
    hindsight: Option<Box<Hindsight>>,
}

/// Bound of a debt. With it, full + depth and now × rate + depth (each below 2^127 + 2^109) cannot overflow.
const FULL_MAX: u128 = u128::MAX >> 1;

impl Bucket {
    pub fn new(rate: Rate) -> Bucket {
        let depth = rate.burst.map_or(rate.slice_units(), |burst| u128::from(burst) * u128::from(rate.span));
        // Less than one request deep would admit nothing, ever.
        let depth = depth.max(u128::from(rate.unit()));
        Bucket { rate: rate.scaled, unit: rate.unit(), depth, full: 0, depth_inverse: 2_048.0 / depth as f64, hindsight: None }
    }

    #[inline]
    pub fn fits(&self, now: Nanos, cost: u64) -> bool {
        let (now, cost) = (self.at(now), self.units(cost));
        cost <= self.depth && self.full.max(now) + cost <= now + self.depth
    }

    /// Takes `cost`, below 2^33, if it fits; whether it does, and `more`, 0 or 1, after it.
    #[inline]
    pub fn admit(&mut self, now: Nanos, cost: u64, more: u64) -> (bool, bool) {
        let (fits, more, _) = self.admit_weighing(now, cost, more);
        (fits, more)
    }

    /// As [`Bucket::admit`], and what is left as a fraction.
    #[inline]
    pub fn admit_weighing(&mut self, now: Nanos, cost: u64, more: u64) -> (bool, bool, f64) {
        let at = self.at(now);
        let (full, empty) = (self.full.max(at) + self.units(cost), at + self.depth);
        if full > empty {
            return (false, false, 0.0);
        }
        self.full = full;
        (true, full + u128::from(more * self.unit) <= empty, self.fraction(full - at))
    }

    /// Undoes the latest [`Bucket::admit`], which took `cost`, and since which nothing has happened. A bucket that was full long ago
    /// is now full since then, which is the same from then on.
    pub fn take_back(&mut self, cost: u64) {
        self.full -= self.units(cost);
    }

    pub fn take(&mut self, now: Nanos, cost: u64) {
        let (at, before) = (self.at(now), self.full);
        self.full = before.max(at).saturating_add(self.units(cost)).min(FULL_MAX);
        self.note(at, before);
    }

    /// Takes the cost, or what there is.
    pub fn drain(&mut self, now: Nanos, cost: u64) {
        let at = self.at(now);
        let empty = at + self.depth;
        let before = self.full;
        if before < empty {
            self.full = before.max(at).saturating_add(self.units(cost)).min(empty);
            self.note(at, before);
        }
    }

    /// What was taken since it was full at `before`.
    fn note(&mut self, at: u128, before: u128) {
        if let Some(hindsight) = &mut self.hindsight {
            hindsight.taken(at, self.full - before.max(at));
        }
    }

    /// Admission `number` used so much less than it took.
    #[inline]
    pub fn give_back(&mut self, now: Nanos, number: u64, amount: u64) {
        let full = self.full.saturating_sub(self.units(amount));
        self.full = if self.hindsight.is_none() { full } else { self.full_in_hindsight(now, number, amount).max(full).min(self.full) };
    }

    /// Before when it cannot be full, had admission `number` taken so much less.
    #[inline(never)]
    fn full_in_hindsight(&mut self, now: Nanos, number: u64, amount: u64) -> u128 {
        let (at, units) = (self.at(now), self.units(amount));
        self.hindsight.as_mut().map_or(0, |hindsight| at + hindsight.give_back(at, number, units))
    }

    /// From now on what is given back counts as never taken, also where the bucket would have been full in between; `next` is the
    /// number of the ledger's next admission, and each has to be told by [`Bucket::admitted`].
    pub fn look_back(&mut self, now: Nanos, next: u64) {
        let at = self.at(now);
        self.hindsight = Some(Box::new(Hindsight::new(at, self.full.saturating_sub(at), next)));
    }

    /// Admission `number` took so much.
    pub fn admitted(&mut self, now: Nanos, number: u64, cost: u64) {
        let (at, units) = (self.at(now), self.units(cost));
        self.hindsight.iter_mut().for_each(|hindsight| hindsight.admitted(at, number, units));
    }

    pub fn free_at(&self, now: Nanos, cost: u64) -> FreeAt {
        let cost = self.units(cost);
        if cost > self.depth {
            return FreeAt::Never;
        }
        let needed = (self.full + cost).saturating_sub(self.depth);
        if needed <= self.at(now) {
            return FreeAt::Now;
        }
        FreeAt::at(needed.div_ceil(u128::from(self.rate)))
    }

    /// When it is full again, if nothing else happens.
    pub fn reset_at(&self, now: Nanos) -> Nanos {
        let full = self.full.div_ceil(u128::from(self.rate));
        Nanos::new(u64::try_from(full).unwrap_or(u64::MAX)).max(now)
    }

    /// The level as a fraction of the depth; below zero while an excess is owed.
    #[inline]
    pub fn left_fraction(&self, now: Nanos) -> f64 {
        self.fraction(self.full.saturating_sub(self.at(now)))
    }

    /// [`Bucket::left_fraction`], and whether `cost` would be admitted.
    #[inline]
    pub fn outlook(&self, now: Nanos, cost: u64) -> (f64, bool) {
        let missing = self.full.saturating_sub(self.at(now));
        (self.fraction(missing), missing + self.units(cost) <= self.depth)
    }

    /// What is left as a fraction, where so many units are missing.
    #[inline]
    fn fraction(&self, missing: u128) -> f64 {
        1.0 - thousands(missing) * self.depth_inverse
    }

    /// Requests or tokens missing from a full bucket.
    pub fn used(&self, now: Nanos) -> f64 {
        self.tokens(self.full.saturating_sub(self.at(now)))
    }

    pub fn capacity(&self) -> f64 {
        self.tokens(self.depth)
    }

    /// What flows in during `time`.
    pub fn inflow(&self, time: Nanos) -> f64 {
        self.rate as f64 * time.as_f64() / self.unit as f64
    }

    /// Continues the consumption that `old`, a bucket of the same dimension, stands at.
    pub fn carry(&mut self, now: Nanos, old: &Bucket) {
        let missing = old.full.saturating_sub(old.at(now));
        self.full = self.at(now).saturating_add(missing).min(FULL_MAX);
    }

    /// Whole and fraction apart, so that a whole number comes out whole.
    fn tokens(&self, units: u128) -> f64 {
        let unit = u128::from(self.unit);
        (units / unit) as f64 + (units % unit) as f64 / self.unit as f64
    }

    #[inline]
    fn at(&self, now: Nanos) -> u128 {
        u128::from(now.as_nanos()) * u128::from(self.rate)
    }

    #[inline]
    fn units(&self, cost: u64) -> u128 {
        u128::from(cost) * u128::from(self.unit)
    }
}

/// Thousands of units, 2,048 to be exact, as a float to a relative 2^-52 or one of them, far less than a millionth of a request.
/// Signed conversions are one instruction, unsigned ones five, and the library's exactly rounded one is a call. Below 2^127.
#[inline]
fn thousands(units: u128) -> f64 {
    const HIGH: f64 = (1_u64 << 53) as f64;
    ((units >> 64) as i64) as f64 * HIGH + ((units as u64 >> 11) as i64) as f64
}

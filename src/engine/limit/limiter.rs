//! One limit, whatever its algorithm.

use super::bucket::Bucket;
use super::fixed::FixedWindow;
use super::ramp::Ramp;
use super::rate::Rate;
use super::sliding::SlidingWindow;
use super::spec::Algorithm;
use super::{Cost, Dimension, FreeAt, Usage};
use crate::time::Nanos;

/// A limit on one dimension. The contract of the operations, for every algorithm: nothing but `take`, `count`, `drain`, `settle`
/// and `lower` changes a decision, and time never goes backwards (the ledger sees to that).
#[derive(Clone, Debug)]
pub(super) struct Limit {
    pub dimension: Dimension,
    /// Number of the first admission that this limit was charged for; earlier ones have nothing to settle here.
    born: u64,
    /// Which parts of a cost it counts: all bits or none.
    counts: Counts,
    limiter: Limiter,
}

#[derive(Clone, Copy, Debug)]
struct Counts {
    request: u64,
    input: u64,
    output: u64,
}

impl Counts {
    fn of(dimension: Dimension) -> Counts {
        let input = Cost { input: 1, output: 0 }.of(dimension);
        let output = Cost { input: 0, output: 1 }.of(dimension);
        match dimension.counts_tokens() {
            true => Counts { request: 0, input: input * u64::MAX, output: output * u64::MAX },
            false => Counts { request: 1, input: 0, output: 0 },
        }
    }

    #[inline]
    fn amount(&self, cost: Cost) -> u64 {
        self.request + (cost.input & self.input).saturating_add(cost.output & self.output)
    }
}

#[derive(Clone, Debug)]
enum Limiter {
    Bucket(Bucket),
    Fixed(FixedWindow),
    /// Larger than the others, as is the next.
    Sliding(Box<SlidingWindow>),
    Ramp(Box<Ramp>),
}

impl Limiter {
    /// Out of the way of the others.
    #[inline(never)]
    fn admit(&mut self, now: Nanos, amount: u64, more: u64) -> (bool, bool) {
        match self {
            Limiter::Bucket(bucket) => bucket.admit(now, amount, more),
            Limiter::Fixed(window) => window.admit(now, amount, more),
            Limiter::Sliding(window) => window.admit(now, amount, more),
            Limiter::Ramp(ramp) => ramp.admit(now),
        }
    }

    #[inline(never)]
    fn left_fraction(&mut self, now: Nanos) -> f64 {
        match self {
            Limiter::Bucket(bucket) => bucket.left_fraction(now),
            Limiter::Fixed(window) => window.left_fraction(now),
            Limiter::Sliding(window) => window.left_fraction(now),
            Limiter::Ramp(ramp) => ramp.left_fraction(now),
        }
    }

    #[inline(never)]
    fn settle(&mut self, now: Nanos, at: Nanos, number: u64, reserved: u64, actual: u64) {
        match self {
            Limiter::Bucket(bucket) if actual < reserved => bucket.give_back(now, number, reserved - actual),
            Limiter::Bucket(bucket) => bucket.take(now, actual - reserved),
            Limiter::Fixed(window) => window.adjust(now, at, reserved, actual),
            Limiter::Sliding(window) => window.adjust(now, number, reserved, actual),
            Limiter::Ramp(ramp) => ramp.give_back(now, at),
        }
    }
}

impl Limit {
    /// A fresh limit; `next` is the number of the ledger's next admission.
    pub fn new(dimension: Dimension, rate: Rate, algorithm: Algorithm, next: u64) -> Limit {
        let limiter = match algorithm {
            Algorithm::TokenBucket => Limiter::Bucket(Bucket::new(rate)),
            Algorithm::FixedWindow => Limiter::Fixed(FixedWindow::new(rate)),
            Algorithm::SlidingWindow => Limiter::Sliding(Box::new(SlidingWindow::new(rate, next))),
        };
        Limit { dimension, born: next, counts: Counts::of(dimension), limiter }
    }

    /// A fresh limit on the growth of the request rate.
    pub fn ramp(step: u64, next: u64) -> Limit {
        let limiter = Limiter::Ramp(Box::new(Ramp::new(step)));
        Limit { dimension: Dimension::Ramp, born: next, counts: Counts::of(Dimension::Ramp), limiter }
    }

    /// Makes room for what it will remember, so that taking allocates nothing.
    pub fn make_room(&mut self) {
        if let Limiter::Sliding(window) = &mut self.limiter {
            window.make_room();
        }
    }

    /// As [`Bucket::look_back`]; windows always settle what was taken then.
    pub fn look_back(&mut self, now: Nanos, next: u64) {
        let settled = self.is_settled();
        if let Limiter::Bucket(bucket) = &mut self.limiter
            && settled
        {
            bucket.look_back(now, next);
        }
    }

    /// Admission `number` was charged this cost.
    pub fn admitted(&mut self, now: Nanos, number: u64, cost: Cost) {
        let amount = self.amount(cost);
        if let Limiter::Bucket(bucket) = &mut self.limiter {
            bucket.admitted(now, number, amount);
        }
    }

    /// Continues the consumption of `old`, a limit of the same dimension, if it counts in the same way.
    pub fn carry(&mut self, now: Nanos, old: Limit) {
        debug_assert_eq!(self.dimension, old.dimension);
        let carried = match (&mut self.limiter, old.limiter) {
            (Limiter::Bucket(bucket), Limiter::Bucket(old)) => {
                bucket.carry(now, &old);
                true
            }
            (Limiter::Fixed(window), Limiter::Fixed(old)) => window.carry(&old),
            (Limiter::Sliding(window), Limiter::Sliding(old)) => {
                window.carry(*old);
                true
            }
            (Limiter::Ramp(ramp), Limiter::Ramp(old)) => {
                ramp.carry(&old);
                true
            }
            _ => false,
        };
        if carried {
            self.born = old.born;
        }
    }

    /// Takes this cost if it fits; whether it does, and after it one that has no tokens.
    #[inline]
    pub fn admit(&mut self, now: Nanos, cost: Cost) -> (bool, bool) {
        let (amount, more) = (self.amount(cost), self.counts.request);
        match &mut self.limiter {
            Limiter::Bucket(bucket) => bucket.admit(now, amount, more),
            Limiter::Fixed(window) => window.admit(now, amount, more),
            other => other.admit(now, amount, more),
        }
    }

    /// As [`Limit::admit`], and what is left as a fraction, as [`Limit::left_about`] says.
    #[inline]
    pub fn admit_weighing(&mut self, now: Nanos, cost: Cost) -> (bool, bool, f64) {
        if let Limiter::Bucket(bucket) = &mut self.limiter {
            let (amount, more) = (self.counts.amount(cost), self.counts.request);
            return bucket.admit_weighing(now, amount, more);
        }
        let (fits, more) = self.admit(now, cost);
        (fits, more, self.left_about(now))
    }

    /// Undoes the latest [`Limit::admit`], since which nothing has happened.
    pub fn take_back(&mut self, cost: Cost) {
        let amount = self.amount(cost);
        match &mut self.limiter {
            Limiter::Bucket(bucket) => bucket.take_back(amount),
            Limiter::Fixed(window) => window.take_back(amount),
            Limiter::Sliding(window) => window.take_back(),
            Limiter::Ramp(ramp) => ramp.take_back(),
        }
    }

    /// [`Cost::of`] its dimension, without a branch.
    #[inline]
    pub fn amount(&self, cost: Cost) -> u64 {
        self.counts.amount(cost)
    }

    /// Whether an attempt may use less or more of it than estimated.
    #[inline]
    pub fn is_settled(&self) -> bool {
        self.counts.request == 0
    }

    /// [`Limit::left_fraction`] but for the rounding, for comparisons.
    #[inline]
    pub fn left_about(&mut self, now: Nanos) -> f64 {
        match &mut self.limiter {
            Limiter::Bucket(bucket) => bucket.left_fraction(now),
            Limiter::Fixed(window) => window.left_about(now),
            other => other.left_fraction(now),
        }
    }

    /// Whether time alone can close it.
    pub fn may_close(&self) -> bool {
        matches!(self.limiter, Limiter::Ramp(_))
    }

    /// Whether `cost` would be admitted.
    #[inline]
    pub fn fits(&mut self, now: Nanos, cost: u64) -> bool {
        match &mut self.limiter {
            Limiter::Bucket(bucket) => bucket.fits(now, cost),
            Limiter::Fixed(window) => window.fits(now, cost),
            Limiter::Sliding(window) => window.fits(now, cost),
            Limiter::Ramp(ramp) => ramp.fits(now),
        }
    }

    /// Counts the cost of a refused attempt in full; of a bucket, which has no past, what there is.
    pub fn count(&mut self, now: Nanos, cost: u64) {
        match &mut self.limiter {
            Limiter::Bucket(bucket) => bucket.drain(now, cost),
            Limiter::Fixed(window) => window.take(now, cost),
            Limiter::Sliding(window) => window.count(now, cost),
            // It counts what is let in, so that the rate can grow from there.
            Limiter::Ramp(_) => {}
        }
    }

    /// Takes the cost as far as it fits.
    pub fn drain(&mut self, now: Nanos, cost: u64) {
        match &mut self.limiter {
            Limiter::Bucket(bucket) => bucket.drain(now, cost),
            Limiter::Fixed(window) => {
                let cost = cost.min(window.left(now));
                window.take(now, cost);
            }
            Limiter::Sliding(window) => {
                let cost = cost.min(window.left(now));
                window.count(now, cost);
            }
            Limiter::Ramp(_) => {}
        }
    }

    /// Replaces what was reserved at `at`, by admission `number`, by what was used.
    #[inline]
    pub fn settle(&mut self, now: Nanos, at: Nanos, number: u64, reserved: u64, actual: u64) {
        if reserved == actual || number < self.born {
            return;
        }
        match &mut self.limiter {
            Limiter::Bucket(bucket) if actual < reserved => bucket.give_back(now, number, reserved - actual),
            Limiter::Fixed(window) => window.adjust(now, at, reserved, actual),
            other => other.settle(now, at, number, reserved, actual),
        }
    }

    /// What was admitted at `at` was perhaps never let in: it stays charged, but the rate must not grow from there.
    pub fn doubt(&mut self, now: Nanos, at: Nanos) {
        if let Limiter::Ramp(ramp) = &mut self.limiter {
            ramp.doubt(now, at);
        }
    }

    /// Earliest admission of `cost`, if nothing else happens.
    pub fn free_at(&mut self, now: Nanos, cost: u64) -> FreeAt {
        match &mut self.limiter {
            Limiter::Bucket(bucket) => bucket.free_at(now, cost),
            Limiter::Fixed(window) => window.free_at(now, cost),
            Limiter::Sliding(window) => window.free_at(now, cost),
            Limiter::Ramp(ramp) => ramp.free_at(now),
        }
    }

    /// What is left, as a fraction of the capacity; below zero while an excess is owed.
    pub fn left_fraction(&mut self, now: Nanos) -> f64 {
        self.limiter.left_fraction(now)
    }

    /// What is left, as a fraction of the capacity, and whether `cost` would be admitted.
    #[inline]
    pub fn outlook(&mut self, now: Nanos, cost: u64) -> (f64, bool) {
        match &mut self.limiter {
            Limiter::Bucket(bucket) => bucket.outlook(now, cost),
            Limiter::Fixed(window) => (window.left_fraction(now), window.fits(now, cost)),
            Limiter::Sliding(window) => (window.left_fraction(now), window.fits(now, cost)),
            Limiter::Ramp(ramp) => (ramp.left_fraction(now), ramp.fits(now)),
        }
    }

    pub fn usage(&mut self, now: Nanos) -> Usage {
        let used = self.used(now);
        let reset_at = match &mut self.limiter {
            Limiter::Bucket(bucket) => bucket.reset_at(now),
            Limiter::Fixed(window) => window.reset_at(now),
            Limiter::Sliding(window) => window.reset_at(now),
            Limiter::Ramp(ramp) => ramp.reset_at(now),
        };
        Usage { dimension: self.dimension, capacity: self.capacity(), used, reset_at }
    }

    /// What was left just after admission `number` at `at`, `since` having been charged after it and `left` being there now;
    /// `None` when that lies in a window that is over, or before this limit.
    pub fn left_after(&mut self, now: Nanos, at: Nanos, number: u64, since: f64) -> Option<f64> {
        if number < self.born {
            return None;
        }
        let left = self.capacity() - self.used(now);
        match &mut self.limiter {
            Limiter::Bucket(bucket) => Some((left + since - bucket.inflow(now.since(at))).min(bucket.capacity())),
            Limiter::Fixed(window) => window.left_after(now, at, since),
            Limiter::Sliding(window) => window.left_after(now, number),
            // No header tells of it.
            Limiter::Ramp(_) => None,
        }
    }

    /// Takes `amount` that others used.
    pub fn lower(&mut self, now: Nanos, amount: u64) {
        match &mut self.limiter {
            Limiter::Bucket(bucket) => bucket.take(now, amount),
            Limiter::Fixed(window) => window.take(now, amount),
            Limiter::Sliding(window) => window.lower(amount),
            Limiter::Ramp(_) => {}
        }
    }

    /// Takes `amount` that others told they used.
    pub fn note_foreign(&mut self, now: Nanos, amount: u64) {
        match &mut self.limiter {
            Limiter::Sliding(window) => window.note_foreign(now, amount),
            _ => self.lower(now, amount),
        }
    }

    /// Requests or tokens that are taken; above the capacity while an excess is owed.
    pub fn used(&mut self, now: Nanos) -> f64 {
        match &mut self.limiter {
            Limiter::Bucket(bucket) => bucket.used(now),
            Limiter::Fixed(window) => window.used(now),
            Limiter::Sliding(window) => window.used(now),
            Limiter::Ramp(ramp) => ramp.used(now) as f64,
        }
    }

    /// Requests or tokens that a full bucket or an empty window admits at once.
    pub fn capacity(&self) -> f64 {
        match &self.limiter {
            Limiter::Bucket(bucket) => bucket.capacity(),
            Limiter::Fixed(window) => window.capacity() as f64,
            Limiter::Sliding(window) => window.capacity() as f64,
            Limiter::Ramp(ramp) => ramp.allowed() as f64,
        }
    }
}

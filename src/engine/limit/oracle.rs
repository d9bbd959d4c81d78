//! The naive judge: keeps everything that ever happened and recomputes each decision from the beginning.
//!
//! It shares nothing with the code it judges but the checked rates: buckets are levels that are refilled step by step (not
//! instants), windows are sums over a list (no rings, no rolling counters).

use super::rate::{self, Rate};
use super::{Algorithm, Cost, Dimension, FreeAt, Limits};
use crate::time::Nanos;

/// One thing that happened to one limit.
#[derive(Clone, Copy, Debug)]
enum Change {
    /// Admitted at `at`, in whole requests or tokens; corrected in place for windows.
    Took { id: usize, amount: i128 },
    /// For buckets, at the instant of the settlement: positive is returned, negative is owed.
    Returned { amount: i128 },
    /// Used without being admitted: for buckets up to this much, for windows just this much.
    Drained { amount: i128 },
}

#[derive(Clone, Debug)]
struct OracleLimit {
    dimension: Dimension,
    algorithm: Algorithm,
    rate: Rate,
    history: Vec<(u64, Change)>,
}

/// A ledger that is obviously right and slow.
#[derive(Clone, Debug)]
pub(super) struct Oracle {
    limits: Vec<OracleLimit>,
    max_concurrency: u32,
    in_flight: u32,
    admitted: usize,
    /// Buckets are corrected in place too.
    looks_back: bool,
}

impl Oracle {
    pub fn new(limits: &Limits) -> Oracle {
        let rates = rate::rates(limits).expect("the tests state sensible limits");
        let algorithm = limits.algorithm;
        let limit = |(dimension, rate)| OracleLimit { dimension, algorithm, rate, history: Vec::new() };
        Oracle {
            limits: rates.into_iter().map(limit).collect(),
            max_concurrency: limits.max_concurrency.unwrap_or(u32::MAX),
            in_flight: 0,
            admitted: 0,
            looks_back: false,
        }
    }

    /// As if what was used had been known from the start.
    pub fn looking_back(self) -> Oracle {
        Oracle { looks_back: true, ..self }
    }

    /// The dimensions that would refuse `cost` at `now`.
    pub fn refusing(&self, now: Nanos, cost: Cost) -> Vec<Dimension> {
        let refuses = |limit: &&OracleLimit| !limit.admits(now.as_nanos(), cost.of(limit.dimension));
        let mut refusing: Vec<_> = self.limits.iter().filter(refuses).map(|limit| limit.dimension).collect();
        if self.in_flight >= self.max_concurrency {
            refusing.push(Dimension::Concurrency);
        }
        refusing
    }

    /// Admits `cost` and says under which id.
    pub fn take(&mut self, now: Nanos, cost: Cost) -> usize {
        let id = self.admitted;
        self.admitted += 1;
        self.in_flight += 1;
        for limit in &mut self.limits {
            limit.history.push((now.as_nanos(), Change::Took { id, amount: i128::from(cost.of(limit.dimension)) }));
        }
        id
    }

    /// Counts a refused attempt, in full where that means anything.
    pub fn refuse_counts(&mut self, now: Nanos, cost: Cost) {
        for limit in &mut self.limits {
            limit.history.push((now.as_nanos(), Change::Drained { amount: i128::from(cost.of(limit.dimension)) }));
        }
    }

    /// Counts what others used, as far as it fits.
    pub fn drain(&mut self, now: Nanos, cost: Cost) {
        for limit in &mut self.limits {
            let mut amount = i128::from(cost.of(limit.dimension));
            if limit.algorithm != Algorithm::TokenBucket {
                amount = amount.min(limit.left(now.as_nanos()).max(0));
            }
            limit.history.push((now.as_nanos(), Change::Drained { amount }));
        }
    }

    /// Ends attempt `id`: what it used in each dimension is `actual` instead of `reserved`.
    pub fn settle(&mut self, now: Nanos, id: usize, reserved: impl Fn(Dimension) -> u64, actual: impl Fn(Dimension) -> u64) {
        self.in_flight -= 1;
        for limit in &mut self.limits {
            let used = i128::from(actual(limit.dimension));
            if limit.algorithm == Algorithm::TokenBucket && !self.looks_back {
                let amount = i128::from(reserved(limit.dimension)) - used;
                limit.history.push((now.as_nanos(), Change::Returned { amount }));
                continue;
            }
            // Corrected where it was taken: in a window that is over nobody looks at it again.
            for (_, change) in &mut limit.history {
                if let Change::Took { id: other, amount } = change
                    && *other == id
                {
                    *amount = used;
                }
            }
        }
    }

    /// Whether `free_at` is right for `cost`: admitted then, and not one nanosecond before (unless that is the past).
    pub fn confirms(&self, now: Nanos, cost: Cost, free_at: FreeAt) -> bool {
        let refuses_at = |at: Nanos| self.limits.iter().any(|limit| !limit.admits(at.as_nanos(), cost.of(limit.dimension)));
        let full = self.in_flight >= self.max_concurrency;
        let never = self.limits.iter().any(|limit| limit.capacity_units() < i128::from(cost.of(limit.dimension)) * limit.unit());
        match free_at {
            FreeAt::Now => !full && !refuses_at(now),
            FreeAt::At(at) => !full && at > now && !refuses_at(at) && refuses_at(Nanos::new(at.as_nanos() - 1)),
            FreeAt::OnSettle => full && !never,
            FreeAt::Never => never,
        }
    }

    /// What is left of the tightest limit, as a fraction.
    pub fn headroom(&self, now: Nanos) -> f64 {
        let mut least =
            if self.max_concurrency == u32::MAX { 1.0 } else { 1.0 - f64::from(self.in_flight) / f64::from(self.max_concurrency) };
        for limit in &self.limits {
            least = least.min(limit.left(now.as_nanos()) as f64 / limit.capacity_units() as f64);
        }
        least.max(0.0)
    }
}

impl OracleLimit {
    fn admits(&self, now: u64, cost: u64) -> bool {
        self.left(now) >= i128::from(cost) * self.unit()
    }

    /// Units of one request or token: fractions for a bucket, whole for windows.
    fn unit(&self) -> i128 {
        if self.algorithm == Algorithm::TokenBucket { i128::from(self.rate.unit()) } else { 1 }
    }

    fn capacity_units(&self) -> i128 {
        match (self.algorithm, self.rate.burst) {
            (Algorithm::TokenBucket, Some(burst)) => i128::from(burst) * i128::from(self.rate.span),
            (Algorithm::TokenBucket, None) => (self.rate.slice_units() as i128).max(self.unit()),
            _ => i128::from(self.rate.slice_whole()),
        }
    }

    fn left(&self, now: u64) -> i128 {
        match self.algorithm {
            Algorithm::TokenBucket => self.bucket_level(now),
            Algorithm::FixedWindow => self.window_left(now, |at, seen| at / self.rate.slice == seen / self.rate.slice),
            Algorithm::SlidingWindow => self.window_left(now, |at, seen| at <= seen && seen - at < self.rate.slice),
        }
    }

    /// The textbook bucket: refill for the time that passed, cap, apply the change.
    fn bucket_level(&self, now: u64) -> i128 {
        let (depth, unit, rate) = (self.capacity_units(), self.unit(), i128::from(self.rate.scaled));
        let (mut level, mut last) = (depth, 0);
        let refill = |level: i128, last: u64, at: u64| depth.min(level + rate * i128::from(at - last));
        for &(at, change) in &self.history {
            level = refill(level, last, at);
            last = at;
            level = match change {
                Change::Took { amount, .. } => level - amount * unit,
                Change::Returned { amount } => depth.min(level + amount * unit),
                Change::Drained { amount } => level - (amount * unit).min(level).max(0),
            };
        }
        refill(level, last, now)
    }

    /// The amount less all that `counts` at the instant looked at.
    fn window_left(&self, now: u64, counts: impl Fn(u64, u64) -> bool) -> i128 {
        let mut left = self.capacity_units();
        for &(at, change) in &self.history {
            if let Change::Took { amount, .. } | Change::Drained { amount } = change
                && counts(at, now)
            {
                left -= amount;
            }
        }
        left
    }
}

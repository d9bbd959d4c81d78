//! What was used of a limit when.

use std::collections::VecDeque;

use crate::time::Nanos;

/// What was used when, in order of time.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    entries: VecDeque<(Nanos, f64)>,
}

impl Log {
    /// Notes an amount at a time that is mostly the latest.
    pub fn insert(&mut self, at: Nanos, amount: f64) {
        let position = self.entries.iter().rposition(|(other, _)| *other <= at).map_or(0, |position| position + 1);
        match position.checked_sub(1).and_then(|before| self.entries.get_mut(before)) {
            Some((other, sum)) if *other == at => *sum += amount,
            _ => self.entries.insert(position, (at, amount)),
        }
    }

    /// Drops what is older.
    pub fn forget(&mut self, now: Nanos, age: Nanos) {
        while self.entries.front().is_some_and(|(at, _)| now.since(*at) > age) {
            self.entries.pop_front();
        }
    }

    /// What was used in the `period` that ends with `now`; what is exactly one period old no longer counts.
    pub fn sum(&self, now: Nanos, period: Nanos) -> f64 {
        let counts = self.entries.iter().filter(|(at, _)| *at <= now && now.since(*at) < period);
        counts.map(|(_, amount)| amount).sum()
    }

    /// When `amount` of what counts now will have expired.
    pub fn frees(&self, now: Nanos, period: Nanos, amount: f64) -> Nanos {
        let mut missing = amount;
        for (at, used) in self.entries.iter().filter(|(at, _)| now.since(*at) < period) {
            missing -= used;
            if missing <= 0.0 {
                return *at + period;
            }
        }
        now + period
    }

    /// What was used after `from` and not after `to`.
    pub fn between(&self, from: Nanos, to: Nanos) -> f64 {
        let start = self.entries.partition_point(|(at, _)| *at <= from);
        self.entries.range(start..).take_while(|(at, _)| *at <= to).map(|(_, amount)| amount).sum()
    }

    /// When the first use after `from` was.
    pub fn first_after(&self, from: Nanos) -> Option<Nanos> {
        self.entries.iter().find(|(at, amount)| *at > from && *amount > 0.0).map(|(at, _)| *at)
    }

    /// Whether there was a use at this time, or so little before or after it.
    pub fn is_any_close(&self, at: Nanos, little: Nanos) -> bool {
        let from = self.entries.partition_point(|(other, _)| *other + little < at);
        self.entries.range(from..).take_while(|(other, _)| *other <= at + little).any(|(_, amount)| *amount > 0.0)
    }

    /// Drops the oldest; when that was.
    pub fn forget_oldest(&mut self) -> Option<Nanos> {
        self.entries.pop_front().map(|(at, _)| at)
    }

    /// How many instants it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

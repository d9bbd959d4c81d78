//! What was used of a limit when.

use std::collections::VecDeque;

use crate::time::Nanos;

/// So many entries are kept apart (1 MiB); see [`Log::insert_within`].
const APART: usize = 65_536;

/// What was used when, in order of time.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    entries: VecDeque<(Nanos, f64)>,
    /// The sum of all.
    total: f64,
    /// How many of the oldest were over at the latest [`Log::sum`], and their sum: the next one goes on from there.
    over: usize,
    over_sum: f64,
}

impl Log {
    /// Notes an amount at a time that is mostly the latest.
    pub fn insert(&mut self, at: Nanos, amount: f64) {
        self.insert_close(at, amount, Nanos::ZERO);
    }

    /// The same where what is older than `age` is forgotten: many in that time count as of the same instant as others close before, so
    /// that memory is bounded whatever comes.
    pub fn insert_within(&mut self, at: Nanos, amount: f64, age: Nanos) {
        let grain = if self.entries.len() < APART { Nanos::ZERO } else { Nanos::new(age.as_nanos() / APART as u64) };
        self.insert_close(at, amount, grain);
    }

    /// Notes an amount at this time, or at one that is no further away than `grain`.
    fn insert_close(&mut self, at: Nanos, amount: f64, grain: Nanos) {
        let position = self.entries.partition_point(|(other, _)| *other <= at);
        let before = position.checked_sub(1).filter(|before| at.since(self.entries[*before].0) <= grain);
        let close = before.or_else(|| self.entries.get(position).filter(|(after, _)| after.since(at) <= grain).map(|_| position));
        match close {
            Some(close) => self.entries[close].1 += amount,
            None => self.entries.insert(position, (at, amount)),
        }
        self.total += amount;
        if close.unwrap_or(position) < self.over {
            self.over += usize::from(close.is_none());
            self.over_sum += amount;
        }
    }

    /// Drops what is older.
    pub fn forget(&mut self, now: Nanos, age: Nanos) {
        while self.entries.front().is_some_and(|(at, _)| now.since(*at) > age) {
            self.forget_oldest();
        }
    }

    /// What was used in the `period` that ends with `now`; what is exactly one period old no longer counts.
    pub fn sum(&mut self, now: Nanos, period: Nanos) -> f64 {
        while let Some((_, amount)) = self.entries.get(self.over).filter(|(at, _)| *at <= now && now.since(*at) >= period) {
            self.over_sum += amount;
            self.over += 1;
        }
        while let Some((_, amount)) = self.over.checked_sub(1).map(|last| self.entries[last]).filter(|(at, _)| now.since(*at) < period) {
            self.over_sum -= amount;
            self.over -= 1;
        }
        let later: f64 = self.entries.iter().rev().take_while(|(at, _)| *at > now).map(|(_, amount)| amount).sum();
        self.total - self.over_sum - later
    }

    /// When `amount` of what counts now will have expired.
    pub fn frees(&self, now: Nanos, period: Nanos, amount: f64) -> Nanos {
        let mut missing = amount;
        let start = self.entries.partition_point(|(at, _)| *at <= now && now.since(*at) >= period);
        for (at, used) in self.entries.range(start..) {
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
        let start = self.entries.partition_point(|(at, _)| *at <= from);
        self.entries.range(start..).find(|(_, amount)| *amount > 0.0).map(|(at, _)| *at)
    }

    /// Whether there was a use at this time, or so little before or after it.
    pub fn is_any_close(&self, at: Nanos, little: Nanos) -> bool {
        let from = self.entries.partition_point(|(other, _)| *other + little < at);
        self.entries.range(from..).take_while(|(other, _)| *other <= at + little).any(|(_, amount)| *amount > 0.0)
    }

    /// Drops the oldest; when that was.
    pub fn forget_oldest(&mut self) -> Option<Nanos> {
        let (at, amount) = self.entries.pop_front()?;
        self.total -= amount;
        if self.over > 0 {
            self.over -= 1;
            self.over_sum -= amount;
        }
        Some(at)
    }

    /// What was used when, the oldest first.
    pub fn entries(&self) -> impl Iterator<Item = (Nanos, f64)> + '_ {
        self.entries.iter().copied()
    }

    /// How many instants it holds.
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Stream};

    /// Ten times as many as are kept apart, each given back in part: at most twice the bound is kept, and the sum is that of all.
    #[test]
    fn its_memory_is_bounded() {
        let (mut log, age) = (Log::default(), Nanos::from_secs(1_000));
        for i in 0..10 * APART as u64 {
            let at = Nanos::new(i * age.as_nanos() / (10 * APART as u64));
            log.insert_within(at, 3.0, age);
            log.insert_within(Nanos::new(at.as_nanos().saturating_sub(1_000_000_000)), -1.0, age);
        }
        assert!(log.len() <= 2 * APART, "{}", log.len());
        assert_eq!(log.sum(age, age + Nanos::new(1)), 20.0 * APART as f64);
    }

    /// The sum that goes on from the one before is that of a plain list, whatever is noted late, taken back or dropped in between,
    /// and whatever period is asked for.
    #[test]
    fn the_running_sum_is_that_of_a_list() {
        let (mut log, mut list, mut draws) = (Log::default(), Vec::<(Nanos, f64)>::new(), Draws::new(5, Stream::Pick, 0));
        let mut now = Nanos::from_secs(100);
        for _ in 0..5_000 {
            now += Nanos::from_millis(draws.below(200));
            let at = Nanos::new(now.as_nanos() - 1_000_000 * draws.below(3_000));
            let amount = draws.below(9) as f64 - 3.0;
            log.insert(at, amount);
            list.push((at, amount));
            if draws.below(10) == 0 {
                log.forget(now, Nanos::from_secs(20));
                list.retain(|(at, _)| now.since(*at) <= Nanos::from_secs(20));
            }
            let period = Nanos::from_secs(1 + draws.below(12));
            let at = Nanos::new(now.as_nanos() - 1_000_000 * draws.below(500));
            let counts = list.iter().filter(|(used, _)| *used <= at && at.since(*used) < period);
            assert_eq!(log.sum(at, period), counts.map(|(_, amount)| amount).sum::<f64>());
        }
    }
}

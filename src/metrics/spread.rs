//! How evenly attempts in flight are spread over the providers, weighted by time.

use super::histogram::Histogram;
use crate::time::Nanos;

/// A ratio is kept in thousandths.
const SCALE: f64 = 1_000.0;

/// Most attempts at a provider ÷ fewest at another, over time, among the providers that take part. Fewer than one count as
/// one, so that 3 beside an idle provider are 3, and nothing anywhere is 1.
///
/// Time counts up to the last arrival: what comes after it is the run's own end. What has happened since the last arrival so far is
/// pending until the next, and there is as much of it as attempts end between two arrivals.
#[derive(Clone, Debug)]
pub(super) struct Spread {
    levels: Vec<u32>,
    takes_part: Vec<bool>,
    /// Providers that take part, by level.
    at_level: Vec<u32>,
    most: usize,
    fewest: usize,
    since: Nanos,
    pending: Vec<(Nanos, Nanos, u64)>,
    /// The whole run, then the slices.
    shares: Vec<(Nanos, Nanos, TimeShare)>,
}

/// For how long a figure had which value.
#[derive(Clone, Debug, Default)]
pub struct TimeShare {
    held: Histogram,
}

impl TimeShare {
    /// The smallest value that was not exceeded for this share of the time, within 0.1 %; `None` without any time.
    pub fn at(&self, share: f64) -> Option<f64> {
        let total: u64 = self.held.buckets().map(|(_, _, held)| held).sum();
        let mut below = 0;
        let reached = self.held.buckets().find(|(_, _, held)| {
            below += held;
            below as f64 >= share * total as f64
        });
        reached.or_else(|| self.held.buckets().last()).map(|(low, _, _)| low as f64 / SCALE)
    }
}

impl Spread {
    pub(super) fn new(
        takes_part: impl Iterator<Item = bool>,
        whole: (Nanos, Nanos),
        slices: impl Iterator<Item = (Nanos, Nanos)>,
    ) -> Spread {
        let takes_part: Vec<bool> = takes_part.collect();
        let present = takes_part.iter().filter(|present| **present).count() as u32;
        let shares = std::iter::once(whole).chain(slices).map(|(from, until)| (from, until, TimeShare::default()));
        Spread {
            levels: vec![0; takes_part.len()],
            takes_part,
            at_level: vec![present],
            most: 0,
            fewest: 0,
            since: Nanos::ZERO,
            pending: Vec::new(),
            shares: shares.collect(),
        }
    }

    /// A provider has so many attempts from `now` on.
    #[inline]
    pub(super) fn set(&mut self, now: Nanos, provider: usize, in_flight: u32) {
        let old = std::mem::replace(&mut self.levels[provider], in_flight);
        if old != in_flight && self.takes_part[provider] {
            self.hold(now);
            self.leave(old);
            self.enter(in_flight);
            self.settle();
        }
    }

    /// A provider takes part from `now` on, or does not.
    pub(super) fn enabled(&mut self, now: Nanos, provider: usize, on: bool) {
        if std::mem::replace(&mut self.takes_part[provider], on) == on {
            return;
        }
        self.hold(now);
        if on {
            self.enter(self.levels[provider])
        } else {
            self.leave(self.levels[provider])
        }
        self.settle();
    }

    /// A request has arrived: what was pending counts.
    #[inline]
    pub(super) fn arrived(&mut self, now: Nanos) {
        self.hold(now);
        for (since, until, ratio) in self.pending.drain(..) {
            for (from, end, share) in &mut self.shares {
                let held = until.min(*end).since(since.max(*from)).as_nanos();
                if held > 0 {
                    share.held.record_n(ratio, held);
                }
            }
        }
    }

    /// Figures of the whole run (index 0) or of a slice (from 1).
    pub(super) fn share(&self, index: usize) -> &TimeShare {
        &self.shares[index].2
    }

    /// The present levels held up to `now`.
    #[inline]
    fn hold(&mut self, now: Nanos) {
        if now > self.since {
            let ratio = (self.most.max(1) as f64 / self.fewest.max(1) as f64 * SCALE).round() as u64;
            self.pending.push((self.since, now, ratio));
            self.since = now;
        }
    }

    fn enter(&mut self, level: u32) {
        let level = level as usize;
        if level >= self.at_level.len() {
            self.at_level.resize(level + 1, 0);
        }
        self.at_level[level] += 1;
        (self.most, self.fewest) = (self.most.max(level), self.fewest.min(level));
    }

    fn leave(&mut self, level: u32) {
        self.at_level[level as usize] -= 1;
    }

    /// Finds the ends again: mostly where they were, or one beside.
    fn settle(&mut self) {
        while self.most > 0 && self.at_level[self.most] == 0 {
            self.most -= 1;
        }
        while self.fewest < self.most && self.at_level[self.fewest] == 0 {
            self.fewest += 1;
        }
        self.fewest = self.fewest.min(self.most);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Stream};

    /// Two providers at (4, 2) for 60 s, (4, 4) for 39 s and (4, 1) for 1 s, of which one slice sees the last 40 s.
    #[test]
    fn by_hand() {
        let at = Nanos::from_secs;
        let mut spread = Spread::new([true, true, false].into_iter(), (at(0), Nanos::MAX), [(at(60), at(100))].into_iter());
        for (now, provider, level) in [(0, 0, 4), (0, 1, 2), (0, 2, 90), (60, 1, 4), (99, 1, 1), (100, 1, 0)] {
            spread.set(at(now), provider, level);
        }
        spread.arrived(at(100));
        spread.set(at(500), 0, 77);
        let (whole, slice) = (spread.share(0), spread.share(1));
        assert_eq!([0.3, 0.39, 0.5, 0.99, 1.0].map(|share| whole.at(share)), [1.0, 1.0, 2.0, 2.0, 4.0].map(Some));
        assert_eq!([0.5, 0.975, 1.0].map(|share| slice.at(share)), [1.0, 1.0, 4.0].map(Some));
        assert_eq!(TimeShare::default().at(0.5), None);
    }

    /// The ends found step by step against those of all levels, through random jumps and providers that come and go.
    #[test]
    fn ends_are_those_of_all_levels() {
        let mut spread = Spread::new([true; 5].into_iter(), (Nanos::ZERO, Nanos::MAX), std::iter::empty());
        for i in 0..20_000 {
            let mut draw = Draws::new(11, Stream::Service, i);
            let (provider, level) = ((draw.open_unit() * 5.0) as usize, (draw.open_unit() * 40.0) as u32);
            if i % 17 == 0 {
                spread.enabled(Nanos::new(i), provider, level % 2 == 0);
            } else {
                spread.set(Nanos::new(i), provider, level);
            }
            let present =
                || spread.levels.iter().zip(&spread.takes_part).filter(|(_, present)| **present).map(|(level, _)| *level as usize);
            let ends = (present().max().unwrap_or(0), present().min().unwrap_or(0));
            assert_eq!((spread.most, spread.fewest), ends, "step {i}");
            spread.arrived(Nanos::new(i));
        }
    }
}

//! What is at a provider over time.

use crate::time::Nanos;

/// Attempts at one provider and its busy slots: time integrals and peaks.
///
/// Integrals run from the end of the warm-up to the end of arrivals, since means divide by that span. The peak has no
/// upper end: the drain after the last arrival can be the worst moment (retries after an outage), and hiding it would
/// hide a broken concurrency limit.
#[derive(Clone, Debug)]
pub(super) struct Occupancy {
    since: Nanos,
    in_flight: u32,
    busy: u32,
    /// Slots × nanoseconds, over the same time as the area of `whole`.
    busy_area: u128,
    /// `busy_area` at the last [`Occupancy::mark`].
    busy_marked: u128,
    /// From the end of the warm-up on.
    pub(super) whole: Level,
    /// One for each slice.
    pub(super) slices: Box<[Level]>,
}

/// Attempts at once within [from, until).
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    from: Nanos,
    until: Nanos,
    /// The most.
    pub(super) peak: u32,
    /// Attempts × nanoseconds up to the end of arrivals. A `u64` would overflow with a million attempts over five hours.
    pub(super) area: u128,
    /// `area` at the last [`Occupancy::mark`].
    marked: u128,
}

impl Occupancy {
    /// Over `whole`, and apart over each of `slices`.
    pub(super) fn new(whole: (Nanos, Nanos), slices: impl Iterator<Item = (Nanos, Nanos)>) -> Occupancy {
        let level = |(from, until)| Level { from, until, peak: 0, area: 0, marked: 0 };
        Occupancy {
            since: Nanos::ZERO,
            in_flight: 0,
            busy: 0,
            busy_area: 0,
            busy_marked: 0,
            whole: level(whole),
            slices: slices.map(level).collect(),
        }
    }

    /// The level from `now` on; integrals end at `arrivals_end`.
    #[inline]
    pub(super) fn set(&mut self, now: Nanos, in_flight: u32, busy: u32, arrivals_end: Nanos) {
        self.advance(now, arrivals_end);
        (self.in_flight, self.busy) = (in_flight, busy);
        self.whole.reach(now, in_flight);
        for level in &mut self.slices {
            level.reach(now, in_flight);
        }
    }

    /// Counts the present level up to `now`.
    #[inline]
    pub(super) fn advance(&mut self, now: Nanos, arrivals_end: Nanos) {
        let held = self.whole.hold(self.since, now, self.in_flight, arrivals_end);
        self.busy_area += u128::from(held) * u128::from(self.busy);
        for level in &mut self.slices {
            level.hold(self.since, now, self.in_flight, arrivals_end);
        }
        // A real clock read by several tasks may step back a little: nothing is counted twice then.
        self.since = self.since.max(now);
    }

    /// Remembers the integrals up to `at`, unless the level has changed since. Call it before a change with the time of the
    /// last arrival: if that proves to be the very last, [`Occupancy::rewind`] ends the integrals there.
    pub(super) fn mark(&mut self, at: Nanos) {
        if at < self.since {
            return;
        }
        self.advance(at, Nanos::MAX);
        self.busy_marked = self.busy_area;
        for level in self.slices.iter_mut().chain([&mut self.whole]) {
            level.marked = level.area;
        }
    }

    /// Takes the integrals back to the last [`Occupancy::mark`].
    pub(super) fn rewind(&mut self) {
        self.busy_area = self.busy_marked;
        for level in self.slices.iter_mut().chain([&mut self.whole]) {
            level.area = level.marked;
        }
    }

    /// Time mean of busy slots over `span`; `None` when that is empty.
    pub(super) fn busy_mean(&self, span: Nanos) -> Option<f64> {
        (span > Nanos::ZERO).then(|| self.busy_area as f64 / span.as_f64())
    }
}

impl Level {
    /// Time mean of attempts at once over `span`; `None` when that is empty.
    pub(super) fn mean(&self, span: Nanos) -> Option<f64> {
        (span > Nanos::ZERO).then(|| self.area as f64 / span.as_f64())
    }

    /// A level that was reached at `now`, if only for an instant.
    #[inline]
    fn reach(&mut self, now: Nanos, in_flight: u32) {
        if self.from <= now && now < self.until {
            self.peak = self.peak.max(in_flight);
        }
    }

    /// A level held over [since, now). It is a peak too where the window began meanwhile. Returns the nanoseconds that count.
    #[inline]
    fn hold(&mut self, since: Nanos, now: Nanos, in_flight: u32, arrivals_end: Nanos) -> u64 {
        let (first, last) = (since.max(self.from), now.min(self.until));
        if first < last {
            self.peak = self.peak.max(in_flight);
        }
        let held = last.min(arrivals_end).since(first).as_nanos();
        self.area += u128::from(held) * u128::from(in_flight);
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Levels 2, 5, 1 held over [0, 10), [10, 14), [14, ∞), measured over [4, 20): areas and peaks by hand.
    #[test]
    fn integrals_and_peaks_by_hand() {
        let at = Nanos::new;
        let windows = [(at(4), at(9)), (at(9), at(11)), (at(14), at(30)), (at(25), at(26))];
        let mut occupancy = Occupancy::new((at(4), Nanos::MAX), windows.into_iter());
        occupancy.set(at(0), 2, 1, at(20));
        occupancy.set(at(10), 5, 3, at(20));
        occupancy.set(at(14), 1, 0, at(20));
        occupancy.advance(at(40), at(20));
        // 2·6 + 5·4 + 1·6 = 38 and 1·6 + 3·4 + 0 = 18, over 16.
        assert_eq!(occupancy.whole.mean(at(16)), Some(38.0 / 16.0));
        assert_eq!(occupancy.busy_mean(at(16)), Some(18.0 / 16.0));
        assert_eq!(occupancy.whole.peak, 5);
        // 2·5, 2·1 + 5·1, 1·6 up to the end of arrivals, nothing behind it.
        assert_eq!(occupancy.slices.iter().map(|level| (level.peak, level.area)).collect::<Vec<_>>(), [(2, 10), (5, 7), (1, 6), (1, 0)]);
        assert_eq!((occupancy.whole.mean(at(0)), occupancy.busy_mean(at(0))), (None, None));
    }

    /// Arrivals at 3 and 8, changes of the level at 5 and 12; at 20 it is known that 8 was the last arrival.
    #[test]
    fn integrals_end_with_an_arrival_that_proves_to_be_the_last() {
        let at = Nanos::new;
        let mut occupancy = Occupancy::new((at(0), Nanos::MAX), [(at(4), at(30))].into_iter());
        for (arrival, now, in_flight, busy) in [(0, 0, 2, 1), (3, 5, 3, 2), (8, 12, 7, 2), (8, 15, 1, 1)] {
            occupancy.mark(at(arrival));
            occupancy.set(at(now), in_flight, busy, Nanos::MAX);
        }
        occupancy.mark(at(8));
        occupancy.rewind();
        occupancy.advance(at(20), at(8));
        // 2·5 + 3·3 = 19 and 1·5 + 2·3 = 11 up to 8; in the slice from 4: 2·1 + 3·3.
        assert_eq!((occupancy.whole.area, occupancy.busy_area, occupancy.slices[0].area), (19, 11, 11));
    }

    /// A level that ends exactly when the measured time begins is not part of it; one reached in the drain is a peak.
    #[test]
    fn the_warm_up_is_left_out_and_the_drain_is_not() {
        let at = Nanos::new;
        let mut occupancy = Occupancy::new((at(10), Nanos::MAX), std::iter::empty());
        occupancy.set(at(0), 9, 9, Nanos::MAX);
        occupancy.set(at(10), 1, 1, Nanos::MAX);
        assert_eq!(occupancy.whole.peak, 1);
        occupancy.set(at(25), 4, 2, at(20));
        occupancy.advance(at(30), at(20));
        assert_eq!((occupancy.whole.peak, occupancy.whole.mean(at(10))), (4, Some(1.0)));
    }
}

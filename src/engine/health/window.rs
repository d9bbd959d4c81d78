//! Exact counts of good and bad ends over the last while.
//!
//! Counts, not averages: an average forgets a burst and depends on the rate of requests, and a ratio without a count
//! behind it condemns a provider on one failure.

use crate::time::Nanos;

/// Slices of the window. The oldest leaves as a whole, so a count reaches back between 9/10 and all of the window.
const SLICES: usize = 10;

/// Good and bad ends in the last `length`.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    slice: u64,
    /// Number of the running slice since t = 0.
    current: u64,
    /// End of the running slice, ns.
    slice_end: u64,
    /// Of the running slice.
    running: Counts,
    /// Of those before it.
    counts: [Counts; SLICES],
}

/// How many ended well and badly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub good: u32,
    pub bad: u32,
}

impl Window {
    /// Empty. A zero `length` counts single nanoseconds.
    pub fn new(length: Nanos) -> Window {
        let slice = length.as_nanos().div_ceil(SLICES as u64).max(1);
        Window { slice, current: 0, slice_end: slice, running: Counts::default(), counts: [Counts::default(); SLICES] }
    }

    /// Counts an end.
    #[inline]
    pub fn count(&mut self, now: Nanos, good: bool) {
        self.advance(now);
        let field = if good { &mut self.running.good } else { &mut self.running.bad };
        *field = field.saturating_add(1);
    }

    /// The counts as of `now`.
    pub fn counts(&mut self, now: Nanos) -> Counts {
        self.advance(now);
        self.counts
            .iter()
            .fold(self.running, |sum, slice| Counts { good: sum.good.saturating_add(slice.good), bad: sum.bad.saturating_add(slice.bad) })
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        (self.running, self.counts) = Default::default();
    }

    #[inline]
    fn advance(&mut self, now: Nanos) {
        // One comparison while the slice lasts; the division only at its end.
        if now.as_nanos() >= self.slice_end {
            self.turn(now.as_nanos() / self.slice);
        }
    }

    #[cold]
    fn turn(&mut self, slice: u64) {
        let passed = (slice - self.current).min(SLICES as u64);
        if passed == 0 {
            // The end of time.
            return;
        }
        self.counts[(self.current % SLICES as u64) as usize] = std::mem::take(&mut self.running);
        for step in 1..=passed {
            // After a long pause all slices are cleared, whichever they are.
            self.counts[((self.current + step) % SLICES as u64) as usize] = Counts::default();
        }
        self.current = slice;
        self.slice_end = slice.saturating_add(1).saturating_mul(self.slice);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Stream};

    /// The shortest and the longest window, at the beginning and the end of time.
    #[test]
    fn no_time_is_too_late() {
        for length in [0, 1, u64::MAX] {
            let mut window = Window::new(Nanos::new(length));
            for now in [0, 1, u64::MAX - 1, u64::MAX, u64::MAX] {
                window.count(Nanos::new(now), true);
            }
            let expected = if length == u64::MAX { 5 } else { 3 };
            assert_eq!(window.counts(Nanos::MAX).good, expected, "{length}");
        }
    }

    /// Random ends at random times against a list of them, counted by slices of a tenth.
    #[test]
    fn counts_agree_with_a_list() {
        for case in 0..50 {
            let mut draws = Draws::new(3, Stream::Ejection, case);
            let (mut window, mut list, mut now) = (Window::new(Nanos::from_secs(10)), Vec::new(), 0_u64);
            for _ in 0..500 {
                let pause = draws.chance(0.02);
                now += draws.below(if pause { 30_000_000_000 } else { 300_000_000 });
                let good = draws.chance(0.7);
                window.count(Nanos::new(now), good);
                list.push((now, good));
                let oldest = (now / 1_000_000_000).saturating_sub(9);
                let recent = |wanted| list.iter().filter(|(at, good)| at / 1_000_000_000 >= oldest && *good == wanted).count() as u32;
                let expected = Counts { good: recent(true), bad: recent(false) };
                assert_eq!(window.counts(Nanos::new(now)), expected, "case {case} at {now}");
            }
        }
    }
}

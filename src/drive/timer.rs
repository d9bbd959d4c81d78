//! Times a sample of the picks with the wall clock.
//!
//! A clock read costs as much as a pick, so only every k-th is timed, and what the two reads cost by themselves is
//! measured too, so that it can be subtracted.

use std::time::Instant;

/// Times every k-th call.
pub(super) struct PickTimer {
    every: u32,
    until_next: u32,
}

impl PickTimer {
    /// Times every `every`-th call; `None`: none.
    pub fn new(every: Option<u32>) -> PickTimer {
        let every = every.unwrap_or(0);
        PickTimer { every, until_next: every }
    }

    /// Runs `pick`; returns its time in nanoseconds if it is one of the sample.
    #[inline]
    pub fn time<R>(&mut self, pick: impl FnOnce() -> R) -> (R, Option<u64>) {
        if self.every == 0 {
            return (pick(), None);
        }
        self.until_next -= 1;
        if self.until_next > 0 {
            return (pick(), None);
        }
        self.until_next = self.every;
        let start = Instant::now();
        let result = pick();
        (result, Some(start.elapsed().as_nanos() as u64))
    }
}

/// The cost of timing nothing, ns: the median of a thousand readings.
pub fn timer_cost() -> u64 {
    let mut readings: Vec<u64> = (0..1_001).map(|_| Instant::now().elapsed().as_nanos() as u64).collect();
    readings.sort_unstable();
    readings[readings.len() / 2]
}

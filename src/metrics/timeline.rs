//! Counts over time, in constant memory.

use super::quota::Admitted;
use crate::report;
use crate::time::{NANOS_PER_SECOND, Nanos};

/// Most intervals; a longer run gets longer intervals.
const ROWS_MAX: u64 = 120;

/// A series of an interval's row; row 0 of each is `offered`, then come these for each provider.
#[derive(Clone, Copy, Debug)]
pub(super) enum Series {
    Attempts = 1,
    RateLimited = 2,
    Errors = 3,
    /// Attempts that were admitted, and the tokens that they used, when they were sent.
    Admitted = 4,
    Input = 5,
    Output = 6,
}

/// How many of them there are.
const SERIES: usize = 6;

/// Counts in equal intervals from the start of the run: one second each at first, twice as long whenever there would be
/// more than 120 of them. All counts of an interval lie side by side, since consecutive events mostly fall into the same.
#[derive(Clone, Debug)]
pub(super) struct Timeline {
    interval: u64,
    /// Start and number of the interval that was last written to.
    start: u64,
    row: usize,
    width: usize,
    counts: Vec<u64>,
}

impl Timeline {
    pub(super) fn new(providers: usize) -> Timeline {
        let width = 1 + SERIES * providers;
        Timeline { interval: NANOS_PER_SECOND, start: 0, row: 0, width, counts: vec![0; width] }
    }

    #[inline]
    pub(super) fn offered(&mut self, at: Nanos) {
        let row = self.row(at);
        self.counts[row] += 1;
    }

    #[inline]
    pub(super) fn count(&mut self, at: Nanos, provider: usize, series: Series) {
        let row = self.row(at);
        self.counts[row + SERIES * provider + series as usize] += 1;
    }

    /// An attempt with so many tokens was sent.
    #[inline]
    pub(super) fn sent(&mut self, at: Nanos, provider: usize, input: u32, output: u32) {
        let first = self.row(at) + SERIES * provider;
        self.counts[first + Series::Attempts as usize] += 1;
        self.counts[first + Series::Admitted as usize] += 1;
        self.counts[first + Series::Input as usize] += u64::from(input);
        self.counts[first + Series::Output as usize] += u64::from(output);
    }

    /// An attempt that was sent at `sent` has not used so much of a quota.
    pub(super) fn returned(&mut self, sent: Nanos, provider: usize, unused: Admitted) {
        let first = self.row(sent) + SERIES * provider;
        self.counts[first + Series::Admitted as usize] -= unused.attempts;
        self.counts[first + Series::Input as usize] -= unused.input;
        self.counts[first + Series::Output as usize] -= unused.output;
    }

    /// What a provider admitted in each interval, and how long that was; `end`: of the last one.
    pub(super) fn admitted(&self, provider: usize, end: Nanos) -> Vec<(Admitted, Nanos)> {
        let rows = self.counts.chunks_exact(self.width).enumerate();
        rows.map(|(row, counts)| {
            let of = |series: Series| counts[SERIES * provider + series as usize];
            let start = Nanos::new(row as u64 * self.interval);
            let span = end.since(start).min(Nanos::new(self.interval));
            (Admitted { attempts: of(Series::Admitted), input: of(Series::Input), output: of(Series::Output) }, span)
        })
        .collect()
    }

    /// The series by name, all of the same length: up to the last interval in which anything was counted.
    pub(super) fn report<'a>(&self, names: impl Iterator<Item = &'a str>) -> report::Timeline {
        let column = |at: usize| self.counts.chunks_exact(self.width).map(|row| row[at]).collect::<Vec<u64>>();
        let provider = |index: usize| report::ProviderTimeline {
            attempts: column(SERIES * index + Series::Attempts as usize),
            rate_limited: column(SERIES * index + Series::RateLimited as usize),
            errors: column(SERIES * index + Series::Errors as usize),
            quota: Vec::new(),
        };
        report::Timeline {
            interval_s: Nanos::new(self.interval).as_secs_f64(),
            offered: column(0),
            providers: names.enumerate().map(|(index, name)| (name.to_owned(), provider(index))).collect(),
        }
    }

    /// Where the counts of the interval around `at` begin.
    #[inline]
    fn row(&mut self, at: Nanos) -> usize {
        // Saves the division: most events fall into the interval of the one before.
        let at = at.as_nanos();
        if at < self.start || at - self.start >= self.interval {
            self.seek(at);
        }
        self.row * self.width
    }

    #[cold]
    fn seek(&mut self, at: u64) {
        while at / self.interval >= ROWS_MAX {
            self.double();
        }
        // Below ROWS_MAX, so it fits any integer.
        self.row = (at / self.interval) as usize;
        self.start = self.row as u64 * self.interval;
        let len = (self.row + 1) * self.width;
        if self.counts.len() < len {
            self.counts.resize(len, 0);
        }
    }

    /// Merges intervals in pairs.
    fn double(&mut self) {
        let rows = self.counts.len() / self.width;
        for row in 1..rows {
            for column in 0..self.width {
                let moved = std::mem::take(&mut self.counts[row * self.width + column]);
                self.counts[row / 2 * self.width + column] += moved;
            }
        }
        self.counts.truncate(rows.div_ceil(2) * self.width);
        self.interval *= 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three sent in the first two seconds, one of them refused in the third: it is taken from the second it was sent in. The run
    /// ends in the middle of the last interval.
    #[test]
    fn a_refusal_is_taken_from_when_it_was_sent() {
        let mut timeline = Timeline::new(1);
        let at = Nanos::from_millis;
        timeline.sent(at(100), 0, 10, 1);
        timeline.sent(at(1_100), 0, 20, 2);
        timeline.sent(at(1_200), 0, 30, 3);
        timeline.count(at(2_500), 0, Series::RateLimited);
        timeline.returned(at(1_200), 0, Admitted { attempts: 1, input: 30, output: 3 });
        let admitted = |attempts, input, output| Admitted { attempts, input, output };
        let want = [(admitted(1, 10, 1), at(1_000)), (admitted(1, 20, 2), at(1_000)), (admitted(0, 0, 0), at(600))];
        assert_eq!(timeline.admitted(0, at(2_600)), want);
        assert_eq!(timeline.report(["a"].into_iter()).providers["a"].attempts, [1, 2, 0]);
    }

    /// One arrival every 100 ms for 1,000 s, against counting them directly: 8 s intervals, 80 arrivals in each.
    #[test]
    fn long_runs_get_longer_intervals_and_lose_nothing() {
        let mut timeline = Timeline::new(2);
        for i in 0..10_000_u64 {
            let at = Nanos::from_millis(100 * i);
            timeline.offered(at);
            timeline.count(at, 1, Series::Attempts);
            if i % 2 == 0 {
                timeline.count(at, 0, Series::Errors);
            }
        }
        // 1,000 s in at most 120 intervals of a power of two: 16 s would be 63, 8 s are 125, so 16 s.
        let got = timeline.report(["a", "b"].into_iter());
        assert_eq!(got.interval_s, 16.0);
        let mut want = vec![160; 62];
        want.push(80);
        assert_eq!(got.offered, want);
        assert_eq!(got.providers["b"].attempts, want);
        assert_eq!(got.providers["a"].errors, want.iter().map(|n| n / 2).collect::<Vec<_>>());
        assert_eq!(got.providers["a"].attempts, vec![0; 63]);
    }

    /// The 120th second still fits; the 121st doubles the interval; a jump to the end of time neither hangs nor overflows.
    #[test]
    fn edges() {
        let mut timeline = Timeline::new(0);
        timeline.offered(Nanos::from_secs(119));
        assert_eq!(timeline.report(std::iter::empty()).offered.len(), 120);
        timeline.offered(Nanos::from_secs(120));
        let got = timeline.report(std::iter::empty());
        assert_eq!((got.interval_s, got.offered.len(), got.offered[59], got.offered[60]), (2.0, 61, 1, 1));
        timeline.offered(Nanos::MAX);
        timeline.offered(Nanos::ZERO);
        let got = timeline.report(std::iter::empty());
        assert!(got.offered.len() <= 120, "{} intervals", got.offered.len());
        assert_eq!((got.offered.iter().sum::<u64>(), got.offered[0]), (4, 3));
    }
}

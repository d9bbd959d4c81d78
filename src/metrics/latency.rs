//! One distribution of durations: exact moments, and percentiles within 0.1 %.

use super::histogram::Histogram;
use crate::report::Quantiles;
use crate::time::Nanos;

/// Steps of [`Samples::ladder_ms`] for each halving of the distance to 1.
const TICKS: u32 = 5;

/// A distribution recorder.
///
/// Count, sum, sum of squares, smallest and largest value are kept as integers and are exact; percentiles come from a
/// histogram. Zeros only cost a counter: a provider that never queues needs no histogram for its queue.
#[derive(Clone, Debug)]
pub struct Samples {
    zeros: u64,
    /// Number of samples above zero; the fields below are over these.
    positive: u64,
    min: u64,
    max: u64,
    sum: u128,
    /// Modulo 2^128, which cancels in the variance (see [`Samples::stddev_ns`]).
    squares: u128,
    histogram: Histogram,
}

impl Default for Samples {
    fn default() -> Samples {
        Samples { zeros: 0, positive: 0, min: u64::MAX, max: 0, sum: 0, squares: 0, histogram: Histogram::default() }
    }
}

impl Samples {
    /// Adds one sample.
    #[inline]
    pub fn record(&mut self, value: Nanos) {
        let value = value.as_nanos();
        if value == 0 {
            self.zeros += 1;
            return;
        }
        self.positive += 1;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.sum += u128::from(value);
        self.squares = self.squares.wrapping_add(u128::from(value) * u128::from(value));
        self.histogram.record(value);
    }

    /// Adds all samples of `other`; the result does not depend on the order of merging.
    pub fn merge(&mut self, other: &Samples) {
        self.zeros += other.zeros;
        self.positive += other.positive;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        self.sum += other.sum;
        self.squares = self.squares.wrapping_add(other.squares);
        self.histogram.merge(&other.histogram);
    }

    /// Number of samples.
    pub fn count(&self) -> u64 {
        self.zeros + self.positive
    }

    /// Smallest sample; `None` without samples.
    pub fn min(&self) -> Option<Nanos> {
        (self.count() > 0).then(|| Nanos::new(if self.zeros > 0 { 0 } else { self.min }))
    }

    /// Largest sample; `None` without samples.
    pub fn max(&self) -> Option<Nanos> {
        (self.count() > 0).then(|| Nanos::new(self.max))
    }

    /// Mean in nanoseconds; `None` without samples.
    pub fn mean_ns(&self) -> Option<f64> {
        let count = u128::from(self.count());
        // Whole part and rest apart, so that equal samples give exactly their value at any count.
        (count > 0).then(|| (self.sum / count) as f64 + (self.sum % count) as f64 / count as f64)
    }

    /// Standard deviation of the population in nanoseconds; `None` without samples.
    pub fn stddev_ns(&self) -> Option<f64> {
        let count = u128::from(self.count());
        if count == 0 {
            return None;
        }
        // Around the whole part q of the mean: Σ(x−q)² = Σx² − 2qΣx + nq² in integers, where nothing is lost to
        // cancellation. Single terms may pass 2^128; the small difference is right modulo 2^128.
        let (whole, rest) = (self.sum / count, (self.sum % count) as f64 / count as f64);
        let twice = whole.wrapping_mul(self.sum).wrapping_mul(2);
        let around = self.squares.wrapping_sub(twice).wrapping_add(whole.wrapping_mul(whole).wrapping_mul(count));
        Some((around as f64 / count as f64 - rest * rest).max(0.0).sqrt())
    }

    /// The sample of nearest rank ⌈n · `per_mille` / 1000⌉ (at least 1, at most n), within 0.1 %; `None` without samples.
    pub fn percentile(&self, per_mille: u64) -> Option<Nanos> {
        (self.count() > 0).then(|| Nanos::new(self.percentiles([per_mille])[0]))
    }

    /// All figures in milliseconds.
    pub fn quantiles_ms(&self) -> Quantiles {
        self.quantiles(1e6)
    }

    /// All figures in nanoseconds.
    pub fn quantiles_ns(&self) -> Quantiles {
        self.quantiles(1.0)
    }

    /// (highest value, count) of the non-empty buckets, from small to large; the zeros are a bucket of their own.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> {
        let zeros = (self.zeros > 0).then_some((0, self.zeros));
        zeros.into_iter().chain(self.histogram.buckets().map(|(_, high, count)| (high.min(self.max), count)))
    }

    /// (quantile, milliseconds, samples up to there) at the quantiles that HdrHistogram prints with five ticks per half
    /// distance: 0, 0.1 … 0.5, 0.55 … 0.75, and so on until one sample is left.
    pub fn ladder_ms(&self) -> Vec<(f64, f64, u64)> {
        let mut ladder: Vec<(f64, f64, u64)> = Vec::new();
        let total = self.count();
        let (mut quantile, mut half, mut tick) = (0.0, 0.5, 0_u32);
        let mut seen = 0;
        for (high, count) in self.buckets() {
            seen += count;
            while quantile * total as f64 <= seen as f64 && quantile < 1.0 {
                // A quantile at which the rank has not moved says nothing new.
                if ladder.last().is_none_or(|(_, _, before)| *before < seen) {
                    ladder.push((quantile, high as f64 / 1e6, seen));
                }
                tick += 1;
                if tick == TICKS {
                    (quantile, half, tick) = (1.0 - half, half / 2.0, 0);
                } else {
                    quantile = 1.0 - 2.0 * half + f64::from(tick) * half / f64::from(TICKS);
                }
                if (1.0 - quantile) * (total as f64) < 1.0 {
                    quantile = 1.0;
                }
            }
        }
        ladder.extend(self.max().map(|max| (1.0, max.as_millis_f64(), total)));
        ladder
    }

    fn quantiles(&self, unit: f64) -> Quantiles {
        let count = self.count();
        if count == 0 {
            return Quantiles::default();
        }
        let [p50, p90, p95, p99, p999] = self.percentiles([500, 900, 950, 990, 999]).map(|value| Some(value as f64 / unit));
        Quantiles {
            count,
            mean: self.mean_ns().map(|mean| mean / unit),
            stddev: self.stddev_ns().map(|stddev| stddev / unit),
            min: self.min().map(|min| min.as_f64() / unit),
            p50,
            p90,
            p95,
            p99,
            p999,
            max: self.max().map(|max| max.as_f64() / unit),
        }
    }

    /// Values at ascending quantiles, in one pass over the buckets.
    fn percentiles<const N: usize>(&self, per_mille: [u64; N]) -> [u64; N] {
        let count = self.count();
        let ranks = per_mille.map(|q| (u128::from(count) * u128::from(q)).div_ceil(1_000).clamp(1, u128::from(count.max(1))) as u64);
        // What no bucket reaches cannot exist; the largest value is the safe answer.
        let mut values = [self.max; N];
        let mut filled = 0;
        let mut seen = 0;
        let zeros = (self.zeros > 0).then_some((0, 0, self.zeros));
        for (low, high, count) in zeros.into_iter().chain(self.histogram.buckets()) {
            seen += count;
            while filled < N && ranks[filled] <= seen {
                let middle = low + (high - low) / 2;
                values[filled] = if high == 0 { 0 } else { middle.clamp(self.min, self.max) };
                filled += 1;
            }
            if filled == N {
                break;
            }
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Stream};

    /// Against the sorted list: moments to rounding, extremes exactly, percentiles of nearest rank within 0.1 %.
    #[test]
    fn figures_agree_with_a_sorted_list() {
        for seed in 0..40_u64 {
            let mut draws = Draws::new(seed, Stream::Service, 0);
            let count = 1 + draws.next_u64() % 3_000;
            let widest = 1 + draws.next_u64() % 45;
            let mut list: Vec<u64> = (0..count).map(|_| (draws.next_u64() >> 8) & ((1 << (draws.next_u64() % widest)) - 1)).collect();
            let mut samples = Samples::default();
            list.iter().for_each(|value| samples.record(Nanos::new(*value)));
            list.sort_unstable();
            let n = list.len() as f64;
            let mean = list.iter().map(|x| *x as f64).sum::<f64>() / n;
            let stddev = (list.iter().map(|x| (*x as f64 - mean).powi(2)).sum::<f64>() / n).sqrt();
            let got = samples.quantiles_ns();
            assert_eq!((got.count, got.min, got.max), (count, Some(list[0] as f64), list.last().map(|x| *x as f64)), "seed {seed}");
            // The oracle adds floats one by one, which costs it a few units of 1e-16 per term.
            assert!((got.mean.unwrap() - mean).abs() <= 1e-11 * mean, "seed {seed}: {got:?}, mean {mean}");
            assert!((got.stddev.unwrap() - stddev).abs() <= 1e-9 * stddev + 1e-9, "seed {seed}: {got:?}, stddev {stddev}");
            for (per_mille, got) in [(500, got.p50), (900, got.p90), (950, got.p95), (990, got.p99), (999, got.p999)] {
                let rank = (list.len() * per_mille).div_ceil(1_000);
                let want = list[rank - 1] as f64;
                assert!((got.unwrap() - want).abs() <= 0.001 * want, "seed {seed}: {per_mille}‰ is {got:?}, not {want}");
            }
        }
    }

    /// A constant is reported to the last digit, at a count and size where a float sum would have lost it.
    #[test]
    fn a_constant_gives_exactly_itself() {
        let mut samples = Samples::default();
        samples.record(Nanos::from_millis(250));
        for _ in 0..33 {
            let same = samples.clone();
            samples.merge(&same);
        }
        let got = samples.quantiles_ms();
        assert_eq!(got.count, 1 << 33);
        for figure in [got.mean, got.min, got.p50, got.p90, got.p95, got.p99, got.p999, got.max] {
            assert_eq!(figure, Some(250.0));
        }
        assert_eq!(got.stddev, Some(0.0));
    }

    /// Nearest rank by hand: of 1…10 the median is the 5th, p90 the 9th, p99 the 10th; of zeros and one 8 the zeros lead.
    #[test]
    fn ranks_by_hand() {
        let mut samples = Samples::default();
        (1..=10).for_each(|value| samples.record(Nanos::new(value)));
        assert_eq!([500, 900, 901, 990, 0].map(|q| samples.percentile(q).unwrap().as_nanos()), [5, 9, 10, 10, 1]);
        let mut queue = Samples::default();
        (0..9).for_each(|_| queue.record(Nanos::ZERO));
        queue.record(Nanos::new(8));
        assert_eq!([500, 900, 950].map(|q| queue.percentile(q).unwrap().as_nanos()), [0, 0, 8]);
        assert_eq!((queue.min(), queue.max(), queue.mean_ns()), (Some(Nanos::ZERO), Some(Nanos::new(8)), Some(0.8)));
        assert_eq!(queue.buckets().collect::<Vec<_>>(), [(0, 9), (8, 1)]);
    }

    /// Each step names a quantile and a value that at least so many samples do not exceed, by the sorted list; it ends at
    /// the largest sample.
    #[test]
    fn the_ladder_is_that_of_a_sorted_list() {
        let mut samples = Samples::default();
        let mut list: Vec<u64> = (0..1_000_u64).map(|i| (i * i * 7_919) % 1_000_003 * 1_000).collect();
        list.iter().for_each(|value| samples.record(Nanos::new(*value)));
        list.sort_unstable();
        let ladder = samples.ladder_ms();
        for (quantile, ms, count) in &ladder {
            let within = list.iter().filter(|value| **value as f64 <= ms * 1e6).count() as u64;
            assert_eq!(within, *count, "{quantile}");
            assert!(*quantile * 1_000.0 <= *count as f64, "{quantile} {count}");
        }
        assert!(ladder.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1));
        assert_eq!(ladder.iter().filter(|step| [0.5, 0.75, 0.875].contains(&step.0)).count(), 3);
        assert_eq!(ladder.last(), Some(&(1.0, *list.last().unwrap() as f64 / 1e6, 1_000)));
        assert_eq!(Samples::default().ladder_ms(), []);
    }

    /// Nothing recorded: no figure is invented, and merging it changes nothing. The longest duration does not overflow.
    #[test]
    fn edges() {
        let empty = Samples::default();
        assert_eq!(empty.quantiles_ms(), Quantiles::default());
        assert_eq!(empty.percentile(500), None);
        let mut longest = Samples::default();
        longest.record(Nanos::MAX);
        longest.record(Nanos::MAX);
        longest.merge(&empty);
        assert_eq!((longest.count(), longest.max(), longest.percentile(500)), (2, Some(Nanos::MAX), Some(Nanos::MAX)));
        assert_eq!(longest.stddev_ns(), Some(0.0));
    }

    /// A provider that never queues needs no buckets at all.
    #[test]
    fn zeros_take_no_memory() {
        let mut samples = Samples::default();
        (0..1_000).for_each(|_| samples.record(Nanos::ZERO));
        assert_eq!(samples.histogram.buckets().count(), 0);
        assert_eq!((samples.count(), samples.percentile(999)), (1_000, Some(Nanos::ZERO)));
    }

    /// Two halves merged are the same as one whole.
    #[test]
    fn merging_is_adding() {
        let (mut left, mut right, mut whole) = (Samples::default(), Samples::default(), Samples::default());
        for i in 0..1_000_u64 {
            let value = Nanos::new(i * i * 7_919);
            whole.record(value);
            if i % 3 == 0 { left.record(value) } else { right.record(value) }
        }
        left.merge(&right);
        assert_eq!(left.quantiles_ns(), whole.quantiles_ns());
    }
}

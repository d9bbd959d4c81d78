//! Counts of values by size, in buckets of constant relative width: an HDR histogram (Tene, hdrhistogram.org) of three
//! significant digits from 1 ns up.
//!
//! A bucket is at most 1/1,024 wide, its middle at most 1/2,048 (0.049 %) from any value in it; below 2,048 a bucket
//! holds one value. It is made with the first value and grows by octaves (8 KiB each) up to the largest: a latency of
//! ten seconds takes about 190 KiB, whatever the number of values.

use hdrhistogram::Histogram as Hdr;

/// Significant decimal digits.
const DIGITS: u8 = 3;

/// The largest value that is told apart, 2^62 ns (146 years).
const LARGEST: u64 = 1 << 62;

/// Counts of positive or zero integers.
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    counts: Option<Box<Hdr<u64>>>,
}

impl Histogram {
    /// Counts `value` once.
    #[inline]
    pub(super) fn record(&mut self, value: u64) {
        let counts = self.counts.get_or_insert_with(fresh);
        // Within LARGEST an auto-resizing histogram has a bucket for every value.
        let recorded = counts.record(value.min(LARGEST));
        debug_assert!(recorded.is_ok(), "{value}: {recorded:?}");
    }

    /// Counts `value` `times` times.
    pub(super) fn record_n(&mut self, value: u64, times: u64) {
        let recorded = self.counts.get_or_insert_with(fresh).record_n(value.min(LARGEST), times);
        debug_assert!(recorded.is_ok(), "{value}: {recorded:?}");
    }

    /// Adds all counts of `other`.
    pub(super) fn merge(&mut self, other: &Histogram) {
        if let Some(theirs) = &other.counts {
            let added = self.counts.get_or_insert_with(fresh).add(theirs.as_ref());
            debug_assert!(added.is_ok(), "{added:?}");
        }
    }

    /// (lowest value, highest value, count) of the non-empty buckets, from small to large.
    pub(super) fn buckets(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        self.counts.iter().flat_map(|counts| {
            counts.iter_recorded().map(|bucket| {
                let high = bucket.value_iterated_to();
                (counts.lowest_equivalent(high), high, bucket.count_since_last_iteration())
            })
        })
    }
}

fn fresh() -> Box<Hdr<u64>> {
    Box::new(Hdr::new(DIGITS).expect("three digits are within the 0…5 that are possible"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every value lies in the span of its own bucket, and the span is at most 1/1,024 wide.
    #[test]
    fn every_value_has_a_narrow_bucket() {
        let edges = (0..62).flat_map(|bit| [(1_u64 << bit) - 1, 1 << bit, (1 << bit) + 1]);
        for value in edges.chain(0..5_000) {
            let mut histogram = Histogram::default();
            histogram.record(value);
            let buckets: Vec<_> = histogram.buckets().collect();
            let [(low, high, 1)] = buckets[..] else { panic!("{value}: {buckets:?}") };
            assert!(low <= value && value <= high, "{value} in {low}..={high}");
            assert!((high - low) * 1_024 <= low.max(1_024), "{value}: {low}..={high} is too wide");
        }
    }
}

//! Cost of a pick.

use super::latency::Samples;
use crate::report::DecisionCost;

/// Rows of the histogram at most: 0…3 one by one, then four to an octave up to 2^17 ns; what is longer joins the last.
const ROWS: usize = 64;

/// Figures and a coarse histogram of decision times, from which `timer_ns` was already subtracted.
///
/// A row spans at most a quarter of its lower end. Its upper end is the longest time that counts into it, for the last
/// row the longest time of all.
pub fn decision_cost(decisions: &Samples, timer_ns: u64) -> DecisionCost {
    let mut rows = [0_u64; ROWS];
    for (value, count) in decisions.buckets() {
        rows[row(value)] += count;
    }
    let longest = decisions.max().map_or(0, |max| max.as_nanos());
    let full = rows.iter().enumerate().filter(|(_, count)| **count > 0);
    let histogram = full.map(|(row, count)| (if row + 1 == ROWS { longest } else { upper(row).min(longest) }, *count)).collect();
    DecisionCost { quantiles: decisions.quantiles_ns(), histogram, timer_ns }
}

/// Row of a value. The edges of rows are edges of the finer buckets of [`Samples`] too, so no bucket is split.
fn row(value: u64) -> usize {
    if value < 4 {
        return value as usize;
    }
    let octave = value.ilog2() as usize;
    let quarter = (value >> (octave - 2)) as usize & 3;
    (4 * (octave - 1) + quarter).min(ROWS - 1)
}

/// The highest value of a row.
fn upper(row: usize) -> u64 {
    if row < 4 {
        return row as u64;
    }
    let (octave, quarter) = (row / 4 + 1, row as u64 % 4);
    ((5 + quarter) << (octave - 2)) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Nanos;

    /// Rows follow each other without gaps: every value lies above the row before its own, and not above its own.
    #[test]
    fn rows_cover_all_values_once() {
        for value in (0..200_000_u64).step_by(7).chain(0..64) {
            let row = row(value);
            assert!(row == ROWS - 1 || value <= upper(row), "{value} in row {row}");
            assert!(row == 0 || value > upper(row - 1), "{value} in row {row}");
        }
    }

    /// Three times by hand; one beyond all rows is still counted.
    #[test]
    fn a_histogram_by_hand() {
        let mut samples = Samples::default();
        [0, 5, 33, 34, 1_000_000].into_iter().for_each(|ns| samples.record(Nanos::new(ns)));
        let got = decision_cost(&samples, 20);
        assert_eq!(got.histogram, [(0, 1), (5, 1), (39, 2), (1_000_000, 1)]);
        assert_eq!((got.quantiles.count, got.quantiles.p50, got.timer_ns), (5, Some(33.0), 20));
        assert!(decision_cost(&Samples::default(), 20).histogram.is_empty());
    }
}

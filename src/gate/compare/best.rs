//! The best of a metric, and the winner over all of them, if there is one.

use super::difference::Difference;
use super::{ALPHA, Series, difference, holm};
use crate::report::{Better, ComparedValue, Mark, MetricComparison};

/// Names of all variants with data that are not shown to be worse than another: by the marks against the base, or by the
/// same test of any two, Holm over all pairs (then the probability that a truly best one is left out is at most [`ALPHA`]).
pub(super) fn best(rows: &[ComparedValue], values: &[Vec<(u64, f64)>], better: Better) -> Vec<String> {
    let mut beaten: Vec<bool> = rows.iter().map(|row| row.mean.is_none() || row.mark == Mark::Worse).collect();
    beaten[0] |= rows.iter().any(|row| row.mark == Mark::Better);
    let pairs: Vec<(usize, usize)> = (0..rows.len()).flat_map(|i| (0..i).map(move |j| (j, i))).collect();
    let differences: Vec<Difference> = pairs.iter().map(|&(j, i)| difference(&values[j], &values[i])).collect();
    let levels = holm::levels(&differences.iter().map(Difference::p).collect::<Vec<_>>(), ALPHA);
    for ((&(j, i), difference), level) in pairs.iter().zip(&differences).zip(levels) {
        if let Difference::Some(estimate) = difference
            && estimate.p <= level
        {
            let second_is_better = (estimate.mean > 0.0) == (better == Better::Higher);
            beaten[if second_is_better { j } else { i }] = true;
        }
    }
    rows.iter().zip(beaten).filter(|(_, beaten)| !beaten).map(|(row, _)| row.variant.clone()).collect()
}

/// The one variant that is among the best in every metric, if there is exactly one.
pub(super) fn winner(metrics: &[MetricComparison], series: &[Series<'_>]) -> Option<String> {
    let judged: Vec<&MetricComparison> = metrics.iter().filter(|metric| !metric.best.is_empty()).collect();
    let mut unbeaten =
        series.iter().map(|series| &series.variant.name).filter(|name| judged.iter().all(|metric| metric.best.contains(name)));
    let first = unbeaten.next().filter(|_| !judged.is_empty() && series.len() > 1)?;
    unbeaten.next().is_none().then(|| first.clone())
}

//! Variants of an experiment side by side, over several seeds.
//!
//! All draws are addressed by seed, purpose and request, never by order: with the same seed two strategies meet the same
//! arrivals, sizes, service times and faults (common random numbers), and what is left of their difference is theirs.
//!
//! | question | answer |
//! |---|---|
//! | is a variant different from the base? | paired t on the per-seed differences ([`mod@difference`]), Holm over the k − 1 variants ([`holm`]) |
//! | which is best? | those that are not shown to be worse than another: the same test of each pair, Holm over all k(k − 1)/2 |
//! | is there a winner? | only if exactly one variant is among the best in every metric |
//!
//! The metrics are not corrected for each other: of twenty metrics without any difference one shows one at 5 %.

mod best;
pub mod difference;
pub mod holm;
mod metric;
mod notes;
pub mod replicate;
pub mod student;

pub use metric::{COMPARED, Compared};

use crate::report::{Better, ComparedValue, Comparison, Mark, Method, MetricComparison, Run, Variant};
use difference::{Difference, moments};

/// Probability of a false finding in one metric, over all variants.
pub const ALPHA: f64 = 0.05;

/// The runs of one variant.
#[derive(Clone, Debug)]
pub struct Series<'a> {
    /// Which one.
    pub variant: Variant,
    /// One run per seed.
    pub runs: Vec<&'a Run>,
}

/// Compares the first with each of the others.
///
/// # Panics
/// Without any series.
pub fn compare(series: &[Series<'_>]) -> Comparison {
    let base = series.first().expect("a comparison has a base").variant.name.clone();
    let metrics: Vec<MetricComparison> = COMPARED.iter().map(|compared| metric_of(compared, series)).collect();
    Comparison {
        base,
        variants: series.iter().map(|series| series.variant.clone()).collect(),
        confidence: 1.0 - ALPHA,
        winner: best::winner(&metrics, series),
        notes: notes::notes(series, &metrics),
        metrics,
        shard: None,
    }
}

fn metric_of(compared: &Compared, series: &[Series<'_>]) -> MetricComparison {
    let values: Vec<Vec<(u64, f64)>> = series.iter().map(|series| values(series, compared)).collect();
    let differences: Vec<Difference> = values[1..].iter().map(|variant| difference(&values[0], variant)).collect();
    let levels = holm::levels(&differences.iter().map(Difference::p).collect::<Vec<_>>(), ALPHA);
    let judged = differences.iter().zip(&levels).map(|(difference, level)| judge(*difference, *level, compared.better));
    let base = ComparedValue { mark: if values[0].is_empty() { Mark::NoData } else { Mark::Base }, ..no_difference() };
    let rows = std::iter::once(base).chain(judged).zip(series).zip(&values);
    let values_of = |(row, series): (ComparedValue, &Series<'_>), values: &Vec<(u64, f64)>| ComparedValue {
        variant: series.variant.name.clone(),
        mean: (!values.is_empty()).then(|| moments(&values.iter().map(|(_, value)| *value).collect::<Vec<_>>()).0),
        seeds: values.len() as u64,
        ..row
    };
    let rows: Vec<ComparedValue> = rows.map(|(pair, values)| values_of(pair, values)).collect();
    let best = best::best(&rows, &values, compared.better);
    MetricComparison { metric: compared.metric.name(), better: compared.better, values: rows, best }
}

/// Seed and value of each run that has one, by seed.
fn values(series: &Series<'_>, compared: &Compared) -> Vec<(u64, f64)> {
    let with_value = |run: &&Run| (compared.value)(run).filter(|value| value.is_finite()).map(|value| (run.seed, value));
    let mut values: Vec<(u64, f64)> = series.runs.iter().filter_map(with_value).collect();
    values.sort_by_key(|(seed, _)| *seed);
    values
}

/// Paired where at least two seeds are common (or all there is), else between the two groups.
fn difference(base: &[(u64, f64)], variant: &[(u64, f64)]) -> Difference {
    let of = |seed: u64| base.binary_search_by_key(&seed, |(seed, _)| *seed).ok().map(|index| base[index].1);
    let (common, theirs): (Vec<f64>, Vec<f64>) = variant.iter().filter_map(|(seed, value)| Some((of(*seed)?, *value))).unzip();
    if common.len() >= 2 || (common.len() == 1 && base.len().min(variant.len()) == 1) {
        return Difference::paired(&common, &theirs);
    }
    let alone = |values: &[(u64, f64)]| values.iter().map(|(_, value)| *value).collect::<Vec<_>>();
    Difference::unpaired(&alone(base), &alone(variant))
}

fn judge(difference: Difference, level: f64, better: Better) -> ComparedValue {
    let estimate = match difference {
        Difference::NoData => return no_difference(),
        Difference::Equal => {
            return ComparedValue {
                difference: Some(0.0),
                low: Some(0.0),
                high: Some(0.0),
                p: Some(1.0),
                method: Method::Paired,
                mark: Mark::Equal,
                ..no_difference()
            };
        }
        Difference::Some(estimate) => estimate,
    };
    let interval = estimate.interval(level);
    let mark = match estimate.p <= level {
        false => Mark::Unclear,
        true if (estimate.mean > 0.0) == (better == Better::Higher) => Mark::Better,
        true => Mark::Worse,
    };
    ComparedValue {
        difference: Some(estimate.mean),
        low: interval.map(|(low, _)| low),
        high: interval.map(|(_, high)| high),
        p: Some(estimate.p),
        method: if estimate.paired { Method::Paired } else { Method::Unpaired },
        mark,
        ..no_difference()
    }
}

fn no_difference() -> ComparedValue {
    ComparedValue {
        variant: String::new(),
        mean: None,
        seeds: 0,
        difference: None,
        low: None,
        high: None,
        p: None,
        method: Method::None,
        mark: Mark::NoData,
    }
}

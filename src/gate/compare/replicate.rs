//! Several runs of one variant: the mean of each metric and how far it can be trusted.

use statrs::distribution::{ContinuousCDF, Normal};

use super::difference::moments;
use super::student::two_sided_quantile;
use super::{ALPHA, COMPARED, Compared};
use crate::gate::metric::{Metric, Unit};
use crate::report::{Replicated, Run};

/// Each metric over runs with different seeds: mean ± t·S/√R (Law, Simulation Modeling and Analysis, ch. 9.4). A percentile
/// is that of each run, and those are averaged: latencies within a run depend on each other, runs do not.
pub fn replicated(runs: &[&Run]) -> Vec<Replicated> {
    COMPARED.iter().map(|compared| of(compared, runs)).collect()
}

fn of(compared: &Compared, runs: &[&Run]) -> Replicated {
    let values: Vec<f64> = runs.iter().filter_map(|run| (compared.value)(run)).filter(|value| value.is_finite()).collect();
    let (mean, variance) = moments(&values);
    let interval = variance.map(|variance| match pooled(compared.metric, runs) {
        // No run differs: that is no proof that none ever would, as 0 of n is not of a rate of 0.
        Some(requests) if variance == 0.0 => wilson(mean, requests),
        _ => {
            let n = values.len() as f64;
            let reach = two_sided_quantile(ALPHA, n - 1.0) * (variance / n).sqrt();
            within(compared.metric.unit(), mean - reach, mean + reach)
        }
    });
    let any = !values.is_empty();
    Replicated {
        metric: compared.metric.name(),
        seeds: values.len() as u64,
        mean: any.then_some(mean),
        low: interval.map(|(low, _)| low),
        high: interval.map(|(_, high)| high),
        min: values.iter().copied().reduce(f64::min),
        max: values.iter().copied().reduce(f64::max),
    }
}

/// Nothing of what is counted here is negative, and no ratio but efficiency could be above 1 (and that one is not either).
fn within(unit: Unit, low: f64, high: f64) -> (f64, f64) {
    (low.max(0.0), if unit == Unit::Ratio { high.min(1.0) } else { high })
}

/// All requests of all runs, for a metric that is a part of them.
fn pooled(metric: Metric, runs: &[&Run]) -> Option<f64> {
    let part = matches!(metric, Metric::SuccessRatio | Metric::ShedRatio);
    part.then(|| runs.iter().map(|run| run.requests.offered as f64).sum()).filter(|requests| *requests > 0.0)
}

/// The interval of a rate `p` seen in `n` trials (Wilson, Journal of the American Statistical Association 22, 1927): never
/// empty, never outside of 0…1, where p ± 1.96 se is both.
fn wilson(p: f64, n: f64) -> (f64, f64) {
    let z = Normal::standard().inverse_cdf(1.0 - ALPHA / 2.0);
    let scale = 1.0 + z * z / n;
    let middle = (p + z * z / (2.0 * n)) / scale;
    let reach = z / scale * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
    // Exactly, where rounding would miss the end by its last bit.
    (if p == 0.0 { 0.0 } else { middle - reach }, if p == 1.0 { 1.0 } else { middle + reach })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Worked by hand: 0 of 10 → 0 … z²/(10 + z²) = 0.2775; 5 of 10 → 0.2366 … 0.7634 (Agresti and Coull, 1998, table).
    #[test]
    fn wilson_is_never_empty() {
        let (low, high) = wilson(0.0, 10.0);
        assert!(low == 0.0 && (high - 0.277_53).abs() < 1e-4, "{low} {high}");
        let (low, high) = wilson(0.5, 10.0);
        assert!((low - 0.236_6).abs() < 1e-4 && (high - 0.763_4).abs() < 1e-4, "{low} {high}");
        assert_eq!(wilson(1.0, 1e6).1, 1.0);
    }

    /// Values that cannot be are not in an interval.
    #[test]
    fn intervals_keep_to_what_is_possible() {
        assert_eq!(within(Unit::Ratio, -0.1, 1.1), (0.0, 1.0));
        assert_eq!(within(Unit::Millis, -3.0, 7.0), (0.0, 7.0));
    }
}

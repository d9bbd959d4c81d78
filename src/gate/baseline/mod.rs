//! Baselines: the figures of earlier runs, in a file that a review can read.
//!
//! Of one seed under the virtual clock every figure is a function of version, scenario and flags, so it has to be equal. Of
//! several seeds it is a sample: a difference counts where the 95 % interval of the difference of means excludes zero (Welch,
//! Biometrika 34, 1947) *and* it is at least [`SMALLEST`] of the old mean, so that neither noise nor trifles turn a build red.
//! What a clock on the wall measures is never in a baseline.

mod compare;
mod text;

use std::collections::BTreeMap;

use super::catalogue::CATALOGUE;
use super::expect::{Expectation, Want};
use super::metric::Metric;
use crate::report::{ExpectationResult, Run};

pub use text::BaselineError;

/// A smaller change of a sampled mean, as a part of it, is not worth a red build.
pub const SMALLEST: f64 = 0.01;

/// A baseline file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Baseline {
    /// By scenario name.
    pub scenarios: BTreeMap<String, Entry>,
}

/// One scenario in a baseline.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Of the scenario, overrides included.
    pub digest: String,
    /// First seed.
    pub seed: u64,
    /// Number of seeds.
    pub seeds: u64,
    /// By name: `latency_p99`, `share(alpha)`.
    pub figures: BTreeMap<String, Figure>,
}

/// A figure of one run, or of several.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Figure {
    /// Of one seed.
    Exact(f64),
    /// Of several.
    Sampled {
        /// Their mean.
        mean: f64,
        /// Their standard deviation.
        stddev: f64,
        /// Runs that had a value.
        count: u64,
    },
}

/// Expectations that measure everything a baseline holds of a run over so many providers, and cannot fail.
pub fn probes(providers: usize) -> Vec<Expectation> {
    let metrics = CATALOGUE.iter().flat_map(|row| row.members()).filter(|metric| !metric.is_wall());
    metrics.flat_map(|metric| places(metric, providers).map(move |provider| probe(metric, provider))).collect()
}

/// The run itself, where the metric can be asked of it, and each provider where it can be asked of those.
fn places(metric: Metric, providers: usize) -> impl Iterator<Item = Option<usize>> {
    let run = (!metric.needs_provider()).then_some(None);
    let each = if metric.allows_provider() { 0..providers } else { 0..0 };
    run.into_iter().chain(each.map(Some))
}

fn probe(metric: Metric, provider: Option<usize>) -> Expectation {
    Expectation { metric, provider, during: None, class: None, want: Want::Range { min: None, max: None }, line: 0 }
}

/// Takes the results of [`probes`], which were asked for behind the scenario's own expectations, out of the runs of a scenario.
pub fn take_figures(runs: &mut [Run], own: usize) -> Vec<Vec<ExpectationResult>> {
    runs.iter_mut().map(|run| run.expectations.split_off(own.min(run.expectations.len()))).collect()
}

impl Entry {
    /// Of the figures of one or several runs.
    pub fn of(digest: &str, seed: u64, figures: &[Vec<ExpectationResult>]) -> Entry {
        let mut values: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for result in figures.iter().flatten() {
            if let Some(got) = result.got {
                values.entry(name(result)).or_default().push(got);
            }
        }
        let one = figures.len() == 1;
        let figures_by_name =
            values.into_iter().map(|(name, values)| (name, if one { Figure::Exact(values[0]) } else { sampled(&values) }));
        Entry { digest: digest.to_owned(), seed, seeds: figures.len() as u64, figures: figures_by_name.collect() }
    }
}

fn sampled(values: &[f64]) -> Figure {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let stddev = if values.len() > 1 { (squares / (count - 1.0)).sqrt() } else { 0.0 };
    Figure::Sampled { mean, stddev, count: values.len() as u64 }
}

/// `latency_p99`, `share(alpha)`.
fn name(result: &ExpectationResult) -> String {
    match &result.provider {
        None => result.metric.clone(),
        Some(provider) => format!("{}({provider})", result.metric),
    }
}

#[cfg(test)]
mod tests;

//! What the reader of a comparison must know before believing it.

use super::{ALPHA, Series};
use crate::engine::strategy::Strategy;
use crate::report::{Method, MetricComparison};

/// Fewer requests a run say little about a 99th percentile: it is the tenth largest of a thousand.
const REQUESTS_FOR_P99: u64 = 1_000;
/// From this utilization on queues make successive latencies alike, and a run holds fewer independent ones than requests:
/// for ±1 % of the mean wait an M/M/1 queue at 0.8 needs 4.7 million (Whitt, Management Science 35, 1989).
const HIGH_UTILIZATION: f64 = 0.7;
const REQUESTS_AT_HIGH_LOAD: u64 = 10_000;

pub(super) fn notes(series: &[Series<'_>], metrics: &[MetricComparison]) -> Vec<String> {
    let mut notes = Vec::new();
    notes.extend(few_seeds(series));
    notes.extend(few_requests(series));
    notes.extend(different_seeds(metrics));
    notes.extend(without_target(series));
    notes
}

fn few_seeds(series: &[Series<'_>]) -> Option<String> {
    let seeds = series.iter().map(|series| series.runs.len()).min()?;
    let others = series.len().saturating_sub(1).max(1) as f64;
    // Equal differences are judged by their signs: p = 2^(1 − n).
    let needed = 1 + (others / ALPHA).log2().ceil() as usize;
    match seeds {
        0 => Some("of some variants no run has ended: nothing can be shown".to_owned()),
        1 if series.len() > 1 => Some("one seed shows no spread: no difference can be told from chance; use --seeds".to_owned()),
        _ if seeds < needed && series.len() > 1 => {
            Some(format!("only {seeds} seeds: what happens seldom, or to the same degree with every seed, needs {needed} to be shown"))
        }
        _ => None,
    }
}

fn few_requests(series: &[Series<'_>]) -> Option<String> {
    let runs = || series.iter().flat_map(|series| &series.runs);
    let offered = runs().map(|run| run.requests.offered).min()?;
    let utilization = runs().flat_map(|run| &run.providers).filter_map(|provider| provider.utilization).fold(0.0, f64::max);
    if utilization >= HIGH_UTILIZATION && offered < REQUESTS_AT_HIGH_LOAD {
        return Some(format!(
            "{offered} requests a run at up to {:.0} % utilization: queues have hardly settled, and what a single run says is noise; \
             only the intervals count, for runs as short as these",
            utilization * 100.0
        ));
    }
    (offered < REQUESTS_FOR_P99).then(|| match offered {
        0 => "some runs had no measured request".to_owned(),
        _ => format!("{offered} requests a run: p99 is the latency of the slowest {} of them", offered.div_ceil(100)),
    })
}

fn different_seeds(metrics: &[MetricComparison]) -> Option<String> {
    let unpaired = metrics.iter().flat_map(|metric| &metric.values).any(|value| value.method == Method::Unpaired);
    unpaired.then(|| "the seeds differ: runs are compared as groups (Welch), which shows less than pairs do".to_owned())
}

/// Adaptive strategies have no target share; what they are asked for is the tail.
fn without_target(series: &[Series<'_>]) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for series in series.iter().filter(|series| adapts(&series.variant.strategy)) {
        if !names.contains(&series.variant.strategy.as_str()) {
            names.push(&series.variant.strategy);
        }
    }
    (!names.is_empty()).then(|| format!("not meant to keep fixed shares, and not to blame for a share error: {}", names.join(", ")))
}

fn adapts(name: &str) -> bool {
    !matches!(
        Strategy::parse(name),
        None | Some(Strategy::RoundRobin | Strategy::WeightedRoundRobin | Strategy::Random | Strategy::WeightedRandom)
    )
}

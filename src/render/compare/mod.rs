//! A comparison, in every format that shows more than the runs themselves.

pub mod csv;
pub mod human;
pub mod markdown;

mod grid;
pub(super) mod value;

use crate::report::{Comparison, MetricComparison};

/// What stands below a heading: who is best in what, what all have in common, and who wins, if anyone does.
pub(super) struct Findings {
    /// Metric and names, where some are shown to be worse.
    pub(super) best: Vec<String>,
    /// Metrics in which nothing is shown.
    pub(super) level: Vec<&'static str>,
    /// Metrics without data.
    pub(super) without: Vec<&'static str>,
    /// One sentence.
    pub(super) verdict: String,
}

pub(super) fn findings(comparison: &Comparison) -> Findings {
    let with_data = |metric: &MetricComparison| metric.values.iter().filter(|value| value.mean.is_some()).count();
    let mut findings = Findings { best: Vec::new(), level: Vec::new(), without: Vec::new(), verdict: String::new() };
    for metric in shown(comparison) {
        let label = value::label(&metric.metric);
        match with_data(metric) {
            0 => findings.without.push(label),
            n if metric.best.len() == n => findings.level.push(label),
            _ => findings.best.push(format!("{label}: {}", metric.best.join(" = "))),
        }
    }
    findings.verdict = match &comparison.winner {
        Some(winner) if !findings.best.is_empty() => format!("winner: {winner}; nothing is shown to beat it in any metric"),
        _ if findings.best.is_empty() => "no difference is shown".to_owned(),
        _ => "no single winner: which one is best depends on the metric".to_owned(),
    };
    findings
}

/// All metrics; without the time to the first token where it is that to the last, because answers come whole.
pub(super) fn shown(comparison: &Comparison) -> impl Iterator<Item = &MetricComparison> {
    let means = |name: &str| {
        let metric = comparison.metrics.iter().find(|metric| metric.metric == name);
        metric.map(|metric| metric.values.iter().map(|value| value.mean).collect::<Vec<_>>())
    };
    let whole = means("ttft_p99") == means("latency_p99");
    // In virtual time there is no overhead at all.
    let nothing =
        |metric: &MetricComparison| metric.metric.starts_with("overhead") && metric.values.iter().all(|value| value.mean.is_none());
    comparison.metrics.iter().filter(move |metric| !(whole && metric.metric == "ttft_p99" || nothing(metric)))
}

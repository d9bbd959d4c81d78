//! One row per run and provider, for spreadsheets and data frames.

use super::compare;
use super::sweep;
use crate::report::{Document, ProviderRun, Report, Run};

const COLUMNS: [&str; 25] = [
    "scenario",
    "strategy",
    "seed",
    "provider",
    "weight",
    "target_share",
    "share",
    "attempts",
    "succeeded",
    "rate_limited",
    "errors",
    "timeouts",
    "latency_ms_mean",
    "latency_ms_p50",
    "latency_ms_p90",
    "latency_ms_p99",
    "latency_ms_p999",
    "latency_ms_max",
    "provider_queue_ms_mean",
    "provider_queue_ms_p99",
    "in_flight_mean",
    "in_flight_max",
    "utilization",
    "ejections",
    "cost",
];

/// A header and the rows; figures unrounded, absent ones empty.
pub fn render(document: &Document) -> String {
    if let Some(comparison) = document.comparison().filter(|comparison| comparison.shard.is_none()) {
        return compare::csv::render(document, comparison);
    }
    if let Some(sweep) = document.sweep().filter(|sweep| sweep.shard.is_none()) {
        return sweep::csv::render(document, sweep);
    }
    let runs = document.reports().iter().flat_map(|report| report.runs.iter().map(move |run| (report, run)));
    let rows = runs.flat_map(|(report, run)| run.providers.iter().map(move |provider| row(report, run, provider)));
    text(&std::iter::once(COLUMNS.map(str::to_owned)).chain(rows).collect::<Vec<_>>())
}

/// Records as comma-separated values, quoted where that is needed.
pub(super) fn text(records: &[impl AsRef<[String]>]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in records {
        writer.write_record(record.as_ref()).expect("rows are arrays of one length and memory takes every byte");
    }
    let bytes = writer.into_inner().expect("memory takes every byte");
    String::from_utf8(bytes).expect("the fields are text and the delimiters ASCII")
}

fn row(report: &Report, run: &Run, provider: &ProviderRun) -> [String; COLUMNS.len()] {
    let some = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let (latency, queue) = (&provider.latency_ms, &provider.provider_queue_ms);
    [
        report.scenario.name.clone(),
        run.strategy.clone(),
        run.seed.to_string(),
        provider.name.clone(),
        provider.weight.to_string(),
        some(provider.target_share),
        some(provider.share),
        provider.attempts.to_string(),
        provider.succeeded.to_string(),
        provider.rate_limited.to_string(),
        provider.errors.to_string(),
        provider.timeouts.to_string(),
        some(latency.mean),
        some(latency.p50),
        some(latency.p90),
        some(latency.p99),
        some(latency.p999),
        some(latency.max),
        some(queue.mean),
        some(queue.p99),
        some(provider.in_flight_mean),
        provider.in_flight_max.to_string(),
        some(provider.utilization),
        provider.ejections.map_or_else(String::new, |ejections| ejections.to_string()),
        some(provider.cost),
    ]
}

//! A sweep for spreadsheets and data frames: one row per point and strategy.

use crate::render::csv::text;
use crate::report::{Document, Sweep};

/// A header and the rows: the point, then of each metric mean, low and high end; unrounded, absent ones empty.
pub fn render(document: &Document, sweep: &Sweep) -> String {
    let name = document.reports().first().map_or_else(String::new, |report| report.scenario.name.clone());
    let metrics: Vec<&str> =
        sweep.rows.first().map(|row| row.metrics.iter().map(|metric| metric.metric.as_str()).collect()).unwrap_or_default();
    let mut header = vec!["scenario".to_owned()];
    header.extend(sweep.axes.iter().map(|axis| axis.key.clone()));
    header.extend(["strategy", "seeds", "judged", "held"].map(str::to_owned));
    header.extend(metrics.iter().flat_map(|metric| [(*metric).to_owned(), format!("{metric}_low"), format!("{metric}_high")]));
    let some = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let mut records = vec![header];
    for (row, variant) in sweep.rows.iter().zip(&sweep.variants) {
        let mut record = vec![name.clone()];
        record.extend(row.point.iter().cloned());
        record.extend([row.strategy.clone(), variant.runs.len().to_string(), row.judged.to_string(), row.held.to_string()]);
        record.extend(row.metrics.iter().flat_map(|metric| [some(metric.mean), some(metric.low), some(metric.high)]));
        records.push(record);
    }
    text(&records)
}

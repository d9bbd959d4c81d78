//! A comparison for spreadsheets and data frames: one row per metric and variant.

use super::value;
use crate::render::csv::text;
use crate::report::{Comparison, Document};

const COLUMNS: [&str; 13] =
    ["scenario", "variant", "strategy", "metric", "mean", "seeds", "base", "difference", "low", "high", "p", "mark", "best"];

/// A header and the rows; figures unrounded, absent ones empty.
pub fn render(document: &Document, comparison: &Comparison) -> String {
    let some = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let mut rows = vec![COLUMNS.map(str::to_owned)];
    for metric in &comparison.metrics {
        for (variant, value) in comparison.variants.iter().zip(&metric.values) {
            rows.push([
                document.reports().get(variant.report).map_or_else(String::new, |report| report.scenario.name.clone()),
                variant.name.clone(),
                variant.strategy.clone(),
                metric.metric.clone(),
                some(value.mean),
                value.seeds.to_string(),
                comparison.base.clone(),
                some(value.difference),
                some(value.low),
                some(value.high),
                some(value.p),
                value::word(value.mark).to_owned(),
                metric.best.contains(&value.variant).to_string(),
            ]);
        }
    }
    text(&rows)
}

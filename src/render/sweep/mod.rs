//! A sweep, in every format that shows more than the runs themselves.

pub mod csv;
pub mod human;
pub mod markdown;
pub mod plot;

use super::compare::value;
use super::number::ABSENT;
use super::table::{Column, Table};
use super::text::Tone;
use crate::report::{Limit, Replicated, Sweep, SweepRow};

/// A row per point and strategy, with the intervals of the means where `intervals`; metrics that never have data are left out.
pub(super) fn table(sweep: &Sweep, intervals: bool) -> Table {
    let strategies = several_strategies(sweep);
    let metrics = shown(sweep);
    let judged = sweep.rows.iter().any(|row| row.judged > 0);
    let mut columns: Vec<Column> = sweep.axes.iter().map(|axis| Column::named(axis.key.clone())).collect();
    columns.extend(strategies.then(|| Column::text("strategy")));
    let rank = |index: usize| (index + 1) as u8;
    for (index, metric) in metrics.iter().enumerate() {
        let keep = matches!(metric.as_str(), "success_ratio" | "latency_p99");
        let column = Column::figure(value::label(metric));
        columns.push(if keep { column } else { column.dispensable(rank(metrics.len() - index)) });
    }
    columns.extend(judged.then(|| Column::figure("as expected")));
    let mut table = Table::new(&columns);
    for row in &sweep.rows {
        let mut cells = row.point.clone();
        cells.extend(strategies.then(|| row.strategy.clone()));
        cells.extend(
            metrics.iter().map(|metric| row.metrics.iter().find(|m| m.metric == *metric).map_or_else(String::new, |m| mean(m, intervals))),
        );
        cells.extend(judged.then(|| held(row)));
        let tone = if row.judged > 0 && row.held < row.judged { Tone::Bad } else { Tone::Plain };
        table.row(tone, cells);
    }
    table
}

fn held(row: &SweepRow) -> String {
    if row.judged == 0 { ABSENT.to_owned() } else { format!("{}/{}", row.held, row.judged) }
}

fn mean(metric: &Replicated, interval: bool) -> String {
    let text = |value| value::text(&metric.metric, value);
    match (metric.low, metric.high) {
        (Some(low), Some(high)) if interval => format!("{} ({}…{})", text(metric.mean), text(Some(low)), text(Some(high))),
        _ => text(metric.mean),
    }
}

fn several_strategies(sweep: &Sweep) -> bool {
    sweep.rows.iter().any(|row| row.strategy != sweep.rows[0].strategy)
}

/// Metrics with data somewhere; the time to the first token only where it is not that to the last.
fn shown(sweep: &Sweep) -> Vec<String> {
    let Some(first) = sweep.rows.first() else { return Vec::new() };
    let means = |name: &str| -> Vec<Option<f64>> {
        sweep.rows.iter().map(|row| row.metrics.iter().find(|metric| metric.metric == name).and_then(|metric| metric.mean)).collect()
    };
    let names = first.metrics.iter().map(|metric| metric.metric.clone());
    let whole = means("ttft_p99") == means("latency_p99");
    names.filter(|name| means(name).iter().any(Option::is_some) && !(whole && name == "ttft_p99")).collect()
}

/// `everything holds at load.rate=63.5/s, not at 64/s`.
pub(super) fn limit(sweep: &Sweep, limit: &Limit) -> String {
    let key = &sweep.axes[0].key;
    let others = sweep.axes[1..].iter().zip(&limit.at).map(|(axis, value)| format!("{}={value}", axis.key));
    let mut whose: Vec<String> = others.collect();
    if several_strategies(sweep) {
        whose.insert(0, limit.strategy.clone());
    }
    let whose = if whose.is_empty() { String::new() } else { format!("{}: ", whose.join(" ")) };
    let text = match (&limit.holds, &limit.fails) {
        (Some(holds), Some(fails)) => format!("everything holds at {key}={holds}, not at {fails}"),
        (Some(holds), None) => format!("everything holds even at {key}={holds}, the highest tried: the limit lies above"),
        (None, Some(fails)) => format!("no value holds, not even {key}={fails}, the lowest tried: the limit lies below, if there is one"),
        (None, None) => "nothing was tried".to_owned(),
    };
    let again = if limit.fails_below { "; but a lower value does not hold either" } else { "" };
    let probes = if limit.probes > 0 { format!(" ({} values tried between)", limit.probes) } else { String::new() };
    format!("{whose}{text}{probes}{again}")
}

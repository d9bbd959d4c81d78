//! Where the time went.

use super::Page;
use crate::render::number::{count, millis, or_absent};
use crate::render::table::{Column, Table};
use crate::render::text::Tone;
use crate::report::{Quantiles, Run};

pub(super) fn write(page: &mut Page<'_>, run: &Run) {
    page.blank();
    let table = table(run);
    if !table.is_empty() {
        page.table(&table);
    }
    let notes = notes(run);
    if !notes.is_empty() {
        page.items("", &notes, 0, Tone::Quiet);
    }
}

/// The distributions that have something to say: samples, and not only zeros.
pub(in crate::render) fn table(run: &Run) -> Table {
    let mut table = Table::new(&[
        Column::word("time"),
        Column::figure("samples").dispensable(4),
        Column::figure("mean").dispensable(2),
        Column::figure("p50"),
        Column::figure("p90").dispensable(3),
        Column::figure("p99"),
        Column::figure("p99.9").dispensable(1),
        Column::figure("max"),
    ]);
    for (name, times) in rows(run).into_iter().filter(|(name, times)| remark(run, name, times).is_none()) {
        let figures = [times.mean, times.p50, times.p90, times.p99, times.p999, times.max];
        let mut cells = vec![name.to_owned(), count(times.count)];
        cells.extend(figures.map(|figure| or_absent(figure, millis)));
        table.row(Tone::Plain, cells);
    }
    table
}

/// Why rows are missing, in words.
pub(in crate::render) fn notes(run: &Run) -> Vec<String> {
    rows(run).iter().filter_map(|(name, times)| remark(run, name, times)).collect()
}

fn rows(run: &Run) -> [(&'static str, &Quantiles); 4] {
    [
        ("latency", &run.latency_ms),
        ("ttft", &run.ttft_ms),
        ("balancer queue", &run.balancer_queue_ms),
        ("provider queue", &run.provider_queue_ms),
    ]
}

fn remark(run: &Run, name: &str, times: &Quantiles) -> Option<String> {
    if times.count == 0 {
        Some(format!("{name}: no samples"))
    } else if name.ends_with("queue") && times.max == Some(0.0) {
        Some(format!("{name}: nothing waited"))
    } else if name == "ttft" && *times == run.latency_ms {
        Some("ttft: equal to latency (answers are not streamed)".to_owned())
    } else {
        None
    }
}

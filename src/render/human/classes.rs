//! Kinds of request, where there is more than one.

use super::Page;
use crate::render::number::{count, millis, or_absent};
use crate::render::table::{Column, Table};
use crate::render::text::Tone;
use crate::report::Run;

pub(super) fn write(page: &mut Page<'_>, run: &Run) {
    if run.classes.len() > 1 {
        page.blank();
        page.table(&table(run));
    }
}

/// A row per class.
pub(in crate::render) fn table(run: &Run) -> Table {
    let mut table = Table::new(&[
        Column::text("class"),
        Column::figure("offered"),
        Column::figure("succeeded"),
        Column::figure("failed"),
        Column::figure("shed"),
        Column::figure("unfinished").dispensable(4),
        Column::figure("ttft p99").dispensable(2),
        Column::figure("p50").dispensable(3),
        Column::figure("p99").dispensable(1),
    ]);
    for class in &run.classes {
        let requests = &class.requests;
        let counts = [requests.offered, requests.succeeded, requests.failed, requests.shed, requests.unfinished].map(count);
        let times = [class.ttft_ms.p99, class.latency_ms.p50, class.latency_ms.p99].map(|time| or_absent(time, millis));
        table.row(Tone::Plain, [class.name.clone()].into_iter().chain(counts).chain(times).collect());
    }
    table
}

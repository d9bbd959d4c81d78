//! What the scenario expects, and what came.

use super::Page;
use crate::render::expectation::{got, mark, subject};
use crate::render::number::count;
use crate::render::table::{Column, Table};
use crate::render::text::Tone;
use crate::report::{ExpectationResult, Run, Verdict};

pub(super) fn write(page: &mut Page<'_>, run: &Run) {
    if !run.expectations.is_empty() {
        page.blank();
        page.table(&table(run));
        for missed in run.expectations.iter().filter(|expectation| expectation.cause.is_some()) {
            let cause = missed.cause.iter().cloned().collect::<Vec<_>>();
            page.items(&format!("{} of {}, probably: ", missed.metric, subject(missed)), &cause, 2, Tone::Plain);
        }
    }
}

/// One line for each expectation that does not hold.
pub(super) fn write_missed(page: &mut Page<'_>, run: &Run) {
    for missed in run.expectations.iter().filter(|expectation| expectation.verdict != Verdict::Pass) {
        let (mark, word, tone) = mark(missed.verdict);
        let text = format!("{mark} {word}: {} of {}: want {}, got {}", missed.metric, subject(missed), missed.want, got(missed));
        page.paragraph(&text, 2, tone);
    }
}

/// A row per expectation; what does not hold is marked.
pub(in crate::render) fn table(run: &Run) -> Table {
    // Where real time is judged by virtual time, that has a column of its own.
    let simulated = run.expectations.iter().any(|expectation| expectation.simulated.is_some());
    let mut columns =
        vec![Column::word("expected"), Column::text("of"), if simulated { Column::word("want") } else { Column::text("want") }];
    if simulated {
        columns.push(Column::figure("simulated"));
    }
    columns.extend([Column::figure("got"), Column::figure("samples").dispensable(1), Column::word("verdict")]);
    let mut table = Table::new(&columns);
    for expectation in &run.expectations {
        let (mark, word, tone) = mark(expectation.verdict);
        let mut cells = vec![expectation.metric.clone(), subject(expectation), expectation.want.clone()];
        if simulated {
            cells.push(got(&ExpectationResult { got: expectation.simulated, ..expectation.clone() }));
        }
        cells.extend([got(expectation), count(expectation.samples), format!("{mark} {word}")]);
        table.row(if expectation.verdict == Verdict::Pass { Tone::Plain } else { tone }, cells);
    }
    table
}

//! A comparison for a pull request.

use super::{findings, shown, value};
use crate::render::table::{Column, Table};
use crate::render::text::Tone;
use crate::report::{Comparison, Document, Mark};

/// One row per metric and variant, and what follows from them.
pub fn render(document: &Document, comparison: &Comparison) -> String {
    let names: Vec<&str> = document.reports().iter().map(|report| report.scenario.name.as_str()).collect();
    let mut text = format!("### COMPARED {}\n\n", names.join(", "));
    if let Some(shard) = &comparison.shard {
        return text + &format!("shard {} of {}: a part of the runs\n", shard.index, shard.of);
    }
    let found = findings(comparison);
    text += &format!("**{}**\n\n{}", found.verdict, table(comparison).markdown());
    text += &format!("\nDifferences to `{}`, 95 % intervals (paired over seeds, Holm over the variants).\n", comparison.base);
    for note in &comparison.notes {
        text += &format!("- {note}\n");
    }
    for report in document.reports() {
        text += &format!("\n<sub>lbsim {} · `{}` · digest {}</sub>\n", document.lbsim(), report.scenario.path, report.scenario.digest);
    }
    text
}

fn table(comparison: &Comparison) -> Table {
    let columns = [Column::word("metric"), Column::text("variant"), Column::figure("mean"), Column::figure("difference")];
    let mut table = Table::new(&[&columns[..], &[Column::word(""), Column::word("best")]].concat());
    for metric in shown(comparison).filter(|metric| metric.values.iter().any(|value| value.mean.is_some())) {
        for value in &metric.values {
            let difference = match value.mark {
                Mark::Base => "base".to_owned(),
                Mark::Equal => "0".to_owned(),
                _ => value::interval(&metric.metric, value),
            };
            let some_are_worse = metric.best.len() < metric.values.len();
            let best = if some_are_worse && metric.best.contains(&value.variant) { "★" } else { "" };
            let mean = value::mean(&metric.metric, value);
            let cells = vec![value::label(&metric.metric).to_owned(), value.variant.clone(), mean, difference];
            let marks = vec![value::mark(value.mark).to_owned(), best.to_owned()];
            table.row(Tone::Plain, [cells, marks].concat());
        }
    }
    table
}

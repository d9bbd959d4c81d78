//! Several seeds of one scenario: each figure with its mean and interval.

use super::Page;
use super::head::label;
use crate::render::compare::value;
use crate::render::expectation::{subject, value as got};
use crate::render::number::{ABSENT, or_absent, plural, ratio, span};
use crate::render::table::{Column, Table};
use crate::render::text::{Tone, paint, wrap_items};
use crate::report::{ExpectationResult, ProviderRun, Replicated, Report, Verdict};

pub(super) fn write(page: &mut Page<'_>, report: &Report) {
    let (label, tone) = label(report.verdict);
    let lead = format!("{label} {}  ", report.scenario.name);
    for line in wrap_items(&lead, &facts(report), page.view.width, label.len() + 1) {
        match line.strip_prefix(label) {
            Some(rest) => page.line(Tone::Plain, &format!("{}{rest}", paint(label, tone, page.view.color))),
            None => page.line(Tone::Plain, &line),
        }
    }
    if report.verdict == Verdict::Incomplete {
        page.paragraph("interrupted: only the runs that had ended by then are counted", label.len() + 1, Tone::Unsure);
    }
    if page.view.quiet {
        return;
    }
    page.paragraph(report.scenario.description.as_deref().unwrap_or_default(), 0, Tone::Plain);
    for table in [figures(report), shares(report), expectations(report)] {
        if !table.is_empty() {
            page.blank();
            page.table(&table);
        }
    }
}

/// What was run, and with how many seeds everything held.
pub(in crate::render) fn facts(report: &Report) -> Vec<String> {
    let runs = &report.runs;
    let (Some(first), Some(last)) = (runs.first(), runs.last()) else { return vec!["no run has ended".to_owned()] };
    let offered: u64 = runs.iter().map(|run| run.requests.offered).sum();
    let seeds = format!("{} ({} to {})", plural(runs.len() as u64, "seed"), first.seed, last.seed);
    let a_run = plural(offered / runs.len() as u64, "request");
    let mut facts = vec![first.strategy.clone(), seeds, format!("about {a_run} over {} each ({})", span(first.measured_s), report.clock)];
    if !first.expectations.is_empty() {
        let held = runs.iter().filter(|run| run.expectations.iter().all(|expectation| expectation.verdict == Verdict::Pass)).count();
        facts.push(format!("all expectations hold with {held} of {}", runs.len()));
    }
    facts
}

/// A row per metric.
pub(in crate::render) fn figures(report: &Report) -> Table {
    let columns = ["mean", "from", "to (95 %)", "lowest", "highest"].map(Column::figure);
    let mut table = Table::new(&[&[Column::word("figure")][..], &columns].concat());
    let means = |name: &str| report.replicated.iter().find(|metric| metric.metric == name).map(|metric| metric.mean);
    let whole = means("ttft_p99") == means("latency_p99");
    let shown = |metric: &&Replicated| metric.mean.is_some() && !(whole && metric.metric == "ttft_p99");
    for metric in report.replicated.iter().filter(shown) {
        let Replicated { metric: name, mean, low, high, min, max, .. } = metric;
        let cells = [*mean, *low, *high, *min, *max].map(|value| value::text(name, value));
        table.row(Tone::Plain, std::iter::once(value::label(name).to_owned()).chain(cells).collect());
    }
    table
}

/// A row per provider.
pub(in crate::render) fn shares(report: &Report) -> Table {
    let columns =
        [Column::text("share of"), Column::figure("target"), Column::figure("mean"), Column::figure("lowest"), Column::figure("highest")];
    let mut table = Table::new(&columns);
    for (index, provider) in report.runs.first().map(|run| run.providers.as_slice()).unwrap_or_default().iter().enumerate() {
        let of = |provider: &ProviderRun| provider.share;
        let shares: Vec<f64> = report.runs.iter().filter_map(|run| run.providers.get(index).and_then(of)).collect();
        let mean = (!shares.is_empty()).then(|| shares.iter().sum::<f64>() / shares.len() as f64);
        let ends = [shares.iter().copied().reduce(f64::min), shares.iter().copied().reduce(f64::max)];
        let cells = [provider.target_share, mean, ends[0], ends[1]].map(|share| or_absent(share, ratio));
        table.row(Tone::Plain, std::iter::once(provider.name.clone()).chain(cells).collect());
    }
    table
}

/// A row per expectation: with how many seeds it holds, and between which values.
pub(in crate::render) fn expectations(report: &Report) -> Table {
    let texts = [Column::word("expected"), Column::text("of"), Column::text("want")];
    let mut table = Table::new(&[&texts[..], &["holds with", "lowest", "highest"].map(Column::figure)].concat());
    for (index, first) in report.runs.first().map(|run| run.expectations.as_slice()).unwrap_or_default().iter().enumerate() {
        let all: Vec<&ExpectationResult> = report.runs.iter().filter_map(|run| run.expectations.get(index)).collect();
        let held = all.iter().filter(|expectation| expectation.verdict == Verdict::Pass).count();
        let values = || all.iter().filter_map(|expectation| expectation.got);
        let end = |value: Option<f64>| value.map_or_else(|| ABSENT.to_owned(), |value| got(&first.metric, value));
        let cells = vec![
            first.metric.clone(),
            subject(first),
            first.want.clone(),
            format!("{held} of {}", all.len()),
            end(values().reduce(f64::min)),
            end(values().reduce(f64::max)),
        ];
        table.row(if held == all.len() { Tone::Plain } else { Tone::Bad }, cells);
    }
    table
}

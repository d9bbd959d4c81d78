//! A comparison for a terminal.

use super::grid::{self, Row};
use super::{Findings, findings, shown, value};
use crate::render::View;
use crate::render::human::Page;
use crate::render::number::{ABSENT, nanos, plural};
use crate::render::text::Tone;
use crate::report::{Comparison, Document, Mark, Report, Variant, Verdict};

/// The whole comparison; ends with a newline, and no line is wider than `view.width`.
pub fn render(document: &Document, comparison: &Comparison, view: &View) -> String {
    let mut page = Page::new(view);
    head(&mut page, document, comparison);
    if let Some(shard) = &comparison.shard {
        let text = format!("shard {} of {}: a part of the runs; `lbsim merge` puts the parts together", shard.index, shard.of);
        page.paragraph(&text, 0, Tone::Plain);
        return page.into_text();
    }
    let found = findings(comparison);
    if view.quiet {
        page.paragraph(&found.verdict, 0, Tone::Strong);
        return page.into_text();
    }
    page.blank();
    table(&mut page, document, comparison);
    page.blank();
    conclusions(&mut page, comparison, &found);
    origin(&mut page, document);
    page.into_text()
}

fn head(page: &mut Page<'_>, document: &Document, comparison: &Comparison) {
    let word = if document.verdict() == Verdict::Incomplete { "INCOMPLETE" } else { "COMPARED" };
    let reports = document.reports();
    let names: Vec<&str> = match reports {
        [report] => vec![report.scenario.name.as_str()],
        several => several.iter().map(|report| report.scenario.name.as_str()).collect(),
    };
    let facts = [plural(comparison.variants.len() as u64, "variant"), seeds(reports, &comparison.variants), requests(reports)];
    page.items(&format!("{word} {}  ", names.join(", ")), &facts, word.len() + 1, Tone::Strong);
    if document.verdict() == Verdict::Incomplete {
        page.paragraph("interrupted: only the runs that had ended by then are counted", word.len() + 1, Tone::Unsure);
    }
    if let ([Report { scenario, .. }], false) = (reports, page.view.quiet) {
        page.paragraph(scenario.description.as_deref().unwrap_or_default(), 0, Tone::Plain);
    }
}

fn seeds(reports: &[Report], variants: &[Variant]) -> String {
    let of = |variant: &Variant| variant.runs.iter().map(|run| reports[variant.report].runs[*run].seed).collect::<Vec<_>>();
    let first = variants.first().map(of).unwrap_or_default();
    let same = variants.iter().all(|variant| of(variant) == first);
    match (first.first(), first.last()) {
        (Some(from), Some(to)) if same && from != to => format!("{} ({from} to {to})", plural(first.len() as u64, "seed")),
        (Some(seed), _) if same => format!("seed {seed}"),
        _ => "different seeds".to_owned(),
    }
}

fn requests(reports: &[Report]) -> String {
    let offered = || reports.iter().flat_map(|report| &report.runs).map(|run| run.requests.offered);
    let (runs, sum) = (offered().count() as u64, offered().sum::<u64>());
    format!("about {} a run", plural(sum.checked_div(runs).unwrap_or(0), "request"))
}

fn table(page: &mut Page<'_>, document: &Document, comparison: &Comparison) {
    let names: Vec<String> = comparison.variants.iter().map(|variant| variant.name.clone()).collect();
    let mut rows: Vec<Row> = Vec::new();
    for metric in shown(comparison) {
        let anything = metric.values.iter().any(|value| !matches!(value.mark, Mark::Base | Mark::NoData | Mark::Equal));
        let cell = |value| match (value::mean(&metric.metric, value), value::difference(&metric.metric, value)) {
            (mean, difference) if anything => format!("{mean}\n{}", if value.mark == Mark::Base { "" } else { &difference }),
            // Where nothing differs one line says so.
            (mean, _) if value.mark == Mark::Equal => format!("= {mean}"),
            (mean, _) => mean,
        };
        rows.push(Row { label: value::label(&metric.metric).to_owned(), cells: metric.values.iter().map(cell).collect() });
    }
    rows.extend(expectations(document, comparison));
    rows.extend(decisions(document, comparison));
    for line in grid::lines(&names, &rows, page.view.width, page.view.color) {
        page.line(Tone::Plain, &line);
    }
}

/// In how many runs everything held that the scenario expects.
fn expectations(document: &Document, comparison: &Comparison) -> Option<Row> {
    let reports = document.reports();
    let cell = |variant: &Variant| {
        let runs = variant.runs.iter().map(|run| &reports[variant.report].runs[*run]).filter(|run| !run.expectations.is_empty());
        let judged: Vec<bool> = runs.map(|run| run.expectations.iter().all(|expectation| expectation.verdict == Verdict::Pass)).collect();
        if judged.is_empty() {
            return ABSENT.to_owned();
        }
        format!("{}/{} runs", judged.iter().filter(|held| **held).count(), judged.len())
    };
    let cells: Vec<String> = comparison.variants.iter().map(cell).collect();
    cells.iter().any(|cell| cell != ABSENT).then(|| Row { label: "as expected".to_owned(), cells })
}

/// Wall clock, never judged: one run of each, on a machine that does other things too.
fn decisions(document: &Document, comparison: &Comparison) -> Option<Row> {
    let costs = &document.wall().filter(|wall| !wall.variants.is_empty())?.variants;
    let cost = |name: &str| costs.iter().find(|cost| cost.variant == name).and_then(|cost| cost.decision_ns.p50);
    let cells = comparison.variants.iter().map(|variant| cost(&variant.name).map_or_else(|| ABSENT.to_owned(), nanos));
    Some(Row { label: "pick (wall)".to_owned(), cells: cells.collect() })
}

fn conclusions(page: &mut Page<'_>, comparison: &Comparison, found: &Findings) {
    let Findings { best, level, without, verdict } = found;
    for (label, items) in [("best", best), ("level", &texts(level)), ("no data", &texts(without))] {
        if !items.is_empty() {
            page.labelled(label, items);
        }
    }
    page.paragraph(verdict, 0, Tone::Strong);
    let shown = format!("▲ better, ▼ worse than {}: the 95 % interval of the difference excludes 0", comparison.base);
    page.items("", &[shown, "~ it does not".to_owned(), "= equal with every seed".to_owned()], 0, Tone::Quiet);
    for note in &comparison.notes {
        page.paragraph(&format!("note: {note}"), 6, Tone::Unsure);
    }
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn origin(page: &mut Page<'_>, document: &Document) {
    page.blank();
    let of = |report: &Report| [report.scenario.path.clone(), format!("digest {}", report.scenario.digest)];
    let items: Vec<String> = [format!("lbsim {}", document.lbsim())].into_iter().chain(document.reports().iter().flat_map(of)).collect();
    page.items("", &items, 0, Tone::Quiet);
}

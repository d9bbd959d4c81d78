//! For a terminal.

use super::{Missed, Tally, missed, score};
use crate::render::View;
use crate::render::expectation::{mark, reproduce, sentence};
use crate::render::human::Page;
use crate::render::human::head::label;
use crate::render::number::plural;
use crate::render::text::{Tone, paint};
use crate::report::{Report, Verdict};

/// Columns of the verdict.
const LABEL: usize = 11;

/// A line a file in their order, the failures at the end with what to do about them, then the count.
pub fn render(reports: &[Report], invalid: &[String], view: &View) -> String {
    let mut page = Page::new(view);
    let name_width = reports.iter().map(|report| report.scenario.name.chars().count()).max().unwrap_or(0).min(40);
    for report in reports {
        if !view.quiet || report.verdict != Verdict::Pass {
            line(&mut page, report, name_width);
        }
    }
    for path in invalid {
        page.line(Tone::Bad, &format!("{:<LABEL$}{path}: see the errors on stderr", "INVALID"));
    }
    let wrong = || reports.iter().filter(|report| !missed(report).is_empty());
    if wrong().next().is_some() {
        page.blank();
        page.line(Tone::Plain, "what does not hold:");
        wrong().for_each(|report| details(&mut page, report));
        page.blank();
    }
    page.line(Tone::Plain, &Tally::of(reports, invalid).text());
    page.into_text()
}

fn line(page: &mut Page<'_>, report: &Report, name_width: usize) {
    let (word, tone) = label(report.verdict);
    let color = page.view.color;
    let requests: u64 = report.runs.iter().map(|run| run.requests.offered).sum();
    let mut facts = vec![score(report)];
    if !report.runs.is_empty() {
        facts.push(plural(requests, "request"));
    }
    let plain = format!("{word:<LABEL$}{:<name_width$}  {}", report.scenario.name, facts.join(" · "));
    let cut = crate::render::text::cut(&plain, page.view.width);
    // The word is coloured after cutting: escape codes have no width.
    let rest = cut.strip_prefix(word).unwrap_or(&cut).to_owned();
    page.line(Tone::Plain, &format!("{}{rest}", paint(word, tone, color)));
    if page.view.verbose {
        for expectation in report.runs.iter().flat_map(|run| &run.expectations).filter(|one| one.verdict == Verdict::Pass) {
            page.items("  ✓ ", &[sentence(expectation)], 4, Tone::Quiet);
        }
    }
}

fn details(page: &mut Page<'_>, report: &Report) {
    for Missed { first: (run, expectation), runs } in missed(report) {
        let (sign, word, tone) = mark(expectation.verdict);
        let place = expectation.line.map(|line| format!(":{line}")).unwrap_or_default();
        let often = match report.runs.len() {
            1 => String::new(),
            all => format!(" in {runs} of {all} runs, first with seed {}", run.seed),
        };
        page.paragraph(&format!("{sign} {word} {}{place}: {}{often}", report.scenario.path, sentence(expectation)), 2, tone);
        if let Some(cause) = &expectation.cause {
            page.items("  probably: ", std::slice::from_ref(cause), 4, Tone::Plain);
        }
        for line in reproduce(report, run).lines("  again: ", page.view.width) {
            page.line(Tone::Quiet, &line);
        }
    }
}

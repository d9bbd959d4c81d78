//! The report of `lbsim run` for people: the verdict first, then why.

pub(super) mod classes;
mod decisions;
pub(super) mod expectations;
pub(super) mod head;
pub(super) mod latency;
pub(super) mod providers;
mod reasons;
pub(super) mod replicated;
pub(super) mod requests;
mod timeline;

use super::View;
use super::check;
use super::compare;
use super::sweep;
use super::table::Table;
use super::text::{Tone, paint, wrap, wrap_items};
use crate::report::{Document, Report, Run};

/// One report whole; of several their verdicts, and what does not hold.
pub fn document(document: &Document, view: &View) -> String {
    if let Some(comparison) = document.comparison() {
        return compare::human::render(document, comparison, view);
    }
    if let Some(sweep) = document.sweep() {
        return sweep::human::render(document, sweep, view);
    }
    match document {
        Document::One(report) if !view.gate => render(report, view),
        Document::One(report) => check::human::render(std::slice::from_ref(report), &[], view),
        Document::Many(collection) => check::human::render(&collection.reports, &collection.invalid, view),
    }
}

/// The whole report; ends with a newline, and no line is wider than `view.width`.
pub fn render(report: &Report, view: &View) -> String {
    let mut page = Page::new(view);
    let several = !report.replicated.is_empty();
    for (position, run) in report.runs.iter().enumerate().filter(|_| !several || view.verbose) {
        if position > 0 {
            page.blank();
        }
        write_run(&mut page, report, run);
    }
    if several {
        if view.verbose {
            page.blank();
        }
        replicated::write(&mut page, report);
    }
    if view.quiet {
        return page.text;
    }
    let through = report.runs.iter().any(|run| run.real.as_ref().is_some_and(|real| real.target.is_some()));
    if let Some(wall) = report.wall.as_ref().filter(|_| !through) {
        decisions::write(&mut page, &wall.decision_ns);
    }
    page.blank();
    let origin = [format!("lbsim {}", report.lbsim), report.scenario.path.clone(), format!("digest {}", report.scenario.digest)];
    page.items("", &origin, 0, Tone::Quiet);
    page.text
}

fn write_run(page: &mut Page<'_>, report: &Report, run: &Run) {
    head::write(page, report, run);
    if page.view.quiet {
        expectations::write_missed(page, run);
        return;
    }
    providers::write(page, run);
    requests::write(page, run);
    latency::write(page, run);
    classes::write(page, run);
    expectations::write(page, run);
    reasons::write(page, run);
    if page.view.verbose {
        timeline::write(page, run);
    }
}

/// Lines of text under construction.
pub(super) struct Page<'a> {
    pub(super) view: &'a View,
    text: String,
}

impl<'a> Page<'a> {
    /// Nothing on it yet.
    pub(super) fn new(view: &'a View) -> Page<'a> {
        Page { view, text: String::new() }
    }

    /// What is on it.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    pub(super) fn blank(&mut self) {
        self.text.push('\n');
    }

    /// One line that already fits.
    pub(super) fn line(&mut self, tone: Tone, text: &str) {
        self.text.push_str(&paint(text, tone, self.view.color));
        self.text.push('\n');
    }

    pub(super) fn paragraph(&mut self, text: &str, indent: usize, tone: Tone) {
        for line in wrap(text, self.view.width, indent) {
            self.line(tone, &line);
        }
    }

    pub(super) fn items(&mut self, first: &str, items: &[String], indent: usize, tone: Tone) {
        for line in wrap_items(first, items, self.view.width, indent) {
            self.line(tone, &line);
        }
    }

    /// `label` in a column of its own, then the items.
    pub(super) fn labelled(&mut self, label: &str, items: &[String]) {
        self.items(&format!("{label:<LABEL$}"), items, LABEL, Tone::Plain);
    }

    pub(super) fn table(&mut self, table: &Table) {
        for (tone, line) in table.lines(self.view.width) {
            self.line(tone, &line);
        }
    }
}

/// Columns of a label and the blanks behind it.
const LABEL: usize = 10;

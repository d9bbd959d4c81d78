//! The report as GitHub's Markdown: for a pull request, a job summary, a wiki.

use super::check;
use super::compare;
use super::human::{classes, expectations, head, latency, providers, replicated, requests};
use super::sweep;
use crate::report::{Document, Report, Run};

/// One report whole; of several a table of verdicts, then those that do not hold, whole.
pub fn document(document: &Document) -> String {
    if let Some(comparison) = document.comparison() {
        return compare::markdown::render(document, comparison);
    }
    if let Some(sweep) = document.sweep() {
        return sweep::markdown::render(document, sweep);
    }
    match document {
        Document::One(report) => render(report),
        Document::Many(collection) => check::markdown::render(collection),
    }
}

/// The whole report but the wall-clock part, which belongs to one machine and one moment.
pub fn render(report: &Report) -> String {
    let mut text = String::new();
    if report.replicated.is_empty() {
        report.runs.iter().for_each(|run| text += &render_run(report, run));
    } else {
        text += &render_replicated(report);
    }
    text += &format!("\n<sub>lbsim {} · `{}` · digest {}</sub>\n", report.lbsim, report.scenario.path, report.scenario.digest);
    text
}

/// Of several seeds the figures over them; the runs themselves are in the JSON.
fn render_replicated(report: &Report) -> String {
    let (label, _) = head::label(report.verdict);
    let mut text = format!("### {label} {}\n\n{}\n", report.scenario.name, replicated::facts(report).join(" · "));
    let tables = [replicated::figures(report), replicated::shares(report), replicated::expectations(report)];
    tables.iter().filter(|table| !table.is_empty()).for_each(|table| text += &format!("\n{}", table.markdown()));
    text
}

fn render_run(report: &Report, run: &Run) -> String {
    let (label, _) = head::label(report.verdict);
    let mut text = format!("### {label} {}\n\n{}\n", report.scenario.name, head::facts(report, run).join(" · "));
    if let Some(description) = &report.scenario.description {
        text += &format!("\n{description}\n");
    }
    if !run.expectations.is_empty() {
        text += &format!("\n{}", expectations::table(run).markdown());
    }
    let everyone: Vec<_> = run.providers.iter().collect();
    text += &format!("\n{}", providers::table(&everyone, &[]).markdown());
    text += &format!("\n- fairness: {}\n", providers::fairness(run).join(" · "));
    for (label, items) in requests::rows(run) {
        text += &format!("- {label}: {}\n", items.join(" · "));
    }
    for note in latency::notes(run) {
        text += &format!("- {note}\n");
    }
    let times = latency::table(run);
    if !times.is_empty() {
        text += &format!("\n{}", times.markdown());
    }
    if run.classes.len() > 1 {
        text += &format!("\n{}", classes::table(run).markdown());
    }
    text
}

//! The verdict line and the description.

use console::measure_text_width;

use super::Page;
use crate::render::number::{plural, span};
use crate::render::text::{Tone, paint, wrap_items};
use crate::report::{Report, Run, Verdict};

pub(super) fn write(page: &mut Page<'_>, report: &Report, run: &Run) {
    let (label, tone) = label(report.verdict);
    let lead = format!("{label} {}  ", report.scenario.name);
    let indent = measure_text_width(label) + 1;
    for (position, line) in wrap_items(&lead, &facts(report, run), page.view.width, indent).iter().enumerate() {
        // The label is coloured after wrapping: escape codes have no width.
        match line.strip_prefix(label).filter(|_| position == 0) {
            Some(rest) => page.line(Tone::Plain, &format!("{}{rest}", paint(label, tone, page.view.color))),
            None => page.line(Tone::Plain, line),
        }
    }
    if report.verdict == Verdict::Incomplete {
        page.paragraph("interrupted: every figure covers only what had happened by then, and nothing is judged", indent, Tone::Unsure);
    }
    if let Some(description) = report.scenario.description.as_ref().filter(|_| !page.view.quiet) {
        page.paragraph(description, 0, Tone::Plain);
    }
}

/// The word a verdict is announced with.
pub(in crate::render) fn label(verdict: Verdict) -> (&'static str, Tone) {
    match verdict {
        Verdict::Pass => ("PASS", Tone::Good),
        Verdict::Fail => ("FAIL", Tone::Bad),
        Verdict::None => ("DONE", Tone::Strong),
        Verdict::NoData => ("NO DATA", Tone::Unsure),
        Verdict::Noisy => ("NOISY", Tone::Unsure),
        Verdict::Incomplete => ("INCOMPLETE", Tone::Unsure),
    }
}

/// What was run, how much of it, and how many expectations hold.
pub(in crate::render) fn facts(report: &Report, run: &Run) -> Vec<String> {
    let requests = format!("{} over {} ({})", plural(run.requests.offered, "request"), span(run.measured_s), report.clock);
    vec![run.balancer(), format!("seed {}", run.seed), requests, expectations(run)]
}

fn expectations(run: &Run) -> String {
    let of = |verdict| run.expectations.iter().filter(|expectation| expectation.verdict == verdict).count() as u64;
    let all = run.expectations.len() as u64;
    if all == 0 {
        return "no expectations".to_owned();
    }
    let held = of(Verdict::Pass);
    let mut text = format!("{held} of {} {}", plural(all, "expectation"), if held == 1 { "holds" } else { "hold" });
    for (verdict, words) in [(Verdict::NoData, "without data"), (Verdict::Noisy, "too noisy"), (Verdict::Incomplete, "not judged")] {
        if of(verdict) > 0 {
            text += &format!(", {} {words}", of(verdict));
        }
    }
    text
}

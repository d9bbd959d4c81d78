//! What the scenario expects, and what came.

use super::Page;
use crate::render::number::{ABSENT, count, millis, nanos, plain, ratio_fine};
use crate::render::table::{Column, Table};
use crate::render::text::Tone;
use crate::report::{ExpectationResult, Run, Verdict};

pub(super) fn write(page: &mut Page<'_>, run: &Run) {
    if !run.expectations.is_empty() {
        page.blank();
        page.table(&table(run));
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
    let mut table = Table::new(&[
        Column::word("expected"),
        Column::text("of"),
        Column::text("want"),
        Column::figure("got"),
        Column::figure("samples").dispensable(1),
        Column::word("verdict"),
    ]);
    for expectation in &run.expectations {
        let (mark, word, tone) = mark(expectation.verdict);
        let cells = vec![
            expectation.metric.clone(),
            subject(expectation),
            expectation.want.clone(),
            got(expectation),
            count(expectation.samples),
            format!("{mark} {word}"),
        ];
        table.row(if expectation.verdict == Verdict::Pass { Tone::Plain } else { tone }, cells);
    }
    table
}

fn mark(verdict: Verdict) -> (&'static str, &'static str, Tone) {
    match verdict {
        Verdict::Pass => ("✓", "ok", Tone::Good),
        Verdict::Fail => ("✗", "FAIL", Tone::Bad),
        Verdict::NoData => ("?", "no data", Tone::Unsure),
        Verdict::Noisy => ("?", "noisy", Tone::Unsure),
        Verdict::Incomplete | Verdict::None => ("?", "not judged", Tone::Unsure),
    }
}

/// Of whom and when: `alpha during down`.
fn subject(expectation: &ExpectationResult) -> String {
    let whom = match (&expectation.provider, &expectation.class) {
        (Some(provider), Some(class)) => format!("{provider}, class {class}"),
        (Some(provider), None) => provider.clone(),
        (None, Some(class)) => format!("class {class}"),
        (None, None) => "the run".to_owned(),
    };
    match &expectation.during {
        Some(during) => format!("{whom} during {during}"),
        None => whom,
    }
}

/// The measured value in the unit of its metric.
fn got(expectation: &ExpectationResult) -> String {
    let Some(value) = expectation.got else { return ABSENT.to_owned() };
    let metric = expectation.metric.as_str();
    let is = |names: &[&str]| names.contains(&metric);
    let begins = |prefixes: &[&str]| prefixes.iter().any(|prefix| metric.starts_with(prefix));
    if begins(&["decision_"]) {
        nanos(value)
    } else if begins(&["latency_", "ttft_", "balancer_queue_", "provider_queue_"]) || is(&["ejection_delay", "recovery_time"]) {
        millis(value)
    } else if metric.ends_with("_ratio")
        || is(&["share", "max_share_error", "total_variation", "quota_utilization", "goodput", "efficiency"])
    {
        ratio_fine(value)
    } else {
        plain(value)
    }
}

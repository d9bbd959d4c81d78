//! A sweep for a terminal.

use super::{limit, plot, table};
use crate::render::View;
use crate::render::human::Page;
use crate::render::number::plural;
use crate::render::text::Tone;
use crate::report::{Document, Sweep, Verdict};

/// The whole sweep; ends with a newline, and no line is wider than `view.width`.
pub fn render(document: &Document, sweep: &Sweep, view: &View) -> String {
    let mut page = Page::new(view);
    head(&mut page, document, sweep);
    if let Some(shard) = &sweep.shard {
        let text = format!("shard {} of {}: a part of the runs; `lbsim merge` puts the parts together", shard.index, shard.of);
        page.paragraph(&text, 0, Tone::Plain);
        return page.into_text();
    }
    if !view.quiet {
        page.blank();
        page.table(&table(sweep, view.verbose));
        for line in plot::lines(sweep, view.width) {
            page.line(Tone::Plain, &line);
        }
    }
    if !sweep.limits.is_empty() {
        page.blank();
    }
    for one in &sweep.limits {
        page.paragraph(&limit(sweep, one), 2, Tone::Strong);
    }
    if !view.quiet {
        origin(&mut page, document);
    }
    page.into_text()
}

fn head(page: &mut Page<'_>, document: &Document, sweep: &Sweep) {
    let interrupted = document.verdict() == Verdict::Incomplete;
    let word = if interrupted { "INCOMPLETE" } else { "SWEPT" };
    let Some(report) = document.reports().first() else { return };
    let points: usize = sweep.axes.iter().map(|axis| axis.values.len()).product();
    let keys: Vec<&str> = sweep.axes.iter().map(|axis| axis.key.as_str()).collect();
    let runs = document.reports().iter().map(|report| report.runs.len() as u64).sum();
    let facts = [format!("{} of {}", plural(points as u64, "point"), keys.join(" × ")), plural(runs, "run")];
    page.items(&format!("{word} {}  ", report.scenario.name), &facts, word.len() + 1, Tone::Strong);
    if interrupted {
        page.paragraph("interrupted: only the runs that had ended by then are counted", word.len() + 1, Tone::Unsure);
    }
    if !page.view.quiet {
        page.paragraph(report.scenario.description.as_deref().unwrap_or_default(), 0, Tone::Plain);
    }
}

fn origin(page: &mut Page<'_>, document: &Document) {
    page.blank();
    let Some(report) = document.reports().first() else { return };
    let means = "figures are means over the seeds; -v shows 95 % intervals".to_owned();
    page.items("", &[format!("lbsim {}", document.lbsim()), report.scenario.path.clone(), means], 0, Tone::Quiet);
}

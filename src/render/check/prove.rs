//! What `lbsim check --prove` found: a line a fault.

use crate::gate::prove::{Proof, Proved};
use crate::render::View;
use crate::render::expectation::subject;
use crate::render::human::Page;
use crate::render::number::plural;
use crate::render::text::{Tone, paint};

/// A line for each fault, whether it was caught and by what, then the count.
pub fn human(proof: &Proof, view: &View) -> String {
    let mut page = Page::new(view);
    for proved in &proof.faults {
        if !view.quiet || proved.caught.is_empty() {
            line(&mut page, proved);
        }
    }
    if view.verbose && !proof.idle.is_empty() {
        page.blank();
        page.paragraph("caught nothing, and so guard against something else or against nothing:", 2, Tone::Plain);
        for idle in &proof.idle {
            page.paragraph(&format!("  {}: {} of {}", idle.scenario, idle.expectation.metric, subject(&idle.expectation)), 4, Tone::Quiet);
        }
    }
    let caught = proof.faults.iter().filter(|proved| !proved.caught.is_empty()).count();
    page.blank();
    let end = if proof.interrupted { ", interrupted" } else { "" };
    page.line(Tone::Plain, &format!("{caught} caught, {} missed{end}", proof.faults.len() - caught));
    page.into_text()
}

/// The same for scripts.
pub fn json(proof: &Proof) -> String {
    let mut text = serde_json::to_string_pretty(proof).expect("a proof is plain data");
    text.push('\n');
    text
}

fn line(page: &mut Page<'_>, proved: &Proved) {
    let color = page.view.color;
    let Some(first) = proved.caught.first() else {
        let why = if proved.tried == 0 { "shows in none of the scenarios" } else { "no expectation fails" };
        let text = format!("{}: {}; {why}; add {}", proved.fault, proved.summary, proved.add);
        return page.items(&format!("{} ", paint("MISSED", Tone::Bad, color)), &[text], 7, Tone::Plain);
    };
    let more = match proved.caught.len() - 1 {
        0 => String::new(),
        more => {
            let mut files: Vec<&str> = proved.caught.iter().map(|caught| caught.scenario.as_str()).collect();
            files.dedup();
            format!(", and {} in {}", plural(more as u64, "other"), plural(files.len() as u64, "file"))
        }
    };
    let by = format!("{}: {} of {}", first.scenario, first.expectation.metric, subject(&first.expectation));
    page.items(&format!("{} ", paint("caught", Tone::Good, color)), &[format!("{} by {by}{more}", proved.fault)], 7, Tone::Plain);
    if page.view.verbose {
        for caught in &proved.caught {
            let text = format!("  {}: {} of {}", caught.scenario, caught.expectation.metric, subject(&caught.expectation));
            page.paragraph(&text, 4, Tone::Quiet);
        }
    }
}

//! What `lbsim check --prove` found: a line a fault.

use crate::gate::prove::{Proof, Proved};
use crate::render::View;
use crate::render::expectation::subject;
use crate::render::human::Page;
use crate::render::number::plural;
use crate::render::text::{Tone, paint};
use crate::report::ExpectationResult;

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
            expectation(&mut page, &idle.scenario, &idle.expectation);
        }
    }
    let caught = proof.faults.iter().filter(|proved| !proved.caught.is_empty()).count();
    let open = proof.faults.iter().filter(|proved| is_open(proved)).count();
    if !view.quiet || caught < proof.faults.len() {
        page.blank();
    }
    let end = if proof.interrupted { format!(", {open} open: interrupted") } else { String::new() };
    page.line(Tone::Plain, &format!("{caught} caught, {} missed{end}", proof.faults.len() - caught - open));
    page.into_text()
}

/// Not caught so far, and not tried to the end.
fn is_open(proved: &Proved) -> bool {
    proved.caught.is_empty() && proved.unfinished > 0
}

/// The same for scripts.
pub fn json(proof: &Proof) -> String {
    let mut text = serde_json::to_string_pretty(proof).expect("a proof is plain data");
    text.push('\n');
    text
}

fn line(page: &mut Page<'_>, proved: &Proved) {
    let color = page.view.color;
    if is_open(proved) {
        let text = format!("{}: stopped in {}", proved.fault, plural(proved.unfinished as u64, "scenario"));
        return page.items(&format!("{} ", paint("open  ", Tone::Unsure, color)), &[text], 7, Tone::Plain);
    }
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
            expectation(page, &caught.scenario, &caught.expectation);
        }
    }
}

/// One expectation of one scenario, below what it caught.
fn expectation(page: &mut Page<'_>, scenario: &str, result: &ExpectationResult) {
    page.items("  ", &[format!("{scenario}: {} of {}", result.metric, subject(result))], 4, Tone::Quiet);
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;
    use std::sync::atomic::AtomicBool;

    use super::*;
    use crate::gate::prove::{Subject, prove};
    use crate::scenario::{self, Overrides};

    /// 12,000 requests, more than come between two looks at `stop`. A gate on weights alone.
    const TEXT: &str = r#"
schema = 1
name = "two"
load = { rate = "100/s", duration = "2m" }
balancer = { strategy = "weighted-round-robin" }
provider = [
    { name = "a", weight = 2, latency = "100ms" },
    { name = "b", weight = 1, latency = "100ms" },
]
expect = [
    { metric = "share", provider = "a", target = "66.7%", tolerance = "1%" },
    { metric = "success_ratio", min = "99%" },
]
"#;

    fn shown(stopped: bool, view: &View) -> String {
        let loaded = scenario::parse("two.toml", TEXT, &Overrides::default()).expect("it is valid").scenario;
        let subject = Subject { name: &loaded.name, plan: &loaded.plan, expectations: &loaded.expectations };
        human(&prove(&[subject], NonZeroUsize::MIN, &AtomicBool::new(stopped)).expect("it can be driven"), view)
    }

    const VIEW: View = View { width: 80, color: false, quiet: false, verbose: true, gate: false };

    /// What caught a fault is set below it, and what caught nothing at the end.
    #[test]
    fn each_fault_with_what_caught_it() {
        let shown = shown(false, &VIEW);
        assert!(shown.starts_with("caught weights-ignored by two: share of a\n  two: share of a\ncaught weights-reversed by "), "{shown}");
        assert!(shown.contains("\nMISSED never-ejects: a failing provider keeps its share; shows in none of the\n       scenarios; add "));
        assert!(shown.contains("or against nothing:\n  two: success_ratio of the run\n"), "{shown}");
        assert!(shown.ends_with("\n\n5 caught, 8 missed\n"), "{shown}");
    }

    /// A run that was stopped has figures that nobody expected: they neither catch a fault nor miss it, and nothing is
    /// said about expectations that caught nothing.
    #[test]
    fn a_stopped_run_proves_nothing() {
        let shown = shown(true, &VIEW);
        assert!(shown.starts_with("open   weights-ignored: stopped in 1 scenario\n"), "{shown}");
        assert!(!shown.contains("caught weights") && !shown.contains("against nothing"), "{shown}");
        assert!(shown.ends_with("\n\n0 caught, 8 missed, 5 open: interrupted\n"), "{shown}");
    }

    /// Quietly, a gate that misses something says what, and nothing else.
    #[test]
    fn quiet() {
        let shown = shown(false, &View { quiet: true, ..VIEW });
        assert!(shown.starts_with("MISSED never-ejects: "), "{shown}");
        assert!(!shown.contains("caught weights"), "{shown}");
    }
}

//! Several scenarios against their expectations: a line each, and at the end what does not hold.

pub mod human;
pub mod markdown;
pub mod prove;

use super::number::plural;
use crate::report::{ExpectationResult, Report, Run, Verdict};

/// How many files ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    passed: usize,
    failed: usize,
    inconclusive: usize,
    interrupted: usize,
    without: usize,
    invalid: usize,
}

impl Tally {
    pub(super) fn of(reports: &[Report], invalid: &[String]) -> Tally {
        let mut tally = Tally { invalid: invalid.len(), ..Tally::default() };
        for report in reports {
            *match report.verdict {
                Verdict::Pass => &mut tally.passed,
                Verdict::Fail => &mut tally.failed,
                Verdict::NoData | Verdict::Noisy => &mut tally.inconclusive,
                Verdict::Incomplete => &mut tally.interrupted,
                Verdict::None => &mut tally.without,
            } += 1;
        }
        tally
    }

    /// `22 passed, 1 failed`; what did not happen is left out, but for those two.
    pub(super) fn text(self) -> String {
        let mut parts = vec![format!("{} passed", self.passed), format!("{} failed", self.failed)];
        let more = [
            (self.inconclusive, "inconclusive"),
            (self.interrupted, "interrupted"),
            (self.invalid, "invalid"),
            (self.without, "without expectations"),
        ];
        parts.extend(more.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")));
        parts.join(", ")
    }
}

/// `6 of 6 hold`, over all runs of a report.
fn score(report: &Report) -> String {
    let all = || report.runs.iter().flat_map(|run| &run.expectations);
    let held = all().filter(|expectation| expectation.verdict == Verdict::Pass).count();
    match all().count() {
        0 => "nothing is expected".to_owned(),
        count if report.runs.len() > 1 => format!("{held} of {count} hold over {}", plural(report.runs.len() as u64, "seed")),
        count => format!("{held} of {count} hold"),
    }
}

/// An expectation that does not hold.
pub(super) struct Missed<'r> {
    /// In the first run that misses it.
    pub(super) first: (&'r Run, &'r ExpectationResult),
    /// Runs that miss it.
    pub(super) runs: usize,
}

/// Every expectation that does not hold, in file order, once however many runs miss it.
pub(super) fn missed(report: &Report) -> Vec<Missed<'_>> {
    let expectations = report.runs.iter().map(|run| run.expectations.len()).max().unwrap_or(0);
    let missing = |at: usize| {
        let results = report.runs.iter().filter_map(move |run| Some((run, run.expectations.get(at)?)));
        let mut missing = results.filter(|(_, expectation)| expectation.verdict != Verdict::Pass);
        let first = missing.next()?;
        Some(Missed { first, runs: 1 + missing.count() })
    };
    (0..expectations).filter_map(missing).collect()
}

//! Workflow commands of GitHub Actions: an annotation on the line of each expectation that does not hold.
//!
//! Syntax and escapes: docs.github.com, "Workflow commands for GitHub Actions", and `@actions/core` `command.ts`. GitHub shows
//! at most ten annotations of a kind per step, so the tenth says how many more there are.

use super::check::{Missed, Tally, missed};
use super::expectation::{reproduce, sentence};
use crate::report::{Document, Report};

/// Annotations that are spelled out.
const SHOWN: usize = 9;

/// A line each; the last one is for people who read the log.
pub fn render(document: &Document) -> String {
    let wrong: Vec<(&Report, Missed<'_>)> =
        document.reports().iter().flat_map(|report| missed(report).into_iter().map(move |missed| (report, missed))).collect();
    let mut text = String::new();
    let invalid = if let Document::Many(collection) = document { &collection.invalid[..] } else { &[] };
    let mut left = SHOWN;
    for path in invalid.iter().take(SHOWN) {
        left -= 1;
        text += &format!("::error file={},title=invalid scenario::see the errors in the log\n", property(path));
    }
    for (report, missed) in wrong.iter().take(left) {
        text += &annotation(report, missed);
    }
    let all = wrong.len() + invalid.len();
    if all > SHOWN {
        text += &format!("::error title=lbsim::{} more do not hold, see the log\n", all - SHOWN);
    }
    text + &Tally::of(document.reports(), invalid).text() + "\n"
}

fn annotation(report: &Report, missed: &Missed<'_>) -> String {
    let (run, expectation) = missed.first;
    let line = expectation.line.map(|line| format!(",line={line}")).unwrap_or_default();
    let title = format!("{}: {}", report.scenario.name, expectation.metric);
    let mut message = sentence(expectation);
    if let Some(cause) = &expectation.cause {
        message += &format!("\nprobably: {cause}");
    }
    message += &format!("\nagain: {}", reproduce(report, run).line());
    format!("::error file={}{line},title={}::{}\n", property(&report.scenario.path), property(&title), data(&message))
}

/// What stands behind the last `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What stands behind a `=`.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;
    use crate::report::Verdict;

    /// The line of the file, escapes, and a count in place of what GitHub would not show.
    #[test]
    fn annotations_point_at_the_line_and_there_are_at_most_ten() {
        let mut report = sample::report();
        report.scenario.path = "a,b:c.toml".to_owned();
        report.runs[0].expectations.retain(|expectation| expectation.verdict == Verdict::Fail);
        report.runs[0].expectations.truncate(1);
        report.runs[0].expectations[0].line = Some(17);
        report.runs[0].expectations[0].cause = Some("5 % noise".to_owned());
        let text = render(&Document::One(report.clone()));
        assert_eq!(
            text.lines().next(),
            Some(
                "::error file=a%2Cb%3Ac.toml,line=17,title=weighted%3A success_ratio::success_ratio of the run: want ≥ 99.9%25, got 99.5833 \
                 %25 (12,000 samples)%0Aprobably: 5 %25 noise%0Aagain: lbsim run a,b:c.toml --seed 42"
            )
        );
        let missed = report.runs[0].expectations[0].clone();
        report.runs[0].expectations = vec![missed; 25];
        let text = render(&Document::One(report));
        assert_eq!(text.lines().filter(|line| line.starts_with("::error ")).count(), 10);
        assert!(text.contains("::16 more do not hold"), "{text}");
    }
}

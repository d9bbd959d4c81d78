//! JUnit XML, which continuous integration systems show as tests: a suite per run, a case per expectation.
//!
//! An expectation that does not hold is a failure; one without data, or that could not be decided, an error, because nobody
//! knows whether it holds; one of an interrupted run is skipped. No time or date is written: the file is a function of the
//! result.

use quick_junit::{NonSuccessKind, Report as Suites, TestCase, TestCaseStatus, TestSuite};

use super::expectation::{reproduce, sentence, subject};
use crate::report::{Document, ExpectationResult, Report, Run, Verdict};

/// The XML.
pub fn render(document: &Document) -> String {
    let mut suites = Suites::new("lbsim");
    for report in document.reports() {
        suites.add_test_suites(report.runs.iter().map(|run| suite(report, run)));
    }
    if let Document::Many(collection) = document {
        suites.add_test_suites(collection.invalid.iter().map(|path| invalid(path)));
    }
    suites.to_string().expect("the text comes from a report and memory takes every byte")
}

fn suite(report: &Report, run: &Run) -> TestSuite {
    let mut suite = TestSuite::new(format!("{} ({}, seed {})", report.scenario.name, run.balancer(), run.seed));
    suite.add_property(("scenario", report.scenario.path.as_str()));
    suite.add_property(("digest", report.scenario.digest.as_str()));
    suite.add_test_cases(run.expectations.iter().map(|expectation| case(report, run, expectation)));
    suite
}

fn case(report: &Report, run: &Run, expectation: &ExpectationResult) -> TestCase {
    let status = match expectation.verdict {
        Verdict::Pass => TestCaseStatus::success(),
        Verdict::Incomplete | Verdict::None => TestCaseStatus::skipped(),
        Verdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::NoData | Verdict::Noisy => TestCaseStatus::non_success(NonSuccessKind::Error),
    };
    let wrong = matches!(status, TestCaseStatus::NonSuccess { .. });
    let mut case = TestCase::new(format!("{} of {}", expectation.metric, subject(expectation)), status);
    case.set_classname(report.scenario.name.as_str());
    if wrong {
        let cause = expectation.cause.as_deref().map(|cause| format!("probably: {cause}\n")).unwrap_or_default();
        let line = expectation.line.map(|line| format!(":{line}")).unwrap_or_default();
        let kind = if expectation.verdict == Verdict::Fail { "failed" } else { "no-data" };
        case.status.set_type(kind).set_message(sentence(expectation));
        case.status.set_description(format!("{}{line}\n{cause}again: {}", report.scenario.path, reproduce(report, run).line()));
    }
    case
}

fn invalid(path: &str) -> TestSuite {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_type("invalid").set_message("the scenario is invalid; `lbsim validate` says why");
    let mut suite = TestSuite::new(path);
    suite.add_test_case(TestCase::new("valid scenario", status));
    suite
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    /// One case per expectation, one element per verdict, and what XML forbids is escaped.
    #[test]
    fn every_expectation_is_a_case() {
        let mut report = sample::report();
        report.scenario.name = "a<b> & \"c\"".to_owned();
        let text = render(&Document::One(report));
        assert_eq!(text.matches("<testcase ").count(), 5);
        assert_eq!((text.matches("<failure ").count(), text.matches("<error ").count()), (2, 1));
        assert!(text.contains("tests=\"5\"") && text.contains("failures=\"2\"") && text.contains("errors=\"1\""), "{text}");
        assert!(text.contains("a&lt;b&gt; &amp; &quot;c&quot;") && !text.contains("a<b>"), "{text}");
        assert!(!text.contains(" time=") && !text.contains("timestamp="), "{text}");
    }
}

//! Exit codes: what a script or a CI job learns without reading anything.

use std::process::ExitCode;

use clap::ValueEnum;

use crate::report::Verdict;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// 0: everything held.
    Held,
    /// 1: an expectation failed.
    Failed,
    /// 2: usage error or invalid scenario.
    Usage,
    /// 3: no data, or too noisy to decide.
    Inconclusive,
    /// 4: there was nothing to do.
    NothingRun,
    /// 5: an output could not be written.
    Output,
    /// 130: interrupted.
    Interrupted,
}

/// For `--help`.
pub const HELP: &str = "\
Exit codes:
  0    everything held (or nothing was expected)
  1    an expectation failed
  2    usage error or invalid scenario
  3    inconclusive: an expectation had no data, or the machine was too noisy
  4    nothing was done: no scenario file found
  5    an output could not be written (checked before the run)
  130  interrupted (Ctrl-C); the report is marked INCOMPLETE
Where several apply: 2 before 1 before 3.";

impl Exit {
    /// The number the operating system gets.
    pub fn code(self) -> u8 {
        match self {
            Exit::Held => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Inconclusive => 3,
            Exit::NothingRun => 4,
            Exit::Output => 5,
            Exit::Interrupted => 130,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> ExitCode {
        ExitCode::from(exit.code())
    }
}

/// An end without a result, and what to tell the user.
#[derive(Debug)]
pub struct Failure {
    /// The code.
    pub exit: Exit,
    /// A lowercase fragment without a final full stop.
    pub message: String,
}

impl Failure {
    /// The command line makes no sense.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure { exit: Exit::Usage, message: message.into() }
    }

    /// `what` could not be written.
    pub fn output(what: impl std::fmt::Display, why: &std::io::Error) -> Failure {
        Failure { exit: Exit::Output, message: format!("cannot write {what}: {why}") }
    }
}

/// What turns the exit code from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// An expectation failed (exit 1).
    Failed,
    /// An expectation had no data (exit 3).
    NoData,
    /// The machine was too noisy to judge one (exit 3).
    Noisy,
    /// The scenario has a warning (exit 1).
    Warning,
    /// Nothing: describe only.
    None,
}

impl FailOn {
    /// A list that does not contradict itself.
    ///
    /// # Errors
    /// A usage error for `none` beside anything else.
    pub fn checked(list: &[FailOn]) -> Result<&[FailOn], Failure> {
        if list.contains(&FailOn::None) && list.iter().any(|reason| *reason != FailOn::None) {
            return Err(Failure::usage("--fail-on none cannot be combined with anything else"));
        }
        Ok(list)
    }
}

/// The exit code for these verdicts: 130 if interrupted, else the worst of what `fail_on` asks for, 1 before 3.
pub fn judge(verdicts: impl Iterator<Item = Verdict> + Clone, warnings: usize, interrupted: bool, fail_on: &[FailOn]) -> Exit {
    let any = |verdict| verdicts.clone().any(|one| one == verdict);
    let asked = |reason| fail_on.contains(&reason);
    if interrupted {
        Exit::Interrupted
    } else if (asked(FailOn::Failed) && any(Verdict::Fail)) || (asked(FailOn::Warning) && warnings > 0) {
        Exit::Failed
    } else if (asked(FailOn::NoData) && any(Verdict::NoData)) || (asked(FailOn::Noisy) && any(Verdict::Noisy)) {
        Exit::Inconclusive
    } else {
        Exit::Held
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::verdict;

    const DEFAULT: [FailOn; 3] = [FailOn::Failed, FailOn::NoData, FailOn::Noisy];

    #[test]
    fn codes_follow_the_precedence() {
        use Verdict::{Fail, NoData, Noisy, Pass};
        // Verdicts of the expectations, warnings, interrupted, --fail-on → verdict of the run, exit code.
        type Row<'a> = (&'a [Verdict], usize, bool, &'a [FailOn], Verdict, u8);
        let table: [Row<'_>; 14] = [
            (&[], 0, false, &DEFAULT, Verdict::None, 0),
            (&[], 1, false, &DEFAULT, Verdict::None, 0),
            (&[], 1, false, &[FailOn::Warning], Verdict::None, 1),
            (&[Pass], 0, false, &DEFAULT, Pass, 0),
            (&[Pass, Fail], 0, false, &DEFAULT, Fail, 1),
            (&[Fail, NoData, Noisy], 0, false, &DEFAULT, Fail, 1),
            (&[Pass, NoData], 0, false, &DEFAULT, NoData, 3),
            (&[Noisy, NoData], 0, false, &DEFAULT, Noisy, 3),
            (&[Fail, NoData], 0, false, &[FailOn::NoData], Fail, 3),
            (&[Fail], 0, false, &[FailOn::NoData], Fail, 0),
            (&[NoData], 0, false, &[FailOn::Failed], NoData, 0),
            (&[Fail, NoData, Noisy], 3, false, &[FailOn::None], Fail, 0),
            (&[Fail], 0, true, &DEFAULT, Verdict::Incomplete, 130),
            (&[Pass], 0, true, &[FailOn::None], Verdict::Incomplete, 130),
        ];
        for (verdicts, warnings, interrupted, fail_on, overall, code) in table {
            assert_eq!(verdict(verdicts.iter().copied(), interrupted), overall, "{verdicts:?}");
            assert_eq!(
                judge(verdicts.iter().copied(), warnings, interrupted, fail_on).code(),
                code,
                "{verdicts:?} {warnings} {interrupted} {fail_on:?}"
            );
        }
    }

    #[test]
    fn the_help_lists_every_code() {
        let all = [Exit::Held, Exit::Failed, Exit::Usage, Exit::Inconclusive, Exit::NothingRun, Exit::Output, Exit::Interrupted];
        for exit in all {
            assert!(HELP.lines().any(|line| line.split_whitespace().next() == Some(&exit.code().to_string())), "{exit:?}");
        }
    }
}

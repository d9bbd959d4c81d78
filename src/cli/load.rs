//! A scenario from its file, with everything that is wrong or odd about it said on stderr.

use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use crate::scenario::{self, Overrides, Scenario, Severity};

/// A scenario that can be run.
#[derive(Debug)]
pub struct Ready {
    /// The scenario.
    pub scenario: Scenario,
    /// Warnings in it. A note, such as another name of a strategy, is nothing to fail on and does not count.
    pub warnings: usize,
}

/// Reads `path`, writes its warnings to stderr (unless `-q`) and its errors in any case.
///
/// # Errors
/// [`Exit::Usage`] for a scenario with errors, which have been written.
pub fn scenario(path: &str, overrides: &Overrides, terminal: &Terminal) -> Result<Ready, Exit> {
    let loaded = scenario::load(path, overrides).map_err(|wrong| {
        terminal.complain(&wrong.render(terminal.color_stderr, terminal.view.width));
        Exit::Usage
    })?;
    if !loaded.warnings.is_empty() {
        terminal.remark(&loaded.warnings.render(terminal.color_stderr, terminal.view.width));
    }
    let warnings = loaded.warnings.iter().filter(|found| found.severity == Severity::Warning).count();
    Ok(Ready { scenario: loaded.scenario, warnings })
}

/// As [`scenario()`], without warnings: for the same file with other values.
///
/// # Errors
/// As [`scenario()`].
pub fn silently(path: &str, overrides: &Overrides, terminal: &Terminal) -> Result<Ready, Exit> {
    let loaded = scenario::load(path, overrides).map_err(|wrong| {
        terminal.complain(&wrong.render(terminal.color_stderr, terminal.view.width));
        Exit::Usage
    })?;
    Ok(Ready { scenario: loaded.scenario, warnings: 0 })
}

/// A plan that no driver takes, although the scenario layer did.
pub fn cannot_drive(scenario: &Scenario, why: &crate::drive::DriveError) -> Failure {
    Failure::usage(format!("{}: {why}", scenario.path))
}

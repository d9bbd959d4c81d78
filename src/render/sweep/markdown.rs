//! A sweep for a pull request.

use super::{limit, table};
use crate::report::{Document, Sweep};

/// The table, and how far the load can go.
pub fn render(document: &Document, sweep: &Sweep) -> String {
    let Some(report) = document.reports().first() else { return String::new() };
    let mut text = format!("### SWEPT {}\n\n", report.scenario.name);
    if let Some(shard) = &sweep.shard {
        return text + &format!("shard {} of {}: a part of the runs\n", shard.index, shard.of);
    }
    text += &table(sweep, true).markdown();
    let limits: Vec<String> = sweep.limits.iter().map(|one| format!("- {}\n", limit(sweep, one))).collect();
    if !limits.is_empty() {
        text += &format!("\n{}", limits.concat());
    }
    text + &format!("\n<sub>lbsim {} · `{}`</sub>\n", document.lbsim(), report.scenario.path)
}

//! `lbsim schema`: the JSON Schemas of scenarios, results and benches.

use clap::Args;

use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use crate::render::{bench, json};
use crate::scenario;

/// Print the JSON Schema of scenario files, of results, or of benches
#[derive(Debug, Args)]
#[command(after_help = "Editors take it from the first line of a scenario:\n  #:schema ./scenario.v1.json")]
pub struct Options {
    /// Of results (`--format json`) instead
    #[arg(long)]
    pub result: bool,
    /// Of `lbsim bench --format json` instead
    #[arg(long, conflicts_with = "result")]
    pub bench: bool,
}

pub fn execute(options: &Options, terminal: &Terminal) -> Result<Exit, Failure> {
    terminal.print(&match (options.result, options.bench) {
        (true, _) => json::schema(),
        (_, true) => bench::schema(),
        _ => scenario::schema::text(),
    })?;
    Ok(Exit::Held)
}

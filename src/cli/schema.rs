//! `lbsim schema`: the JSON Schemas of scenarios and results.

use clap::Args;

use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use crate::render::json;
use crate::scenario;

/// Print the JSON Schema of scenario files, or of results
#[derive(Debug, Args)]
#[command(after_help = "Editors take it from the first line of a scenario:\n  #:schema ./scenario.v1.json")]
pub struct Options {
    /// Of results (`--format json`) instead
    #[arg(long)]
    pub result: bool,
}

pub fn execute(options: &Options, terminal: &Terminal) -> Result<Exit, Failure> {
    terminal.print(&if options.result { json::schema() } else { scenario::schema::text() })?;
    Ok(Exit::Held)
}

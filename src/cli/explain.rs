//! `lbsim explain`: what the code of a diagnostic means.

use clap::Args;

use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::unknown::unknown;
use crate::render::text::wrap;
use crate::scenario::code::{CODES, explain};

/// Explain the code of a diagnostic, such as bad-duration
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  lbsim explain min-above-max")]
pub struct Options {
    /// The word in brackets behind `error` or `warning`; without one all are listed
    pub code: Option<String>,
}

pub fn execute(options: &Options, terminal: &Terminal) -> Result<Exit, Failure> {
    let width = terminal.view.width;
    let text = match &options.code {
        Some(code) => {
            let info = explain(code).ok_or_else(|| unknown("code", code, CODES.iter().map(|info| info.code), "lbsim explain"))?;
            format!("{}\n\n{}\n", info.code, wrap(info.explanation, width, 0).join("\n"))
        }
        None => CODES.iter().map(|info| wrap(&format!("{}: {}", info.code, info.explanation), width, 2).join("\n") + "\n").collect(),
    };
    terminal.print(&text)?;
    Ok(Exit::Held)
}

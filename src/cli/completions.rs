//! `lbsim completions`: a script for the shell, made from the same definitions as the parser.

use clap::{Args, CommandFactory};

use super::args::Arguments;
use super::exit::{Exit, Failure};
use super::terminal::Terminal;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  lbsim completions bash > ~/.local/share/bash-completion/completions/lbsim")]
pub struct Options {
    /// Which shell
    pub shell: clap_complete::Shell,
}

pub fn execute(options: &Options, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), "lbsim", &mut script);
    terminal.print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Held)
}

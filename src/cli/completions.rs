//! `lbsim completions`: a script for the shell, made from the same definitions as the parser.

use clap::CommandFactory;

use super::args::{Arguments, Completions as Options};
use super::exit::{Exit, Failure};
use super::terminal::Terminal;

pub fn execute(options: &Options, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(options.shell, &mut Arguments::command(), "lbsim", &mut script);
    terminal.print(&String::from_utf8_lossy(&script))?;
    Ok(Exit::Held)
}

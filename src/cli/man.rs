//! `lbsim man`: manual pages, made from the same definitions as the parser.

use clap::{Args, CommandFactory};

use super::args::Arguments;
use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::unknown::unknown;

/// Print the manual page of lbsim, or of one of its commands
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  lbsim man run | man -l -")]
pub struct Options {
    /// Which command
    pub command: Option<String>,
}

pub fn execute(options: &Options, terminal: &Terminal) -> Result<Exit, Failure> {
    let mut root = Arguments::command();
    // Flags of every command, and the names of the commands, are filled in when the tree is built.
    root.build();
    let page = match &options.command {
        None => root,
        Some(name) => {
            let found = root.find_subcommand(name).cloned();
            found.ok_or_else(|| unknown("command", name, root.get_subcommands().map(clap::Command::get_name), "lbsim --help"))?
        }
    };
    let mut text = Vec::new();
    clap_mangen::Man::new(page).render(&mut text).map_err(|problem| Failure::output("the manual page", &problem))?;
    terminal.print(&String::from_utf8_lossy(&text))?;
    Ok(Exit::Held)
}

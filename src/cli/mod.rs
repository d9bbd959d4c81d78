//! The command line: one file per command, and what they share.
//!
//! Results go to stdout; warnings, progress and the tool's own timing to stderr. Exit codes: [`exit`].

mod args;
mod assemble;
mod baseline;
mod bench;
mod check;
mod compare;
mod completions;
mod decisions;
mod destination;
pub mod exit;
mod experiment;
mod explain;
mod files;
mod init;
mod interrupt;
mod load;
mod man;
mod merge;
mod output;
mod probe;
mod profiles;
mod progress;
mod prove;
mod report;
mod run;
mod schema;
mod serve;
mod shard;
mod strategies;
mod summary;
mod sweep;
mod target;
mod terminal;
mod unknown;
mod validate;
mod variants;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};
use exit::{Exit, Failure};
use terminal::Terminal;

/// Runs the program on the arguments of this process.
pub fn main() -> ExitCode {
    start(std::env::args_os()).into()
}

fn start(arguments: impl Iterator<Item = OsString>) -> Exit {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return not_a_command(&error),
    };
    let terminal = Terminal::new(&arguments.global);
    execute(&arguments.command, &terminal).unwrap_or_else(|failure| {
        terminal.error(&failure.message);
        failure.exit
    })
}

fn execute(command: &Command, terminal: &Terminal) -> Result<Exit, Failure> {
    match command {
        Command::Run(options) => run::execute(options, terminal),
        Command::Check(options) => check::execute(options, terminal),
        Command::Report(options) => report::execute(options, terminal),
        Command::Compare(options) => compare::execute(options, terminal),
        Command::Sweep(options) => sweep::execute(options, terminal),
        Command::Merge(options) => merge::execute(options, terminal),
        Command::Bench(options) => bench::execute(options, terminal),
        Command::Serve(options) => serve::execute(options, terminal),
        Command::Validate(options) => validate::execute(options, terminal),
        Command::Schema(options) => schema::execute(options, terminal),
        Command::Strategies(options) => strategies::execute(options, terminal),
        Command::Profiles(options) => profiles::execute(options, terminal),
        Command::Init(options) => init::execute(options, terminal),
        Command::Explain(options) => explain::execute(options, terminal),
        Command::Man(options) => man::execute(options, terminal),
        Command::Completions(options) => completions::execute(options, terminal),
    }
}

/// `--help` and `--version` are results; everything else that does not parse is a usage error.
fn not_a_command(error: &clap::Error) -> Exit {
    let asked_for = !error.use_stderr();
    match error.print() {
        Err(problem) if asked_for && problem.kind() != std::io::ErrorKind::BrokenPipe => Exit::Output,
        _ if asked_for => Exit::Held,
        _ => Exit::Usage,
    }
}

//! The arguments that commands share, and the texts of `--help`.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::thread::available_parallelism;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::exit::{FailOn, Failure, HELP};
use super::{
    bench, check, compare, completions, explain, init, man, merge, profiles, report, run, schema, serve, strategies, sweep, validate,
};
use crate::render::{FORMATS, Format};
use crate::scenario::Overrides;

const EXAMPLES: &str = "\
Examples:
  lbsim run scenarios/weighted.toml
  lbsim run weighted.toml --strategy power-of-two --set load.rate=200/s
  lbsim run weighted.toml -o result.json -o result.md --stable
  lbsim check scenarios
  lbsim compare scenarios/weighted.toml
  lbsim validate scenarios";

pub const WORDS: &str = "\
Words:
  request   what a client asks for once, at its intended arrival time
  attempt   one try of a request at one provider; share counts attempts
  shed      refused by the balancer itself; 429s are refusals of a provider
  failed    of a provider: errors other than 429, and timeouts
  latency   intended arrival to last byte, successful requests only
  ttft      intended arrival to first token
  queue     of the balancer: waiting to be sent; of a provider: for a slot
  error     share minus target, in percentage points (pp)
Times are simulated, except for what is said to be wall clock.";

/// See, compare and prove how load balancing over LLM providers behaves.
#[derive(Debug, Parser)]
#[command(name = "lbsim", version, arg_required_else_help = true, disable_help_subcommand = true, max_term_width = 92)]
#[command(after_help = format!("{EXAMPLES}\n\n{HELP}"), after_long_help = format!("{EXAMPLES}\n\n{HELP}\n\n{WORDS}"))]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// One line a command; its options, its help and what it does stand in its own file.
#[derive(Debug, Subcommand)]
pub enum Command {
    Run(run::Options),
    Check(check::Options),
    Report(report::Options),
    Compare(compare::Options),
    Sweep(sweep::Options),
    Merge(merge::Options),
    Bench(bench::Options),
    Serve(serve::Options),
    Validate(validate::Options),
    Init(init::Options),
    Schema(schema::Options),
    Strategies(strategies::Options),
    Profiles(profiles::Options),
    Explain(explain::Options),
    Completions(completions::Options),
    Man(man::Options),
}

/// Flags of every command.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct Global {
    /// Only verdicts and errors: no warnings, progress or timing
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// Show more: every provider and every column, and why providers were skipped (then no pick is timed)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Colours; auto: on a terminal, unless NO_COLOR is set
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = Color::Auto, hide_possible_values = true)]
    #[arg(help = "Colours: auto (on a terminal, unless NO_COLOR is set), always, never")]
    pub color: Color,
    #[arg(long, global = true, value_enum, value_name = "HOW", default_value_t = Progress::Auto, hide_possible_values = true)]
    #[arg(help = "Progress on stderr after 1 s: auto (a bar, on a terminal only),\nbar (elsewhere lines), plain (lines), none")]
    pub progress: Progress,
    /// Columns of text, 40 to 1000 [default: of the terminal, at most 92]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(40..=1000))]
    pub width: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Progress {
    Auto,
    Bar,
    Plain,
    None,
}

/// What the command line changes in a scenario.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct Changes {
    /// Seed of every draw, instead of the file's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Strategy, instead of the file's; see `lbsim strategies`
    #[arg(long, value_name = "NAME")]
    pub strategy: Option<String>,
    /// Change one key, e.g. load.rate=200/s or provider.beta.weight=4
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Expect this too, e.g. 'share(alpha)=50%±1%' or 'latency_p99@down<=2s'
    #[arg(long, value_name = "WHAT")]
    #[arg(
        help = "Expect this too: METRIC(PROVIDER)[CLASS]@WINDOW, then =, >= or <=, e.g.\n'share(alpha)=50%±1%', 'success_ratio>=99%', 'latency_p99@down<=2s'"
    )]
    pub expect: Vec<String>,
    /// Simulated time, or real time over HTTP on loopback
    #[arg(long, value_enum, value_name = "CLOCK", hide_possible_values = true)]
    #[arg(
        help = "virtual: simulated time; real: real time, with every provider an HTTP\nserver on loopback [default: the file's, else virtual]"
    )]
    pub clock: Option<Clock>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Clock {
    Virtual,
    Real,
}

impl Changes {
    /// As the scenario layer takes them.
    pub fn overrides(&self) -> Overrides {
        let clock = self.clock.map(|clock| match clock {
            Clock::Virtual => "clock=virtual".to_owned(),
            Clock::Real => "clock=real".to_owned(),
        });
        Overrides {
            set: self.set.iter().cloned().chain(clock).collect(),
            seed: self.seed,
            strategy: self.strategy.clone(),
            expect: self.expect.clone(),
        }
    }
}

/// What turns the exit code from 0.
#[derive(Clone, Debug, Args)]
pub struct Strictness {
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',', hide_default_value = true, hide_possible_values = true)]
    #[arg(default_values_t = [FailOn::Failed, FailOn::NoData, FailOn::Noisy])]
    #[arg(help = "What makes the exit code 1 or 3, a list of: failed, no-data, noisy,\nwarning; or none [default: failed,no-data,noisy]")]
    pub fail_on: Vec<FailOn>,
}

impl Strictness {
    /// The list, if it does not contradict itself.
    ///
    /// # Errors
    /// `none` beside anything else.
    pub fn checked(&self) -> Result<&[FailOn], Failure> {
        FailOn::checked(&self.fail_on)
    }
}

/// For commands that describe: nothing makes them fail unless it is asked for.
#[derive(Clone, Debug, Args)]
pub struct Describing {
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',', hide_possible_values = true)]
    #[arg(help = "What makes the exit code 1 or 3, a list of: failed, no-data, noisy,\nwarning; or none [default: none]")]
    pub fail_on: Vec<FailOn>,
}

impl Describing {
    /// The list, if it does not contradict itself.
    ///
    /// # Errors
    /// `none` beside anything else.
    pub fn checked(&self) -> Result<&[FailOn], Failure> {
        FailOn::checked(&self.fail_on)
    }
}

/// The given number of threads, else one per core.
pub fn threads(jobs: Option<NonZeroUsize>) -> NonZeroUsize {
    jobs.or_else(|| available_parallelism().ok()).unwrap_or(NonZeroUsize::MIN)
}

/// Where results go, and how.
#[derive(Clone, Debug, Args)]
pub struct Results {
    /// Format on stdout and of files without an extension
    #[arg(long, value_name = "FORMAT", default_value = "human", value_parser = formats())]
    pub format: Format,
    /// Write here instead of to stdout (`-`); repeatable
    #[arg(short, long, value_name = "FILE", help = output_help())]
    pub output: Vec<PathBuf>,
    #[arg(long, value_name = "FILE", num_args = 0..=1)]
    #[arg(help = "Append Markdown to FILE [without one: to the file that\nGITHUB_STEP_SUMMARY names; then give it as the last flag]")]
    pub summary: Option<Option<PathBuf>>,
}

/// The names of the table of formats.
fn formats() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(FORMATS.map(|info| PossibleValue::new(info.name).help(info.summary)))
        .map(|name| Format::parse(&name).expect("the parser takes only names of the table"))
}

fn output_help() -> String {
    let known = FORMATS.map(|info| format!(".{}", info.extension)).join(", ");
    format!("Write here instead of to stdout (`-`), repeatable; the format is that\nof the ending: {known}")
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    Human,
    Json,
    Markdown,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fail_on_none_stands_alone() {
        let strictness = |fail_on: &[FailOn]| Strictness { fail_on: fail_on.to_vec() };
        assert!(strictness(&[FailOn::None]).checked().is_ok());
        assert!(strictness(&[FailOn::None, FailOn::Noisy]).checked().is_err());
    }
}

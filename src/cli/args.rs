//! The arguments, and the texts of `--help`.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::exit::{FailOn, HELP};
use crate::render::Format;

const EXAMPLES: &str = "\
Examples:
  lbsim run scenarios/weighted.toml
  lbsim run weighted.toml --strategy power-of-two --set load.rate=200/s
  lbsim run weighted.toml -o result.json -o result.md --stable
  lbsim validate scenarios";

const WORDS: &str = "\
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

const PROFILES: &str = "\
A scenario begins with a profile and overrides what it knows better:
  [[provider]]
  name = \"alpha\"
  profile = \"openai-tier3\"
  ttft = { p50 = \"900ms\", p99 = \"4s\", per_1k_input = \"30ms\" }
`latency` replaces how long answers take, `ttft` and `itl` one half of it each;
`limits` replaces all limits, not single ones.";

/// See, compare and prove how load balancing over LLM providers behaves.
#[derive(Debug, Parser)]
#[command(name = "lbsim", version, arg_required_else_help = true, disable_help_subcommand = true)]
#[command(after_help = format!("{EXAMPLES}\n\n{HELP}"), after_long_help = format!("{EXAMPLES}\n\n{HELP}\n\n{WORDS}"))]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Run(Run),
    Validate(Validate),
    Strategies(Strategies),
    Profiles(Profiles),
    Completions(Completions),
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

/// Run one scenario with one strategy and judge its expectations
#[derive(Debug, Args)]
#[command(after_help = HELP, after_long_help = format!("{HELP}\n\n{WORDS}"))]
pub struct Run {
    /// The scenario file (TOML)
    pub scenario: String,
    /// Seed of every draw, instead of the file's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Strategy, instead of the file's; see `lbsim strategies`
    #[arg(long, value_name = "NAME")]
    pub strategy: Option<String>,
    /// Change one key, e.g. load.rate=200/s or provider.beta.weight=4
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
    /// Format on stdout and of files without an extension
    #[arg(long, value_enum, default_value_t = ResultFormat::Human)]
    pub format: ResultFormat,
    /// Write here instead of to stdout (`-`); repeatable
    #[arg(short, long, value_name = "FILE")]
    #[arg(help = "Write here instead of to stdout (`-`), repeatable; the format is that\nof the extension: .json, .csv, .md, .txt")]
    pub output: Vec<PathBuf>,
    /// Write every decision here, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub decisions: Option<PathBuf>,
    /// Leave out what depends on the machine: same input, same bytes
    #[arg(long)]
    pub stable: bool,
    #[arg(long, value_enum, value_name = "WHAT", value_delimiter = ',', hide_default_value = true, hide_possible_values = true)]
    #[arg(default_values_t = [FailOn::Failed, FailOn::NoData, FailOn::Noisy])]
    #[arg(help = "What makes the exit code 1 or 3, a list of: failed, no-data, noisy,\nwarning; or none [default: failed,no-data,noisy]")]
    pub fail_on: Vec<FailOn>,
    #[arg(short, long, value_name = "N")]
    #[arg(
        help = "Threads at most [default: one per core]; a single run uses one core,\nand from 2 on another thread to write --decisions"
    )]
    pub jobs: Option<NonZeroUsize>,
}

/// Check scenario files without running them
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Validate {
    /// Files, and folders to search for *.toml [default: scenarios]
    pub paths: Vec<PathBuf>,
    /// Change one key of every file before checking it
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// List the strategies: rule, when to choose it, cost
#[derive(Debug, Args)]
pub struct Strategies {
    /// Everything about this one (also by its other names)
    pub name: Option<String>,
    /// How to write the list
    #[arg(long, value_enum, default_value_t = ListFormat::Human)]
    pub format: ListFormat,
}

/// List the built-in provider profiles: limits, latencies, sources
#[derive(Debug, Args)]
#[command(after_help = PROFILES, after_long_help = PROFILES)]
pub struct Profiles {
    /// Every figure of this one, with its source
    pub name: Option<String>,
    /// How to write the list
    #[arg(long, value_enum, default_value_t = ListFormat::Human)]
    pub format: ListFormat,
}

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  lbsim completions bash > ~/.local/share/bash-completion/completions/lbsim")]
pub struct Completions {
    /// Which shell
    pub shell: clap_complete::Shell,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ResultFormat {
    Human,
    Json,
    Markdown,
    Csv,
}

impl From<ResultFormat> for Format {
    fn from(format: ResultFormat) -> Format {
        match format {
            ResultFormat::Human => Format::Human,
            ResultFormat::Json => Format::Json,
            ResultFormat::Markdown => Format::Markdown,
            ResultFormat::Csv => Format::Csv,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    Human,
    Json,
    Markdown,
}

//! `lbsim bench`: what a decision costs on this machine.

use clap::Args;
use clap::builder::PossibleValuesParser;

use super::args::{ListFormat, Strictness, threads};
use super::exit::{Exit, Failure, HELP, judge};
use super::interrupt;
use super::progress;
use super::terminal::Terminal;
use super::variants;
use crate::bench::{self, AtMost, Settings};
use crate::engine::config::PROVIDERS_MAX;
use crate::engine::limit::Algorithm;
use crate::engine::strategy::{CATALOGUE, Strategy};
use crate::gate::run::Progress;
use crate::render::bench as render;
use crate::scenario::ratio_text;
use crate::time::parse_duration;

const EXAMPLES: &str = "\
Examples:
  lbsim bench
  lbsim bench --providers 16 --threads 1 --at-most 100ns
  lbsim bench --strategies round-robin,rate-limit-aware --at-most 3x
A decision is a pick and, when the answer has come, its settlement; health and
latency are on, weights are equal. Nothing ever runs out, so every pick finds a
provider. All figures are measured in turn, round by round, in batches of half
a millisecond. The first strategy is measured as two that know nothing of each
other: where these differ by more than the resolution, nothing is judged.";

/// Most of what can be asked for.
const THREADS_MAX: usize = 256;

/// Measure what a decision of the engine costs on this machine
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{HELP}"), after_long_help = format!("{EXAMPLES}\n\n{HELP}"))]
pub struct Options {
    /// Strategies; ratios are to the first [default: all]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub strategies: Vec<String>,
    /// Sizes of the pool, a list, up to 1024
    #[arg(long, value_name = "N", value_delimiter = ',', default_value = "3,10,100,1000", value_parser = counts(PROVIDERS_MAX))]
    pub providers: Vec<u64>,
    /// Threads that share one engine, a list [default: 1,2 where there are two cores]
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = counts(THREADS_MAX))]
    pub threads: Vec<u64>,
    /// How the limits of every provider on requests and tokens count
    #[arg(long, value_name = "HOW", default_value = Algorithm::TokenBucket.word(), hide_possible_values = true, value_parser = counting())]
    #[arg(help = "How the limits of every provider on requests and tokens count:\nnone, token-bucket, fixed-window, sliding-window")]
    pub limits: String,
    /// Attempts of each thread in flight
    #[arg(long, value_name = "N", default_value = "64", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub in_flight: u32,
    /// How often each figure is measured
    #[arg(long, value_name = "N", default_value = "100", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rounds: u32,
    /// Judge nothing where two of the same differ by more
    #[arg(long, value_name = "RATIO", default_value = "10%", value_parser = resolution)]
    pub resolution: f64,
    /// The most a decision may take: a time, or Nx the first strategy
    #[arg(long, value_name = "MOST", value_parser = at_most)]
    pub at_most: Option<AtMost>,
    #[command(flatten)]
    pub strictness: Strictness,
    /// How to write the figures
    #[arg(long, value_enum, default_value_t = ListFormat::Human)]
    pub format: ListFormat,
}

pub fn execute(options: &Options, terminal: &Terminal) -> Result<Exit, Failure> {
    let fail_on = options.strictness.checked()?;
    let settings = settings(options)?;
    interrupt::install_or_warn("result", terminal);
    let cores = threads(None).get();
    if settings.threads.iter().any(|threads| *threads > cores) {
        terminal.remark(&format!("warning: there are {cores} cores: more threads than that take turns"));
    }
    let progress = Progress::counting("batches", Some(settings.turns()));
    let counter = progress.run(0).expect("it counts one thing");
    let measured = progress::watched(terminal, &progress, || bench::run(&settings, counter, interrupt::stop()));
    let Some(bench) = measured.map_err(|error| Failure::usage(error.to_string()))? else {
        return Err(Failure { exit: Exit::Interrupted, message: "interrupted before everything was measured once".to_owned() });
    };
    terminal.print(&match options.format {
        ListFormat::Human => render::human(&bench, &terminal.view),
        ListFormat::Json => render::json(&bench),
        ListFormat::Markdown => render::markdown(&bench),
    })?;
    let interrupted = interrupt::stop().load(std::sync::atomic::Ordering::Relaxed);
    Ok(judge([bench.verdict].into_iter(), 0, interrupted, fail_on))
}

fn settings(options: &Options) -> Result<Settings, Failure> {
    let asked = options.strategies.iter().map(|name| variants::strategy(name)).collect::<Result<Vec<Strategy>, _>>()?;
    let numbers = |asked: &[u64]| asked.iter().map(|number| *number as usize).collect::<Vec<_>>();
    let cores = threads(None).get();
    Ok(Settings {
        strategies: once(if asked.is_empty() { CATALOGUE.iter().map(|info| info.strategy).collect() } else { asked }),
        providers: once(numbers(&options.providers)),
        threads: once(if options.threads.is_empty() { (1..=cores.min(2)).collect() } else { numbers(&options.threads) }),
        limits: Algorithm::ALL.into_iter().find(|algorithm| algorithm.word() == options.limits),
        in_flight: options.in_flight as usize,
        rounds: options.rounds as usize,
        resolution: options.resolution,
        at_most: options.at_most,
    })
}

/// An [`Algorithm`], or none.
fn counting() -> PossibleValuesParser {
    PossibleValuesParser::new(["none"].into_iter().chain(Algorithm::ALL.map(Algorithm::word)))
}

/// What is asked for twice is measured once.
fn once<T: PartialEq>(list: Vec<T>) -> Vec<T> {
    let mut kept: Vec<T> = Vec::new();
    for one in list {
        if !kept.contains(&one) {
            kept.push(one);
        }
    }
    kept
}

/// Whole numbers from 1 to this.
fn counts(most: usize) -> clap::builder::RangedU64ValueParser<u64> {
    clap::value_parser!(u64).range(1..=most as u64)
}

fn resolution(text: &str) -> Result<f64, String> {
    let must = || format!("`{text}` is no ratio above 0 and at most 100%, such as 10% or 0.1");
    ratio_text(text).filter(|ratio| *ratio > 0.0 && *ratio <= 1.0).ok_or_else(must)
}

fn at_most(text: &str) -> Result<AtMost, String> {
    let must = || format!("`{text}` is neither a time above 0, such as 100ns, nor a multiple of the first strategy, such as 2.5x");
    if let Some(number) = text.strip_suffix('x') {
        let ratio = number.parse().ok().filter(|ratio: &f64| ratio.is_finite() && *ratio > 0.0);
        return ratio.map(AtMost::Ratio).ok_or_else(must);
    }
    let time = parse_duration(text).ok().map(|time| time.as_nanos() as f64).filter(|ns| *ns > 0.0);
    time.map(AtMost::Nanos).ok_or_else(must)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_is_a_time_or_a_multiple() {
        assert_eq!(at_most("100ns"), Ok(AtMost::Nanos(100.0)));
        assert_eq!(at_most("1us"), Ok(AtMost::Nanos(1_000.0)));
        assert_eq!(at_most("2.5x"), Ok(AtMost::Ratio(2.5)));
        for wrong in ["", "x", "0x", "-1x", "NaNx", "infx", "0ns", "100", "fast"] {
            assert!(at_most(wrong).is_err_and(|why| why.contains(wrong)), "{wrong}");
        }
        assert_eq!((resolution("5%"), resolution("0.05")), (Ok(0.05), Ok(0.05)));
        for wrong in ["0", "0%", "101%", "NaN", "-5%", "much"] {
            assert!(resolution(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_asked_for_twice_is_measured_once() {
        assert_eq!(once(vec![3, 1, 3, 2, 1]), [3, 1, 2]);
    }
}

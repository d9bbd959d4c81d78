//! `lbsim run`: one scenario, one strategy, one report.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::{Changes, Clock, Results, Strictness, WORDS, threads};
use super::baseline::BaselineFlags;
use super::decisions::DecisionLog;
use super::destination::Destination;
use super::exit::{Exit, Failure, HELP, judge};
use super::load::{self, Ready};
use super::output::Output;
use super::target::{self, GatewayFlags};
use super::terminal::Terminal;
use super::{assemble, compare, destination, experiment, interrupt, progress};
use crate::drive::Plan;
use crate::gate::Expectation;
use crate::gate::agree;
use crate::gate::compare::replicate::replicated;
use crate::gate::run::{self as driver, Finished, Progress};
use crate::metrics::observe::DecisionSink;
use crate::render::number::{nanos, per_second, plural};
use crate::report::{Document, Report, Wall};
use crate::scenario::Scenario;

/// Run one scenario with one strategy and judge its expectations
#[derive(Debug, Args)]
#[command(after_help = HELP, after_long_help = format!("{}\n\n{HELP}\n\n{WORDS}", target::HELP))]
pub struct Options {
    /// The scenario file (TOML)
    pub scenario: String,
    #[command(flatten)]
    pub changes: Changes,
    /// Run with so many seeds: every figure with its interval
    #[arg(long, value_name = "N", default_value = "1")]
    pub seeds: NonZeroUsize,
    #[arg(long, value_name = "URL", help_heading = target::HEADING)]
    #[arg(
        help = "Send the load through this gateway instead of our own engine, e.g.\nhttp://127.0.0.1:4000; the mocks stand behind it, at --port"
    )]
    pub target: Option<String>,
    #[command(flatten)]
    pub gateway: GatewayFlags,
    #[arg(long, conflicts_with_all = ["target", "baseline", "save_baseline"])]
    #[arg(
        help = "With the real clock: run it in virtual time too, and expect the same\nfigures within what HTTP takes (instead of the file's expectations)"
    )]
    pub agree: bool,
    #[command(flatten)]
    pub baseline: BaselineFlags,
    #[command(flatten)]
    pub results: Results,
    /// Write every decision here, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub decisions: Option<PathBuf>,
    /// Real clock: run so many times faster; every time in the report stays the scenario's
    #[arg(long, value_name = "FACTOR", value_parser = factor)]
    #[arg(help = "With the real clock: everything happens so many times faster (0.01 to\n1000); the report stays in scenario time")]
    pub time_scale: Option<f64>,
    /// Leave out what depends on the machine: same input, same bytes
    #[arg(long)]
    pub stable: bool,
    #[command(flatten)]
    pub strictness: Strictness,
    #[arg(short, long, value_name = "N")]
    #[arg(
        help = "Threads at most [default: one per core]; a single run uses one core,\nand from 2 on another thread to write --decisions"
    )]
    pub jobs: Option<NonZeroUsize>,
}

pub fn execute(options: &Options, terminal: &Terminal) -> Result<Exit, Failure> {
    let fail_on = options.strictness.checked()?;
    if options.seeds.get() > 1 && options.decisions.is_some() {
        return Err(Failure::usage("--decisions records one run: it cannot be combined with --seeds"));
    }
    if options.seeds.get() > 1 && options.agree {
        return Err(Failure::usage("--agree compares one run with one: it cannot be combined with --seeds"));
    }
    if options.seeds.get() > 1 && options.baseline.is_given() {
        return Err(Failure::usage("a baseline of several seeds is the business of `lbsim check FILE --seeds N`"));
    }
    let scenario_path = Path::new(&options.scenario);
    let planned = destination::plan(&[scenario_path], &options.results, options.decisions.as_deref())?;
    let Ready { mut scenario, warnings } = match load::scenario(&options.scenario, &options.changes.overrides(), terminal) {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    aim(&mut scenario.plan, options, terminal)?;
    scale(&mut scenario.plan, options)?;
    destination::spare_trace(scenario.trace.as_deref(), &planned, options.decisions.as_deref())?;
    let outputs = destination::open(planned, terminal)?;
    let mut comparison = options.baseline.open(&[scenario_path])?;
    if options.seeds.get() > 1 {
        return several(&scenario, warnings, options, outputs, terminal);
    }
    let log = options.decisions.as_deref().map(Output::create).transpose()?;
    let log = log.map(|output| DecisionLog::new(names(&scenario), output, threads(options.jobs).get() > 1, interrupt::stop()));
    let mut finished = simulate(&scenario, options, log, terminal)?;
    if !options.agree {
        comparison.add(&scenario, std::slice::from_mut(&mut finished.run))?;
    }
    comparison.finish(finished.interrupted, terminal)?;
    let interrupted = finished.interrupted;
    if !options.stable {
        terminal.remark(&timing(&finished));
    }
    let report = assemble::single(&scenario, finished, options.stable);
    let document = Document::One(report);
    destination::write(&document, outputs, &terminal.view, terminal)?;
    Ok(judge(document.verdicts(), warnings, interrupted, fail_on))
}

/// Applies `--target`.
fn aim(plan: &mut Plan, options: &Options, terminal: &Terminal) -> Result<(), Failure> {
    let Some(url) = &options.target else { return Ok(()) };
    if options.changes.clock == Some(Clock::Virtual) {
        return Err(Failure::usage("--target sends real requests: it cannot be combined with --clock virtual"));
    }
    if options.decisions.is_some() {
        return Err(Failure::usage("--decisions records what our engine decides: with --target it decides nothing"));
    }
    options.gateway.apply(plan, url, None)?;
    plan.real.iter().filter_map(|real| real.target.as_ref()).try_for_each(|gateway| target::await_gateway(gateway, terminal))
}

/// Applies `--time-scale`.
fn scale(plan: &mut Plan, options: &Options) -> Result<(), Failure> {
    options.baseline.check_clock(plan)?;
    match (&mut plan.real, options.time_scale) {
        (None, Some(_)) => Err(Failure::usage("--time-scale is for the real clock: add --clock real")),
        (None, None) if options.agree => Err(Failure::usage("--agree compares the real clock with the virtual one: add --clock real")),
        (Some(real), Some(factor)) => {
            real.time_scale = factor;
            Ok(())
        }
        _ => Ok(()),
    }
}

/// A factor of `--time-scale`.
pub(super) fn factor(text: &str) -> Result<f64, String> {
    let factor = text.parse::<f64>().ok().filter(|factor| (0.01..=1_000.0).contains(factor));
    factor.ok_or_else(|| "a number from 0.01 to 1000 is needed, e.g. 10: ten times faster".to_owned())
}

/// The same with several seeds, side by side; the picks of the first are timed in a run of its own.
fn several(
    scenario: &Scenario,
    warnings: usize,
    options: &Options,
    outputs: Vec<Destination>,
    terminal: &Terminal,
) -> Result<Exit, Failure> {
    let fail_on = options.strictness.checked()?;
    let arm = compare::arm(0, scenario, scenario.plan.engine.strategy);
    let seeds = experiment::seeds(scenario.plan.seed, options.seeds.get());
    let arms = std::slice::from_ref(&arm);
    let outcome = experiment::run(arms, &seeds, None, threads(options.jobs), terminal)?;
    let interrupted = outcome.interrupted;
    if !options.stable {
        terminal.remark(&compare::timing(&outcome));
    }
    let costs = if options.stable || interrupted { Vec::new() } else { experiment::decision_costs(arms, seeds[0])? };
    let wall = (!options.stable).then(|| Wall { variants: Vec::new(), ..experiment::wall(&outcome, costs) });
    let mut reports = [assemble::several(scenario, Vec::new(), false, wall)];
    experiment::arrange(&mut reports, &mut [arm.variant], outcome.runs, interrupted);
    let [report] = reports;
    let replicated = replicated(&report.runs.iter().collect::<Vec<_>>());
    let document = Document::One(Report { replicated, ..report });
    destination::write(&document, outputs, &terminal.view, terminal)?;
    Ok(judge(document.verdicts(), warnings, interrupted, fail_on))
}

/// The run itself, with everything that looks on.
fn simulate(scenario: &Scenario, options: &Options, mut log: Option<DecisionLog>, terminal: &Terminal) -> Result<Finished, Failure> {
    let progress = Progress::of([&scenario.plan]);
    let agreement = if options.agree { agreement(scenario)? } else { Vec::new() };
    let expectations = match options.agree {
        true => agreement.iter().map(|(expectation, _)| expectation.clone()).collect(),
        false => options.baseline.expectations(scenario),
    };
    // An expectation about decision times needs them even where the report leaves them out.
    let needed = driver::needs_timing(&expectations);
    let finished = progress::watched(terminal, &progress, || {
        let watching = driver::Options {
            progress: progress.run(0),
            stop: Some(interrupt::stop()),
            decisions: log.as_mut().map(|log| log as &mut dyn DecisionSink),
            count_reasons: terminal.view.verbose && options.target.is_none(),
            time_decisions: needed || !options.stable,
        };
        driver::run(&scenario.plan, &expectations, watching)
    });
    let mut finished = finished.map_err(|error| load::cannot_drive(scenario, &error))?;
    for (result, (_, simulated)) in finished.run.expectations.iter_mut().zip(agreement) {
        result.simulated = Some(simulated);
    }
    // A log that cannot be written is found during the run and ends it; the report of such a run would mislead.
    log.map_or(Ok(()), DecisionLog::finish)?;
    Ok(finished)
}

/// What virtual time gives, as expectations of real time.
fn agreement(scenario: &Scenario) -> Result<Vec<(Expectation, f64)>, Failure> {
    let plan = Plan { real: None, ..scenario.plan.clone() };
    let options = driver::Options { stop: Some(interrupt::stop()), ..driver::Options::default() };
    let simulated = driver::run(&plan, &[], options).map_err(|error| load::cannot_drive(scenario, &error))?;
    let scale = scenario.plan.real.as_ref().map_or(1.0, |real| real.time_scale);
    Ok(agree::agreement(&simulated.run, scale))
}

/// Provider names in file order.
fn names(scenario: &Scenario) -> Vec<String> {
    scenario.plan.providers.iter().map(|provider| provider.name.clone()).collect()
}

fn timing(finished: &Finished) -> String {
    let rate = match assemble::requests_per_s(finished.requests_simulated, finished.elapsed) {
        rate if rate > 0.0 => format!(" ({})", per_second(rate.round())),
        _ => String::new(),
    };
    let elapsed = nanos(finished.elapsed.as_secs_f64() * 1e9);
    let verb = if finished.run.real.is_some() { "sent" } else { "simulated" };
    format!("{verb} {} in {elapsed}{rate}, warm-up included", plural(finished.requests_simulated, "request"))
}

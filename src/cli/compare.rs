//! `lbsim compare`: strategies, scenarios or results side by side.

use std::num::NonZeroUsize;
use std::path::Path;

use clap::Args;

use super::args::{Changes, Clock, threads};
use super::exit::{Exit, Failure, HELP, judge};
use super::experiment::{self, Arm, Many, Outcome};
use super::load::{self, Ready};
use super::target::{self, Contender, GatewayFlags};
use super::terminal::Terminal;
use super::variants::{self, Names};
use super::{assemble, destination, report};
use crate::engine::strategy::Strategy;
use crate::render::number::{nanos, plural};
use crate::report::{Document, Report, Shard, Variant, Verdict};
use crate::scenario::Scenario;

const EXAMPLES: &str = "\
Examples:
  lbsim compare scenarios/weighted.toml
  lbsim compare weighted.toml --strategies random,power-of-two --seeds 50
  lbsim compare before.toml after.toml
  lbsim compare monday.json tuesday.json
  lbsim compare weighted.toml --target litellm=http://127.0.0.1:4000 \
    --target ours
With the same seed all variants meet the same requests, service times and
faults. Differences to the base are judged seed by seed: paired t at 95 %,
Holm over the variants.
  ▲ better  ▼ worse  ~ not shown to differ  = exactly equal with every seed";

/// Runs per variant, unless said.
const SEEDS: usize = 20;
/// The same in real time.
const SEEDS_REAL: usize = 3;

/// Compare strategies, scenarios, gateways or results; tell chance from fact
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{HELP}"), after_long_help = format!("{EXAMPLES}\n\n{}\n\n{HELP}", target::HELP))]
pub struct Options {
    /// One scenario (for its strategies), several, or results (.json)
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<String>,
    /// Strategies [default: the file's own and those of its balancer.compare]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub strategies: Vec<String>,
    /// Variant that the others are compared with [default: the first]
    #[arg(long, value_name = "NAME")]
    pub base: Option<String>,
    #[arg(long, value_name = "[NAME=]URL", conflicts_with_all = ["strategies", "shard"], help_heading = target::HEADING)]
    #[arg(
        help = "A gateway to compare, or `ours` for our engine in real time; repeatable.\nThe mocks stand behind each in turn, at --port"
    )]
    pub target: Vec<String>,
    #[command(flatten)]
    pub gateway: GatewayFlags,
    #[arg(long, value_name = "N")]
    #[arg(help = "Runs per variant: with the seed, the seed + 1, … [default: 20, with\n--target 3, for they take their time]")]
    pub seeds: Option<NonZeroUsize>,
    #[command(flatten)]
    pub many: Many,
}

pub fn execute(options: &Options, terminal: &Terminal) -> Result<Exit, Failure> {
    let fail_on = options.many.describing.checked()?;
    let inputs: Vec<&Path> = options.files.iter().map(Path::new).collect();
    let planned = destination::plan(&inputs, &options.many.results, None)?;
    let results = options.files.iter().filter(|file| file.ends_with(".json")).count();
    if results == options.files.len() {
        let document = of_results(options, terminal)?;
        let outputs = planned.into_iter().map(destination::Planned::open).collect::<Result<Vec<_>, _>>()?;
        destination::write(&document, outputs, &terminal.view, terminal)?;
        return Ok(judge(document.verdicts(), 0, false, fail_on));
    }
    if results > 0 {
        return Err(Failure::usage("scenarios and results cannot be compared with each other: run the scenario with -o first"));
    }
    let mut ready = Vec::new();
    for file in &options.files {
        match load::scenario(file, &options.many.changes.overrides(), terminal) {
            Ok(one) => ready.push(one),
            Err(exit) => return Ok(exit),
        }
    }
    for one in &ready {
        destination::spare_trace(one.scenario.trace.as_deref(), &planned, None)?;
    }
    let warnings = ready.iter().map(|ready| ready.warnings).sum();
    let arms = if options.target.is_empty() { arms(&ready, options)? } else { contenders(&ready, options, terminal)? };
    let count = options.seeds.map_or(if options.target.is_empty() { SEEDS } else { SEEDS_REAL }, NonZeroUsize::get);
    let seeds = experiment::seeds(ready[0].scenario.plan.seed, count);
    let shard = options.many.shard(arms.len() * seeds.len())?;
    let outputs = destination::open(planned, terminal)?;
    let outcome = experiment::run(&arms, &seeds, shard.as_ref(), threads(options.many.jobs), terminal)?;
    if !options.many.stable {
        terminal.remark(&timing(&outcome));
    }
    let interrupted = outcome.interrupted;
    let document = document(&ready, &arms, seeds[0], outcome, shard, options)?;
    destination::write(&document, outputs, &terminal.view, terminal)?;
    Ok(judge(document.verdicts(), warnings, interrupted, fail_on))
}

/// Every scenario with every strategy, the base first.
fn arms(ready: &[Ready], options: &Options) -> Result<Vec<Arm>, Failure> {
    let asked = options.strategies.iter().map(|name| variants::strategy(name)).collect::<Result<Vec<_>, _>>()?;
    let mut arms = Vec::new();
    let mut names = Vec::new();
    for (report, Ready { scenario, .. }) in ready.iter().enumerate() {
        for strategy in strategies(scenario, &asked, ready.len() == 1, options.base.as_deref()) {
            names.push(Names { strategy: strategy.name(), scenario: &scenario.name, file: &scenario.path });
            arms.push(arm(report, scenario, strategy));
        }
    }
    if arms.len() < 2 {
        return Err(Failure::usage(format!("there is nothing to compare {} with: give another strategy or scenario", names[0].strategy)));
    }
    let named = variants::names(&names, ready.len() > 1);
    for (arm, name) in arms.iter_mut().zip(named) {
        arm.variant.name = name;
    }
    variants::base_first(&mut arms, options.base.as_deref(), |arm| &arm.variant.name)?;
    Ok(arms)
}

/// One scenario through every gateway, the base first.
fn contenders(ready: &[Ready], options: &Options, terminal: &Terminal) -> Result<Vec<Arm>, Failure> {
    let [Ready { scenario, .. }] = ready else { return Err(Failure::usage("--target compares gateways over one scenario")) };
    if options.many.changes.clock == Some(Clock::Virtual) {
        return Err(Failure::usage("--target sends real requests: it cannot be combined with --clock virtual"));
    }
    let mut arms: Vec<Arm> = Vec::new();
    for contender in options.target.iter().map(|text| Contender::parse(text)) {
        let mut arm = arm(0, scenario, scenario.plan.engine.strategy);
        contender.name().clone_into(&mut arm.variant.name);
        match &contender {
            Contender::Ours => arm.plan.real = Some(arm.plan.real.unwrap_or_default()),
            Contender::Gateway { name, url } => options.gateway.apply(&mut arm.plan, url, Some(name))?,
        }
        if arms.iter().any(|other| other.variant.name == arm.variant.name) {
            return Err(Failure::usage(format!("two of --target are called {}: name them, NAME=URL", arm.variant.name)));
        }
        arms.push(arm);
    }
    if arms.len() < 2 {
        return Err(Failure::usage("one --target has nothing to be compared with: give another, e.g. --target ours"));
    }
    let gateways = arms.iter().filter_map(|arm| arm.plan.real.as_ref()?.target.as_ref());
    gateways.into_iter().try_for_each(|gateway| target::await_gateway(gateway, terminal))?;
    variants::base_first(&mut arms, options.base.as_deref(), |arm| &arm.variant.name)?;
    Ok(arms)
}

/// A scenario with a strategy; its variant has no name yet.
pub fn arm(report: usize, scenario: &Scenario, strategy: Strategy) -> Arm {
    let mut plan = scenario.plan.clone();
    plan.engine.strategy = strategy;
    let variant = Variant { name: String::new(), report, strategy: strategy.name().to_owned(), runs: Vec::new() };
    Arm { variant, plan, expectations: scenario.expectations.clone() }
}

/// As asked for; else of one scenario its own and those it wants compared, and of several each one's own.
fn strategies(scenario: &Scenario, asked: &[Strategy], alone: bool, base: Option<&str>) -> Vec<Strategy> {
    let own = scenario.plan.engine.strategy;
    let mut chosen: Vec<Strategy> = if !asked.is_empty() {
        asked.to_vec()
    } else if !alone {
        vec![own]
    } else {
        let others: &[Strategy] = if scenario.compare.is_empty() { &variants::SENSIBLE } else { &scenario.compare };
        [own].into_iter().chain(others.iter().copied().filter(|other| *other != own)).collect()
    };
    // A base that is a strategy takes part, asked for or not.
    let base = base.filter(|_| alone).and_then(Strategy::parse).filter(|base| !chosen.contains(base));
    chosen.splice(0..0, base);
    chosen
}

fn document(
    ready: &[Ready],
    arms: &[Arm],
    seed: u64,
    outcome: Outcome,
    shard: Option<Shard>,
    options: &Options,
) -> Result<Document, Failure> {
    let timed = !options.many.stable && !outcome.interrupted && shard.is_none();
    let costs = if timed { experiment::decision_costs(arms, seed)? } else { Vec::new() };
    let wall = (!options.many.stable).then(|| experiment::wall(&outcome, costs));
    let mut reports: Vec<Report> = ready.iter().map(|ready| assemble::several(&ready.scenario, Vec::new(), false, None)).collect();
    let mut variants: Vec<Variant> = arms.iter().map(|arm| arm.variant.clone()).collect();
    experiment::arrange(&mut reports, &mut variants, outcome.runs, outcome.interrupted);
    let mut document = experiment::compared(reports, variants, shard, wall);
    if outcome.interrupted {
        experiment::incomplete(&mut document);
    }
    Ok(document)
}

/// Results that are there already: each strategy of each report is a variant.
fn of_results(options: &Options, terminal: &Terminal) -> Result<Document, Failure> {
    let changed = &options.many.changes;
    if !options.target.is_empty()
        || !options.strategies.is_empty()
        || options.many.shard.is_some()
        || options.seeds.is_some()
        || *changed != Changes::default()
    {
        return Err(Failure::usage(
            "results are compared as they are: --strategies, --strategy, --target, --seed, --seeds, --set, --expect, --clock and --shard are for scenarios",
        ));
    }
    let mut reports: Vec<Report> = Vec::new();
    let mut files = Vec::new();
    for file in &options.files {
        let document = report::read(Path::new(file))?;
        let parts = match document {
            Document::One(report) => vec![report],
            Document::Many(collection) => collection.reports,
        };
        if parts.iter().any(|part| part.verdict == Verdict::Incomplete) {
            terminal.remark(&format!("warning: {file} was interrupted: its figures cover only what had happened by then"));
        }
        files.extend(parts.iter().map(|_| file.as_str()));
        reports.extend(parts.into_iter().map(|report| Report { wall: None, comparison: None, ..report }));
    }
    let mut found = variants::of_reports(&reports, &files)?;
    variants::base_first(&mut found, options.base.as_deref(), |variant| &variant.name)?;
    Ok(experiment::compared(reports, found, None, None))
}

/// What was made, and how long it took.
pub fn timing(outcome: &Outcome) -> String {
    let elapsed = nanos(outcome.elapsed.as_secs_f64() * 1e9);
    let requests = plural(outcome.requests, "request");
    format!("{} of {} made in {elapsed}: {requests}", outcome.runs.len(), plural(outcome.total as u64, "run"))
}

//! `lbsim sweep`: one scenario over the values of its parameters.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use clap::Args;

use super::args::{Changes, threads};
use super::exit::{Exit, Failure, HELP, judge};
use super::experiment::{self, Arm, Many, Outcome};
use super::load::{self, Ready};
use super::probe::Prober;
use super::terminal::Terminal;
use super::{assemble, compare, destination, variants};
use crate::engine::strategy::Strategy;
use crate::gate::compare::COMPARED;
use crate::gate::sweep::over::{self, POINTS_MAX};
use crate::gate::sweep::table::point;
use crate::report::{Axis, Document, Report, Shard, Sweep, Variant};
use crate::scenario::{Overrides, Scenario};
use crate::world::spec::Source;

const EXAMPLES: &str = "\
Examples:
  lbsim sweep weighted.toml --over load.rate=50/s,100/s,200/s
  lbsim sweep weighted.toml --over load.rate=20/s..100/s/20/s --seeds 10
  lbsim sweep weighted.toml --over provider.alpha.weight=1..9/2 \\
      --strategies random,least-connections
  lbsim sweep rate_limits.toml --over load.rate=20/s,40/s --find-limit
A range a..b/step takes a, a + step and so on up to b. Several --over make a
grid. A unit given once holds for the whole range.";

/// Vary a parameter over its values; find how far the load can go
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{HELP}"))]
pub struct Options {
    /// The scenario file (TOML)
    pub scenario: String,
    /// What is varied: a key as for --set, and values or ranges; repeatable
    #[arg(long, value_name = "KEY=V1,V2,…", required = true)]
    pub over: Vec<String>,
    /// Strategies [default: the file's own]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub strategies: Vec<String>,
    /// Runs per point and strategy: with the seed, the seed + 1, …
    #[arg(long, value_name = "N", default_value = "5")]
    pub seeds: NonZeroUsize,
    #[arg(long)]
    #[arg(
        help = "Find the highest value of the one parameter with which everything\nexpected holds with every seed, to 1 %, by runs between the points"
    )]
    pub find_limit: bool,
    /// Metric to draw, or none
    #[arg(long, value_name = "METRIC", default_value = "latency_p99")]
    pub plot: String,
    #[command(flatten)]
    pub many: Many,
}

pub fn execute(options: &Options, terminal: &Terminal) -> Result<Exit, Failure> {
    let fail_on = options.many.describing.checked()?;
    let axes = axes(options)?;
    let plot = plot(&options.plot)?;
    let strategies = options.strategies.iter().map(|name| variants::strategy(name)).collect::<Result<Vec<_>, _>>()?;
    let planned = destination::plan(&[Path::new(&options.scenario)], &options.many.results, None)?;
    let ready = match points(&axes, options, terminal) {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    if options.find_limit && ready.iter().any(|ready| ready.scenario.expectations.is_empty()) {
        return Err(Failure::usage("--find-limit needs something to hold: add an [[expect]], or --expect"));
    }
    destination::spare_trace(ready[0].scenario.trace.as_deref(), &planned, None)?;
    let arms = arms(&axes, &ready, &strategies);
    let seeds = experiment::seeds(ready[0].scenario.plan.seed, options.seeds.get());
    let shard = options.many.shard(arms.len() * seeds.len())?;
    let outputs = destination::open(planned, terminal)?;
    let outcome = experiment::run(&arms, &seeds, shard.as_ref(), threads(options.many.jobs), terminal)?;
    if !options.many.stable {
        terminal.remark(&compare::timing(&outcome));
    }
    let mut interrupted = outcome.interrupted;
    let warnings = ready[0].warnings;
    let mut document = document(&ready, &arms, Sweep { plot, ..empty(axes) }, outcome, shard, options.many.stable);
    if options.find_limit && !interrupted {
        let prober = Prober { options, seeds: &seeds, threads: threads(options.many.jobs), terminal };
        interrupted = prober.refine(&mut document)?;
        if interrupted {
            experiment::incomplete(&mut document);
        }
    }
    destination::write(&document, outputs, &terminal.view, terminal)?;
    Ok(judge(document.verdicts(), warnings, interrupted, fail_on))
}

fn axes(options: &Options) -> Result<Vec<Axis>, Failure> {
    let read = |text: &String| over::parse(text).map_err(|why| Failure::usage(format!("--over {text}: {why}")));
    let axes = options.over.iter().map(read).collect::<Result<Vec<Axis>, _>>()?;
    if let Some(twice) = axes.iter().enumerate().find_map(|(at, axis)| axes[..at].iter().find(|other| other.key == axis.key)) {
        return Err(Failure::usage(format!("--over {}: given twice; list all its values in one", twice.key)));
    }
    if axes.iter().any(|axis| axis.key == "seed") {
        return Err(Failure::usage("--over seed: every point runs with the same seeds, so that only the parameter differs; see --seeds"));
    }
    let points = axes.iter().try_fold(1_usize, |points, axis| points.checked_mul(axis.values.len()));
    if points.is_none_or(|points| points > POINTS_MAX) {
        return Err(Failure::usage(format!("--over: the grid has more than {POINTS_MAX} points")));
    }
    if options.find_limit && axes.len() > 1 {
        return Err(Failure::usage("--find-limit looks along one parameter: give one --over"));
    }
    if options.find_limit && options.many.shard.is_some() {
        return Err(Failure::usage("--find-limit needs the results of all points: it cannot be combined with --shard"));
    }
    Ok(axes)
}

fn plot(name: &str) -> Result<Option<String>, Failure> {
    let names = COMPARED.map(|compared| compared.metric.name());
    if name == "none" || names.iter().any(|known| known == name) {
        return Ok(Some(name.to_owned()).filter(|name| name != "none"));
    }
    Err(Failure::usage(format!("--plot {name}: there are {}, none", names.join(", "))))
}

/// The scenario of every point. Warnings are those of the first: the others have the same, or what the sweep is about.
fn points(axes: &[Axis], options: &Options, terminal: &Terminal) -> Result<Vec<Ready>, Exit> {
    let count: usize = axes.iter().map(|axis| axis.values.len()).product();
    let overrides = |index| overrides(axes, &point(axes, index), &options.many.changes);
    let mut ready = vec![load::scenario(&options.scenario, &overrides(0), terminal)?];
    for index in 1..count {
        let mut next = load::silently(&options.scenario, &overrides(index), terminal)?;
        share(&ready[0].scenario, &mut next.scenario);
        ready.push(next);
    }
    Ok(ready)
}

/// Keeps one copy of what all points have: the text, and the rows of the trace.
fn share(first: &Scenario, next: &mut Scenario) {
    next.source = Arc::clone(&first.source);
    if let (Source::Trace { rows: known, .. }, Source::Trace { rows, .. }) = (&first.plan.load.source, &mut next.plan.load.source)
        && known == rows
    {
        *rows = Arc::clone(known);
    }
}

/// What the command line changes, and the point on top of it.
pub fn overrides(axes: &[Axis], point: &[String], changes: &Changes) -> Overrides {
    let mut overrides = changes.overrides();
    overrides.set.extend(axes.iter().zip(point).map(|(axis, value)| format!("{}={value}", axis.key)));
    overrides
}

/// Every point with every strategy.
fn arms(axes: &[Axis], ready: &[Ready], strategies: &[Strategy]) -> Vec<Arm> {
    let mut arms = Vec::new();
    for (index, Ready { scenario, .. }) in ready.iter().enumerate() {
        let own = [scenario.plan.engine.strategy];
        let at: Vec<String> = axes.iter().zip(point(axes, index)).map(|(axis, value)| format!("{}={value}", axis.key)).collect();
        for strategy in if strategies.is_empty() { &own[..] } else { strategies } {
            let mut arm = compare::arm(index, scenario, *strategy);
            arm.variant.name = format!("{} {strategy}", at.join(" "));
            arms.push(arm);
        }
    }
    arms
}

fn empty(axes: Vec<Axis>) -> Sweep {
    Sweep { axes, variants: Vec::new(), rows: Vec::new(), limits: Vec::new(), plot: None, shard: None }
}

fn document(ready: &[Ready], arms: &[Arm], sweep: Sweep, outcome: Outcome, shard: Option<Shard>, stable: bool) -> Document {
    let wall = (!stable).then(|| experiment::wall(&outcome, Vec::new()));
    let mut reports: Vec<Report> = ready.iter().map(|ready| assemble::several(&ready.scenario, Vec::new(), false, None)).collect();
    let mut variants: Vec<Variant> = arms.iter().map(|arm| arm.variant.clone()).collect();
    experiment::arrange(&mut reports, &mut variants, outcome.runs, outcome.interrupted);
    let mut document = experiment::swept(reports, sweep, variants, shard, wall);
    if outcome.interrupted {
        experiment::incomplete(&mut document);
    }
    document
}

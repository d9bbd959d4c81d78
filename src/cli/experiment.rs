//! Many runs as one experiment: every variant with every seed, on all cores, in a fixed order.
//!
//! Runs are numbered seed by seed, so that what an interruption leaves are whole sets of runs with one seed.

use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use clap::Args;

use super::args::{Changes, Describing, Results};
use super::exit::Failure;
use super::shard::{self, Part};
use super::terminal::Terminal;
use super::{assemble, interrupt, progress};
use crate::drive::Plan;
use crate::gate::batch::{self, Job};
use crate::gate::compare::{Series, compare};
use crate::gate::run::{self as driver, Progress};
use crate::gate::sweep::table::{limits, rows};
use crate::gate::{Expectation, verdict};
use crate::render::number::plural;
use crate::report::{Comparison, DecisionCost, Document, Quantiles, Report, Run, Shard, Sweep, Variant, VariantCost, Verdict, Wall};

/// Every run of an experiment is kept until its end, with about 10 KB.
pub const RUNS_MAX: usize = 1_000_000;

/// Flags of the commands that make many runs.
#[derive(Clone, Debug, Args)]
pub struct Many {
    #[command(flatten)]
    pub changes: Changes,
    #[command(flatten)]
    pub results: Results,
    /// Leave out what depends on the machine: same input, same bytes
    #[arg(long)]
    pub stable: bool,
    #[arg(long, value_name = "I/N", help = shard::HELP)]
    pub shard: Option<Part>,
    #[command(flatten)]
    pub describing: Describing,
    /// Runs at a time [default: one per core]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

impl Many {
    /// Which part of an experiment of so many runs is to be made; `None`: all of it.
    ///
    /// # Errors
    /// `auto` without a scheduler.
    pub fn shard(&self, runs: usize) -> Result<Option<Shard>, Failure> {
        self.shard.map(|part| part.of(runs, |name| std::env::var(name).ok())).transpose()
    }
}

/// One variant, ready to run with any seed.
#[derive(Clone, Debug)]
pub struct Arm {
    /// Its name and place; without runs yet.
    pub variant: Variant,
    /// What to run; its seed is replaced.
    pub plan: Plan,
    /// What to judge it by.
    pub expectations: Vec<Expectation>,
}

/// What an experiment gave.
#[derive(Debug)]
pub struct Outcome {
    /// Number of each run that was made, and the run; in order.
    pub runs: Vec<(usize, Run)>,
    /// How many the whole experiment has.
    pub total: usize,
    /// Whether some were cut off, which are not among `runs`.
    pub interrupted: bool,
    /// What all of them took.
    pub elapsed: Duration,
    /// Requests simulated, warm-up included.
    pub requests: u64,
}

/// The seeds of an experiment: `first`, `first` + 1 …
pub fn seeds(first: u64, count: usize) -> Vec<u64> {
    (0..count as u64).map(|i| first.wrapping_add(i)).collect()
}

/// Runs every arm with every seed, or those of them that belong to the shard.
///
/// # Errors
/// A plan that cannot be run.
pub fn run(arms: &[Arm], seeds: &[u64], shard: Option<&Shard>, threads: NonZeroUsize, terminal: &Terminal) -> Result<Outcome, Failure> {
    let total = arms.len() * seeds.len();
    if total > RUNS_MAX {
        return Err(Failure::usage(format!("{} are too many for one result: at most {RUNS_MAX}", plural(total as u64, "run"))));
    }
    let numbers: Vec<usize> = (0..total).filter(|number| shard.is_none_or(|shard| holds(shard, *number))).collect();
    let plans: Vec<Plan> = numbers.iter().map(|number| arms[number % arms.len()].plan.with_seed(seeds[number / arms.len()])).collect();
    let jobs: Vec<Job<'_>> =
        numbers.iter().zip(&plans).map(|(number, plan)| Job { plan, expectations: &arms[number % arms.len()].expectations }).collect();
    let progress = Progress::of(&plans);
    let start = Instant::now();
    let finished = progress::watched(terminal, &progress, || batch::run_all(&jobs, threads, &progress, interrupt::stop()));
    let elapsed = start.elapsed();
    let finished = finished.map_err(|(job, error)| {
        let variant = &arms[numbers[job] % arms.len()].variant.name;
        Failure::usage(format!("{variant}: {error}"))
    })?;
    let interrupted = finished.iter().any(|finished| finished.interrupted);
    let requests = finished.iter().map(|finished| finished.requests_simulated).sum();
    let runs = numbers.into_iter().zip(finished).filter(|(_, finished)| !finished.interrupted);
    Ok(Outcome { runs: runs.map(|(number, finished)| (number, finished.run)).collect(), total, interrupted, elapsed, requests })
}

/// Whether a run belongs to a shard.
pub fn holds(shard: &Shard, number: usize) -> bool {
    number as u64 % shard.of == shard.index - 1
}

/// Puts runs into their reports and variants, and sums up the verdicts.
pub fn arrange(reports: &mut [Report], variants: &mut [Variant], runs: Vec<(usize, Run)>, interrupted: bool) {
    let arms = variants.len();
    for (number, run) in runs {
        let variant = &mut variants[number % arms];
        let report = &mut reports[variant.report];
        variant.runs.push(report.runs.len());
        report.runs.push(run);
    }
    for report in reports {
        let expectations = report.runs.iter().flat_map(|run| &run.expectations);
        report.verdict = verdict(expectations.map(|expectation| expectation.verdict), interrupted);
    }
}

/// The document of a comparison; of a part of one, only its runs. One report stands alone, several in a collection.
pub fn compared(mut reports: Vec<Report>, variants: Vec<Variant>, shard: Option<Shard>, wall: Option<Wall>) -> Document {
    let comparison = match shard {
        Some(_) => Comparison {
            base: variants[0].name.clone(),
            confidence: 1.0 - crate::gate::compare::ALPHA,
            metrics: Vec::new(),
            winner: None,
            notes: Vec::new(),
            variants,
            shard,
        },
        None => compare(&series(&reports, &variants)),
    };
    if reports.len() == 1 {
        let report = reports.remove(0);
        return Document::One(Report { comparison: Some(comparison), wall, ..report });
    }
    let mut collection = assemble::collection(reports, Vec::new());
    (collection.comparison, collection.wall) = (Some(comparison), wall);
    Document::Many(collection)
}

/// The document of a sweep; of a part of one, only its runs.
pub fn swept(reports: Vec<Report>, sweep: Sweep, variants: Vec<Variant>, shard: Option<Shard>, wall: Option<Wall>) -> Document {
    let (rows, limits) = match shard {
        Some(_) => (Vec::new(), Vec::new()),
        None => {
            let rows = rows(&sweep.axes, &series(&reports, &variants));
            let limits = limits(&sweep.axes, &rows);
            (rows, limits)
        }
    };
    let mut collection = assemble::collection(reports, Vec::new());
    (collection.sweep, collection.wall) = (Some(Sweep { variants, rows, limits, shard, ..sweep }), wall);
    Document::Many(collection)
}

/// The runs of each variant.
pub fn series<'r>(reports: &'r [Report], variants: &[Variant]) -> Vec<Series<'r>> {
    let runs = |variant: &Variant| variant.runs.iter().map(|run| &reports[variant.report].runs[*run]).collect();
    variants.iter().map(|variant| Series { variant: variant.clone(), runs: runs(variant) }).collect()
}

/// Times the picks of each arm in a run of its own, one after the other: side by side they would disturb each other.
///
/// # Errors
/// A plan that cannot be run.
pub fn decision_costs(arms: &[Arm], seed: u64) -> Result<Vec<(VariantCost, DecisionCost)>, Failure> {
    let mut costs = Vec::new();
    // Behind someone else's gateway no pick is ours.
    let ours = |arm: &&Arm| arm.plan.real.as_ref().is_none_or(|real| real.target.is_none());
    for arm in arms.iter().filter(ours) {
        let options = driver::Options { stop: Some(interrupt::stop()), time_decisions: true, ..driver::Options::default() };
        // A pick costs the same under either clock.
        let plan = Plan { real: None, ..arm.plan.with_seed(seed) };
        let finished = driver::run(&plan, &[], options);
        let finished = finished.map_err(|error| Failure::usage(format!("{}: {error}", arm.variant.name)))?;
        if let Some(cost) = finished.decision_cost {
            costs.push((VariantCost { variant: arm.variant.name.clone(), decision_ns: cost.quantiles }, cost));
        }
    }
    Ok(costs)
}

/// What the machine took for an experiment.
pub fn wall(outcome: &Outcome, costs: Vec<(VariantCost, DecisionCost)>) -> Wall {
    let nothing = DecisionCost { quantiles: Quantiles::default(), histogram: Vec::new(), timer_ns: 0 };
    Wall {
        elapsed_s: outcome.elapsed.as_secs_f64(),
        requests_per_s: assemble::requests_per_s(outcome.requests, outcome.elapsed),
        decision_ns: costs.first().map_or(nothing, |(_, cost)| cost.clone()),
        variants: costs.into_iter().map(|(variant, _)| variant).collect(),
    }
}

/// Marks a document whose experiment was cut off.
pub fn incomplete(document: &mut Document) {
    match document {
        Document::One(report) => report.verdict = Verdict::Incomplete,
        Document::Many(collection) => collection.verdict = Verdict::Incomplete,
    }
}

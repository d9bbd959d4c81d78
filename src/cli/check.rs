//! `lbsim check`: scenarios against their expectations, as a gate.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;

use super::args::{Changes, Results, Strictness, threads};
use super::baseline::{BaselineFlags, Comparison};
use super::exit::{Exit, Failure, HELP, judge};
use super::load::{self, Ready};
use super::terminal::Terminal;
use super::{assemble, destination, experiment, files, interrupt, progress, prove};
use crate::drive::Plan;
use crate::gate::Expectation;
use crate::gate::batch::{self, Job};
use crate::gate::run::{Finished, Progress};
use crate::render::View;
use crate::render::number::{nanos, plural};
use crate::report::{Document, Report, Run};
use crate::scenario::Scenario;

const EXAMPLES: &str = "\
Examples:
  lbsim check scenarios
  lbsim check scenarios/weighted.toml --seeds 20
  lbsim check scenarios --prove
  lbsim check weighted.toml --expect 'share(alpha)=50%±1%'
One file gives a report as `lbsim run` does; a folder or several files give a
list of them, in the order of their names.";

/// Judge the expectations of scenarios, as a gate in continuous integration
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{HELP}"))]
pub struct Options {
    /// Files, and folders to search for *.toml [default: scenarios]
    pub paths: Vec<PathBuf>,
    #[command(flatten)]
    pub changes: Changes,
    /// Run each scenario with this many seeds, from its own on; all must hold
    #[arg(long, value_name = "N", default_value = "1")]
    pub seeds: NonZeroUsize,
    /// Put broken balancers in place of the engine, and tell which of them the expectations catch; exit 1 when one is missed
    #[arg(long)]
    pub prove: bool,
    #[command(flatten)]
    pub baseline: BaselineFlags,
    #[command(flatten)]
    pub results: Results,
    /// Leave out what depends on the machine: same input, same bytes
    #[arg(long)]
    pub stable: bool,
    #[command(flatten)]
    pub strictness: Strictness,
    /// Runs at a time [default: one per core]
    #[arg(short, long, value_name = "N")]
    pub jobs: Option<NonZeroUsize>,
}

pub fn execute(options: &Options, terminal: &Terminal) -> Result<Exit, Failure> {
    let fail_on = options.strictness.checked()?;
    let paths = files::scenarios(&options.paths)?;
    if options.prove {
        return prove::execute(options, &paths, terminal);
    }
    let inputs: Vec<&Path> = paths.iter().map(PathBuf::as_path).collect();
    let planned = destination::plan(&inputs, &options.results, None)?;
    let loaded = read(&paths, options, terminal);
    if loaded.expected.iter().all(Vec::is_empty) && loaded.invalid.is_empty() {
        let message = format!("none of {} expects anything: add an [[expect]], or --expect", plural(paths.len() as u64, "scenario"));
        return Err(Failure { exit: Exit::NothingRun, message });
    }
    for ready in &loaded.ready {
        destination::spare_trace(ready.scenario.trace.as_deref(), &planned, None)?;
    }
    loaded.ready.iter().try_for_each(|ready| options.baseline.check_clock(&ready.scenario.plan))?;
    let outputs = destination::open(planned, terminal)?;
    let mut comparison = options.baseline.open(&inputs)?;
    let start = Instant::now();
    let runs = run(&loaded, options, terminal)?;
    if !options.stable {
        let took = nanos(start.elapsed().as_nanos() as f64);
        terminal.remark(&format!("checked {} in {took}", plural(runs.iter().map(Vec::len).sum::<usize>() as u64, "run")));
    }
    let interrupted = runs.iter().flatten().any(|finished| finished.interrupted);
    let warnings = loaded.ready.iter().map(|ready| ready.warnings).sum();
    let failed_to_read = !loaded.invalid.is_empty();
    let document = document(loaded, runs, options, &paths, &mut comparison)?;
    comparison.finish(interrupted, terminal)?;
    destination::write(&document, outputs, &View { gate: true, ..terminal.view }, terminal)?;
    let judged = judge(document.verdicts(), warnings, interrupted, fail_on);
    // A file that cannot be read is worse than one that fails: nobody knows what it would say.
    Ok(if failed_to_read && judged != Exit::Interrupted { Exit::Usage } else { judged })
}

/// What the paths hold.
struct Loaded {
    ready: Vec<Ready>,
    /// What each is judged and measured by; empty: it is not run.
    expected: Vec<Vec<Expectation>>,
    invalid: Vec<String>,
}

fn read(paths: &[PathBuf], options: &Options, terminal: &Terminal) -> Loaded {
    let mut loaded = Loaded { ready: Vec::new(), expected: Vec::new(), invalid: Vec::new() };
    for path in paths {
        let path = path.to_string_lossy();
        match load::scenario(&path, &options.changes.overrides(), terminal) {
            Ok(ready) => {
                let expected = options.baseline.expectations(&ready.scenario);
                if expected.is_empty() {
                    terminal.remark(&format!("warning: {path} expects nothing: it is not run"));
                }
                loaded.expected.push(expected);
                loaded.ready.push(ready);
            }
            Err(_) => loaded.invalid.push(path.into_owned()),
        }
    }
    loaded
}

/// The runs of each scenario, one per seed; none where nothing is expected.
fn run(loaded: &Loaded, options: &Options, terminal: &Terminal) -> Result<Vec<Vec<Finished>>, Failure> {
    let expecting = loaded.ready.iter().enumerate().filter(|(at, _)| !loaded.expected[*at].is_empty());
    let plans: Vec<(usize, Plan)> = expecting.flat_map(|(at, ready)| plans(at, &ready.scenario, options.seeds)).collect();
    let progress = Progress::of(plans.iter().map(|(_, plan)| plan));
    let finished = progress::watched(terminal, &progress, || run_all(loaded, &plans, threads(options.jobs), &progress));
    let mut runs: Vec<Vec<Finished>> = loaded.ready.iter().map(|_| Vec::new()).collect();
    for ((at, _), finished) in plans.iter().zip(finished?) {
        runs[*at].push(finished);
    }
    Ok(runs)
}

fn plans(at: usize, scenario: &Scenario, seeds: NonZeroUsize) -> impl Iterator<Item = (usize, Plan)> + '_ {
    experiment::seeds(scenario.plan.seed, seeds.get()).into_iter().map(move |seed| (at, scenario.plan.with_seed(seed)))
}

fn run_all(loaded: &Loaded, plans: &[(usize, Plan)], threads: NonZeroUsize, progress: &Progress) -> Result<Vec<Finished>, Failure> {
    let jobs: Vec<Job<'_>> = plans.iter().map(|(at, plan)| Job { plan, expectations: &loaded.expected[*at] }).collect();
    let finished = batch::run_all(&jobs, threads, progress, interrupt::stop());
    finished.map_err(|(job, error)| load::cannot_drive(&loaded.ready[plans[job].0].scenario, &error))
}

/// One file is a report, a folder or several files are a collection, whatever is in them.
fn document(
    loaded: Loaded,
    runs: Vec<Vec<Finished>>,
    options: &Options,
    paths: &[PathBuf],
    comparison: &mut Comparison,
) -> Result<Document, Failure> {
    let mut reports: Vec<Report> = Vec::new();
    for (ready, finished) in loaded.ready.iter().zip(runs) {
        let interrupted = finished.iter().any(|finished| finished.interrupted);
        let mut runs: Vec<Run> = finished.into_iter().map(|finished| finished.run).collect();
        comparison.add(&ready.scenario, &mut runs)?;
        reports.push(assemble::several(&ready.scenario, runs, interrupted, None));
    }
    let one_file = options.paths.len() == 1 && paths.len() == 1 && options.paths[0] == paths[0];
    Ok(match reports.pop() {
        Some(report) if one_file => Document::One(report),
        last => {
            reports.extend(last);
            Document::Many(assemble::collection(reports, loaded.invalid))
        }
    })
}

//! `--baseline` and `--save-baseline`: figures against those of an earlier run.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::Failure;
use super::output::Output;
use super::terminal::Terminal;
use crate::drive::Plan;
use crate::gate::Expectation;
use crate::gate::baseline::{Baseline, Entry, probes, take_figures};
use crate::render::number::plural;
use crate::report::Run;
use crate::scenario::Scenario;

/// The two flags.
#[derive(Clone, Debug, Default, Args)]
pub struct BaselineFlags {
    /// Compare every figure with this file of an earlier version; a difference fails
    #[arg(long, value_name = "FILE")]
    #[arg(
        help = "Compare every figure with this file of --save-baseline: equal with one\nseed, by a 95 % interval and 1 % at least with several"
    )]
    pub baseline: Option<PathBuf>,
    /// Write every figure to this file, for --baseline
    #[arg(long, value_name = "FILE", conflicts_with = "baseline")]
    pub save_baseline: Option<PathBuf>,
}

/// What the flags ask for, opened.
pub struct Comparison {
    was: Option<(PathBuf, Baseline)>,
    output: Option<Output>,
    now: Baseline,
}

impl BaselineFlags {
    /// Whether there is anything to compare or to save.
    pub fn is_given(&self) -> bool {
        self.baseline.is_some() || self.save_baseline.is_some()
    }

    /// Refuses to compare what is never twice the same.
    ///
    /// # Errors
    /// A usage error for a plan in real time.
    pub fn check_clock(&self, plan: &Plan) -> Result<(), Failure> {
        if self.is_given() && plan.real.is_some() {
            return Err(Failure::usage("figures in real time differ from run to run: a baseline needs --clock virtual"));
        }
        Ok(())
    }

    /// What a scenario has to be measured by: its own expectations, and what a baseline holds.
    pub fn expectations(&self, scenario: &Scenario) -> Vec<Expectation> {
        let more = if self.is_given() { probes(scenario.plan.providers.len()) } else { Vec::new() };
        scenario.expectations.iter().cloned().chain(more).collect()
    }

    /// Reads the old file, opens the new one.
    ///
    /// # Errors
    /// A usage error for a file that is no baseline, an output error for one that cannot be written.
    pub fn open(&self, inputs: &[&Path]) -> Result<Comparison, Failure> {
        let was = self.baseline.as_deref().map(read).transpose()?;
        if let Some(path) = self.save_baseline.as_deref().filter(|path| inputs.contains(path)) {
            return Err(Failure::usage(format!("{} is the scenario, which would be overwritten", path.display())));
        }
        let output = self.save_baseline.as_deref().map(Output::create).transpose()?;
        Ok(Comparison { was, output, now: Baseline::default() })
    }
}

impl Comparison {
    /// Compares the runs of one scenario, and puts what differs behind their expectations, as one that does not hold.
    ///
    /// # Errors
    /// A usage error where the baseline is of something else.
    pub fn add(&mut self, scenario: &Scenario, runs: &mut [Run]) -> Result<(), Failure> {
        let figures = take_figures(runs, scenario.expectations.len());
        let Some(first) = runs.first_mut().filter(|_| self.was.is_some() || self.output.is_some()) else { return Ok(()) };
        let now = Entry::of(&scenario.digest, first.seed, &figures);
        if let Some((path, baseline)) = &self.was {
            let wrong = |why: String| Err(Failure::usage(format!("{}: {why}", path.display())));
            let again = "; look at why, and make it again with --save-baseline";
            let Some(was) = baseline.scenarios.get(&scenario.name) else {
                return wrong(format!("it has no scenario `{}`{again}", scenario.name));
            };
            if was.digest != now.digest {
                return wrong(format!(
                    "the scenario `{}` has changed since (digest {}, now {}){again}",
                    scenario.name, was.digest, now.digest
                ));
            }
            if (was.seed, was.seeds) != (now.seed, now.seeds) {
                let seeds = |entry: &Entry| format!("{} from {}", plural(entry.seeds, "seed"), entry.seed);
                return wrong(format!("`{}` is of {}, these runs of {}", scenario.name, seeds(was), seeds(&now)));
            }
            first.expectations.extend(was.differences(&now));
        }
        if self.now.scenarios.insert(scenario.name.clone(), now).is_some() {
            return Err(Failure::usage(format!("two scenarios are called `{}`: a baseline needs names that differ", scenario.name)));
        }
        Ok(())
    }

    /// Writes the new file, unless the runs were cut off.
    ///
    /// # Errors
    /// An output error.
    pub fn finish(self, interrupted: bool, terminal: &Terminal) -> Result<(), Failure> {
        if let Some((path, was)) = &self.was {
            let figures: usize = self.now.scenarios.values().map(|entry| entry.figures.len()).sum();
            let left = was.scenarios.keys().filter(|name| !self.now.scenarios.contains_key(*name)).count() as u64;
            let unused = if left > 0 { format!("; {} in it not run", plural(left, "scenario")) } else { String::new() };
            terminal.remark(&format!("compared {} with {}{unused}", plural(figures as u64, "figure"), path.display()));
        }
        match self.output {
            Some(output) if !interrupted => output.write_whole(&self.now.to_text()),
            _ => Ok(()),
        }
    }
}

fn read(path: &Path) -> Result<(PathBuf, Baseline), Failure> {
    let wrong = |why: String| Failure::usage(format!("cannot read the baseline {}: {why}", path.display()));
    let text = fs::read_to_string(path).map_err(|problem| wrong(problem.to_string()))?;
    let baseline = Baseline::parse(&text).map_err(|problem| wrong(problem.to_string()))?;
    Ok((path.to_owned(), baseline))
}

//! Would the gate notice? Broken balancers, run through the simulator against the expectations that the right one keeps.
//!
//! An expectation catches a fault in a file if it holds with the engine as it is, and does not with the fault put in. A fault
//! that no expectation of any file catches would go to production unseen. Mutation testing, of the balancer: DeMillo, Lipton
//! and Sayward, "Hints on Test Data Selection", IEEE Computer 11(4), 1978.

mod broken;
mod fault;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use rayon::ThreadPoolBuilder;
use rayon::prelude::*;
use serde::Serialize;

pub use broken::Broken;
pub use fault::{FAULTS, Fault};

use super::run::{Options, run, run_with};
use super::{Expectation, Metric};
use crate::drive::{DriveError, Plan};
use crate::report::{ExpectationResult, Verdict};

/// A scenario to try faults on.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// Its name.
    pub name: &'a str,
    /// What to run.
    pub plan: &'a Plan,
    /// What judges it.
    pub expectations: &'a [Expectation],
}

/// What became of one fault.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proved {
    /// The fault's name.
    pub fault: &'static str,
    /// What it does.
    pub summary: &'static str,
    /// Scenarios in which it could show.
    pub tried: usize,
    /// Those of them that were stopped before the end: nothing is known of them.
    pub unfinished: usize,
    /// Every expectation that caught it, in the order of the files.
    pub caught: Vec<Caught>,
    /// What would catch it.
    pub add: &'static str,
}

/// An expectation that caught a fault.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Caught {
    /// Name of the scenario.
    pub scenario: String,
    /// Index of the expectation in it.
    pub index: usize,
    /// As judged with the fault.
    #[serde(flatten)]
    pub expectation: ExpectationResult,
}

/// All faults against all subjects.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Proof {
    /// In the order of [`FAULTS`].
    pub faults: Vec<Proved>,
    /// Expectations that caught nothing, by scenario: they guard against something else, or against nothing.
    pub idle: Vec<Idle>,
    /// Stopped early.
    pub interrupted: bool,
}

/// An expectation that caught nothing.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Idle {
    /// Name of the scenario.
    pub scenario: String,
    /// As judged without a fault.
    pub expectation: ExpectationResult,
}

/// Runs every fault in every subject in which it can show, `threads` at a time; the result does not depend on `threads`.
///
/// # Errors
/// The first subject (in order) whose plan cannot be run, with its index.
pub fn prove(subjects: &[Subject<'_>], threads: NonZeroUsize, stop: &AtomicBool) -> Result<Proof, (usize, DriveError)> {
    let jobs: Vec<(usize, Option<&Fault>)> = subjects
        .iter()
        .enumerate()
        .flat_map(|(at, subject)| {
            let faults = FAULTS.iter().filter(|fault| (fault.shows)(subject.plan));
            std::iter::once((at, None)).chain(faults.map(move |fault| (at, Some(fault))))
        })
        .collect();
    let judge = |(at, fault): &(usize, Option<&Fault>)| judged(&subjects[*at], *fault, stop).map_err(|error| (*at, error));
    let results: Vec<Option<Vec<ExpectationResult>>> = match ThreadPoolBuilder::new().num_threads(threads.get()).build() {
        Ok(pool) => pool.install(|| jobs.par_iter().map(judge).collect::<Vec<_>>()).into_iter().collect::<Result<_, _>>()?,
        Err(_) => jobs.iter().map(judge).collect::<Result<_, _>>()?,
    };
    let sound: Vec<Option<&[ExpectationResult]>> =
        jobs.iter().zip(&results).filter(|((_, fault), _)| fault.is_none()).map(|(_, results)| results.as_deref()).collect();
    let of = |fault: &'static Fault| {
        let runs = jobs.iter().zip(&results).filter(|((_, other), _)| other.is_some_and(|other| other.name == fault.name));
        let runs: Vec<_> = runs.map(|((at, _), results)| (*at, sound[*at].zip(results.as_deref()))).collect();
        let ended = runs.iter().filter_map(|(at, pair)| pair.map(|pair| (*at, pair)));
        let caught: Vec<Caught> = ended.clone().flat_map(|(at, (sound, broken))| caught(subjects[at].name, sound, broken)).collect();
        let unfinished = runs.len() - ended.count();
        Proved { fault: fault.name, summary: fault.summary, tried: runs.len(), unfinished, caught, add: fault.add }
    };
    let faults: Vec<Proved> = FAULTS.iter().map(of).collect();
    // Without all runs, nothing can be said to have caught nothing.
    let interrupted = stop.load(Relaxed);
    let idle = if interrupted { Vec::new() } else { idle(subjects, &sound, &faults) };
    Ok(Proof { faults, idle, interrupted })
}

/// How the expectations were judged; `None` of a run that was stopped, whose figures are those of a part.
fn judged(subject: &Subject<'_>, fault: Option<&Fault>, stop: &AtomicBool) -> Result<Option<Vec<ExpectationResult>>, DriveError> {
    let options = Options { stop: Some(stop), ..Options::default() };
    let (plan, expectations) = (subject.plan, subject.expectations);
    let finished = match fault {
        None => run(plan, expectations, options)?,
        Some(fault) => run_with(plan, expectations, options, &|config| Broken::new(fault, plan, config))?,
    };
    Ok((!finished.interrupted).then_some(finished.run.expectations))
}

/// What held without the fault and does not with it. What needs a clock on the wall is left out.
fn caught(scenario: &str, sound: &[ExpectationResult], broken: &[ExpectationResult]) -> Vec<Caught> {
    let pairs = sound.iter().zip(broken).enumerate();
    pairs
        .filter(|(_, (sound, broken))| sound.verdict == Verdict::Pass && broken.verdict != Verdict::Pass)
        .filter(|(_, (sound, _))| !Metric::parse(&sound.metric).is_some_and(Metric::is_wall))
        .map(|(index, (_, broken))| Caught { scenario: scenario.to_owned(), index, expectation: broken.clone() })
        .collect()
}

fn idle(subjects: &[Subject<'_>], sound: &[Option<&[ExpectationResult]>], faults: &[Proved]) -> Vec<Idle> {
    let caught = |scenario: &str, index: usize| {
        faults.iter().flat_map(|fault| &fault.caught).any(|caught| caught.scenario == scenario && caught.index == index)
    };
    let all = subjects.iter().zip(sound).flat_map(|(subject, results)| {
        let results = results.unwrap_or_default().iter().enumerate();
        results.map(|(at, one)| (subject.name, at, one))
    });
    let idle = all.filter(|(scenario, index, _)| !caught(scenario, *index));
    idle.map(|(scenario, _, expectation)| Idle { scenario: scenario.to_owned(), expectation: expectation.clone() }).collect()
}

//! Several runs on several cores, with the results in the order of the jobs.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;

use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use super::Expectation;
use super::run::{Finished, Options, Progress, needs_timing, run};
use crate::drive::{DriveError, Plan};

/// One run to make.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// What to run, strategy and seed included.
    pub plan: &'a Plan,
    /// What to judge it by.
    pub expectations: &'a [Expectation],
}

/// Makes all runs, `threads` at a time. Each is a pure function of its plan, so that the results do not depend on `threads`.
///
/// `progress` counts the jobs in their order; `stop` ends all of them early. Picks are timed only where an expectation is
/// about them, and those runs are made alone, afterwards: runs side by side disturb each other's caches, and that would
/// be measured as the cost of a decision. Runs in real time are made alone too.
///
/// # Errors
/// The first job (in order) whose plan cannot be run, with its index.
pub fn run_all(
    jobs: &[Job<'_>],
    threads: NonZeroUsize,
    progress: &Progress,
    stop: &AtomicBool,
) -> Result<Vec<Finished>, (usize, DriveError)> {
    let one = |index: usize, time_decisions: bool| {
        let options = Options { progress: progress.run(index), stop: Some(stop), time_decisions, ..Options::default() };
        run(jobs[index].plan, jobs[index].expectations, options).map_err(|error| (index, error))
    };
    let (alone, together): (Vec<usize>, Vec<usize>) =
        (0..jobs.len()).partition(|index| needs_timing(jobs[*index].expectations) || jobs[*index].plan.real.is_some());
    let made: Vec<Result<Finished, (usize, DriveError)>> =
        match ThreadPoolBuilder::new().num_threads(threads.get().min(together.len().max(1))).build() {
            // Collected by index, never by who finished first.
            Ok(pool) => pool.install(|| together.par_iter().map(|index| one(*index, false)).collect()),
            // No thread to be had: this one can do it all.
            Err(_) => together.iter().map(|index| one(*index, false)).collect(),
        };
    let timed = alone.iter().map(|index| one(*index, needs_timing(jobs[*index].expectations))).collect::<Vec<_>>();
    let mut finished: Vec<_> = together.into_iter().chain(alone).zip(made.into_iter().chain(timed)).collect();
    finished.sort_by_key(|(index, _)| *index);
    finished.into_iter().map(|(_, result)| result).collect()
}

//! Several runs on several cores, with the results in the order of the jobs.

use std::num::NonZeroUsize;
use std::sync::atomic::AtomicBool;

use rayon::ThreadPoolBuilder;
use rayon::prelude::*;

use super::Expectation;
use super::run::{Finished, Options, Progress, run};
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
/// `progress` counts the jobs in their order; `stop` ends all of them early. No pick is timed: runs side by side disturb
/// each other's caches, and that would be measured as the cost of a decision.
///
/// # Errors
/// The first job (in order) whose plan cannot be run, with its index.
pub fn run_all(
    jobs: &[Job<'_>],
    threads: NonZeroUsize,
    progress: &Progress,
    stop: &AtomicBool,
) -> Result<Vec<Finished>, (usize, DriveError)> {
    let one = |(index, job): (usize, &Job<'_>)| {
        let options = Options { progress: progress.run(index), stop: Some(stop), ..Options::default() };
        run(job.plan, job.expectations, options).map_err(|error| (index, error))
    };
    match ThreadPoolBuilder::new().num_threads(threads.get().min(jobs.len().max(1))).build() {
        // Collected by index, never by who finished first.
        Ok(pool) => pool.install(|| jobs.par_iter().enumerate().map(one).collect::<Vec<_>>()).into_iter().collect(),
        // No thread to be had: this one can do it all.
        Err(_) => jobs.iter().enumerate().map(one).collect(),
    }
}

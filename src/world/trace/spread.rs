//! Undoes coarse timestamps.
//!
//! The Mooncake conversation trace has its times rounded down to steps of three seconds (within a few milliseconds).
//! Replayed as they are, all requests of a step would arrive at one instant: false bursts of ten. Each step's rows
//! are spread over the step by uniform draws in ascending order, so that the order of rows stays and the arrivals
//! within a step look like a Poisson process of that rate. Even spacing was refused: it would make the trace smoother
//! than any real traffic (the CV of the gaps falls well below 1).

use crate::rng::{Draws, Stream};
use crate::time::Nanos;
use crate::world::spec::TraceRow;

const STEP: Nanos = Nanos::from_secs(3);
/// How far from a multiple of the step a timestamp may lie; the published file goes up to 3 ms.
const SLACK: Nanos = Nanos::from_millis(10);
/// With fewer steps than this, rows at one instant may well be meant.
const FEWEST_STEPS: usize = 10;
/// Not the run's seed: a trace is the same recorded traffic under every seed.
const SEED: u64 = 0;

/// Spreads rows over their steps if, and only if, all of them lie on the step and two or more share one on average.
pub(super) fn spread(rows: &mut [TraceRow]) {
    if !is_coarse(rows) {
        return;
    }
    let mut index = 0;
    for step in rows.chunk_by_mut(|a, b| step_of(a) == step_of(b)) {
        let start = Nanos::new(step.first().map_or(0, step_of) * STEP.as_nanos());
        let mut offsets: Vec<u64> = (index..).take(step.len()).map(offset).collect();
        offsets.sort_unstable();
        index += step.len() as u64;
        for (row, offset) in step.iter_mut().zip(offsets) {
            row.at = start + Nanos::new(offset);
        }
    }
    let origin = rows.first().map_or(Nanos::ZERO, |row| row.at);
    rows.iter_mut().for_each(|row| row.at = row.at.since(origin));
}

fn offset(index: u64) -> u64 {
    Draws::new(SEED, Stream::TraceSpread, index).below(STEP.as_nanos())
}

fn step_of(row: &TraceRow) -> u64 {
    (row.at.as_nanos() + STEP.as_nanos() / 2) / STEP.as_nanos()
}

fn is_coarse(rows: &[TraceRow]) -> bool {
    let on_step = |row: &TraceRow| row.at.as_nanos().abs_diff(step_of(row) * STEP.as_nanos()) <= SLACK.as_nanos();
    let steps = rows.chunk_by(|a, b| step_of(a) == step_of(b)).count();
    rows.iter().all(on_step) && steps >= FEWEST_STEPS && rows.len() >= 2 * steps
}

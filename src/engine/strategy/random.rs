//! Random: any eligible provider with equal probability.
//!
//! Needs no shared state, so any number of gateways stay fair; the baseline of every comparison. Queues are longer than
//! under round robin, because every provider sees Poisson arrivals. Weights do not matter here: see `weighted-random`.

use super::super::bits::Candidates;
use super::View;

#[inline]
pub(super) fn choose(view: &View<'_>, candidates: &impl Candidates) -> usize {
    let rank = view.draws().below(candidates.count() as u64) as usize;
    candidates.nth(rank).expect("rank is below the number of candidates")
}

//! Least connections: the fewest attempts in flight per weight, ties at random (in proportion to the weights, so that
//! they hold in an idle pool too).
//!
//! In flight is the number of unsettled leases, counted on pick, not on completion: a burst spreads at once, and a
//! counter cannot drift. For equal providers this is join-the-shortest-queue, which is optimal for exponential service
//! (Winston, "Optimality of the shortest line discipline", J. Appl. Prob. 14, 1977). Choose it for a single gateway;
//! several gateways that do not see each other's counters herd less with `power-of-two`.

use super::super::bits::Candidates;
use super::View;

#[inline(never)]
pub(super) fn choose(view: &View<'_>, candidates: &impl Candidates) -> usize {
    view.lowest(candidates, |place, _| View::load(place)).expect("candidates are not empty")
}

/// Attempts in flight per weight.
pub(super) fn score(view: &View<'_>, position: usize) -> f64 {
    f64::from(view.in_flight(position)) / view.member(position).weight
}

//! Rate-limit aware: the largest remaining fraction of the tightest limit, times the weight; ties at random.
//!
//! Quota is counted when it is reserved, not when the answer comes: a burst cannot overshoot in between, which is how
//! LiteLLM's usage-based routing, the model of this strategy, overruns token limits. A provider without limits always
//! has everything left.

use super::super::bits::Candidates;
use super::View;

#[inline(never)]
pub(super) fn choose(view: &View<'_>, candidates: &impl Candidates) -> usize {
    view.lowest(candidates, |position| score(view, position)).expect("candidates are not empty")
}

/// Minus the weighted remaining fraction.
#[inline]
pub(super) fn score(view: &View<'_>, position: usize) -> f64 {
    -view.headroom(position) * view.member(position).weight
}

//! Rate-limit aware: the largest remaining fraction of the tightest limit, times the weight; ties at random.
//!
//! Quota is counted when it is reserved, not when the answer comes: a burst cannot overshoot in between, which is how
//! LiteLLM's usage-based routing, the model of this strategy, overruns token limits. A provider without limits always
//! has everything left.

use super::super::bits::Candidates;
use super::super::pool::{Member, Place};
use super::{View, key};

#[inline(never)]
pub(super) fn choose(view: &View<'_>, candidates: &impl Candidates) -> usize {
    let best = if view.tier.shares { view.lowest(candidates, shared_rank) } else { view.lowest(candidates, rank) };
    best.expect("candidates are not empty")
}

/// Minus the weighted remaining fraction.
pub(super) fn score(view: &View<'_>, position: usize) -> f64 {
    -weighted_headroom(&view.tier.places[position], view.member(position))
}

#[inline]
fn rank(place: &Place, _: &Member) -> u64 {
    place.slot.mirror.score()
}

/// A group keeps the quota of its members, and their mirrors do not know of it.
#[inline]
fn shared_rank(place: &Place, member: &Member) -> u64 {
    if place.sharing.is_none() { rank(place, member) } else { !key(weighted_headroom(place, member)) }
}

fn weighted_headroom(place: &Place, member: &Member) -> f64 {
    View::headroom(place) * member.weight
}

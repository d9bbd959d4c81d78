//! Lowest latency: of all eligible providers the one with the lowest expected latency × (in flight + 1) per weight.
//!
//! Choosing by latency alone sends every request of a burst to one provider, because the estimate changes only when
//! answers come back; the load factor spreads it (shortest expected delay: Whitt, "Deciding Which Queue to Join",
//! Oper. Res. 34(1), 1986). The expected latency is that of a typical request, from time to first token and time per
//! token, so that answer lengths do not bias it. A new provider counts like the pool's average: neither shunned nor
//! flooded. `peak-ewma` reacts faster and compares only a few.

use super::super::bits::Candidates;
use super::View;

#[inline(never)]
pub(super) fn choose(view: &View<'_>, candidates: &impl Candidates) -> usize {
    let pool = view.typical.latency();
    view.lowest(candidates, |place, _| View::work(place, view.latency(place, pool))).expect("candidates are not empty")
}

/// Nanoseconds of expected work ahead, per weight.
pub(super) fn score(view: &View<'_>, position: usize) -> f64 {
    let latency = view.latency(&view.tier.places[position], view.typical.latency());
    latency * f64::from(view.in_flight(position) + 1) / view.member(position).weight
}

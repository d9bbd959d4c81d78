//! Lowest latency: of all eligible providers the one with the lowest expected latency × (in flight + 1) per weight.
//!
//! Choosing by latency alone sends every request of a burst to one provider, because the estimate changes only when
//! answers come back; the load factor spreads it (shortest expected delay: Whitt, "Deciding Which Queue to Join",
//! Oper. Res. 34(1), 1986). The expected latency is that of a typical request, from time to first token and time per
//! token, so that answer lengths do not bias it. A new provider counts like the pool's average: neither shunned nor
//! flooded. `peak-ewma` reacts faster and compares only a few.

use super::super::bits::Candidates;
use super::View;
use crate::rng;

#[inline(never)]
pub(super) fn choose(view: &View<'_>, candidates: &impl Candidates) -> usize {
    // Lateness only adds to the work: the lowest without it is the lowest if it is not late.
    let best = view.lowest(candidates, |place, _| View::load(place)).expect("candidates are not empty");
    if view.tier.places[best].slot.mirror.late_by(view.now).is_none() { best } else { choose_with_lateness(view, candidates) }
}

#[inline(never)]
fn choose_with_lateness(view: &View<'_>, candidates: &impl Candidates) -> usize {
    // A draw of its own: the other one has hit the late one.
    let view = View { draws: rng::mix(view.draws), ..*view };
    view.lowest(candidates, |place, _| view.work(place)).expect("candidates are not empty")
}

/// Nanoseconds of expected work ahead, per weight.
pub(super) fn score(view: &View<'_>, position: usize) -> f64 {
    view.work_ns(position)
}

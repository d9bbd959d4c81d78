//! Peak EWMA: of `choices` random providers the one with the lowest peak-sensitive latency × (in flight + 1) per weight.
//!
//! The estimate takes a slow answer at once and forgets it over seconds, so a provider that turns slow loses its traffic
//! with the first slow answer; the in-flight factor keeps a fast provider from being flooded. Source: Finagle's
//! `PeakEwma` (Twitter, 2015), also in linkerd and tower. Unlike those, a provider without an answer so far counts like
//! the pool's average, reading the estimate never changes it, and attempts that already take longer than the estimate
//! count before they end.

use super::super::bits::Candidates;
use super::super::pool::{Member, Place};
use super::View;

#[inline(never)]
pub(super) fn choose(view: &View<'_>, candidates: &impl Candidates, choices: usize) -> usize {
    let pool = view.typical.latency();
    let work = |place: &Place, _: &Member| View::work(place, view.peak_latency(place, pool));
    view.best_of(candidates, choices, work).expect("candidates are not empty")
}

/// Nanoseconds of expected work ahead, per weight.
pub(super) fn score(view: &View<'_>, position: usize) -> f64 {
    let latency = view.peak_latency(&view.tier.places[position], view.typical.latency());
    latency * f64::from(view.in_flight(position) + 1) / view.member(position).weight
}

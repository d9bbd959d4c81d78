//! Peak EWMA: of `choices` random providers the one with the lowest peak-sensitive latency × (in flight + 1) per weight.
//!
//! The estimate takes a slow answer at once and forgets it over seconds, so a provider that turns slow loses its traffic
//! with the first slow answer; the in-flight factor keeps a fast provider from being flooded. Source: Finagle's
//! `PeakEwma` (Twitter, 2015), also in linkerd and tower. Unlike those, a provider without an answer so far counts like
//! the pool's average, reading the estimate never changes it, and attempts that already take longer than the estimate
//! count before they end.

use super::super::bits::Candidates;
use super::View;

#[inline(never)]
pub(super) fn choose(view: &View<'_>, candidates: &impl Candidates, choices: usize) -> usize {
    view.best_of(candidates, choices, |place, _| view.work(place)).expect("candidates are not empty")
}

/// Nanoseconds of expected work ahead, per weight.
pub(super) fn score(view: &View<'_>, position: usize) -> f64 {
    view.work_ns(position)
}

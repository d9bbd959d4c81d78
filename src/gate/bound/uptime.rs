//! When a provider can answer well at all, and under which limits.

use crate::drive::Plan;
use crate::engine::limit::Limits;
use crate::time::Nanos;
use crate::world::spec::{Change, Event};

/// A stretch of time in which nothing changes.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// Start.
    pub from: Nanos,
    /// End.
    pub until: Nanos,
    /// Whether an attempt that reaches the provider in it can succeed.
    pub up: bool,
    /// Other limits than the provider's own.
    pub limits: Option<Limits>,
}

/// The stretches of a provider between `from` and `until`, cut where its events begin and end.
pub fn stretches(plan: &Plan, provider: usize, (from, until): (Nanos, Nanos)) -> Vec<Stretch> {
    let events: Vec<&Event> = plan.events.iter().filter(|event| event.provider == provider).collect();
    let end = |event: &Event| event.until.unwrap_or(Nanos::MAX);
    let mut edges = vec![from, until];
    edges.extend(events.iter().flat_map(|event| [event.at, end(event)]).filter(|edge| from < *edge && *edge < until));
    edges.sort_unstable();
    edges.dedup();
    let starts_drained = plan.engine.providers[provider].drained;
    let stretch = |pair: &[Nanos]| {
        let holds = || events.iter().filter(|event| event.at <= pair[0] && pair[0] < end(event)).map(|event| &event.set);
        let drained = holds().filter_map(|set| set.enabled).next_back().map_or(starts_drained, |enabled| !enabled);
        Stretch {
            from: pair[0],
            until: pair[1],
            up: !drained && !holds().any(is_down),
            limits: holds().filter_map(|set| set.limits.clone()).next_back(),
        }
    };
    edges.windows(2).map(stretch).collect()
}

/// Whether no attempt that reaches a provider under this change can succeed.
fn is_down(set: &Change) -> bool {
    set.error_rate.is_some_and(|rate| rate >= 1.0) || set.hang == Some(true) || set.refuse_connections == Some(true)
}

/// The smallest factors on the time to the first token and on the time per further token that any event brings, at most 1.
pub fn fastest_factors(plan: &Plan, provider: usize) -> (f64, f64) {
    let events = plan.events.iter().filter(|event| event.provider == provider).map(|event| &event.set);
    let shortening = |factor: Option<f64>| factor.unwrap_or(1.0).min(1.0);
    // Events may overlap on different fields; all that shorten at once is as fast as it can be.
    events.fold((1.0, 1.0), |(ttft, itl), set| {
        let all = shortening(set.latency_factor);
        (ttft * all * shortening(set.ttft_factor), itl * all * shortening(set.itl_factor))
    })
}

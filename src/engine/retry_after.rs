//! What a gateway tells a request that it refuses: when to come back.

use std::sync::Arc;

use super::Engine;
use super::limit::{Belief, Cost, FreeAt};
use super::pick::{mode, shut};
use super::pool::{Place, Route};
use super::provider::{Mode, Until};
use super::request::Request;
use crate::time::Nanos;

/// So many of those ahead are gone through one by one; a longer queue is taken to go on at the same rate.
const AHEAD_MAX: u64 = 1_000;

impl Engine {
    /// How long a request that is refused now should stay away: until the first moment at which it could be sent, behind
    /// `ahead` others that wait already ([`WaitQueue::ahead`](super::WaitQueue::ahead)). Zero: it could be sent at once. `None`: nobody can
    /// say, because nothing in the pool can ever serve it, or because what it takes depends on attempts in flight and no answer
    /// has come so far. A gateway rounds it up to whole seconds for `Retry-After` (RFC 9110, 10.2.3).
    ///
    /// It is exact as long as quotas are as believed, those ahead (up to 1,000) ask for as much as this one and do not give up, and
    /// nobody with a better priority comes in between. Where a place in flight is what is missing, it is an estimate from
    /// the usual time of an answer. Providers that were taken out for failing are not counted on, as their trials may
    /// fail; with nothing else left, the time is that of the first trial. Where all are out, the next pick takes any of them.
    ///
    /// It copies what is believed of every quota, and goes through those ahead one by one: not for every pick.
    pub fn retry_after(&self, now: Nanos, request: &Request, ahead: u64) -> Option<Nanos> {
        let pool = self.pool.load();
        let route = pool.route(request.model);
        let at = behind(sources(route, now, request), ahead).or_else(|| first_trial(route, now, request))?;
        Some(at.since(now))
    }
}

/// A quota, to be used up on paper.
struct Source {
    quota: Belief,
    /// What each takes.
    cost: Cost,
    /// When it lets the next one in.
    next: Nanos,
    /// Between two ends of attempts in flight.
    turn: Option<Nanos>,
}

impl Source {
    /// When it would take an attempt; `None`: not known, or never.
    fn free_at(&mut self) -> Option<Nanos> {
        match self.quota.free_at(self.next, self.cost) {
            FreeAt::Now => Some(self.next),
            FreeAt::At(at) => Some(at),
            FreeAt::OnSettle => Some(self.next + self.turn?),
            FreeAt::Never => None,
        }
    }

    /// It takes one at `at`.
    fn take(&mut self, at: Nanos) {
        self.next = at;
        // Where a place in flight is missing nothing is reserved: the next one waits for another turn.
        let _ = self.quota.reserve(at, self.cost);
    }
}

/// When `ahead` requests have gone and one more can, each as soon as any source takes it.
fn behind(mut sources: Vec<Source>, ahead: u64) -> Option<Nanos> {
    let start = sources.iter().map(|source| source.next).min()?;
    let mut at = start;
    for gone in 0..=ahead.min(AHEAD_MAX) {
        let free = sources.iter_mut().enumerate().filter_map(|(index, source)| Some((source.free_at()?, index)));
        let (free, index) = free.min()?;
        at = free;
        if gone < ahead {
            sources[index].take(free);
        }
    }
    let more = ahead.saturating_sub(AHEAD_MAX) as f64 / AHEAD_MAX as f64;
    Some(at + Nanos::from_f64(at.since(start).as_f64() * more))
}

/// What can be counted on: one source for each quota, however many providers share it.
fn sources(route: &Route, now: Nanos, request: &Request) -> Vec<Source> {
    let mode = mode(route, now);
    let places: Vec<&Place> = route.tiers.iter().flat_map(|tier| tier.places.iter()).collect();
    let shares = |one: &Place, two: &Place| one.group().zip(two.group()).is_some_and(|(one, two)| Arc::ptr_eq(one, two));
    let mut seen: Vec<&Place> = Vec::new();
    let mut sources = Vec::new();
    for place in places {
        let known = place.slot.look(place.tenancy.tenant, |core| Some((core.opens_at(now, mode)?, core.turn(), core.quota()))).flatten();
        let Some((opens_at, turn, own)) = known.filter(|_| !seen.iter().any(|other| shares(other, place))) else { continue };
        seen.push(place);
        let (cools_until, quota) = place.group().map_or((now, own), |group| group.outlook(now));
        sources.push(Source { quota, cost: place.cost(request), next: opens_at.max(cools_until), turn });
    }
    sources
}

/// When the first provider that was taken out is tried again.
fn first_trial(route: &Route, now: Nanos, request: &Request) -> Option<Nanos> {
    let places = route.tiers.iter().flat_map(|tier| tier.places.iter());
    let shut = places.filter_map(|place| shut(place, now, request, Mode::Strict, Belief::peek));
    let times = shut.filter_map(|shut| match shut.until {
        Until::Time(until) => Some(until),
        Until::Settle | Until::Never => None,
    });
    times.min()
}

//! How long a request at the end of a line has to wait at least: whether it could make it in time.

use std::sync::Arc;

use super::Engine;
use super::limit::{Cost, FreeAt, Ledger};
use super::pool::{Place, Route};
use super::provider::Mode;
use super::request::Request;
use crate::time::Nanos;

/// So many of those ahead are gone through; a longer line takes no less.
const AHEAD_MAX: usize = 1_000;

impl Engine {
    /// At least how long a request that joins a line now has to wait in it, behind others with inputs of `ahead` tokens, first to
    /// last, as long as these stay in it. A gateway that lets nobody wait in vain asks before it lets one join, and
    /// refuses at once whose time would be up before, with [`Engine::retry_after`] as the time to come back.
    ///
    /// Zero where it cannot be said. Only declared limits count, on requests and on input tokens: what an answer leaves of its estimate
    /// comes back when it ends, and so do places in flight. While a provider is out, pauses, or has limits that were learned, it may
    /// take more than is known.
    ///
    /// It copies the quotas and goes through those ahead, up to 1,000, one by one: not for every pick.
    pub fn least_wait(&self, now: Nanos, request: &Request, ahead: impl IntoIterator<Item = u32>) -> Nanos {
        let pool = self.pool.load();
        let Some(mut quotas) = quotas(pool.route(request.model), now) else { return Nanos::ZERO };
        let mut at = now;
        for input in ahead.into_iter().take(AHEAD_MAX).chain([request.input_tokens]) {
            let cost = Cost { input: input.into(), output: 0 };
            let free = quotas.iter_mut().enumerate().filter_map(|(index, quota)| Some((free_at(quota, at, cost)?, index)));
            let Some((free, index)) = free.min() else { return Nanos::ZERO };
            at = free;
            if quotas[index].reserve(at, cost).is_none() {
                return Nanos::ZERO;
            }
        }
        at.since(now)
    }
}

/// When a quota takes so much, not before `at`; `None`: never.
fn free_at(quota: &mut Ledger, at: Nanos, cost: Cost) -> Option<Nanos> {
    match quota.free_at(at, cost) {
        FreeAt::Now => Some(at),
        FreeAt::At(free) => Some(free),
        FreeAt::OnSettle | FreeAt::Never => None,
    }
}

/// Copies of all quotas of a route, one for each group; `None` if that of a provider is not known for sure.
fn quotas(route: &Route, now: Nanos) -> Option<Vec<Ledger>> {
    let mut seen: Vec<&Place> = Vec::new();
    let mut quotas = Vec::new();
    for place in route.tiers.iter().flat_map(|tier| tier.places.iter()) {
        let state = place.slot.look(place.tenancy.tenant, |core| (core.is_drained(), core.opens_at(now, Mode::Strict), core.quota()));
        let Some((false, opens_at, own)) = state else { continue };
        let shares = |other: &&&Place| place.group().zip(other.group()).is_some_and(|(one, two)| Arc::ptr_eq(one, two));
        if seen.iter().any(|other| shares(&other)) {
            continue;
        }
        seen.push(place);
        let (cools_until, quota) = place.group().map_or((now, own), |group| group.outlook(now));
        if opens_at != Some(now) || cools_until > now {
            return None;
        }
        quotas.push(quota.into_declared_rates()?);
    }
    Some(quotas)
}

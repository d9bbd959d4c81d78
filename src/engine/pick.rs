//! A pick: which members of which tier are candidates, and which of them admits the request.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use super::Engine;
use super::arena::Tenancy;
use super::bits::{All, Bits, Candidates};
use super::group::Group;
use super::health::HealthEvent;
use super::limit::{Belief, Refuses, Reservation};
use super::pool::{Member, Place, Pool, Route, Tier};
use super::provider::{Admitted, Ask, Mode, Shut, Until};
use super::request::{Decision, Lease, ProviderId, Request, Why};
use super::sharing::cost;
use super::slot::{ShutSlots, Slot};
use super::strategy::View;
use super::trace::Tracer;
use crate::rng;
use crate::time::Nanos;

/// How often every provider is looked at: a small part of any time-out or window, and seldom enough to cost nothing.
pub(super) const SWEEP_INTERVAL: Nanos = Nanos::from_millis(100);

impl Engine {
    #[inline]
    pub(super) fn pick_with<T: Tracer>(&self, now: Nanos, request: &Request, tracer: &mut T) -> Decision {
        // It is written under the lock of the provider: to let go of that waits until it has arrived, and whoever copies it need not.
        // What is handed up through calls instead is copied in each.
        let mut decision = Decision::Refuse { why: Why::Model };
        let done = self.pool.with(
            #[inline(always)]
            |pool| self.pick_of(pool, now, request, tracer, &mut decision),
        );
        if done.is_none() {
            decision = self.pick_of_loaded(now, request, tracer);
        }
        decision
    }

    #[cold]
    fn pick_of_loaded<T: Tracer>(&self, now: Nanos, request: &Request, tracer: &mut T) -> Decision {
        let pool = self.pool.load();
        self.look_around(&pool, now);
        self.pick_slowly(&pool, now, request, tracer)
    }

    /// What time brings, before every pick.
    #[inline(always)]
    fn look_around(&self, pool: &Pool, now: Nanos) {
        if now.as_nanos() >= self.next_sweep.load(Relaxed) {
            self.sweep(pool, now);
        }
        self.budget.roll(now);
    }

    #[inline(always)]
    fn pick_of<T: Tracer>(&self, pool: &Pool, now: Nanos, request: &Request, tracer: &mut T, decision: &mut Decision) {
        self.look_around(pool, now);
        // The usual case: a first attempt, every provider open, the best tier takes it.
        if !T::ON
            && request.tried.is_empty()
            && pool.shut_slots.is_none()
            && let Some(tier) = pool.route(request.model).tiers.first()
        {
            let candidates = All(tier.places.len());
            let choice = tier.chooser.choose(&self.view(pool, tier, now, request), &candidates);
            // Written twice, so that the usual one is written in place.
            let Place { slot, tenancy, sharing, .. } = &tier.places[choice.position];
            if sharing.is_some() {
                if let Some(lease) = admit(tier, choice.position, now, request, Mode::Strict) {
                    self.budget.count();
                    *decision = Decision::Send(lease);
                    return;
                }
            } else if let Some(mut held) = slot.hold(tenancy.tenant) {
                let ask = Ask { cost: cost(request), request: request.id, mode: Mode::Strict };
                if let Some(Admitted { reservation, trial }) = held.admit(now, ask) {
                    self.budget.count();
                    *decision = Decision::Send(lease(tier, choice.position, now, request, reservation, trial));
                    return;
                }
            }
            tier.chooser.undo(&choice, &candidates);
        }
        *decision = self.pick_slowly(pool, now, request, tracer);
    }

    #[inline(never)]
    fn pick_slowly<T: Tracer>(&self, pool: &Pool, now: Nanos, request: &Request, tracer: &mut T) -> Decision {
        let decision = self.pick_of_some(pool, pool.route(request.model), now, request, tracer);
        if request.tried.is_empty() && matches!(decision, Decision::Send(_)) {
            self.budget.count();
        }
        decision
    }

    fn pick_of_some<T: Tracer>(&self, pool: &Pool, route: &Route, now: Nanos, request: &Request, tracer: &mut T) -> Decision {
        if T::ON {
            tracer.begin(pool.places.len());
        }
        let again: &[bool] = if request.tried.is_empty() { &[false] } else { &[false, true] };
        let mode = if pool.shut_slots.is_none() { Mode::Strict } else { mode(route, now) };
        // A provider in its slow start leaves most requests to others, unless there are none.
        let modes: &[Mode] = if mode == Mode::LeastBad { &[Mode::LeastBad] } else { &[Mode::Strict, Mode::Eager] };
        for again in again {
            for mode in modes {
                if let Some(lease) = self.pick_in(pool, route, now, request, Pass { again: *again, mode: *mode }, tracer) {
                    return Decision::Send(lease);
                }
            }
        }
        // A pool that has been replaced meanwhile may be all drained: what counts is the present one.
        let present = self.pool.load();
        if !std::ptr::eq(pool, &**present) {
            return self.pick_of_some(&present, present.route(request.model), now, request, tracer);
        }
        wait_or_refuse(route, now, request, mode)
    }

    /// Goes through the tiers from the best on.
    fn pick_in<T: Tracer>(&self, pool: &Pool, route: &Route, now: Nanos, request: &Request, pass: Pass, tracer: &mut T) -> Option<Lease> {
        let mut sent = None;
        for tier in &route.tiers {
            let mut candidates = candidates(tier, &pool.shut_slots, now, request, pass);
            let view = self.view(pool, tier, now, request);
            if T::ON {
                note_tier(&view, &candidates, sent.is_some(), tracer);
            }
            if sent.is_none() && !candidates.is_empty() {
                sent = pick_from(view, &mut candidates, pass.mode, tracer);
            }
            if sent.is_some() && !T::ON {
                break;
            }
        }
        sent
    }

    /// Looks at every provider now and then, for what changes without anything being sent there.
    #[cold]
    fn sweep(&self, pool: &Pool, now: Nanos) {
        self.next_sweep.store((now + SWEEP_INTERVAL).as_nanos(), Relaxed);
        for (position, place) in pool.places.iter().enumerate() {
            let change = place.slot.with_tenant(place.tenancy.tenant, |core| core.sweep(now, self.typical.latency())).flatten();
            if let Some(change) = change {
                let tag = pool.config.providers[position].tag;
                self.health.push(HealthEvent { at: now, provider: ProviderId(position as u16), tag, change });
            }
            if let Some(group) = place.group() {
                group.sweep(now);
            }
        }
    }

    #[inline]
    fn view<'a>(&'a self, pool: &Pool, tier: &'a Tier, now: Nanos, request: &'a Request) -> View<'a> {
        View { now, request, tier, typical: &self.typical, draws: pool.draws }
    }
}

/// Lets the strategy choose until a provider admits the request or no candidate is left.
fn pick_from<T: Tracer>(mut view: View<'_>, candidates: &mut Bits, mode: Mode, tracer: &mut T) -> Option<Lease> {
    let (tier, now, request) = (view.tier, view.now, view.request);
    while !candidates.is_empty() {
        let choice = tier.chooser.choose(&view, candidates);
        let provider = tier.members[choice.position].id;
        if let Some(lease) = admit(tier, choice.position, now, request, mode) {
            let why = if mode == Mode::LeastBad { Why::LeastBad } else { Why::Ok };
            tracer.note(provider, true, why, None);
            return Some(lease);
        }
        tier.chooser.undo(&choice, candidates);
        if T::ON {
            let place = &tier.places[choice.position];
            let why =
                shut(place, now, request, mode, Belief::peek).map_or_else(|| place.slot.with(|core| core.reluctance()), |shut| shut.why);
            tracer.note(provider, false, why, None);
        }
        candidates.remove(choice.position);
        // The same number over one candidate less would send what this one refused to its neighbours.
        view.draws = rng::mix(view.draws);
    }
    None
}

/// Which candidates a pass over the tiers considers, and how strictly.
#[derive(Clone, Copy)]
struct Pass {
    /// Providers that the request has tried too.
    again: bool,
    mode: Mode,
}

/// Reserves at one member of a tier, and in the quota group it may belong to.
#[inline(never)]
fn admit(tier: &Tier, position: usize, now: Nanos, request: &Request, mode: Mode) -> Option<Lease> {
    let Some(sharing) = &tier.places[position].sharing else { return admit_alone(tier, position, now, request, mode) };
    let ask = Ask { cost: sharing.cost(request), request: request.id, mode };
    let Place { slot, tenancy, .. } = &tier.places[position];
    let Admitted { reservation, trial } = match &sharing.group {
        Some(group) => admit_in_group(slot, *tenancy, group, now, ask)?,
        None => slot.hold(tenancy.tenant)?.admit(now, ask)?,
    };
    Some(Lease { sharing: Some(Arc::clone(sharing)), ..lease(tier, position, now, request, reservation, trial) })
}

/// Reserves at a member of a tier that shares nothing.
#[inline(always)]
fn admit_alone(tier: &Tier, position: usize, now: Nanos, request: &Request, mode: Mode) -> Option<Lease> {
    let Place { slot, tenancy, .. } = &tier.places[position];
    let ask = Ask { cost: cost(request), request: request.id, mode };
    let Admitted { reservation, trial } = slot.hold(tenancy.tenant)?.admit(now, ask)?;
    Some(lease(tier, position, now, request, reservation, trial))
}

/// The group first, then the provider; the two locks are never held together. A group that has learned of its quota cannot forget a
/// reservation without a trace, so the provider is asked before.
fn admit_in_group(slot: &Slot, tenancy: Tenancy, group: &Group, now: Nanos, ask: Ask) -> Option<Admitted> {
    if slot.look(tenancy.tenant, |core| core.takes(now, ask)) != Some(true) {
        return None;
    }
    let reservation = group.reserve(now, ask.cost)?;
    match slot.with_tenant(tenancy.tenant, |core| core.admit_grouped(now, ask)).flatten() {
        Some(trial) => Some(Admitted { reservation, trial }),
        None => {
            group.cancel(now, reservation);
            None
        }
    }
}

#[inline(always)]
fn lease(tier: &Tier, position: usize, now: Nanos, request: &Request, reservation: Reservation, trial: bool) -> Lease {
    let (tenancy, &Member { id: provider, tag, .. }) = (tier.places[position].tenancy, &tier.members[position]);
    let first = request.tried.is_empty();
    let again = !first && request.tried.contains(provider);
    Lease { tenancy, provider, tag, trial, first, again, sent: now, first_token: Nanos::MAX, reservation, sharing: None }
}

/// Why a member of a tier would not admit the request: itself, or its group, whichever lasts longer. `refuses`: with [`Belief::peek`] a
/// decision that is explained is the same as one that is not.
pub(super) fn shut(place: &Place, now: Nanos, request: &Request, mode: Mode, refuses: Refuses) -> Option<Shut> {
    let cost = place.cost(request);
    let own = place.slot.look(place.tenancy.tenant, |core| core.shut(now, cost, mode, refuses)).unwrap_or(Some(GONE));
    let shared = place.group().and_then(|group| group.shut(now, cost, refuses));
    [own, shared].into_iter().flatten().max_by_key(|shut| shut.until)
}

/// Whether the end of an attempt may open a member, or its group, before the time that is known.
pub(super) fn settle_may_help(place: &Place, now: Nanos, request: &Request, mode: Mode) -> bool {
    let cost = place.cost(request);
    let own = place.slot.look(place.tenancy.tenant, |core| core.settle_may_help(now, cost, mode)).unwrap_or(false);
    own && place.group().is_none_or(|group| group.is_busy() || group.shut(now, cost, Belief::peek).is_none())
}

/// Whether a retry has somewhere else to go at once: a member that it has not tried and that would take it.
pub(super) fn another_is_open(route: &Route, now: Nanos, request: &Request) -> bool {
    let mut members = route.tiers.iter().flat_map(|tier| tier.members.iter().zip(tier.places.iter()));
    let is_open = |place| shut(place, now, request, Mode::Strict, Belief::peek).is_none();
    members.any(|(member, place)| !request.tried.contains(member.id) && is_open(place))
}

/// How strictly the providers of a route are looked at.
pub(super) fn mode(route: &Route, now: Nanos) -> Mode {
    if everyone_is_out(route, now) { Mode::LeastBad } else { Mode::Strict }
}

/// Whether every provider of a route that is not drained has been taken out for failing.
#[cold]
fn everyone_is_out(route: &Route, now: Nanos) -> bool {
    let places = route.tiers.iter().flat_map(|tier| tier.places.iter());
    let states = places.filter_map(|place| place.slot.look(place.tenancy.tenant, |core| (core.is_drained(), core.is_out(now))));
    let mut present = states.filter(|(drained, _)| !drained).map(|(_, out)| out).peekable();
    present.peek().is_some() && present.all(|out| out)
}

/// Of a provider that is no longer in the pool.
const GONE: Shut = Shut::new(Why::Drained, Until::Never);

/// Says of every member of a tier why it is a candidate or not.
fn note_tier<T: Tracer>(view: &View<'_>, candidates: &Bits, sent: bool, tracer: &mut T) {
    let tier = view.tier;
    for (position, member) in tier.members.iter().enumerate() {
        let eligible = candidates.contains(position) && !sent;
        let why = match (eligible, sent) {
            (true, _) => Why::NotChosen,
            (false, true) => Why::LowerTier,
            (false, false) => {
                let shut = shut(&tier.places[position], view.now, view.request, Mode::Strict, Belief::peek);
                shut.map_or(Why::Tried, |shut| shut.why)
            }
        };
        tracer.note(member.id, eligible, why, tier.chooser.score(view, position));
    }
}

/// The members of a tier that a pass considers.
#[inline]
fn candidates(tier: &Tier, shut_slots: &ShutSlots, now: Nanos, request: &Request, pass: Pass) -> Bits {
    let all = shut_slots.is_none() || pass.mode == Mode::LeastBad;
    let mut candidates = if all { Bits::full(tier.places.len()) } else { open(tier, now) };
    if !pass.again && !request.tried.is_empty() {
        for (position, _) in tier.members.iter().enumerate().filter(|(_, member)| request.tried.contains(member.id)) {
            candidates.remove(position);
        }
    }
    candidates
}

/// The members that are open at `now`.
#[inline(never)]
fn open(tier: &Tier, now: Nanos) -> Bits {
    let mut open = Bits::empty(tier.places.len());
    for (position, place) in tier.places.iter().enumerate() {
        open.insert_if(position, place.slot.mirror.is_open(now));
    }
    open
}

/// When nothing took the request: what frees first, or that nothing ever will.
#[cold]
fn wait_or_refuse(route: &Route, now: Nanos, request: &Request, mode: Mode) -> Decision {
    let places = route.tiers.iter().flat_map(|tier| tier.places.iter());
    let shut = places.map(|place| {
        place.slot.mirror.want();
        shut(place, now, request, mode, Belief::would_refuse)
    });
    // A provider that opened since it was asked is worth asking again at once.
    let shut = shut.map(|shut| shut.map_or((Until::Time(now), Why::NotChosen), |shut| (shut.until, shut.why)));
    match shut.min_by_key(|(until, _)| *until) {
        None => Decision::Refuse { why: Why::Model },
        Some((Until::Never, why)) => Decision::Refuse { why },
        Some((Until::Settle, why)) => Decision::Wait { until: None, why },
        Some((Until::Time(until), why)) => Decision::Wait { until: Some(until), why },
    }
}

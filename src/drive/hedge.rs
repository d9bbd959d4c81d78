//! Hedged requests: a second attempt elsewhere when the first is slow; the first to answer wins.
//!
//! Source: Dean, Barroso, "The Tail at Scale", CACM 56(2), 2013. The budget keeps hedges a share of the requests: each request
//! earns `budget` of a hedge, and at most ten are saved up, so that a slow quarter of an hour does not double the load.

use super::balancer::Balancer;
use super::kind;
use super::queue::Class;
use super::simulate::Simulation;
use crate::engine::{AttemptResult, Outcome};
use crate::metrics::observe::{AttemptEnd, AttemptKind, Observer};

/// Hedges that can be saved up.
const SAVED_MAX: f64 = 10.0;

/// How many hedges may be sent.
pub(super) struct HedgeBudget {
    per_request: f64,
    saved: f64,
}

impl HedgeBudget {
    pub fn new(per_request: f64) -> HedgeBudget {
        HedgeBudget { per_request, saved: 0.0 }
    }

    /// A request arrived.
    pub fn earn(&mut self) {
        self.saved = (self.saved + self.per_request).min(SAVED_MAX);
    }

    /// Takes one, if there is one.
    fn spend(&mut self) -> bool {
        // A millionth of slack: twenty times 0.05 must make one.
        let allowed = self.saved >= 1.0 - 1e-6;
        if allowed {
            self.saved -= 1.0;
        }
        allowed
    }

    fn refund(&mut self) {
        self.saved += 1.0;
    }
}

impl<O: Observer, B: Balancer> Simulation<'_, '_, O, B> {
    /// The first attempt has taken long enough: a second one beside it, if there is a budget and another provider.
    pub fn hedge(&mut self, slot: u32) {
        let Some(live) = self.requests.get_mut(slot) else { return };
        live.hedge_planned = false;
        let wanted = live.running().count() == 1 && !live.answering;
        if !wanted || !self.engines[live.replica].another_is_open(self.now, &live.request) || !self.hedges.spend() {
            return;
        }
        let Some(lease) = self.pick_lease(slot) else { return self.hedges.refund() };
        let Some(live) = self.requests.get(slot) else { return };
        if live.request.tried.contains(lease.provider()) {
            // Nothing else is left, and the same provider twice is no hedge.
            self.engines[live.replica].settle(self.now, lease, Outcome::new(AttemptResult::NotSent));
            return self.hedges.refund();
        }
        self.send(slot, lease, AttemptKind::Hedge);
    }

    /// One attempt of a request has begun to answer: the others are given up.
    pub fn attempt_wins(&mut self, winner: u32, request: u32) {
        let Some(live) = self.requests.get_mut(request) else { return };
        live.answering = true;
        let loser = live.running().find(|slot| *slot != winner);
        loser.into_iter().for_each(|slot| self.give_up(slot));
    }

    /// Ends an attempt whose answer nobody waits for any more.
    fn give_up(&mut self, slot: u32) {
        // What was going to end it is still scheduled.
        self.note_stale();
        self.end_attempt(slot, Outcome::new(AttemptResult::Abandoned), AttemptEnd::Abandoned);
    }

    /// Plans a hedge for a request whose first attempt was just sent.
    pub fn plan_hedge(&mut self, slot: u32) {
        let Some(hedge) = self.plan.hedge else { return };
        self.hedges.earn();
        if let Some(live) = self.requests.get_mut(slot) {
            live.hedge_planned = true;
        }
        self.at_request(self.now + hedge.after, Class::Timer, kind::HEDGE, slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hedges_are_a_share_of_requests() {
        let mut budget = HedgeBudget::new(0.05);
        let mut sent = 0;
        for _ in 0..1_000 {
            budget.earn();
            sent += u32::from(budget.spend());
        }
        assert_eq!(sent, 50);
        (0..100_000).for_each(|_| budget.earn());
        assert_eq!((0..100).filter(|_| budget.spend()).count(), 10, "no more than ten are saved up");
    }
}

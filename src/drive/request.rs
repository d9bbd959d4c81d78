//! The life of a request: offered, picked for, perhaps waiting in the balancer, retried, ended.

use super::balancer::Balancer;
use super::kind;
use super::queue::Class;
use super::siblings::replica_of;
use super::simulate::Simulation;
use crate::engine::{Decision, Lease, Outcome, Request, Retrying, Tried, Why};
use crate::metrics::observe::{AttemptKind, DecisionRecord, DecisionView, Observer, RequestEnd, RequestInfo};
use crate::time::Nanos;
use crate::world::requests::SimRequest;
use crate::world::spec::TraceRow;

/// A request that has not ended.
pub(super) struct Live {
    pub sim: SimRequest,
    pub info: RequestInfo,
    pub request: Request,
    /// Which engine balances it.
    pub replica: usize,
    /// Attempts under way: one, or with a hedge two.
    running: [Option<u32>; 2],
    /// One of them has begun to answer.
    pub answering: bool,
    /// The time for a hedge is still to come.
    pub hedge_planned: bool,
    /// In the balancer's queue.
    pub waiting: bool,
    /// Of a closed loop.
    user: Option<u32>,
}

impl Live {
    /// Attempts under way.
    pub fn running(&self) -> impl Iterator<Item = u32> + '_ {
        self.running.iter().flatten().copied()
    }

    /// An attempt begins.
    pub fn begin(&mut self, attempt: u32) {
        let place = self.running.iter_mut().find(|place| place.is_none());
        debug_assert!(place.is_some(), "no more than a first attempt or retry, and a hedge");
        place.into_iter().for_each(|place| *place = Some(attempt));
    }

    /// An attempt ends.
    pub fn end(&mut self, attempt: u32) {
        self.running.iter_mut().filter(|place| **place == Some(attempt)).for_each(|place| *place = None);
    }
}

/// When an engine's queue is looked at next without a settle.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wake {
    at: Option<Nanos>,
}

/// What became of a pick.
enum Picked {
    Sent,
    Blocked { until: Option<Nanos> },
    Refused,
}

impl<O: Observer, B: Balancer> Simulation<'_, '_, O, B> {
    /// A request arrives now.
    pub fn arrive(&mut self, id: u64, trace: Option<TraceRow>, user: Option<u32>) {
        let measured = self.count_arrival();
        self.touch();
        let sim = self.factory.make(id, self.due, trace.as_ref());
        let info = RequestInfo { id, intended: self.due, class: sim.class, measured, input: sim.input, output: sim.output };
        self.observer.offered(&info);
        if self.wire.is_some() {
            self.observer.lagged(&info, self.now.since(self.due));
        }
        let request = Request {
            id,
            model: self.models[sim.class as usize],
            input_tokens: sim.input,
            max_tokens: sim.max_tokens,
            session: sim.session,
            tried: Tried::default(),
        };
        let (replica, lane) = (replica_of(&self.plan.replica_shares, self.plan.replicas, self.plan.seed, id), sim.class as usize);
        self.demand.arrived(replica);
        let slot = self.requests.insert(Live {
            sim,
            info,
            request,
            replica,
            running: [None; 2],
            answering: false,
            hedge_planned: false,
            waiting: false,
            user,
        });
        if self.waiting[replica].is_lane_empty(lane) {
            match self.pick(slot) {
                Picked::Sent => {}
                Picked::Blocked { until } => self.wait_or_shed(slot, until),
                Picked::Refused => self.shed(slot),
            }
        } else {
            // Others of its kind wait already, so it cannot go before them.
            self.wait_or_shed(slot, None);
        }
    }

    /// Asks the engine, and sends the request if it says so.
    fn pick(&mut self, slot: u32) -> Picked {
        let kind = match self.requests.get(slot) {
            Some(live) if live.request.tried.is_empty() => AttemptKind::First,
            _ => AttemptKind::Retry,
        };
        match self.decide(slot, false) {
            Some(Decision::Send(lease)) => {
                self.send(slot, lease, kind);
                Picked::Sent
            }
            Some(Decision::Wait { until, .. }) => Picked::Blocked { until },
            Some(Decision::Refuse { .. }) | None => Picked::Refused,
        }
    }

    /// Asks the engine for another provider, beside an attempt that is under way.
    pub fn pick_lease(&mut self, slot: u32) -> Option<Lease> {
        match self.decide(slot, true) {
            Some(Decision::Send(lease)) => Some(lease),
            _ => None,
        }
    }

    /// `hedge`: only a provider that was not tried is of use. What is given back unsent is no decision.
    fn decide(&mut self, slot: u32, hedge: bool) -> Option<Decision> {
        let live = self.requests.get(slot)?;
        let replica = live.replica;
        let engine = &self.engines[replica];
        let decision = match &mut self.decisions {
            None => {
                let (decision, nanos) = self.timer.time(|| engine.pick(self.now, &live.request));
                nanos.into_iter().for_each(|nanos| self.observer.decision_timed(nanos));
                decision
            }
            Some(sink) => {
                let decision = engine.pick_traced(self.now, &live.request, &mut self.trace);
                let unsent = |lease: &Lease| hedge && live.request.tried.contains(lease.provider());
                if !matches!(&decision, Decision::Send(lease) if unsent(lease)) {
                    sink.decision(&record(self.now, live, self.plan, &decision, &self.trace));
                }
                decision
            }
        };
        self.watch_health(replica);
        Some(decision)
    }

    /// Nothing can take a new request now: it waits if it may and if that can help, else it is shed at once.
    fn wait_or_shed(&mut self, slot: u32, until: Option<Nanos>) {
        let Some(live) = self.requests.get_mut(slot) else { return };
        let limit = live.info.intended + self.plan.queue.max_wait;
        let limit = live.sim.send_by.map_or(limit, |send_by| limit.min(send_by));
        let (replica, lane) = (live.replica, live.sim.class as usize);
        let too_late = |until| until > limit && !self.engines[replica].settle_may_help(self.now, &live.request);
        let in_vain = limit <= self.now || until.is_some_and(too_late) || self.waits_in_vain(slot, limit);
        let Some(live) = self.requests.get_mut(slot) else { return };
        if in_vain || self.waiting[replica].push(lane, slot).is_err() {
            self.shed(slot);
            return;
        }
        live.waiting = true;
        self.at_request(limit, Class::Timer, kind::EXPIRE, slot);
        self.wake_at(replica, until);
    }

    /// A request has waited as long as it may: one last try, then it is shed.
    pub fn expire(&mut self, slot: u32) {
        let Some(live) = self.requests.get(slot) else { return };
        self.drain(live.replica);
        let Some(replica) = self.requests.get(slot).map(|live| live.replica) else { return };
        if self.leave_queue_early(slot) {
            self.shed(slot);
            // It may have been the head of its lane, and the one behind it may need less.
            self.drain(replica);
        }
    }

    /// Takes a request out of the balancer's queue, wherever it stands; false if it is not in there.
    pub fn leave_queue_early(&mut self, slot: u32) -> bool {
        let Some(live) = self.requests.get_mut(slot) else { return false };
        let waited = std::mem::take(&mut live.waiting);
        if waited {
            let (replica, lane) = (live.replica, live.sim.class as usize);
            self.waiting[replica].remove(lane, |waiting| *waiting == slot);
        }
        waited
    }

    /// Sends what can be sent from an engine's queue, lane by lane.
    pub fn drain(&mut self, replica: usize) {
        if self.wake[replica].at.is_some_and(|at| at <= self.now) {
            self.wake[replica].at = None;
        }
        self.drain_queue(replica);
        self.follow_shed(replica);
    }

    fn drain_queue(&mut self, replica: usize) {
        if self.waiting[replica].is_empty() {
            return;
        }
        self.waiting[replica].unblock();
        let mut earliest: Option<Nanos> = None;
        while let Some((lane, &slot)) = self.waiting[replica].head() {
            match self.pick(slot) {
                Picked::Blocked { until } => {
                    self.waiting[replica].block(lane);
                    earliest = [earliest, until].into_iter().flatten().min();
                    continue;
                }
                Picked::Sent => self.leave_queue(replica, lane, slot),
                Picked::Refused => {
                    self.leave_queue(replica, lane, slot);
                    self.shed(slot);
                }
            }
        }
        self.wake_at(replica, earliest);
    }

    fn leave_queue(&mut self, replica: usize, lane: usize, slot: u32) {
        self.waiting[replica].take(lane);
        if let Some(live) = self.requests.get_mut(slot) {
            live.waiting = false;
        }
        // Its expiry is pending and will find that it no longer waits.
        self.note_stale();
    }

    /// Looks at an engine's queue again at `until`, unless that is planned already.
    fn wake_at(&mut self, replica: usize, until: Option<Nanos>) {
        let Some(until) = until else { return };
        // A provider that says it is free now has been asked and was not: it must not be asked forever.
        let until = until.max(self.now + Nanos::new(1));
        if self.wake[replica].at.is_none_or(|at| until < at) {
            self.wake[replica].at = Some(until);
            self.at(until, Class::Timer, kind::WAKE, replica as u32);
        }
    }

    /// An attempt has failed: perhaps there is another.
    pub fn request_failed_attempt(&mut self, slot: u32, outcome: &Outcome) {
        let Some(live) = self.requests.get(slot) else { return };
        if live.running().next().is_some() {
            // A hedge, or what it hedges, is still under way.
            return;
        }
        match self.engines[live.replica].retry(self.now, &live.request, outcome) {
            Retrying::At(time) => self.at_request(time, Class::Timer, kind::RETRY, slot),
            Retrying::Final | Retrying::Exhausted | Retrying::OverBudget => self.end_request(slot, RequestEnd::Failed),
        }
    }

    /// The wait before a retry is over. Only requests that were never sent wait in the balancer's queue, so one that
    /// nothing can take now has failed.
    pub fn retry(&mut self, slot: u32) {
        match self.pick(slot) {
            Picked::Sent => {}
            Picked::Blocked { .. } | Picked::Refused => self.end_request(slot, RequestEnd::Failed),
        }
    }

    /// The client has its answer.
    pub fn request_succeeded(&mut self, slot: u32, first_token: Nanos) {
        self.end_request(slot, RequestEnd::Succeeded { first_token });
    }

    /// The client went away, or the run was stopped.
    pub fn request_unfinished(&mut self, slot: u32, cancelled: bool) {
        self.end_request(slot, RequestEnd::Unfinished { cancelled });
    }

    /// Refuses a request, which may be told when to come back.
    fn shed(&mut self, slot: u32) {
        self.tell_when(slot);
        self.end_request(slot, RequestEnd::Shed);
    }

    fn end_request(&mut self, slot: u32, end: RequestEnd) {
        let Some(live) = self.requests.remove(slot) else { return };
        debug_assert_eq!(live.running().next(), None, "every attempt ends before its request");
        if live.hedge_planned {
            self.note_stale();
        }
        self.touch();
        self.observer.ended(self.now, &live.info, end);
        if let Some(user) = live.user {
            self.user_thinks(user, live.info.intended == self.now);
        }
    }
}

/// A decision as data.
fn record<'a>(
    now: Nanos,
    live: &Live,
    plan: &'a super::plan::Plan,
    decision: &Decision,
    trace: &'a crate::engine::Trace,
) -> DecisionRecord<'a> {
    let (view, why) = match decision {
        Decision::Send(lease) => (DecisionView::Send(lease.provider().index()), Why::Ok),
        Decision::Wait { until, why } => (DecisionView::Wait { until: *until }, *why),
        Decision::Refuse { why } => (DecisionView::Refuse, *why),
    };
    DecisionRecord {
        now,
        request: live.info.id,
        attempt: live.request.tried.attempts() + 1,
        strategy: plan.engine.strategy,
        decision: view,
        why: why.word(),
        trace,
    }
}

//! The life of an attempt: sent, perhaps queued, served or refused, ended, settled.

use super::balancer::Balancer;
use super::kind;
use super::queue::Class;
use super::real::Exchange;
use super::request::Live;
use super::simulate::Simulation;
use crate::engine::limit::{Cost, RateLimitHeaders};
use crate::engine::{AttemptResult, Lease, Outcome, RefusalKind, Usage};
use crate::metrics::observe::{Answer, AttemptEnd, AttemptKind, Broken, Observer};
use crate::metrics::quota::Admitted;
use crate::time::Nanos;
use crate::world::provider::{Call, Held, Reply, Timing};

/// An attempt that has not ended.
pub(super) struct Attempt {
    /// Slot of its request.
    pub request: u32,
    pub lease: Lease,
    pub provider: usize,
    pub sent: Nanos,
    deadline: Nanos,
    held: Option<Held>,
    pub phase: Phase,
    /// It was refused while another provider had quota for it.
    avoidable: bool,
    /// What the head of its answer will say of the limits, until it is out.
    pub headers: Option<Box<RateLimitHeaders>>,
    /// Its exchange over HTTP, if it has one.
    pub exchange: Option<Exchange>,
}

#[derive(Clone, Copy)]
pub(super) enum Phase {
    /// Waits in the provider's queue; its time-out is scheduled.
    Queued,
    /// Served; the one event that ends it is scheduled.
    Serving { start: Nanos, timing: Timing },
    /// Will be answered with an error.
    Failing { status: u16, retry_after: Option<Nanos>, refusal: Option<RefusalKind> },
    /// The connection was refused.
    Refused,
    /// On its way over HTTP, or back.
    Remote {
        /// [`Nanos::MAX`]: not yet.
        first_token: Nanos,
        /// What the answer says of its size.
        usage: Option<Usage>,
        /// How long the provider was meant to take for the whole answer, once it is on its way back.
        served: Option<Nanos>,
    },
}

impl<O: Observer, B: Balancer> Simulation<'_, '_, O, B> {
    /// Sends a request to the provider of a lease.
    pub fn send(&mut self, request: u32, lease: Lease, attempt_kind: AttemptKind) {
        let Some(live) = self.requests.get_mut(request) else { return };
        let (provider, trial) = (lease.provider().index(), lease.is_trial());
        let number = live.request.tried.attempts();
        live.request.tried.push(lease.provider());
        let call = Call {
            request: live.sim.id,
            attempt: number,
            input: live.sim.input,
            output: live.sim.output,
            max_tokens: live.sim.max_tokens,
            poison: live.sim.poison,
            poison_status: live.sim.poison_status,
        };
        self.observer.sent(self.now, &live.info, provider, attempt_kind);
        if self.plan.sync.is_some() {
            self.untold[live.replica].sent(provider, lease.reserved());
        }
        let deadline = self.now + live.sim.timeout;
        let sent = self.now;
        let slot = self.attempts.insert(Attempt {
            request,
            lease,
            provider,
            sent,
            deadline,
            held: None,
            phase: Phase::Queued,
            avoidable: false,
            headers: None,
            exchange: None,
        });
        live.begin(slot);
        if self.wire.is_some() {
            self.at_attempt(deadline, Class::Timer, kind::TIMEOUT, slot);
            self.send_for_real(slot, &call);
        } else {
            self.reach(slot, &call);
        }
        if attempt_kind == AttemptKind::First {
            // A trial may fail: nobody would be told to come back for one.
            if !trial {
                self.passed(request);
            }
            self.plan_hedge(request);
        }
    }

    /// An attempt reaches its simulated provider.
    fn reach(&mut self, slot: u32, call: &Call) {
        let Some((provider, deadline)) = self.attempts.get(slot).map(|attempt| (attempt.provider, attempt.deadline)) else { return };
        let reply = self.fleet.arrive(self.now, provider, slot, call);
        if let (Some(attempt), false) = (self.attempts.get_mut(slot), matches!(reply, Reply::ConnectionRefused)) {
            attempt.headers = self.fleet.headers(self.now, provider);
        }
        match reply {
            Reply::Serve { start, timing, held } => self.serve(slot, start, timing, Some(held)),
            Reply::Queue { held } => {
                self.set(slot, Phase::Queued, Some(held));
                self.at_attempt(deadline, Class::Timer, kind::TIMEOUT, slot);
            }
            Reply::Error { status, retry_after, refusal, after, held } => {
                if status == 429 && held.is_none() {
                    self.judge_refusal(slot, call);
                }
                self.fail_later(slot, Phase::Failing { status, retry_after, refusal }, after, held);
            }
            Reply::ConnectionRefused => self.fail_later(slot, Phase::Refused, Nanos::ZERO, None),
        }
        self.observe_occupancy(provider);
    }

    /// A quota refused an attempt: could the balancer have known better?
    fn judge_refusal(&mut self, slot: u32, call: &Call) {
        let Some(attempt) = self.attempts.get_mut(slot) else { return };
        let Some(live) = self.requests.get(attempt.request) else { return };
        let model = self.plan.load.classes[live.sim.class as usize].model.as_ref();
        attempt.avoidable = self.config.providers.iter().enumerate().any(|(provider, known)| {
            let serves = known.models.is_empty() || model.is_none_or(|model| known.models.contains(model));
            provider != attempt.provider && serves && !known.drained && self.fleet.has_quota(self.now, provider, call)
        });
    }

    /// An attempt begins to be served: schedules the one thing that will end it.
    fn serve(&mut self, slot: u32, start: Nanos, timing: Timing, held: Option<Held>) {
        self.set(slot, Phase::Serving { start, timing }, held);
        let Some(attempt) = self.attempts.get(slot) else { return };
        let Some(live) = self.requests.get(attempt.request) else { return };
        let (done, deadline) = (start + timing.total, attempt.deadline);
        if start <= deadline {
            self.observer.started(start, &live.info, attempt.provider, attempt.sent);
        }
        let leaves = live.sim.cancel_at.map_or(Nanos::MAX, |fraction| start + Nanos::from_f64(timing.total.as_f64() * fraction));
        let first_token = start + timing.ttft;
        if timing.ttft < timing.total && first_token < deadline.min(leaves) {
            self.at_attempt(first_token, Class::Departure, kind::FIRST_TOKEN, slot);
        }
        if done <= deadline && done < leaves {
            self.at_attempt(done, Class::Departure, kind::DONE, slot);
        } else if leaves <= deadline && leaves != Nanos::MAX {
            self.at_attempt(leaves, Class::Timer, kind::CANCEL, slot);
        } else {
            self.at_attempt(deadline, Class::Timer, kind::TIMEOUT, slot);
        }
    }

    fn fail_later(&mut self, slot: u32, phase: Phase, after: Nanos, held: Option<Held>) {
        self.set(slot, phase, held);
        let Some(deadline) = self.attempts.get(slot).map(|attempt| attempt.deadline) else { return };
        if self.now + after <= deadline {
            self.at_attempt(self.now + after, Class::Departure, kind::ANSWER, slot);
        } else {
            self.at_attempt(deadline, Class::Timer, kind::TIMEOUT, slot);
        }
    }

    fn set(&mut self, slot: u32, phase: Phase, held: Option<Held>) {
        if let Some(attempt) = self.attempts.get_mut(slot) {
            attempt.phase = phase;
            attempt.held = held;
        }
    }

    /// The first token of a streamed answer is out.
    pub fn attempt_first_token(&mut self, slot: u32) {
        let Some(attempt) = self.attempts.get_mut(slot) else { return };
        let request = attempt.request;
        let Some(live) = self.requests.get(request) else { return };
        let replica = live.replica;
        self.engines[replica].first_token(self.now, &mut attempt.lease);
        self.watch_health(replica);
        self.head_arrives(slot);
        self.attempt_wins(slot, request);
    }

    /// The head of an answer is out: the engine reads its headers.
    fn head_arrives(&mut self, slot: u32) {
        let Some(attempt) = self.attempts.get_mut(slot) else { return };
        if let Some(headers) = attempt.headers.take()
            && let Some(live) = self.requests.get(attempt.request)
        {
            self.engines[live.replica].headers(self.now, &attempt.lease, &headers);
        }
    }

    /// The whole answer is out.
    pub fn attempt_done(&mut self, slot: u32) {
        self.head_arrives(slot);
        let Some((request, first_token)) = self.attempts.get(slot).map(|attempt| (attempt.request, attempt.first_token())) else { return };
        self.attempt_wins(slot, request);
        let told = match self.attempts.get(slot).map(|attempt| attempt.phase) {
            Some(Phase::Remote { usage, .. }) => usage,
            _ => self.requests.get(request).map(|live| Usage { input_tokens: live.sim.input, output_tokens: live.sim.output }),
        };
        let outcome = Outcome { usage: told, ..Outcome::new(AttemptResult::Success) };
        self.end_attempt(slot, outcome, AttemptEnd::Succeeded);
        self.request_succeeded(request, first_token);
    }

    /// An error answer or a refusal is out.
    pub fn attempt_answered(&mut self, slot: u32) {
        self.head_arrives(slot);
        let Some(attempt) = self.attempts.get(slot) else { return };
        let (request, phase) = (attempt.request, attempt.phase);
        let (outcome, end) = match phase {
            Phase::Failing { status, retry_after, refusal } => {
                let end = if status == 429 { AttemptEnd::RateLimited } else { AttemptEnd::Failed { status } };
                (Outcome { retry_after, refusal, ..Outcome::new(AttemptResult::Status(status)) }, end)
            }
            _ => (Outcome::new(AttemptResult::ConnectionError), AttemptEnd::Failed { status: 0 }),
        };
        self.end_attempt(slot, outcome, end);
        self.request_failed_attempt(request, &outcome);
    }

    /// The time limit of an attempt has come.
    pub fn attempt_timed_out(&mut self, slot: u32) {
        let Some(attempt) = self.attempts.get(slot) else { return };
        let request = attempt.request;
        let own = self.requests.get(request).is_some_and(|live| live.sim.timeout < self.plan.timeout);
        let result = match (attempt.first_token() <= self.now, own) {
            (true, _) => AttemptResult::Interrupted,
            (false, true) => AttemptResult::CallerTimedOut,
            (false, false) => AttemptResult::TimedOut,
        };
        let outcome = Outcome::new(result);
        self.note_answer(slot, Answer::Broken(Broken::TimedOut));
        self.end_attempt(slot, outcome, AttemptEnd::TimedOut);
        self.request_failed_attempt(request, &outcome);
    }

    /// The client goes away in the middle of the answer.
    pub fn attempt_cancelled(&mut self, slot: u32) {
        let Some(request) = self.attempts.get(slot).map(|attempt| attempt.request) else { return };
        self.attempt_wins(slot, request);
        self.end_attempt(slot, Outcome::new(AttemptResult::Abandoned), AttemptEnd::Abandoned);
        self.request_unfinished(request, true);
    }

    /// Takes an attempt out of the world and settles its lease; the next in the provider's queue has its turn.
    pub fn end_attempt(&mut self, slot: u32, outcome: Outcome, end: AttemptEnd) {
        let Some(attempt) = self.attempts.remove(slot) else { return };
        let Some(live) = self.requests.get_mut(attempt.request) else { return };
        live.end(slot);
        let used = attempt.used(live, self.now);
        let unused = attempt.unused(live, used, self.wire.is_some().then_some(end));
        if unused != Admitted::default() {
            self.observer.returned(&live.info, attempt.provider, attempt.sent, unused);
        }
        if attempt.avoidable && end == AttemptEnd::RateLimited {
            self.observer.refused_avoidably(&live.info);
        }
        self.observer.attempt_ended(self.now, &live.info, attempt.provider, attempt.sent, end);
        let replica = live.replica;
        if self.plan.sync.is_some() {
            let reserved = attempt.lease.reserved();
            match end {
                AttemptEnd::RateLimited => self.untold[replica].refused(attempt.provider, reserved),
                AttemptEnd::Succeeded => self.untold[replica].used(attempt.provider, reserved.output, live.sim.output.into()),
                _ => {}
            }
        }
        // Who passes a stream on has counted what came of it.
        let outcome = Outcome { usage: outcome.usage.or_else(|| attempt.streamed(live, used, self.now)), ..outcome };
        let Attempt { provider, lease, held, phase, .. } = attempt;
        match (phase, held) {
            (Phase::Queued, Some(held)) => self.fleet.leave_queue(self.now, provider, held, slot),
            (_, Some(held)) => self.fleet.leave(self.now, provider, held, Some(used)),
            (_, None) => {}
        }
        self.take_turns(provider);
        self.engines[replica].settle(self.now, lease, outcome);
        self.watch_health(replica);
        self.observe_occupancy(provider);
        self.drain(replica);
    }

    /// Free slots go to the provider's queue.
    fn take_turns(&mut self, provider: usize) {
        while let Some(turn) = self.fleet.next_turn(self.now, provider) {
            let held = self.attempts.get_mut(turn.ticket).and_then(|attempt| attempt.held.take());
            let held = held.map(|mut held| {
                held.take_slot();
                held
            });
            // Its time-out is still scheduled; whatever ends it now makes that stale, or is scheduled again.
            self.note_stale();
            self.serve(turn.ticket, turn.start, turn.timing, held);
        }
    }

    fn observe_occupancy(&mut self, provider: usize) {
        if self.wire.is_some() {
            // Providers over HTTP tell it themselves.
            return;
        }
        let mock = self.fleet.mock(provider);
        self.observer.occupancy(self.now, provider, mock.in_flight(), mock.busy());
    }

    /// Ends everything that is still under way: the run was stopped.
    ///
    /// What waits goes first, in the balancer and then at the providers. Otherwise each attempt that ends would make room
    /// for one that waits, and that one would start after the end of the run.
    pub fn cut_off(&mut self) {
        let waiting: Vec<u32> = self.requests.slots().filter(|slot| self.requests.get(*slot).is_some_and(|live| live.waiting)).collect();
        for slot in waiting {
            self.leave_queue_early(slot);
            self.request_unfinished(slot, false);
        }
        let mut attempts: Vec<u32> = self.attempts.slots().collect();
        attempts.sort_by_key(|slot| !self.attempts.get(*slot).is_some_and(|attempt| matches!(attempt.phase, Phase::Queued)));
        for slot in attempts {
            self.end_attempt(slot, Outcome::new(AttemptResult::Abandoned), AttemptEnd::Abandoned);
        }
        let requests: Vec<u32> = self.requests.slots().collect();
        for slot in requests {
            self.request_unfinished(slot, false);
        }
    }
}

impl Attempt {
    /// When the first token came or will come; [`Nanos::MAX`]: not within this attempt.
    fn first_token(&self) -> Nanos {
        match self.phase {
            Phase::Serving { start, timing } => start + timing.ttft,
            Phase::Remote { first_token, .. } => first_token,
            Phase::Queued | Phase::Failing { .. } | Phase::Refused => Nanos::MAX,
        }
    }

    /// What a gateway has seen by `now` of what it has really `used`; `None`: no token.
    fn streamed(&self, live: &Live, used: Cost, now: Nanos) -> Option<Usage> {
        let Phase::Serving { .. } = self.phase else { return None };
        let output_tokens = used.output.try_into().unwrap_or(u32::MAX);
        (now >= self.first_token()).then_some(Usage { input_tokens: live.sim.input, output_tokens })
    }

    /// What it leaves of a quota for a whole answer, having really `used` so much. Over HTTP only the status tells: `remote` is its
    /// end there.
    fn unused(&self, live: &Live, used: Cost, remote: Option<AttemptEnd>) -> Admitted {
        let whole = Admitted::whole(&live.info);
        match (remote, &self.held) {
            (Some(AttemptEnd::RateLimited), _) | (None, None) => whole,
            (Some(_), _) => Admitted::default(),
            (None, Some(_)) if matches!(self.phase, Phase::Queued) => Admitted { attempts: 0, ..whole },
            (None, Some(_)) => {
                Admitted { attempts: 0, input: whole.input.saturating_sub(used.input), output: whole.output.saturating_sub(used.output) }
            }
        }
    }

    /// The tokens it has really used by `now`: the prompt once it is served, and the output in proportion to its time.
    fn used(&self, live: &Live, now: Nanos) -> Cost {
        match self.phase {
            Phase::Serving { start, timing } => timing.used(now.since(start), live.sim.input, live.sim.output),
            _ => Cost { input: live.sim.input.into(), output: 0 },
        }
    }
}

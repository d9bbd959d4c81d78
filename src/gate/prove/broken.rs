//! The engine with a fault put in.

use std::cell::{Cell, RefCell};

use super::fault::{Fault, Habit};
use crate::drive::{Balancer, Plan};
use crate::engine::limit::{Cost, RateLimitHeaders};
use crate::engine::{AttemptResult, Config, ConfigError, Decision, Engine, HealthEvent, Lease, ModelId, Outcome, Request, Retrying, Trace};
use crate::time::Nanos;

/// A broken balancer.
pub struct Broken<'p> {
    engine: Engine,
    fault: &'p Fault,
    plan: &'p Plan,
    /// As it should be, fault included.
    config: RefCell<Config>,
    /// Whether all but one provider are hidden from the engine.
    stuck: Cell<bool>,
    leaked: RefCell<Vec<Lease>>,
}

impl<'p> Broken<'p> {
    /// The engine for `config`, with `fault`.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn new(fault: &'p Fault, plan: &'p Plan, mut config: Config) -> Result<Broken<'p>, ConfigError> {
        (fault.configure)(plan, &mut config);
        Ok(Broken {
            engine: Engine::new(config.clone())?,
            fault,
            plan,
            config: RefCell::new(config),
            stuck: Cell::new(false),
            leaked: RefCell::new(Vec::new()),
        })
    }

    /// Hides all providers but one from the engine.
    fn stick(&self, now: Nanos, to: usize) {
        let mut config = self.config.borrow().clone();
        config.providers.iter_mut().enumerate().for_each(|(at, provider)| provider.drained |= at != to);
        self.stuck.set(self.engine.reconfigure(now, config).is_ok());
    }

    fn let_go(&self, now: Nanos) {
        self.stuck.set(self.engine.reconfigure(now, self.config.borrow().clone()).is_err());
    }

    fn pick_stuck(&self, now: Nanos, pick: &mut dyn FnMut() -> Decision) -> Decision {
        let mut decision = pick();
        if self.stuck.get() && !matches!(decision, Decision::Send(_)) {
            self.let_go(now);
            decision = pick();
        }
        if let (Decision::Send(lease), false) = (&decision, self.stuck.get()) {
            self.stick(now, lease.provider().index());
        }
        decision
    }

    /// What the engine hears of a request.
    fn seen(&self, request: &Request) -> Request {
        match self.fault.habit {
            Habit::CountsLate => Request { input_tokens: 0, max_tokens: Some(0), ..request.clone() },
            _ => request.clone(),
        }
    }

    /// What the engine hears of an outcome.
    fn heard(&self, outcome: &Outcome) -> Outcome {
        let retry_after = outcome.retry_after.filter(|_| self.fault.habit != Habit::Deaf);
        Outcome { retry_after, ..*outcome }
    }
}

impl Balancer for Broken<'_> {
    fn model(&self, name: &str) -> ModelId {
        self.engine.model(name)
    }

    fn pick(&self, now: Nanos, request: &Request) -> Decision {
        match self.fault.habit {
            Habit::Sticky => self.pick_stuck(now, &mut || self.engine.pick(now, request)),
            _ => self.engine.pick(now, &self.seen(request)),
        }
    }

    fn pick_traced(&self, now: Nanos, request: &Request, trace: &mut Trace) -> Decision {
        self.engine.pick_traced(now, &self.seen(request), trace)
    }

    fn first_token(&self, now: Nanos, lease: &mut Lease) {
        self.engine.first_token(now, lease);
    }

    fn headers(&self, now: Nanos, lease: &Lease, headers: &RateLimitHeaders) {
        self.engine.headers(now, lease, headers);
    }

    fn settle(&self, now: Nanos, lease: Lease, outcome: Outcome) {
        let unanswered = matches!(
            outcome.result,
            AttemptResult::Abandoned | AttemptResult::TimedOut | AttemptResult::CallerTimedOut | AttemptResult::ConnectionError
        );
        if unanswered && self.fault.habit == Habit::Leaks {
            return self.leaked.borrow_mut().push(lease);
        }
        self.engine.settle(now, lease, self.heard(&outcome));
    }

    fn probed(&self, now: Nanos, provider: usize, good: bool) {
        self.engine.probed(now, provider, good);
    }

    fn next_health_event(&self) -> Option<HealthEvent> {
        self.engine.next_health_event()
    }

    fn reconfigure(&self, now: Nanos, mut config: Config) -> Result<(), ConfigError> {
        (self.fault.configure)(self.plan, &mut config);
        self.config.replace(config.clone());
        self.stuck.set(false);
        self.engine.reconfigure(now, config)
    }

    fn retry(&self, now: Nanos, request: &Request, outcome: &Outcome) -> Retrying {
        self.engine.retry(now, request, &self.heard(outcome))
    }

    fn another_is_open(&self, now: Nanos, request: &Request) -> bool {
        self.engine.another_is_open(now, &self.seen(request))
    }

    fn settle_may_help(&self, now: Nanos, request: &Request) -> bool {
        self.engine.settle_may_help(now, &self.seen(request))
    }

    fn retry_after(&self, now: Nanos, request: &Request, ahead: u64) -> Option<Nanos> {
        self.engine.retry_after(now, &self.seen(request), ahead)
    }

    fn least_wait(&self, now: Nanos, request: &Request, ahead: impl IntoIterator<Item = u32>) -> Nanos {
        self.engine.least_wait(now, &self.seen(request), ahead)
    }

    fn note_foreign_use(&self, now: Nanos, provider: usize, requests: u64, tokens: Cost) {
        self.engine.note_foreign_use(now, provider, requests, tokens);
    }

    fn leases(&self, now: Nanos) -> Vec<u32> {
        Balancer::leases(&self.engine, now)
    }
}

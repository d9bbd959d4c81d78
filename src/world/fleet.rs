//! All mock providers of a run, with their quotas (shared within a quota group) and the events that change them.

use std::collections::HashMap;

use super::provider::{self, Call, Held, Mock, Reply, Ticket, Turn};
use super::spec::{Event, ProviderSpec};
use crate::engine::limit::{Cost, Ledger, LimitError, Limits, RateLimitHeaders};
use crate::rng::{Draws, Stream};
use crate::time::Nanos;

/// The providers of a run as they really are.
#[derive(Debug)]
pub struct Fleet {
    mocks: Vec<Mock>,
    quotas: Vec<Quota>,
    /// Position in `quotas` by provider.
    quota_of: Vec<usize>,
    events: Vec<Event>,
    active: Vec<bool>,
    seed: u64,
}

/// One true quota, with the traffic of others on it.
#[derive(Debug)]
struct Quota {
    ledger: Ledger,
    /// As configured, to return to after an event.
    limits: Limits,
    /// Others' requests per second.
    background: f64,
    /// Time and number of the next one.
    next: (Nanos, u64),
    cost: Cost,
}

impl Fleet {
    /// Idle providers. `background_cost` is what one request of others takes from a quota.
    ///
    /// # Errors
    /// Limits that cannot be enforced.
    pub fn new(specs: &[ProviderSpec], events: &[Event], seed: u64, background_cost: Cost) -> Result<Fleet, LimitError> {
        let mut fleet = Fleet {
            mocks: specs.iter().zip(0..).map(|(spec, position)| Mock::new(spec.clone(), position, seed)).collect(),
            quotas: Vec::new(),
            quota_of: Vec::new(),
            events: events.to_vec(),
            active: vec![false; events.len()],
            seed,
        };
        let mut groups: HashMap<&str, usize> = HashMap::new();
        for spec in specs {
            let fresh = fleet.quotas.len();
            let position = match &spec.quota_group {
                Some(group) => *groups.entry(group).or_insert(fresh),
                None => fresh,
            };
            fleet.quota_of.push(position);
            match fleet.quotas.get_mut(position) {
                None => fleet.quotas.push(Quota::new(&spec.limits, spec.background, background_cost)?),
                Some(quota) => quota.join(spec)?,
            }
        }
        for (index, quota) in fleet.quotas.iter_mut().enumerate() {
            quota.schedule(seed, index);
        }
        Ok(fleet)
    }

    /// The provider at a position.
    pub fn mock(&self, provider: usize) -> &Mock {
        &self.mocks[provider]
    }

    /// The rate-limit headers that the answer to the attempt which has just arrived will carry; `None`: none.
    pub fn headers(&mut self, now: Nanos, provider: usize) -> Option<Box<RateLimitHeaders>> {
        let shows = self.mocks[provider].shows_limits();
        shows.then(|| Box::new(provider::headers(now, &mut self.quotas[self.quota_of[provider]].ledger)))
    }

    /// An attempt reaches a provider.
    pub fn arrive(&mut self, now: Nanos, provider: usize, ticket: Ticket, call: &Call) -> Reply {
        let position = self.quota_of[provider];
        let quota = &mut self.quotas[position];
        quota.pass(now, self.seed, position);
        self.mocks[provider].arrive(now, &mut quota.ledger, ticket, call)
    }

    /// Whether a provider would let such an attempt in now, as far as its quota goes.
    pub fn has_quota(&mut self, now: Nanos, provider: usize, call: &Call) -> bool {
        let position = self.quota_of[provider];
        let quota = &mut self.quotas[position];
        quota.pass(now, self.seed, position);
        self.mocks[provider].has_quota(now, &mut quota.ledger, call)
    }

    /// See [`Mock::leave`].
    pub fn leave(&mut self, now: Nanos, provider: usize, held: Held, used: Option<Cost>) {
        self.mocks[provider].leave(now, &mut self.quotas[self.quota_of[provider]].ledger, held, used);
    }

    /// See [`Mock::leave_queue`].
    pub fn leave_queue(&mut self, now: Nanos, provider: usize, held: Held, ticket: Ticket) {
        self.mocks[provider].leave_queue(now, &mut self.quotas[self.quota_of[provider]].ledger, held, ticket);
    }

    /// See [`Mock::next_turn`].
    pub fn next_turn(&mut self, now: Nanos, provider: usize) -> Option<Turn> {
        self.mocks[provider].next_turn(now)
    }

    /// Event `index` begins (`on`) or ends.
    ///
    /// # Errors
    /// Limits that cannot be enforced.
    pub fn edge(&mut self, now: Nanos, index: usize, on: bool) -> Result<(), LimitError> {
        self.active[index] = on;
        let provider = self.events[index].provider;
        let active = self.events.iter().zip(&self.active).filter(|(event, active)| **active && event.provider == provider);
        self.mocks[provider].change(active.map(|(event, _)| (&event.set, event.until.unwrap_or(Nanos::MAX))));
        if let Some(limits) = &self.events[index].set.limits {
            let quota = &mut self.quotas[self.quota_of[provider]];
            let limits = if on { limits.clone() } else { quota.limits.clone() };
            quota.ledger.replace(now, &limits)?;
        }
        Ok(())
    }
}

impl Quota {
    fn new(limits: &Limits, background: f64, cost: Cost) -> Result<Quota, LimitError> {
        Ok(Quota { ledger: Ledger::new(limits)?, limits: limits.clone(), background, next: (Nanos::MAX, 0), cost })
    }

    /// Another member of the group: its limits count if no member before it had any.
    fn join(&mut self, spec: &ProviderSpec) -> Result<(), LimitError> {
        self.background += spec.background;
        if self.limits.is_unlimited() && !spec.limits.is_unlimited() {
            self.limits = spec.limits.clone();
            self.ledger = Ledger::new(&self.limits)?;
        }
        Ok(())
    }

    /// Lets the others' requests up to `now` use the quota.
    fn pass(&mut self, now: Nanos, seed: u64, index: usize) {
        while self.next.0 <= now {
            match self.ledger.count_refused() {
                true => self.ledger.refuse_counts(self.next.0, self.cost),
                false => self.ledger.drain(self.next.0, self.cost),
            }
            self.next.1 += 1;
            self.schedule(seed, index);
        }
    }

    fn schedule(&mut self, seed: u64, index: usize) {
        if self.background > 0.0 {
            let number = self.next.1;
            let from = if number == 0 { Nanos::ZERO } else { self.next.0 };
            let mut draws = Draws::for_attempt(seed, Stream::Background, number, index as u32);
            self.next.0 = from + Nanos::from_secs_f64(-libm::log(draws.open_unit()) / self.background);
        }
    }
}

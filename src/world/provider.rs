//! One mock provider: slots, a FIFO queue, limits, errors and faults, with time passed in.
//!
//! What happens to an attempt that reaches a provider, in this order: a refused connection; a 429 when the true limits
//! do not admit it; an error answer with the current error rate (or for a poison request), which uses quota but no slot;
//! a 503 when all slots and places are taken, which gives its quota back; otherwise it is served, at once or in turn.

use std::collections::VecDeque;

use super::conditions::Conditions;
use super::spec::{Change, ProviderSpec, RetryAfter, Service, Visibility};
use crate::engine::RefusalKind;
use crate::engine::limit::headers::Told;
use crate::engine::limit::{Charge, Cost, Dimension, FreeAt, Ledger, RateLimitHeaders, Refusal, Reservation};
use crate::rng::{self, Draws, Stream};
use crate::time::Nanos;

/// Names an attempt in its provider's queue; the driver's business.
pub type Ticket = u32;

/// An attempt as it reaches a provider.
#[derive(Clone, Copy, Debug)]
pub struct Call {
    /// Request id; with `attempt` the address of its draws.
    pub request: u64,
    /// Number of the attempt, from 0.
    pub attempt: u32,
    /// Input tokens.
    pub input: u32,
    /// True output tokens.
    pub output: u32,
    /// What the client asked for.
    pub max_tokens: Option<u32>,
    /// It fails wherever it goes.
    pub poison: bool,
    /// With this status; `None`: the provider's.
    pub poison_status: Option<u16>,
}

/// When an answer comes, counted from the start of service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// First token.
    pub ttft: Nanos,
    /// Last byte; [`Nanos::MAX`]: never.
    pub total: Nanos,
}

/// What the head of an answer would say of the limits.
///
/// `limit` is what the limiter holds when full (a slice, where it is enforced in slices: users of Azure saw 20 on a
/// deployment of 120 a minute), `remaining` is rounded down, and `reset` is the time until all is left again, as OpenAI
/// and Anthropic document it, to the millisecond. A daily limit is told where there is none by the minute, as at Groq.
pub fn headers(now: Nanos, ledger: &mut Ledger) -> RateLimitHeaders {
    let mut headers = RateLimitHeaders::default();
    for usage in ledger.usage(now) {
        let told = match usage.dimension {
            Dimension::Requests | Dimension::RequestsPerDay => &mut headers.requests,
            Dimension::Tokens | Dimension::TokensPerDay => &mut headers.tokens,
            Dimension::InputTokens => &mut headers.input_tokens,
            Dimension::OutputTokens => &mut headers.output_tokens,
            Dimension::Ramp | Dimension::Concurrency => continue,
        };
        if told.limit.is_none() {
            let (limit, remaining) = (Some(usage.capacity.floor()), Some(usage.left().floor()));
            *told = Told { limit, remaining, reset: Some(ceil_to_millis(usage.reset_at.since(now))) };
        }
    }
    headers
}

/// What an attempt holds while it is at a provider. Return it with [`Mock::leave`].
#[derive(Debug)]
pub struct Held {
    reservation: Reservation,
    slot: bool,
}

/// What a provider does with an attempt.
#[derive(Debug)]
pub enum Reply {
    /// Serves it from `start` on (now, or when a stall ends; [`Nanos::MAX`]: never).
    Serve {
        /// Start of service.
        start: Nanos,
        /// From the start.
        timing: Timing,
        /// To be returned.
        held: Held,
    },
    /// Serves it when a slot is free.
    Queue {
        /// To be returned.
        held: Held,
    },
    /// Answers with an error status `after` this time.
    Error {
        /// HTTP status.
        status: u16,
        /// Hint that the answer carries.
        retry_after: Option<Nanos>,
        /// Why it refuses, where the answer's body says so.
        refusal: Option<RefusalKind>,
        /// Time to the answer.
        after: Nanos,
        /// To be returned when the answer is out; `None` for refusals.
        held: Option<Held>,
    },
    /// Refuses the connection at once.
    ConnectionRefused,
}

/// A queued attempt whose turn has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Whose.
    pub ticket: Ticket,
    /// Start of service, as in [`Reply::Serve`].
    pub start: Nanos,
    /// From the start.
    pub timing: Timing,
}

/// The state of one provider.
#[derive(Debug)]
pub struct Mock {
    spec: ProviderSpec,
    seed: u64,
    /// Its position, to keep its probes apart from the others'.
    salt: u64,
    conditions: Conditions,
    busy: u32,
    in_flight: u32,
    queue: VecDeque<Queued>,
    /// Entries of `queue` whose attempt has left.
    gone: usize,
}

#[derive(Clone, Copy, Debug)]
struct Queued {
    /// `None`: it has left.
    ticket: Option<Ticket>,
    timing: Timing,
}

impl Mock {
    /// An idle provider, the `position`-th of its run. `seed` is that of the run.
    pub fn new(spec: ProviderSpec, position: u64, seed: u64) -> Mock {
        Mock { salt: position, conditions: Conditions::of(&spec), spec, seed, busy: 0, in_flight: 0, queue: VecDeque::new(), gone: 0 }
    }

    /// Attempts here: queued, in service, or about to be answered with an error. A refused one (429, or 503 for a full
    /// queue) was never let in, so this never exceeds the true `max_concurrency`.
    pub fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Whether its answers carry rate-limit headers.
    pub fn shows_limits(&self) -> bool {
        self.spec.visibility == Visibility::Headers && !self.spec.limits.is_unlimited()
    }

    /// Slots taken; attempts in service where slots are unlimited.
    pub fn busy(&self) -> u32 {
        self.busy
    }

    /// Puts the changes of all events that hold now into force. `until` of each is the end of its event.
    pub fn change<'a>(&mut self, active: impl Iterator<Item = (&'a Change, Nanos)>) {
        self.conditions = Conditions::of(&self.spec);
        for (change, until) in active {
            self.conditions.apply(change, until);
        }
    }

    /// An attempt arrives. `ledger` is the quota of this provider or its group.
    pub fn arrive(&mut self, now: Nanos, ledger: &mut Ledger, ticket: Ticket, call: &Call) -> Reply {
        if self.conditions.refuse_connections {
            return Reply::ConnectionRefused;
        }
        let cost = admission_cost(ledger.charge(), call);
        let fails = self.draw_error(call);
        let full = !fails && self.is_full();
        if full {
            // Whether the limits would have admitted it shows in the answer, but nothing is taken either way.
            return self.refuse_full(now, ledger, cost, call);
        }
        let reservation = match ledger.try_reserve(now, cost) {
            Ok(reservation) => reservation,
            Err(refusal) => return self.refuse_limit(now, ledger, cost, call, refusal),
        };
        self.in_flight += 1;
        if fails {
            let (after, retry_after) = (self.draw_error_latency(call), self.hint(None));
            let held = Some(Held { reservation, slot: false });
            let status = call.poison_status.filter(|_| call.poison).unwrap_or(self.conditions.error_status);
            return Reply::Error { status, retry_after, refusal: None, after, held };
        }
        let timing = self.draw_timing(call);
        if self.has_free_slot() {
            self.busy += 1;
            return Reply::Serve { start: self.start(now), timing, held: Held { reservation, slot: true } };
        }
        self.queue.push_back(Queued { ticket: Some(ticket), timing });
        Reply::Queue { held: Held { reservation, slot: false } }
    }

    /// Whether it is reachable and `ledger`, its quota, would admit such an attempt now.
    pub fn has_quota(&self, now: Nanos, ledger: &mut Ledger, call: &Call) -> bool {
        !self.conditions.refuse_connections && ledger.free_at(now, admission_cost(ledger.charge(), call)) == FreeAt::Now
    }

    /// An attempt that was served, or is answered with an error, leaves. `used`: the tokens it really took; `None`:
    /// what it was charged on admission.
    pub fn leave(&mut self, now: Nanos, ledger: &mut Ledger, held: Held, used: Option<Cost>) {
        self.in_flight -= 1;
        if held.slot {
            self.busy -= 1;
        }
        ledger.settle(now, held.reservation, used);
    }

    /// A queued attempt leaves before its turn.
    pub fn leave_queue(&mut self, now: Nanos, ledger: &mut Ledger, held: Held, ticket: Ticket) {
        self.in_flight -= 1;
        ledger.settle(now, held.reservation, Some(Cost::default()));
        if let Some(queued) = self.queue.iter_mut().find(|queued| queued.ticket == Some(ticket)) {
            queued.ticket = None;
            self.gone += 1;
        }
        if self.gone > 64 && self.gone * 2 > self.queue.len() {
            self.queue.retain(|queued| queued.ticket.is_some());
            self.gone = 0;
        }
    }

    /// Gives a free slot to the next in the queue. Call it after every [`Mock::leave`], and mark the turn's attempt as
    /// holding a slot with [`Held::take_slot`].
    pub fn next_turn(&mut self, now: Nanos) -> Option<Turn> {
        while self.has_free_slot() {
            let queued = self.queue.pop_front()?;
            let Some(ticket) = queued.ticket else {
                self.gone -= 1;
                continue;
            };
            self.busy += 1;
            return Some(Turn { ticket, start: self.start(now), timing: queued.timing });
        }
        None
    }

    /// What a health probe at `now` finds: a good answer at once, or a bad one after the time of errors, both behind a stall;
    /// `None`: no answer. Probes take neither quota nor a slot. `number` counts them, for the draws.
    pub fn probe(&self, now: Nanos, number: u64) -> Option<(Nanos, bool)> {
        let conditions = &self.conditions;
        if conditions.refuse_connections {
            return Some((Nanos::ZERO, false));
        }
        if conditions.hang {
            return None;
        }
        let mut draws = Draws::new(self.seed ^ rng::mix(self.salt), Stream::Probe, number);
        let fails = draws.chance(conditions.error_rate);
        let latency = if fails { Nanos::from_f64(conditions.error_latency.sample(&mut draws)) } else { Nanos::ZERO };
        Some((conditions.stalled_until.since(now) + latency, !fails))
    }

    /// Whether connections to it are refused.
    pub fn refuses_connections(&self) -> bool {
        self.conditions.refuse_connections
    }

    fn start(&self, now: Nanos) -> Nanos {
        now.max(self.conditions.stalled_until)
    }

    fn has_free_slot(&self) -> bool {
        self.spec.slots.is_none_or(|slots| self.busy < slots)
    }

    /// The fraction of slots taken when one more attempt is in service; 0 where they are unlimited. An attempt that queues
    /// starts when another one leaves, so it finds them all taken.
    fn fill_with_one_more(&self) -> f64 {
        self.spec.slots.map_or(0.0, |slots| f64::from(self.busy.saturating_add(1).min(slots)) / f64::from(slots))
    }

    fn is_full(&self) -> bool {
        let waiting = (self.queue.len() - self.gone) as u64;
        !self.has_free_slot() && self.spec.queue.is_some_and(|places| waiting >= places)
    }

    fn refuse_full(&mut self, now: Nanos, ledger: &mut Ledger, cost: Cost, call: &Call) -> Reply {
        if let Some(refusal) = ledger.would_refuse(now, cost) {
            return self.refuse_limit(now, ledger, cost, call, refusal);
        }
        if ledger.count_refused() {
            ledger.refuse_counts(now, cost);
        }
        self.refusal(503, self.hint(None), None, call)
    }

    fn refuse_limit(&mut self, now: Nanos, ledger: &mut Ledger, cost: Cost, call: &Call, mut refusal: Refusal) -> Reply {
        if ledger.count_refused() {
            ledger.refuse_counts(now, cost);
            // With itself counted it must wait for longer.
            refusal = ledger.would_refuse(now, cost).unwrap_or(refusal);
        }
        let kind = match refusal.dimension {
            Dimension::Ramp => RefusalKind::Ramp,
            Dimension::RequestsPerDay | Dimension::TokensPerDay => RefusalKind::Exhausted,
            _ => RefusalKind::Rate,
        };
        let until_free = match refusal.free_at {
            FreeAt::At(time) => Some(ceil_to_millis(time.since(now))),
            FreeAt::Now | FreeAt::OnSettle | FreeAt::Never => None,
        };
        self.refusal(429, self.hint(until_free), Some(kind), call)
    }

    /// The `retry-after` of an answer that would honestly carry `honest`.
    fn hint(&self, honest: Option<Nanos>) -> Option<Nanos> {
        match self.conditions.retry_after {
            None => honest,
            Some(RetryAfter::Fixed(after)) => Some(after),
            Some(RetryAfter::Off) => None,
        }
    }

    fn refusal(&self, status: u16, retry_after: Option<Nanos>, refusal: Option<RefusalKind>, call: &Call) -> Reply {
        Reply::Error { status, retry_after, refusal, after: self.draw_error_latency(call), held: None }
    }

    fn draw_error(&self, call: &Call) -> bool {
        let rate = self.conditions.error_rate;
        call.poison || (rate > 0.0 && Draws::for_attempt(self.seed, Stream::Error, call.request, call.attempt).chance(rate))
    }

    fn draw_error_latency(&self, call: &Call) -> Nanos {
        let mut draws = Draws::for_attempt(self.seed, Stream::ErrorLatency, call.request, call.attempt);
        Nanos::from_f64(self.conditions.error_latency.sample(&mut draws))
    }

    fn draw_timing(&self, call: &Call) -> Timing {
        if self.conditions.hang {
            return Timing { ttft: Nanos::MAX, total: Nanos::MAX };
        }
        timing(&self.spec.service, self.seed, call, self.conditions.factors, self.fill_with_one_more())
    }
}

/// How long an answer takes from the start of service, under factors on the time to first token (or the whole answer) and on
/// the time per token, when the fraction `fill` of the slots is taken.
pub fn timing(service: &Service, seed: u64, call: &Call, (factor, token_factor): (f64, f64), fill: f64) -> Timing {
    let mut draws = Draws::for_attempt(seed, Stream::Service, call.request, call.attempt);
    match service {
        Service::Whole(latency) => {
            let total = Nanos::from_f64(latency.sample(&mut draws) * factor);
            Timing { ttft: total, total }
        }
        Service::Streamed { ttft, prefill, itl, crowding } => {
            let mut token_draws = Draws::for_attempt(seed, Stream::TokenTime, call.request, call.attempt);
            let ttft = ttft.sample(&mut draws) * (1.0 + prefill * f64::from(call.input)) * factor;
            let rest = itl.sample(&mut token_draws) * (1.0 + crowding * fill) * token_factor * f64::from(call.output.saturating_sub(1));
            Timing { ttft: Nanos::from_f64(ttft), total: Nanos::from_f64(ttft) + Nanos::from_f64(rest) }
        }
    }
}

impl Timing {
    /// The tokens really used `elapsed` after the start of service: the prompt, and the output in proportion to its time.
    pub fn used(self, elapsed: Nanos, input: u32, output: u32) -> Cost {
        let (ttft, total, elapsed) = (self.ttft.as_f64(), self.total.as_f64(), elapsed.as_f64());
        let fraction = match total - ttft {
            _ if elapsed >= total => 1.0,
            streaming if streaming > 0.0 => ((elapsed - ttft) / streaming).clamp(0.0, 1.0),
            _ => 0.0,
        };
        Cost { input: input.into(), output: (f64::from(output) * fraction) as u64 }
    }
}

impl Held {
    /// A queued attempt got its slot.
    pub fn take_slot(&mut self) {
        self.slot = true;
    }
}

/// What admission charges: the estimate (input + `max_tokens`, input alone where that is unlimited) or the true size.
fn admission_cost(charge: Charge, call: &Call) -> Cost {
    let output = match charge {
        Charge::Estimate => call.max_tokens.unwrap_or(0),
        Charge::Actual => call.output,
    };
    Cost { input: call.input.into(), output: output.into() }
}

/// `retry-after-ms` is whole milliseconds, and too early would be wrong.
fn ceil_to_millis(duration: Nanos) -> Nanos {
    Nanos::new(duration.as_nanos().div_ceil(1_000_000).saturating_mul(1_000_000))
}

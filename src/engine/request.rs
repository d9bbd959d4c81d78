//! What goes into a pick and comes out of it: [`Request`], [`Decision`], [`Lease`], [`Outcome`].

use std::fmt;
use std::sync::Arc;

use super::arena::Tenancy;
use super::group::Group;
use super::limit::{Cost, Reservation};
use super::refusal::RefusalKind;
use super::sharing::Sharing;
use crate::time::Nanos;

/// One provider of a pool, by its position in [`Config::providers`](super::Config::providers).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderId(pub(crate) u16);

impl ProviderId {
    /// Position in the configuration.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A model name known to the engine; see [`Engine::model`](super::Engine::model).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ModelId(pub(crate) u16);

impl ModelId {
    /// A request that any provider may serve.
    pub const ANY: ModelId = ModelId(0);
}

/// A request as the balancer sees it when it must choose.
#[derive(Clone, Debug)]
pub struct Request {
    /// Unique per engine. Random choices are drawn from (seed, id, attempt), so equal ids choose alike.
    pub id: u64,
    /// Which providers are eligible.
    pub model: ModelId,
    /// Input tokens, as the gateway counted or estimated them.
    pub input_tokens: u32,
    /// The client's `max_tokens`; `None`: it set none.
    pub max_tokens: Option<u32>,
    /// Affinity key for `consistent-hash`; `None`: the id takes its place.
    pub session: Option<u64>,
    /// Attempts so far; empty for a new request. Push [`Lease::provider`] of each: retries are counted by it and go to others.
    pub tried: Tried,
}

impl Request {
    /// A request with the given id that any provider may serve, with no tokens, no session and no attempt yet.
    #[inline]
    pub fn new(id: u64) -> Request {
        Request { id, model: ModelId::ANY, input_tokens: 0, max_tokens: None, session: None, tried: Tried::default() }
    }
}

/// The providers a request has been sent to, by position (after a reconfiguration that reorders them, others): all of the first 128 of the pool, and of those behind them the last 16, of which the
/// oldest are forgotten, and may be chosen again before others.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tried {
    attempts: u32,
    /// A bit for each of the first.
    first: [u64; FIRST / 64],
    /// So many of the others were tried, the last of them these.
    others: u32,
    last: [u16; LAST],
}

const FIRST: usize = 128;
const LAST: usize = 16;

impl Tried {
    /// Notes an attempt.
    #[inline]
    pub fn push(&mut self, provider: ProviderId) {
        let index = provider.index();
        match self.first.get_mut(index / 64) {
            Some(word) => *word |= 1 << (index % 64),
            None => {
                self.last[self.others as usize % LAST] = provider.0;
                self.others += 1;
            }
        }
        self.attempts += 1;
    }

    /// Attempts so far.
    #[inline]
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Whether there was none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.attempts == 0
    }

    /// Whether `provider` is among the remembered ones.
    #[inline]
    pub fn contains(&self, provider: ProviderId) -> bool {
        match self.first.get(provider.index() / 64) {
            Some(word) => word >> (provider.index() % 64) & 1 == 1,
            None => self.remembered_others().contains(&provider.0),
        }
    }

    fn remembered_others(&self) -> &[u16] {
        &self.last[..(self.others as usize).min(LAST)]
    }
}

/// The answer to a pick.
#[derive(Debug)]
#[must_use = "a lease in here holds quota until it is settled"]
pub enum Decision {
    /// Send the request to the lease's provider, and settle the lease when the attempt has ended.
    Send(Lease),
    /// Nothing can take it now.
    Wait {
        /// The earliest moment at which asking again can help, if nothing ends before; `None`: when an attempt in flight is settled,
        /// or an active probe succeeds.
        until: Option<Nanos>,
        /// What holds the provider that comes back first.
        why: Why,
    },
    /// Nothing in the pool can ever serve it.
    Refuse {
        /// What stands against it.
        why: Why,
    },
}

/// A short stable word for why a provider was chosen or not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Why {
    /// Chosen.
    Ok,
    /// Eligible, but another was preferred.
    #[default]
    NotChosen,
    /// It does not serve the model.
    Model,
    /// It was drained by configuration.
    Drained,
    /// It was taken out for failing.
    Ejected,
    /// It asked for a pause.
    Cooldown,
    /// One trial request is on its way after an ejection; the others wait for its outcome.
    Trial,
    /// Chosen although it was taken out for failing, because every provider was.
    LeastBad,
    /// It is coming back and takes part in only some picks.
    SlowStart,
    /// It seems to hang, or to fail by itself: others are asked as long as there are any.
    Suspect,
    /// This request has been there.
    Tried,
    /// A better tier could take the request.
    LowerTier,
    /// A limit is used up.
    Limit(super::limit::Dimension),
}

impl Why {
    /// The word.
    pub fn word(self) -> &'static str {
        match self {
            Why::Ok => "ok",
            Why::NotChosen => "not-chosen",
            Why::Model => "model",
            Why::Drained => "drained",
            Why::Ejected => "ejected",
            Why::Cooldown => "cooldown",
            Why::Trial => "trial",
            Why::LeastBad => "least-bad",
            Why::SlowStart => "slow-start",
            Why::Suspect => "suspect",
            Why::Tried => "tried",
            Why::LowerTier => "lower-tier",
            Why::Limit(dimension) => dimension.word(),
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A reservation at one provider: an in-flight place, request and token quota. Settle it exactly once with
/// [`Engine::settle`](super::Engine::settle) of the engine that gave it; a lease that is dropped instead keeps its place
/// forever, and looks like a request without an answer: strategies that weigh load or latency leave the provider to others. Keep it in a
/// guard, as the [module's example](super#cancelled-requests) does; a channel whose receiver is gone drops what is sent, too.
#[derive(Debug)]
#[must_use = "a lease holds quota until it is settled"]
pub struct Lease {
    pub(crate) tenancy: Tenancy,
    pub(crate) provider: ProviderId,
    pub(crate) tag: u64,
    pub(crate) trial: bool,
    /// The request's first attempt.
    pub(crate) first: bool,
    /// The request had been there before.
    pub(crate) again: bool,
    pub(crate) sent: Nanos,
    /// [`Nanos::MAX`] before the first token.
    pub(crate) first_token: Nanos,
    /// In the provider's own quota, or in its group's.
    pub(crate) reservation: Reservation,
    pub(crate) sharing: Option<Arc<Sharing>>,
}

impl Lease {
    /// Where to send the request: a position in the configuration that was in force when it was picked. Where another thread may
    /// reconfigure the engine, that may no longer be the present one; see [`Lease::tag`].
    #[inline]
    pub fn provider(&self) -> ProviderId {
        self.provider
    }

    /// Where to send the request: [`ProviderConfig::tag`](super::ProviderConfig::tag) of its provider, whatever became of the
    /// configuration.
    #[inline]
    pub fn tag(&self) -> u64 {
        self.tag
    }

    /// Whether it is the trial of a provider that was taken out for failing.
    #[inline]
    pub fn is_trial(&self) -> bool {
        self.trial
    }

    /// Who keeps the quota of its provider, if that is shared.
    #[inline]
    pub(crate) fn group(&self) -> Option<&Group> {
        self.sharing.as_ref()?.group.as_deref()
    }

    /// The tokens that are reserved until it is settled.
    #[inline]
    pub fn reserved(&self) -> Cost {
        self.reservation.cost()
    }

    /// When it was picked.
    #[inline]
    pub fn sent(&self) -> Nanos {
        self.sent
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Outcome {
    /// The result.
    pub result: AttemptResult,
    /// Tokens the provider counted, if it said, or the gateway where the answer broke off; corrects the reservation, which otherwise stands.
    pub usage: Option<Usage>,
    /// The provider's `retry-after`, as a duration from now.
    pub retry_after: Option<Nanos>,
    /// Why it was refused, where the answer tells: see [`RefusalKind::classify`]. `None`: judged by the status alone.
    pub refusal: Option<RefusalKind>,
}

impl Outcome {
    /// An outcome without usage, `retry-after` or reason.
    #[inline]
    pub const fn new(result: AttemptResult) -> Outcome {
        Outcome { result, usage: None, retry_after: None, refusal: None }
    }

    /// Why the provider refused; `None`: it did not. Without more than the status a 429 is a matter of rate, a 529 of shared
    /// capacity, and so is a 503 that says when to come back.
    pub fn refusal(&self) -> Option<RefusalKind> {
        match self.result {
            AttemptResult::Status(429) => Some(self.refusal.unwrap_or(RefusalKind::Rate)),
            AttemptResult::Status(503) if self.retry_after.is_none() => self.refusal,
            AttemptResult::Status(503 | 529) => Some(self.refusal.unwrap_or(RefusalKind::Capacity)),
            AttemptResult::Status(_) => self.refusal,
            _ => None,
        }
    }
}

/// Tokens of one attempt. 2^24 or more of either are taken for garbage: the attempt is settled as if it had told nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Prompt.
    pub input_tokens: u32,
    /// Completion.
    pub output_tokens: u32,
}

impl Usage {
    /// No model takes or makes so many.
    const IMPOSSIBLE: u32 = 1 << 24;

    #[inline]
    pub(super) fn is_garbage(self) -> bool {
        (self.input_tokens | self.output_tokens) >= Usage::IMPOSSIBLE
    }
}

/// The result of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptResult {
    /// A whole answer.
    Success,
    /// An answer with an HTTP error status.
    Status(u16),
    /// The connection was refused or broke before an answer.
    ConnectionError,
    /// The balancer's own time limit for attempts ran out before the first token.
    TimedOut,
    /// A time limit that the caller set for itself ran out before the first token; says nothing about the provider.
    CallerTimedOut,
    /// The answer broke off, or ran into a time limit, after its first token.
    Interrupted,
    /// The client went away, or another attempt of the request won; says nothing about the provider.
    Abandoned,
    /// It was never sent: the lease uses no quota, and says nothing about the provider.
    NotSent,
}

impl AttemptResult {
    /// Whether another attempt may help: 408, 409, 429, 5xx, connection errors, timeouts before the first token; never
    /// another 4xx, and never once a token has reached the client.
    pub fn is_retriable(self) -> bool {
        match self {
            AttemptResult::Status(status) => matches!(status, 408 | 409 | 429 | 500..=599),
            AttemptResult::ConnectionError | AttemptResult::TimedOut | AttemptResult::CallerTimedOut => true,
            AttemptResult::Success | AttemptResult::Interrupted | AttemptResult::Abandoned | AttemptResult::NotSent => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tried_remembers_all_of_the_first_and_the_last_of_the_others() {
        let mut tried = Tried::default();
        assert!(tried.is_empty() && !(0..200).any(|provider| tried.contains(ProviderId(provider))), "nothing is tried at first");
        for provider in (0..128).step_by(3).chain(128..148) {
            tried.push(ProviderId(provider));
        }
        assert_eq!(tried.attempts(), 43 + 20);
        assert!((0..128).all(|provider| tried.contains(ProviderId(provider)) == (provider % 3 == 0)));
        assert!(!(128..132).any(|provider| tried.contains(ProviderId(provider))), "pushed out by the last four");
        assert!((132..148).all(|provider| tried.contains(ProviderId(provider))));
    }

    #[test]
    fn only_failures_that_another_attempt_can_heal_are_retriable() {
        for status in [408, 409, 429, 500, 502, 503, 529, 599] {
            assert!(AttemptResult::Status(status).is_retriable(), "{status}");
        }
        for status in [400, 401, 403, 404, 413, 422, 498, 600] {
            assert!(!AttemptResult::Status(status).is_retriable(), "{status}");
        }
        assert!(AttemptResult::ConnectionError.is_retriable() && AttemptResult::TimedOut.is_retriable());
        for result in [AttemptResult::Success, AttemptResult::Interrupted, AttemptResult::Abandoned, AttemptResult::NotSent] {
            assert!(!result.is_retriable(), "{result:?}");
        }
    }
}

//! Counts and distributions of requests and attempts, of a whole run or a slice of it.

use super::latency::Samples;
use super::observe::{AttemptEnd, AttemptKind, RequestEnd, RequestInfo};
use super::quota::Admitted;
use crate::report::Requests;
use crate::time::Nanos;

/// Running figures. Nothing is counted twice: sums over classes or providers are formed at the end.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    pub(super) classes: Vec<ClassTally>,
    pub(super) providers: Vec<ProviderTally>,
    pub(super) balancer_queue: Samples,
    /// How wrong the times were that shed requests were told.
    pub(super) retry_after: Samples,
    /// Successful requests that met every objective.
    pub(super) good: u64,
    /// An attempt that is sent after it no longer counts for the use of quotas.
    pub(super) last_instant: Nanos,
    /// Attempts by [`AttemptKind`].
    kinds: [u64; 3],
    winner: Option<Winner>,
}

/// Requests of one class.
#[derive(Clone, Debug, Default)]
pub(super) struct ClassTally {
    pub(super) requests: Requests,
    pub(super) latency: Samples,
    pub(super) ttft: Samples,
}

/// The attempt that succeeded last: its request ends next, and only then says when its first token came.
#[derive(Clone, Copy, Debug)]
struct Winner {
    request: u64,
    provider: usize,
    sent: Nanos,
}

/// Attempts at one provider.
#[derive(Clone, Debug, Default)]
pub(super) struct ProviderTally {
    pub(super) attempts: u64,
    pub(super) succeeded: u64,
    pub(super) rate_limited: u64,
    pub(super) errors: u64,
    pub(super) timeouts: u64,
    pub(super) abandoned: u64,
    /// Sent until [`Tally::last_instant`].
    pub(super) admitted: Admitted,
    /// Tokens of the successful attempts.
    pub(super) paid: Admitted,
    pub(super) latency: Samples,
    pub(super) ttft: Samples,
    pub(super) queue: Samples,
}

/// A driver told of an end without its beginning, or the other way round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Imbalance {
    /// offered ≠ succeeded + failed + shed + unfinished.
    #[error("{offered} requests were offered, but {ended} ended")]
    Requests {
        /// Requests that were offered.
        offered: u64,
        /// Requests that ended.
        ended: u64,
    },
    /// Attempts sent ≠ attempts that ended, at one provider.
    #[error("{sent} attempts were sent to provider {provider}, but {ended} ended")]
    Attempts {
        /// Its index.
        provider: usize,
        /// Attempts that were sent.
        sent: u64,
        /// Attempts that ended.
        ended: u64,
    },
    /// Attempts of all kinds ≠ sum over providers.
    #[error("{sent} attempts were sent, but the providers got {got}")]
    Providers {
        /// First attempts, retries and hedges.
        sent: u64,
        /// Sum over the providers.
        got: u64,
    },
}

impl Tally {
    pub(super) fn new(classes: usize, providers: usize, last_instant: Nanos) -> Tally {
        Tally {
            last_instant,
            classes: vec![ClassTally::default(); classes],
            providers: vec![ProviderTally::default(); providers],
            ..Tally::default()
        }
    }

    #[inline]
    pub(super) fn offered(&mut self, request: &RequestInfo) {
        self.classes[usize::from(request.class)].requests.offered += 1;
    }

    #[inline]
    pub(super) fn sent(&mut self, now: Nanos, request: &RequestInfo, provider: usize, kind: AttemptKind) {
        self.kinds[kind as usize] += 1;
        if kind == AttemptKind::First {
            self.balancer_queue.record(now.since(request.intended));
        }
        let provider = &mut self.providers[provider];
        provider.attempts += 1;
        if now <= self.last_instant {
            provider.admitted.add(request.input, request.output);
        }
    }

    /// Of an attempt that was sent at `sent` so much was not used after all.
    pub(super) fn returned(&mut self, sent: Nanos, provider: usize, unused: Admitted) {
        if sent <= self.last_instant {
            self.providers[provider].admitted.take_back(unused);
        }
    }

    #[inline]
    pub(super) fn attempt_ended(&mut self, now: Nanos, sent: Nanos, request: &RequestInfo, at: usize, end: AttemptEnd) {
        let (provider, took) = (&mut self.providers[at], now.since(sent));
        match end {
            AttemptEnd::Succeeded => {
                provider.succeeded += 1;
                provider.paid.add(request.input, request.output);
                provider.latency.record(took);
                self.winner = Some(Winner { request: request.id, provider: at, sent });
            }
            AttemptEnd::RateLimited => provider.rate_limited += 1,
            AttemptEnd::Failed { .. } => provider.errors += 1,
            AttemptEnd::TimedOut => provider.timeouts += 1,
            AttemptEnd::Abandoned => provider.abandoned += 1,
        }
    }

    #[inline]
    pub(super) fn ended(&mut self, now: Nanos, request: &RequestInfo, end: RequestEnd, good: bool) {
        let class = &mut self.classes[usize::from(request.class)];
        match end {
            RequestEnd::Succeeded { first_token } => {
                class.requests.succeeded += 1;
                class.latency.record(now.since(request.intended));
                class.ttft.record(first_token.since(request.intended));
                if let Some(winner) = self.winner.take().filter(|winner| winner.request == request.id) {
                    self.providers[winner.provider].ttft.record(first_token.since(winner.sent));
                }
                self.good += u64::from(good);
            }
            RequestEnd::Failed => class.requests.failed += 1,
            RequestEnd::Shed => class.requests.shed += 1,
            RequestEnd::Unfinished { cancelled } => {
                class.requests.unfinished += 1;
                class.requests.cancelled += u64::from(cancelled);
            }
        }
    }

    pub(super) fn retries(&self) -> u64 {
        self.kinds[AttemptKind::Retry as usize]
    }

    pub(super) fn requests(&self) -> Requests {
        self.classes.iter().map(|class| class.requests).fold(Requests::default(), |sum, one| Requests {
            offered: sum.offered + one.offered,
            succeeded: sum.succeeded + one.succeeded,
            failed: sum.failed + one.failed,
            shed: sum.shed + one.shed,
            unfinished: sum.unfinished + one.unfinished,
            cancelled: sum.cancelled + one.cancelled,
        })
    }

    /// Whether everything that began has ended.
    pub(super) fn check(&self) -> Result<(), Imbalance> {
        let Requests { offered, succeeded, failed, shed, unfinished, .. } = self.requests();
        let ended = succeeded + failed + shed + unfinished;
        if offered != ended {
            return Err(Imbalance::Requests { offered, ended });
        }
        for (provider, tally) in self.providers.iter().enumerate() {
            let ended = tally.succeeded + tally.rate_limited + tally.errors + tally.timeouts + tally.abandoned;
            if tally.attempts != ended {
                return Err(Imbalance::Attempts { provider, sent: tally.attempts, ended });
            }
        }
        let (sent, got) = (self.kinds.iter().sum(), self.providers.iter().map(|provider| provider.attempts).sum());
        if sent == got { Ok(()) } else { Err(Imbalance::Providers { sent, got }) }
    }
}

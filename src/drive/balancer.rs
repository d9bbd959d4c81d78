//! What a driver asks of a balancer: the engine itself, or the engine with a fault put in, to see whether a gate notices.

use crate::engine::limit::{Cost, RateLimitHeaders};
use crate::engine::{Config, ConfigError, Decision, Engine, HealthEvent, Lease, ModelId, Outcome, Request, Retrying, Trace};
use crate::time::Nanos;

/// One gateway's balancer. The methods are those of [`Engine`]; the driver is compiled for each implementation, so that the
/// seam costs the engine nothing.
pub trait Balancer {
    /// The id of a model name.
    fn model(&self, name: &str) -> ModelId;
    /// Chooses a provider.
    fn pick(&self, now: Nanos, request: &Request) -> Decision;
    /// The same, with reasons.
    fn pick_traced(&self, now: Nanos, request: &Request, trace: &mut Trace) -> Decision;
    /// An answer has begun.
    fn first_token(&self, now: Nanos, lease: &mut Lease);
    /// The head of an answer tells of the limits.
    fn headers(&self, now: Nanos, lease: &Lease, headers: &RateLimitHeaders);
    /// An attempt has ended.
    fn settle(&self, now: Nanos, lease: Lease, outcome: Outcome);
    /// A health probe has ended.
    fn probed(&self, now: Nanos, provider: usize, good: bool);
    /// What has happened to a provider's health since it was asked last.
    fn next_health_event(&self) -> Option<HealthEvent>;
    /// Another pool.
    ///
    /// # Errors
    /// As [`Engine::reconfigure`].
    fn reconfigure(&self, now: Nanos, config: Config) -> Result<(), ConfigError>;
    /// What to do after a failed attempt.
    fn retry(&self, now: Nanos, request: &Request, outcome: &Outcome) -> Retrying;
    /// Whether a provider that the request has not tried could take it.
    fn another_is_open(&self, now: Nanos, request: &Request) -> bool;
    /// Whether the end of an attempt could make room for a request.
    fn settle_may_help(&self, now: Nanos, request: &Request) -> bool;
    /// How long a request that is refused should stay away, with so many ahead of it.
    fn retry_after(&self, now: Nanos, request: &Request, ahead: u64) -> Option<Nanos>;
    /// How long a request that joins a line behind others with so many input tokens has to wait at least.
    fn least_wait(&self, now: Nanos, request: &Request, ahead: impl IntoIterator<Item = u32>) -> Nanos;
    /// Others used so much of a provider's quota.
    fn note_foreign_use(&self, now: Nanos, provider: usize, requests: u64, tokens: Cost);
    /// Leases that are not settled, by provider.
    fn leases(&self, now: Nanos) -> Vec<u32>;
}

impl Balancer for Engine {
    fn model(&self, name: &str) -> ModelId {
        Engine::model(self, name)
    }

    #[inline]
    fn pick(&self, now: Nanos, request: &Request) -> Decision {
        Engine::pick(self, now, request)
    }

    fn pick_traced(&self, now: Nanos, request: &Request, trace: &mut Trace) -> Decision {
        Engine::pick_traced(self, now, request, trace)
    }

    #[inline]
    fn first_token(&self, now: Nanos, lease: &mut Lease) {
        Engine::first_token(self, now, lease);
    }

    fn headers(&self, now: Nanos, lease: &Lease, headers: &RateLimitHeaders) {
        Engine::headers(self, now, lease, headers);
    }

    #[inline]
    fn settle(&self, now: Nanos, lease: Lease, outcome: Outcome) {
        Engine::settle(self, now, lease, outcome);
    }

    fn probed(&self, now: Nanos, provider: usize, good: bool) {
        Engine::probed(self, now, provider, good);
    }

    fn next_health_event(&self) -> Option<HealthEvent> {
        Engine::next_health_event(self)
    }

    fn reconfigure(&self, now: Nanos, config: Config) -> Result<(), ConfigError> {
        Engine::reconfigure(self, now, config)
    }

    fn retry(&self, now: Nanos, request: &Request, outcome: &Outcome) -> Retrying {
        Engine::retry(self, now, request, outcome)
    }

    fn another_is_open(&self, now: Nanos, request: &Request) -> bool {
        Engine::another_is_open(self, now, request)
    }

    fn settle_may_help(&self, now: Nanos, request: &Request) -> bool {
        Engine::settle_may_help(self, now, request)
    }

    fn retry_after(&self, now: Nanos, request: &Request, ahead: u64) -> Option<Nanos> {
        Engine::retry_after(self, now, request, ahead)
    }

    fn least_wait(&self, now: Nanos, request: &Request, ahead: impl IntoIterator<Item = u32>) -> Nanos {
        Engine::least_wait(self, now, request, ahead)
    }

    fn note_foreign_use(&self, now: Nanos, provider: usize, requests: u64, tokens: Cost) {
        Engine::note_foreign_use(self, now, provider, requests, tokens);
    }

    fn leases(&self, now: Nanos) -> Vec<u32> {
        self.snapshot(now).providers.iter().map(|provider| provider.in_flight).collect()
    }
}

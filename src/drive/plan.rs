//! Everything one run needs, checked.

use super::real::RealTime;
use crate::engine::config::Config;
use crate::time::Nanos;
use crate::world::spec::{Event, Load, ProviderSpec};

/// A run, ready to drive. `providers[i]` (the truth) and `engine.providers[i]` (the belief) are the same provider.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Seed of every draw, the engine's included.
    pub seed: u64,
    /// What arrives.
    pub load: Load,
    /// What the providers are really like.
    pub providers: Vec<ProviderSpec>,
    /// Timed changes.
    pub events: Vec<Event>,
    /// What the balancer knows and does.
    pub engine: Config,
    /// Engines that do not see each other's counters, ≥ 1.
    pub replicas: u32,
    /// Share of the requests that each engine gets; empty: request i goes to engine i mod `replicas`.
    pub replica_shares: Vec<f64>,
    /// What the engines tell each other; `None`: nothing.
    pub sync: Option<Sync>,
    /// Per attempt, unless the class has its own.
    pub timeout: Nanos,
    /// The balancer's queue.
    pub queue: Queue,
    /// Second attempts beside a slow first one; `None`: off.
    pub hedge: Option<Hedge>,
    /// Active health probes; `None`: off.
    pub health_check: Option<HealthCheck>,
    /// What counts as good.
    pub slo: Slo,
    /// In real time over HTTP; `None`: in virtual time.
    pub real: Option<RealTime>,
}

impl Plan {
    /// The same experiment with other draws: all of them derive from the seed.
    pub fn with_seed(&self, seed: u64) -> Plan {
        let mut plan = self.clone();
        (plan.seed, plan.engine.seed) = (seed, seed);
        plan
    }
}

/// How engines that share providers talk to each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sync {
    /// Distance of two messages of one engine; what it says is as old.
    pub interval: Nanos,
    /// What becomes of declared limits.
    pub quota: SharedQuota,
}

/// What engines that talk to each other do about a quota that they share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SharedQuota {
    /// Each counts what all use against the whole limit.
    #[default]
    Common,
    /// Each has a part of the limit, in proportion to the requests that came to it lately.
    Divided,
}

impl Plan {
    /// `virtual` or `real`.
    pub fn clock(&self) -> &'static str {
        if self.real.is_some() { "real" } else { "virtual" }
    }
}

/// The balancer's queue of requests that have not been sent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Queue {
    /// Longest wait; zero: shed at once.
    pub max_wait: Nanos,
    /// Places; 0 sheds at once too.
    pub max_length: u64,
}

/// Second attempts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hedge {
    /// Sent when the first is still without an answer after this.
    pub after: Nanos,
    /// Hedges ÷ requests at most.
    pub budget: f64,
}

/// Active probes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HealthCheck {
    /// Distance of probes of one provider.
    pub interval: Nanos,
    /// A probe without an answer by then has failed.
    pub timeout: Nanos,
    /// Failed probes in a row that take a provider out.
    pub unhealthy_threshold: u32,
    /// Good probes in a row that bring it back.
    pub healthy_threshold: u32,
}

/// Service level objective of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Slo {
    /// Longest time to first token.
    pub ttft: Option<Nanos>,
    /// Longest latency.
    pub latency: Option<Nanos>,
}

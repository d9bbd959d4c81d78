//! The checked description of a simulated world: what arrives, and what the providers are really like.
//!
//! Everything here is valid by construction of the scenario layer: ratios lie in 0…1, counts are positive where they
//! must be, names are unique. The world never checks again.

use std::sync::Arc;

use super::dist::Dist;
use super::shape::Shape;
use crate::engine::config::Cost;
use crate::engine::limit::{Cost as Tokens, Limits};
use crate::time::Nanos;

/// The load: where requests come from, how long, and what they are like.
#[derive(Clone, Debug)]
pub struct Load {
    /// Where requests come from.
    pub source: Source,
    /// When arrivals end.
    pub end: End,
    /// Requests that arrive before this are simulated but not measured.
    pub warmup: Nanos,
    /// Kinds of request, at least one; the shares sum to one.
    pub classes: Vec<Class>,
    /// Affinity keys; `None`: requests carry none (a trace may still bring its own).
    pub sessions: Option<Sessions>,
}

impl Load {
    /// Mean of a figure over the classes, by their share.
    pub fn mean(&self, figure: impl Fn(&Class) -> f64) -> f64 {
        self.classes.iter().map(|class| class.share * figure(class)).sum()
    }

    /// Mean tokens of a request, rounded down; of a trace, whose rows bring their own, those of its classes.
    pub fn mean_tokens(&self) -> Tokens {
        Tokens { input: self.mean(|class| class.input.mean()) as u64, output: self.mean(|class| class.output.mean()) as u64 }
    }
}

/// Where requests come from.
#[derive(Clone, Debug)]
pub enum Source {
    /// Arrivals that wait for nobody.
    Open(OpenLoop),
    /// `users` that each think, send one request, wait for its end, and start over; they begin by thinking.
    Closed {
        /// How many users.
        users: u32,
        /// Pause before each request, in nanoseconds.
        think_time: Dist,
    },
    /// Recorded arrivals.
    Trace {
        /// In order of time.
        rows: Arc<[TraceRow]>,
        /// Times are divided by this; > 0, default 1.
        speed: f64,
    },
}

/// Arrivals by a rate.
#[derive(Clone, Debug)]
pub struct OpenLoop {
    /// Law of the gaps.
    pub arrival: ArrivalLaw,
    /// Requests per second from t = 0, > 0 (a stage may set it to 0).
    pub rate: f64,
    /// Changes of the rate, ordered by `at`, not overlapping.
    pub stages: Vec<Stage>,
    /// Extra arrivals at an instant.
    pub bursts: Vec<Burst>,
}

/// Law of the gaps between arrivals.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ArrivalLaw {
    /// Request i arrives when the integral of the rate reaches i (at a constant rate: at i/rate, to the nearest ns).
    Constant,
    /// Exponential gaps; the first arrival comes one gap after t = 0.
    Poisson,
    /// Gamma gaps of shape `burstiness` (> 0): CV² = 1/burstiness, so that below 1 is burstier than Poisson.
    Gamma {
        /// Shape of the gamma law.
        burstiness: f64,
    },
}

/// From `at` the rate moves linearly to `rate` over `over` (zero: a step), then holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// Start of the change.
    pub at: Nanos,
    /// Length of the ramp.
    pub over: Nanos,
    /// Requests per second at its end, ≥ 0.
    pub rate: f64,
}

/// `count` arrivals at one instant, once or every `every`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    /// First instant.
    pub at: Nanos,
    /// Arrivals at each instant, ≥ 1.
    pub count: u64,
    /// Distance of repetitions, > 0; `None`: once.
    pub every: Option<Nanos>,
}

/// One recorded request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TraceRow {
    /// Arrival, counted from the first row's (which is 0), before `speed`.
    pub at: Nanos,
    /// Input tokens.
    pub input: u32,
    /// Output tokens.
    pub output: u32,
    /// Session, if the trace names one.
    pub session: Option<u64>,
}

/// When arrivals end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum End {
    /// At warm-up + this (half-open: an arrival at exactly that time is not part of the run).
    Duration(Nanos),
    /// After this many measured requests (those at or after the warm-up).
    Requests(u64),
    /// With the last row of the trace.
    Trace,
}

/// One kind of request.
#[derive(Clone, Debug)]
pub struct Class {
    /// Unique; `None` when the scenario has no `[[load.class]]`.
    pub name: Option<String>,
    /// Only providers that list it (or list none) are eligible; `None`: any provider.
    pub model: Option<String>,
    /// Share of requests, 0…1.
    pub share: f64,
    /// Lower waits less in the balancer's queue.
    pub priority: u32,
    /// Shed when it cannot be sent within this after its arrival.
    pub deadline: Option<Nanos>,
    /// Probability that the client goes away in the middle of the answer.
    pub cancel: f64,
    /// Probability that the request fails at every provider.
    pub poison: f64,
    /// Status of that failure; `None`: the provider's [`ProviderSpec::error_status`].
    pub poison_status: Option<u16>,
    /// Per attempt; `None`: the balancer's.
    pub timeout: Option<Nanos>,
    /// Input tokens.
    pub input: Dist,
    /// Output tokens before the cut at `max_tokens`.
    pub output: Dist,
    /// What the client asks for; `None`: unlimited.
    pub max_tokens: Option<u32>,
}

/// Affinity keys 0…count−1, drawn with probability ∝ (rank+1)^−skew.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sessions {
    /// ≥ 1.
    pub count: u64,
    /// ≥ 0; 0 is uniform.
    pub skew: f64,
}

/// One provider as it really is.
#[derive(Clone, Debug)]
pub struct ProviderSpec {
    /// Unique.
    pub name: String,
    /// How long answers take.
    pub service: Service,
    /// Probability that an attempt is answered with an error.
    pub error_rate: f64,
    /// Status of such an answer.
    pub error_status: u16,
    /// How long error answers and refusals take, in nanoseconds.
    pub error_latency: Dist,
    /// Attempts served at the same time; `None`: unlimited.
    pub slots: Option<u32>,
    /// Places in the FIFO queue before the slots; `None`: unbounded.
    pub queue: Option<u64>,
    /// The true limits.
    pub limits: Limits,
    /// What the balancer knows of them.
    pub visibility: Visibility,
    /// Providers that name the same group share one quota.
    pub quota_group: Option<String>,
    /// Requests per second of others on the same quota.
    pub background: f64,
    /// Price per million tokens.
    pub cost: Option<Cost>,
    /// Whose wire format it speaks, where it is served over HTTP.
    pub shape: Shape,
}

/// How long answers take; values in nanoseconds.
#[derive(Clone, Debug)]
pub enum Service {
    /// The whole answer comes at once after this.
    Whole(Dist),
    /// First token after `ttft`, each further one `itl` later (one draw of `itl` an attempt).
    Streamed {
        /// Time to first token of a request without input.
        ttft: Dist,
        /// How much longer the first token takes for each input token, as a fraction of `ttft`, ≥ 0: the draw is
        /// multiplied by 1 + `prefill` × input tokens, so that long prompts have a wider spread in absolute terms too.
        prefill: f64,
        /// Time per further output token.
        itl: Dist,
        /// How much longer each further token takes when all slots are taken, as a fraction of `itl`, ≥ 0: the draw is
        /// multiplied by 1 + `crowding` × taken slots / slots as the answer starts. Without effect where slots are unlimited.
        crowding: f64,
    },
}

/// What the balancer knows of a provider's limits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Visibility {
    /// The declared limits.
    #[default]
    Config,
    /// Only what response headers say.
    Headers,
    /// Nothing but refusals.
    None,
}

/// A timed change of one provider, for attempts that reach it at `at` ≤ t < `until`.
#[derive(Clone, Debug)]
pub struct Event {
    /// For `during` and the timeline.
    pub name: Option<String>,
    /// Index of the provider.
    pub provider: usize,
    /// Start.
    pub at: Nanos,
    /// End; `None`: the end of the run.
    pub until: Option<Nanos>,
    /// What it replaces.
    pub set: Change,
}

/// A `retry-after` that does not say when the limit is free, as it does without an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryAfter {
    /// Always this, right or wrong.
    Fixed(Nanos),
    /// None: refusals are bare.
    Off,
}

/// Fields an event replaces; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct Change {
    /// See [`ProviderSpec::error_rate`].
    pub error_rate: Option<f64>,
    /// See [`ProviderSpec::error_status`].
    pub error_status: Option<u16>,
    /// See [`ProviderSpec::error_latency`].
    pub error_latency: Option<Dist>,
    /// Factor on service times, > 0.
    pub latency_factor: Option<f64>,
    /// Further factor on the time to first token of a streamed service, > 0.
    pub ttft_factor: Option<f64>,
    /// Further factor on the time per output token of a streamed service, > 0.
    pub itl_factor: Option<f64>,
    /// Attempts are accepted and never answered.
    pub hang: Option<bool>,
    /// Work that would start waits for the end of the event.
    pub stall: Option<bool>,
    /// Connections are refused.
    pub refuse_connections: Option<bool>,
    /// The `retry-after` that refusals and errors carry.
    pub retry_after: Option<RetryAfter>,
    /// Other true limits.
    pub limits: Option<Limits>,
    /// False drains the provider: the balancer is told.
    pub enabled: Option<bool>,
}

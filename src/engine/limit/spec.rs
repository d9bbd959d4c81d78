//! The description of a provider's limits, as its documentation states them.

use crate::time::Nanos;

/// How a limit counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Algorithm {
    /// Continuous refill at the stated rate; starts full; admits iff the level is at least the cost.
    #[default]
    TokenBucket,
    /// At most the stated amount in each window [k·period, (k+1)·period), aligned to t = 0 of the caller's clock: to be those of a provider, its
    /// minutes or days (UTC), they need a clock that counts from 1970-01-01 00:00 UTC.
    FixedWindow,
    /// At most the stated amount in any half-open window of one period: what is exactly one period old no longer counts.
    SlidingWindow,
}

impl Algorithm {
    /// All of them.
    pub const ALL: [Algorithm; 3] = [Algorithm::TokenBucket, Algorithm::FixedWindow, Algorithm::SlidingWindow];

    /// What it is called wherever it is written.
    pub const fn word(self) -> &'static str {
        match self {
            Algorithm::TokenBucket => "token-bucket",
            Algorithm::FixedWindow => "fixed-window",
            Algorithm::SlidingWindow => "sliding-window",
        }
    }
}

/// Which token count an attempt is charged on admission.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Charge {
    /// Input + `max_tokens` (input alone where `max_tokens` is unlimited); the difference to the truth is returned at
    /// the end to the window it came from.
    #[default]
    Estimate,
    /// The true size on admission. Only a mock provider can know it; the engine reserves an estimate
    /// ([`OutputEstimate`](crate::engine::OutputEstimate)), which the truth replaces at the end.
    Actual,
}

/// The limits of one provider or quota group. `None` means unlimited. `Default` is no limit at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Requests per minute.
    pub rpm: Option<f64>,
    /// Requests per day.
    pub rpd: Option<f64>,
    /// Tokens (input + output) per minute.
    pub tpm: Option<f64>,
    /// Input tokens per minute.
    pub itpm: Option<f64>,
    /// Output tokens per minute.
    pub otpm: Option<f64>,
    /// Tokens (input + output) per day.
    pub tpd: Option<f64>,
    /// By how many requests a second the admitted rate may grow per second: in each second by the clock at most so many
    /// more than in the busiest of the ten seconds before it. OpenAI (`slow_down`) and Anthropic ("acceleration limits")
    /// refuse sharp growth even inside the other limits.
    pub ramp: Option<f64>,
    /// Attempts at the provider at the same time.
    pub max_concurrency: Option<u32>,
    /// How all of them count.
    pub algorithm: Algorithm,
    /// The slice in which the per-minute limits are enforced; `None`: 60 s. Per-day limits are enforced per day.
    pub period: Option<Nanos>,
    /// The slice in which `rpm` alone is enforced; `None`: as `period`. Some providers check requests per second and
    /// tokens per minute.
    pub request_period: Option<Nanos>,
    /// Depth of the request bucket in requests; `None`: one period's worth. Token buckets are one period deep.
    pub burst: Option<f64>,
    /// What an attempt is charged on admission.
    pub charge: Charge,
    /// Whether refused attempts use up quota too, as [`Ledger::refuse_counts`](super::Ledger::refuse_counts) says.
    pub count_refused: bool,
}

impl Limits {
    /// Whether nothing is limited.
    pub fn is_unlimited(&self) -> bool {
        let rates = [self.rpm, self.rpd, self.tpm, self.itpm, self.otpm, self.tpd, self.ramp];
        self.max_concurrency.is_none() && rates.iter().all(Option::is_none)
    }
}

//! What a profile is made of: values that know where they come from.

use std::fmt;

use crate::engine::limit::{Algorithm, Charge};
use crate::time::Nanos;

/// How far a figure can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The provider's own documentation says so.
    Documented,
    /// Computed from published measurements.
    Measured,
    /// A third party reports it; not checked.
    Reported,
    /// Our assumption: change it freely.
    Assumed,
}

impl Kind {
    /// `documented`, `measured`, `reported`, `assumed`.
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Documented => "documented",
            Kind::Measured => "measured",
            Kind::Reported => "reported",
            Kind::Assumed => "assumed",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// Where a figure comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// How far to trust it.
    pub kind: Kind,
    /// Address or title of what was read, or the reason of an assumption.
    pub text: &'static str,
}

/// A value and its source.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Figure<T> {
    /// The value.
    pub value: T,
    /// Where it comes from.
    pub source: Source,
}

impl Source {
    /// A figure that comes from here.
    pub(super) const fn says<T: Copy>(self, value: T) -> Figure<T> {
        Figure { value, source: self }
    }
}

/// Limits, and how they count.
#[derive(Clone, Copy, Debug)]
pub struct Limited {
    /// At least one, no dimension twice.
    pub quotas: &'static [Figure<Quota>],
    /// How they count.
    pub counting: Figure<Counting>,
    /// What admission charges; `None` where no tokens are limited.
    pub charge: Option<Figure<Charge>>,
}

/// One limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Quota {
    /// Requests per minute.
    Rpm(f64),
    /// Requests per day.
    Rpd(f64),
    /// Tokens per minute, input + output.
    Tpm(f64),
    /// Input tokens per minute.
    Itpm(f64),
    /// Output tokens per minute.
    Otpm(f64),
    /// Tokens per day, input + output.
    Tpd(f64),
    /// Requests at the same time.
    Concurrency(u32),
}

impl Quota {
    /// Its key in a scenario, and its value.
    pub const fn key_and_value(self) -> (&'static str, f64) {
        match self {
            Quota::Rpm(value) => ("rpm", value),
            Quota::Rpd(value) => ("rpd", value),
            Quota::Tpm(value) => ("tpm", value),
            Quota::Itpm(value) => ("itpm", value),
            Quota::Otpm(value) => ("otpm", value),
            Quota::Tpd(value) => ("tpd", value),
            Quota::Concurrency(value) => ("max_concurrency", value as f64),
        }
    }
}

/// How limits count; the fields mean what those of [`Limits`](crate::engine::limit::Limits) mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counting {
    /// Bucket or window.
    pub algorithm: Algorithm,
    /// Slice; `None`: a minute.
    pub period: Option<Nanos>,
    /// Slice for requests; `None`: as `period`.
    pub request_period: Option<Nanos>,
    /// Depth of the request bucket; `None`: one period's worth.
    pub burst: Option<f64>,
}

impl Counting {
    /// Buckets one minute deep.
    pub(super) const BUCKET: Counting = Counting { algorithm: Algorithm::TokenBucket, period: None, request_period: None, burst: None };
    /// Whole minutes.
    pub(super) const MINUTES: Counting = Counting { algorithm: Algorithm::FixedWindow, ..Counting::BUCKET };
    /// Requests in whole seconds, tokens in whole minutes.
    pub(super) const SECONDS_AND_MINUTES: Counting = Counting { request_period: Some(Nanos::from_secs(1)), ..Counting::MINUTES };

    /// Buckets one minute deep for tokens, and of this many requests for requests.
    pub(super) const fn shallow(burst: f64) -> Counting {
        Counting { burst: Some(burst), ..Counting::BUCKET }
    }
}

/// Time to first token.
#[derive(Clone, Copy, Debug)]
pub struct FirstToken {
    /// Median without input, ms; > 0.
    pub median_ms: Figure<f64>,
    /// Added to the median per 1,000 input tokens, ms.
    pub per_1k_input_ms: Figure<f64>,
    /// Standard deviation of its logarithm, ≥ 0.
    pub ln_sd: Figure<f64>,
    /// Slow mode; `None`: none is known.
    pub slow: Option<Figure<Slow>>,
}

/// Some requests are slow for reasons of the provider's own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slow {
    /// Share of requests, 0…1.
    pub share: f64,
    /// Median of the factor.
    pub factor: f64,
}

/// Time per further output token.
#[derive(Clone, Copy, Debug)]
pub struct FurtherTokens {
    /// Median over requests, ms, with no other request in service; > 0.
    pub median_ms: Figure<f64>,
    /// Standard deviation of its logarithm over requests, ≥ 0.
    pub ln_sd: Figure<f64>,
    /// The median when all slots are taken, ms; `None`: load does not slow it down.
    pub full_ms: Option<Figure<f64>>,
}

/// Errors on a good day.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Errors {
    /// Share of attempts, 0…1.
    pub rate: f64,
    /// Their HTTP status.
    pub status: u16,
}

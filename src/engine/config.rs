//! The engine's configuration: plain data in, checked once by [`Engine::new`](super::Engine::new).

use thiserror::Error;

use super::limit::{LimitError, Limits};
use super::strategy::Strategy;
use crate::time::Nanos;

/// The most providers one engine balances.
pub const PROVIDERS_MAX: usize = 1_024;

/// Everything an [`Engine`](super::Engine) needs to know.
#[derive(Clone, Debug)]
pub struct Config {
    /// How a provider is chosen among the eligible ones.
    pub strategy: Strategy,
    /// How many random providers `power-of-two` and `peak-ewma` compare; at least 1, default 2.
    pub choices: usize,
    /// Seed of every random choice; give each replica its own in production.
    pub seed: u64,
    /// The pool, at most [`PROVIDERS_MAX`]; its order is the file order that ties and `failover` refer to.
    pub providers: Vec<ProviderConfig>,
    /// Whether declared limits are counted and 429s cool a provider down. Default on.
    pub quota: bool,
    /// How much output a pick reserves at providers that charge what was used.
    pub output_estimate: OutputEstimate,
    /// When a failing provider is taken out; `None`: never.
    pub outlier_detection: Option<OutlierDetection>,
    /// How [`Engine::probed`](super::Engine::probed) judges active probes.
    pub probes: ProbeRules,
    /// What happens after a failed attempt.
    pub retry: Retry,
}

/// How long an answer is taken to be until it has ended, for limits on tokens.
///
/// It holds for providers that charge what an answer used ([`Charge::Actual`](super::limit::Charge)). Those that reserve
/// `max_tokens` themselves refuse what does not fit with it, so there it stays reserved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OutputEstimate {
    /// The request's `max_tokens`; nothing where it has none. Safe where all have one, and wasteful where answers are much shorter:
    /// the rest lies idle until they end.
    #[default]
    MaxTokens,
    /// This percentile, 50 to 99, of the latest 1,024 answers of the model, rounded up by less than 1/16, but at most
    /// the request's `max_tokens`; before the 50th answer `max_tokens`. An answer counts when it succeeds and its
    /// [`Usage`](super::Usage) is told, and longer ones are charged in full then: at p90 a tenth of the attempts holds too little
    /// while it runs, and the others too much. With limits of ten to a hundred answers, p95 left up to 2 % refused and p99
    /// hardly any; where more are in flight, what some lack others have. Never more is reserved than the limits can hold: what needs more goes when all of
    /// it is left, and the provider decides.
    Percentile(u8),
}

/// How many active probes in a row change a provider's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProbeRules {
    /// Failed ones that take it out, ≥ 1. Default 3.
    pub unhealthy_threshold: u32,
    /// Good ones that bring it back, ≥ 1. Default 2.
    pub healthy_threshold: u32,
}

impl Default for ProbeRules {
    fn default() -> ProbeRules {
        ProbeRules { unhealthy_threshold: 3, healthy_threshold: 2 }
    }
}

/// One provider as the balancer knows it.
#[derive(Clone, Debug, Default)]
pub struct ProviderConfig {
    /// Unique name.
    pub name: String,
    /// A number of the caller's own, by which it knows the provider: it comes back in [`Lease::tag`](super::Lease::tag) and
    /// [`HealthEvent::tag`](super::HealthEvent::tag). Positions change with a [reconfiguration](super::Engine::reconfigure). Default 0.
    pub tag: u64,
    /// Relative weight, > 0 and finite. Give all providers one, or none (then all are equal).
    pub weight: Option<f64>,
    /// Tier; a higher number is used only when lower tiers cannot take the request.
    pub priority: u32,
    /// Models it serves; empty: all.
    pub models: Vec<String>,
    /// Gets no new attempts; those in flight end as usual. Default: false.
    pub drained: bool,
    /// Declared limits, as far as the balancer knows them.
    pub limits: Limits,
    /// Providers that name the same group share one quota. One of them states its limits, or all the same. A group may have one
    /// member, while others are not in the pool.
    pub quota_group: Option<String>,
    /// Price, for `lowest-cost`.
    pub cost: Option<Cost>,
}

/// Price per million tokens, in any currency.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cost {
    /// Per million input tokens.
    pub input: f64,
    /// Per million output tokens.
    pub output: f64,
}

/// What happens after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Retry {
    /// Attempts after the first; 0 (the default): none.
    pub max_retries: u32,
    /// Mean wait before the first retry; doubles with each further one. Default 100 ms.
    pub backoff: Nanos,
    /// Cap of the doubling, at least `backoff`. Default 5 s.
    pub max_backoff: Nanos,
    /// Retries ÷ requests over 10 s, at least 0, never below 10 retries a second; `None`: no budget. Default 0.2.
    pub budget: Option<f64>,
    /// Whether a provider's `retry-after` is a floor for the wait. Default true.
    pub honor_retry_after: bool,
}

impl Default for Retry {
    fn default() -> Retry {
        Retry {
            max_retries: 0,
            backoff: Nanos::from_millis(100),
            max_backoff: Nanos::from_secs(5),
            budget: Some(0.2),
            honor_retry_after: true,
        }
    }
}

/// When a provider is taken out of the pool for failing, and how it comes back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutlierDetection {
    /// Failures in a row that eject, ≥ 1. Default 5.
    pub consecutive_errors: u32,
    /// Share of failures within `window` that ejects, once `min_requests` ended in it; above 0, at most 1. Default 0.5.
    pub error_ratio: f64,
    /// Above 0. Default 30 s.
    pub window: Nanos,
    /// At least 1. Default 20.
    pub min_requests: u32,
    /// First ejection time, above 0; doubles with each further one. Default 10 s.
    pub base_ejection_time: Nanos,
    /// Cap of the doubling, at least that. Default 300 s.
    pub max_ejection_time: Nanos,
    /// At most this share of the pool (in percent, at most 100) is out at a time, but always at least one. Default 50.
    pub max_ejection_percent: u32,
    /// How long a provider that returns takes to reach its full share. Default 10 s.
    pub slow_start: Nanos,
}

impl Default for OutlierDetection {
    fn default() -> OutlierDetection {
        OutlierDetection {
            consecutive_errors: 5,
            error_ratio: 0.5,
            window: Nanos::from_secs(30),
            min_requests: 20,
            base_ejection_time: Nanos::from_secs(10),
            max_ejection_time: Nanos::from_secs(300),
            max_ejection_percent: 50,
            slow_start: Nanos::from_secs(10),
        }
    }
}

/// Why a configuration is not accepted. The message says what would be right.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ConfigError {
    /// The pool is empty.
    #[error("a pool needs at least one provider")]
    NoProvider,
    /// The pool is too large.
    #[error("{count} providers; at most {PROVIDERS_MAX} are possible")]
    TooManyProviders {
        /// How many were given.
        count: usize,
    },
    /// Two providers have one name.
    #[error("two providers are named `{name}`; names must be unique")]
    DuplicateName {
        /// The name.
        name: String,
    },
    /// A weight is zero, negative or not finite.
    #[error("provider `{provider}` has weight {weight}; a weight must be finite and greater than 0 (drain it instead of giving it none)")]
    Weight {
        /// Which one.
        provider: String,
        /// What was given.
        weight: f64,
    },
    /// Some providers have a weight and others do not.
    #[error("provider `{provider}` has no weight but others have one; give all of them a weight, or none")]
    MissingWeight {
        /// The first without.
        provider: String,
    },
    /// `choices` is zero.
    #[error("choices is 0; `power-of-two` and `peak-ewma` compare at least 1 provider")]
    NoChoices,
    /// The percentile of [`OutputEstimate`] is out of range.
    #[error("output is estimated by p{percentile}; a percentile of at least 50 and at most 99 is needed")]
    Percentile {
        /// What was given.
        percentile: u8,
    },
    /// A price is negative or not finite.
    #[error(
        "provider `{provider}` costs {price} per million tokens; a price must be finite and at least 0 (leave it out where it is unknown)"
    )]
    Price {
        /// Which one.
        provider: String,
        /// What was given.
        price: f64,
    },
    /// A rule of [`OutlierDetection`], [`Retry`] or [`ProbeRules`] makes no sense.
    #[error("{key} is {value}; {must}")]
    Rule {
        /// The field.
        key: &'static str,
        /// What was given.
        value: String,
        /// What would be right.
        must: &'static str,
    },
    /// Two members of a quota group state different limits.
    #[error(
        "`{provider}` and `{other}` share the quota of group `{group}` but state different limits; state them at one of them, or the same at both"
    )]
    GroupLimits {
        /// The group.
        group: String,
        /// The first that states any.
        provider: String,
        /// One that states others.
        other: String,
    },
    /// A limit is impossible.
    #[error("limits of provider `{provider}`: {error}")]
    Limits {
        /// Which one.
        provider: String,
        /// What is wrong.
        error: LimitError,
    },
}

impl Config {
    /// The usual settings around a strategy and a pool: quotas counted, outlier detection on, no retries.
    pub fn new(strategy: Strategy, providers: Vec<ProviderConfig>) -> Config {
        Config {
            strategy,
            choices: 2,
            seed: 0,
            providers,
            quota: true,
            output_estimate: OutputEstimate::default(),
            outlier_detection: Some(OutlierDetection::default()),
            probes: ProbeRules::default(),
            retry: Retry::default(),
        }
    }

    /// The weights as whole numbers in the same proportion, each ≥ 1.
    ///
    /// Weights with up to six decimals keep their exact proportion, so that 0.5 : 0.25 gives the sequence of 2 : 1;
    /// others are rounded to a part in a billion of the largest.
    pub(crate) fn weight_units(&self) -> Vec<u64> {
        let weights: Vec<f64> = self.providers.iter().map(|provider| provider.weight.unwrap_or(1.0)).collect();
        let largest = weights.iter().copied().fold(0.0, f64::max);
        let exact = (0..=6).map(|digits| 10_f64.powi(digits)).find(|scale| {
            largest * scale < 1e12
                && weights.iter().all(|w| ((w * scale).round() - w * scale).abs() <= 1e-9 * w * scale && w * scale >= 0.5)
        });
        let scale = exact.unwrap_or(1e9 / largest);
        let units: Vec<u64> = weights.iter().map(|weight| ((weight * scale).round() as u64).max(1)).collect();
        let divisor = units.iter().copied().fold(0, gcd);
        units.iter().map(|unit| unit / divisor).collect()
    }
}

/// Greatest common divisor.
pub(crate) fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool(weights: &[Option<f64>]) -> Config {
        let providers = weights.iter().enumerate();
        let providers = providers.map(|(i, weight)| ProviderConfig { name: format!("p{i}"), weight: *weight, ..Default::default() });
        Config::new(Strategy::RoundRobin, providers.collect())
    }

    #[test]
    fn weights_become_whole_numbers_in_the_same_proportion() {
        for (weights, units) in [
            (vec![5.0, 1.0, 1.0], vec![5, 1, 1]),
            (vec![0.5, 0.25, 0.25], vec![2, 1, 1]),
            (vec![0.996, 0.004], vec![249, 1]),
            (vec![70.0, 25.0, 5.0], vec![14, 5, 1]),
            (vec![1e-9, 1e-9], vec![1, 1]),
        ] {
            let given: Vec<_> = weights.iter().copied().map(Some).collect();
            assert_eq!(pool(&given).weight_units(), units, "{weights:?}");
        }
        assert_eq!(pool(&[None, None]).weight_units(), [1, 1]);
        let extreme = pool(&[Some(1e300), Some(1e-300), Some(1.0 / 3.0)]).weight_units();
        assert!(extreme.iter().all(|unit| (1..=1_000_000_000).contains(unit)), "{extreme:?}");
    }

    #[test]
    fn every_mistake_has_its_error() {
        assert_eq!(pool(&[]).check(), Err(ConfigError::NoProvider));
        assert_eq!(pool(&vec![None; 1_025]).check(), Err(ConfigError::TooManyProviders { count: 1_025 }));
        for weight in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(pool(&[Some(1.0), Some(weight)]).check(), Err(ConfigError::Weight { .. })), "{weight}");
        }
        assert_eq!(pool(&[Some(1.0), None]).check(), Err(ConfigError::MissingWeight { provider: "p1".into() }));
        assert_eq!(Config { choices: 0, ..pool(&[None]) }.check(), Err(ConfigError::NoChoices));
        for percentile in [0, 49, 100] {
            let config = Config { output_estimate: OutputEstimate::Percentile(percentile), ..pool(&[None]) };
            assert_eq!(config.check(), Err(ConfigError::Percentile { percentile }));
        }
        let mut twins = pool(&[None, None]);
        twins.providers[1].name = "p0".into();
        assert_eq!(twins.check(), Err(ConfigError::DuplicateName { name: "p0".into() }));
        assert_eq!(pool(&[None, None]).check(), Ok(()));
    }
}

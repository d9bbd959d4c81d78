//! Built-in provider profiles: what real providers are like, each figure with where it comes from.
//!
//! A scenario names one (`profile = "openai-tier3"`) and overrides what it knows better. Limits differ per model, account
//! and month, and so do latencies: a profile is a starting point that can be argued with, never a truth. That is why no
//! figure stands here without its [`Source`], and why each profile says where the simulator only comes near
//! ([`Profile::approximations`]).
//!
//! # The model of an answer
//!
//! Time to first token = (median + per 1k input tokens) × exp(N(0, s²)), and for a share of requests times a slow factor
//! (itself log-normal, see [`SLOW_SIGMA`](super::dist::SLOW_SIGMA)): published probes of hosted models have a body with
//! s = 0.25…0.7 and a tail that no single law reaches. Each further token takes one draw of median × exp(N(0, t²)) per
//! request. The two vary independently, and the whole is mostly output length.

mod figure;
mod frontier;
mod other;
mod own;
mod sources;

#[cfg(test)]
mod tests;

pub use figure::{Counting, Errors, Figure, FirstToken, FurtherTokens, Kind, Limited, Quota, Slow, Source};

use super::dist::Dist;
use super::shape::Shape;
use super::spec::Service;
use crate::engine::limit::Limits;

/// What is known of one provider and account tier.
#[derive(Debug)]
pub struct Profile {
    /// What a scenario calls it.
    pub name: &'static str,
    /// One line: whom it is like.
    pub about: &'static str,
    /// Whose wire format it speaks.
    pub shape: Shape,
    /// Its limits; `None`: none that are known in advance.
    pub limits: Option<Limited>,
    /// Answers at the same time, before a queue without bound; `None`: unlimited.
    pub slots: Option<Figure<u32>>,
    /// Time to first token.
    pub ttft: FirstToken,
    /// Time per further output token.
    pub itl: FurtherTokens,
    /// Errors on a good day.
    pub errors: Figure<Errors>,
    /// What the real provider does when it is asked for too much; `None`: nothing is known.
    pub refusal: Option<Figure<&'static str>>,
    /// Where the simulation is only near to what is known; may be empty.
    pub approximations: &'static [&'static str],
}

/// Every profile, in the order in which they are listed.
pub const PROFILES: [&Profile; 19] = [
    &frontier::OPENAI_TIER1,
    &frontier::OPENAI_TIER3,
    &frontier::OPENAI_TIER5,
    &frontier::AZURE_PAYGO_100K,
    &frontier::AZURE_PTU_100,
    &frontier::ANTHROPIC_TIER1,
    &frontier::ANTHROPIC_TIER4,
    &frontier::GEMINI_TIER1,
    &frontier::VERTEX_SHARED,
    &other::BEDROCK_CLAUDE,
    &other::MISTRAL_SMALL,
    &other::GROQ_FREE,
    &other::COHERE_PRODUCTION,
    &other::OPENROUTER_FREE,
    &other::DEEPSEEK,
    &own::VLLM_70B_H100X4,
    &own::VLLM_8B_H100,
    &own::COLD_START,
    &own::IDEAL,
];

impl Profile {
    /// The profile of that name.
    pub fn find(name: &str) -> Option<&'static Profile> {
        PROFILES.into_iter().find(|profile| profile.name == name)
    }

    /// Its limits as a provider enforces them.
    pub fn limits(&self) -> Limits {
        let Some(limited) = &self.limits else { return Limits::default() };
        let counting = limited.counting.value;
        let mut limits = Limits {
            algorithm: counting.algorithm,
            period: counting.period,
            request_period: counting.request_period,
            burst: counting.burst,
            charge: limited.charge.map_or_else(Default::default, |charge| charge.value),
            ..Limits::default()
        };
        for quota in limited.quotas {
            match quota.value {
                Quota::Rpm(value) => limits.rpm = Some(value),
                Quota::Rpd(value) => limits.rpd = Some(value),
                Quota::Tpm(value) => limits.tpm = Some(value),
                Quota::Itpm(value) => limits.itpm = Some(value),
                Quota::Otpm(value) => limits.otpm = Some(value),
                Quota::Tpd(value) => limits.tpd = Some(value),
                Quota::Concurrency(value) => limits.max_concurrency = Some(value),
            }
        }
        limits
    }

    /// How long its answers take.
    pub fn service(&self) -> Service {
        let FirstToken { median_ms, per_1k_input_ms, ln_sd, slow } = &self.ttft;
        let base = around(median_ms.value, ln_sd.value);
        let ttft = match slow {
            Some(Figure { value: Slow { share, factor }, .. }) => Dist::Slow { base: Box::new(base), share: *share, factor: *factor },
            None => base,
        };
        let itl = &self.itl;
        Service::Streamed {
            ttft,
            prefill: per_1k_input_ms.value / 1000.0 / median_ms.value,
            itl: around(itl.median_ms.value, itl.ln_sd.value),
            crowding: itl.full_ms.map_or(0.0, |full| full.value / itl.median_ms.value - 1.0),
        }
    }
}

/// A log-normal law by its median and the standard deviation of its logarithm, in nanoseconds.
fn around(median_ms: f64, ln_sd: f64) -> Dist {
    let median = median_ms * 1e6;
    if ln_sd == 0.0 { Dist::Fixed(median) } else { Dist::LogNormal { mu: libm::log(median), sigma: ln_sd } }
}

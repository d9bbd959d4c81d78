//! Profiles: Bedrock and the smaller hosted providers.

use super::sources::*;
use super::{Counting, Errors, FirstToken, FurtherTokens, Limited, Profile, Quota};
use crate::engine::limit::Charge;
use crate::world::shape::Shape;

const ALWAYS_RETRY_AFTER: &str = "Each refusal carries a retry-after; the real provider gives none.";

pub(super) const BEDROCK_CLAUDE: Profile = Profile {
    name: "bedrock-claude",
    about: "AWS Bedrock, Claude 4 models, on demand",
    shape: Shape::Bedrock,
    limits: Some(Limited {
        quotas: &[GUESS.says(Quota::Rpm(200.0)), GUESS.says(Quota::Tpm(200_000.0)), BEDROCK_WEIGHT.says(Quota::Otpm(40_000.0))],
        counting: UNKNOWN_ALGORITHM.says(Counting::BUCKET),
        charge: Some(BEDROCK_CHARGE.says(Charge::Estimate)),
    }),
    slots: None,
    ttft: FirstToken {
        median_ms: GUESS.says(900.0),
        per_1k_input_ms: LIKE_THE_REST.says(40.0),
        ln_sd: LIKE_THE_REST.says(0.4),
        slow: slow(LIKE_THE_REST, 0.02, 4.0),
    },
    itl: FurtherTokens { median_ms: GUESS.says(20.0), ln_sd: LIKE_THE_REST.says(0.1), full_ms: None },
    errors: OUTAGES.says(Errors { rate: 0.003, status: 503 }),
    refusal: Some(BEDROCK_REFUSAL.says("429 ThrottlingException, which does not say which quota nor for how long")),
    approximations: &[
        "The real limit is one figure in which an output token weighs 5. Here it is two: 200k tokens in all, and a fifth of that \
         of output; a mix of both may get up to four fifths more than the real one.",
        ALWAYS_RETRY_AFTER,
    ],
};

pub(super) const MISTRAL_SMALL: Profile = Profile {
    name: "mistral-small",
    about: "Mistral, Small: requests limited per second",
    shape: Shape::Mistral,
    limits: Some(Limited {
        quotas: &[GUESS.says(Quota::Rpm(300.0)), GUESS.says(Quota::Tpm(500_000.0))],
        counting: UNKNOWN_ALGORITHM.says(Counting::SECONDS_AND_MINUTES),
        charge: Some(LIKE_THE_REST.says(Charge::Estimate)),
    }),
    slots: None,
    ttft: FirstToken {
        median_ms: PROBES_WEEK.says(2_700.0),
        per_1k_input_ms: LIKE_THE_REST.says(20.0),
        ln_sd: PROBES_WEEK.says(0.8),
        slow: None,
    },
    itl: FurtherTokens { median_ms: PROBES_WEEK.says(5.0), ln_sd: LIKE_THE_REST.says(0.15), full_ms: None },
    errors: OUTAGES.says(Errors { rate: 0.003, status: 500 }),
    refusal: Some(MISTRAL_REFUSAL.says("429 with a flat body, type rate_limited, code 1300; Retry-After")),
    approximations: &["The limit on tokens per month is not simulated."],
};

pub(super) const GROQ_FREE: Profile = Profile {
    name: "groq-free",
    about: "Groq, free tier, llama-3.3-70b: throttles by slowing as well as by refusing",
    shape: Shape::OpenAi,
    limits: Some(Limited {
        quotas: &[
            super::sources::GROQ_FREE.says(Quota::Rpm(30.0)),
            super::sources::GROQ_FREE.says(Quota::Rpd(1_000.0)),
            super::sources::GROQ_FREE.says(Quota::Tpm(12_000.0)),
            super::sources::GROQ_FREE.says(Quota::Tpd(100_000.0)),
        ],
        counting: GROQ_BUCKET.says(Counting::BUCKET),
        charge: Some(GROQ_CHARGE.says(Charge::Estimate)),
    }),
    slots: None,
    ttft: FirstToken {
        median_ms: LLMPERF.says(220.0),
        per_1k_input_ms: LIKE_THE_REST.says(5.0),
        ln_sd: LLMPERF.says(0.19),
        slow: slow(TWO_STATES, 0.7, 10.0),
    },
    itl: FurtherTokens { median_ms: LLMPERF.says(3.7), ln_sd: LLMPERF.says(0.08), full_ms: None },
    errors: OUTAGES.says(Errors { rate: 0.003, status: 500 }),
    refusal: Some(GROQ_REFUSAL.says("429 in OpenAI's shape; retry-after; on the flex tier also 498 capacity_exceeded")),
    approximations: &[
        "The report describes two states, about 200 ms and about 2,200 ms, between which the provider switches. Here each request \
         is slow by itself, with probability 70 %.",
    ],
};

pub(super) const COHERE_PRODUCTION: Profile = Profile {
    name: "cohere-production",
    about: "Cohere, a production key, chat: requests only are limited",
    shape: Shape::Cohere,
    limits: Some(Limited {
        quotas: &[COHERE_LIMITS.says(Quota::Rpm(500.0))],
        counting: UNKNOWN_ALGORITHM.says(Counting::MINUTES),
        charge: None,
    }),
    slots: None,
    ttft: FirstToken {
        median_ms: GUESS.says(500.0),
        per_1k_input_ms: LIKE_THE_REST.says(30.0),
        ln_sd: LIKE_THE_REST.says(0.35),
        slow: slow(LIKE_THE_REST, 0.02, 4.0),
    },
    itl: FurtherTokens { median_ms: GUESS.says(15.0), ln_sd: LIKE_THE_REST.says(0.2), full_ms: None },
    errors: OUTAGES.says(Errors { rate: 0.003, status: 500 }),
    refusal: Some(COHERE_REFUSAL.says("429 with a message, no hint")),
    approximations: &[ALWAYS_RETRY_AFTER],
};

pub(super) const OPENROUTER_FREE: Profile = Profile {
    name: "openrouter-free",
    about: "OpenRouter, a `:free` model: 50 requests a day",
    shape: Shape::OpenRouter,
    limits: Some(Limited {
        quotas: &[super::sources::OPENROUTER_FREE.says(Quota::Rpm(20.0)), super::sources::OPENROUTER_FREE.says(Quota::Rpd(50.0))],
        counting: UNKNOWN_ALGORITHM.says(Counting::MINUTES),
        charge: None,
    }),
    slots: None,
    ttft: FirstToken {
        median_ms: PROBES_WEEK.says(760.0),
        per_1k_input_ms: LIKE_THE_REST.says(30.0),
        ln_sd: PROBES_WEEK.says(0.65),
        slow: slow(LIKE_THE_REST, 0.03, 5.0),
    },
    itl: FurtherTokens { median_ms: PROBES_WEEK.says(21.0), ln_sd: LIKE_THE_REST.says(0.3), full_ms: None },
    errors: OUTAGES.says(Errors { rate: 0.02, status: 502 }),
    refusal: Some(OPENROUTER_REFUSAL.says("429, the code a number in the body; Retry-After when known")),
    approximations: &[
        "The day begins at the start of the run. After buying credits it is 1,000 requests a day.",
        "All errors are 502; the real provider mixes 502 and 503.",
    ],
};

pub(super) const DEEPSEEK: Profile = Profile {
    name: "deepseek",
    about: "DeepSeek: requests at the same time are limited, nothing else",
    shape: Shape::OpenAi,
    limits: Some(Limited {
        quotas: &[DEEPSEEK_SLOTS.says(Quota::Concurrency(500))],
        counting: DEEPSEEK_SLOTS.says(Counting::BUCKET),
        charge: None,
    }),
    slots: None,
    ttft: FirstToken {
        median_ms: PROBES_BOTH.says(1_280.0),
        per_1k_input_ms: LIKE_THE_REST.says(40.0),
        ln_sd: LIKE_THE_REST.says(0.4),
        slow: slow(LIKE_THE_REST, 0.03, 3.0),
    },
    itl: FurtherTokens { median_ms: PROBES_WEEK.says(38.0), ln_sd: LIKE_THE_REST.says(0.2), full_ms: None },
    errors: OUTAGES.says(Errors { rate: 0.005, status: 503 }),
    refusal: Some(DEEPSEEK_HOLDS.says("below its limit it holds requests with keep-alives, up to 10 min; above it 429 or 503")),
    approximations: &[
        "Holding under load is not simulated, because the capacity behind it is unknown: give the provider a `capacity` to see it.",
    ],
};

//! Profiles: OpenAI, Azure OpenAI, Anthropic, Google.

use super::sources::*;
use super::{Counting, Errors, Figure, FirstToken, FurtherTokens, Limited, Profile, Quota};
use crate::engine::limit::Charge;
use crate::world::shape::Shape;

const RETRY_AFTER_EXACT: &str = "Each refusal carries the exact wait as retry-after; the real provider is less exact.";
const ALWAYS_RETRY_AFTER: &str = "Each refusal carries a retry-after; the real provider gives no such header.";

const fn openai_limits(quotas: &'static [Figure<Quota>]) -> Option<Limited> {
    Some(Limited { quotas, counting: OPENAI_BUCKET.says(Counting::BUCKET), charge: Some(OPENAI_CHARGE.says(Charge::Estimate)) })
}

const OPENAI_ITL: FurtherTokens = FurtherTokens { median_ms: GUESS.says(12.0), ln_sd: LIKE_THE_REST.says(0.2), full_ms: None };
const OPENAI_GPT_41: FirstToken = FirstToken {
    median_ms: PROBES_DAY.says(730.0),
    per_1k_input_ms: LIKE_THE_REST.says(30.0),
    ln_sd: PROBES_DAY_FIT.says(0.30),
    slow: slow(PROBES_DAY_FIT, 0.01, 4.0),
};
const OPENAI_ERRORS: Figure<Errors> = OUTAGES.says(Errors { rate: 0.005, status: 500 });
const OPENAI_429: Option<Figure<&str>> =
    Some(OPENAI_REFUSAL.says("429 rate_limit_exceeded, \"try again in 6ms\"; at times retry-after-ms"));

pub(super) const OPENAI_TIER1: Profile = Profile {
    name: "openai-tier1",
    about: "OpenAI, the smallest paid tier, latencies of GPT-4o",
    shape: Shape::OpenAi,
    limits: openai_limits(&[OPENAI_TIER1_RPM, OPENAI_TIER1_TPM]),
    slots: None,
    ttft: FirstToken {
        median_ms: PROBES_DAY.says(640.0),
        per_1k_input_ms: LIKE_THE_REST.says(30.0),
        ln_sd: PROBES_DAY_FIT.says(0.35),
        slow: slow(PROBES_DAY_FIT, 0.02, 7.0),
    },
    itl: OPENAI_ITL,
    errors: OPENAI_ERRORS,
    refusal: OPENAI_429,
    approximations: &["All errors are 500; the real provider mixes 500 and 503.", RETRY_AFTER_EXACT],
};
const OPENAI_TIER1_RPM: Figure<Quota> = super::sources::OPENAI_TIER1.says(Quota::Rpm(500.0));
const OPENAI_TIER1_TPM: Figure<Quota> = super::sources::OPENAI_TIER1.says(Quota::Tpm(30_000.0));

pub(super) const OPENAI_TIER3: Profile = Profile {
    name: "openai-tier3",
    about: "OpenAI, a middle tier, limits and latencies of GPT-4.1",
    shape: Shape::OpenAi,
    limits: openai_limits(&[OPENAI_RPM.says(Quota::Rpm(5_000.0)), OPENAI_TPM.says(Quota::Tpm(800_000.0))]),
    slots: None,
    ttft: OPENAI_GPT_41,
    itl: OPENAI_ITL,
    errors: OPENAI_ERRORS,
    refusal: OPENAI_429,
    approximations: OPENAI_TIER1.approximations,
};

pub(super) const OPENAI_TIER5: Profile = Profile {
    name: "openai-tier5",
    about: "OpenAI, the largest tier, limits and latencies of GPT-4.1",
    shape: Shape::OpenAi,
    limits: openai_limits(&[OPENAI_TPM.says(Quota::Rpm(10_000.0)), OPENAI_TPM.says(Quota::Tpm(30_000_000.0))]),
    slots: None,
    ttft: OPENAI_GPT_41,
    itl: OPENAI_ITL,
    errors: OPENAI_ERRORS,
    refusal: Some(OPENAI_RAMP.says("429 rate_limit_exceeded; 429 slow_down when use above 1M tokens/min grows by over 50 % in 15 min")),
    approximations: &[
        "The ramp limit (429 slow_down) is not simulated: growth as such is never refused.",
        "All errors are 500; the real provider mixes 500 and 503.",
        RETRY_AFTER_EXACT,
    ],
};

pub(super) const AZURE_PAYGO_100K: Profile = Profile {
    name: "azure-paygo-100k",
    about: "Azure OpenAI, pay as you go, a deployment of 100k tokens per minute",
    shape: Shape::Azure,
    limits: Some(Limited {
        quotas: &[AZURE_QUOTA.says(Quota::Rpm(600.0)), AZURE_QUOTA.says(Quota::Tpm(100_000.0))],
        counting: AZURE_QUOTA.says(Counting::SECONDS_AND_MINUTES),
        charge: Some(AZURE_QUOTA.says(Charge::Estimate)),
    }),
    slots: None,
    ttft: FirstToken {
        median_ms: GUESS.says(500.0),
        per_1k_input_ms: LIKE_THE_REST.says(30.0),
        ln_sd: LIKE_THE_REST.says(0.35),
        slow: slow(LIKE_THE_REST, 0.02, 5.0),
    },
    itl: FurtherTokens { median_ms: GUESS.says(15.0), ln_sd: LIKE_THE_REST.says(0.2), full_ms: None },
    errors: OUTAGES.says(Errors { rate: 0.003, status: 500 }),
    refusal: Some(AZURE_REFUSAL.says("429, \"exceeded token rate limit … retry after 6 seconds\"; retry-after in seconds")),
    approximations: &["Refusals carry the exact wait; the real provider's retry-after is in whole seconds."],
};

pub(super) const AZURE_PTU_100: Profile = Profile {
    name: "azure-ptu-100",
    about: "Azure OpenAI, 100 provisioned throughput units of gpt-4o",
    shape: Shape::AzurePtu,
    limits: Some(Limited {
        quotas: &[AZURE_PTU.says(Quota::Tpm(250_000.0)), AZURE_PTU.says(Quota::Otpm(83_300.0))],
        counting: AZURE_PTU.says(Counting::BUCKET),
        charge: Some(AZURE_PTU.says(Charge::Estimate)),
    }),
    slots: None,
    ttft: FirstToken {
        median_ms: GUESS.says(400.0),
        per_1k_input_ms: LIKE_THE_REST.says(30.0),
        ln_sd: LIKE_THE_REST.says(0.2),
        slow: slow(LIKE_THE_REST, 0.005, 3.0),
    },
    itl: FurtherTokens { median_ms: GUESS.says(25.0), ln_sd: LIKE_THE_REST.says(0.1), full_ms: None },
    errors: OUTAGES.says(Errors { rate: 0.001, status: 500 }),
    refusal: Some(AZURE_PTU.says("429 at once; retry-after-ms until utilization is below 100 %")),
    approximations: &[
        "Utilization is one figure in which an output token weighs 3. Here it is two limits: 250k tokens in all, and a third of \
         that of output; a mix of both may get up to two thirds more than the real one.",
        "The depth of the real leaky bucket is not published; here it is one minute's worth.",
        "Time per token does not grow with utilization; the documented worst case of gpt-4o is 40 ms.",
    ],
};

const fn anthropic_limits(quotas: &'static [Figure<Quota>], burst: f64) -> Option<Limited> {
    Some(Limited {
        quotas,
        counting: ANTHROPIC_SHALLOW.says(Counting::shallow(burst)),
        charge: Some(ANTHROPIC_LIMITS.says(Charge::Estimate)),
    })
}

pub(super) const ANTHROPIC_TIER1: Profile = Profile {
    name: "anthropic-tier1",
    about: "Anthropic, the smallest paid tier, Claude Sonnet 4.x",
    shape: Shape::Anthropic,
    limits: anthropic_limits(
        &[
            ANTHROPIC_LIMITS.says(Quota::Rpm(50.0)),
            ANTHROPIC_LIMITS.says(Quota::Itpm(30_000.0)),
            ANTHROPIC_LIMITS.says(Quota::Otpm(8_000.0)),
        ],
        1.0,
    ),
    slots: None,
    ttft: FirstToken {
        median_ms: PROBES_DAY.says(940.0),
        per_1k_input_ms: LIKE_THE_REST.says(40.0),
        ln_sd: PROBES_DAY_FIT.says(0.65),
        slow: slow(PROBES_DAY_FIT, 0.01, 3.0),
    },
    itl: FurtherTokens { median_ms: GUESS.says(16.0), ln_sd: LIKE_THE_REST.says(0.2), full_ms: None },
    errors: OUTAGES.says(Errors { rate: 0.007, status: 529 }),
    refusal: Some(ANTHROPIC_ERRORS.says("429 rate_limit_error; retry-after in seconds")),
    approximations: &[
        "All errors are 529 (overloaded_error); the assumed mix is 0.5 % of 529 and 0.2 % of 500.",
        "Cached input, which is free of the input limit, is not simulated; nor are the acceleration limits.",
        RETRY_AFTER_EXACT,
    ],
};

pub(super) const ANTHROPIC_TIER4: Profile = Profile {
    name: "anthropic-tier4",
    about: "Anthropic, the largest public tier, Claude Sonnet 4.x",
    shape: Shape::Anthropic,
    limits: anthropic_limits(
        &[
            ANTHROPIC_LIMITS.says(Quota::Rpm(4_000.0)),
            ANTHROPIC_LIMITS.says(Quota::Itpm(2_000_000.0)),
            ANTHROPIC_LIMITS.says(Quota::Otpm(400_000.0)),
        ],
        67.0,
    ),
    ..ANTHROPIC_TIER1
};

const GEMINI_TTFT: FirstToken = FirstToken {
    median_ms: PROBES_DAY.says(480.0),
    per_1k_input_ms: LIKE_THE_REST.says(20.0),
    ln_sd: PROBES_DAY_FIT.says(0.30),
    slow: slow(PROBES_DAY_FIT, 0.01, 4.0),
};
const GEMINI_ITL: FurtherTokens = FurtherTokens { median_ms: PROBES_WEEK.says(7.0), ln_sd: LIKE_THE_REST.says(0.2), full_ms: None };

pub(super) const GEMINI_TIER1: Profile = Profile {
    name: "gemini-tier1",
    about: "Gemini API, the smallest paid tier, latencies of Flash",
    shape: Shape::Gemini,
    limits: Some(Limited {
        quotas: &[GUESS.says(Quota::Rpm(1_000.0)), GUESS.says(Quota::Itpm(1_000_000.0)), GUESS.says(Quota::Rpd(10_000.0))],
        counting: GEMINI_WINDOW.says(Counting::MINUTES),
        charge: Some(GEMINI_INPUT.says(Charge::Estimate)),
    }),
    slots: None,
    ttft: GEMINI_TTFT,
    itl: GEMINI_ITL,
    errors: OUTAGES.says(Errors { rate: 0.005, status: 503 }),
    refusal: Some(GEMINI_REFUSAL.says("429 RESOURCE_EXHAUSTED, a delay such as \"34s\" in the body")),
    approximations: &[
        "The day begins at the start of the run, not at midnight Pacific.",
        "The limit on money ($10 per rolling 10 min) is not simulated.",
        ALWAYS_RETRY_AFTER,
    ],
};

pub(super) const VERTEX_SHARED: Profile = Profile {
    name: "vertex-shared",
    about: "Vertex AI, Gemini from the dynamic shared pool: no quota, 429 when the pool is full",
    shape: Shape::Gemini,
    limits: None,
    slots: None,
    ttft: GEMINI_TTFT,
    itl: GEMINI_ITL,
    errors: GUESS.says(Errors { rate: 0.01, status: 429 }),
    refusal: Some(VERTEX_429.says("429 \"Resource exhausted\", no hint, unrelated to one's own use")),
    approximations: &["The pool is simulated in calm weather: 1 % of 429, whatever the load. In busy spells assume 10 to 30 %: give the \
         provider an event with `set = { error_rate = \"20%\" }`."],
};

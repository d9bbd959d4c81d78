//! Profiles: one's own machines, and two extremes.

use super::sources::*;
use super::{Errors, Figure, FirstToken, FurtherTokens, Profile};
use crate::world::shape::Shape;

const WAITS: Option<Figure<&str>> = Some(VLLM_QUEUE.says("none: requests beyond the slots wait, without bound by default"));
const FROZEN: &str = "Time per token is set by how many slots are taken when an answer starts, and stays so until it ends.";
const PREFILLS: &str = "Prompts that start together do not slow each other down; on a real server their prefills add up.";

pub(super) const VLLM_70B_H100X4: Profile = Profile {
    name: "vllm-70b-h100x4",
    about: "vLLM with a 70B model on four H100: no limits, 64 slots, a queue without bound",
    shape: Shape::OpenAi,
    limits: None,
    slots: Some(GUESS.says(64)),
    ttft: FirstToken { median_ms: SPLITWISE.says(50.0), per_1k_input_ms: SPLITWISE.says(113.0), ln_sd: GUESS.says(0.05), slow: None },
    itl: FurtherTokens { median_ms: SPLITWISE.says(29.0), ln_sd: SPLITWISE.says(0.03), full_ms: Some(SPLITWISE.says(52.0)) },
    errors: OWN_SERVER.says(Errors { rate: 0.0, status: 500 }),
    refusal: WAITS,
    approximations: &[FROZEN, PREFILLS],
};

pub(super) const VLLM_8B_H100: Profile = Profile {
    name: "vllm-8b-h100",
    about: "vLLM with an 8B model on one H100: no limits, 256 slots, a queue without bound",
    shape: Shape::OpenAi,
    limits: None,
    slots: Some(GUESS.says(256)),
    ttft: FirstToken { median_ms: GUESS.says(30.0), per_1k_input_ms: GUESS.says(25.0), ln_sd: LIKE_THE_REST.says(0.05), slow: None },
    itl: FurtherTokens { median_ms: GUESS.says(10.0), ln_sd: LIKE_THE_REST.says(0.03), full_ms: Some(GUESS.says(25.0)) },
    errors: OWN_SERVER.says(Errors { rate: 0.0, status: 500 }),
    refusal: WAITS,
    approximations: &[FROZEN, PREFILLS],
};

pub(super) const COLD_START: Profile = Profile {
    name: "cold-start",
    about: "a serverless endpoint that is often cold or full, like replicate's 70b in early 2024",
    shape: Shape::OpenAi,
    limits: None,
    slots: None,
    ttft: FirstToken {
        median_ms: LLMPERF.says(1_190.0),
        per_1k_input_ms: GUESS.says(0.0),
        ln_sd: LLMPERF.says(1.05),
        slow: slow(LLMPERF, 0.05, 20.0),
    },
    itl: FurtherTokens { median_ms: LLMPERF.says(86.0), ln_sd: LLMPERF.says(0.04), full_ms: None },
    errors: GUESS.says(Errors { rate: 0.01, status: 500 }),
    refusal: None,
    approximations: &["Cold starts come by chance, not after idle time."],
};

pub(super) const IDEAL: Profile = Profile {
    name: "ideal",
    about: "no limits, no errors, no spread: what is left is the balancer's own doing",
    shape: Shape::OpenAi,
    limits: None,
    slots: None,
    ttft: FirstToken {
        median_ms: BY_DEFINITION.says(200.0),
        per_1k_input_ms: BY_DEFINITION.says(0.0),
        ln_sd: BY_DEFINITION.says(0.0),
        slow: None,
    },
    itl: FurtherTokens { median_ms: BY_DEFINITION.says(10.0), ln_sd: BY_DEFINITION.says(0.0), full_ms: None },
    errors: BY_DEFINITION.says(Errors { rate: 0.0, status: 500 }),
    refusal: None,
    approximations: &[],
};

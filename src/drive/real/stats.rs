//! What a mock provider counts.

use serde::Serialize;

/// Counts of one provider since the start, or since the last reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// Attempts that reached it: the sum of the five after the retries, and of those in flight.
    pub attempts: u64,
    /// Of the attempts: those whose client said that it had tried before, as the SDKs of OpenAI and Anthropic do
    /// (`x-stainless-retry-count`).
    pub retries: u64,
    /// Whole answers sent.
    pub succeeded: u64,
    /// 429s sent.
    pub rate_limited: u64,
    /// Other errors sent.
    pub errors: u64,
    /// Connections ended without an answer.
    pub refused: u64,
    /// Clients that went away before the end of their answer.
    pub gone: u64,
    /// Attempts let in and not yet over.
    pub in_flight: u32,
    /// Most of them at once.
    pub in_flight_max: u32,
    /// Of whole answers.
    pub input_tokens: u64,
    /// Of whole answers.
    pub output_tokens: u64,
}

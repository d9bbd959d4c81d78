//! What a limit counts.

use std::fmt;

/// What a limit counts, in the order in which ties are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Requests per minute, `rpm`.
    Requests,
    /// Requests per day, `rpd`.
    RequestsPerDay,
    /// Input + output tokens per minute, `tpm`.
    Tokens,
    /// Input tokens per minute, `itpm`.
    InputTokens,
    /// Output tokens per minute, `otpm`.
    OutputTokens,
    /// Input + output tokens per day, `tpd`.
    TokensPerDay,
    /// How fast the rate of requests may grow, `ramp`.
    Ramp,
    /// Attempts at the provider at the same time, `concurrency`.
    Concurrency,
}

impl Dimension {
    /// The stable short word for decision logs: `rpm`, `rpd`, `tpm`, `itpm`, `otpm`, `tpd`, `ramp`, `concurrency`.
    pub const fn word(self) -> &'static str {
        match self {
            Dimension::Requests => "rpm",
            Dimension::RequestsPerDay => "rpd",
            Dimension::Tokens => "tpm",
            Dimension::InputTokens => "itpm",
            Dimension::OutputTokens => "otpm",
            Dimension::TokensPerDay => "tpd",
            Dimension::Ramp => "ramp",
            Dimension::Concurrency => "concurrency",
        }
    }

    /// Whether it counts tokens rather than requests or attempts.
    pub const fn counts_tokens(self) -> bool {
        matches!(self, Dimension::Tokens | Dimension::InputTokens | Dimension::OutputTokens | Dimension::TokensPerDay)
    }

    /// Whether the end of an attempt may free some of it before time does.
    pub(in super::super) const fn frees_on_settle(self) -> bool {
        self.counts_tokens() || matches!(self, Dimension::Concurrency)
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The token cost of one attempt; it also costs one request. Zero is valid.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// Input (prompt) tokens.
    pub input: u64,
    /// Output (completion) tokens.
    pub output: u64,
}

impl Cost {
    /// At most `u32::MAX` of either: more no attempt can have, and it is taken for that.
    #[inline]
    pub const fn clamped(self) -> Cost {
        const MAX: u64 = u32::MAX as u64;
        Cost { input: if self.input < MAX { self.input } else { MAX }, output: if self.output < MAX { self.output } else { MAX } }
    }

    /// Input + output, saturating.
    pub const fn total(self) -> u64 {
        self.input.saturating_add(self.output)
    }

    /// What an attempt of this cost takes from a limit on `dimension`.
    #[inline]
    pub const fn of(self, dimension: Dimension) -> u64 {
        match dimension {
            Dimension::Requests | Dimension::RequestsPerDay | Dimension::Ramp | Dimension::Concurrency => 1,
            Dimension::Tokens | Dimension::TokensPerDay => self.total(),
            Dimension::InputTokens => self.input,
            Dimension::OutputTokens => self.output,
        }
    }
}

//! The four kinds of refusal, which ask for four different answers.
//!
//! | kind | what it means | what the engine does |
//! |---|---|---|
//! | rate | our own use of a limit by the minute or second | waits for `retry-after`, learns the pace, sends elsewhere meanwhile |
//! | ramp | the rate is inside the limits, but grew too fast | lets it grow more slowly; no pause but one that is asked for |
//! | capacity | the provider's shared capacity is used up, whoever uses it | fails over, backs off with jitter when it repeats; what is believed of the own quota stays |
//! | exhausted | a day's quota or the money is used up | nothing more there until the time that is told, or ever rarer single questions |
//!
//! All four come as the same status. What tells them apart is the error's `code` or `type` in the body, and sometimes only
//! the name of a quota in it; [`RefusalKind::classify`] knows the words of the well-known providers.

/// Why a provider refused an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefusalKind {
    /// A limit by the minute or second, on requests, tokens or concurrency.
    Rate,
    /// The rate grew too fast.
    Ramp,
    /// Shared capacity, unrelated to the own counters.
    Capacity,
    /// A day's quota, or money: no retry helps before a known or far time.
    Exhausted,
}

/// Words of error codes, types and quota names, in lower case, in the order in which they are looked for: what a body says of
/// money or a day stands beside a general `rate_limit_error`, and is the more telling.
const WORDS: [(&str, RefusalKind); 33] = [
    // OpenAI, all in `error.code` or `error.type` of a 429 (platform docs, "Error codes").
    ("insufficient_quota", RefusalKind::Exhausted),
    ("credit_balance", RefusalKind::Exhausted),
    ("spend_limit", RefusalKind::Exhausted),
    ("usage_limit", RefusalKind::Exhausted),
    ("billing", RefusalKind::Exhausted),
    ("quota_exceeded", RefusalKind::Exhausted),
    // Gemini: `details[].violations[].quotaId` such as GenerateRequestsPerDayPerProjectPerModel-FreeTier.
    ("perday", RefusalKind::Exhausted),
    ("per_day", RefusalKind::Exhausted),
    // OpenAI and Groq: "… on tokens per day (TPD): Limit 100000, Used …".
    ("per day", RefusalKind::Exhausted),
    ("(rpd)", RefusalKind::Exhausted),
    ("(tpd)", RefusalKind::Exhausted),
    ("tokens_per_day", RefusalKind::Exhausted),
    ("daily", RefusalKind::Exhausted),
    ("monthly", RefusalKind::Exhausted),
    // OpenAI `slow_down`; Anthropic's message names its "acceleration limits" (Claude API docs, "Rate limits").
    ("slow_down", RefusalKind::Ramp),
    ("acceleration", RefusalKind::Ramp),
    // Gemini and others by the minute, in the same bodies that name RESOURCE_EXHAUSTED.
    ("perminute", RefusalKind::Rate),
    ("per_minute", RefusalKind::Rate),
    ("per minute", RefusalKind::Rate),
    ("per min", RefusalKind::Rate),
    ("persecond", RefusalKind::Rate),
    // Anthropic 529, OpenAI 503, Groq 498, Bedrock.
    ("overloaded", RefusalKind::Capacity),
    ("capacity", RefusalKind::Capacity),
    ("service_unavailable", RefusalKind::Capacity),
    ("serviceunavailable", RefusalKind::Capacity),
    ("modelnotready", RefusalKind::Capacity),
    // OpenAI, Anthropic, Mistral, Bedrock.
    ("rate_limit", RefusalKind::Rate),
    ("rate limit", RefusalKind::Rate),
    ("rate_limited", RefusalKind::Rate),
    ("throttling", RefusalKind::Rate),
    ("too many requests", RefusalKind::Rate),
    // Vertex AI: 429 RESOURCE_EXHAUSTED without a quota name, of the dynamic shared pool (Google Cloud docs, "Error code 429").
    ("resource_exhausted", RefusalKind::Capacity),
    // Gemini 503, `status`; the word alone stands on every proxy's error page.
    ("\"unavailable\"", RefusalKind::Capacity),
];

impl RefusalKind {
    /// Reads a refusal; `None`: the answer is none.
    ///
    /// `told` is what the body says, in any case and order: the error's `code`, `type` and message, or simply the first
    /// kilobyte of the body. What says nothing known is judged by the status: 402 is money, 429 a rate, 498 (Groq's flex
    /// tier) and 529 (Anthropic) capacity; a 503 is one only where the body says so.
    ///
    /// ```
    /// use lbsim::engine::RefusalKind;
    ///
    /// let money = r#"{"error":{"type":"insufficient_quota","code":"insufficient_quota","message":"You exceeded your current quota"}}"#;
    /// assert_eq!(RefusalKind::classify(429, money), Some(RefusalKind::Exhausted));
    /// assert_eq!(RefusalKind::classify(429, r#"{"error":{"code":"slow_down"}}"#), Some(RefusalKind::Ramp));
    /// assert_eq!(RefusalKind::classify(529, ""), Some(RefusalKind::Capacity));
    /// assert_eq!(RefusalKind::classify(429, ""), Some(RefusalKind::Rate));
    /// assert_eq!(RefusalKind::classify(500, "rate_limit"), None);
    /// ```
    pub fn classify(status: u16, told: &str) -> Option<RefusalKind> {
        let by_status = match status {
            402 => return Some(RefusalKind::Exhausted),
            429 => Some(RefusalKind::Rate),
            498 | 529 => Some(RefusalKind::Capacity),
            503 => None,
            _ => return None,
        };
        let known = WORDS.iter().find(|(word, _)| contains(told, word));
        known.map(|(_, kind)| *kind).or(by_status)
    }

    /// The stable short word: `rate`, `ramp`, `capacity`, `exhausted`.
    pub const fn word(self) -> &'static str {
        match self {
            RefusalKind::Rate => "rate",
            RefusalKind::Ramp => "ramp",
            RefusalKind::Capacity => "capacity",
            RefusalKind::Exhausted => "exhausted",
        }
    }
}

/// Whether `text` contains `word`, which is in lower case, in any case.
fn contains(text: &str, word: &str) -> bool {
    text.as_bytes().windows(word.len()).any(|part| part.eq_ignore_ascii_case(word.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bodies as the providers send them (their documentation and recorded answers): each lands in its kind.
    #[test]
    fn recorded_bodies_land_in_their_kind() {
        use RefusalKind::{Capacity, Exhausted, Ramp, Rate};
        for (status, body, kind) in [
            (
                429,
                r#"{"error":{"message":"Rate limit reached for gpt-4o in organization org-x on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 6ms.","type":"tokens","param":null,"code":"rate_limit_exceeded"}}"#,
                Rate,
            ),
            (
                429,
                r#"{"error":{"message":"Rate limit reached on tokens per day (TPD): Limit 100000, Used 97050, Requested 3619. Please try again in 9m38.016s.","type":"tokens","code":"rate_limit_exceeded"}}"#,
                Exhausted,
            ),
            (429, r#"{"error":{"type":"insufficient_quota","code":"organization_spend_limit_exceeded"}}"#, Exhausted),
            (
                429,
                r#"{"type":"error","error":{"type":"rate_limit_error","message":"...","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
                Exhausted,
            ),
            (
                429,
                r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed your organization's acceleration limit"}}"#,
                Ramp,
            ),
            (429, r#"{"type":"error","error":{"type":"rate_limit_error","message":"..."}}"#, Rate),
            (529, r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#, Capacity),
            (503, r#"{"error":{"type":"service_unavailable_error","code":"server_is_overloaded"}}"#, Capacity),
            (
                429,
                r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"quotaId":"GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}}"#,
                Exhausted,
            ),
            (
                429,
                r#"{"error":{"code":429,"status":"RESOURCE_EXHAUSTED","details":[{"quotaId":"GenerateRequestsPerMinutePerProjectPerModel-FreeTier"}]}}"#,
                Rate,
            ),
            (
                429,
                r#"{"error":{"code":429,"message":"Resource exhausted, please try again later.","status":"RESOURCE_EXHAUSTED"}}"#,
                Capacity,
            ),
            (429, r#"{"message":"Too many requests, please wait before trying again."}"#, Rate),
            (429, r#"{"object":"error","message":"Rate limit exceeded","type":"rate_limited","param":null,"code":"1300"}"#, Rate),
            (429, r#"{"message":"You are past the per minute request limit, please wait and try again later."}"#, Rate),
            (402, r#"{"error":{"code":402,"message":"Insufficient credits"}}"#, Exhausted),
            (498, r#"{"error":{"code":"capacity_exceeded"}}"#, Capacity),
        ] {
            assert_eq!(RefusalKind::classify(status, body), Some(kind), "{status} {body}");
        }
        assert_eq!(RefusalKind::classify(503, "<html>Service down</html>"), None, "a 503 alone is a failure, not a refusal");
        assert_eq!(RefusalKind::classify(200, "rate_limit"), None);
    }
}

//! OpenAI's wire format: bodies of answers, streams and errors.
//!
//! Source: OpenAI's API description (`CreateChatCompletionResponse`, `CreateChatCompletionStreamResponse`, `Error`). What the
//! well-known clients need of it is little more than `choices`, but gateways read all of it.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::engine::RefusalKind;
use crate::engine::limit::RateLimitHeaders;
use crate::engine::limit::headers::Told;
use crate::time::Nanos;

/// The text of one token.
const WORD: &str = "lorem ";
/// No text is longer, whatever the number of tokens: the count stands in `usage`.
const WORDS_MAX: u32 = 4_096;

/// A request, as far as a mock reads it.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Asked {
    /// Any name is accepted.
    pub model: String,
    /// Whether the answer shall come token by token.
    pub stream: bool,
    /// Limit on the output.
    pub max_tokens: Option<u32>,
    /// The newer name of the same.
    pub max_completion_tokens: Option<u32>,
    /// What else a stream shall tell.
    pub stream_options: Option<StreamOptions>,
    /// The prompt.
    pub messages: Value,
}

/// See [`Asked::stream_options`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StreamOptions {
    /// A last chunk with `usage`.
    pub include_usage: bool,
}

impl Asked {
    /// The first text of the first message.
    pub fn opening(&self) -> Option<&str> {
        let content = self.messages.get(0)?.get("content")?;
        content.as_str().or_else(|| content.get(0)?.get("text")?.as_str())
    }

    /// Characters of all texts in the prompt.
    pub fn characters(&self) -> u64 {
        fn count(value: &Value) -> u64 {
            match value {
                Value::String(text) => text.chars().count() as u64,
                Value::Array(parts) => parts.iter().map(count).sum(),
                Value::Object(fields) => ["content", "text"].iter().filter_map(|name| fields.get(*name)).map(count).sum(),
                _ => 0,
            }
        }
        count(&self.messages)
    }
}

/// What the answers to one request have in common.
#[derive(Clone, Debug)]
pub struct Head {
    /// `chatcmpl-…`.
    pub id: String,
    /// As asked for.
    pub model: String,
    /// Prompt tokens.
    pub input: u32,
    /// Completion tokens.
    pub output: u32,
    /// The completion was cut at `max_tokens`.
    pub cut: bool,
}

impl Head {
    fn usage(&self) -> Value {
        let total = u64::from(self.input) + u64::from(self.output);
        json!({"prompt_tokens": self.input, "completion_tokens": self.output, "total_tokens": total})
    }

    fn finish(&self) -> &'static str {
        if self.cut { "length" } else { "stop" }
    }

    /// The whole answer.
    pub fn whole(&self) -> String {
        let message = json!({"role": "assistant", "content": words(self.output)});
        json!({
            "id": self.id, "object": "chat.completion", "created": CREATED, "model": self.model,
            "choices": [{"index": 0, "message": message, "finish_reason": self.finish()}],
            "usage": self.usage(),
        })
        .to_string()
    }

    fn chunk(&self, delta: &Value, finish: Option<&str>) -> String {
        let chunk = json!({
            "id": self.id, "object": "chat.completion.chunk", "created": CREATED, "model": self.model,
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
        });
        format!("data: {chunk}\n\n")
    }

    /// The start of a stream: the role, and the first token if there is one.
    pub fn opening(&self) -> String {
        let first = if self.output > 0 { self.tokens(1) } else { String::new() };
        self.chunk(&json!({"role": "assistant", "content": ""}), None) + &first
    }

    /// Some more tokens.
    pub fn tokens(&self, count: u32) -> String {
        self.chunk(&json!({"content": words(count)}), None)
    }

    /// The end of a stream.
    pub fn closing(&self, usage: bool) -> String {
        let mut text = self.chunk(&json!({}), Some(self.finish()));
        if usage {
            let chunk = json!({
                "id": self.id, "object": "chat.completion.chunk", "created": CREATED, "model": self.model,
                "choices": [], "usage": self.usage(),
            });
            text += &format!("data: {chunk}\n\n");
        }
        text + "data: [DONE]\n\n"
    }
}

/// A fixed creation time: answers of the same request are the same bytes.
const CREATED: u64 = 1_700_000_000;

fn words(count: u32) -> String {
    WORD.repeat(count.min(WORDS_MAX) as usize)
}

/// The list of models.
pub fn models(names: &[String]) -> String {
    let data: Vec<Value> =
        names.iter().map(|name| json!({"id": name, "object": "model", "created": CREATED, "owned_by": "lbsim"})).collect();
    json!({"object": "list", "data": data}).to_string()
}

/// The body of an error.
pub fn error(status: u16, refusal: Option<RefusalKind>) -> String {
    let (message, kind, code) = match (status, refusal) {
        (429, Some(RefusalKind::Exhausted)) => {
            ("You exceeded your current quota, please check your plan and billing details.", "insufficient_quota", "insufficient_quota")
        }
        (429, Some(RefusalKind::Ramp)) => ("Your request rate grew too fast. Please slow down.", "requests", "slow_down"),
        (429, _) => ("Rate limit reached.", "requests", "rate_limit_exceeded"),
        (503, _) => ("The server is overloaded or not ready yet.", "service_unavailable_error", "server_is_overloaded"),
        (400..=499, _) => ("The request was refused.", "invalid_request_error", "invalid_request"),
        _ => ("The server had an error while processing your request.", "server_error", "server_error"),
    };
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}}).to_string()
}

/// The headers in which OpenAI tells its limits.
pub fn limit_headers(told: &RateLimitHeaders) -> Vec<(String, String)> {
    let mut headers = Vec::new();
    for (what, Told { limit, remaining, reset }) in [("requests", &told.requests), ("tokens", &told.tokens)] {
        let mut add = |name: &str, value: Option<String>| {
            headers.extend(value.map(|value| (format!("x-ratelimit-{name}-{what}"), value)));
        };
        add("limit", limit.map(|limit| limit.to_string()));
        add("remaining", remaining.map(|remaining| remaining.max(0.0).to_string()));
        add("reset", reset.map(go_duration));
    }
    for (what, Told { limit, remaining, .. }) in [("input-tokens", &told.input_tokens), ("output-tokens", &told.output_tokens)] {
        let mut add = |name: &str, value: Option<f64>| {
            headers.extend(value.map(|value| (format!("anthropic-ratelimit-{what}-{name}"), value.max(0.0).to_string())));
        };
        add("limit", *limit);
        add("remaining", *remaining);
    }
    headers
}

/// Whole milliseconds, rounded up, as `Duration.String` of Go writes them: `12ms`, `1.5s`, `6m0s`.
fn go_duration(span: Nanos) -> String {
    let millis = span.as_nanos().div_ceil(1_000_000);
    let seconds = |millis: u64| format!("{}s", millis as f64 / 1_000.0);
    match millis {
        0..1_000 => format!("{millis}ms"),
        1_000..60_000 => seconds(millis),
        _ if millis < 3_600_000 => format!("{}m{}", millis / 60_000, seconds(millis % 60_000)),
        _ => format!("{}h{}m{}", millis / 3_600_000, millis / 60_000 % 60, seconds(millis % 60_000)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::limit::headers::{Dimension, Header, parse};

    #[test]
    fn a_reset_is_read_back_as_it_was_written() {
        // Against the engine's own parser, to the millisecond.
        for millis in [0, 1, 999, 1_000, 1_500, 59_999, 60_000, 179_560, 360_000, 3_600_000, 90_061_001] {
            let text = go_duration(Nanos::from_millis(millis));
            let want = Header::Reset(Dimension::Requests, Nanos::from_millis(millis));
            assert_eq!(parse("x-ratelimit-reset-requests", &text, Nanos::ZERO), Some(want), "{text}");
        }
    }

    #[test]
    fn errors_are_classified_as_what_they_are() {
        // The body of each kind of refusal, read by the engine's classifier.
        for kind in [RefusalKind::Rate, RefusalKind::Ramp, RefusalKind::Exhausted] {
            assert_eq!(RefusalKind::classify(429, &error(429, Some(kind))), Some(kind));
        }
    }

    #[test]
    fn prompts_are_counted_in_either_shape() {
        let body =
            r#"{"model":"m","messages":[{"role":"user","content":"four"},{"role":"user","content":[{"type":"text","text":"fünf!"}]}]}"#;
        let asked: Asked = serde_json::from_str(body).expect("valid");
        assert_eq!(asked.characters(), 9);
    }
}

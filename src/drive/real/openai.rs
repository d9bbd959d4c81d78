//! OpenAI's wire format: requests, and the bodies of answers and streams.
//!
//! Source: OpenAI's API description (`CreateChatCompletionResponse`, `CreateChatCompletionStreamResponse`). What the
//! well-known clients need of it is little more than `choices`, but gateways read all of it.

use serde::Deserialize;
use serde_json::{Value, json};

use super::messages;

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
    /// Its beginning, in Anthropic's API.
    pub system: Value,
}

/// See [`Asked::stream_options`].
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct StreamOptions {
    /// A last chunk with `usage`.
    pub include_usage: bool,
}

impl Asked {
    /// From a body; `None`: it is no JSON object, or one of its fields is of another type.
    pub fn read(body: &[u8]) -> Option<Asked> {
        // A list would do, too: its members would be the fields in order.
        let object = body.trim_ascii_start().starts_with(b"{");
        object.then(|| serde_json::from_slice(body).ok()).flatten()
    }

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
        count(&self.messages) + count(&self.system)
    }
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// OpenAI's chat completions.
    Chat,
    /// Anthropic's messages.
    Messages,
}

/// What the answers to one request have in common.
#[derive(Clone, Debug)]
pub struct Head {
    /// As what it was asked for.
    pub api: Api,
    /// `chatcmpl-…`, `msg_…`.
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
        if self.api == Api::Messages {
            return messages::whole(self);
        }
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
        if self.api == Api::Messages {
            return messages::opening(self);
        }
        let first = if self.output > 0 { self.tokens(1) } else { String::new() };
        self.chunk(&json!({"role": "assistant", "content": ""}), None) + &first
    }

    /// Some more tokens.
    pub fn tokens(&self, count: u32) -> String {
        if self.api == Api::Messages {
            return messages::tokens(count);
        }
        self.chunk(&json!({"content": words(count)}), None)
    }

    /// The end of a stream; Anthropic's always tells the usage.
    pub fn closing(&self, usage: bool) -> String {
        if self.api == Api::Messages {
            return messages::closing(self);
        }
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

pub(super) fn words(count: u32) -> String {
    WORD.repeat(count.min(WORDS_MAX) as usize)
}

/// The list of models.
pub fn models(api: Api, names: &[String]) -> String {
    if api == Api::Messages {
        return messages::models(names);
    }
    let data: Vec<Value> =
        names.iter().map(|name| json!({"id": name, "object": "model", "created": CREATED, "owned_by": "lbsim"})).collect();
    json!({"object": "list", "data": data}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prompts_are_counted_in_either_shape() {
        let body =
            r#"{"model":"m","messages":[{"role":"user","content":"four"},{"role":"user","content":[{"type":"text","text":"fünf!"}]}]}"#;
        let asked: Asked = serde_json::from_str(body).expect("valid");
        assert_eq!(asked.characters(), 9);
    }
}

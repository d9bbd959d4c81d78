//! Anthropic's Messages API: bodies of answers and streams.
//!
//! Source: <https://docs.claude.com/en/api/messages> and `…/messages-streaming`.

use serde_json::{Value, json};

use super::openai::{Head, words};

/// A fixed time, as of OpenAI's answers.
const CREATED: &str = "2023-11-14T22:13:20Z";

fn stop_reason(head: &Head) -> &'static str {
    if head.cut { "max_tokens" } else { "end_turn" }
}

fn message(head: &Head, content: &Value, stop_reason: Option<&str>, output: u32) -> Value {
    json!({
        "id": head.id, "type": "message", "role": "assistant", "model": head.model, "content": content,
        "stop_reason": stop_reason, "stop_sequence": null, "usage": {"input_tokens": head.input, "output_tokens": output},
    })
}

/// The whole answer.
pub(super) fn whole(head: &Head) -> String {
    let content = json!([{"type": "text", "text": words(head.output)}]);
    message(head, &content, Some(stop_reason(head)), head.output).to_string()
}

fn event(data: &Value) -> String {
    let name = data["type"].as_str().unwrap_or_default();
    format!("event: {name}\ndata: {data}\n\n")
}

/// The start of a stream, and the first token if there is one.
pub(super) fn opening(head: &Head) -> String {
    let first = head.output.min(1);
    let start = json!({"type": "message_start", "message": message(head, &json!([]), None, first)});
    let block = json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}});
    let tokens = if first > 0 { tokens(first) } else { String::new() };
    event(&start) + &event(&block) + &event(&json!({"type": "ping"})) + &tokens
}

/// Some more tokens.
pub(super) fn tokens(count: u32) -> String {
    event(&json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": words(count)}}))
}

/// The end of a stream.
pub(super) fn closing(head: &Head) -> String {
    let delta = json!({
        "type": "message_delta", "delta": {"stop_reason": stop_reason(head), "stop_sequence": null},
        "usage": {"output_tokens": head.output},
    });
    event(&json!({"type": "content_block_stop", "index": 0})) + &event(&delta) + &event(&json!({"type": "message_stop"}))
}

/// The list of models.
pub(super) fn models(names: &[String]) -> String {
    let model = |name: &String| json!({"type": "model", "id": name, "display_name": name, "created_at": CREATED});
    let data: Vec<Value> = names.iter().map(model).collect();
    json!({"data": data, "has_more": false, "first_id": names.first(), "last_id": names.last()}).to_string()
}

//! What providers of different wire formats say over sockets.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{Answer, Server, connect, get, parse, post, scenario, send};

fn chat(stream: bool) -> Value {
    let options = json!({"include_usage": true});
    json!({"model": "m", "stream": stream, "stream_options": options, "max_tokens": 3, "messages": [{"role": "user", "content": "hello you"}]})
}

/// The data of each event, and its name where it has one.
fn events(answer: &Answer) -> Vec<(Option<String>, String)> {
    let event = |text: &str| {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": ")).map(str::to_owned);
        (field("event"), field("data").unwrap_or_default())
    };
    answer.body.split("\n\n").filter(|text| !text.is_empty()).map(event).collect()
}

#[test]
fn openai_answers_whole_and_in_pieces() {
    let server = Server::start(&scenario(&["name = \"alpha\"\nttft = \"5ms\"\nitl = \"20ms\""]), &[]);
    let at = server.addresses[0];
    let whole = post(at, "/v1/chat/completions", &chat(false));
    assert_eq!((whole.status, whole.header("x-request-id")), (200, Some("req_0_0_0")));
    let whole = whole.json();
    assert_eq!(whole["usage"], json!({"prompt_tokens": 3, "completion_tokens": 3, "total_tokens": 6}));
    assert_eq!(whole["choices"][0]["finish_reason"], "length", "it was cut at max_tokens");
    let streamed = post(at, "/v1/chat/completions", &chat(true));
    assert_eq!(streamed.header("content-type"), Some("text/event-stream"));
    let events = events(&streamed);
    assert_eq!(events.last().map(|(_, data)| data.as_str()), Some("[DONE]"));
    let chunks: Vec<Value> = events[..events.len() - 1].iter().map(|(_, data)| serde_json::from_str(data).expect("JSON")).collect();
    let text: String = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str()).collect();
    assert_eq!(text, whole["choices"][0]["message"]["content"].as_str().expect("a text"));
    assert_eq!(chunks.last().map(|chunk| &chunk["usage"]), Some(&whole["usage"]));
}

#[test]
fn anthropic_answers_whole_and_in_pieces() {
    let server = Server::start(&scenario(&["name = \"claude\"\nttft = \"5ms\"\nitl = \"20ms\"\nshape = \"anthropic\""]), &[]);
    let at = server.addresses[0];
    let ask = |stream: bool| json!({"model": "m", "max_tokens": 3, "system": "four", "stream": stream, "messages": [{"role": "user", "content": "hello you"}]});
    let whole = post(at, "/v1/messages", &ask(false));
    assert!(whole.header("request-id").is_some());
    let whole = whole.json();
    assert_eq!((&whole["type"], &whole["stop_reason"]), (&json!("message"), &json!("max_tokens")));
    assert_eq!(whole["usage"], json!({"input_tokens": 4, "output_tokens": 3}));
    let events = events(&post(at, "/v1/messages", &ask(true)));
    let names: Vec<&str> = events.iter().filter_map(|(name, _)| name.as_deref()).collect();
    // Two tokens come apart, or together on a busy machine.
    let names: Vec<&str> = names.chunk_by(|one, two| one == two).map(|same| same[0]).collect();
    let [start, block, ping, delta] = ["message_start", "content_block_start", "ping", "content_block_delta"];
    assert_eq!(names, [start, block, ping, delta, "content_block_stop", "message_delta", "message_stop"]);
    let data: Vec<Value> = events.iter().map(|(_, data)| serde_json::from_str(data).expect("JSON")).collect();
    assert!(data.iter().zip(&events).all(|(data, (name, _))| data["type"].as_str() == name.as_deref()));
    let text: String = data.iter().filter_map(|data| data["delta"]["text"].as_str()).collect();
    assert_eq!(text, whole["content"][0]["text"].as_str().expect("a text"));
    assert_eq!(data[data.len() - 2]["usage"]["output_tokens"], 3);
    // Its API for clients of OpenAI, and its list of models.
    assert_eq!(post(at, "/v1/chat/completions", &chat(false)).json()["object"], "chat.completion");
    assert_eq!(get(at, "/v1/models").json()["data"][0]["type"], "model");
}

#[test]
fn azure_names_its_model_in_the_path() {
    let server = Server::start(&scenario(&["name = \"alpha\"\nlatency = \"1ms\"\nshape = \"azure\""]), &[]);
    let path = "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21";
    let answer = post(server.addresses[0], path, &json!({"messages": []}));
    assert_eq!(answer.json()["model"], "gpt-4o");
    assert!(answer.header("apim-request-id").is_some());
}

#[test]
fn a_profile_brings_its_shape() {
    let alpha = "name = \"alpha\"\nprofile = \"anthropic-tier1\"\nlatency = \"1ms\"\nerror_rate = 1.0";
    let server = Server::start(&scenario(&[alpha]), &[]);
    let answer = post(server.addresses[0], "/v1/messages", &chat(false));
    assert_eq!((answer.status, &answer.json()["error"]["type"]), (529, &json!("overloaded_error")));
}

#[test]
fn refusals_say_when_to_come_back_by_the_wall_clock() {
    // One request in 60 s of scenario time, which are 6 s here: the second has to wait for less than that.
    let limited = |shape: &str| {
        format!(
            "name = \"{shape}\"\nlatency = \"1ms\"\nshape = \"{shape}\"\nvisibility = \"headers\"\nlimits = {{ rpm = 1, algorithm = \"fixed-window\" }}"
        )
    };
    let server = Server::start(&scenario(&[&limited("openai"), &limited("anthropic")]), &["--time-scale", "10"]);
    let [openai, anthropic] = server.addresses[..] else { panic!("two providers") };
    let first = post(openai, "/v1/chat/completions", &chat(false));
    assert_eq!((first.status, first.header("x-ratelimit-limit-requests")), (200, Some("1")));
    assert_eq!(first.header("x-ratelimit-remaining-requests"), Some("0"));
    let second = post(openai, "/v1/chat/completions", &chat(false));
    assert_eq!((second.status, &second.json()["error"]["code"]), (429, &json!("rate_limit_exceeded")));
    let millis: u64 = second.header("retry-after-ms").and_then(|text| text.parse().ok()).expect("milliseconds");
    assert!(millis <= 6_000, "{millis}");
    assert_eq!(second.header("retry-after"), Some(millis.div_ceil(1_000).to_string().as_str()));
    assert_eq!(post(anthropic, "/v1/messages", &chat(false)).status, 200);
    let second = post(anthropic, "/v1/messages", &chat(false));
    assert_eq!((second.status, &second.json()["error"]["type"]), (429, &json!("rate_limit_error")));
    assert!(second.header("retry-after").and_then(|text| text.parse::<u64>().ok()).is_some_and(|seconds| seconds <= 6));
    assert!(second.header("anthropic-ratelimit-requests-reset").is_some_and(|time| time.ends_with('Z')));
    assert_eq!((server.count(0, "rate_limited"), server.count(1, "rate_limited")), (1, 1));
}

#[test]
fn paths_and_methods_are_minded() {
    let server = Server::start(&scenario(&["name = \"alpha\"\nlatency = \"1ms\""]), &[]);
    let at = server.addresses[0];
    assert_eq!(get(at, "/nothing").status, 404);
    assert_eq!(post(at, "/v1/messages", &chat(false)).status, 404, "OpenAI has no such thing");
    let wrong = get(at, "/v1/chat/completions");
    assert_eq!((wrong.status, wrong.header("allow")), (405, Some("POST")));
    assert_eq!(send(at, "DELETE", "/v1/models", "", "").status, 405);
    assert_eq!(send(at, "POST", "/v1/chat/completions", "", "{").status, 400);
    assert_eq!(server.count(0, "attempts"), 0, "none of these was an attempt");
}

#[test]
fn nothing_of_a_body_leaves_before_the_first_token() {
    // Both forms: the time to the first byte, head included, is no less than ttft. Nothing is asserted of how late it is.
    let server = Server::start(&scenario(&["name = \"alpha\"\nttft = \"200ms\"\nitl = \"0ms\""]), &[]);
    for stream in [false, true] {
        let mut socket = connect(server.addresses[0]);
        let body = chat(stream).to_string();
        let start = Instant::now();
        write!(
            socket,
            "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .expect("sent");
        let mut first = [0; 1];
        socket.read_exact(&mut first).expect("an answer");
        assert!(start.elapsed() >= Duration::from_millis(200), "{stream}");
        let mut rest = first.to_vec();
        socket.read_to_end(&mut rest).expect("the rest");
        assert_eq!(parse(&rest).status, 200);
    }
}

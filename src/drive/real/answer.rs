//! Reads an answer as it comes, in one piece or as a stream, and says how it ended.

use http_body_util::BodyExt;
use hyper::Response;
use hyper::body::{Body, Bytes};
use serde::Deserialize;

use super::clock::since_1970;
use super::sse::Events;
use crate::engine::limit::RateLimitHeaders;
use crate::engine::{RefusalKind, Usage};
use crate::metrics::observe::{Answer, Broken};

/// An answer in one piece may have so many bytes.
pub const WHOLE_MAX: usize = 32 << 20;
/// So many bytes of an error are read; what tells refusals apart stands at the start.
const ERROR_MAX: usize = 64 << 10;

/// How an attempt over HTTP ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// A whole answer.
    Whole {
        /// If it said.
        usage: Option<Usage>,
    },
    /// An error status.
    Status {
        /// Of HTTP.
        status: u16,
        /// Which kind of refusal.
        refusal: Option<RefusalKind>,
    },
    /// No answer, or none that can be used.
    Broken(Broken),
}

impl Ending {
    /// For the count of answers.
    pub fn answer(&self) -> Answer {
        match *self {
            Ending::Whole { .. } => Answer::Status(200),
            Ending::Status { status, .. } => Answer::Status(status),
            Ending::Broken(broken) => Answer::Broken(broken),
        }
    }
}

#[derive(Deserialize)]
struct Whole {
    choices: Vec<serde::de::IgnoredAny>,
    usage: Option<Told>,
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    prompt_tokens: u32,
    #[serde(default)]
    completion_tokens: u32,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    usage: Option<Told>,
    error: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Choice {
    delta: Option<Delta>,
    finish_reason: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Delta {
    content: Option<String>,
}

impl From<Told> for Usage {
    fn from(told: Told) -> Usage {
        Usage { input_tokens: told.prompt_tokens, output_tokens: told.completion_tokens }
    }
}

/// What the head of an answer says of the limits; `None`: nothing.
pub fn limits<B>(response: &Response<B>) -> Option<Box<RateLimitHeaders>> {
    let mut told = RateLimitHeaders::default();
    let wall_clock = since_1970();
    let mut any = false;
    for (name, value) in response.headers() {
        any |= value.to_str().is_ok_and(|value| told.read(name.as_str(), value, wall_clock));
    }
    any.then(|| Box::new(told))
}

/// Reads the body. `first_token` is called once, when the first token is in.
pub async fn read<B: Body<Data = Bytes> + Unpin>(response: Response<B>, mut first_token: impl FnMut()) -> Ending {
    let status = response.status().as_u16();
    let streamed = response.headers().get("content-type").is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
    let mut body = response.into_body();
    if !(200..300).contains(&status) {
        let text = collect(&mut body, ERROR_MAX).await.unwrap_or_else(|(_, begun)| begun);
        return Ending::Status { status, refusal: RefusalKind::classify(status, &String::from_utf8_lossy(&text)) };
    }
    if streamed {
        return stream(&mut body, first_token).await;
    }
    match collect(&mut body, WHOLE_MAX).await {
        Err((fault, _)) => Ending::Broken(fault),
        Ok(text) => match serde_json::from_slice::<Whole>(&text) {
            Ok(whole) if !whole.choices.is_empty() => {
                first_token();
                Ending::Whole { usage: whole.usage.map(Usage::from) }
            }
            _ => Ending::Broken(Broken::Garbage),
        },
    }
}

/// The whole body, or what was wrong with it and its start.
async fn collect<B: Body<Data = Bytes> + Unpin>(body: &mut B, most: usize) -> Result<Vec<u8>, (Broken, Vec<u8>)> {
    let mut text = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Err((Broken::Cut, text)) };
        let Some(data) = frame.data_ref() else { continue };
        if text.len() + data.len() > most {
            return Err((Broken::TooLarge, text));
        }
        text.extend_from_slice(data);
    }
    Ok(text)
}

/// A stream is good only when it said that it is finished: one that is cut looks like a short one otherwise.
async fn stream<B: Body<Data = Bytes> + Unpin>(body: &mut B, mut first_token: impl FnMut()) -> Ending {
    let (mut events, mut reading) = (Events::default(), Reading::default());
    while let Some(frame) = body.frame().await {
        let Ok(frame) = frame else { return Ending::Broken(if reading.garbage { Broken::Garbage } else { Broken::Cut }) };
        let Some(data) = frame.data_ref() else { continue };
        let begun = reading.begun;
        if events.feed(data, |event| reading.event(event)).is_err() {
            return Ending::Broken(Broken::TooLarge);
        }
        if reading.begun && !begun {
            first_token();
        }
        if reading.garbage {
            return Ending::Broken(Broken::Garbage);
        }
    }
    if reading.finished { Ending::Whole { usage: reading.usage } } else { Ending::Broken(Broken::Cut) }
}

#[derive(Default)]
struct Reading {
    begun: bool,
    finished: bool,
    garbage: bool,
    usage: Option<Usage>,
}

impl Reading {
    fn event(&mut self, data: &[u8]) {
        if data == b"[DONE]" {
            return;
        }
        let Ok(chunk) = serde_json::from_slice::<Chunk>(data) else {
            self.garbage = true;
            return;
        };
        self.garbage |= chunk.error.is_some();
        for choice in &chunk.choices {
            let content = choice.delta.as_ref().and_then(|delta| delta.content.as_ref());
            self.begun |= content.is_some_and(|content| !content.is_empty());
            self.finished |= choice.finish_reason.is_some();
        }
        self.usage = chunk.usage.map(Usage::from).or(self.usage);
    }
}

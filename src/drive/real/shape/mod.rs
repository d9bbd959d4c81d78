//! What errors, refusals, rate-limit headers and request ids look like: one file a provider, one row in [`STYLES`].
//!
//! The bodies are those of the providers' documentation and of recorded answers. Each says no more than what happened, so
//! that [`RefusalKind::classify`] finds the kind that was meant; an error that is no refusal, a 503 too, says nothing of
//! capacity. Where a provider has no words for a kind (a limit on growth, mostly), OpenAI's stand in the message.

mod anthropic;
mod azure;
mod bedrock;
mod cohere;
mod gemini;
mod limits;
mod mistral;
mod openai;
mod openrouter;

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::engine::RefusalKind;
use crate::engine::limit::RateLimitHeaders;
use crate::time::Nanos;
use crate::world::shape::Shape;

/// Names and values of headers.
pub type Headers = Vec<(String, String)>;

/// Something that went wrong, to be told.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// HTTP status.
    pub status: u16,
    /// Which kind of refusal; `None`: it is an error.
    pub refusal: Option<RefusalKind>,
    /// The pause that it asks for.
    pub pause: Option<Nanos>,
    /// As it was asked for.
    pub model: &'a str,
    /// Of the request.
    pub id: &'a str,
}

/// A wire format.
#[derive(Debug)]
pub struct Style {
    /// Whose.
    pub shape: Shape,
    /// The body of an error.
    pub body: fn(&Problem<'_>) -> Value,
    /// The headers that name the request, and those that say where it was.
    pub names: fn(&str) -> Headers,
    /// The headers of an error: what kind it is, and how long to wait.
    pub error: fn(&Problem<'_>) -> Headers,
    /// The headers in which limits are told, if they are; the wall clock is the time since 1970.
    pub limits: fn(&RateLimitHeaders, wall_clock: Nanos) -> Headers,
}

/// Every wire format.
pub static STYLES: [Style; 9] = [
    openai::STYLE,
    azure::STYLE,
    azure::PTU,
    anthropic::STYLE,
    gemini::STYLE,
    bedrock::STYLE,
    mistral::STYLE,
    cohere::STYLE,
    openrouter::STYLE,
];

impl Style {
    /// The one of a shape.
    pub fn of(shape: Shape) -> &'static Style {
        STYLES.iter().find(|style| style.shape == shape).unwrap_or(&STYLES[0])
    }
}

fn header(name: &str, value: impl ToString) -> (String, String) {
    (name.to_owned(), value.to_string())
}

/// A pause in whole milliseconds: earlier would be wrong.
fn millis(pause: Nanos) -> u64 {
    pause.as_nanos().div_ceil(1_000_000)
}

/// A pause in whole seconds.
fn seconds(pause: Nanos) -> u64 {
    pause.as_nanos().div_ceil(1_000_000_000)
}

/// `retry-after`, in seconds.
fn retry_after(problem: &Problem<'_>) -> Headers {
    problem.pause.map(|pause| header("retry-after", seconds(pause))).into_iter().collect()
}

/// `retry-after-ms` and `retry-after`.
fn retry_after_ms(problem: &Problem<'_>) -> Headers {
    problem.pause.map(|pause| header("retry-after-ms", millis(pause))).into_iter().chain(retry_after(problem)).collect()
}

//! OpenAI: <https://platform.openai.com/docs/guides/error-codes>.

use serde_json::{Value, json};

use super::{Headers, Problem, Style, header, limits, retry_after_ms};
use crate::engine::RefusalKind;
use crate::world::shape::Shape;

pub(super) const STYLE: Style = Style { shape: Shape::OpenAi, body, names, error: retry_after_ms, limits: limits::openai };

pub(super) fn body(problem: &Problem<'_>) -> Value {
    let (message, kind, code) = words(problem);
    json!({"error": {"message": message, "type": kind, "param": null, "code": code}})
}

/// Message, `type` and `code`.
pub(super) fn words(problem: &Problem<'_>) -> (String, &'static str, &'static str) {
    let (message, kind, code) = match (problem.status, problem.refusal) {
        (_, Some(RefusalKind::Exhausted)) => {
            ("You exceeded your current quota, please check your plan and billing details.", "insufficient_quota", "insufficient_quota")
        }
        (_, Some(RefusalKind::Ramp)) => ("Your request rate grew too fast. Please slow down.", "requests", "slow_down"),
        (_, Some(RefusalKind::Capacity)) => {
            ("The server is currently overloaded. Please try again later.", "service_unavailable_error", "server_is_overloaded")
        }
        (429, _) => return (rate(problem), "requests", "rate_limit_exceeded"),
        (404, _) => ("There is nothing at this address.", "invalid_request_error", "not_found"),
        (400..=499, _) => ("The request was refused.", "invalid_request_error", "invalid_request"),
        _ => ("The server had an error while processing your request.", "server_error", "server_error"),
    };
    (message.to_owned(), kind, code)
}

fn rate(problem: &Problem<'_>) -> String {
    let again = problem.pause.map(|pause| format!(" Please try again in {}ms.", super::millis(pause))).unwrap_or_default();
    format!("Rate limit reached for {}.{again}", problem.model)
}

fn names(id: &str) -> Headers {
    vec![header("x-request-id", id)]
}

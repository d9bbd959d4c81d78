//! Anthropic: <https://docs.claude.com/en/api/errors> and `…/rate-limits`.

use serde_json::{Value, json};

use super::{Headers, Problem, Style, header, limits, retry_after};
use crate::engine::RefusalKind;
use crate::world::shape::Shape;

pub(super) const STYLE: Style = Style { shape: Shape::Anthropic, body, names, error: retry_after, limits: limits::anthropic };

fn body(problem: &Problem<'_>) -> Value {
    let (kind, message) = match (problem.status, problem.refusal) {
        (_, Some(RefusalKind::Capacity)) | (529, _) => ("overloaded_error", "Overloaded"),
        (_, Some(RefusalKind::Ramp)) => ("rate_limit_error", "This request would exceed your organization's acceleration limit."),
        (_, Some(RefusalKind::Exhausted)) => ("rate_limit_error", "Your organization has used up what it may spend."),
        (429, _) => ("rate_limit_error", "This request would exceed your organization's rate limit."),
        (401, _) => ("authentication_error", "invalid x-api-key"),
        (403, _) => ("permission_error", "Your API key may not use this."),
        (404, _) => ("not_found_error", "There is nothing at this address."),
        (413, _) => ("request_too_large", "Request exceeds the maximum size."),
        (504, _) => ("timeout_error", "The request took too long."),
        (400..=499, _) => ("invalid_request_error", "The request was refused."),
        _ => ("api_error", "Internal server error"),
    };
    let mut error = json!({"type": kind, "message": message});
    if problem.refusal == Some(RefusalKind::Exhausted) {
        error["details"] = json!({"error_code": "enforced_spend_limit_reached"});
    }
    json!({"type": "error", "error": error, "request_id": problem.id})
}

fn names(id: &str) -> Headers {
    vec![header("request-id", id)]
}

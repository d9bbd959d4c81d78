//! OpenRouter: <https://openrouter.ai/docs/api_reference/errors-and-debugging>; the code is a number.

use serde_json::{Value, json};

use super::{Headers, Problem, Style, header, limits, openai, retry_after};
use crate::engine::RefusalKind;
use crate::world::shape::Shape;

pub(super) const STYLE: Style = Style { shape: Shape::OpenRouter, body, names, error: retry_after, limits: limits::openai };

fn body(problem: &Problem<'_>) -> Value {
    let message = match (problem.status, problem.refusal) {
        (_, Some(RefusalKind::Exhausted)) => "Rate limit exceeded: daily limit of free models.".to_owned(),
        (_, Some(RefusalKind::Ramp)) => "Your traffic grew too fast (slow_down).".to_owned(),
        (_, Some(RefusalKind::Capacity)) => "The provider is at capacity.".to_owned(),
        (429, _) => format!("Rate limit exceeded for {}.", problem.model),
        _ => openai::words(problem).0,
    };
    json!({"error": {"code": problem.status, "message": message, "metadata": {"provider_name": "lbsim"}}})
}

fn names(id: &str) -> Headers {
    vec![header("x-request-id", id)]
}

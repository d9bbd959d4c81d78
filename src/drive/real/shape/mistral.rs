//! Mistral: flat bodies, as in github.com/mistralai/platform-docs-public, `public/resources/error-glossary.md`.

use serde_json::{Value, json};

use super::{Headers, Problem, Style, header, limits, openai, retry_after};
use crate::engine::RefusalKind;
use crate::world::shape::Shape;

pub(super) const STYLE: Style = Style { shape: Shape::Mistral, body, names, error: retry_after, limits: limits::openai };

fn body(problem: &Problem<'_>) -> Value {
    let (message, kind, code) = match (problem.status, problem.refusal) {
        (_, Some(RefusalKind::Exhausted)) => ("Monthly token limit exceeded", "rate_limited", "1300"),
        (_, Some(RefusalKind::Ramp)) => ("Your traffic grew too fast (slow_down)", "rate_limited", "1300"),
        (_, Some(RefusalKind::Capacity)) => ("Service tier capacity exceeded for this model.", "service_tier_capacity_exceeded", "3505"),
        (429, _) => ("Rate limit exceeded", "rate_limited", "1300"),
        _ => {
            let (message, kind, code) = openai::words(problem);
            return json!({"object": "error", "message": message, "type": kind, "param": null, "code": code});
        }
    };
    json!({"object": "error", "message": message, "type": kind, "param": null, "code": code})
}

fn names(id: &str) -> Headers {
    vec![header("mistral-correlation-id", id)]
}

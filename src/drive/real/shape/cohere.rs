//! Cohere: a message and nothing else, github.com/cohere-ai/cohere-developer-experience, `fern/pages/cohere-api/errors.mdx`.

use serde_json::{Value, json};

use super::{Headers, Problem, Style, header, limits, openai};
use crate::engine::RefusalKind;
use crate::world::shape::Shape;

pub(super) const STYLE: Style = Style { shape: Shape::Cohere, body, names, error: |_| Headers::new(), limits: limits::openai };

fn body(problem: &Problem<'_>) -> Value {
    let message = match (problem.status, problem.refusal) {
        (_, Some(RefusalKind::Exhausted)) => "You are past the monthly request limit of your key.".to_owned(),
        (_, Some(RefusalKind::Ramp)) => "Your traffic grew too fast (slow_down), please wait and try again later.".to_owned(),
        (_, Some(RefusalKind::Capacity)) => "The model is overloaded, please try again later.".to_owned(),
        (429, _) => "You are past the per minute request limit, please wait and try again later.".to_owned(),
        _ => openai::words(problem).0,
    };
    json!({"message": message})
}

fn names(id: &str) -> Headers {
    vec![header("x-debug-trace-id", id)]
}

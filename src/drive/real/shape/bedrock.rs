//! Amazon Bedrock: <https://docs.aws.amazon.com/bedrock/latest/userguide/troubleshooting-api-error-codes.html>. It tells
//! neither limits nor pauses, and the name of the error in a header alone.

use serde_json::{Value, json};

use super::{Headers, Problem, Style, header, limits};
use crate::engine::RefusalKind;
use crate::world::shape::Shape;

pub(super) const STYLE: Style = Style { shape: Shape::Bedrock, body, names, error, limits: limits::openai };

fn body(problem: &Problem<'_>) -> Value {
    let message = match (problem.status, problem.refusal) {
        (_, Some(RefusalKind::Exhausted)) => "Too many tokens per day, please wait before trying again.",
        (_, Some(RefusalKind::Ramp)) => "Your traffic grew too fast (slow_down), please wait before trying again.",
        (_, Some(RefusalKind::Capacity)) => "Bedrock is at capacity for this model. Try your request again.",
        (429, _) => "Too many requests, please wait before trying again.",
        (400..=499, _) => "The request was refused.",
        _ => "The system encountered an unexpected error during processing. Try your request again.",
    };
    json!({"message": message})
}

fn error(problem: &Problem<'_>) -> Headers {
    let name = match (problem.status, problem.refusal) {
        (429, _) => "ThrottlingException",
        (503, _) => "ServiceUnavailableException",
        (403, _) => "AccessDeniedException",
        (404, _) => "ResourceNotFoundException",
        (400..=499, _) => "ValidationException",
        _ => "InternalServerException",
    };
    vec![header("x-amzn-errortype", name)]
}

fn names(id: &str) -> Headers {
    vec![header("x-amzn-requestid", id)]
}

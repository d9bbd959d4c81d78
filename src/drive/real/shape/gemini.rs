//! Gemini API and Vertex AI: `google.rpc.Status`, <https://cloud.google.com/apis/design/errors>; quota names as recorded in
//! github.com/google-gemini/gemini-cli/issues/14831. No header tells of limits or pauses: the pause stands in the body.

use serde_json::{Value, json};

use super::{Headers, Problem, Style, header, limits};
use crate::engine::RefusalKind;
use crate::world::shape::Shape;

pub(super) const STYLE: Style = Style { shape: Shape::Gemini, body, names, error: |_| Headers::new(), limits: limits::openai };

fn body(problem: &Problem<'_>) -> Value {
    let (message, status) = match (problem.status, problem.refusal) {
        (503, Some(RefusalKind::Capacity)) => ("The model is overloaded. Please try again later.", "UNAVAILABLE"),
        (_, Some(RefusalKind::Capacity)) => ("Resource exhausted, please try again later.", "RESOURCE_EXHAUSTED"),
        (_, Some(RefusalKind::Ramp)) => ("Resource exhausted: your traffic grew too fast (slow_down).", "RESOURCE_EXHAUSTED"),
        (429, _) => ("You exceeded your current quota.", "RESOURCE_EXHAUSTED"),
        (404, _) => ("There is nothing at this address.", "NOT_FOUND"),
        (400..=499, _) => ("The request was refused.", "INVALID_ARGUMENT"),
        _ => ("An internal error has occurred.", "INTERNAL"),
    };
    let mut error = json!({"code": problem.status, "message": message, "status": status});
    let details = details(problem);
    if !details.is_empty() {
        error["details"] = details.into();
    }
    json!({"error": error})
}

fn details(problem: &Problem<'_>) -> Vec<Value> {
    let quota = match problem.refusal {
        Some(RefusalKind::Rate) => Some("GenerateRequestsPerMinutePerProjectPerModel"),
        Some(RefusalKind::Exhausted) => Some("GenerateRequestsPerDayPerProjectPerModel"),
        Some(RefusalKind::Ramp | RefusalKind::Capacity) | None => None,
    };
    let violated = quota.map(|id| json!({"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": id}]}));
    let again = problem.pause.map(|pause| {
        let seconds = super::millis(pause) as f64 / 1_000.0;
        json!({"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": format!("{seconds}s")})
    });
    violated.into_iter().chain(again).collect()
}

fn names(id: &str) -> Headers {
    vec![header("x-request-id", id)]
}

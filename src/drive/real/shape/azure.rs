//! Azure OpenAI, pay as you go and provisioned:
//! <https://learn.microsoft.com/azure/ai-services/openai/how-to/quota>, `…/concepts/provisioned-throughput`.

use serde_json::{Value, json};

use super::{Headers, Problem, Style, header, limits, openai, retry_after, retry_after_ms, seconds};
use crate::engine::RefusalKind;
use crate::world::shape::Shape;

pub(super) const STYLE: Style = Style { shape: Shape::Azure, body, names, error: retry_after, limits: limits::openai };

/// It tells the time until its use is below 100 % to the millisecond.
pub(super) const PTU: Style = Style { shape: Shape::AzurePtu, body, names, error: retry_after_ms, limits: limits::openai };

fn body(problem: &Problem<'_>) -> Value {
    let code = match problem.refusal {
        Some(RefusalKind::Rate) => return json!({"error": {"code": problem.status.to_string(), "message": rate(problem)}}),
        Some(_) => openai::words(problem).2.to_owned(),
        None => problem.status.to_string(),
    };
    json!({"error": {"code": code, "message": openai::words(problem).0}})
}

fn rate(problem: &Problem<'_>) -> String {
    let again = problem.pause.map(|pause| format!(" Please retry after {} seconds.", seconds(pause))).unwrap_or_default();
    format!(
        "Requests to the ChatCompletions_Create Operation under Azure OpenAI API version 2024-10-21 have exceeded the call rate limit of \
         your current OpenAI S0 pricing tier.{again}"
    )
}

fn names(id: &str) -> Headers {
    vec![header("x-request-id", id), header("apim-request-id", id), header("x-ms-region", "lbsim")]
}

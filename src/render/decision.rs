//! A decision as one line of JSON.

use serde::Serialize;

use crate::metrics::observe::{DecisionRecord, DecisionView};

/// One decision, as `--decisions` writes it.
#[derive(Clone, Debug, Serialize)]
pub struct DecisionLine<'a> {
    /// When, seconds since the start of the run.
    pub t_s: f64,
    /// Request id.
    pub request: u64,
    /// Which attempt it is for, from 1.
    pub attempt: u32,
    /// Canonical name.
    pub strategy: &'a str,
    /// `send`, `wait` or `refuse`.
    pub decision: &'static str,
    /// The chosen one.
    pub provider: Option<&'a str>,
    /// Short stable word.
    pub why: &'static str,
    /// For `wait`: when to ask again; `null`: after the next answer.
    pub until_s: Option<f64>,
    /// Every provider, in file order.
    pub candidates: Vec<CandidateLine<'a>>,
}

/// One provider in a decision.
#[derive(Clone, Debug, Serialize)]
pub struct CandidateLine<'a> {
    /// Its name.
    pub provider: &'a str,
    /// Whether the strategy could choose it.
    pub eligible: bool,
    /// Short stable word.
    pub why: &'static str,
    /// What the strategy compared (lower is better), where it compares anything.
    pub score: Option<f64>,
}

impl<'a> DecisionLine<'a> {
    /// A record with the names of the providers it speaks of.
    pub fn new(record: &DecisionRecord<'a>, names: &'a [String]) -> DecisionLine<'a> {
        let (decision, provider, until) = match record.decision {
            DecisionView::Send(provider) => ("send", Some(provider), None),
            DecisionView::Wait { until } => ("wait", None, until),
            DecisionView::Refuse => ("refuse", None, None),
        };
        let candidates = record.trace.candidates.iter().map(|candidate| CandidateLine {
            provider: &names[candidate.provider.index()],
            eligible: candidate.eligible,
            why: candidate.why.word(),
            score: candidate.score.filter(|score| score.is_finite()),
        });
        DecisionLine {
            t_s: record.now.as_secs_f64(),
            request: record.request,
            attempt: record.attempt,
            strategy: record.strategy.name(),
            decision,
            provider: provider.map(|provider| names[provider].as_str()),
            why: record.why,
            until_s: until.map(|until| until.as_secs_f64()),
            candidates: candidates.collect(),
        }
    }
}

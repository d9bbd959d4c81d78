//! What is to be known of a run in real time besides its requests and attempts.

use std::collections::BTreeMap;

use super::latency::Samples;
use super::observe::Answer;
use crate::time::Nanos;

/// Figures of the exchanges over HTTP. Memory depends on the number of different answers only.
#[derive(Clone, Debug, Default)]
pub struct Exchanges {
    /// How long after its intended time each request was dealt with.
    pub lag: Samples,
    /// Requests that were late.
    pub late: u64,
    /// What an answer took beyond the time that providers were meant to take for it.
    pub overhead: Samples,
    /// How often each answer came.
    pub answers: BTreeMap<Answer, u64>,
}

impl Exchanges {
    pub(super) fn lagged(&mut self, lag: Nanos, late_after: Nanos) {
        self.late += u64::from(lag > late_after);
        self.lag.record(lag);
    }

    pub(super) fn answered(&mut self, answer: Answer) {
        *self.answers.entry(answer).or_default() += 1;
    }
}

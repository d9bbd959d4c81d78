//! Why providers were chosen or not, counted over a run.

use std::collections::BTreeMap;

use super::observe::{DecisionRecord, DecisionSink, DecisionView};
use crate::report::{Decisions, ProviderDecisions};

/// Counts the reasons of every decision, and hands the decisions on if somebody else wants them too.
pub struct Reasons<'a> {
    counts: Decisions,
    next: Option<&'a mut dyn DecisionSink>,
}

impl<'a> Reasons<'a> {
    /// Over providers with these names.
    pub fn new(names: impl IntoIterator<Item = String>, next: Option<&'a mut dyn DecisionSink>) -> Reasons<'a> {
        let providers = names.into_iter().map(|name| ProviderDecisions { name, why: BTreeMap::new() });
        Reasons { counts: Decisions { providers: providers.collect(), ..Decisions::default() }, next }
    }

    /// The counts.
    pub fn into_counts(self) -> Decisions {
        self.counts
    }
}

impl DecisionSink for Reasons<'_> {
    fn decision(&mut self, record: &DecisionRecord<'_>) {
        let counts = &mut self.counts;
        match record.decision {
            DecisionView::Send(_) => counts.send += 1,
            DecisionView::Wait { .. } => counts.wait += 1,
            DecisionView::Refuse => counts.refuse += 1,
        }
        if !matches!(record.decision, DecisionView::Send(_)) {
            count(&mut counts.held_by, record.why);
        }
        for candidate in &record.trace.candidates {
            if let Some(provider) = counts.providers.get_mut(candidate.provider.index()) {
                count(&mut provider.why, candidate.why.word());
            }
        }
        if let Some(next) = &mut self.next {
            next.decision(record);
        }
    }
}

fn count(counts: &mut BTreeMap<String, u64>, word: &str) {
    match counts.get_mut(word) {
        Some(count) => *count += 1,
        None => _ = counts.insert(word.to_owned(), 1),
    }
}

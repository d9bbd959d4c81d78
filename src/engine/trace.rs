//! Why this provider and why not the others, as data.

use super::request::{ProviderId, Why};

/// Filled by [`Engine::pick_traced`](super::Engine::pick_traced); reuse one value to avoid allocation.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// Every provider of the pool, in configuration order.
    pub candidates: Vec<Candidate>,
}

/// One provider in one pick.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candidate {
    /// Which one.
    pub provider: ProviderId,
    /// Whether the strategy could choose it.
    pub eligible: bool,
    /// Why it was chosen or not.
    pub why: Why,
    /// What the strategy compared (lower is better), where it compares anything.
    pub score: Option<f64>,
}

/// What a pick tells about itself. The empty one compiles away.
pub(crate) trait Tracer {
    /// False lets a pick skip the work of preparing what nobody reads.
    const ON: bool;
    fn begin(&mut self, providers: usize);
    fn note(&mut self, provider: ProviderId, eligible: bool, why: Why, score: Option<f64>);
}

/// Notes nothing.
pub(crate) struct Silent;

impl Tracer for Silent {
    const ON: bool = false;
    fn begin(&mut self, _: usize) {}
    fn note(&mut self, _: ProviderId, _: bool, _: Why, _: Option<f64>) {}
}

impl Tracer for Trace {
    const ON: bool = true;

    fn begin(&mut self, providers: usize) {
        self.candidates.clear();
        self.candidates.extend((0..providers).map(|index| Candidate {
            provider: ProviderId(index as u16),
            eligible: false,
            why: Why::Model,
            score: None,
        }));
    }

    fn note(&mut self, provider: ProviderId, eligible: bool, why: Why, score: Option<f64>) {
        if let Some(candidate) = self.candidates.get_mut(provider.index()) {
            candidate.eligible = eligible;
            candidate.why = why;
            candidate.score = score.or(candidate.score);
        }
    }
}

//! Consistent hashing with bounded loads: the same session goes to the same provider, as long as that one does not have
//! over 1.25 × its fair share of the attempts in flight; then to the session's next choice.
//!
//! Each session ranks the providers by a hash of (session, provider) scaled by weight (rendezvous hashing: Thaler,
//! Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM ToN 6(1), 1998; weighted form after Schindelhauer, Schomaker, SPAA 2005). When a
//! provider leaves, only its sessions move, and they spread over all others. The bound is that of Mirrokni, Thorup,
//! Zadimoghaddam, "Consistent Hashing with Bounded Loads" (SODA 2018): ⌈1.25 × (in flight + 1) × weight share⌉.
//! A request without a session is placed by its id, which is no more than `weighted-random` with a load bound.

use super::super::bits::Candidates;
use super::View;
use crate::rng;

/// How far above its fair share of the load a provider may go.
const BALANCE_FACTOR: f64 = 1.25;

#[inline(never)]
pub(super) fn choose(view: &View<'_>, candidates: &impl Candidates) -> usize {
    let session = rng::mix(view.request.session.unwrap_or(view.request.id));
    let (mut in_flight, mut weight) = (0_u64, 0.0);
    let mut best = Ranked::NONE;
    for block in 0..candidates.blocks() {
        for position in candidates.block(block) {
            in_flight += u64::from(view.in_flight(position));
            weight += view.member(position).weight;
            best.consider(view, session, position);
        }
    }
    let fair = BALANCE_FACTOR * (in_flight + 1) as f64 / weight;
    if is_below(view, fair, best.position) { best.position } else { best_below(view, session, fair, candidates).unwrap_or(best.position) }
}

/// Whether a provider is below its bound. A whole number is below ⌈x⌉ if and only if it is below x.
#[inline]
fn is_below(view: &View<'_>, fair: f64, position: usize) -> bool {
    f64::from(view.in_flight(position)) < fair * view.member(position).weight
}

/// The best of those below the bound. There is one: were all at it, their sum would exceed the attempts in flight.
#[inline(never)]
fn best_below(view: &View<'_>, session: u64, fair: f64, candidates: &impl Candidates) -> Option<usize> {
    let mut best = Ranked::NONE;
    for position in candidates.iter().filter(|position| is_below(view, fair, *position)) {
        best.consider(view, session, position);
    }
    (best.hash > 0 || best.score < f64::INFINITY).then_some(best.position)
}

/// The first choice of a session so far.
struct Ranked {
    position: usize,
    /// Without weights the highest hash is the first choice.
    hash: u64,
    /// With weights it is the smallest −ln(u) / weight, where u is the hash as a number in (0, 1].
    score: f64,
}

impl Ranked {
    const NONE: Ranked = Ranked { position: 0, hash: 0, score: f64::INFINITY };

    #[inline]
    fn consider(&mut self, view: &View<'_>, session: u64, position: usize) {
        let member = view.member(position);
        let hash = rank_hash(session, member.hash);
        if view.tier.weighted {
            self.consider_weighted(hash, member.weight, position);
        } else if hash > self.hash {
            (self.hash, self.position) = (hash, position);
        }
    }

    #[inline]
    fn consider_weighted(&mut self, hash: u64, weight: f64, position: usize) {
        let unit = ((hash >> 11) + 1) as f64 * (1.0 / (1_u64 << 53) as f64);
        // 1 − u ≤ −ln(u): most are beaten without a logarithm.
        if 1.0 - unit < self.score * weight {
            let score = -unit.ln() / weight;
            if score < self.score {
                (self.score, self.position) = (score, position);
            }
        }
    }
}

/// Hash of (session, provider) from two well-mixed hashes: both halves of their 128-bit product with a constant between.
#[inline]
fn rank_hash(session: u64, provider: u64) -> u64 {
    let product = u128::from(session ^ provider) * u128::from(provider | 1);
    (product as u64) ^ (product >> 64) as u64
}

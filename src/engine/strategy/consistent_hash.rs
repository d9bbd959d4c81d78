//! Consistent hashing with bounded loads: the same session goes to the same provider, as long as that one does not have
//! over 1.25 × its fair share of the attempts in flight; then to the session's next choice.
//!
//! Each session ranks the providers by a hash of (session, provider) scaled by weight (rendezvous hashing: Thaler,
//! Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM ToN 6(1), 1998; weighted form after Schindelhauer, Schomaker, SPAA 2005). When a
//! provider leaves, only its sessions move, and they spread over all others. The bound is that of Mirrokni, Thorup,
//! Zadimoghaddam, "Consistent Hashing with Bounded Loads" (SODA 2018): ⌈1.25 × (in flight + 1) × weight share⌉.
//! A request without a session is placed by its id, which is no more than `weighted-random` with a load bound.

use super::super::bits::{Bits, Candidates};
use super::super::pool::Place;
use super::View;
use super::choices::Choices;
use crate::rng;

/// How far above its fair share of the load a provider may go.
const BALANCE_FACTOR: f64 = 1.25;

/// What is known of the sessions that were seen lately.
pub(crate) struct ConsistentHash {
    first: Choices,
    second: Choices,
}

impl ConsistentHash {
    pub fn new() -> ConsistentHash {
        ConsistentHash { first: Choices::new(), second: Choices::new() }
    }

    #[inline(never)]
    pub fn choose(&self, view: &View<'_>, candidates: &impl Candidates) -> usize {
        let session = rng::mix(view.request.session.unwrap_or(view.request.id));
        // The first choice of all is that of some, too, if it is one of them.
        let known = self.first.get(session).filter(|position| candidates.contains(*position));
        let best = known.unwrap_or_else(|| {
            let best = first_choice(view, session, candidates).expect("candidates are not empty");
            keep(&self.first, view, candidates, session, best);
            best
        });
        // None at all is below any bound.
        if view.in_flight(best) == 0 {
            return best;
        }
        let all = candidates.count() == view.tier.members.len();
        let (in_flight, weight) = if all { (in_flight(&view.tier.places), view.tier.weight) } else { load(view, candidates) };
        let fair = BALANCE_FACTOR * (in_flight + 1) as f64 / weight;
        if is_below(view, fair, best) { best } else { self.next(view, session, fair, best, candidates) }
    }

    /// The best of those below the bound, which `first` is not.
    #[inline(never)]
    fn next(&self, view: &View<'_>, session: u64, fair: f64, first: usize, candidates: &impl Candidates) -> usize {
        let second = self.second.get(session).or_else(|| {
            let mut others = Bits::full(view.tier.members.len());
            others.remove(first);
            let second = first_choice(view, session, &others)?;
            keep(&self.second, view, candidates, session, second);
            Some(second)
        });
        // If `first` is not the first of all, that one is no candidate.
        match second.filter(|second| candidates.contains(*second) && is_below(view, fair, *second)) {
            Some(second) => second,
            None => best_below(view, session, fair, candidates).unwrap_or(first),
        }
    }
}

/// Keeps a choice among all. A request without a session does not come again.
fn keep(choices: &Choices, view: &View<'_>, candidates: &impl Candidates, session: u64, choice: usize) {
    if view.request.session.is_some() && candidates.count() == view.tier.members.len() {
        choices.keep(session, choice);
    }
}

#[inline]
fn in_flight(places: &[Place]) -> u64 {
    places.iter().map(|place| u64::from(place.slot.mirror.in_flight())).sum()
}

/// Attempts in flight and weight of some.
fn load(view: &View<'_>, candidates: &impl Candidates) -> (u64, f64) {
    let both = candidates.iter().map(|position| (u64::from(view.in_flight(position)), view.member(position).weight));
    both.fold((0, 0.0), |(sum, weights), (in_flight, weight)| (sum + in_flight, weights + weight))
}

/// Whether a provider is below its bound. A whole number is below ⌈x⌉ if and only if it is below x.
#[inline]
fn is_below(view: &View<'_>, fair: f64, position: usize) -> bool {
    f64::from(view.in_flight(position)) < fair * view.member(position).weight
}

/// The best of those below the bound. There is one: were all at it, their sum would exceed the attempts in flight.
#[inline(never)]
fn best_below(view: &View<'_>, session: u64, fair: f64, candidates: &impl Candidates) -> Option<usize> {
    let mut below = Bits::empty(view.tier.members.len());
    candidates.iter().for_each(|position| below.insert_if(position, is_below(view, fair, position)));
    first_choice(view, session, &below)
}

/// The first choice of a session, whatever its load: without weights the highest hash, with weights the smallest −ln(u) / weight,
/// where u is the hash as a number in (0, 1]. Of equal ones the first.
#[inline]
fn first_choice(view: &View<'_>, session: u64, candidates: &impl Candidates) -> Option<usize> {
    if !view.tier.weighted {
        return view.first_lowest(candidates, |_, member| !rank_hash(session, member.hash));
    }
    let (mut best, mut score) = (None, f64::INFINITY);
    for block in 0..candidates.blocks() {
        for position in candidates.block(block) {
            let member = view.member(position);
            // Below 2^53: a signed conversion is one instruction, an unsigned one five.
            let unit = ((rank_hash(session, member.hash) >> 11) + 1) as i64 as f64 * (1.0 / (1_u64 << 53) as f64);
            // 1 − u ≤ −ln(u): most are beaten without a logarithm.
            if 1.0 - unit < score * member.weight {
                let other = -unit.ln() / member.weight;
                if other < score {
                    (best, score) = (Some(position), other);
                }
            }
        }
    }
    best
}

/// Hash of (session, provider) from two well-mixed hashes: both halves of their 128-bit product with a constant between.
#[inline]
fn rank_hash(session: u64, provider: u64) -> u64 {
    let product = u128::from(session ^ provider) * u128::from(provider | 1);
    (product as u64) ^ (product >> 64) as u64
}

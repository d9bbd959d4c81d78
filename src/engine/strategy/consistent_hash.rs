//! Consistent hashing with bounded loads: the same session goes to the same provider, as long as that one does not have
//! over 1.25 × its fair share of the attempts in flight; then to the session's next choice.
//!
//! Each session ranks the providers by a hash of (session, provider) scaled by weight (rendezvous hashing: Thaler,
//! Ravishankar, "Using name-based mappings to increase hit rates", IEEE/ACM ToN 6(1), 1998; weighted form after Schindelhauer, Schomaker, SPAA 2005). When a
//! provider leaves, only its sessions move, and they spread over all others. The bound is that of Mirrokni, Thorup,
//! Zadimoghaddam, "Consistent Hashing with Bounded Loads" (SODA 2018): ⌈1.25 × (in flight + 1) × weight share⌉.
//! A request without a session is placed by its id, which is no more than `weighted-random` with a load bound.

use std::sync::Arc;

use super::super::bits::{Bits, Candidates};
use super::super::pool::Place;
use super::View;
use super::choices::{Choices, Known, NEXT};
use crate::rng;

/// How far above its fair share of the load a provider may go.
const BALANCE_FACTOR: f64 = 1.25;

/// What is known of the sessions that were seen lately.
pub(crate) struct ConsistentHash {
    choices: Arc<Choices>,
}

impl ConsistentHash {
    pub fn new(choices: Arc<Choices>) -> ConsistentHash {
        ConsistentHash { choices }
    }

    #[inline(never)]
    pub fn choose(&self, view: &View<'_>, candidates: &impl Candidates) -> usize {
        let session = rng::mix(view.request.session.unwrap_or(view.request.id));
        let known = self.choices.get(session);
        // The first choice of all is that of some, too, if it is one of them.
        let first = known.map(|known| known.first).filter(|position| candidates.contains(*position));
        let first = first.unwrap_or_else(|| self.find_first(view, session, candidates));
        // None at all is below any bound.
        if view.in_flight(first) == 0 {
            return first;
        }
        let bound = Bound::of(view, candidates);
        if bound.admits(view, first) {
            return first;
        }
        // Where the first of all is no candidate, the next ones of all still come before the others.
        let next = known.and_then(Known::next).or_else(|| self.find_next(view, session, first, candidates));
        let is_open = |position: &usize| candidates.contains(*position) && bound.admits(view, *position);
        let next = next.and_then(|next| next.into_iter().find(is_open));
        next.or_else(|| best_below(view, session, bound, candidates)).unwrap_or(first)
    }

    #[inline(never)]
    fn find_first(&self, view: &View<'_>, session: u64, candidates: &impl Candidates) -> usize {
        let first = first_choice(view, session, candidates).expect("candidates are not empty");
        if is_kept(view, candidates) {
            self.choices.keep_first(session, first);
        }
        first
    }

    /// The choices after `first`, where they are kept. Those of few repeat the last one.
    #[inline(never)]
    fn find_next(&self, view: &View<'_>, session: u64, first: usize, candidates: &impl Candidates) -> Option<[usize; NEXT]> {
        if !is_kept(view, candidates) {
            return None;
        }
        let (mut others, mut last) = (Bits::full(view.tier.members.len()), first);
        let next = std::array::from_fn(|_| {
            others.remove(last);
            last = first_choice(view, session, &others).unwrap_or(last);
            last
        });
        self.choices.keep_next(session, next);
        Some(next)
    }
}

/// Whether a choice is one among all, and a request without a session does not come again.
#[inline]
fn is_kept(view: &View<'_>, candidates: &impl Candidates) -> bool {
    view.request.session.is_some() && candidates.count() == view.tier.members.len()
}

/// How many attempts in flight each may have.
#[derive(Clone, Copy)]
struct Bound {
    /// For all of the weight together,
    whole: f64,
    /// which is this.
    weight: f64,
}

impl Bound {
    #[inline]
    fn of(view: &View<'_>, candidates: &impl Candidates) -> Bound {
        let all = candidates.count() == view.tier.members.len();
        let (in_flight, weight) = if all { (in_flight(&view.tier.places), view.tier.weight) } else { load(view, candidates) };
        Bound { whole: BALANCE_FACTOR * (in_flight + 1) as i64 as f64, weight }
    }

    /// Whether a provider is below it. A whole number is below ⌈x⌉ if and only if it is below x; and to divide would take longer.
    #[inline]
    fn admits(self, view: &View<'_>, position: usize) -> bool {
        f64::from(view.in_flight(position)) * self.weight < self.whole * view.member(position).weight
    }
}

#[inline]
fn in_flight(places: &[Place]) -> u64 {
    let in_flight = |place: &Place| u64::from(place.slot.mirror.in_flight());
    let (pairs, rest) = places.as_chunks::<2>();
    // Two sums, neither of which waits for the other.
    let (even, odd) = pairs.iter().fold((0, 0), |(even, odd), [a, b]| (even + in_flight(a), odd + in_flight(b)));
    even + odd + rest.iter().map(in_flight).sum::<u64>()
}

/// Attempts in flight and weight of some.
fn load(view: &View<'_>, candidates: &impl Candidates) -> (u64, f64) {
    let both = candidates.iter().map(|position| (u64::from(view.in_flight(position)), view.member(position).weight));
    both.fold((0, 0.0), |(sum, weights), (in_flight, weight)| (sum + in_flight, weights + weight))
}

/// The best of those below the bound. There is one: were all at it, their sum would exceed the attempts in flight.
#[inline(never)]
fn best_below(view: &View<'_>, session: u64, bound: Bound, candidates: &impl Candidates) -> Option<usize> {
    let mut below = Bits::empty(view.tier.members.len());
    candidates.iter().for_each(|position| below.insert_if(position, bound.admits(view, position)));
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
                // A tiny weight may make all scores infinite.
                if other < score || best.is_none() {
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

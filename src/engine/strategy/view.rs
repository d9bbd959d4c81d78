//! What a strategy may look at: the load and the estimates of the members of a tier, at one instant.

use super::super::bits::{Bits, Candidates, Ones, nth_one};
use super::super::latency;
use super::super::pool::{Member, Tier};
use super::super::request::Request;
use super::super::slot::Mirror;
use super::super::typical::Typical;
use crate::rng::Draws;
use crate::time::Nanos;

/// One pick's view of a tier. What only some strategies need is made when they ask for it.
pub(crate) struct View<'a> {
    pub now: Nanos,
    pub request: &'a Request,
    pub tier: &'a Tier,
    pub typical: &'a Typical,
    /// Root of the draws.
    pub draws: u64,
}

/// The candidates of one block that share the lowest score.
#[derive(Clone, Copy)]
struct Ties<S> {
    score: S,
    block: usize,
    mask: u64,
    /// Weight of all tied ones of this and earlier blocks; 0 until it is needed.
    weight: f64,
}

impl View<'_> {
    /// The draws of this pick, always from the first: a strategy asks once.
    #[inline]
    pub fn draws(&self) -> Draws {
        Draws::under(self.draws, self.request.id).attempt(self.request.tried.attempts())
    }

    #[inline]
    pub fn member(&self, position: usize) -> &Member {
        &self.tier.members[position]
    }

    #[inline]
    pub fn mirror(&self, position: usize) -> &Mirror {
        &self.tier.places[position].slot.mirror
    }

    /// Attempts in flight.
    #[inline]
    pub fn in_flight(&self, position: usize) -> u32 {
        self.mirror(position).in_flight()
    }

    /// Proportional to the attempts in flight per weight.
    #[inline]
    pub fn load(&self, position: usize) -> f64 {
        let place = &self.tier.places[position];
        f64::from(place.slot.mirror.in_flight()) * place.inverse_weight
    }

    /// Proportional to `latency` × (attempts in flight + 1) per weight: the expected work ahead.
    #[inline]
    pub fn work(&self, position: usize, latency: f64) -> f64 {
        let place = &self.tier.places[position];
        latency * (f64::from(place.slot.mirror.in_flight()) + 1.0) * place.inverse_weight
    }

    /// Share of its limits that is left, 0…1.
    #[inline]
    pub fn headroom(&self, position: usize) -> f64 {
        let own = self.mirror(position).headroom(self.now);
        self.tier.places[position].group().map_or(own, |group| own.min(group.headroom()))
    }

    /// Expected time of a typical request, ns, where `pool` is that of the whole pool. Without an answer so far: the
    /// pool's. An estimate that is older than its time constant moves from the slow side towards the pool's, so that a
    /// provider which was slow once is tried again. Attempts in flight that are older than the estimate count in full: a
    /// hung provider is seen early.
    #[inline]
    pub fn latency(&self, position: usize, pool: f64) -> f64 {
        let mirror = self.mirror(position);
        let estimate = match mirror.typical() {
            None => pool,
            Some((typical, _)) if typical <= pool => typical,
            Some((typical, at)) => {
                let age = self.now.since(at).as_f64() * (1.0 / (3.0 * latency::TAU));
                pool + (typical - pool) / (1.0 + age)
            }
        };
        mirror.at_least_mean_age(self.now, estimate)
    }

    /// The peak-sensitive estimate, faded to `now`, ns, with the edges of [`View::latency`].
    #[inline]
    pub fn peak_latency(&self, position: usize, pool: f64) -> f64 {
        let mirror = self.mirror(position);
        let estimate = match mirror.peak() {
            None => pool,
            Some((peak, at)) => {
                let rest = peak.min(pool);
                rest + (peak - rest) * latency::fade(self.now, at)
            }
        };
        mirror.at_least_mean_age(self.now, estimate)
    }

    /// The candidate with the lowest score; ties at random, in proportion to the weights.
    #[inline]
    pub fn lowest<C: Candidates, S: PartialOrd + Copy>(&self, candidates: &C, score: impl Fn(usize) -> S) -> Option<usize> {
        let mut best = None;
        for block in 0..candidates.blocks() {
            if let Some(ties) = lowest_in(candidates.block(block), block, &score) {
                best = Some(best.map_or(ties, |best| self.merge(best, ties)));
            }
        }
        best.map(|best| self.resolve(best))
    }

    /// The better of two blocks. Where both hold lowest ones, one block takes part, chosen by the weights in it.
    #[inline]
    fn merge<S: PartialOrd + Copy>(&self, best: Ties<S>, ties: Ties<S>) -> Ties<S> {
        if ties.score < best.score {
            ties
        } else if ties.score > best.score {
            best
        } else {
            self.one_of(best, ties)
        }
    }

    /// Reservoir sampling over blocks: each holds its place with its share of the weight so far. A draw of its own for
    /// each block, apart from the one that [`View::resolve`] takes.
    #[inline(never)]
    fn one_of<S>(&self, best: Ties<S>, ties: Ties<S>) -> Ties<S> {
        let weight = |ties: &Ties<S>| Ones::new(ties.mask, ties.block * 64).map(|position| self.member(position).weight).sum::<f64>();
        let new = weight(&ties);
        let weight = new + if best.weight > 0.0 { best.weight } else { weight(&best) };
        let takes_over = self.draws().attempt(ties.block as u32).unit() * weight < new;
        Ties { weight, ..if takes_over { ties } else { best } }
    }

    /// One of the lowest, in proportion to the weights.
    #[inline]
    fn resolve<S>(&self, ties: Ties<S>) -> usize {
        let base = ties.block * 64;
        if ties.mask & (ties.mask - 1) == 0 {
            return base + ties.mask.trailing_zeros() as usize;
        }
        base + if self.tier.weighted { self.weighted_one(ties.mask, base) } else { self.any_one(ties.mask) }
    }

    #[inline(never)]
    fn any_one(&self, mask: u64) -> usize {
        // All of the first n, as in an idle pool: nothing to count.
        let ones = if mask & mask.wrapping_add(1) == 0 { mask.trailing_ones() } else { mask.count_ones() };
        let rank = self.draws().below(ones.into()) as usize;
        if mask >> rank & 1 == 1 && mask.trailing_ones() as usize > rank { rank } else { nth_one(mask, rank) }
    }

    #[inline(never)]
    fn weighted_one(&self, mask: u64, base: usize) -> usize {
        let weights = || Ones::new(mask, 0).map(|bit| (bit, self.member(base + bit).weight));
        let mut point = self.draws().unit() * weights().map(|(_, weight)| weight).sum::<f64>();
        for (bit, weight) in weights() {
            if point < weight {
                return bit;
            }
            point -= weight;
        }
        // Rounding can leave a point behind the last one.
        63 - mask.leading_zeros() as usize
    }

    /// `choices` distinct random candidates (all of them if there are not more), the best of which `score` decides.
    #[inline]
    pub fn best_of<C: Candidates>(&self, candidates: &C, choices: usize, score: impl Fn(usize) -> f64) -> Option<usize> {
        let count = candidates.count();
        if choices != 2 || count <= 2 {
            return self.best_of_sample(candidates, choices, score);
        }
        let mut draws = self.draws();
        let first = draws.below(count as u64) as usize;
        let second = draws.below(count as u64 - 1) as usize;
        let second = second + usize::from(second >= first);
        let (first, second) = (candidates.nth(first)?, candidates.nth(second)?);
        let (a, b) = (score(first), score(second));
        if a != b || !self.tier.weighted {
            // Of an equal pair the first, which is as random as the pair.
            return Some(if b < a { second } else { first });
        }
        let (a, b) = (self.member(first).weight, self.member(second).weight);
        Some(if draws.unit() * (a + b) < a { first } else { second })
    }

    #[inline(never)]
    fn best_of_sample<C: Candidates>(&self, candidates: &C, choices: usize, score: impl Fn(usize) -> f64) -> Option<usize> {
        let count = candidates.count();
        if choices >= count {
            return self.lowest(candidates, score);
        }
        let sampled = self.sample(candidates, count, choices);
        self.lowest(&sampled, score)
    }

    /// Floyd's sampling without replacement (Bentley, Floyd: "A Sample of Brilliance", CACM 30(9), 1987).
    fn sample<C: Candidates>(&self, candidates: &C, count: usize, choices: usize) -> Bits {
        // The draws after the one that a tie takes.
        let mut draws = self.draws();
        draws.next_u64();
        let mut ranks = Bits::empty(count);
        for last in count - choices..count {
            let rank = draws.below(last as u64 + 1) as usize;
            ranks.insert(if ranks.contains(rank) { last } else { rank });
        }
        let mut sampled = Bits::empty(self.tier.members.len());
        ranks.iter().filter_map(|rank| candidates.nth(rank)).for_each(|position| sampled.insert(position));
        sampled
    }
}

/// The lowest of a block, without a branch on the scores: which of many is lowest cannot be predicted.
#[inline]
fn lowest_in<S: PartialOrd + Copy>(
    mut positions: impl Iterator<Item = usize>,
    block: usize,
    score: impl Fn(usize) -> S,
) -> Option<Ties<S>> {
    let first = positions.next()?;
    let (mut lowest, mut mask) = (score(first), 1_u64 << (first % 64));
    for position in positions {
        let value = score(position);
        let bit = 1_u64 << (position % 64);
        mask = if value < lowest { 0 } else { mask };
        lowest = if value < lowest { value } else { lowest };
        mask |= if value == lowest { bit } else { 0 };
    }
    Some(Ties { score: lowest, block, mask, weight: 0.0 })
}

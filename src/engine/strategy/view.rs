//! What a strategy may look at: the load and the estimates of the members of a tier, at one instant.

use super::super::bits::{Bits, Candidates, Ones, nth_one};
use super::super::latency;
use super::super::pool::{Member, Place, Tier};
use super::super::request::Request;
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
#[derive(Clone, Copy, Debug)]
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

    /// Attempts in flight.
    #[inline]
    pub fn in_flight(&self, position: usize) -> u32 {
        self.tier.places[position].slot.mirror.in_flight()
    }

    /// Proportional to the attempts in flight per weight.
    #[inline]
    pub fn load(place: &Place) -> u64 {
        place.slot.mirror.score()
    }

    /// Proportional to `latency` × (attempts in flight + 1) per weight: the expected work ahead.
    #[inline]
    pub fn work(place: &Place, latency: f64) -> u64 {
        key(latency * f64::from_bits(place.slot.mirror.score()) * place.inverse_weight)
    }

    /// Share of its limits that is left, 0…1.
    #[inline]
    pub fn headroom(place: &Place) -> f64 {
        let own = place.slot.mirror.headroom();
        place.group().map_or(own, |group| own.min(group.headroom()))
    }

    /// Expected time of a typical request, ns, where `pool` is that of the whole pool. Without an answer so far: the
    /// pool's. An estimate that is older than its time constant moves from the slow side towards the pool's, so that a
    /// provider which was slow once is tried again. Attempts in flight that are older than the estimate count in full: a
    /// hung provider is seen early.
    #[inline]
    pub fn latency(&self, place: &Place, pool: f64) -> f64 {
        let mirror = &place.slot.mirror;
        let (typical, at) = mirror.typical_or(pool);
        let estimate = if typical <= pool {
            typical
        } else {
            let age = self.now.since(at).as_f64() * (1.0 / (3.0 * latency::TAU));
            pool + (typical - pool) / (1.0 + age)
        };
        mirror.at_least_mean_age(self.now, estimate)
    }

    /// The peak-sensitive estimate, faded to `now`, ns, with the edges of [`View::latency`].
    #[inline]
    pub fn peak_latency(&self, place: &Place, pool: f64) -> f64 {
        let mirror = &place.slot.mirror;
        let (peak, at) = mirror.peak_or(pool);
        let rest = if peak < pool { peak } else { pool };
        mirror.at_least_mean_age(self.now, rest + (peak - rest) * latency::fade(self.now, at))
    }

    /// The candidate with the lowest score; ties at random, in proportion to the weights. See [`key`] for scores that are floats.
    #[inline]
    pub fn lowest<C: Candidates, S: Ord + Copy>(&self, candidates: &C, score: impl Fn(&Place, &Member) -> S) -> Option<usize> {
        let first = self.lowest_in(candidates, 0, &score);
        if candidates.blocks() <= 1 {
            return first.map(|ties| self.resolve(ties));
        }
        self.lowest_of_blocks(candidates, first, score)
    }

    #[inline(never)]
    fn lowest_of_blocks<C: Candidates, S: Ord + Copy>(
        &self,
        candidates: &C,
        mut best: Option<Ties<S>>,
        score: impl Fn(&Place, &Member) -> S,
    ) -> Option<usize> {
        for block in 1..candidates.blocks() {
            if let Some(ties) = self.lowest_in(candidates, block, &score) {
                best = Some(best.map_or(ties, |best| self.merge(best, ties)));
            }
        }
        best.map(|best| self.resolve(best))
    }

    /// The lowest of a block.
    #[inline]
    fn lowest_in<C: Candidates, S: Ord + Copy>(
        &self,
        candidates: &C,
        block: usize,
        score: impl Fn(&Place, &Member) -> S,
    ) -> Option<Ties<S>> {
        const AHEAD: usize = 4;
        let (places, members) = (&self.tier.places[block * 64..], &self.tier.members[block * 64..]);
        let first = candidates.block(block).next()? % 64;
        let mut ties = Ties::of(score(&places[first], &members[first]), block, 1 << first);
        if let Some(count) = candidates.all_of(block) {
            let (places, members) = (places[..count].chunks_exact(AHEAD), members[..count].chunks_exact(AHEAD));
            let mut bit = 1;
            let rest = places.remainder().iter().zip(members.remainder());
            for (places, members) in places.zip(members) {
                for lane in 0..AHEAD {
                    ties.consider(bit << lane, score(&places[lane], &members[lane]));
                }
                bit <<= AHEAD;
            }
            for (place, member) in rest {
                ties.consider(bit, score(place, member));
                bit <<= 1;
            }
        } else {
            for position in candidates.block(block) {
                let lane = position % 64;
                ties.consider(1 << lane, score(&places[lane], &members[lane]));
            }
        }
        Some(ties)
    }

    /// The first of the candidates with the lowest score.
    #[inline]
    pub fn first_lowest<C: Candidates>(&self, candidates: &C, score: impl Fn(&Place, &Member) -> u64) -> Option<usize> {
        let mut best: Option<Ties<u64>> = None;
        for block in 0..candidates.blocks() {
            if let Some(ties) = self.lowest_in(candidates, block, &score)
                && best.is_none_or(|best| ties.score < best.score)
            {
                best = Some(ties);
            }
        }
        best.map(|best| best.block * 64 + best.mask.trailing_zeros() as usize)
    }

    /// The better of two blocks. Where both hold lowest ones, one block takes part, chosen by the weights in it.
    #[inline]
    fn merge<S: Ord + Copy>(&self, best: Ties<S>, ties: Ties<S>) -> Ties<S> {
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
        if !self.tier.sums.is_empty() {
            return self.whole_weighted_one(mask, base);
        }
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

    /// The same where all weights are whole: then sums of them are exact in any order, and integers tell without a branch where
    /// the point lies.
    #[inline]
    fn whole_weighted_one(&self, mask: u64, base: usize) -> usize {
        let sums = &self.tier.sums[base..];
        let (first, run) = (mask.trailing_zeros() as usize, mask >> mask.trailing_zeros());
        let unit = self.draws().unit();
        // Neighbours, as in an idle pool.
        if run & run.wrapping_add(1) == 0 {
            let sums = &sums[first..=first + run.trailing_ones() as usize];
            let point = sums[0] + (unit * (sums[sums.len() - 1] - sums[0]) as f64) as u64;
            let passed = sums[1..].partition_point(|sum| *sum <= point);
            return first + passed.min(sums.len() - 2);
        }
        let weights = || Ones::new(mask, 0).map(|bit| (bit, sums[bit + 1] - sums[bit]));
        let point = (unit * weights().map(|(_, weight)| weight).sum::<u64>() as f64) as u64;
        let (mut chosen, mut passed) = (first, 0);
        for (bit, weight) in weights() {
            chosen = if passed <= point { bit } else { chosen };
            passed += weight;
        }
        chosen
    }

    /// `choices` distinct random candidates (all of them if there are not more), the best of which `score` decides.
    #[inline]
    pub fn best_of<C: Candidates>(&self, candidates: &C, choices: usize, score: impl Fn(&Place, &Member) -> u64) -> Option<usize> {
        let count = candidates.count();
        if choices != 2 || count <= 2 {
            return self.best_of_sample(candidates, choices, score);
        }
        let mut draws = self.draws();
        let first = draws.below(count as u64) as usize;
        let second = draws.below(count as u64 - 1) as usize;
        let second = second + usize::from(second >= first);
        let (first, second) = (candidates.nth(first)?, candidates.nth(second)?);
        let score = |position: usize| score(&self.tier.places[position], &self.tier.members[position]);
        let (a, b) = (score(first), score(second));
        if a != b || !self.tier.weighted {
            // Of an equal pair the first, which is as random as the pair.
            return Some(if b < a { second } else { first });
        }
        let (a, b) = (self.member(first).weight, self.member(second).weight);
        Some(if draws.unit() * (a + b) < a { first } else { second })
    }

    #[inline(never)]
    fn best_of_sample<C: Candidates>(&self, candidates: &C, choices: usize, score: impl Fn(&Place, &Member) -> u64) -> Option<usize> {
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

impl<S: Ord + Copy> Ties<S> {
    /// The first candidate, alone. It is looked at again with all others, and when its load has risen meanwhile, by another thread,
    /// nobody may be as low as it was: it must not be lost then.
    #[inline]
    fn of(score: S, block: usize, bit: u64) -> Ties<S> {
        Ties { score, block, mask: bit, weight: 0.0 }
    }

    /// Without a branch on the score: which of many is lowest cannot be predicted.
    #[inline]
    fn consider(&mut self, bit: u64, score: S) {
        self.mask = if score < self.score { 0 } else { self.mask };
        self.score = if score < self.score { score } else { self.score };
        self.mask |= if score == self.score { bit } else { 0 };
    }
}

/// A float as an integer of the same order, which is compared in half the time. Not for what is below zero.
#[inline]
pub(crate) fn key(score: f64) -> u64 {
    debug_assert!(score >= 0.0 && score.is_sign_positive(), "{score}");
    score.to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the ties are of scores by bit, where the first was `first` when it was looked at before.
    fn ties(first: u64, scores: &[u64]) -> u64 {
        let mut ties = Ties::of(first, 0, 1);
        scores.iter().enumerate().for_each(|(bit, score)| ties.consider(1 << bit, *score));
        ties.mask
    }

    #[test]
    fn the_lowest_are_found_and_there_is_always_one() {
        assert_eq!(ties(3, &[3, 4, 3, 5]), 0b101);
        assert_eq!(ties(3, &[3, 2, 3, 2]), 0b1010);
        // The score of the first changes between two looks at it.
        assert_eq!(ties(3, &[2, 3, 4]), 0b001);
        assert_eq!(ties(3, &[4, 4, 5]), 0b001);
        assert_eq!(ties(3, &[4, 3, 5]), 0b011);
    }
}

//! What a strategy may look at: the load and the estimates of the members of a tier, at one instant.

use super::super::bits::{Bits, Candidates, Ones, nth_one};
use super::super::pool::{Member, Place, Tier};
use super::super::request::Request;
use super::super::typical::Typical;
use super::super::wheel::Wheel;
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

    /// Proportional to the expected latency × (attempts in flight + 1) per weight: the expected work ahead. Attempts in flight that
    /// are older than what is expected count in full.
    #[inline]
    pub fn work(&self, place: &Place) -> u64 {
        match place.slot.mirror.late_by(self.now) {
            None => place.slot.mirror.score(),
            Some(age) => key(age.as_f64() * (f64::from(place.slot.mirror.in_flight()) + 1.0) * place.inverse_weight),
        }
    }

    /// [`View::work`] in nanoseconds per weight.
    pub fn work_ns(&self, position: usize) -> f64 {
        let place = &self.tier.places[position];
        f64::from_bits(self.work(place)) / (place.inverse_weight * self.member(position).weight)
    }

    /// Share of its limits that is left, 0…1.
    #[inline]
    pub fn headroom(place: &Place) -> f64 {
        let own = place.slot.mirror.headroom();
        place.group().map_or(own, |group| own.min(group.headroom()))
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

    /// [`View::lowest`] of the first 64 members, of which `word` has the bits of the candidates; `wheel` has all that are tied.
    #[inline]
    pub fn lowest_of<S: Ord + Copy>(&self, word: u64, wheel: &Wheel, score: impl Fn(&Place, &Member) -> S) -> Option<usize> {
        let Ties { mask, .. } = self.lowest_ones(word, 0, score)?;
        Some(if mask & (mask - 1) == 0 { mask.trailing_zeros() as usize } else { self.weighted_one(mask, wheel) })
    }

    /// The lowest of those of a block that `word` has the bits of.
    #[inline]
    fn lowest_ones<S: Ord + Copy>(&self, word: u64, block: usize, score: impl Fn(&Place, &Member) -> S) -> Option<Ties<S>> {
        let (places, members) = (&self.tier.places[block * 64..], &self.tier.members[block * 64..]);
        let mut ones = Ones::new(word, 0);
        let first = ones.next()?;
        let mut ties = Ties::of(score(&places[first], &members[first]), block, 1 << first);
        ones.for_each(|position| ties.consider(1 << position, score(&places[position], &members[position])));
        Some(ties)
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
    #[inline(always)]
    fn lowest_in<C: Candidates, S: Ord + Copy>(
        &self,
        candidates: &C,
        block: usize,
        score: impl Fn(&Place, &Member) -> S,
    ) -> Option<Ties<S>> {
        const LANES: usize = 2;
        let Some(count) = candidates.all_of(block) else { return self.lowest_ones(candidates.word(block), block, score) };
        let (places, members) = (&self.tier.places[block * 64..][..count], &self.tier.members[block * 64..][..count]);
        let mut ties = Ties::of(score(places.first()?, members.first()?), block, 1);
        let (places, members) = (places.chunks_exact(LANES), members.chunks_exact(LANES));
        let (mut bit, mut lanes) = (1, [ties; LANES]);
        let rest = places.remainder().iter().zip(members.remainder());
        // What one comparison finds is not waited for by the next.
        for (places, members) in places.zip(members) {
            for lane in 0..LANES {
                lanes[lane].consider(bit << lane, score(&places[lane], &members[lane]));
            }
            bit <<= LANES;
        }
        for (place, member) in rest {
            ties.consider(bit, score(place, member));
            bit <<= 1;
        }
        lanes.into_iter().for_each(|lane| ties.add(lane));
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
        base + if self.tier.weighted { self.weighted_one(ties.mask, &self.tier.wheels[ties.block]) } else { self.any_one(ties.mask, base) }
    }

    /// Draws from the whole block, which need not wait until it is known who is tied, and from the tied ones only if that is not
    /// one of them: the probabilities are the same.
    #[inline(never)]
    fn any_one(&self, mask: u64, base: usize) -> usize {
        let mut draws = self.draws();
        let one = draws.below((self.tier.members.len() - base).min(64) as u64) as usize;
        if mask >> one & 1 == 1 { one } else { nth_one(mask, draws.below(mask.count_ones().into()) as usize) }
    }

    /// [`View::any_one`] with weights.
    #[inline(never)]
    fn weighted_one(&self, mask: u64, wheel: &Wheel) -> usize {
        let mut draws = self.draws();
        let one = wheel.at(draws.next_u64());
        if mask >> one & 1 == 1 { one } else { weighted_one_of(mask, wheel, draws) }
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
        // The draws after those that a tie takes.
        let mut draws = self.draws();
        draws.next_u64();
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

/// One of the bits of `mask`, which weigh what they do on the wheel.
#[inline(never)]
fn weighted_one_of(mask: u64, wheel: &Wheel, mut draws: Draws) -> usize {
    let weights = || Ones::new(mask, 0).map(|bit| (bit, wheel.weight(bit)));
    let point = draws.below(weights().map(|(_, weight)| weight).sum());
    let (mut chosen, mut passed) = (0, 0);
    for (bit, weight) in weights() {
        chosen = if passed <= point { bit } else { chosen };
        passed += weight;
    }
    chosen
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

    /// Others of the same block.
    #[inline]
    fn add(&mut self, other: Ties<S>) {
        self.mask = if other.score < self.score { 0 } else { self.mask };
        self.mask |= if other.score > self.score { 0 } else { other.mask };
        self.score = if other.score < self.score { other.score } else { self.score };
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

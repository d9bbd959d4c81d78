//! Weighted random: any eligible provider with probability proportional to its weight.
//!
//! The same long-run shares as `weighted-round-robin`, without shared state, with multinomial fluctuation: after N picks
//! a share p is off by about √(p(1−p)/N).

use super::super::bits::Candidates;
use super::super::pool::Member;
use super::super::wheel::Wheel;
use super::View;

/// The weights in whole units.
pub(crate) struct WeightedRandom {
    wheel: Wheel,
}

/// Draws that may hit a provider that is not eligible before the eligible ones are summed instead.
const REJECTIONS_MAX: usize = 4;

impl WeightedRandom {
    pub fn new(members: &[Member]) -> WeightedRandom {
        WeightedRandom { wheel: Wheel::new(members.iter().map(|member| member.units)) }
    }

    /// O(1) while most weight is eligible: draws over all members and rejects the others, which leaves the
    /// proportions among the eligible ones exact; O(n) otherwise.
    #[inline]
    pub fn choose(&self, view: &View<'_>, candidates: &impl Candidates) -> usize {
        let mut draws = view.draws();
        for _ in 0..REJECTIONS_MAX {
            let position = self.wheel.at(draws.next_u64());
            if candidates.contains(position) {
                return position;
            }
        }
        self.choose_by_sum(view, candidates, draws.next_u64())
    }

    /// `draw` is uniform over 64 bits.
    #[inline(never)]
    fn choose_by_sum(&self, view: &View<'_>, candidates: &impl Candidates, draw: u64) -> usize {
        let eligible: u64 = candidates.iter().map(|position| view.member(position).units).sum();
        let mut point = ((u128::from(draw) * u128::from(eligible)) >> 64) as u64;
        for position in candidates.iter() {
            let units = view.member(position).units;
            if point < units {
                return position;
            }
            point -= units;
        }
        candidates.first_from(0).expect("candidates are not empty")
    }
}

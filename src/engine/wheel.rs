//! A draw in proportion to weights: whole numbers of it, without error, in a time that does not depend on how many there are.
//!
//! The guide table method (Chen, Asau, "On Generating Random Variates from an Empirical Distribution", AIIE Trans. 6(2), 1974):
//! the running sums of the weights, and for each of 256 equal parts of their whole the first one that reaches into it, from
//! which mostly no step is left to go.

/// Weights by position.
#[derive(Clone, Debug)]
pub(crate) struct Wheel {
    /// Running sums from 0 on: one more than weights.
    sums: Box<[u64]>,
    guide: Box<[u16; CELLS]>,
}

const CELLS: usize = 256;

impl Wheel {
    /// At most 65,535 weights, not all of them 0, with a sum below 2^56.
    pub fn new(weights: impl Iterator<Item = u64>) -> Wheel {
        let sums = weights.scan(0, |sum, weight| {
            *sum += weight;
            Some(*sum)
        });
        let sums: Box<[u64]> = std::iter::once(0).chain(sums).collect();
        let total = sums[sums.len() - 1];
        let first = |cell: usize| {
            let point = scaled((cell as u64) << 56, total);
            sums[1..].partition_point(|sum| *sum <= point) as u16
        };
        Wheel { guide: Box::new(std::array::from_fn(first)), sums }
    }

    /// The position that 64 uniform bits hit.
    #[inline]
    pub fn at(&self, bits: u64) -> usize {
        let point = scaled(bits, self.sums[self.sums.len() - 1]);
        let mut position = usize::from(self.guide[(bits >> 56) as usize]);
        while self.sums[position + 1] <= point {
            position += 1;
        }
        position
    }

    /// The weight at a position.
    #[inline]
    pub fn weight(&self, position: usize) -> u64 {
        self.sums[position + 1] - self.sums[position]
    }
}

/// `bits` / 2^64 of `total`, rounded down.
#[inline]
fn scaled(bits: u64, total: u64) -> u64 {
    ((u128::from(bits) * u128::from(total)) >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Stream};

    /// Against a walk along the weights, for random weights and for bits at both sides of every bound.
    #[test]
    fn hits_what_a_walk_along_the_weights_hits() {
        for case in 0..200 {
            let mut draw = Draws::new(3, Stream::Pick, case);
            let count = 1 + draw.below(if case % 10 == 0 { 1_024 } else { 20 }) as usize;
            let most = if case % 3 == 0 { 1_000_000_000_000 } else { 9 };
            // In some cases several weigh nothing.
            let least = |position: usize| u64::from(case % 4 > 0 || position == 0);
            let weights: Vec<u64> = (0..count).map(|position| least(position) + draw.below(most)).collect();
            let (wheel, total) = (Wheel::new(weights.iter().copied()), weights.iter().sum::<u64>());
            let walk = |bits: u64| {
                let mut left = scaled(bits, total);
                weights.iter().position(|weight| {
                    let hit = left < *weight;
                    left = left.wrapping_sub(*weight);
                    hit
                })
            };
            let mut sum = 0;
            for (position, weight) in weights.iter().enumerate() {
                assert_eq!(wheel.weight(position), *weight);
                sum += weight;
                let bound = ((u128::from(sum) << 64) / u128::from(total)).min(u128::from(u64::MAX)) as u64;
                for bits in [bound.saturating_sub(1), bound, bound.saturating_add(1), draw.next_u64()] {
                    assert_eq!(Some(wheel.at(bits)), walk(bits), "case {case}, {bits:x} of {weights:?}");
                }
            }
            for bits in [0, u64::MAX] {
                assert_eq!(Some(wheel.at(bits)), walk(bits));
            }
        }
    }
}

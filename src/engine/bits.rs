//! Sets of positions, for the candidates of a pick: no allocation.
//!
//! The usual set is everything, and then choosing needs no set at all: strategies are written against [`Candidates`]
//! and compiled twice, for [`All`], where a rank is a position, and for [`Bits`].

use std::ops::Range;

use super::config::PROVIDERS_MAX;

const WORDS: usize = PROVIDERS_MAX / 64;

/// A set of positions, in ascending order, seen in blocks of 64 so that what is found in one fits a word.
pub(crate) trait Candidates {
    /// The members of one block.
    type Block<'a>: Iterator<Item = usize>
    where
        Self: 'a;

    /// How many there are.
    fn count(&self) -> usize;

    /// Whether `position` is one.
    fn contains(&self, position: usize) -> bool;

    /// The first member at or after `position`.
    fn first_from(&self, position: usize) -> Option<usize>;

    /// The member with `rank` smaller ones; `None` if there are not that many.
    fn nth(&self, rank: usize) -> Option<usize>;

    /// Blocks 0…n−1 hold all members.
    fn blocks(&self) -> usize;

    /// How many there are in a block if they are known to be its first ones.
    fn all_of(&self, index: usize) -> Option<usize>;

    /// The members from 64 × `index` on, below 64 × (`index` + 1).
    fn block(&self, index: usize) -> Self::Block<'_>;

    /// The same as bits, the lowest for 64 × `index`.
    fn word(&self, index: usize) -> u64;

    /// Every member.
    #[inline]
    fn iter(&self) -> impl Iterator<Item = usize> {
        (0..self.blocks()).flat_map(|index| self.block(index))
    }
}

/// All of 0…n−1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct All(pub usize);

impl Candidates for All {
    type Block<'a> = Range<usize>;

    #[inline]
    fn count(&self) -> usize {
        self.0
    }

    #[inline]
    fn contains(&self, position: usize) -> bool {
        position < self.0
    }

    #[inline]
    fn first_from(&self, position: usize) -> Option<usize> {
        (position < self.0).then_some(position)
    }

    #[inline]
    fn nth(&self, rank: usize) -> Option<usize> {
        (rank < self.0).then_some(rank)
    }

    #[inline]
    fn blocks(&self) -> usize {
        self.0.div_ceil(64)
    }

    #[inline]
    fn all_of(&self, index: usize) -> Option<usize> {
        Some((self.0 - index * 64).min(64))
    }

    #[inline]
    fn block(&self, index: usize) -> Range<usize> {
        index * 64..self.0.min(index * 64 + 64)
    }

    #[inline]
    fn word(&self, index: usize) -> u64 {
        match self.0 - index * 64 {
            few @ 0..64 => (1 << few) - 1,
            _ => u64::MAX,
        }
    }
}

/// A subset of 0…`len`−1. It keeps its size: to count bits takes a dozen instructions a word.
#[derive(Clone, Debug)]
pub(crate) struct Bits {
    words: [u64; WORDS],
    len: usize,
    count: usize,
}

impl Bits {
    /// No members, room for `len` positions.
    #[inline]
    pub fn empty(len: usize) -> Bits {
        debug_assert!(len <= PROVIDERS_MAX);
        Bits { words: [0; WORDS], len, count: 0 }
    }

    /// All of 0…`len`−1.
    #[inline]
    pub fn full(len: usize) -> Bits {
        let mut bits = Bits::empty(len);
        for word in &mut bits.words[..len / 64] {
            *word = u64::MAX;
        }
        if !len.is_multiple_of(64) {
            bits.words[len / 64] = (1 << (len % 64)) - 1;
        }
        bits.count = len;
        bits
    }

    #[inline]
    pub fn insert(&mut self, position: usize) {
        self.insert_if(position, !self.contains(position));
    }

    /// Inserts `position`, which is not a member, iff `present`; without a branch.
    #[inline]
    pub fn insert_if(&mut self, position: usize, present: bool) {
        self.words[position / 64] |= u64::from(present) << (position % 64);
        self.count += usize::from(present);
    }

    #[inline]
    pub fn remove(&mut self, position: usize) {
        self.count -= usize::from(self.contains(position));
        self.words[position / 64] &= !(1 << (position % 64));
    }

    #[inline]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl Candidates for Bits {
    type Block<'a> = Ones;

    #[inline]
    fn count(&self) -> usize {
        self.count
    }

    #[inline]
    fn contains(&self, position: usize) -> bool {
        self.words[position / 64] >> (position % 64) & 1 == 1
    }

    #[inline]
    fn first_from(&self, position: usize) -> Option<usize> {
        if position >= self.len {
            return None;
        }
        let mut index = position / 64;
        let mut word = self.words[index] & (u64::MAX << (position % 64));
        while word == 0 {
            index += 1;
            if index * 64 >= self.len {
                return None;
            }
            word = self.words[index];
        }
        Some(index * 64 + word.trailing_zeros() as usize)
    }

    #[inline]
    fn nth(&self, mut rank: usize) -> Option<usize> {
        for (index, &word) in self.words[..self.blocks()].iter().enumerate() {
            let ones = word.count_ones() as usize;
            if rank < ones {
                return Some(index * 64 + nth_one(word, rank));
            }
            rank -= ones;
        }
        None
    }

    #[inline]
    fn blocks(&self) -> usize {
        self.len.div_ceil(64)
    }

    #[inline]
    fn all_of(&self, _: usize) -> Option<usize> {
        None
    }

    #[inline]
    fn block(&self, index: usize) -> Ones {
        Ones::new(self.words[index], index * 64)
    }

    #[inline]
    fn word(&self, index: usize) -> u64 {
        self.words[index]
    }
}

/// Position of the set bit of `word` with `rank` lower ones; there must be one. Without a branch: the byte from running sums of
/// all eight at once (Vigna, "Broadword Implementation of Rank/Select Queries", WEA 2008), the bit in it from a table.
#[inline]
pub(crate) fn nth_one(word: u64, rank: usize) -> usize {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * EACH;
    let pairs = word - ((word >> 1) & (0x55 * EACH));
    let nibbles = (pairs & (0x33 * EACH)) + ((pairs >> 2) & (0x33 * EACH));
    let sums = ((nibbles + (nibbles >> 4)) & (0x0f * EACH)).wrapping_mul(EACH);
    let passed = (((rank as u64 * EACH) | HIGH) - sums) & HIGH;
    let byte = ((passed >> 7).wrapping_mul(EACH) >> 56) as usize * 8;
    let below = (sums << 8) >> byte & 0xff;
    byte + usize::from(NTH_ONE[(word >> byte & 0xff) as usize][rank - below as usize])
}

/// The position of the n-th set bit of each byte.
static NTH_ONE: [[u8; 8]; 256] = {
    let mut table = [[0; 8]; 256];
    let mut byte = 0;
    while byte < 256 {
        let (mut bit, mut rank) = (0, 0);
        while bit < 8 {
            if byte >> bit & 1 == 1 {
                table[byte][rank] = bit;
                rank += 1;
            }
            bit += 1;
        }
        byte += 1;
    }
    table
};

/// The positions of the set bits of a word.
pub(crate) struct Ones {
    word: u64,
    base: usize,
}

impl Ones {
    /// Counted from `base`.
    #[inline]
    pub fn new(word: u64, base: usize) -> Ones {
        Ones { word, base }
    }
}

impl Iterator for Ones {
    type Item = usize;
    #[inline]
    fn next(&mut self) -> Option<usize> {
        if self.word == 0 {
            return None;
        }
        let position = self.base + self.word.trailing_zeros() as usize;
        self.word &= self.word - 1;
        Some(position)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::rng::{Draws, Stream};

    #[test]
    fn every_operation_agrees_with_an_ordered_set() {
        // Random subsets of 1…200 positions against BTreeSet.
        for case in 0..200_u64 {
            let mut draws = Draws::new(1, Stream::Pick, case);
            let len = 1 + draws.below(200) as usize;
            assert!(Bits::full(len).iter().eq(0..len) && All(len).iter().eq(0..len));
            assert_eq!((Bits::full(len).count(), All(len).count()), (len, len));
            assert!((0..len.div_ceil(64)).all(|index| Bits::full(len).word(index) == All(len).word(index)), "case {case}");
            let (mut bits, mut set) = (Bits::empty(len), BTreeSet::new());
            for _ in 0..draws.below(300) {
                let position = draws.below(len as u64) as usize;
                if draws.chance(0.7) {
                    bits.insert(position);
                    set.insert(position);
                } else {
                    bits.remove(position);
                    set.remove(&position);
                }
            }
            assert_eq!(bits.iter().collect::<Vec<_>>(), set.iter().copied().collect::<Vec<_>>(), "case {case}");
            assert_eq!((bits.count(), bits.is_empty()), (set.len(), set.is_empty()), "case {case}");
            for position in 0..len {
                assert_eq!(bits.contains(position), set.contains(&position));
                assert_eq!(bits.first_from(position), set.range(position..).next().copied(), "case {case} from {position}");
                assert_eq!(bits.nth(position), set.iter().nth(position).copied(), "case {case} nth {position}");
            }
        }
    }
}

//! A queue that allocates when room is made in it and then never again, and touches no more memory than it ever held.
//!
//! Room for many entries costs nothing until it is used. A ring over all of it would use it, however few it holds: it goes
//! round. So entries live in chunks, and the chunk that was left last is the next to be filled.

use std::collections::VecDeque;
use std::hint::black_box;

/// Entries in a chunk.
const CHUNK: usize = 64;

/// First in, first out, with access to all.
#[derive(Clone, Debug)]
pub(super) struct Ring<T> {
    /// All chunks that were ever used.
    slab: Vec<T>,
    /// Those in use, oldest first.
    used: VecDeque<u32>,
    free: Vec<u32>,
    /// Of the oldest entry, in the oldest chunk.
    head: usize,
    len: usize,
    /// Where the oldest entry and the next one are in the slab, the latter unless that is where a chunk begins.
    first: usize,
    next: usize,
}

impl<T: Copy> Ring<T> {
    /// One in so many entries lies in each line of memory.
    const LINE: usize = if size_of::<T>() < 64 { 64 / size_of::<T>() } else { 1 };

    /// Empty, without room.
    pub fn new() -> Ring<T> {
        Ring { slab: Vec::new(), used: VecDeque::new(), free: Vec::new(), head: 0, len: 0, first: 0, next: 0 }
    }

    /// Makes room for so many entries in all. More of them make it allocate.
    pub fn make_room(&mut self, room: usize) {
        // One chunk may be nearly left and another just begun.
        let chunks = room.div_ceil(CHUNK) + 1;
        self.slab.reserve((chunks * CHUNK).saturating_sub(self.slab.len()));
        self.used.reserve(chunks.saturating_sub(self.used.len()));
        self.free.reserve(chunks.saturating_sub(self.free.len()));
    }

    #[inline]
    pub fn push_back(&mut self, entry: T) {
        if (self.head + self.len).is_multiple_of(CHUNK) {
            self.begin_chunk(entry);
        }
        self.slab[self.next] = entry;
        (self.next, self.len) = (self.next + 1, self.len + 1);
    }

    /// `filling` stands in it until something else does.
    #[inline(never)]
    fn begin_chunk(&mut self, filling: T) {
        let position = self.head + self.len;
        if position == self.used.len() * CHUNK {
            let chunk = self.free.pop().unwrap_or_else(|| {
                let chunk = self.slab.len() / CHUNK;
                self.slab.resize(self.slab.len() + CHUNK, filling);
                chunk as u32
            });
            self.used.push_back(chunk);
        }
        self.next = self.place(position);
        if position == 0 {
            self.first = self.next;
        }
    }

    /// Takes the oldest as long as they are `over`, telling each; returns the oldest of the rest.
    #[inline]
    pub fn pop_while(&mut self, over: impl Fn(&T) -> bool, mut taken: impl FnMut(&T)) -> Option<&T> {
        while self.len > 0 {
            let entry = &self.slab[self.first];
            if !over(entry) {
                return self.slab.get(self.first);
            }
            taken(entry);
            (self.head, self.len, self.first) = (self.head + 1, self.len - 1, self.first + 1);
            if self.head == CHUNK {
                self.leave_chunk();
            }
        }
        None
    }

    #[inline(never)]
    fn leave_chunk(&mut self) {
        self.free.extend(self.used.pop_front());
        self.head = 0;
        let Some(oldest) = self.used.front() else { return };
        self.first = *oldest as usize * CHUNK;
        // They will be taken soon, and have not been touched for long. Asked for together, lines of memory come together.
        self.slab[self.first..][..CHUNK].iter().step_by(Self::LINE).for_each(|entry| _ = black_box(*entry));
    }

    pub fn pop_back(&mut self) -> Option<T> {
        let last = self.back().copied()?;
        // A chunk that was begun for it stays the last one.
        self.len -= 1;
        self.next = self.place(self.head + self.len);
        Some(last)
    }

    #[inline]
    pub fn get(&self, index: usize) -> Option<&T> {
        if index < self.len { self.slab.get(self.place(self.head + index)) } else { None }
    }

    #[inline]
    pub fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        let place = if index < self.len { self.place(self.head + index) } else { return None };
        self.slab.get_mut(place)
    }

    pub fn back(&self) -> Option<&T> {
        self.get(self.len.checked_sub(1)?)
    }

    pub fn back_mut(&mut self) -> Option<&mut T> {
        self.get_mut(self.len.checked_sub(1)?)
    }

    /// From the oldest on.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        (0..self.len).map(|index| &self.slab[self.place(self.head + index)])
    }

    /// Where an entry is, counted from the begin of the oldest chunk.
    #[inline]
    fn place(&self, position: usize) -> usize {
        self.used[position / CHUNK] as usize * CHUNK + position % CHUNK
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Stream};

    /// Random calls against a `VecDeque`. Within its room it does not grow, and holds no more chunks than were in use at one time.
    #[test]
    fn agrees_with_a_queue_and_stays_within_its_room() {
        for case in 0..100 {
            let mut draws = Draws::new(2, Stream::Pick, case);
            let room = 1 + draws.below(400) as usize;
            let (mut ring, mut queue, mut most) = (Ring::new(), VecDeque::new(), 0);
            ring.make_room(room);
            let capacity = (ring.slab.capacity(), ring.used.capacity(), ring.free.capacity());
            for step in 0..5_000_u64 {
                // Phases in which it fills and in which it empties.
                let fills = if step / 700 % 2 == 0 { 0.7 } else { 0.3 };
                if queue.len() < room && draws.chance(fills) {
                    ring.push_back(step);
                    queue.push_back(step);
                } else if draws.chance(0.1) {
                    assert_eq!(ring.pop_back(), queue.pop_back(), "case {case}, step {step}");
                } else {
                    // Entries are steps.
                    let over = queue.front().map_or(0, |front| front + draws.below(4));
                    let mut taken = Vec::new();
                    let oldest = ring.pop_while(|entry| *entry < over, |entry| taken.push(*entry)).copied();
                    for entry in taken {
                        assert_eq!(queue.pop_front(), Some(entry).filter(|entry| *entry < over), "case {case}, step {step}");
                    }
                    assert!(queue.front().is_none_or(|front| *front >= over), "case {case}, step {step}");
                    assert_eq!(oldest, queue.front().copied(), "case {case}, step {step}");
                }
                most = most.max(queue.len());
                let index = draws.below(room as u64) as usize;
                assert_eq!(ring.get_mut(index).copied(), queue.get(index).copied(), "case {case}, step {step}");
                assert_eq!(ring.get(index), queue.get(index), "case {case}, step {step}");
                assert_eq!((ring.get(0), ring.back()), (queue.front(), queue.back()), "case {case}, step {step}");
            }
            assert!(ring.iter().eq(&queue) && ring.iter().rev().eq(queue.iter().rev()), "case {case}");
            assert_eq!((ring.slab.capacity(), ring.used.capacity(), ring.free.capacity()), capacity, "case {case} has allocated");
            assert!(ring.slab.len() <= most.div_ceil(CHUNK) * CHUNK + CHUNK, "case {case}: {} for {most}", ring.slab.len());
        }
    }
}

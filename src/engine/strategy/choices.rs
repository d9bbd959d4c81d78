//! The choices of sessions, so that they need not be found out anew for every request.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::super::config::PROVIDERS_MAX;
use super::super::pool::Member;
use super::super::request::ProviderId;

/// So many choices after the first are kept.
pub(crate) const NEXT: usize = 3;

/// The first choices of up to 4,096 sessions among all members of a tier, whose membership and weights never change: the
/// next generation of the pool begins with nothing. Each place has room for four sessions, so that few of a thousand drive each other
/// out; of five that fall on one the four that came last keep it. 64 KiB.
pub(crate) struct Choices {
    places: Box<[Place; PLACES]>,
}

/// One for all tiers with the same members: thousands of models are served by few sets of providers.
#[derive(Default)]
pub(crate) struct Shelf(HashMap<Box<[ProviderId]>, Arc<Choices>>);

/// A line of memory.
#[repr(align(64))]
struct Place([Entry; SESSIONS]);

/// Of one session.
struct Entry {
    /// The session but for the bits that are its place, then the position of its first choice: in one word, so that another thread
    /// sees this one, the one before, or neither.
    first: AtomicU64,
    /// The high bits of the session, then the next choices; 0 while they are not known.
    next: AtomicU64,
}

/// Of a session that is known.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    pub first: usize,
    next: u64,
}

const SESSIONS: usize = 4;
const PLACES: usize = 1 << BITS;
const BITS: u32 = 10;
const NEXT_BITS: u32 = BITS * NEXT as u32;
/// What is left of a session beside its place and a position fill a word.
const _: () = assert!(PROVIDERS_MAX <= PLACES && NEXT_BITS < 64);

impl Shelf {
    /// Of a tier with these members.
    pub fn of(&mut self, members: &[Member]) -> Arc<Choices> {
        let ids = members.iter().map(|member| member.id).collect();
        Arc::clone(self.0.entry(ids).or_insert_with(|| Arc::new(Choices::new())))
    }
}

impl Choices {
    /// Nothing is known.
    pub fn new() -> Choices {
        let entry = || Entry { first: AtomicU64::new(0), next: AtomicU64::new(0) };
        let places: Box<[Place]> = (0..PLACES).map(|_| Place(std::array::from_fn(|_| entry()))).collect();
        let Ok(places) = places.try_into() else { unreachable!("so many were made") };
        Choices { places }
    }

    /// Of a session, a well-mixed hash, if it is known.
    #[inline]
    pub fn get(&self, session: u64) -> Option<Known> {
        // Without a branch: which of them it is cannot be predicted.
        let (mut found, mut at) = (false, 0);
        let Place(entries) = self.place(session);
        for (index, entry) in entries.iter().enumerate() {
            let same = entry.first.load(Relaxed) >> BITS == session >> BITS;
            (found, at) = (found | same, if same { index } else { at });
        }
        let (first, next) = (entries[at].first.load(Relaxed), entries[at].next.load(Relaxed));
        // A place that was never taken looks like that of the session of which nothing is left; and another thread may be faster.
        let is_known = found && session >> BITS != 0 && first >> BITS == session >> BITS;
        is_known.then_some(Known { first: first as usize % PLACES, next: if next >> NEXT_BITS == session >> NEXT_BITS { next } else { 0 } })
    }

    /// Keeps the first choice of a session that is not known, unless another thread has.
    pub fn keep_first(&self, session: u64, position: usize) {
        let Place(entries) = self.place(session);
        if self.get(session).is_some() {
            return;
        }
        for pair in entries.windows(2).rev() {
            pair[1].next.store(pair[0].next.load(Relaxed), Relaxed);
            pair[1].first.store(pair[0].first.load(Relaxed), Relaxed);
        }
        entries[0].next.store(0, Relaxed);
        entries[0].first.store(session >> BITS << BITS | position as u64, Relaxed);
    }

    /// Keeps the next choices of a session, if the first is known.
    pub fn keep_next(&self, session: u64, positions: [usize; NEXT]) {
        let Place(entries) = self.place(session);
        let own = entries.iter().rev().find(|entry| entry.first.load(Relaxed) >> BITS == session >> BITS);
        if let Some(own) = own {
            let next = positions.iter().rev().fold(session >> NEXT_BITS, |next, position| next << BITS | *position as u64);
            own.next.store(next, Relaxed);
        }
    }

    fn place(&self, session: u64) -> &Place {
        &self.places[session as usize % PLACES]
    }
}

impl Known {
    /// The choices after the first, if they are known.
    #[inline]
    pub fn next(self) -> Option<[usize; NEXT]> {
        (self.next != 0).then(|| std::array::from_fn(|rank| (self.next >> (rank as u32 * BITS)) as usize % PLACES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng;

    /// What is to be kept of a session.
    fn choice(session: u64, rank: u64) -> usize {
        (rng::mix(session ^ 7 ^ rank << 60) % PROVIDERS_MAX as u64) as usize
    }

    fn next(session: u64) -> [usize; NEXT] {
        [1, 2, 3].map(|rank| choice(session, rank))
    }

    /// Over twice as many sessions as there is room for, those of a single bit, and those of which nothing is left.
    #[test]
    fn a_choice_is_that_of_the_session_or_unknown() {
        let choices = Choices::new();
        for session in (0..10_240).map(rng::mix).chain((0..64).map(|bit| 1 << bit)).chain(0..2_048) {
            choices.keep_next(session, next(session));
            assert!(choices.get(session).is_none(), "{session:x} was never there");
            choices.keep_first(session, choice(session, 0));
            let is_told_apart = session >> BITS != 0;
            let known = choices.get(session);
            assert_eq!(known.map(|known| known.first), is_told_apart.then(|| choice(session, 0)), "{session:x}");
            assert!(known.is_none_or(|known| known.next().is_none()), "{session:x}: nobody has kept them");
            choices.keep_next(session, next(session));
            assert_eq!(choices.get(session).and_then(Known::next), is_told_apart.then(|| next(session)), "{session:x}");
        }
        let known: Vec<u64> = (0..10_240).map(rng::mix).filter(|session| choices.get(*session).is_some()).collect();
        for session in &known {
            let known = choices.get(*session).map(|known| (known.first, known.next()));
            assert_eq!(known, Some((choice(*session, 0), Some(next(*session)))));
        }
        assert!(known.len() < SESSIONS * PLACES, "the last ones took all their places: {}", known.len());
    }

    /// Of five sessions that fall on one place the last four are known.
    #[test]
    fn four_sessions_share_a_place() {
        let choices = Choices::new();
        let sessions = [1, 2, 3, 4, 5].map(|high| high << BITS | 77);
        sessions.iter().zip(5..).for_each(|(session, position)| choices.keep_first(*session, position));
        let known = sessions.map(|session| choices.get(session).map(|known| known.first));
        assert_eq!(known, [None, Some(6), Some(7), Some(8), Some(9)]);
    }
}

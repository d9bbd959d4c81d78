//! The choices of sessions, so that they need not be found out anew for every request.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::super::config::PROVIDERS_MAX;

/// One choice, say the first, of up to 2,048 sessions among all members of a tier, whose membership and weights never change: the
/// next generation of the pool begins with nothing. Each place has room for two sessions, so that few of a hundred drive each other
/// out; of three that fall on one the two that came last keep it.
pub(crate) struct Choices {
    /// The session but for the bits that are its place, then the position. The later one comes first.
    entries: Box<[[AtomicU64; 2]; PLACES]>,
}

const PLACES: usize = 1 << BITS;
const BITS: u32 = 10;
/// What is left of a session beside its place and a position fill a word.
const _: () = assert!(PROVIDERS_MAX <= PLACES);

impl Choices {
    /// Nothing is known.
    pub fn new() -> Choices {
        Choices { entries: Box::new([const { [const { AtomicU64::new(0) }; 2] }; PLACES]) }
    }

    /// Of a session, a well-mixed hash, if it is known.
    #[inline]
    pub fn get(&self, session: u64) -> Option<usize> {
        let entries = &self.entries[place(session)];
        // A place that was never taken looks like that of the session of which nothing is left.
        let known = |entry: u64| (entry >> BITS == session >> BITS && session >> BITS != 0).then_some(entry as usize % PLACES);
        known(entries[0].load(Relaxed)).or_else(|| known(entries[1].load(Relaxed)))
    }

    /// Each in one word: another thread sees this choice, the one before, or neither.
    #[inline]
    pub fn keep(&self, session: u64, position: usize) {
        let [first, second] = &self.entries[place(session)];
        second.store(first.load(Relaxed), Relaxed);
        first.store(session >> BITS << BITS | position as u64, Relaxed);
    }
}

fn place(session: u64) -> usize {
    session as usize % PLACES
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng;

    /// Over five times as many sessions as there is room for, those of a single bit, and those of which nothing is left.
    #[test]
    fn a_choice_is_that_of_the_session_or_unknown() {
        let choices = Choices::new();
        let choice = |session: u64| (rng::mix(session ^ 7) % PROVIDERS_MAX as u64) as usize;
        for session in (0..10_240).map(rng::mix).chain((0..64).map(|bit| 1 << bit)).chain(0..2_048) {
            assert_eq!(choices.get(session), None, "{session:x} was never there");
            choices.keep(session, choice(session));
            assert_eq!(choices.get(session), (session >> BITS != 0).then(|| choice(session)), "{session:x}");
        }
        let sessions = (0..10_240).map(rng::mix);
        let known: Vec<u64> = sessions.filter(|session| choices.get(*session).is_some()).collect();
        assert!(known.iter().all(|session| choices.get(*session) == Some(choice(*session))));
        assert!(known.len() < 2 * PLACES, "the last ones took all their places: {}", known.len());
    }

    /// Of three sessions that fall on one place the last two are known.
    #[test]
    fn two_sessions_share_a_place() {
        let choices = Choices::new();
        let sessions = [1, 2, 3].map(|high| high << BITS | 77);
        sessions.iter().zip(5..).for_each(|(session, position)| choices.keep(*session, position));
        assert_eq!(sessions.map(|session| choices.get(session)), [None, Some(6), Some(7)]);
    }
}

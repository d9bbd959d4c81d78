//! Round robin: the first eligible provider at or after a cursor, which then stands just behind it.
//!
//! Choose it for equal providers and requests of similar size; it spreads arrivals most evenly (each of n providers
//! sees every n-th arrival), and knows nothing of load. `weighted-round-robin` is the same idea for unequal providers.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::super::bits::Candidates;
use super::Choice;

/// The cursor. It counts retries too, starts at the first provider, and a refused choice does not move it.
#[derive(Default)]
pub(crate) struct RoundRobin {
    cursor: AtomicUsize,
}

impl RoundRobin {
    #[inline]
    pub fn choose(&self, candidates: &impl Candidates) -> Choice {
        let mut cursor = self.cursor.load(Relaxed);
        loop {
            let position = candidates.first_from(cursor).or_else(|| candidates.first_from(0)).expect("candidates are not empty");
            match self.cursor.compare_exchange_weak(cursor, position + 1, Relaxed, Relaxed) {
                Ok(memory) => return Choice { position, memory },
                // Another thread took a turn in between: take the next one, so that turns are exact under contention.
                Err(moved) => cursor = moved,
            }
        }
    }

    pub fn undo(&self, choice: &Choice) {
        // If another thread has moved on meanwhile its turn stands.
        let _ = self.cursor.compare_exchange(choice.position + 1, choice.memory, Relaxed, Relaxed);
    }

    /// Stands before the first surviving provider at or after the old cursor.
    pub fn inherit(&self, old: &RoundRobin, position: &dyn Fn(usize) -> Option<usize>, old_len: usize) {
        let cursor = old.cursor.load(Relaxed);
        let next = (0..old_len).map(|step| (cursor + step) % old_len).find_map(position);
        self.cursor.store(next.unwrap_or(0), Relaxed);
    }
}

//! Numbers for attempts that do not bring theirs: errors and service times are drawn by request and attempt.

use std::collections::HashMap;

/// Requests that are remembered at most. A gateway that tries again long after its client has its answer would otherwise
/// fill the memory.
const REMEMBERED_MAX: usize = 100_000;

/// See the module.
#[derive(Debug, Default)]
pub struct Numbers {
    strangers: u64,
    attempts: HashMap<u64, u32>,
}

impl Numbers {
    /// A number for a request of someone else: 0, 1, 2 …
    pub fn request(&mut self) -> u64 {
        self.strangers += 1;
        self.strangers - 1
    }

    /// Which attempt of this request it is, from 0. `request`: the driver's name for it, which no other run gives.
    pub fn attempt(&mut self, request: u64) -> u32 {
        if self.attempts.len() >= REMEMBERED_MAX && !self.attempts.contains_key(&request) {
            self.attempts.clear();
        }
        let next = self.attempts.entry(request).or_default();
        *next += 1;
        *next - 1
    }

    /// No more attempts of this request are to come.
    pub fn forget(&mut self, request: u64) {
        self.attempts.remove(&request);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_counted_by_request_until_it_is_over() {
        let mut numbers = Numbers::default();
        assert_eq!([7, 7, 8, 7].map(|request| numbers.attempt(request)), [0, 1, 0, 2]);
        numbers.forget(7);
        assert_eq!([7, 8].map(|request| numbers.attempt(request)), [0, 1]);
        assert_eq!([numbers.request(), numbers.request()], [0, 1]);
    }

    #[test]
    fn what_is_never_over_does_not_fill_the_memory() {
        let mut numbers = Numbers::default();
        (0..3 * REMEMBERED_MAX as u64).for_each(|request| assert_eq!(numbers.attempt(request), 0));
        assert!(numbers.attempts.len() <= REMEMBERED_MAX);
    }
}

//! Smooth weighted round robin: exactly by weight, and a heavy weight is spread, not sent in a run.
//!
//! In every round each eligible provider's current value grows by its weight, the largest value wins (of equal ones the
//! first in the file) and gives up the sum of all eligible weights. 5 : 1 : 1 gives a a b a c a a. Over a whole period
//! (the sum of the weights) every provider gets exactly its weight. Source: nginx,
//! `ngx_http_upstream_get_peer` ("smooth weighted round-robin balancing", 2012). A provider that is not eligible is left
//! out of the round, so the others keep their proportions.
//!
//! Choose it for known, unequal capacities. `weighted-random` has the same long-run shares without shared state, but
//! with random fluctuation.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::super::bits::Candidates;
use super::super::pool::Member;

pub(crate) struct WeightedRoundRobin {
    weights: Box<[i64]>,
    total: i64,
    current: Mutex<Box<[i64]>>,
}

impl WeightedRoundRobin {
    /// From a fresh state: all values zero.
    pub fn new(members: &[Member]) -> WeightedRoundRobin {
        WeightedRoundRobin {
            // Units are at most 1e12 and members at most 1,024: sums stay far below i64::MAX.
            weights: members.iter().map(|member| member.units as i64).collect(),
            total: members.iter().map(|member| member.units as i64).sum(),
            current: Mutex::new(vec![0; members.len()].into()),
        }
    }

    #[inline(never)]
    pub fn choose(&self, candidates: &impl Candidates) -> usize {
        let mut current = self.lock();
        let (mut total, mut best) = (0, (0, i64::MIN));
        if candidates.count() == self.weights.len() {
            for (position, (value, weight)) in current.iter_mut().zip(&self.weights).enumerate() {
                *value += weight;
                if *value > best.1 {
                    best = (position, *value);
                }
            }
            current[best.0] -= self.total;
            return best.0;
        }
        for block in 0..candidates.blocks() {
            for position in candidates.block(block) {
                let (value, weight) = (&mut current[position], self.weights[position]);
                *value += weight;
                total += weight;
                if *value > best.1 {
                    best = (position, *value);
                }
            }
        }
        current[best.0] -= total;
        best.0
    }

    /// Rounds are sums, so one can be taken back even when others came after it.
    pub fn undo(&self, chosen: usize, candidates: &impl Candidates) {
        let mut current = self.lock();
        let mut total = 0;
        for position in candidates.iter() {
            current[position] -= self.weights[position];
            total += self.weights[position];
        }
        current[chosen] += total;
    }

    /// Minus the value that the next round would compare (lower is better).
    pub fn score(&self, position: usize) -> f64 {
        -((self.lock()[position] + self.weights[position]) as f64)
    }

    /// Survivors keep their values.
    pub fn inherit(&self, old: &WeightedRoundRobin, position: &dyn Fn(usize) -> Option<usize>) {
        let old = old.lock().clone();
        let mut current = self.lock();
        for (old_position, value) in old.iter().enumerate() {
            if let Some(position) = position(old_position) {
                current[position] = *value;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Box<[i64]>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

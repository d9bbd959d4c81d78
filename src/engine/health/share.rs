//! How many providers may be out at a time.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use crossbeam_utils::CachePadded;

use crate::engine::config::OutlierDetection;

/// Ejected providers of one engine, against the most there may be.
#[derive(Debug, Default)]
pub(crate) struct EjectedShare {
    out: CachePadded<AtomicUsize>,
    max: AtomicUsize,
}

impl EjectedShare {
    /// For a pool of so many: `max_ejection_percent` of it, rounded down, but always one.
    pub fn resize(&self, rules: Option<&OutlierDetection>, providers: usize) {
        let percent = rules.map_or(0, |rules| rules.max_ejection_percent.min(100) as usize);
        self.max.store((providers * percent / 100).max(1), Relaxed);
    }

    /// Takes a place for one more; false if there is none.
    pub fn take(&self) -> bool {
        let max = self.max.load(Relaxed);
        self.out.fetch_update(Relaxed, Relaxed, |out| (out < max).then_some(out + 1)).is_ok()
    }

    /// Gives a place back.
    pub fn give_back(&self) {
        let _ = self.out.fetch_update(Relaxed, Relaxed, |out| out.checked_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_pool_but_always_one() {
        for (providers, places) in [(1, 1), (2, 1), (3, 1), (4, 2), (9, 4)] {
            let share = EjectedShare::default();
            share.resize(Some(&OutlierDetection::default()), providers);
            assert_eq!((0..10).filter(|_| share.take()).count(), places, "of {providers}");
            share.give_back();
            assert!(share.take() && !share.take(), "a place that was given back can be taken again");
        }
    }
}

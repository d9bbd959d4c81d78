//! The present generation of a pool, as each thread remembers it.
//!
//! To take hold of it costs two atomic read-modify-writes a pick, and each of them holds up all that follows until what came
//! before is done. So a thread keeps the generation it used last, and looks by a plain load whether that is still the present
//! one. A generation that was replaced is therefore freed when the last thread that picked from it picks again, or ends.

use std::cell::RefCell;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use arc_swap::ArcSwap;

use super::pool::Pool;

/// Generations that a thread remembers: of so many engines, used in turn.
const REMEMBERED: usize = 4;

thread_local! {
    static LATEST: [RefCell<Option<Arc<Numbered>>>; REMEMBERED] = const { [const { RefCell::new(None) }; REMEMBERED] };
}

/// Numbers of engines and generations, unique in the process.
static NUMBERS: AtomicU64 = AtomicU64::new(0);

/// The generations of one engine, of which one is present.
pub(super) struct Generations {
    present: ArcSwap<Numbered>,
    /// Number of the present generation, stored after it.
    number: AtomicU64,
    /// Which place it has in the memory of a thread.
    place: usize,
}

/// A generation with its number.
pub(super) struct Numbered {
    number: u64,
    pool: Pool,
}

impl Generations {
    pub fn new(first: Pool) -> Generations {
        let number = NUMBERS.fetch_add(1, Relaxed);
        let present = ArcSwap::from_pointee(Numbered { number, pool: first });
        Generations { present, number: AtomicU64::new(number), place: number as usize % REMEMBERED }
    }

    /// Puts another one in place.
    pub fn store(&self, next: Pool) {
        let number = NUMBERS.fetch_add(1, Relaxed);
        self.present.store(Arc::new(Numbered { number, pool: next }));
        self.number.store(number, Release);
    }

    /// Calls `with` with the present one, or one that is replaced meanwhile; `None`: the thread is ending and remembers nothing. For
    /// picks only; all else may count a reference. `with` must not call it in turn.
    #[inline(always)]
    pub fn with<R>(&self, with: impl FnOnce(&Pool) -> R) -> Option<R> {
        let number = self.number.load(Acquire);
        let result = LATEST.try_with(
            #[inline(always)]
            |latest| {
                let mut latest = latest[self.place].borrow_mut();
                if latest.as_ref().is_none_or(|latest| latest.number != number) {
                    *latest = Some(self.load());
                }
                latest.as_ref().map(|latest| with(&latest.pool))
            },
        );
        result.ok().flatten()
    }

    /// The present one.
    #[inline(never)]
    pub fn load(&self) -> Arc<Numbered> {
        self.present.load_full()
    }
}

impl Deref for Numbered {
    type Target = Pool;

    #[inline]
    fn deref(&self) -> &Pool {
        &self.pool
    }
}

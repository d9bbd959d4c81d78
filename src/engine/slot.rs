//! The only file with shared mutable state: one provider's cell, a locked core behind a lock-free mirror.
//!
//! A pick reads the mirrors of all candidates with relaxed loads, chooses, then locks the chosen core only, checks again
//! and reserves. The mirror is written under the lock, so it lags behind the core by at most one critical section: a
//! pick may choose on a mirror that is being overtaken, and then the re-check under the lock decides. Nothing is called
//! while a lock is held, and no two locks are ever held together.

use std::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_utils::CachePadded;

use super::provider::{Admitted, Ask, Core};
use crate::time::Nanos;

/// One provider's cell, let to the next provider when this one has left; see [`Arena`](super::arena::Arena).
#[derive(Debug)]
pub(crate) struct Slot {
    pub mirror: CachePadded<Mirror>,
    locked: CachePadded<Mutex<Locked>>,
    shut_slots: Arc<ShutSlots>,
}

#[derive(Debug)]
struct Locked {
    core: Core,
    tenant: u32,
}

/// How many slots of an engine are not plainly open. While there is none, a pick need not look at each.
#[derive(Debug, Default)]
pub(crate) struct ShutSlots(CachePadded<AtomicUsize>);

impl ShutSlots {
    /// Whether every slot is open, whatever the time.
    #[inline]
    pub fn is_none(&self) -> bool {
        self.0.load(Relaxed) == 0
    }
}

/// What a pick reads without locking.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    /// Not a candidate before this (ns); `u64::MAX`: until something changes it.
    shut_until: AtomicU64,
    /// Wrapping sum of the send times of the attempts that wait for their first token: with their number it gives their
    /// mean age.
    starts: AtomicU64,
    /// Time of a typical request in ns, as f64 bits; 0: unknown.
    typical: AtomicU64,
    /// Peak-sensitive estimate in ns, as f64 bits; 0: unknown.
    peak: AtomicU64,
    /// When the estimates were made.
    estimated_at: AtomicU64,
    /// Share of the tightest limit that is left, as f32 bits.
    headroom: AtomicU32,
    in_flight: AtomicU32,
    waiting: AtomicU32,
    /// See [`Scale::score`](super::load::Scale::score).
    score: AtomicU64,
}

impl Slot {
    pub fn new(tenant: u32, core: Core, shut_slots: Arc<ShutSlots>) -> Slot {
        let locked = CachePadded::new(Mutex::new(Locked { core, tenant }));
        let slot = Slot { mirror: CachePadded::default(), locked, shut_slots };
        slot.with(|_| ());
        slot
    }

    /// The next provider moves in.
    pub fn let_to(&self, tenant: u32, core: Core) {
        let mut locked = self.lock();
        *locked = Locked { core, tenant };
        self.mirror.refresh(&locked.core, &self.shut_slots);
    }

    /// Runs `change` on the core and refreshes the mirror, all under the lock.
    #[inline]
    pub fn with<R>(&self, change: impl FnOnce(&mut Core) -> R) -> R {
        let mut locked = self.lock();
        let result = change(&mut locked.core);
        self.mirror.refresh(&locked.core, &self.shut_slots);
        result
    }

    /// As [`Slot::with`]; `None`, and nothing run, if `tenant` no longer lives here. Always inlined: a pick and a settle
    /// call it once each, and what `change` returns would be copied twice on its way through a call.
    #[inline(always)]
    pub fn with_tenant<R>(&self, tenant: u32, change: impl FnOnce(&mut Core) -> R) -> Option<R> {
        let mut locked = self.lock();
        if locked.tenant != tenant {
            return None;
        }
        let result = change(&mut locked.core);
        self.mirror.refresh(&locked.core, &self.shut_slots);
        Some(result)
    }

    /// Locks the core; `None` if `tenant` no longer lives here.
    #[inline(always)]
    pub fn hold(&self, tenant: u32) -> Option<Held<'_>> {
        let locked = self.lock();
        if locked.tenant == tenant { Some(Held { locked, slot: self }) } else { None }
    }

    #[inline]
    fn lock(&self) -> MutexGuard<'_, Locked> {
        // A panic inside a critical section can only come from a bug in it; counters stay as they were before the
        // next assignment, which is better than taking the provider down with it.
        self.locked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slot that is locked, until this is dropped.
pub(crate) struct Held<'a> {
    locked: MutexGuard<'a, Locked>,
    slot: &'a Slot,
}

impl Held<'_> {
    /// [`Core::admit`]. What is admitted goes into a lease while the lock is held: to let go of it waits until all that was
    /// written has arrived, and whoever copies the lease need not.
    #[inline(always)]
    pub fn admit(&mut self, now: Nanos, ask: Ask) -> Option<Admitted> {
        let admitted = self.locked.core.admit(now, ask);
        self.slot.mirror.refresh_load(&self.locked.core, &self.slot.shut_slots);
        admitted
    }
}

impl Mirror {
    #[inline]
    fn refresh(&self, core: &Core, shut_slots: &ShutSlots) {
        self.refresh_load(core, shut_slots);
        self.typical.store(core.typical().to_bits(), Relaxed);
        self.peak.store(core.speed().peak().to_bits(), Relaxed);
        self.estimated_at.store(core.speed().at().as_nanos(), Relaxed);
    }

    /// What an admission changes: all but the estimates.
    #[inline]
    fn refresh_load(&self, core: &Core, shut_slots: &ShutSlots) {
        let load = core.load();
        let (before, after) = (self.shut_until.load(Relaxed), core.shut_until().as_nanos());
        if before != after {
            self.turn(before, after, shut_slots);
        }
        self.starts.store(load.starts, Relaxed);
        self.in_flight.store(load.in_flight, Relaxed);
        self.waiting.store(load.waiting, Relaxed);
        self.headroom.store(core.headroom().to_bits(), Relaxed);
        self.score.store(core.score(), Relaxed);
    }

    #[inline(never)]
    fn turn(&self, before: u64, after: u64, shut_slots: &ShutSlots) {
        self.shut_until.store(after, Relaxed);
        match (before, after) {
            (0, _) => _ = shut_slots.0.fetch_add(1, Relaxed),
            (_, 0) => _ = shut_slots.0.fetch_sub(1, Relaxed),
            _ => {}
        }
    }

    /// Whether it may be a candidate at `now`.
    #[inline]
    pub fn is_open(&self, now: Nanos) -> bool {
        self.shut_until.load(Relaxed) <= now.as_nanos()
    }

    /// Attempts in flight.
    #[inline]
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Relaxed)
    }

    /// What strategies compare that look at little else: see [`Scale::score`](super::load::Scale::score).
    #[inline]
    pub fn score(&self) -> u64 {
        self.score.load(Relaxed)
    }

    /// `estimate`, or the mean age of the attempts that wait for their first token if that is more, ns. Those that stream
    /// are not late, however long: the long answers are most of what is in flight, and would make any provider look slow.
    #[inline]
    pub fn at_least_mean_age(&self, now: Nanos, estimate: f64) -> f64 {
        let waiting = self.waiting.load(Relaxed);
        // n·now − Σ starts, both wrapping: the true difference fits. A torn read of the two counters can make it
        // negative, which then looks enormous as unsigned; that reads as no age.
        let ages = u64::from(waiting).wrapping_mul(now.as_nanos()).wrapping_sub(self.starts.load(Relaxed)) as i64 as f64;
        let age = ages * reciprocal(waiting);
        if age > estimate { age } else { estimate }
    }

    /// Share of the tightest limit that is left, 0…1.
    #[inline]
    pub fn headroom(&self) -> f64 {
        f64::from(f32::from_bits(self.headroom.load(Relaxed)))
    }

    /// Time of a typical request in ns; `None`: no answer yet.
    #[inline]
    pub fn typical(&self) -> Option<f64> {
        let bits = self.typical.load(Relaxed);
        (bits != 0).then(|| f64::from_bits(bits))
    }

    /// Time of a typical request in ns and when it was estimated; `unknown` before the first answer.
    #[inline]
    pub fn typical_or(&self, unknown: f64) -> (f64, Nanos) {
        (known_or(self.typical.load(Relaxed), unknown), Nanos::new(self.estimated_at.load(Relaxed)))
    }

    /// The peak-sensitive estimate in ns and when it was made; `unknown` before the first answer.
    #[inline]
    pub fn peak_or(&self, unknown: f64) -> (f64, Nanos) {
        (known_or(self.peak.load(Relaxed), unknown), Nanos::new(self.estimated_at.load(Relaxed)))
    }
}

/// An estimate from its bits; +0.0, all bits zero, stands for "unknown" (a provider never takes no time at all).
#[inline]
fn known_or(bits: u64, unknown: f64) -> f64 {
    f64::from_bits(if bits == 0 { unknown.to_bits() } else { bits })
}

/// 1 / n from a table, as far as that reaches: a division takes longer than all else that a score needs. 0 of 0.
#[inline]
fn reciprocal(n: u32) -> f64 {
    RECIPROCALS.get(n as usize).copied().unwrap_or_else(|| 1.0 / f64::from(n))
}

static RECIPROCALS: [f64; 128] = {
    let mut table = [0.0; 128];
    let mut n = 1;
    while n < table.len() {
        table[n] = 1.0 / n as f64;
        n += 1;
    }
    table
};

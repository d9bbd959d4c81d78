//! The only file with shared mutable state: one provider's cell, a locked core behind a lock-free mirror.
//!
//! A pick reads the mirrors of all candidates with relaxed loads, chooses, then locks the chosen core only, checks again
//! and reserves. The mirror is written under the lock, so it lags behind the core by at most one critical section: a
//! pick may choose on a mirror that is being overtaken, and then the re-check under the lock decides. Nothing is called
//! while a lock is held, and no two locks are ever held together.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crossbeam_utils::CachePadded;

use super::health::HealthChange;
use super::provider::{Admitted, Ask, Core, Ended};
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
    /// See [`Scale::score`](super::load::Scale::score).
    score: AtomicU64,
    /// See [`Core::lateness`]; written only where latency is weighed. The latter as f64 bits.
    mean_start: AtomicU64,
    late_after: AtomicU64,
    /// Share of the tightest limit that is left, as f32 bits.
    headroom: AtomicU32,
    in_flight: AtomicU32,
    /// Somebody was turned away since the last admission.
    is_wanted: AtomicBool,
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
        self.mirror.refresh(&locked.core, locked.core.headroom(), &self.shut_slots);
    }

    /// Runs `change` on the core and refreshes the mirror, all under the lock.
    #[inline]
    pub fn with<R>(&self, change: impl FnOnce(&mut Core) -> R) -> R {
        let mut locked = self.lock();
        let result = change(&mut locked.core);
        self.mirror.refresh(&locked.core, locked.core.headroom(), &self.shut_slots);
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
        self.mirror.refresh(&locked.core, locked.core.headroom(), &self.shut_slots);
        Some(result)
    }

    /// Looks at the core without a change to the mirror; `None` if `tenant` no longer lives here.
    pub fn look<R>(&self, tenant: u32, look: impl FnOnce(&mut Core) -> R) -> Option<R> {
        let mut locked = self.lock();
        (locked.tenant == tenant).then(|| look(&mut locked.core))
    }

    /// [`Core::settle`]; the change of health, and what a typical request takes there now. `None` as [`Slot::with_tenant`].
    #[inline(always)]
    pub fn settle(&self, tenant: u32, now: Nanos, ended: Ended<'_>) -> Option<(Option<HealthChange>, f64)> {
        let mut locked = self.lock();
        if locked.tenant != tenant {
            return None;
        }
        let (change, headroom) = locked.core.settle(now, ended);
        self.mirror.refresh(&locked.core, headroom, &self.shut_slots);
        Some((change, locked.core.typical()))
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
        if self.slot.mirror.is_wanted.load(Relaxed) {
            self.slot.mirror.is_wanted.store(false, Relaxed);
            self.locked.core.want();
        }
        let (admitted, headroom) = self.locked.core.admit(now, ask)?;
        self.slot.mirror.refresh(&self.locked.core, headroom, &self.slot.shut_slots);
        Some(admitted)
    }
}

impl Mirror {
    #[inline(always)]
    fn refresh(&self, core: &Core, headroom: f32, shut_slots: &ShutSlots) {
        let (before, after) = (self.shut_until.load(Relaxed), core.shut_until().as_nanos());
        if before != after {
            self.turn(before, after, shut_slots);
        }
        self.in_flight.store(core.load().in_flight, Relaxed);
        self.headroom.store(headroom.to_bits(), Relaxed);
        self.score.store(core.score(headroom), Relaxed);
        if let Some((mean_start, late_after)) = core.lateness() {
            self.mean_start.store(mean_start.as_nanos(), Relaxed);
            self.late_after.store(late_after.to_bits(), Relaxed);
        }
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

    /// Somebody is turned away: neither it nor another is open.
    pub fn want(&self) {
        self.is_wanted.store(true, Relaxed);
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

    /// Mean age of the attempts that wait for their first token, if it is more than is to be expected: a hung provider is seen
    /// early.
    #[inline]
    pub fn late_by(&self, now: Nanos) -> Option<Nanos> {
        let age = now.since(Nanos::new(self.mean_start.load(Relaxed)));
        // From the nearest whole nanosecond on, half up.
        (age.as_f64() + 0.5 > f64::from_bits(self.late_after.load(Relaxed))).then_some(age)
    }

    /// Share of the tightest limit that is left, 0…1.
    #[inline]
    pub fn headroom(&self) -> f64 {
        f64::from(f32::from_bits(self.headroom.load(Relaxed)))
    }
}

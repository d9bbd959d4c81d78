//! Quota groups: several providers that share one quota, and so one cooldown.
//!
//! A group has a lock of its own. A pick takes it before the provider's and lets it go first, so the two are never held
//! together; a reservation that the provider then refuses is cancelled.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::give_back::give_back;
use super::health::{Cooldown, Refused};
use super::limit::{Belief, Cost, Ledger, Limits, Paced, RateLimitHeaders, Refuses, Reservation};
use super::provider::{Shut, Until};
use super::request::{AttemptResult, Outcome, Why};
use crate::time::Nanos;

/// The shared quota of some providers.
#[derive(Debug)]
pub(crate) struct Group {
    shared: Mutex<Shared>,
    /// Share of the tightest limit that is left, as f32 bits.
    headroom: AtomicU32,
    salt: u64,
}

#[derive(Debug)]
struct Shared {
    quota: Belief,
    cools: bool,
    cooldown: Cooldown,
    cooldown_max: Nanos,
}

impl Group {
    /// `cools`: refusals pause all members.
    pub fn new(ledger: Ledger, cools: bool, cooldown_max: Nanos, salt: u64) -> Group {
        let shared = Shared { quota: Belief::new(ledger), cools, cooldown: Cooldown::default(), cooldown_max };
        Group { shared: Mutex::new(shared), headroom: AtomicU32::new(1_f32.to_bits()), salt }
    }

    /// Takes over a changed configuration, with new `limits` where those have changed.
    pub fn reconfigure(&self, now: Nanos, cools: bool, cooldown_max: Nanos, limits: Option<&Limits>) {
        self.with(now, |shared| {
            (shared.cools, shared.cooldown_max) = (cools, cooldown_max);
            if let Some(limits) = limits {
                shared.quota.replace(now, limits);
            }
        });
    }

    /// Reserves in the shared quota.
    pub fn reserve(&self, now: Nanos, cost: Cost) -> Option<Reservation> {
        self.with(now, |shared| {
            if shared.cooling(now).is_some() {
                return None;
            }
            let reservation = shared.quota.reserve(now, cost)?;
            if shared.cooldown.is_noteworthy(now) {
                shared.cooldown.admitted(now);
            }
            Some(reservation)
        })
    }

    /// Takes a reservation back that was not used.
    pub fn cancel(&self, now: Nanos, reservation: Reservation) {
        self.with(now, |shared| {
            shared.cooldown.ended(reservation.at());
            shared.quota.forget(now, &reservation);
        });
    }

    /// Ends an attempt of a member; what refusals before it have taught.
    pub(super) fn settle(&self, now: Nanos, sent: Nanos, reservation: &Reservation, outcome: &Outcome) -> Paced {
        self.with(now, |shared| {
            let paced = shared.quota.paced(now);
            match Refused::of(outcome, paced) {
                None if outcome.result == AttemptResult::Success => shared.cooldown.succeeded(sent),
                None => shared.cooldown.ended(sent),
                Some(refused) if shared.cools => shared.cooldown.refused(now, sent, refused, shared.cooldown_max, self.salt),
                Some(_) => {}
            }
            let pause_max = shared.cools.then_some(shared.cooldown_max);
            give_back(&mut shared.quota, now, reservation, outcome, pause_max);
            paced
        })
    }

    /// Rate-limit headers have arrived for an attempt of a member.
    pub fn hear(&self, now: Nanos, reservation: &Reservation, headers: &RateLimitHeaders) {
        self.with(now, |shared| {
            if shared.cools {
                shared.quota.hear(now, reservation, headers);
            }
        });
    }

    /// Rate-limit headers that were malformed or absurd.
    pub fn ignored_headers(&self) -> u64 {
        self.lock().quota.ignored_headers()
    }

    /// Why a member would not admit this cost; `None` if the group does not stand against it. `refuses`: [`Belief::would_refuse`], or
    /// [`Belief::peek`] for who only looks.
    pub(super) fn shut(&self, now: Nanos, cost: Cost, refuses: Refuses) -> Option<Shut> {
        let mut shared = self.lock();
        let refusal = refuses(&mut shared.quota, now, cost);
        let limit = refusal.map(|refusal| Shut::new(Why::Limit(refusal.dimension), refusal.free_at.into()));
        [shared.cooling(now), limit].into_iter().flatten().max_by_key(|shut| shut.until)
    }

    /// Others used so much of the shared quota.
    pub fn note_foreign_use(&self, now: Nanos, requests: u64, tokens: Cost) {
        self.with(now, |shared| shared.quota.note_foreign_use(now, requests, tokens));
    }

    /// When its cooldown is over, and a copy of what is believed of its quota.
    pub(super) fn outlook(&self, now: Nanos) -> (Nanos, Belief) {
        let shared = self.lock();
        (shared.cooldown.until().max(now), shared.quota.clone())
    }

    /// Whether an attempt of the group is in flight.
    pub fn is_busy(&self) -> bool {
        self.lock().quota.in_flight() > 0
    }

    /// Share of the tightest limit that is left, 0…1, as of the last use.
    pub fn headroom(&self) -> f64 {
        f64::from(f32::from_bits(self.headroom.load(Relaxed)))
    }

    /// A quota that has refilled shows as such, although no member was used lately.
    pub fn sweep(&self, now: Nanos) {
        self.with(now, |_| ());
    }

    fn with<R>(&self, now: Nanos, change: impl FnOnce(&mut Shared) -> R) -> R {
        let mut shared = self.lock();
        let result = change(&mut shared);
        self.headroom.store((shared.quota.headroom(now) as f32).to_bits(), Relaxed);
        result
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn cooling(&self, now: Nanos) -> Option<Shut> {
        let until = self.cooldown.until();
        (until > now).then(|| Shut::new(Why::Cooldown, Until::Time(until)))
    }
}

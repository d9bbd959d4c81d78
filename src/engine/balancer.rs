//! [`Engine`]: the shared, thread-safe face over pool, slots and strategies.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

use super::arena::{Arena, Landlord};
use super::config::{Config, ConfigError};
use super::health::{HealthEvent, HealthLog, cooldown_max, pause_max};
use super::limit::{Belief, Cost, Paced, RateLimitHeaders};
use super::pick::{SWEEP_INTERVAL, another_is_open, mode, settle_may_help};
use super::pool::Pool;
use super::present::Generations;
use super::provider::{Ended, Mode};
use super::refusal::RefusalKind;
use super::request::{AttemptResult, Decision, Lease, ModelId, Outcome, ProviderId, Request, Usage, Why};
use super::retry::{Budget, Retrying};
use super::slot::Slot;
use super::trace::{Silent, Trace};
use super::typical::Typical;
use crate::time::Nanos;

/// A pool of providers and the strategy that balances over it. All methods take `&self`; it is `Send + Sync`.
pub struct Engine {
    pub(super) pool: Generations,
    arena: Arena,
    /// Serialises reconfigurations; picks never take it.
    landlord: Mutex<Landlord>,
    pub(super) budget: Budget,
    pub(super) typical: Typical,
    pub(super) health: HealthLog,
    /// When hung providers are looked for again, ns.
    pub(super) next_sweep: AtomicU64,
}

impl Engine {
    /// An engine over a checked configuration; nothing can fail later.
    ///
    /// # Errors
    /// [`ConfigError`] names the provider and says what would be right.
    pub fn new(config: Config) -> Result<Engine, ConfigError> {
        let (arena, mut landlord) = (Arena::default(), Landlord::default());
        Ok(Engine {
            budget: Budget::new(config.retry),
            pool: Generations::new(Pool::new(config, &arena, &mut landlord)?),
            arena,
            landlord: Mutex::new(landlord),
            typical: Typical::default(),
            health: HealthLog::default(),
            next_sweep: AtomicU64::new(SWEEP_INTERVAL.as_nanos()),
        })
    }

    /// The id of a model name, for [`Request::model`]. Look it up once per model, not per request. A name that no
    /// provider lists is served by the providers that list none, and its id stays with these: look such a name up again after
    /// [`Engine::reconfigure`], which may list it.
    pub fn model(&self, name: &str) -> ModelId {
        self.pool.load().model(name)
    }

    /// Chooses a provider and reserves there what the request needs, all or nothing. Does not allocate.
    ///
    /// Only providers that can take the request now are candidates; of these, providers this request has not tried come
    /// first, then better tiers, then the strategy decides.
    pub fn pick(&self, now: Nanos, request: &Request) -> Decision {
        self.pick_with(now, request, &mut Silent)
    }

    /// Like [`Engine::pick`], and says in `trace` why this provider was chosen and the others were not.
    pub fn pick_traced(&self, now: Nanos, request: &Request, trace: &mut Trace) -> Decision {
        self.pick_with(now, request, trace)
    }

    /// Tells that the first token of an answer has arrived, before its end. Only the first call for a lease counts.
    pub fn first_token(&self, now: Nanos, lease: &mut Lease) {
        if lease.first_token == Nanos::MAX
            && let Some(slot) = self.arena.slot(lease.tenancy)
        {
            // The end of time stands for "not yet".
            lease.first_token = now.min(Nanos::new(u64::MAX - 1));
            let change = slot.with_tenant(lease.tenancy.tenant, |core| core.first_token(now, lease.sent, lease.trial)).flatten();
            if let Some(change) = change {
                // The trial is decided: what becomes of the rest of the answer counts like any other.
                lease.trial = false;
                self.health.push(HealthEvent { at: now, provider: lease.provider, tag: lease.tag, change });
            }
        }
    }

    /// Takes in the rate-limit headers of an answer, when its head arrives and before the attempt is settled. They correct
    /// the quota that is believed to be left, and make undeclared limits known. See [`RateLimitHeaders::read`].
    pub fn headers(&self, now: Nanos, lease: &Lease, headers: &RateLimitHeaders) {
        if let Some(group) = lease.group() {
            group.hear(now, &lease.reservation, headers);
        } else if let Some(slot) = self.arena.slot(lease.tenancy) {
            slot.with_tenant(lease.tenancy.tenant, |core| core.hear(now, &lease.reservation, headers));
        }
    }

    /// Takes in what others used of the quota of the provider at `position` of the configuration since they told last: the other
    /// replicas of a gateway, which send each other what they admitted ([`Lease::reserved`]) less what was refused, once a second or so. Declared limits
    /// then count for all replicas together, late by the time between two messages. It may be more than was left: the rest is
    /// owed. Where quota is divided between replicas instead, do not tell; where headers show the use of others, they
    /// correct the same quota, and both together count it twice.
    pub fn note_foreign_use(&self, now: Nanos, position: usize, requests: u64, tokens: Cost) {
        let pool = self.pool.load();
        let Some(place) = pool.places.get(position) else { return };
        match place.group() {
            Some(group) => group.note_foreign_use(now, requests, tokens),
            None => {
                place.slot.with_tenant(place.tenancy.tenant, |core| core.note_foreign_use(now, requests, tokens));
            }
        }
    }

    /// Ends an attempt: returns what its lease held, corrects the quota, and learns latency and health. A lease of another
    /// engine is ignored. Where a hedge was faster, the slower attempt has [`AttemptResult::Abandoned`].
    pub fn settle(&self, now: Nanos, lease: Lease, mut outcome: Outcome) {
        let Some(slot) = self.arena.slot(lease.tenancy) else { return };
        if outcome.retry_after.is_some() {
            outcome.retry_after = self.capped(&outcome);
        }
        if outcome.usage.is_some_and(Usage::is_garbage) {
            outcome.usage = None;
        }
        let succeeded = outcome.result == AttemptResult::Success;
        let typical_tokens = match outcome.usage {
            Some(usage) if succeeded => self.typical.learn_tokens(usage.output_tokens),
            _ => self.typical.tokens(),
        };
        let Lease { tenancy, provider, tag, sent, reservation, sharing, .. } = &lease;
        let paced = match sharing {
            Some(sharing) => sharing.settle(now, *sent, reservation, &outcome),
            None => Paced::Unknown,
        };
        let ended = Ended {
            lease: &lease,
            reservation: sharing.as_ref().is_none_or(|sharing| sharing.group.is_none()).then_some(reservation),
            paced,
            outcome: &outcome,
            typical: &self.typical,
            typical_tokens,
        };
        let Some((change, typical)) = slot.settle(tenancy.tenant, now, ended) else { return };
        if succeeded && self.typical.learn_latency(typical) {
            // All that have not answered yet count like the first one, from the next pick on.
            self.next_sweep.store(0, Relaxed);
        }
        if let Some(change) = change {
            self.health.push(HealthEvent { at: now, provider: *provider, tag: *tag, change });
        } else if !succeeded {
            self.look_at_doubts(now, &lease, &outcome);
        }
    }

    /// Tells how an active health probe of the provider at `position` of the configuration ended. Probes are the caller's
    /// business: their timing, and what counts as good. See [`Config::probes`].
    pub fn probed(&self, now: Nanos, position: usize, good: bool) {
        let pool = self.pool.load();
        let Some(place) = pool.places.get(position) else { return };
        let rules = pool.config.probes;
        let change = place.slot.with_tenant(place.tenancy.tenant, |core| core.probed(now, rules, good)).flatten();
        if let Some(change) = change {
            let tag = pool.config.providers[position].tag;
            self.health.push(HealthEvent { at: now, provider: ProviderId(position as u16), tag, change });
        }
    }

    /// The oldest ejection or return that was not asked for yet, for logs and metrics. At most 1,024 are kept.
    #[inline]
    pub fn next_health_event(&self) -> Option<HealthEvent> {
        self.health.pop()
    }

    /// Replaces the configuration. Providers that keep their name keep their leases, what was learned about them, and
    /// their place in the rotation; leases of providers that are gone stay valid until they are settled, and so do ids of models that
    /// a provider listed. Forgotten is what a provider had used of its quota when it leaves: one that comes back starts anew, so drain
    /// instead of removing it for a while.
    ///
    /// Positions ([`ProviderId`], [`Request::tried`], [`Engine::probed`]) are those of the configuration that a pick or call found in
    /// force: keep the order, or go by [`ProviderConfig::tag`](super::ProviderConfig::tag). The former generation of the pool
    /// stays in memory until every thread that has picked from it picks again, or ends.
    ///
    /// # Errors
    /// As [`Engine::new`]; the old configuration then stays in force.
    pub fn reconfigure(&self, now: Nanos, config: Config) -> Result<(), ConfigError> {
        // A panic in there can only come from a bug; slots it had not let yet are lost, nothing else.
        let mut landlord = self.landlord.lock().unwrap_or_else(PoisonError::into_inner);
        let next = self.pool.load().next(config, now, &self.arena, &mut landlord)?;
        self.budget.reconfigure(next.config.retry);
        self.pool.store(next);
        Ok(())
    }

    /// The state of every provider at `now`, in configuration order.
    pub fn snapshot(&self, now: Nanos) -> Snapshot {
        let pool = self.pool.load();
        let providers = pool.config.providers.iter().zip(pool.places.iter().map(|place| (&place.slot, place.group())));
        Snapshot {
            providers: providers
                .map(|(provider, (slot, group))| {
                    let (own, ejections, ignored, headroom, typical) = slot.with(|core| {
                        let own = core.shut(now, Cost::default(), Mode::Strict, Belief::peek);
                        (own, core.health().ejections(), core.ignored_headers(), core.headroom_at(now), core.typical())
                    });
                    let shared = group.and_then(|group| group.shut(now, Cost::default(), Belief::peek));
                    let shut = [own, shared].into_iter().flatten().max_by_key(|shut| shut.until);
                    ProviderSnapshot {
                        name: provider.name.clone(),
                        in_flight: slot.mirror.in_flight(),
                        shut: shut.map(|shut| shut.why),
                        ejections,
                        ignored_headers: ignored + group.map_or(0, |group| group.ignored_headers()),
                        latency: (typical > 0.0).then(|| Nanos::from_f64(typical)),
                        headroom: group.map_or(headroom, |group| headroom.min(group.headroom())),
                    }
                })
                .collect(),
        }
    }

    /// Whether and when to try again after a failed attempt. Call it after the attempt is settled and pushed onto
    /// [`Request::tried`], by which attempts are counted, a hedge like a retry. See [`Retrying`]. The provider's `retry-after` is a floor only where no other provider that has
    /// not been tried is open: one that asks for a pause says nothing about the others. No wait is longer than the longest
    /// ejection: a quota that is exhausted for longer makes the failure final, anything else that asks for more is asked
    /// again then.
    pub fn retry(&self, now: Nanos, request: &Request, outcome: &Outcome) -> Retrying {
        let pool = self.pool.load();
        let cap = cooldown_max(pool.config.outlier_detection.as_ref());
        let open = || another_is_open(pool.route(request.model), now, request);
        let hint = outcome.retry_after.filter(|_| pool.config.retry.honor_retry_after && !open());
        if hint > Some(cap) && outcome.refusal() == Some(RefusalKind::Exhausted) {
            return Retrying::Final;
        }
        let retry_after = hint.map(|hint| hint.min(cap));
        self.budget.decide(now, pool.config.seed, request, &Outcome { retry_after, ..*outcome })
    }

    /// The hint, but at most the longest cooldown, after which the provider is asked whatever it said: providers have asked
    /// for a day. Where a quota is exhausted that is what they mean.
    #[cold]
    fn capped(&self, outcome: &Outcome) -> Option<Nanos> {
        let cap = pause_max(outcome, cooldown_max(self.pool.load().config.outlier_detection.as_ref()));
        outcome.retry_after.map(|hint| hint.min(cap))
    }

    /// Whether a provider that this request has not tried could take it now. Ask it before a hedge: a pick takes a tried one where
    /// nothing else is left, and counts as a decision.
    pub fn another_is_open(&self, now: Nanos, request: &Request) -> bool {
        another_is_open(self.pool.load().route(request.model), now, request)
    }

    /// Whether the end of an attempt in flight may make room for this request before the `until` of a
    /// [`Decision::Wait`]: it frees a place in flight, and returns the tokens of its estimate that it did not use. Ask it
    /// before giving a request up because `until` comes too late. It locks every provider in turn: not for every pick.
    pub fn settle_may_help(&self, now: Nanos, request: &Request) -> bool {
        let pool = self.pool.load();
        let route = pool.route(request.model);
        let mode = mode(route, now);
        let mut places = route.tiers.iter().flat_map(|tier| tier.places.iter());
        places.any(|place| settle_may_help(place, now, request, mode))
    }
}

/// The state of a pool at one instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// In configuration order.
    pub providers: Vec<ProviderSnapshot>,
}

/// The state of one provider.
#[derive(Clone, Debug, PartialEq)]
pub struct ProviderSnapshot {
    /// Its name.
    pub name: String,
    /// Unsettled leases.
    pub in_flight: u32,
    /// Why it takes nothing now; `None`: it does.
    pub shut: Option<Why>,
    /// How often it was taken out for failing.
    pub ejections: u64,
    /// Rate-limit headers that were ignored because they were malformed or absurd; of the whole group where there is one.
    pub ignored_headers: u64,
    /// Expected time of a typical request; `None`: no answer yet.
    pub latency: Option<Nanos>,
    /// Share of its tightest limit that is left, 0…1; 1 without limits.
    pub headroom: f64,
}

// A gateway shares one engine between its tasks.
const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<Engine>();
    shared::<Slot>();
};

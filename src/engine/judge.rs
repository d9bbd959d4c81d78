//! Whether a provider that fails in ways which the requests may explain is to blame: decided by how they fare elsewhere.

use super::Engine;
use super::config::ProviderConfig;
use super::health::{Ends, HealthEvent, doubts};
use super::pool::Pool;
use super::request::{Lease, Outcome};
use crate::time::Nanos;

impl Engine {
    /// After the end of an attempt that was not good. One lock at a time, as everywhere.
    #[cold]
    pub(super) fn look_at_doubts(&self, now: Nanos, lease: &Lease, outcome: &Outcome) {
        let Some(kind) = doubts(outcome, lease.first, lease.again) else { return };
        let pool = self.pool.load();
        let Some(position) = pool.places.iter().position(|place| place.tenancy == lease.tenancy) else { return };
        let (slot, tenant) = (&pool.places[position].slot, lease.tenancy.tenant);
        if slot.with_tenant(tenant, |core| core.health().doubtful(kind)).unwrap_or(0) == 0 {
            return;
        }
        let elsewhere = ends_elsewhere(&pool, position, now);
        if let Some(change) = slot.with_tenant(tenant, |core| core.judge(now, kind, &elsewhere)).flatten() {
            self.health.push(HealthEvent { at: now, provider: lease.provider, tag: lease.tag, change });
        }
    }
}

/// How attempts ended lately at the providers that share a model with this one: of others it says nothing.
fn ends_elsewhere(pool: &Pool, position: usize, now: Nanos) -> Ends {
    let own = &pool.config.providers[position];
    let others = pool.config.providers.iter().zip(pool.places.iter()).enumerate();
    let others = others.filter(|(other, (provider, _))| *other != position && share_a_model(own, provider));
    let ends = others.filter_map(|(_, (_, place))| place.slot.with_tenant(place.tenancy.tenant, |core| core.health().ends(now)));
    ends.fold(Ends::default(), Ends::and)
}

fn share_a_model(one: &ProviderConfig, other: &ProviderConfig) -> bool {
    let serves_all = one.models.is_empty() || other.models.is_empty();
    serves_all || one.models.iter().any(|model| other.models.contains(model))
}

//! Active health probes: one per provider and interval, told to every engine.

use super::balancer::Balancer;
use super::kind;
use super::queue::Class;
use super::simulate::Simulation;
use crate::metrics::observe::Observer;

impl<O: Observer, B: Balancer> Simulation<'_, '_, O, B> {
    /// Spreads the first probes evenly over an interval, so that providers are not asked in lockstep.
    pub fn start_probes(&mut self) {
        let Some(check) = self.plan.health_check else { return };
        let count = self.plan.providers.len() as u64;
        for provider in 0..count {
            let offset = check.interval.as_nanos() / count * provider;
            self.at(crate::time::Nanos::new(offset), Class::Timer, kind::PROBE, provider as u32);
        }
    }

    /// A probe begins; its outcome is known at once, and becomes known to the engines when its answer or time limit comes.
    pub fn probe(&mut self, provider: usize) {
        let Some(check) = self.plan.health_check else { return };
        if self.wire.is_some() {
            return self.probe_for_real(provider);
        }
        let number = self.probes[provider];
        self.probes[provider] += 1;
        let answer = self.fleet.mock(provider).probe(self.now, number);
        let (after, outcome) = match answer {
            Some((after, good)) if after <= check.timeout => (after, if good { kind::PROBE_GOOD } else { kind::PROBE_BAD }),
            _ => (check.timeout, kind::PROBE_BAD),
        };
        self.at(self.now + after, Class::Timer, outcome, provider as u32);
        self.at(self.now + check.interval.max(after), Class::Timer, kind::PROBE, provider as u32);
    }

    /// The outcome of a probe is known.
    pub fn probed(&mut self, provider: usize, good: bool) {
        for replica in 0..self.engines.len() {
            self.engines[replica].probed(self.now, provider, good);
            self.watch_health(replica);
            self.drain(replica);
        }
    }

    /// Passes on what an engine noticed about the health of its providers.
    pub fn watch_health(&mut self, replica: usize) {
        use crate::engine::HealthChange;
        while let Some(event) = self.engines[replica].next_health_event() {
            match event.change {
                HealthChange::Ejected { .. } => self.observer.ejected(event.at, event.provider.index()),
                HealthChange::Readmitted => self.observer.readmitted(event.at, event.provider.index()),
            }
        }
    }
}

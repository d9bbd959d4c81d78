//! The start of scenario time at a station, and its start over.

use super::numbers::Numbers;
use super::station::{Floor, kind};
use crate::drive::plan::Plan;
use crate::drive::queue::{Class, EventQueue};
use crate::drive::slab::Slab;
use crate::engine::limit::LimitError;
use crate::time::Nanos;
use crate::world::fleet::Fleet;

/// The providers of a plan, as they are at the start.
pub(super) fn fleet(plan: &Plan) -> Result<Fleet, LimitError> {
    Fleet::new(&plan.providers, &plan.events, plan.seed, plan.load.mean_tokens())
}

impl Floor {
    /// The beginnings and ends of the scenario's events.
    pub(super) fn schedule_edges(&mut self) {
        for index in 0..self.plan.events.len() {
            let (at, until) = (self.plan.events[index].at, self.plan.events[index].until);
            self.schedule(at, Class::Edge, kind::BEGIN, index as u32);
            self.schedule(until.unwrap_or(Nanos::MAX), Class::Edge, kind::END, index as u32);
        }
    }

    /// Scenario time starts over, with idle providers.
    pub(super) fn restart(&mut self) {
        // The limits were good the first time.
        let Ok(fleet) = fleet(&self.plan) else { return };
        // Dropping an attempt's end of the channel ends its connection.
        (self.jobs, self.fleet, self.events, self.numbers) = (Slab::default(), fleet, EventQueue::default(), Numbers::default());
        self.by_key.clear();
        (self.clock, self.now, self.probes) = (self.clock.restarted(), Nanos::ZERO, 0);
        self.schedule_edges();
        self.mind_doors();
    }

    /// Tells the listeners which providers refuse connections now.
    pub(super) fn mind_doors(&self) {
        for (provider, shut) in self.shut.iter().enumerate() {
            let refuses = self.fleet.mock(provider).refuses_connections();
            shut.send_if_modified(|shut| std::mem::replace(shut, refuses) != refuses);
        }
    }
}

//! The users of a closed loop: each thinks, sends, waits for the end of its request, and thinks again.

use super::balancer::Balancer;
use super::kind;
use super::queue::Class;
use super::simulate::Simulation;
use crate::metrics::observe::Observer;
use crate::time::Nanos;
use crate::world::arrivals::think_time;
use crate::world::spec::{End, Load, Source};

/// The least pause of a user with nothing to think about whose request took no time at all.
const PAUSE_MIN: Nanos = Nanos::from_millis(1);

/// How many requests each user has sent.
pub(super) struct Users {
    sent: Vec<u64>,
    seed: u64,
}

impl Users {
    /// `None` for loads without users.
    pub fn new(load: &Load, seed: u64) -> Option<Users> {
        match load.source {
            Source::Closed { users, .. } => Some(Users { sent: vec![0; users as usize], seed }),
            Source::Open(_) | Source::Trace { .. } => None,
        }
    }

    /// How long a user thinks now.
    fn think(&mut self, load: &Load, user: u32) -> Nanos {
        let round = &mut self.sent[user as usize];
        let think = think_time(load, self.seed, user, *round);
        *round += 1;
        think
    }
}

impl<O: Observer, B: Balancer> Simulation<'_, '_, O, B> {
    /// Everyone begins by thinking.
    pub fn start_users(&mut self) {
        let count = self.users.as_ref().map_or(0, |users| users.sent.len() as u32);
        if count == 0 {
            return;
        }
        if let Some(end) = self.end_of_users() {
            self.at(end, Class::Arrival, kind::LAST, 0);
        }
        (0..count).for_each(|user| self.user_thinks(user, false));
    }

    /// A user thinks, and then sends if arrivals have not ended by then. `at_once`: its last request ended at the instant
    /// at which it was sent.
    pub fn user_thinks(&mut self, user: u32, at_once: bool) {
        let end = self.end_of_users();
        let Some(users) = &mut self.users else { return };
        let mut next = self.now + users.think(&self.plan.load, user);
        if at_once && next == self.now && end.is_some() {
            // Someone who is shed at once and does not think would ask forever without any time passing.
            next += PAUSE_MIN;
        }
        if !self.arrivals_over && end.is_none_or(|end| next < end) {
            self.at(next, Class::Arrival, kind::USER, user);
        }
    }

    /// A user sends a request.
    pub fn user_sends(&mut self, user: u32) {
        if self.arrivals_over {
            return;
        }
        let id = self.arrived;
        self.arrive(id, None, Some(user));
        if let End::Requests(count) = self.plan.load.end
            && self.measured() >= count
        {
            self.arrivals_ended();
        }
    }

    fn end_of_users(&self) -> Option<Nanos> {
        match self.plan.load.end {
            End::Duration(duration) => Some(self.plan.load.warmup + duration),
            End::Requests(_) | End::Trace => None,
        }
    }
}

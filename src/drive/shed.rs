//! Shed requests, followed until they could have been sent: were they told the right time to come back?
//!
//! It stands in a line behind those who waited when it was shed: it could have been sent when one that came later was, or when
//! nobody was ahead and the engine would have taken it. Following changes nothing in the run: a shed request takes part in no pick. Each is looked at as if it came back
//! alone.

use super::balancer::Balancer;
use super::kind;
use super::queue::Class;
use super::simulate::Simulation;
use crate::engine::Request;
use crate::metrics::observe::{Observer, RequestInfo};
use crate::time::Nanos;

/// Shed requests of one engine that are followed at a time; more are not. A bound on memory and on the work per event.
const FOLLOWED_MAX: usize = 256;

/// The shed requests of one engine that could not have been sent so far.
#[derive(Default)]
pub(super) struct Shed {
    followed: Vec<Followed>,
    /// The next look that is planned.
    look_at: Option<Nanos>,
}

struct Followed {
    request: Request,
    info: RequestInfo,
    lane: usize,
    /// Requests from this id on came after it was shed.
    last: u64,
    /// When it was told to come back.
    told: Nanos,
}

impl Followed {
    /// What it was told, if `now` is when it could have been sent.
    fn error(&self, now: Nanos) -> Nanos {
        now.since(self.told).max(self.told.since(now))
    }
}

impl<O: Observer, B: Balancer> Simulation<'_, '_, O, B> {
    /// A request is about to be shed: what would its `Retry-After` be?
    pub fn tell_when(&mut self, slot: u32) {
        let Some(live) = self.requests.get(slot) else { return };
        let (replica, lane) = (live.replica, usize::from(live.sim.class));
        if self.shed.get(replica).is_none_or(|shed| shed.followed.len() >= FOLLOWED_MAX) {
            return;
        }
        let ahead = self.waiting[replica].ahead(lane);
        let Some(after) = self.engines[replica].retry_after(self.now, &live.request, ahead) else { return };
        let followed = Followed { request: live.request.clone(), info: live.info, lane, last: self.arrived, told: self.now + after };
        self.shed[replica].followed.push(followed);
        self.look_at(replica, self.now + after);
    }

    /// Looks which of an engine's shed requests could be sent now.
    pub fn follow_shed(&mut self, replica: usize) {
        let Some(shed) = self.shed.get_mut(replica) else { return };
        if shed.look_at.is_some_and(|at| at <= self.now) {
            shed.look_at = None;
        }
        let mut followed = std::mem::take(&mut shed.followed);
        let mut earliest: Option<Nanos> = None;
        followed.retain(|one| {
            // Those who wait go first; for those who came later see `passed`.
            if self.waiting[replica].ahead(one.lane) > 0 {
                return true;
            }
            match self.engines[replica].retry_after(self.now, &one.request, 0) {
                Some(Nanos::ZERO) => {
                    self.observer.came_back(&one.info, one.error(self.now));
                    return false;
                }
                Some(after) => earliest = [earliest, Some(self.now + after)].into_iter().flatten().min(),
                None => {}
            }
            true
        });
        self.shed[replica].followed = followed;
        earliest.into_iter().for_each(|at| self.look_at(replica, at));
    }

    /// A new request was sent: what was shed before it came, with no worse a priority, could have been.
    pub fn passed(&mut self, slot: u32) {
        let Some(live) = self.requests.get(slot) else { return };
        let Some(shed) = self.shed.get_mut(live.replica) else { return };
        let priority = |class: u16| self.plan.load.classes[usize::from(class)].priority;
        let sent = &live.info;
        shed.followed.retain(|one| {
            let behind = one.request.model == live.request.model && one.last <= sent.id && priority(one.info.class) <= priority(sent.class);
            if behind {
                self.observer.came_back(&one.info, one.error(self.now));
            }
            !behind
        });
    }

    fn look_at(&mut self, replica: usize, at: Nanos) {
        let at = at.max(self.now + Nanos::new(1));
        let shed = &mut self.shed[replica];
        if shed.look_at.is_none_or(|planned| at < planned) {
            shed.look_at = Some(at);
            self.at(at, Class::Timer, kind::FOLLOW, replica as u32);
        }
    }
}

//! Whether one that joins the line of waiting requests can make it in time.
//!
//! To find out takes a look at everybody ahead, so an answer holds for a second for all who would stand no better, or no worse.

use super::balancer::Balancer;
use super::simulate::Simulation;
use crate::metrics::observe::Observer;
use crate::time::Nanos;

/// How long an answer holds.
const HOLDS: Nanos = Nanos::from_secs(1);

/// What is known of a lane of one engine's queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line {
    /// With at most so many ahead one makes it.
    made: u64,
    /// With at least so many ahead one does not.
    vain: u64,
    until: Nanos,
}

impl Line {
    /// Nothing is known.
    pub const UNKNOWN: Line = Line { made: 0, vain: u64::MAX, until: Nanos::ZERO };
}

impl<O: Observer, B: Balancer> Simulation<'_, '_, O, B> {
    /// Whether a request that joined its lane now would certainly still stand there at `limit`.
    pub(super) fn waits_in_vain(&mut self, slot: u32, limit: Nanos) -> bool {
        let Some(live) = self.requests.get(slot) else { return false };
        let (replica, lane) = (live.replica, usize::from(live.sim.class));
        let ahead = self.waiting[replica].ahead(lane);
        let line = &mut self.lines[replica][lane];
        if self.now >= line.until {
            *line = Line { until: self.now + HOLDS, ..Line::UNKNOWN };
        }
        if ahead <= line.made || ahead >= line.vain {
            return ahead >= line.vain;
        }
        let requests = &self.requests;
        let inputs = self.waiting[replica].line(lane).filter_map(|slot| requests.get(*slot)).map(|live| live.sim.input);
        let in_vain = self.now + self.engines[replica].least_wait(self.now, &live.request, inputs) > limit;
        if in_vain {
            line.vain = ahead;
        } else {
            line.made = ahead;
        }
        in_vain
    }
}

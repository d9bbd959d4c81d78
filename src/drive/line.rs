//! Whether one that joins the line of waiting requests can make it in time.
//!
//! To find out takes a look at everybody ahead, so an answer holds for a second for all who would stand no better, or no worse, and
//! for some who would stand behind, as long as they would take half of the time that is left if the line went on at its pace: one that
//! grows is looked at when it has doubled, and one that is nearly too long for each who joins.

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

    /// With so many ahead one waits for `wait` at least; `left`: less than it may, by so much; `None`: longer.
    fn learn(&mut self, ahead: u64, wait: Nanos, left: Option<Nanos>) {
        let Some(left) = left else {
            self.vain = ahead;
            return;
        };
        let as_many = ahead as f64 * left.as_f64() / (2.0 * wait.as_f64());
        self.made = ahead + (as_many.min(ahead as f64) as u64);
    }
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
        let wait = self.engines[replica].least_wait(self.now, &live.request, inputs);
        let in_vain = self.now + wait > limit;
        line.learn(ahead, wait, (!in_vain).then(|| limit.since(self.now + wait)));
        in_vain
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A hundred a second go, and who joins may wait for 10 s: a line that grows to a thousand is looked at 19 times, and the first who
    /// waits in vain is known to the request.
    #[test]
    fn a_growing_line_is_looked_at_seldom() {
        let (mut line, mut looks) = (Line::UNKNOWN, 0);
        for ahead in 0..2_000 {
            if ahead > line.made && ahead < line.vain {
                looks += 1;
                let wait = Nanos::from_millis(10 * ahead);
                line.learn(ahead, wait, (ahead <= 1_000).then(|| Nanos::from_secs(10).since(wait)));
            }
            assert_eq!(ahead >= line.vain, ahead > 1_000, "{ahead}");
        }
        assert!(looks <= 20, "{looks}");
    }

    /// Where nothing is known of a wait it is looked at again when it has doubled.
    #[test]
    fn no_wait_is_no_reason_to_look() {
        let mut line = Line::UNKNOWN;
        line.learn(100, Nanos::ZERO, Some(Nanos::from_secs(1)));
        assert_eq!((line.made, line.vain), (200, u64::MAX));
        line.learn(0, Nanos::ZERO, Some(Nanos::ZERO));
        assert_eq!(line.made, 0);
    }
}

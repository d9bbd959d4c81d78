//! How fast the rate may grow, learned from refusals that say it grew too fast.
//!
//! The rule is not documented anywhere, so the shape of [`Ramp`] is assumed and its step learned: a refusal in a second
//! in which u were let in, with the busiest of the ten before it at b, says that the step is u − b at most. Every second that
//! used the whole step without a refusal raises it by a fiftieth, and after a minute without one it is forgotten.

use super::FreeAt;
use super::ramp::Ramp;
use crate::time::{NANOS_PER_SECOND, Nanos};

/// The step before anything is known: a refusal in the first second that is counted.
const FIRST_STEP: f64 = 8.0;
/// A second that used the step up raises it by this.
const FORTH: f64 = 1.02;
/// The step is forgotten after this.
const FORGET: Nanos = Nanos::from_secs(60);

/// The learned limit on growth; none until a refusal.
#[derive(Clone, Debug, Default)]
pub(super) struct Growth {
    active: Option<Box<Active>>,
}

#[derive(Clone, Debug)]
struct Active {
    ramp: Ramp,
    step: f64,
    refused_at: Nanos,
    /// The second of the first refusal, of which not all was counted.
    born: u64,
    /// The second for which the step has been raised or lowered.
    judged: u64,
    /// The second in which a refusal came: it has no place left.
    full: u64,
}

impl Growth {
    /// An attempt that was sent at `sent` was refused because the rate grew too fast.
    pub fn refused(&mut self, now: Nanos, sent: Nanos) {
        let second = now.as_nanos() / NANOS_PER_SECOND;
        let Some(active) = &mut self.active else {
            let step = FIRST_STEP;
            self.active =
                Some(Box::new(Active { ramp: Ramp::new(step as u64), step, refused_at: now, born: second, judged: second, full: second }));
            return;
        };
        (active.refused_at, active.full) = (now, second);
        active.ramp.give_back(now, sent);
        // Of a burst the last refusal leaves just those that were let in. What was sent in an earlier second says no more.
        if sent.as_nanos() / NANOS_PER_SECOND == second && second > active.born {
            active.judged = second;
            let step = active.ramp.used(now).saturating_sub(active.ramp.busiest()) as f64;
            active.turn(active.step.min(step));
        }
    }

    #[inline]
    pub fn fits(&mut self, now: Nanos) -> bool {
        self.active.as_mut().is_none_or(|active| now.as_nanos() / NANOS_PER_SECOND > active.full && active.ramp.fits(now))
    }

    #[inline]
    pub fn take(&mut self, now: Nanos) {
        if self.active.as_ref().is_some_and(|active| now.since(active.refused_at) > FORGET) {
            self.active = None;
        }
        if let Some(active) = &mut self.active {
            active.take(now);
        }
    }

    pub fn free_at(&mut self, now: Nanos) -> FreeAt {
        if self.fits(now) {
            return FreeAt::Now;
        }
        FreeAt::at(u128::from(now.as_nanos() / NANOS_PER_SECOND + 1) * u128::from(NANOS_PER_SECOND))
    }
}

impl Active {
    fn take(&mut self, now: Nanos) {
        self.ramp.take(now);
        let second = now.as_nanos() / NANOS_PER_SECOND;
        // The last place of the second: the step was used up.
        if second > self.judged && self.ramp.used(now) >= self.ramp.allowed() {
            self.judged = second;
            self.turn(self.step * FORTH);
        }
    }

    fn turn(&mut self, step: f64) {
        self.step = step.max(1.0);
        self.ramp.set_step(self.step as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A provider with a ramp of 20/s that is offered 100/s from one second to the next: the first refusals teach, and
    /// from then on the rate grows with a refusal in a second at most until all is admitted.
    #[test]
    fn the_step_of_a_provider_is_learned() {
        let (mut truth, mut growth) = (Ramp::new(20), Growth::default());
        let (mut refused, mut admitted) = ([0; 30], [0; 30]);
        for i in 0..30 * 100 {
            let (second, now) = (i / 100, Nanos::from_millis(10 * i as u64));
            if !growth.fits(now) {
                continue;
            }
            growth.take(now);
            if truth.fits(now) {
                truth.take(now);
                admitted[second] += 1;
            } else {
                growth.refused(now, now);
                refused[second] += 1;
            }
        }
        assert!(refused[0] <= 1 && refused[1..].iter().all(|n| *n <= 1), "{refused:?}");
        assert!(admitted[15..].iter().all(|n| *n >= 99), "{admitted:?}");
    }
}

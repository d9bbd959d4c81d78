//! Ramp limit: how fast the rate of requests may grow.
//!
//! OpenAI answers sharp growth with a 429 of code `slow_down`, Anthropic with one for its "acceleration limits" (Claude API
//! docs, "Rate limits"), both inside the stated quota; neither says by what rule. Ours: in each second by the clock
//! at most `step` more than were admitted in the busiest of the ten seconds before it. From nothing the rate grows to
//! n × `step` in the n-th second, gaps of Poisson arrivals do not lower what is allowed, and ten seconds of silence are
//! a start from nothing.

use super::FreeAt;
use crate::time::{NANOS_PER_SECOND, Nanos};

/// How far back the busiest second is looked for.
const MEMORY: u64 = 10;

/// At most `step` more than in the busiest of the last ten seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ramp {
    step: u64,
    /// The present second.
    second: u64,
    /// Admitted in it.
    used: u64,
    /// Of these, perhaps never let in.
    doubtful: u64,
    /// Admitted in the ten seconds before, by second modulo ten.
    past: [u64; MEMORY as usize],
    /// The most of `past`.
    busiest: u64,
}

impl Ramp {
    pub fn new(step: u64) -> Ramp {
        Ramp { step, second: 0, used: 0, doubtful: 0, past: [0; MEMORY as usize], busiest: 0 }
    }

    #[inline]
    pub fn fits(&mut self, now: Nanos) -> bool {
        self.roll(now);
        self.used < self.allowed()
    }

    /// Takes one if it may go; whether it may, and another after it.
    pub fn admit(&mut self, now: Nanos) -> (bool, bool) {
        self.roll(now);
        if self.used >= self.allowed() {
            return (false, false);
        }
        self.used += 1;
        (true, self.used < self.allowed())
    }

    /// Undoes the latest [`Ramp::admit`], since which nothing has happened.
    pub fn take_back(&mut self) {
        self.used -= 1;
    }

    #[inline]
    pub fn take(&mut self, now: Nanos) {
        self.roll(now);
        self.used += 1;
    }

    /// One that was taken at `at` was never let in.
    pub fn give_back(&mut self, now: Nanos, at: Nanos) {
        self.roll(now);
        if at.as_nanos() / NANOS_PER_SECOND == self.second {
            self.used = self.used.saturating_sub(1);
        } else {
            self.take_from_past(at);
        }
    }

    /// One that was taken at `at` was perhaps never let in: it keeps its place in its second, but allows no growth after that.
    pub fn doubt(&mut self, now: Nanos, at: Nanos) {
        self.roll(now);
        if at.as_nanos() / NANOS_PER_SECOND == self.second {
            self.doubtful += 1;
        } else {
            self.take_from_past(at);
        }
    }

    fn take_from_past(&mut self, at: Nanos) {
        let second = at.as_nanos() / NANOS_PER_SECOND;
        if second + MEMORY >= self.second {
            let past = &mut self.past[(second % MEMORY) as usize];
            *past = past.saturating_sub(1);
            self.busiest = self.past.iter().copied().max().unwrap_or(0);
        }
    }

    /// At the latest in the next second, in which at least `step` are allowed.
    pub fn free_at(&mut self, now: Nanos) -> FreeAt {
        if self.fits(now) {
            return FreeAt::Now;
        }
        FreeAt::at(u128::from(self.second + 1) * u128::from(NANOS_PER_SECOND))
    }

    pub fn reset_at(&mut self, now: Nanos) -> Nanos {
        self.roll(now);
        if self.used == 0 { now } else { Nanos::new((self.second + 1).saturating_mul(NANOS_PER_SECOND)) }
    }

    /// Admitted in the present second.
    pub fn used(&mut self, now: Nanos) -> u64 {
        self.roll(now);
        self.used
    }

    /// How many the present second, as of the last use, may admit.
    #[inline]
    pub fn allowed(&self) -> u64 {
        self.busiest.saturating_add(self.step)
    }

    pub fn left_fraction(&mut self, now: Nanos) -> f64 {
        self.roll(now);
        1.0 - self.used as f64 / self.allowed() as f64
    }

    /// Another step from now on.
    pub fn set_step(&mut self, step: u64) {
        self.step = step;
    }

    /// The most admitted in one of the last ten seconds, as of the last use.
    pub fn busiest(&self) -> u64 {
        self.busiest
    }

    /// Continues what `old` counted.
    pub fn carry(&mut self, old: &Ramp) {
        *self = Ramp { step: self.step, ..*old };
    }

    /// Moves on to the second of `now`.
    #[inline]
    fn roll(&mut self, now: Nanos) {
        let second = now.as_nanos() / NANOS_PER_SECOND;
        if second > self.second {
            self.turn(second);
        }
    }

    fn turn(&mut self, second: u64) {
        self.past[(self.second % MEMORY) as usize] = self.used.saturating_sub(self.doubtful);
        for silent in self.second + 1..second.min(self.second + 1 + MEMORY) {
            self.past[(silent % MEMORY) as usize] = 0;
        }
        (self.second, self.used, self.doubtful) = (second, 0, 0);
        self.busiest = self.past.iter().copied().max().unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Stream};

    /// From nothing the n-th second admits n × step, whatever is asked; ten silent seconds are a start from nothing.
    #[test]
    fn the_rate_grows_by_a_step_per_second() {
        let mut ramp = Ramp::new(20);
        let mut admitted = |second: u64| {
            let tries = (0..1_000).map(|i| Nanos::from_millis(second * 1_000 + i));
            tries.filter(|now| ramp.fits(*now).then(|| ramp.take(*now)).is_some()).count()
        };
        assert_eq!((0..4).map(&mut admitted).collect::<Vec<_>>(), [20, 40, 60, 80]);
        assert_eq!(admitted(13), 100, "nine silent seconds: the tenth before is remembered");
        assert_eq!(admitted(24), 20, "ten are not");
    }

    /// Of two a second, of which one was perhaps refused: the second stays full, and the next allows one and the step, as does the one after
    /// that when another of the next second turns out to be doubtful late.
    #[test]
    fn what_was_perhaps_refused_keeps_its_place_and_allows_no_growth() {
        let (mut ramp, at) = (Ramp::new(2), Nanos::from_millis);
        let fill = |ramp: &mut Ramp, now| (0..9).filter(|_| ramp.admit(now).0).count();
        assert_eq!(fill(&mut ramp, at(500)), 2);
        ramp.doubt(at(600), at(500));
        assert_eq!((fill(&mut ramp, at(700)), fill(&mut ramp, at(1_500))), (0, 3));
        ramp.doubt(at(2_000), at(1_500));
        assert_eq!(fill(&mut ramp, at(2_100)), 4);
    }

    /// Against a list of all admissions, over random gaps: admits iff the second has fewer than the rule allows, and is
    /// free at the next second otherwise.
    #[test]
    fn agrees_with_a_list_of_all_admissions() {
        for seed in 0..50 {
            let (mut ramp, mut draws, mut now, mut list) = (Ramp::new(1 + seed % 4), Draws::new(seed, Stream::Pick, 0), 0_u64, Vec::new());
            for _ in 0..2_000 {
                now += (draws.unit() * draws.unit() * if draws.chance(0.02) { 9e9 } else { 4e8 }) as u64;
                let second = now / NANOS_PER_SECOND;
                let count = |second: u64| list.iter().filter(|at| **at / NANOS_PER_SECOND == second).count() as u64;
                let busiest = (1..=10).filter_map(|back| second.checked_sub(back)).map(count).max().unwrap_or(0);
                let fits = count(second) < busiest + 1 + seed % 4;
                let at = Nanos::new(now);
                assert_eq!(ramp.fits(at), fits, "seed {seed} at {at}");
                let free = if fits { FreeAt::Now } else { FreeAt::At(Nanos::new((second + 1) * NANOS_PER_SECOND)) };
                assert_eq!(ramp.free_at(at), free, "seed {seed} at {at}");
                if fits {
                    ramp.take(at);
                    list.push(now);
                }
            }
            assert!(list.len() > 100, "seed {seed}: {} admitted", list.len());
        }
    }
}

//! Whether refusals have to do with what is sent.
//!
//! Refusals that go on until the pace has fallen to half of what once went through, or many a minute, or without a hint one soon after
//! another, have nothing to do with it: capacity that others use up. The pace is then given up for a minute, twice as long each time, for
//! it would starve us. Seldom ones with hints that have put the pace far below what once went through are chance, and do not count for a while.
//! Not so while refusals are [`Regular`]: a window repeats what it took a period ago, and refuses often where that was little.

use super::regular::Regular;
use crate::time::Nanos;

/// A refusal within so many admissions after the last one is soon. Without a hint it is a strike,
pub(super) const SOON: f64 = 40.0;
/// and after so many strikes in a row the pace is given up,
const STRIKES: u32 = 10;
/// or after half as many such refusals without a hint, with others let in between, in one minute, or so many with one: a pace that is
/// right is refused once in that, and one that is being found ten times.
const REFUSALS_MAX: u32 = 24;
const REFUSALS_TIME: Nanos = Nanos::from_secs(60);
/// Or once it has fallen to this much of what went through at its best, and is refused soon.
const FALLEN: f64 = 0.5;
/// Seldom refusals with hints that put it down to this much are chance.
const CHANCE: f64 = 0.75;
/// First time without a pace when refusals are not ours.
const GIVEN_UP: Nanos = Nanos::from_secs(60);
/// The same where it may be chance, or a limit that has changed.
const GIVEN_UP_CHANCE: Nanos = Nanos::from_secs(20);
const DOUBLINGS: u32 = 6;
/// After so many admissions in so long a time, ns, without a refusal the next one is the first again.
const FORGIVEN: (f64, f64) = (1_000.0, 120e9);

/// What speaks for and against the pace.
#[derive(Clone, Debug, Default)]
pub(super) struct Blame {
    /// Refusals do not count before this.
    deaf_until: Nanos,
    /// Refusals without a hint in a row, soon after each other, although there was a pace.
    strikes: u32,
    /// Those of a minute, which began then; without a hint they count twice.
    refusals: (u32, Nanos),
    /// How often the pace was given up.
    given_up: u32,
    /// There are half as many refusals as end it, so something else may be the reason.
    fails: bool,
    /// Whether it is a limit for sure.
    regular: Regular,
}

/// A refusal, with others let in since the last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused {
    /// So many, in so long a time, ns.
    pub admitted: f64,
    pub time: f64,
    pub hinted: bool,
    /// The pace explains it.
    pub is_surprising: bool,
}

/// What a refusal says in the end.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// That the pace is too high.
    Stays,
    /// Nothing: what is sent does not matter.
    NotOurs(Blame),
    /// Nothing: it is chance.
    Chance(Blame),
}

/// What the refusal leaves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left {
    /// The pace, and the most that went through per ns over a time long enough; 0: not known.
    pub rate: f64,
    pub peak: f64,
    /// Refusals in a row, each soon after the last.
    pub soon: u32,
    pub hinted: bool,
    /// What is being found is refused more often.
    pub is_being_found: bool,
}

impl Blame {
    /// What is known of it when a pace starts anew.
    pub fn resumed(&self) -> Blame {
        Blame { given_up: self.given_up, ..Blame::default() }
    }

    /// Whether refusals are taken to have nothing to do with the own rate.
    pub fn is_deaf(&self, now: Nanos) -> bool {
        now < self.deaf_until
    }

    /// Whether it turned out so before, not long ago.
    pub fn was_deaf(&self) -> bool {
        self.given_up > 0
    }

    /// Whether half of what ends a pace has happened.
    pub fn fails(&self) -> bool {
        self.fails
    }

    /// Whether this is no chance.
    pub fn is_sure(&self) -> bool {
        self.strikes >= STRIKES / 2 || self.regular.is_proven()
    }

    /// So many went from one refusal, `before`, to the next, the first of them at `begun`.
    pub fn look_at(&mut self, admitted: f64, before: Nanos, begun: Nanos, refused: Nanos) {
        self.regular.refused(admitted, before, begun, refused);
    }

    /// Several refusals in a row with nobody let in between: hardly by chance.
    pub fn refused_alone(&mut self) {
        self.strikes /= 2;
    }

    /// One more refusal.
    pub fn refused(&mut self, now: Nanos, refused: Refused) {
        let Refused { admitted, time, hinted, is_surprising } = refused;
        if admitted >= FORGIVEN.0 && time >= FORGIVEN.1 {
            self.given_up = 0;
        }
        let soon = admitted < SOON;
        if now.since(self.refusals.1) > REFUSALS_TIME {
            self.refusals = (0, now);
        }
        self.refusals.0 += if hinted { 1 } else { 2 } * u32::from(is_surprising);
        self.strikes = if soon && !hinted { self.strikes + u32::from(is_surprising) } else { 0 };
    }

    /// What becomes of the pace after a refusal.
    pub fn judged(&mut self, now: Nanos, left: Left) -> Verdict {
        let Left { rate, peak, soon, hinted, is_being_found } = left;
        let has_fallen = rate < peak * FALLEN && soon >= if hinted { STRIKES } else { 1 };
        let is_chance = hinted && rate < peak * CHANCE && soon < STRIKES / 2;
        let times = if is_being_found && self.given_up == 0 { 2 } else { 1 };
        self.fails = has_fallen || self.strikes >= STRIKES / 2 || self.refusals.0 >= REFUSALS_MAX / 2;
        let is_much = has_fallen || self.strikes >= times * STRIKES || self.refusals.0 >= times * REFUSALS_MAX;
        if self.regular.is_proven() || !(is_much || is_chance) {
            Verdict::Stays
        } else if is_much {
            Verdict::NotOurs(self.deaf(now, GIVEN_UP))
        } else {
            Verdict::Chance(self.deaf(now, GIVEN_UP_CHANCE))
        }
    }

    /// It is not to count for some time, `first` at first.
    fn deaf(&self, now: Nanos, first: Nanos) -> Blame {
        let pause = Nanos::from_f64(first.as_f64() * 2_f64.powi(self.given_up.min(DOUBLINGS) as i32));
        Blame { deaf_until: now + pause, given_up: self.given_up + 1, ..Blame::default() }
    }
}

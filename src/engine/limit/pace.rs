//! The pace that an undeclared limit allows, learned from refusals, where [`Marks`](super::marks) cannot tell which limit it is.
//!
//! Evenly spaced attempts at no more than the sustained rate fit every kind of limit: a bucket however shallow, and a window
//! of whatever length and phase. So what is learned is that rate, and a burst on top of it that has proved to pass.
//!
//! - *From what.* A refusal (with its hint, which says when the limit frees) marks an instant at which the limit was used up.
//!   Between two such marks exactly the sustained rate was admitted, whatever the algorithm: admitted ÷ time is the
//!   estimate. The first refusal only starts the count, the second sets the pace to just below the estimate.
//! - *Upwards*: [`climb`]. Every admission that had to wait for the pace raises it, or before which somebody was turned away.
//! - *Downwards.* A refusal lowers the pace to just below the estimate, but by a twenty-fifth at most (the estimate is too low
//!   where demand was), up to three times that when refusals follow each other, and by a fifth at each refusal from the third on with nobody
//!   let in between. It halves the burst; without a hint it ends it, for what comes together after a pause may be all that was wrong.
//! - *Not ours*: see [`Blame`]. Such a pace is given up for a while.

use super::blame::{Blame, Left, Refused, SOON, Verdict};
use super::climb;
use super::refusal::Paced;
use crate::time::Nanos;

/// Below the estimate by this much.
const MARGIN: f64 = 0.98;
/// A refusal lowers the pace to this at most.
const STEP: f64 = 0.96;
/// Or to this, once refusal after refusal says the same.
const STEP_SURE: f64 = 0.8;
/// Growth of the burst with every admission.
const BURST_GROWTH: f64 = 0.005;
/// Who asks for longer pauses is not tried because somebody is turned away, but only where somebody waits.
const COSTLY: Nanos = Nanos::from_secs(5);
/// What seems to be refused by chance goes at so many times the rate that once went through.
const BOLD: f64 = 2.0;
/// Time constant of the estimate.
const MEMORY: f64 = 120e9;
/// An estimate over less than this is too short to tell what the provider can do: windows replay the past minute.
const PROOF: f64 = 60e9;
/// Refusals in a row with nobody let in between after which the pace is lowered again.
const ALONE: u32 = 3;
/// A rate that was believed in before counts like an estimate over this.
const HINT: f64 = 5e9;
/// A refusal of a pace that is no higher than what goes through times this is a surprise.
const SURPRISING: f64 = 1.5;
/// Time in which the attempts since a refusal may double, ns, until they are so many.
const RAMP: f64 = 100e6;
const RAMP_MAX: f64 = 1_000.0;
/// So close to each other are rates between marks that are taken for the same.
const STEADY: f64 = 0.15;
/// Refusals teach only where something was answered in this time.
const LATELY: Nanos = Nanos::from_secs(60);

/// The learned pace of one provider or quota group.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    /// Attempts per ns; 0: unlimited.
    rate: f64,
    /// Attempts that may go at once, ≥ 1.
    burst: f64,
    /// Attempts that may go now, as of `as_of`.
    level: f64,
    as_of: Nanos,
    /// The highest estimate over a time long enough; 0: none yet.
    peak: f64,
    /// A refusal has come at the pace, and not only from the burst that led to it.
    is_tried: bool,
    /// Where the last refusal put the limit, attempts per ns: growth is slowest there.
    reference: f64,
    /// Refusals in a row, each soon after the last.
    soon: u32,
    /// Refusals without a hint in a row since anybody was let in.
    alone: u32,
    /// Marks in a row between which as many went per time as over the last minutes.
    steady: u32,
    /// Somebody was turned away since the last admission.
    wanted: bool,
    /// The last refusal asked for a long pause.
    is_costly: bool,
    /// When one more could go, as of the last admission.
    ready_at: Nanos,
    /// The last admission.
    taken_at: Nanos,
    /// The last mark, at which the limit was used up.
    mark: Option<Nanos>,
    /// Attempts admitted since the mark, or not refused yet.
    admitted: f64,
    /// When the first of them went.
    begun: Option<Nanos>,
    /// When an attempt last ended otherwise than refused.
    answered_at: Option<Nanos>,
    /// Fading sums of admissions and time between marks.
    sums: (f64, f64),
    /// When the last refusal that counted came.
    refused_at: Nanos,
    /// Whether it has to do with refusals at all.
    blame: Blame,
}

impl Pace {
    /// Around a rate that may be right, after what was known before: the next marks decide.
    pub fn resumed(&self, now: Nanos, rate: f64) -> Pace {
        let (mark, sums) = (Some(now), (rate * HINT, HINT));
        Pace {
            rate: rate * MARGIN,
            burst: 1.0,
            as_of: now,
            reference: rate,
            mark,
            refused_at: now,
            sums,
            blame: self.blame.resumed(),
            ..Pace::default()
        }
    }

    /// Whether one more may go.
    #[inline]
    pub fn fits(&mut self, now: Nanos) -> bool {
        if self.rate == 0.0 {
            return self.ramp_at(now).is_none_or(|at| at <= now);
        }
        self.refill(now);
        self.level >= 1.0
    }

    /// When one more may go after a refusal from which no pace is known yet; `None`: at any time. The refusal said when one
    /// fits, not a whole queue: the first goes alone, and after each tenth of a second twice as many, for as long
    /// as it takes to be refused again.
    fn ramp_at(&self, now: Nanos) -> Option<Nanos> {
        let mark = self.mark.filter(|_| self.admitted < RAMP_MAX && !self.blame.is_deaf(now))?;
        let begun = self.begun.map_or(mark, |begun| begun.max(mark));
        Some(begun + Nanos::from_f64(RAMP * (self.admitted + 1.0).log2()))
    }

    /// One goes.
    #[inline]
    pub fn take(&mut self, now: Nanos) {
        self.admitted += 1.0;
        self.begun = self.begun.or(Some(now));
        if self.rate == 0.0 {
            return;
        }
        // It went as soon as it could, so it had waited; by chance only one in twenty does.
        let at_once = self.ready_at > self.taken_at && now.since(self.ready_at).as_f64() * self.rate < 0.05;
        let waited = (std::mem::take(&mut self.wanted) && !self.is_costly) || at_once;
        self.refill(now);
        self.level -= 1.0;
        if waited {
            let is_short = self.sums.1 < PROOF || !self.is_tried;
            self.rate = climb::raised(self.rate, self.reference, if is_short { self.missing() } else { Nanos::ZERO });
        }
        (self.taken_at, self.ready_at) = (now, now + self.missing());
        self.burst = (self.burst + BURST_GROWTH).min(self.rate * 60e9).max(1.0);
    }

    /// Somebody was turned away: neither this nor another provider took it.
    pub fn want(&mut self) {
        self.wanted = true;
    }

    /// One that went at `sent` was never sent.
    pub fn forget(&mut self, now: Nanos, sent: Nanos) {
        self.passed_over(sent);
        if self.rate > 0.0 {
            self.refill(now);
            self.level = (self.level + 1.0).min(self.burst);
        }
    }

    /// When the next may go; `None`: now.
    pub fn free_at(&mut self, now: Nanos) -> Option<Nanos> {
        if self.fits(now) {
            return None;
        }
        if self.rate == 0.0 {
            return self.ramp_at(now);
        }
        Some(now + self.missing())
    }

    /// Until the next may go.
    fn missing(&self) -> Nanos {
        if self.level >= 1.0 { Nanos::ZERO } else { Nanos::from_f64(((1.0 - self.level) / self.rate).ceil()) + Nanos::new(1) }
    }

    /// Share of the burst that may go now.
    pub fn left_fraction(&mut self, now: Nanos) -> f64 {
        if self.rate == 0.0 {
            return 1.0;
        }
        self.refill(now);
        (self.level / self.burst).clamp(0.0, 1.0)
    }

    /// Whether it is from refusals at the pace itself, over a time long enough.
    fn is_proven(&self) -> bool {
        self.is_tried && self.peak > 0.0
    }

    /// Whether that is so, and explains the refusals of late.
    pub fn explains(&self) -> bool {
        self.is_proven() && !self.blame.fails()
    }

    /// Whether there is none, and refusals count.
    pub fn is_unknown(&self, now: Nanos) -> bool {
        self.rate == 0.0 && !self.blame.is_deaf(now)
    }

    /// See [`Paced`].
    pub fn paced(&self, now: Nanos) -> Paced {
        if self.blame.is_deaf(now) {
            Paced::GivenUp
        } else if self.is_proven() && self.admitted > SOON {
            Paced::Apart(Nanos::from_f64(1.0 / self.rate))
        } else {
            Paced::Unknown
        }
    }

    /// An attempt ended otherwise than refused.
    #[inline]
    pub fn answered(&mut self, now: Nanos) {
        self.answered_at = Some(now);
    }

    /// Whether anybody has been let in of late.
    fn answers(&self, now: Nanos) -> bool {
        self.answered_at.is_some_and(|at| now.since(at) < LATELY)
    }

    /// An attempt that was sent at `sent` was refused at `now`; `hint`: the pause that the refusal asked for; `unused`: how many
    /// more might have gone, had not those in flight been charged an estimate of which they use less. The first pace counts on
    /// that: it is from a burst, and later ones are refused at their pace, with few in flight.
    pub fn refused(&mut self, now: Nanos, sent: Nanos, hint: Option<Nanos>, unused: f64) {
        self.passed_over(sent);
        self.is_costly = hint.is_some_and(|hint| hint > COSTLY);
        let mark = sent.max(sent + hint.unwrap_or_default());
        match self.mark {
            // A burst that is refused as one is one refusal.
            Some(before) if sent < self.refused_at => self.mark = Some(before.max(mark)),
            // Where nobody at all is let in no pace would help.
            Some(before) if self.answers(now) && !self.blame.is_deaf(now) => self.learn(now, before, mark, hint.is_some(), unused),
            _ => self.start(now, mark),
        }
    }

    /// From what went between two marks.
    fn learn(&mut self, now: Nanos, before: Nanos, mark: Nanos, hinted: bool, unused: f64) {
        self.blame.look_at(self.admitted, before, self.begun.unwrap_or(mark), mark);
        if self.admitted == 0.0 {
            // The pause was short.
            if !hinted {
                self.refused_alone(now, mark.since(before).as_f64());
            }
            (self.mark, self.begun) = (Some(before.max(mark)), None);
            return;
        }
        let (admitted, soon, time) = (self.admitted, self.admitted < SOON, mark.since(before).as_f64());
        let estimate = self.estimate(time);
        self.steady = if (admitted / time.max(1.0) / estimate - 1.0).abs() < STEADY { self.steady + 1 } else { 0 };
        self.start(now, mark);
        // Above what goes through a refusal is no surprise.
        let is_surprising = self.rate > 0.0 && self.rate <= estimate * SURPRISING;
        self.blame.refused(now, Refused { admitted, time, hinted, is_surprising });
        (self.soon, self.alone) = (if soon { self.soon + 1 } else { 0 }, 0);
        let first = if self.rate == 0.0 { unused / self.sums.1.max(1.0) } else { 0.0 };
        self.slow_down(now, estimate + first, hinted);
    }

    /// An attempt that was sent at `sent` does not count as admitted: it was refused, be it for something else.
    pub fn passed_over(&mut self, sent: Nanos) {
        if sent >= self.refused_at {
            self.admitted = (self.admitted - 1.0).max(0.0);
        }
    }

    /// Nobody was let in for so long. What went before that is known only once there is an estimate. By chance hardly anybody is
    /// refused three times in a row: it rather is a window that is full.
    fn refused_alone(&mut self, now: Nanos, time: f64) {
        self.alone += 1;
        if self.alone >= ALONE {
            self.blame.refused_alone();
        }
        if self.peak > 0.0 {
            let estimate = self.estimate(time);
            if self.alone >= ALONE {
                self.refill(now);
                self.rate = self.lowered(STEP_SURE, estimate);
                self.reference = self.reference.min(estimate.max(self.rate));
            }
        }
    }

    /// Counts from this mark on.
    fn start(&mut self, now: Nanos, mark: Nanos) {
        (self.mark, self.refused_at, self.admitted, self.begun) = (Some(mark), now, 0.0, None);
    }

    /// Admitted ÷ time, over the marks of the last minute or so.
    fn estimate(&mut self, time: f64) -> f64 {
        let kept = (-time / MEMORY).exp();
        let (admitted, span) = self.sums;
        self.sums = (admitted * kept + self.admitted, span * kept + time);
        let estimate = self.sums.0 / self.sums.1.max(1.0);
        if self.sums.1 >= PROOF {
            self.peak = self.peak.max(estimate);
        }
        estimate
    }

    fn slow_down(&mut self, now: Nanos, estimate: f64, hinted: bool) {
        self.refill(now);
        if self.rate == 0.0 {
            (self.rate, self.burst, self.level, self.as_of) = (estimate * MARGIN, 1.0, 0.0, now);
            self.reference = estimate;
            return;
        }
        self.is_tried = true;
        self.burst = if hinted { (self.burst * 0.5).max(1.0) } else { 1.0 };
        self.level = self.level.min(self.burst);
        // Who was wrong once does not lower it for every refusal that may be chance.
        if hinted || !self.blame.was_deaf() || self.blame.is_sure() || self.rate > estimate * SURPRISING {
            self.lower(estimate);
        }
        let Pace { rate, peak, soon, .. } = *self;
        let left = Left { rate, peak, soon, hinted, is_being_found: self.sums.1 < PROOF };
        match self.blame.judged(now, left) {
            Verdict::Stays => {}
            Verdict::NotOurs(blame) => *self = Pace { blame, refused_at: now, ..Pace::default() },
            // Not all that wait at once: were it a limit, so many would be refused.
            Verdict::Chance(blame) => *self = Pace { blame, peak, is_tried: true, ..self.resumed(now, peak * BOLD) },
        }
    }

    fn lower(&mut self, estimate: f64) {
        // The first estimates are over short times; they may be far off either way, and are tried once the pace has failed twice.
        let (unproven, before) = (self.sums.1 < PROOF && self.soon > 0, self.rate);
        // The estimate is too low where demand was, unless refusal after refusal says the same.
        let sure = self.soon >= 2 && self.steady >= 2;
        let step = if sure { STEP_SURE } else { STEP.powi(1 + self.soon.min(2) as i32) };
        self.rate = if unproven { estimate * MARGIN } else { self.lowered(step, estimate) };
        self.reference = before.min(estimate.max(self.rate));
    }

    /// Just below the estimate, if that is lower, but no less than `step` of what it is.
    fn lowered(&self, step: f64, estimate: f64) -> f64 {
        (self.rate * step).max(self.rate.min(estimate * MARGIN))
    }

    #[inline]
    fn refill(&mut self, now: Nanos) {
        self.level = (self.level + self.rate * now.since(self.as_of).as_f64()).min(self.burst);
        self.as_of = self.as_of.max(now);
    }
}

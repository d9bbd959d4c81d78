//! The pace that an undeclared limit allows, learned from refusals, where [`Marks`](super::marks) cannot tell which limit it is.
//!
//! Evenly spaced attempts at no more than the sustained rate fit every kind of limit: a bucket however shallow, and a window
//! of whatever length and phase. So what is learned is that rate, and a burst on top of it that has proved to pass.
//!
//! - *From what.* A refusal (with its hint, which says when the limit frees) marks an instant at which the limit was used up.
//!   Between two such marks exactly the sustained rate was admitted, whatever the algorithm: admitted ÷ time is the
//!   estimate. The first refusal only starts the count, the second sets the pace to just below the estimate.
//! - *Upwards.* Every admission that had to wait for the pace raises it: by a hundredth of a percent near the reference, where the
//!   last refusal put the limit, and with the square of the distance away from it (as CUBIC does, RFC 9438: little risk where
//!   the limit was, speed where it was not). From 2 % below to 2 % above takes 300 admissions, and a minute at least: after a
//!   refusal nobody is sent for a second or so, and at a hundred a second 300 admissions would leave a third of the time to pauses.
//!   A factor e takes 20 s at least. The burst grows a little too.
//! - *Downwards.* A refusal lowers the pace to just below the estimate, but by a twenty-fifth at most (the estimate is too low
//!   where demand was), up to three times that when refusals follow each other, and halves the burst.
//! - *Not ours.* Refusals that go on without a hint one after another although the pace falls, or with one until it has fallen
//!   to half, have nothing to do with it: the provider's
//!   shared capacity is used up by others. The pace is then given up for a minute, twice as long each time, for it
//!   would only starve us.

use crate::time::Nanos;

/// Below the estimate by this much.
const MARGIN: f64 = 0.98;
/// A refusal lowers the pace to this at most.
const STEP: f64 = 0.96;
/// Or to this, once refusal after refusal says the same.
const STEP_SURE: f64 = 0.8;
/// Growth per admission that waited, at the reference,
const GROWTH: f64 = 0.000_1;
/// but by no more than a factor e in this, ns: each refusal costs a pause, however many are admitted between two,
const GROWTH_TIME: f64 = 1_500e9;
/// twice as much this far away from it, and with the square of the distance,
const NEAR: f64 = 0.02;
/// up to this,
const GROWTH_MAX: f64 = 0.02;
/// and a factor e in this, ns, for refusals are as late as answers, or later.
const GROWTH_TIME_MIN: f64 = 20e9;
/// While the estimate is from too short a time, or from a burst whose estimates were charged and have come back since, the pace also
/// grows by a factor e in this.
const HASTE: f64 = 220e9;
/// Growth of the burst with every admission.
const BURST_GROWTH: f64 = 0.005;
/// Time constant of the estimate.
const MEMORY: f64 = 120e9;
/// An estimate over less than this is too short to tell what the provider can do: windows replay the past minute.
const PROOF: f64 = 60e9;
/// A rate that was believed in before counts like an estimate over this.
const HINT: f64 = 5e9;
/// A refusal without a hint within so many admissions after the last one is a strike,
const SOON: f64 = 40.0;
/// and after so many strikes in a row the pace is given up.
const STRIKES: u32 = 10;
/// Time in which the attempts since a refusal may double, ns, until they are so many.
const RAMP: f64 = 100e6;
const RAMP_MAX: f64 = 1_000.0;
/// So close to each other are rates between marks that are taken for the same.
const STEADY: f64 = 0.15;
/// Refusals teach only where something was answered in this time.
const LATELY: Nanos = Nanos::from_secs(60);
/// First time without a pace when refusals are not ours.
const GIVEN_UP: Nanos = Nanos::from_secs(60);

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
    /// Marks in a row between which as many went per time as over the last minutes.
    steady: u32,
    /// When one more could go, as of the last admission.
    ready_at: Nanos,
    /// The last admission.
    taken_at: Nanos,
    /// The last mark, at which the limit was used up.
    mark: Option<Nanos>,
    /// Attempts admitted since the mark, or not refused yet.
    admitted: f64,
    /// When an attempt last ended otherwise than refused.
    answered_at: Option<Nanos>,
    /// Fading sums of admissions and time between marks.
    sums: (f64, f64),
    /// When the last refusal that counted came.
    refused_at: Nanos,
    /// Refusals do not count before this.
    deaf_until: Nanos,
    /// Refusals without a hint in a row, soon after each other, although there was a pace.
    strikes: u32,
    /// How often the pace was given up.
    given_up: u32,
}

impl Pace {
    /// Around a rate that may be right: the next marks decide.
    pub fn resumed(now: Nanos, rate: f64) -> Pace {
        let (mark, sums) = (Some(now), (rate * HINT, HINT));
        Pace { rate: rate * MARGIN, burst: 1.0, as_of: now, reference: rate, mark, refused_at: now, sums, ..Pace::default() }
    }

    /// Whether one more may go.
    #[inline]
    pub fn fits(&mut self, now: Nanos) -> bool {
        if self.rate == 0.0 {
            return self.ramp_at().is_none_or(|at| at <= now);
        }
        self.refill(now);
        self.level >= 1.0
    }

    /// When one more may go after a refusal from which no pace is known yet; `None`: at any time. The refusal said when one
    /// fits, not a whole queue: the first goes alone, and after each tenth of a second twice as many, for as long
    /// as it takes to be refused again.
    fn ramp_at(&self) -> Option<Nanos> {
        let mark = self.mark.filter(|_| self.admitted < RAMP_MAX)?;
        Some(mark + Nanos::from_f64(RAMP * (self.admitted + 1.0).log2()))
    }

    /// One goes.
    #[inline]
    pub fn take(&mut self, now: Nanos) {
        self.admitted += 1.0;
        if self.rate == 0.0 {
            return;
        }
        // It went as soon as it could, so it had waited; by chance only one in twenty does.
        let waited = self.ready_at > self.taken_at && now.since(self.ready_at).as_f64() * self.rate < 0.05;
        self.refill(now);
        self.level -= 1.0;
        if waited {
            let distance = (self.rate / self.reference - 1.0) / NEAR;
            let haste = if self.sums.1 < PROOF || !self.is_tried { (self.missing().as_f64() / HASTE).min(0.1) } else { 0.0 };
            let gap = 1.0 / self.rate;
            let least = GROWTH.min(gap / GROWTH_TIME);
            let most = GROWTH_MAX.min(gap / GROWTH_TIME_MIN);
            self.rate *= 1.0 + (least * (1.0 + distance * distance)).min(most) + haste;
        }
        (self.taken_at, self.ready_at) = (now, now + self.missing());
        self.burst = (self.burst + BURST_GROWTH).min(self.rate * 60e9).max(1.0);
    }

    /// One that went at `sent` was never sent.
    pub fn forget(&mut self, now: Nanos, sent: Nanos) {
        if sent >= self.refused_at {
            self.admitted = (self.admitted - 1.0).max(0.0);
        }
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
            return self.ramp_at();
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

    /// Whether refusals are taken to have nothing to do with the own rate.
    pub fn is_given_up(&self, now: Nanos) -> bool {
        now < self.deaf_until
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
        if sent >= self.refused_at {
            self.admitted = (self.admitted - 1.0).max(0.0);
        }
        let mark = sent.max(sent + hint.unwrap_or_default());
        let Some(before) = self.mark else {
            self.start(now, mark);
            return;
        };
        // A burst that is refused as one is one refusal; one that comes alone after a pause says that the pause was short;
        // and where nobody at all is let in, no pace would help.
        if sent < self.refused_at || self.admitted == 0.0 || !self.answers(now) || self.is_given_up(now) {
            self.mark = self.mark.max(Some(mark));
            return;
        }
        let soon = self.admitted < SOON;
        let time = mark.since(before).as_f64();
        let recent = self.admitted / time.max(1.0);
        let estimate = self.estimate(time);
        self.steady = if (recent / estimate - 1.0).abs() < STEADY { self.steady + 1 } else { 0 };
        self.start(now, mark);
        self.strikes = if self.rate > 0.0 && soon && hint.is_none() { self.strikes + 1 } else { 0 };
        self.soon = if soon { self.soon + 1 } else { 0 };
        let first = if self.rate == 0.0 { unused / self.sums.1.max(1.0) } else { 0.0 };
        self.slow_down(now, estimate + first);
    }

    /// Counts from this mark on.
    fn start(&mut self, now: Nanos, mark: Nanos) {
        (self.mark, self.refused_at, self.admitted) = (Some(mark), now, 0.0);
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

    fn slow_down(&mut self, now: Nanos, estimate: f64) {
        self.refill(now);
        if self.rate == 0.0 {
            (self.rate, self.burst, self.level, self.as_of) = (estimate * MARGIN, 1.0, 0.0, now);
            self.reference = estimate;
            return;
        }
        self.is_tried = true;
        // The first estimates are over short times; they may be far off either way.
        let unproven = self.sums.1 < PROOF;
        let before = self.rate;
        // The estimate is too low where demand was, unless refusal after refusal says the same.
        let sure = self.soon >= 2 && self.steady >= 2;
        let step = if sure { STEP_SURE } else { STEP.powi(1 + self.soon.min(2) as i32) };
        self.rate = if unproven { estimate * MARGIN } else { (self.rate * step).max(self.rate.min(estimate * MARGIN)) };
        self.reference = before.min(estimate.max(self.rate));
        self.burst = (self.burst * 0.5).max(1.0);
        self.level = self.level.min(self.burst);
        if (self.rate < self.peak * 0.5 && self.soon >= STRIKES) || self.strikes >= STRIKES {
            let pause = GIVEN_UP.as_f64() * 2_f64.powi(self.given_up.min(5) as i32);
            let given_up = self.given_up + 1;
            *self = Pace { deaf_until: now + Nanos::from_f64(pause), given_up, refused_at: now, ..Pace::default() };
        }
    }

    #[inline]
    fn refill(&mut self, now: Nanos) {
        self.level = (self.level + self.rate * now.since(self.as_of).as_f64()).min(self.burst);
        self.as_of = self.as_of.max(now);
    }
}

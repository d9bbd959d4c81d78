//! An undeclared limit, as response headers tell of it.
//!
//! A header says how much the limit holds, how much was left when the attempt was admitted, and when all of it would be left
//! again. How it refills in between depends on the algorithm, which no header names:
//!
//! - Unknown: nothing comes back before the reset, and then all but what was reserved since. That is never too bold: at that
//!   time a bucket lacks no more than what was taken since, and of a sliding window all earlier entries have expired.
//! - A fixed window: at its end everything comes back, and what an earlier window said is void.
//! - A sliding window: what was reserved comes back one period later, piece by piece.
//! - A bucket: it refills at the rate that headers prove. What is left they tell in whole units; the rest is what was known before.
//!
//! How the algorithm is recognised: [`kind`](super::kind).
//!
//! What is reserved is taken off at once, as with a declared limit; each header then replaces the belief by what it
//! says, less what was reserved since its attempt was admitted. So the use of others is seen as soon as a header tells.
//! What an attempt did not use of its estimate is given back once its provider is known to do so ([`Returns`]); until then
//! the next header includes it if so. In a sliding window, which headers can only lower, it is given back at once.

use super::correct::rounding;
use super::headers::Told;
use super::kind::{Evidence, Kind, Seen, next_end};
use super::log::Log;
use super::others::Others;
use super::returns::Returns;
use super::{Cost, Dimension, FreeAt};
use crate::time::Nanos;

mod count;
mod rest;

/// Taken for the time to a reset that is not told.
const MINUTE: Nanos = Nanos::from_secs(60);

/// A limit known from headers only.
#[derive(Clone, Debug)]
pub(super) struct ToldLimit {
    pub dimension: Dimension,
    /// What it holds when full.
    limit: f64,
    /// What is left, as of `as_of`; below zero where more was reserved than it turned out to hold.
    left: f64,
    as_of: Nanos,
    /// When all is back but `outstanding`.
    reset_at: Nanos,
    /// Reserved since the header that `reset_at` is from.
    outstanding: f64,
    /// Reserved so far, less what was given back.
    total: f64,
    /// When something was last reserved.
    taken_at: Nanos,
    /// The longest time to a reset that was told.
    period: Nanos,
    kind: Kind,
    /// What headers say of the kind; `None`: found out from refusals.
    evidence: Option<Evidence>,
    /// The same before the latest header, which counts for nothing if its attempt was refused.
    before: Option<Evidence>,
    /// What was reserved in the last period, and what others must have used; kept until the kind is known not to need it.
    log: Log,
    others: Others,
    /// When the latest attempt of which a header was taken in was sent, and its number.
    heard: Nanos,
    heard_number: u64,
    /// The latest attempt whose header told that it did not fit.
    spent_number: Option<u64>,
    /// The latest cost.
    latest: f64,
    returns: Returns,
}

/// An attempt at the provider.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    /// Its place in the order of admissions.
    pub number: u64,
    pub sent: Nanos,
    /// What was reserved for it.
    pub cost: Cost,
}

impl ToldLimit {
    /// From the first header, of an attempt sent at `sent`; `since` was reserved after it. `None`: it does not say enough.
    pub fn new(dimension: Dimension, now: Nanos, attempt: Attempt, told: &Told, since: f64) -> Option<ToldLimit> {
        let (limit, remaining, sent) = (told.limit?, told.remaining?, attempt.sent);
        let reset = told.reset.unwrap_or(MINUTE);
        let mut one = ToldLimit {
            dimension,
            limit,
            left: limit.min(remaining) - since,
            as_of: now,
            reset_at: sent + reset,
            outstanding: since,
            total: since,
            taken_at: now,
            period: reset,
            kind: Kind::Unknown,
            evidence: Some(Evidence::new(seen(dimension, attempt, limit, remaining, reset, f64::INFINITY))),
            before: None,
            log: Log::default(),
            others: Others::default(),
            heard: sent,
            heard_number: attempt.number,
            spent_number: None,
            latest: 0.0,
            returns: Returns::default(),
        };
        // Others, or we before anybody counted: at the latest at the same time as this attempt.
        one.log.insert(sent, limit - remaining);
        one.log.insert(now, since);
        one.roll(now);
        Some(one)
    }

    /// Found out from refusals: a limit of this kind, of which `left` are left.
    pub fn found(now: Nanos, dimension: Dimension, limit: f64, kind: Kind, left: f64, log: Log) -> ToldLimit {
        let (reset_at, period) = match kind {
            Kind::Fixed { length: Some(length), since } => (since + length, length),
            Kind::Sliding { period } => (now, period),
            Kind::Fixed { length: None, .. } | Kind::Bucket { .. } | Kind::Unknown => (now, MINUTE),
        };
        ToldLimit {
            dimension,
            limit,
            left,
            as_of: now,
            reset_at,
            outstanding: 0.0,
            total: 0.0,
            taken_at: now,
            period,
            kind,
            evidence: None,
            before: None,
            log,
            others: Others::default(),
            heard: now,
            heard_number: 0,
            spent_number: None,
            latest: 0.0,
            returns: Returns::default(),
        }
    }

    /// What it holds when full.
    pub fn limit(&self) -> f64 {
        self.limit
    }

    /// Holds more or less from now on.
    pub fn set_limit(&mut self, now: Nanos, limit: f64) {
        self.roll(now);
        self.left += limit - self.limit;
        self.limit = limit;
    }

    /// Requests per ns that it sustains.
    pub fn rate(&self) -> f64 {
        if let Kind::Bucket { rate } = self.kind { rate } else { self.limit / self.period.as_f64() }
    }

    /// How long it takes to use it up and have it again.
    pub fn period(&self) -> Nanos {
        self.period
    }

    /// How long it may take until all is back, if no header tells: a bucket that was never seen empty takes longer than was told.
    fn whole(&self) -> Nanos {
        let rate = self.evidence.and_then(|evidence| evidence.least_rate());
        let refill = rate.map_or(Nanos::ZERO, |rate| Nanos::from_f64((self.limit / rate).min(MINUTE.as_f64())));
        self.period.max(refill)
    }

    /// A further header; `since`: what was reserved after the admission of its attempt.
    pub fn hear(&mut self, now: Nanos, attempt: Attempt, told: &Told, since: f64) {
        let Attempt { number, sent, .. } = attempt;
        self.roll(now);
        let changed = told.limit.is_some_and(|limit| limit != self.limit);
        self.limit = told.limit.unwrap_or(self.limit);
        let Some(remaining) = told.remaining else { return };
        if remaining < attempt.cost.of(self.dimension) as f64 {
            self.spent_number = Some(number);
        }
        let reset = told.reset.unwrap_or(self.period);
        let seen = seen(self.dimension, attempt, self.limit, remaining, reset, self.total - since);
        self.period = self.period.max(reset);
        // The latest admission knows best.
        if number < self.heard_number {
            return;
        }
        let taken_beside = self.evidence.and_then(|evidence| evidence.taken_beside(seen));
        let heard_before = std::mem::replace(&mut self.heard, sent);
        self.heard_number = number;
        if told.reset.is_some() {
            self.recognise(now, seen, changed);
        }
        if matches!(self.kind, Kind::Fixed { .. }) && seen.end() <= now {
            if let Some(taken) = taken_beside {
                self.others.took((taken - self.rounding()).max(0.0), sent.since(heard_before), self.period);
            }
            return self.turn_by(seen.end());
        }
        self.returns.heard(now, number, sent, remaining);
        let taken = self.believe(now, seen, remaining, since);
        // What others took of the window before shows nowhere.
        let from = if let Kind::Fixed { since, .. } = self.kind { heard_before.max(since) } else { heard_before };
        let taken = (taken - self.rounding()).max(0.0);
        self.others.took(taken, sent.since(from), self.period);
        self.others.took_of_window(taken);
    }

    /// Replaces what is left by what a header says; what others must have taken.
    fn believe(&mut self, now: Nanos, seen: Seen, remaining: f64, since: f64) -> f64 {
        let Seen { sent, .. } = seen;
        if let Kind::Sliding { period } = self.kind {
            // What others used shows for the first time; later headers find it in the log.
            let surplus = seen.missing - self.log.sum(sent, period) - self.returns.since(sent, now);
            let surplus = if surplus >= 1.0 { surplus } else { 0.0 };
            if surplus > 0.0 {
                self.note_use(sent, surplus);
                self.others.took_of_sliding(now, sent, surplus, period);
            }
            self.reset_at = now;
            self.roll(now);
            return surplus;
        }
        let before = self.left + self.back();
        self.left = match self.kind {
            Kind::Bucket { rate } => {
                // Less than a unit may be left besides, and what was reserved since may have gone before it was full; where
                // more was believed others have taken whole ones.
                let most = (remaining + seen.unit + rate * now.since(sent).as_f64() - since).min(self.limit);
                let told = (remaining + rate * now.since(sent).as_f64()).min(self.limit) - since;
                let excess = (self.left - most).max(0.0);
                told.max(self.left - (excess / seen.unit).ceil() * seen.unit)
            }
            _ => remaining - since,
        };
        (self.reset_at, self.outstanding) = (seen.end(), since);
        self.roll(now);
        before - self.left - self.back()
    }

    /// Compares with the headers before.
    fn recognise(&mut self, now: Nanos, new: Seen, changed: bool) {
        self.before = self.evidence;
        match &mut self.evidence {
            Some(evidence) if !changed => evidence.hear(new),
            evidence => *evidence = Some(Evidence::new(new)),
        }
        self.judge(now);
    }

    /// Believes what the evidence says.
    fn judge(&mut self, now: Nanos) {
        let since = if let Kind::Fixed { since, .. } = self.kind { since } else { Nanos::ZERO };
        let kind = self.evidence.map_or(Kind::Unknown, |evidence| evidence.kind(self.limit, since));
        if std::mem::discriminant(&kind) == std::mem::discriminant(&self.kind) {
            self.kind = kind;
            return;
        }
        // What was left was by other rules.
        match kind {
            Kind::Fixed { length: Some(length), .. } => {
                self.reset_at = self.evidence.map_or(now, |evidence| next_end(now, evidence.end(), length));
                self.left = self.limit - self.log.between(self.reset_at.since(length + Nanos::new(1)), now);
            }
            Kind::Bucket { .. } => self.left = self.left.min(0.0),
            _ => {}
        }
        self.kind = kind;
    }

    /// A fixed window that is over ended at `end`: so does the present one, a whole number of lengths later.
    fn turn_by(&mut self, end: Nanos) {
        if let Kind::Fixed { length: Some(length), .. } = self.kind {
            let turns = (self.reset_at.since(end).as_f64() / length.as_f64()).round();
            self.reset_at = end + Nanos::from_f64(turns * length.as_f64());
        }
    }

    /// Whether an attempt fits; `idle`: nobody is in flight, of whom a header might tell.
    pub fn admits(&mut self, now: Nanos, cost: Cost, idle: bool) -> bool {
        let amount = cost.of(self.dimension) as f64;
        self.fits(now, amount) || (idle && self.trial_at(now, amount, self.unsure(cost)).is_some_and(|at| at <= now))
    }

    /// When an attempt may go to show whether what was not used has come back; `None`: it would not help.
    fn trial_at(&self, now: Nanos, amount: f64, unsure: f64) -> Option<Nanos> {
        let waits = matches!(self.kind, Kind::Unknown | Kind::Fixed { .. });
        if waits { self.returns.trial_at(self.needed(now, amount) - self.left, unsure) } else { None }
    }

    /// When an attempt will fit.
    pub fn admits_at(&mut self, now: Nanos, cost: Cost, idle: bool) -> FreeAt {
        let free_at = self.free_at(now, cost.of(self.dimension) as f64);
        match (free_at, self.trial_at(now, cost.of(self.dimension) as f64, self.unsure(cost))) {
            (FreeAt::At(free), Some(trial)) if idle => {
                if trial <= now {
                    FreeAt::Now
                } else {
                    FreeAt::At(free.min(trial))
                }
            }
            _ => free_at,
        }
    }

    /// What is known to have come back since the latest header; of a sliding window the log knows it.
    fn back(&self) -> f64 {
        if matches!(self.kind, Kind::Sliding { .. }) { 0.0 } else { self.returns.known() }
    }

    /// Whether a cost fits. One that is larger than the whole limit fits a full one: the provider shall decide.
    pub fn fits(&mut self, now: Nanos, cost: f64) -> bool {
        self.roll(now);
        self.left + self.back() >= self.needed(now, cost)
    }

    /// When it will fit.
    pub fn free_at(&mut self, now: Nanos, cost: f64) -> FreeAt {
        if self.fits(now, cost) {
            return FreeAt::Now;
        }
        match self.kind {
            Kind::Bucket { rate } => {
                let missing = self.needed(now, cost) - self.left - self.back();
                FreeAt::At(now + Nanos::from_f64((missing / rate).ceil()) + Nanos::new(1))
            }
            Kind::Sliding { period } => {
                let frees = self.log.frees(now, period, self.needed(now, cost) - self.left);
                FreeAt::At(self.frees_when_stale(now, period, cost).map_or(frees, |at| at.min(frees)))
            }
            Kind::Fixed { .. } | Kind::Unknown => FreeAt::At(self.reset_at),
        }
    }

    /// What is left.
    pub fn left(&mut self, now: Nanos) -> f64 {
        self.roll(now);
        self.left + self.back()
    }

    /// Left ÷ limit.
    pub fn left_fraction(&mut self, now: Nanos) -> f64 {
        self.left(now) / self.limit
    }

    /// Brings what is left up to `now`.
    fn roll(&mut self, now: Nanos) {
        if let Kind::Bucket { rate } = self.kind {
            self.left = (self.left + rate * now.since(self.as_of).as_f64()).min(self.limit);
        } else if let Kind::Sliding { period } = self.kind {
            self.left = self.limit - self.log.sum(now, period);
        } else if now >= self.reset_at {
            self.turn(now);
        }
        self.as_of = self.as_of.max(now);
    }

    /// The reset has come.
    fn turn(&mut self, now: Nanos) {
        if let Kind::Fixed { length: Some(length), since } = &mut self.kind {
            let turns = now.since(self.reset_at).as_nanos() / length.as_nanos().max(1);
            *since = self.reset_at + Nanos::new(turns.saturating_mul(length.as_nanos()));
            self.reset_at = *since + *length;
            self.left = self.limit;
        } else {
            self.left = self.limit - self.outstanding;
            // Until a header names the next one.
            self.reset_at = (self.taken_at + self.whole()).max(now + Nanos::from_millis(1));
        }
        self.others.turn();
        self.outstanding = 0.0;
        self.returns.start_over();
    }
}

/// What a header of an attempt says.
fn seen(dimension: Dimension, attempt: Attempt, limit: f64, remaining: f64, reset: Nanos, total: f64) -> Seen {
    let own = if dimension.counts_tokens() { 0.0 } else { 1.0 };
    Seen { sent: attempt.sent, missing: limit - remaining, reset, total, own, unit: rounding(dimension, remaining) }
}

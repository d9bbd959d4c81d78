//! An undeclared limit, as response headers tell of it.
//!
//! A header says how much the limit holds, how much was left when the attempt was admitted, and when all of it would be left
//! again. How it refills in between depends on the algorithm, which no header names:
//!
//! - Unknown: nothing comes back before the reset, and then all but what was reserved since. That is never too bold: at that
//!   time a bucket lacks no more than what was taken since, and of a sliding window all earlier entries have expired.
//!   Nor does it waste much: a bucket that is left alone until it is full has lost nothing.
//! - A fixed window, recognised by resets that name the same instant although time has passed: at its end everything comes
//!   back, and what an earlier window said is void.
//! - A sliding window, recognised by resets that stay the same while what is missing changes: what was reserved comes back
//!   one period later, piece by piece.
//! - A bucket, recognised by resets in proportion to what is missing, or, where it holds few, by resets that move on by as much
//!   for every request: it refills at that rate.
//!
//! What is reserved is taken off at once, as with a declared limit; each header then replaces the belief by what it
//! says, less what was reserved since its attempt was admitted. So the use of others is seen as soon as a header tells.
//! What an attempt did not use of its estimate is given back once its provider is known to do so ([`Returns`]); until then
//! the next header includes it if so. In a sliding window, which headers can only lower, it is given back at once.

use super::headers::Told;
use super::kind::{FEW, INFLOW_MARGIN, Kind, Seen, UNKNOWN};
use super::log::Log;
use super::returns::Returns;
use super::{Cost, Dimension, FreeAt};
use crate::time::Nanos;

/// Taken for the time to a reset that is not told.
const MINUTE: Nanos = Nanos::from_secs(60);

/// Time constant of what others take, ns.
const OTHERS_MEMORY: f64 = 30e9;

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
    /// The header of the latest admission.
    seen: Seen,
    /// What was reserved in the last period, and what others must have used; kept until the kind is known not to need it.
    log: Log,
    /// Fading sums of what others took and of the time they took it in.
    others: (f64, f64),
    /// When the latest attempt of which a header was taken in was sent, and its number.
    heard: Nanos,
    heard_number: u64,
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
            kind: UNKNOWN,
            seen: Seen { sent, missing: limit - remaining, reset, total: 0.0 },
            log: Log::default(),
            others: (0.0, 0.0),
            heard: sent,
            heard_number: attempt.number,
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
            Kind::Fixed { length: None, .. } | Kind::Bucket { .. } | Kind::Unknown { .. } => (now, MINUTE),
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
            seen: Seen { sent: Nanos::ZERO, missing: 0.0, reset: Nanos::ZERO, total: 0.0 },
            log,
            others: (0.0, 0.0),
            heard: now,
            heard_number: 0,
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
        self.limit / self.period.as_f64()
    }

    /// How long it takes to use it up and have it again.
    pub fn period(&self) -> Nanos {
        self.period
    }

    /// A further header; `since`: what was reserved after the admission of its attempt.
    pub fn hear(&mut self, now: Nanos, attempt: Attempt, told: &Told, since: f64) {
        let Attempt { number, sent, .. } = attempt;
        self.roll(now);
        self.limit = told.limit.unwrap_or(self.limit);
        let Some(remaining) = told.remaining else { return };
        let reset = told.reset.unwrap_or(self.period);
        let seen = Seen { sent, missing: self.limit - remaining, reset, total: self.total - since };
        // The latest admission knows best.
        if number < self.heard_number {
            return;
        }
        let (before, apart) = (self.left + self.back(), sent.since(self.heard).as_f64());
        (self.heard, self.heard_number) = (sent, number);
        if told.reset.is_some() {
            self.recognise(seen);
        }
        self.period = self.period.max(reset);
        if matches!(self.kind, Kind::Fixed { .. }) && seen.end() <= now {
            return;
        }
        self.returns.heard(now, number, sent, remaining);
        self.believe(now, seen, remaining, since);
        // Less by one is rounding.
        let (taken, time) = self.others;
        let kept = (-apart / OTHERS_MEMORY).exp();
        self.others = (taken * kept + (before - self.left - self.back() - 1.0).max(0.0), time * kept + apart);
    }

    /// Replaces what is left by what a header says.
    fn believe(&mut self, now: Nanos, seen: Seen, remaining: f64, since: f64) {
        let Seen { sent, .. } = seen;
        if let Kind::Sliding { period } = self.kind {
            // What others used shows for the first time; later headers find it in the log.
            let surplus = seen.missing - self.log.sum(sent, period) - self.returns.since(sent, now);
            if surplus >= 1.0 {
                self.log.insert(sent, surplus);
            }
            self.reset_at = now;
            return self.roll(now);
        }
        // Of a bucket the reset tells the fraction of a request that is left too, where that is more than nothing of a few.
        let (refilled, fraction) = match self.kind {
            Kind::Bucket { rate } if self.limit >= FEW => (rate * now.since(sent).as_f64(), 0.0),
            Kind::Bucket { rate } => {
                let fraction = self.limit - rate / INFLOW_MARGIN * seen.reset.as_f64() - remaining;
                (rate * now.since(sent).as_f64(), fraction.clamp(0.0, 0.99))
            }
            _ => (0.0, 0.0),
        };
        self.left = (remaining + fraction + refilled).min(self.limit) - since;
        (self.reset_at, self.outstanding) = (seen.end(), since);
        self.roll(now);
    }

    /// Compares with the header before, if enough time lies between to tell windows from buckets.
    fn recognise(&mut self, new: Seen) {
        self.kind = self.kind.with_inflow(self.seen, new, self.limit);
        let old = self.seen;
        let apart = new.sent.since(old.sent);
        if apart < Nanos::from_millis(50).max(Nanos::new(old.reset.as_nanos() / 20)) {
            return;
        }
        self.seen = new;
        self.kind = self.kind.after(old, new, self.limit);
    }

    /// Takes what attempt `number` asks for, which [`ToldLimit::admits`].
    pub fn admit(&mut self, now: Nanos, number: u64, cost: Cost, idle: bool) {
        let amount = cost.of(self.dimension) as f64;
        if idle && !self.fits(now, amount) {
            self.returns.try_with(number, self.left - amount, self.unsure(cost));
        }
        self.take(now, amount);
    }

    /// What an answer may leave of its estimate, as far as is known beforehand.
    fn unsure(&self, cost: Cost) -> f64 {
        if self.dimension.counts_tokens() { cost.output as f64 } else { 0.0 }
    }

    /// Takes a cost that fits.
    pub fn take(&mut self, now: Nanos, cost: f64) {
        self.roll(now);
        self.left -= cost;
        self.outstanding += cost;
        self.total += cost;
        self.taken_at = now;
        match self.kind {
            Kind::Unknown { .. } | Kind::Sliding { .. } => {
                self.log.insert(now, cost);
                self.log.forget(now, self.period + self.period);
            }
            Kind::Fixed { .. } | Kind::Bucket { .. } => self.log = Log::default(),
        }
    }

    /// An attempt sent at `sent` was refused and has used nothing. If its own header was heard, that is known already.
    pub fn undo(&mut self, now: Nanos, sent: Nanos, amount: f64) {
        self.log.insert(sent, -amount);
        self.total -= amount;
        self.roll(now);
        let over = matches!(self.kind, Kind::Fixed { since, .. } if sent < since);
        if sent > self.seen.sent && !over {
            self.left = (self.left + amount).min(self.limit);
            self.outstanding = (self.outstanding - amount).max(0.0);
        }
    }

    /// An attempt was answered, having used so much.
    pub fn settle(&mut self, now: Nanos, attempt: Attempt, actual: Option<Cost>) {
        let Attempt { number, sent, cost } = attempt;
        self.returns.answered(now, number);
        let unused = actual.map_or(0.0, |actual| cost.of(self.dimension) as f64 - actual.of(self.dimension) as f64);
        if unused == 0.0 {
            return;
        }
        self.roll(now);
        if matches!(self.kind, Kind::Unknown { .. } | Kind::Sliding { .. }) {
            self.log.insert(sent, -unused);
        }
        let over = matches!(self.kind, Kind::Fixed { since, .. } if sent < since);
        if number > self.heard_number && !over {
            // No header told of it: what was reserved becomes what was used.
            (self.left, self.outstanding) = (self.left + unused, self.outstanding - unused);
        } else if !over {
            self.returns.settled(now, unused, self.period);
        }
        self.roll(now);
    }

    /// An attempt sent at `sent` used so much, of which nothing was reserved here.
    pub fn note(&mut self, now: Nanos, sent: Nanos, amount: f64) {
        self.roll(now);
        self.log.insert(sent, amount);
        if !matches!(self.kind, Kind::Fixed { since, .. } if sent < since) {
            self.left -= amount;
        }
        self.roll(now);
    }

    /// An attempt was refused.
    pub fn refused(&mut self, now: Nanos, number: u64) {
        self.returns.refused(now, number);
    }

    /// Whether an attempt fits; `idle`: nobody is in flight, of whom a header might tell.
    pub fn admits(&mut self, now: Nanos, cost: Cost, idle: bool) -> bool {
        let amount = cost.of(self.dimension) as f64;
        self.fits(now, amount) || (idle && self.trial_at(now, amount, self.unsure(cost)).is_some_and(|at| at <= now))
    }

    /// When an attempt may go to show whether what was not used has come back; `None`: it would not help.
    fn trial_at(&self, now: Nanos, amount: f64, unsure: f64) -> Option<Nanos> {
        let waits = matches!(self.kind, Kind::Unknown { .. } | Kind::Fixed { .. });
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

    /// A cost, and what others are likely to have taken since the last header, a tenth of the limit at most: the mean and one
    /// standard deviation, as their requests come independently of each other.
    fn needed(&self, now: Nanos, cost: f64) -> f64 {
        let (taken, time) = self.others;
        let others = if taken > 0.0 { taken / time.max(1e9) * now.since(self.heard).as_f64() } else { 0.0 };
        (cost + (others + others.sqrt()).min(self.limit * 0.1)).min(self.limit)
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
            Kind::Sliding { period } => FreeAt::At(self.log.frees(now, period, self.needed(now, cost) - self.left)),
            Kind::Fixed { .. } | Kind::Unknown { .. } => FreeAt::At(self.reset_at),
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
            self.reset_at = (self.taken_at + self.period).max(now + Nanos::from_millis(1));
        }
        self.outstanding = 0.0;
        self.returns.start_over();
    }
}

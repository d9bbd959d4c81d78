//! What attempts take of a limit that headers tell of, and what they leave.

use super::{Attempt, Evidence, Kind, Log, ToldLimit};
use crate::engine::limit::Cost;
use crate::time::Nanos;

/// Headers come with answers that take so long: what was reserved in the period before them is remembered.
const ANSWER: Nanos = Nanos::from_secs(30);

impl ToldLimit {
    /// Takes what attempt `number` asks for, which [`ToldLimit::admits`].
    pub fn admit(&mut self, now: Nanos, number: u64, cost: Cost, idle: bool) {
        let amount = cost.of(self.dimension) as f64;
        if idle && !self.fits(now, amount) {
            self.returns.try_with(number, self.left - amount, self.unsure(cost));
        }
        self.take(now, amount);
    }

    /// What an answer may leave of its estimate, as far as is known beforehand.
    pub(super) fn unsure(&self, cost: Cost) -> f64 {
        if self.dimension.counts_tokens() { cost.output as f64 } else { 0.0 }
    }

    /// Takes a cost that fits.
    pub fn take(&mut self, now: Nanos, cost: f64) {
        self.roll(now);
        self.left -= cost;
        self.outstanding += cost;
        self.total += cost;
        self.taken_at = now;
        self.latest = cost;
        match self.kind {
            Kind::Unknown | Kind::Sliding { .. } => {
                self.note_use(now, cost);
                self.log.forget(now, self.remembered());
            }
            Kind::Fixed { .. } | Kind::Bucket { .. } => self.log = Log::default(),
        }
    }

    /// Notes that so much was used at a time.
    pub(super) fn note_use(&mut self, at: Nanos, amount: f64) {
        self.log.insert_within(at, amount, self.remembered());
    }

    /// How long it is known what was used.
    fn remembered(&self) -> Nanos {
        self.period + self.period.max(ANSWER)
    }

    /// An attempt sent at `sent` was refused and has used nothing. If its own header was heard, that is known already.
    pub fn undo(&mut self, now: Nanos, sent: Nanos, amount: f64) {
        self.note_use(sent, -amount);
        self.total -= amount;
        self.roll(now);
        let over = matches!(self.kind, Kind::Fixed { since, .. } if sent < since);
        if sent > self.heard && !over {
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
        if matches!(self.kind, Kind::Unknown | Kind::Sliding { .. }) {
            self.note_use(sent, -unused);
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
        self.note_use(sent, amount);
        if !matches!(self.kind, Kind::Fixed { since, .. } if sent < since) {
            self.left -= amount;
        }
        self.roll(now);
    }

    /// Whether the header of an attempt, the latest that was heard, told that it did not fit.
    pub fn explains(&self, number: u64) -> bool {
        self.spent_number == Some(number)
    }

    /// An attempt was refused.
    pub fn refused(&mut self, now: Nanos, number: u64) {
        self.returns.refused(now, number);
        if number == self.heard_number {
            self.evidence = self.before;
            self.judge(now);
        }
        self.evidence.iter_mut().for_each(Evidence::doubt);
    }
}

//! Fixed window: a counter that restarts each period.

use super::FreeAt;
use super::rate::Rate;
use crate::time::Nanos;

/// At most `amount` in each window [k·period, (k+1)·period), aligned to t = 0.
#[derive(Clone, Debug)]
pub(super) struct FixedWindow {
    amount: u64,
    period: u64,
    /// Start of the window that `used` counts.
    start: u64,
    /// May exceed `amount` by what was used beyond the estimate, and by what was refused.
    used: u64,
    /// 1 / amount, to tell the remaining fraction without a division.
    amount_inverse: f64,
}

impl FixedWindow {
    pub fn new(rate: Rate) -> FixedWindow {
        let amount = rate.slice_whole();
        FixedWindow { amount, period: rate.slice, start: 0, used: 0, amount_inverse: 1.0 / amount as f64 }
    }

    #[inline]
    pub fn fits(&mut self, now: Nanos, cost: u64) -> bool {
        self.roll(now);
        self.used.checked_add(cost).is_some_and(|used| used <= self.amount)
    }

    /// Takes `cost` if it fits; whether it does, and `more` after it.
    #[inline]
    pub fn admit(&mut self, now: Nanos, cost: u64, more: u64) -> (bool, bool) {
        self.roll(now);
        let used = self.used.saturating_add(cost);
        if used > self.amount {
            return (false, false);
        }
        self.used = used;
        (true, used.saturating_add(more) <= self.amount)
    }

    /// Undoes the latest [`FixedWindow::admit`], since which nothing has happened.
    pub fn take_back(&mut self, cost: u64) {
        self.used -= cost;
    }

    #[inline]
    pub fn take(&mut self, now: Nanos, cost: u64) {
        self.roll(now);
        self.used = self.used.saturating_add(cost);
    }

    pub fn left(&mut self, now: Nanos) -> u64 {
        self.roll(now);
        self.amount.saturating_sub(self.used)
    }

    /// Corrects what was taken at `at`, unless that window is over.
    #[inline]
    pub fn adjust(&mut self, now: Nanos, at: Nanos, reserved: u64, actual: u64) {
        if self.covers(now, at) {
            self.used = self.used.saturating_sub(reserved).saturating_add(actual);
        }
    }

    /// Whether `at`, not later than `now`, lies in the window of `now`.
    #[inline]
    pub fn covers(&mut self, now: Nanos, at: Nanos) -> bool {
        self.roll(now);
        at.as_nanos() >= self.start
    }

    pub fn free_at(&mut self, now: Nanos, cost: u64) -> FreeAt {
        if self.fits(now, cost) {
            FreeAt::Now
        } else if cost > self.amount {
            FreeAt::Never
        } else {
            FreeAt::at(u128::from(self.start) + u128::from(self.period))
        }
    }

    pub fn reset_at(&mut self, now: Nanos) -> Nanos {
        self.roll(now);
        if self.used == 0 { now } else { Nanos::new(self.start.saturating_add(self.period)) }
    }

    /// Requests or tokens that count now.
    pub fn used(&mut self, now: Nanos) -> f64 {
        self.roll(now);
        self.used as f64
    }

    pub fn left_fraction(&mut self, now: Nanos) -> f64 {
        self.roll(now);
        1.0 - self.used as f64 / self.amount as f64
    }

    /// [`FixedWindow::left_fraction`] but for the rounding.
    #[inline]
    pub fn left_about(&mut self, now: Nanos) -> f64 {
        self.roll(now);
        // A signed conversion is one instruction, an unsigned one five.
        1.0 - self.used.min(i64::MAX as u64) as i64 as f64 * self.amount_inverse
    }

    pub fn capacity(&self) -> u64 {
        self.amount
    }

    /// What was left just after an attempt taken at `at`, `since` having been used after it; `None` if that window is over.
    pub fn left_after(&mut self, now: Nanos, at: Nanos, since: f64) -> Option<f64> {
        self.covers(now, at).then_some(self.amount as f64 - self.used as f64 + since)
    }

    /// Continues the consumption that `old` stands at; false if the windows are not the same ones.
    pub fn carry(&mut self, old: &FixedWindow) -> bool {
        let same = self.period == old.period;
        if same {
            (self.start, self.used) = (old.start, old.used);
        }
        same
    }

    /// Moves on to the window of `now`. The start is kept so that the division happens once a window.
    #[inline]
    fn roll(&mut self, now: Nanos) {
        let now = now.as_nanos();
        if now.saturating_sub(self.start) >= self.period {
            self.start = now - now % self.period;
            self.used = 0;
        }
    }
}

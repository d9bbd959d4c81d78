//! Sliding window: a log of what was admitted in the last period.

use std::collections::VecDeque;

use super::FreeAt;
use super::rate::Rate;
use super::ring::Ring;
use crate::time::Nanos;

/// At most `amount` in any half-open window of one period: what is exactly one period old no longer counts.
///
/// Every admission of the ledger appends one entry, so an admission's number finds its entry by subtraction. Memory is one
/// entry (24 bytes) per admission of the last period: at most `amount` of them for requests, fewer for tokens (except
/// for attempts of zero tokens, which other limits must bound). [`SlidingWindow::make_room`] makes room for them, or the log grows
/// by doubling.
///
/// What others used and what refused attempts count for is never settled, so it has a log of its own (16 bytes an entry), of which
/// only the latest entries are kept that fill the window by themselves: while all of them count nothing fits, and when the
/// first expires, what was older has expired too. So it holds at most `amount` + 1 of them, whoever hammers.
#[derive(Clone, Debug)]
pub(super) struct SlidingWindow {
    amount: u64,
    period: u64,
    /// Admissions of the last period, oldest first.
    entries: Ring<Entry>,
    /// What others used in the last period (when they told, and how much) and refused attempts, oldest first.
    unsettled: VecDeque<(u64, u64)>,
    /// Sum over it.
    unsettled_sum: u64,
    /// The admission number of the oldest entry (of the next one, if there is none).
    first: u64,
    /// Nothing of either log is a period old before this.
    expires: u64,
    /// Sum over both logs; may exceed `amount` by what was used beyond the estimate, and by what was refused. Below 2^63
    /// by [`ATTEMPT_MAX`] and [`OTHERS_MAX`].
    used: u64,
    /// Sum of what [`SlidingWindow::lower`] ever took; wraps, only differences count.
    lowered: u64,
}

/// The most entries that room is made for: over a thousand a second in a minute. Of their 1.5 MB the system gives only what is
/// used.
const ROOM_MAX: u64 = 65_536;

/// No more is counted of what others used at one time: a window holds 2^47 at most.
const OTHERS_MAX: u64 = 1 << 61;

/// No attempt uses more than it can reserve: see [`Cost::clamped`](super::Cost::clamped).
const ATTEMPT_MAX: u64 = 1 << 33;

#[derive(Clone, Copy, Debug)]
struct Entry {
    at: u64,
    amount: u64,
    /// Left in the window just after this admission, plus `lowered` at that time; wraps.
    left_after: u64,
}

impl SlidingWindow {
    /// `next` is the number of the ledger's next admission.
    pub fn new(rate: Rate, next: u64) -> SlidingWindow {
        SlidingWindow {
            amount: rate.slice_whole(),
            period: rate.slice,
            entries: Ring::new(),
            unsettled: VecDeque::new(),
            unsettled_sum: 0,
            first: next,
            expires: u64::MAX,
            used: 0,
            lowered: 0,
        }
    }

    #[inline]
    pub fn fits(&mut self, now: Nanos, cost: u64) -> bool {
        self.expire(now);
        self.used.saturating_add(cost) <= self.amount
    }

    /// Takes `cost` if it fits; whether it does, and `more` after it.
    #[inline]
    pub fn admit(&mut self, now: Nanos, cost: u64, more: u64) -> (bool, bool) {
        self.expire(now);
        let used = self.used + cost;
        if used > self.amount {
            return (false, false);
        }
        let left = self.amount - used;
        self.used = used;
        self.entries.push_back(Entry { at: now.as_nanos(), amount: cost, left_after: left.wrapping_add(self.lowered) });
        self.note(now);
        (true, more <= left)
    }

    /// Undoes the latest [`SlidingWindow::admit`], since which nothing has happened.
    pub fn take_back(&mut self) {
        if let Some(entry) = self.entries.pop_back() {
            self.used -= entry.amount;
        }
    }

    pub fn left(&mut self, now: Nanos) -> u64 {
        self.expire(now);
        self.left_now()
    }

    /// Corrects the entry of admission `number`, unless it is a period old.
    #[inline]
    pub fn adjust(&mut self, now: Nanos, number: u64, reserved: u64, actual: u64) {
        self.expire(now);
        if let Some(entry) = number.checked_sub(self.first).and_then(|index| self.entries.get_mut(index as usize)) {
            let corrected = entry.amount.saturating_sub(reserved).saturating_add(actual.min(ATTEMPT_MAX));
            self.used = self.used - entry.amount + corrected;
            entry.amount = corrected;
        }
    }

    pub fn free_at(&mut self, now: Nanos, cost: u64) -> FreeAt {
        if cost > self.amount {
            return FreeAt::Never;
        }
        self.expire(now);
        let mut excess = (self.used + cost).saturating_sub(self.amount);
        if excess == 0 {
            return FreeAt::Now;
        }
        // Both logs are in order of time.
        let (mut own, mut other) = (self.entries.iter().peekable(), self.unsettled.iter().peekable());
        loop {
            let own_is_next = match (own.peek(), other.peek()) {
                (None, None) => break,
                (Some(entry), Some((at, _))) => entry.at <= *at,
                (own, _) => own.is_some(),
            };
            let next = if own_is_next { own.next().map(|entry| (entry.at, entry.amount)) } else { other.next().copied() };
            let Some((at, amount)) = next else { break };
            excess = excess.saturating_sub(amount);
            if excess == 0 {
                return FreeAt::at(u128::from(at) + u128::from(self.period));
            }
        }
        // Not reached: the entries sum to `used`, and without them the cost fits.
        FreeAt::Never
    }

    pub fn reset_at(&mut self, now: Nanos) -> Nanos {
        self.expire(now);
        let own = self.entries.iter().rev().find(|entry| entry.amount > 0).map(|entry| entry.at);
        let last = own.max(self.unsettled.back().map(|(at, _)| *at));
        last.map_or(now, |at| Nanos::new(at.saturating_add(self.period)))
    }

    /// Requests or tokens that count now; where that is more than the window holds, perhaps less than what was refused.
    pub fn used(&mut self, now: Nanos) -> f64 {
        self.expire(now);
        self.used as f64
    }

    pub fn left_fraction(&mut self, now: Nanos) -> f64 {
        self.expire(now);
        1.0 - self.used as f64 / self.amount as f64
    }

    pub fn capacity(&self) -> u64 {
        self.amount
    }

    /// What was left just after admission `number`, as known now; `None` once it is a period old.
    ///
    /// The value of that time is kept, because what expired since would have to be added again. What was learned since to
    /// have been used by others was missing then and is taken off; otherwise each header in flight would take it off again.
    pub fn left_after(&mut self, now: Nanos, number: u64) -> Option<f64> {
        self.expire(now);
        let entry = self.entries.get(number.checked_sub(self.first)? as usize)?;
        Some(entry.left_after.wrapping_sub(self.lowered) as i64 as f64)
    }

    /// Counts `amount` more, used by others at a time unknown: as if by the latest admission.
    pub fn lower(&mut self, amount: u64) {
        if let Some(entry) = self.entries.back_mut() {
            let corrected = entry.amount.saturating_add(amount);
            self.used += corrected - entry.amount;
            entry.amount = corrected;
            self.lowered = self.lowered.wrapping_add(amount);
        }
    }

    /// Counts `amount` that others used until `now`.
    pub fn note_foreign(&mut self, now: Nanos, amount: u64) {
        self.count(now, amount);
        self.lowered = self.lowered.wrapping_add(amount.min(OTHERS_MAX));
    }

    /// Counts `amount` at `now` whether it fits or not.
    pub fn count(&mut self, now: Nanos, amount: u64) {
        self.expire(now);
        let amount = amount.min(OTHERS_MAX);
        if amount == 0 {
            return;
        }
        self.used += amount;
        self.unsettled_sum += amount;
        self.unsettled.push_back((now.as_nanos(), amount));
        self.note(now);
        while let Some((_, oldest)) = self.unsettled.front()
            && self.unsettled_sum - *oldest > self.amount
        {
            self.forget_unsettled();
        }
    }

    /// Makes room, so that only more than [`ROOM_MAX`] admissions in one period, or those of no tokens, make the log allocate.
    pub fn make_room(&mut self) {
        self.entries.make_room(self.amount.min(ROOM_MAX) as usize);
    }

    /// Continues the log of `old`, a window of the same dimension.
    pub fn carry(&mut self, old: SlidingWindow) {
        let amount = self.amount;
        *self = SlidingWindow { amount, period: self.period, expires: 0, ..old };
    }

    fn left_now(&self) -> u64 {
        self.amount.saturating_sub(self.used)
    }

    /// An entry of `now` is in one of the logs.
    #[inline]
    fn note(&mut self, now: Nanos) {
        self.expires = self.expires.min(now.as_nanos().saturating_add(self.period));
    }

    /// Drops what is a period old: each entry once, so amortised O(1). One comparison while there is nothing.
    #[inline]
    fn expire(&mut self, now: Nanos) {
        if now.as_nanos() >= self.expires {
            self.forget(now);
        }
    }

    #[inline(never)]
    fn forget(&mut self, now: Nanos) {
        let Some(over) = now.as_nanos().checked_sub(self.period) else { return };
        let (mut amount, mut count) = (0, 0);
        let taken = |entry: &Entry| (amount, count) = (amount + entry.amount, count + 1);
        let oldest = self.entries.pop_while(|entry| entry.at <= over, taken).map_or(u64::MAX, |entry| entry.at);
        (self.used, self.first) = (self.used - amount, self.first + count);
        self.expires = oldest.saturating_add(self.period);
        if !self.unsettled.is_empty() {
            self.forget_others(over);
        }
    }

    #[inline(never)]
    fn forget_others(&mut self, over: u64) {
        while self.unsettled.front().is_some_and(|(at, _)| *at <= over) {
            self.forget_unsettled();
        }
        let oldest = self.unsettled.front().map_or(u64::MAX, |(at, _)| *at);
        self.expires = self.expires.min(oldest.saturating_add(self.period));
    }

    fn forget_unsettled(&mut self) {
        if let Some((_, amount)) = self.unsettled.pop_front() {
            self.used -= amount;
            self.unsettled_sum -= amount;
        }
    }
}

//! What an admitted attempt holds.

use super::Cost;
use crate::time::Nanos;

/// What one admitted attempt holds, until [`Ledger::settle`](super::Ledger::settle).
#[must_use = "a reservation that is not settled holds its concurrency slot for ever"]
#[derive(Debug, PartialEq, Eq)]
pub struct Reservation {
    /// When it was admitted.
    pub(super) at: Nanos,
    /// The low half of the admission's number in its ledger.
    pub(super) number: u32,
    /// What was reserved, as [`Cost::clamped`] made it fit.
    pub(super) input: u32,
    pub(super) output: u32,
    /// The ledger's sums just after the admission.
    pub(super) charged: Charged,
}

/// The low halves of [`Sums`]: only differences count, and those of one attempt's life, far below 2^31. Small, because a lease
/// carries it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Charged {
    pub requests: u32,
    pub input: u32,
    pub output: u32,
}

/// What a ledger tells of an admission. It is handed on by value: what was written a moment ago in other pieces than those in which
/// it is read again is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Admission {
    pub at: Nanos,
    pub number: u32,
    pub charged: Charged,
    /// Share of the tightest limit that is left, 0…1, where that is weighed.
    pub left: f32,
}

impl Admission {
    /// What it holds, if it asked for `cost`.
    #[inline]
    pub fn of(self, cost: Cost) -> Reservation {
        let (cost, Admission { at, number, charged, .. }) = (cost.clamped(), self);
        Reservation { at, number, input: cost.input as u32, output: cost.output as u32, charged }
    }
}

/// What a ledger has charged so far, less what it returned; wraps. Whole words: halves written apart and copied together would
/// make the copy wait.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Sums {
    requests: u64,
    input: u64,
    output: u64,
}

impl Sums {
    /// Returns what they are then.
    #[inline]
    pub fn add(&mut self, requests: u32, cost: Cost) -> Charged {
        let (requests, input) = (self.requests.wrapping_add(requests.into()), self.input.wrapping_add(cost.input));
        *self = Sums { requests, input, output: self.output.wrapping_add(cost.output) };
        self.now()
    }

    #[inline]
    pub fn sub(&mut self, requests: u32, cost: Cost) {
        self.requests = self.requests.wrapping_sub(requests.into());
        self.input = self.input.wrapping_sub(cost.input);
        self.output = self.output.wrapping_sub(cost.output);
    }

    #[inline]
    pub fn now(self) -> Charged {
        Charged { requests: self.requests as u32, input: self.input as u32, output: self.output as u32 }
    }
}

impl Reservation {
    /// What was reserved.
    #[inline]
    pub fn cost(&self) -> Cost {
        Cost { input: self.input.into(), output: self.output.into() }
    }

    /// Whether no more was used.
    #[inline]
    pub(in super::super) fn covers(&self, input: u32, output: u32) -> bool {
        input <= self.input && output <= self.output
    }

    /// When it was admitted.
    pub fn at(&self) -> Nanos {
        self.at
    }
}

//! What an attempt asks of a provider, what it gets, and how it ends.

use super::limit::{Cost, Reservation};
use super::request::Outcome;
use crate::time::Nanos;

/// How strict an admission is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// By all rules.
    Strict,
    /// A provider in its slow start takes part in every pick: no other is left.
    Eager,
    /// Ejections do not count: everyone is out, and the least bad is better than nothing.
    LeastBad,
}

/// What an attempt asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    pub cost: Cost,
    /// Request id, for draws.
    pub request: u64,
    pub mode: Mode,
}

/// What an admitted attempt holds.
pub(crate) struct Admitted {
    pub reservation: Reservation,
    pub trial: bool,
}

/// The end of an attempt, as the core needs it.
pub(crate) struct Ended<'a> {
    pub sent: Nanos,
    pub first_token: Nanos,
    /// `None` where a group keeps the quota.
    pub reservation: Option<&'a Reservation>,
    pub trial: bool,
    /// It was its request's first.
    pub first: bool,
    /// Its request had been there before.
    pub again: bool,
    pub outcome: &'a Outcome,
    /// Output tokens of a typical request in this pool.
    pub typical_tokens: f64,
    /// Its time at a typical provider, ns.
    pub typical_latency: f64,
}

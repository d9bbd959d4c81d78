//! What an attempt asks of a provider, what it gets, and how it ends.

use super::limit::{Cost, Paced, Reservation};
use super::request::{Lease, Outcome};
use super::typical::Typical;

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

/// The end of an attempt, as the core needs it. References, so that what only some ends need is not read for all.
pub(crate) struct Ended<'a> {
    pub lease: &'a Lease,
    /// `None` where a group keeps the quota.
    pub reservation: Option<&'a Reservation>,
    /// What refusals have taught that group.
    pub(super) paced: Paced,
    pub outcome: &'a Outcome,
    /// Of this pool.
    pub typical: &'a Typical,
    /// Output tokens of a typical request in it.
    pub typical_tokens: f64,
}

//! What the ledger answers when a cost does not fit.

use super::Dimension;
use crate::time::Nanos;

/// What refusals for the rate have taught of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Paced {
    /// Too little.
    Unknown,
    /// At the pace that was kept for long so much time lies between two attempts.
    Apart(Nanos),
    /// They seem to have nothing to do with what is sent.
    GivenUp,
}

/// Why a cost was not admitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The limit that frees last; of several that free together, the first in the order of [`Dimension`].
    pub dimension: Dimension,
    /// When all limits would admit it.
    pub free_at: FreeAt,
}

/// Earliest instant at which a cost would be admitted if nothing else happened. Ordered from soon to never.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FreeAt {
    /// At once.
    Now,
    /// At this instant, and not a nanosecond before.
    At(Nanos),
    /// When an attempt in flight is settled (and whatever else is in the way has freed).
    OnSettle,
    /// Not at all: the cost is larger than a limit's whole capacity, or the instant lies beyond [`Nanos::MAX`].
    Never,
}

impl FreeAt {
    pub(super) fn at(nanos: u128) -> FreeAt {
        u64::try_from(nanos).map_or(FreeAt::Never, |nanos| FreeAt::At(Nanos::new(nanos)))
    }
}

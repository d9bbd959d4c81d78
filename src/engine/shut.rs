//! Why a provider takes no attempt, and until when.

use super::limit::FreeAt;
use super::request::Why;
use crate::time::Nanos;

/// Why a provider does not admit, and until when.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Shut {
    pub why: Why,
    pub until: Until,
}

impl Shut {
    pub const fn new(why: Why, until: Until) -> Shut {
        Shut { why, until }
    }
}

/// When a shut provider can be asked again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Until {
    /// At this instant.
    Time(Nanos),
    /// When an attempt in flight is settled.
    Settle,
    /// Not unless the configuration changes.
    Never,
}

impl From<FreeAt> for Nanos {
    /// Not before this; [`Nanos::MAX`] where only a settle or nothing helps.
    fn from(free_at: FreeAt) -> Nanos {
        match free_at {
            FreeAt::Now => Nanos::ZERO,
            FreeAt::At(time) => time,
            FreeAt::OnSettle | FreeAt::Never => Nanos::MAX,
        }
    }
}

impl From<FreeAt> for Until {
    fn from(free_at: FreeAt) -> Until {
        match free_at {
            FreeAt::Now => Until::Time(Nanos::ZERO),
            FreeAt::At(time) => Until::Time(time),
            FreeAt::OnSettle => Until::Settle,
            FreeAt::Never => Until::Never,
        }
    }
}

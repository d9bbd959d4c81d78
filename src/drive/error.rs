//! Why a run cannot begin.

use thiserror::Error;

use crate::engine::ConfigError;
use crate::engine::limit::LimitError;

/// Why a plan cannot be run.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum DriveError {
    /// The engine does not accept its configuration.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A provider's true limits cannot be enforced.
    #[error(transparent)]
    Limits(#[from] LimitError),
    /// The mock providers of a run in real time cannot be started.
    #[error("{0}")]
    Mocks(String),
}

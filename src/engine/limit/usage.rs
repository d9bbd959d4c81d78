//! What statistics and response headers read.

use super::Dimension;
use crate::time::Nanos;

/// The state of one limit, for statistics and response headers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Usage {
    /// Which limit.
    pub dimension: Dimension,
    /// Requests, tokens or attempts that it holds at most: the depth of a bucket, the amount of a window, `max_concurrency`.
    pub capacity: f64,
    /// How many of them are taken, ≥ 0; above `capacity` while an excess is owed.
    pub used: f64,
    /// When all would be left again if nothing else happened: a bucket full, a window empty; `now` if they are.
    /// [`Nanos::MAX`] for concurrency in use.
    pub reset_at: Nanos,
}

impl Usage {
    /// What is left, 0 to `capacity`.
    pub fn left(&self) -> f64 {
        (self.capacity - self.used).max(0.0)
    }

    /// Used ÷ capacity, ≥ 0; above 1 while an excess is owed.
    pub fn fraction(&self) -> f64 {
        self.used / self.capacity
    }
}

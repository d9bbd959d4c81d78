//! The gate: expectations against a run, and runs against each other.
//!
//! [`slices`] says what a run must record apart for its expectations, [`evaluate()`] judges them, [`verdict`] sums up.
//! A metric without samples is *no data*: never 0, and never a pass.
//! [`compare`] tells differences from chance, [`sweep`] finds how far a parameter can go.

pub mod agree;
pub mod baseline;
pub mod batch;
pub mod bound;
pub mod cause;
pub mod chance;
pub mod compare;
pub mod evaluate;
pub mod expect;
pub mod judge;
pub mod metric;
pub mod prove;
pub mod run;
pub mod sweep;

mod catalogue;
mod distance;
mod measure;

pub use evaluate::{evaluate, slices};
pub use expect::{Expectation, Want, Window};
pub use judge::verdict;
pub use metric::{Figure, Metric, Unit};

#[cfg(test)]
mod tests;

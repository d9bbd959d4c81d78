//! What a scenario expects of a run.

use crate::time::Nanos;

use super::metric::Metric;

/// One `[[expect]]`, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// What is measured.
    pub metric: Metric,
    /// Index of the provider it is asked of; `None`: the whole run.
    pub provider: Option<usize>,
    /// Only requests that arrive in this window.
    pub during: Option<Window>,
    /// Only requests of this class (index).
    pub class: Option<usize>,
    /// What is right.
    pub want: Want,
    /// Line of the `[[expect]]` in the scenario file, from 1; 0 when it came from elsewhere.
    pub line: usize,
}

/// A span of intended arrivals, half-open.
#[derive(Clone, Debug, PartialEq)]
pub struct Window {
    /// The event's name or the span as written.
    pub label: String,
    /// First instant.
    pub from: Nanos,
    /// First instant after it.
    pub until: Nanos,
}

/// The accepted range; values in the metric's unit (ratios as 0…1, times in milliseconds, counts as they are).
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Want {
    /// abs(got − target) ≤ tolerance.
    Target {
        /// Aim.
        target: f64,
        /// Absolute distance allowed, ≥ 0.
        tolerance: f64,
    },
    /// min ≤ got ≤ max; at least one is given.
    Range {
        /// Smallest accepted.
        min: Option<f64>,
        /// Largest accepted.
        max: Option<f64>,
    },
}

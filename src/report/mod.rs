//! The versioned result of one command: plain data, the only thing that formats and gates read.
//!
//! Field names and meanings are a public contract (`format = 1`). What does not apply is `null`, never invented.

mod bench;
mod comparison;
mod document;
mod run;
mod sweep;

pub use bench::{Bench, PoolCost, Spread, StrategyCost};
pub use comparison::{Better, ComparedValue, Comparison, Mark, Method, MetricComparison, Shard, Variant};
pub use document::{Collection, DecisionCost, Document, DocumentError, Report, ScenarioRef, VariantCost, Verdict, Wall};
pub use run::{
    Attempts, ClassRun, Decisions, Efficiency, ExpectationResult, Fairness, ProviderDecisions, ProviderRun, ProviderTimeline, Quantiles,
    Quota, RealRun, Requests, Run, TargetRun, Timeline,
};
pub use sweep::{Axis, Limit, Replicated, Sweep, SweepRow};

/// Version of the result format.
pub const FORMAT: u32 = 1;

//! From events to a report.
//!
//! A driver tells a [`Recorder`] what happens, in order of time ([`Observer`]); the recorder keeps running figures in
//! memory that does not grow with the number of requests, and turns them into a [`report::Run`](crate::report::Run) and
//! the [`RunStats`] that expectations are judged by.
//!
//! What counts:
//! - Only requests whose intended arrival lies at or after the warm-up, and their attempts. Occupancy is the exception:
//!   it is a property of a provider over time, so every attempt there counts, a leftover of the warm-up too.
//! - Rates and means over time use the span from the end of the warm-up to the end of arrivals; counts and
//!   distributions go on until the last measured request has ended.
//!
//! | file | subject |
//! |---|---|
//! | `latency` | [`Samples`]: one distribution |
//! | `http` | what came back in real time, and how late |
//! | `tally` | counts and distributions of requests and attempts |
//! | `occupancy` | what is at a provider over time |
//! | `outage` | ejections and readmissions |
//! | `quota` | use of a provider's limits |
//! | `capacity` | the most that a limit can admit |
//! | `timeline` | counts over time |
//! | `fairness` | target shares, and shares against them |
//! | `decision` | cost of a pick |

pub mod capacity;
pub mod config;
pub mod decision;
pub mod fairness;
pub mod http;
pub mod latency;
pub mod observe;
pub mod outage;
pub mod quota;
pub mod reasons;
pub mod recorder;
pub mod spread;
mod stats;

mod finish;
mod histogram;
mod occupancy;
mod tally;
mod timeline;

pub use config::{ClassInfo, Objectives, ProviderInfo, RecorderConfig, Slice};
pub use latency::Samples;
pub use observe::Observer;
pub use recorder::Recorder;
pub use stats::{ProviderStats, RunStats, SliceStats};
pub use tally::Imbalance;

#[cfg(test)]
mod tests;

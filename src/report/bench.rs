//! What `lbsim bench` measured: the cost of decisions on one machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::Verdict;

/// All figures of one bench. Times are wall clock, of one machine, and so are never part of a baseline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bench {
    /// [`FORMAT`](super::FORMAT).
    pub format: u32,
    /// Version of the program that made it.
    pub lbsim: String,
    /// `noisy` where two measurements of the same thing differ by more than the resolution; else `pass` or `fail` if a most was
    /// asked for, `none` if not; `incomplete` if interrupted.
    pub verdict: Verdict,
    /// How `rpm` and `tpm` of each provider count: `none`, `token-bucket`, `fixed-window`, `sliding-window`.
    pub limits: String,
    /// Attempts of each thread in flight.
    pub in_flight: usize,
    /// Simulated requests per second through an engine.
    pub requests_per_s: f64,
    /// Spread up to which figures are judged.
    pub resolution: f64,
    /// The most that was asked for, ns per decision.
    pub at_most_ns: Option<f64>,
    /// The most that was asked for, as a multiple of the first strategy.
    pub at_most_ratio: Option<f64>,
    /// A clock read, ns; it was done twice for each batch of thousands of decisions.
    pub timer_ns: u64,
    /// A mutex of the standard library locked and unlocked, uncontended, ns: what this machine takes for a known thing.
    pub lock_ns: f64,
    /// One entry for each number of threads and providers.
    pub pools: Vec<PoolCost>,
}

/// Figures of one pool size and one number of threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PoolCost {
    /// Providers in the pool.
    pub providers: usize,
    /// Threads that use one engine.
    pub threads: usize,
    /// Rounds, in each of which every figure was measured once.
    pub rounds: usize,
    /// The slice in which limits are enforced, s: 60, of sliding windows over more than 16 providers less, which bounds what they
    /// remember.
    pub window_s: f64,
    /// What the loop around the decisions takes (making the request, keeping the lease), ns; already subtracted.
    pub loop_ns: f64,
    /// The first strategy measured as two: by how much they may differ, as a part of them (far end of the 95 % interval).
    pub spread: f64,
    /// The spread is larger than the resolution, so that nothing here is judged.
    pub noisy: bool,
    /// In the order asked for.
    pub strategies: Vec<StrategyCost>,
}

/// What a pick and its settlement take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StrategyCost {
    /// Canonical name.
    pub strategy: String,
    /// ns per pick + settle.
    pub ns: Spread,
    /// The same, round by round, as a multiple of the first strategy.
    pub ratio: Spread,
    /// Picks that found no provider, and so cost something else; those of the warm-up count, too. None are expected.
    pub unsent: u64,
    /// Against the most that was asked for, if any.
    pub verdict: Option<Verdict>,
}

/// The middle of the rounds, and how sure it is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    /// Lowest of all rounds.
    pub lowest: f64,
    /// Half of the rounds are at or below it.
    pub median: f64,
    /// 95 % interval of the median, lower end.
    pub low: f64,
    /// 95 % interval of the median, upper end.
    pub high: f64,
}

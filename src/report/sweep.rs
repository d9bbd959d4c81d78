//! One experiment over the values of a parameter: what `lbsim sweep` adds to a result, and figures over several seeds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::comparison::{Shard, Variant};

/// One metric over runs with different seeds, in the metric's unit (ratios as 0…1, times in milliseconds).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Replicated {
    /// Its name, as expectations use it.
    pub metric: String,
    /// Seeds with data.
    pub seeds: u64,
    /// Mean over them; `null` without any.
    pub mean: Option<f64>,
    /// Lower end of the 95 % interval of the mean (t; Wilson for a rate that no seed changes); `null` for one seed.
    pub low: Option<f64>,
    /// Upper end of it.
    pub high: Option<f64>,
    /// Smallest value of a seed.
    pub min: Option<f64>,
    /// Largest value of a seed.
    pub max: Option<f64>,
}

/// A grid of points; report i of the collection is point i, the last axis changing fastest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sweep {
    /// What is varied.
    pub axes: Vec<Axis>,
    /// Each strategy at each point, in the order of the points.
    pub variants: Vec<Variant>,
    /// One per variant; empty in a shard, which holds only a part of the runs.
    pub rows: Vec<SweepRow>,
    /// For each strategy, and each point of the other axes: how far the first axis can go; empty without expectations.
    pub limits: Vec<Limit>,
    /// The metric that is drawn; `null`: none.
    pub plot: Option<String>,
    /// Which part this is; absent of a whole one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
}

impl Sweep {
    /// Whether every row and limit lies on the grid.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let axes = self.axes.len();
        let whole = self.shard.is_some() || self.rows.len() == self.variants.len();
        if axes == 0 || self.axes.iter().any(|axis| axis.values.is_empty()) {
            Err("a sweep has no axis, or one without values")
        } else if !whole
            || self.rows.iter().any(|row| row.point.len() != axes)
            || self.limits.iter().any(|limit| limit.at.len() + 1 != axes)
        {
            Err("a row of the sweep is no point of its axes")
        } else if self.rows.iter().any(|row| !row.metrics.iter().map(|m| &m.metric).eq(self.rows[0].metrics.iter().map(|m| &m.metric))) {
            Err("the rows of the sweep have different metrics")
        } else {
            Ok(())
        }
    }
}

/// One parameter and its values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Axis {
    /// A key, as `--set` takes it.
    pub key: String,
    /// As `--set` takes them, in the order given.
    pub values: Vec<String>,
}

/// One strategy at one point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SweepRow {
    /// A value per axis.
    pub point: Vec<String>,
    /// Canonical name.
    pub strategy: String,
    /// Runs of which the scenario expects something.
    pub judged: u64,
    /// Of these: in which everything held.
    pub held: u64,
    /// Figures over the seeds.
    pub metrics: Vec<Replicated>,
}

/// How far the first axis can go with every expectation held, with every seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Limit {
    /// Canonical name.
    pub strategy: String,
    /// Values of the other axes.
    pub at: Vec<String>,
    /// The highest value with which everything held; `null`: none did.
    pub holds: Option<String>,
    /// The next higher one that was tried, with which it did not (where nothing held, the lowest); `null`: the highest held.
    pub fails: Option<String>,
    /// Whether a value below `holds` did not hold: then the limit is no sharp one.
    pub fails_below: bool,
    /// Runs that `--find-limit` made between the points.
    pub probes: u64,
}

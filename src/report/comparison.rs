//! Variants of an experiment side by side: what `lbsim compare` adds to a result.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was compared, and what came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Name of the variant that the others are compared with.
    pub base: String,
    /// What is compared, the base first.
    pub variants: Vec<Variant>,
    /// Share of the intervals that shall hold the true difference, over all variants together: 0.95.
    pub confidence: f64,
    /// One entry per metric; empty in a shard, which holds only a part of the runs.
    pub metrics: Vec<MetricComparison>,
    /// The one variant that nothing is shown to beat in any metric, if there is exactly one.
    pub winner: Option<String>,
    /// What a reader has to know before believing the figures.
    pub notes: Vec<String>,
    /// Which part this is; absent of a whole one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<Shard>,
}

/// Runs that belong together: one strategy of one scenario, over all seeds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Variant {
    /// Unique within the comparison.
    pub name: String,
    /// Position of its report in the file, from 0; always 0 where there is one scenario.
    pub report: usize,
    /// Canonical name of the strategy.
    pub strategy: String,
    /// Positions of its runs in that report, from 0.
    pub runs: Vec<usize>,
}

/// Which part of an experiment a file holds, where several machines divide it.
///
/// The runs of an experiment are numbered from 0: all variants with the first seed, then all with the second. Shard i of n
/// makes those whose number leaves the remainder i − 1 when divided by n.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shard {
    /// From 1.
    pub index: u64,
    /// How many there are.
    pub of: u64,
    /// Runs of the whole experiment.
    pub runs: u64,
}

/// One metric of all variants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MetricComparison {
    /// Its name, as expectations use it.
    pub metric: String,
    /// Which of two values is the better one.
    pub better: Better,
    /// One entry per variant, in their order.
    pub values: Vec<ComparedValue>,
    /// Names of all variants with data that are not shown to be worse than another one.
    pub best: Vec<String>,
}

/// Which of two values is the better one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// The greater one.
    Higher,
    /// The smaller one.
    Lower,
}

/// One metric of one variant; values in the metric's unit (ratios as 0…1, times in milliseconds).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedValue {
    /// Name of the variant.
    pub variant: String,
    /// Mean over the seeds with data; `null` without any.
    pub mean: Option<f64>,
    /// Seeds with data.
    pub seeds: u64,
    /// Mean of the differences to the base.
    pub difference: Option<f64>,
    /// Lower end of its interval; `null` where one seed shows no spread.
    pub low: Option<f64>,
    /// Upper end of its interval.
    pub high: Option<f64>,
    /// Two-sided probability of a difference at least as clear if there were none.
    pub p: Option<f64>,
    /// How the difference was judged.
    pub method: Method,
    /// What is shown.
    pub mark: Mark,
}

/// How a difference was judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// Nothing to judge: the base itself, or no data.
    None,
    /// Per-seed differences, paired t.
    Paired,
    /// Different seeds, Welch's t.
    Unpaired,
}

/// What is shown of a variant against the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mark {
    /// It is the base.
    Base,
    /// The interval of the difference excludes 0, and the variant is better.
    Better,
    /// Exactly the same value with every seed.
    Equal,
    /// No data here or in the base.
    NoData,
    /// The interval includes 0.
    Unclear,
    /// The interval of the difference excludes 0, and the variant is worse.
    Worse,
}

//! A result file: which scenario, what verdict, which runs, what it took.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::FORMAT;
use super::comparison::{Comparison, Variant};
use super::run::{Quantiles, Run};
use super::sweep::{Replicated, Sweep};

/// A result file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// [`FORMAT`].
    pub format: u32,
    /// Version of the program that made it.
    pub lbsim: String,
    /// What was run.
    pub scenario: ScenarioRef,
    /// `virtual` or `real`.
    pub clock: String,
    /// Over all runs and expectations.
    pub verdict: Verdict,
    /// One entry per strategy and seed.
    pub runs: Vec<Run>,
    /// The only part that depends on the machine; absent with `--stable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall: Option<Wall>,
    /// Figures over the seeds; only from `lbsim run --seeds`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replicated: Vec<Replicated>,
    /// The strategies side by side; only from `lbsim compare`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
}

/// Reports of several scenarios, made by one command.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Collection {
    /// [`FORMAT`].
    pub format: u32,
    /// Version of the program that made it.
    pub lbsim: String,
    /// Over all reports: the worst of theirs.
    pub verdict: Verdict,
    /// In the order of the files.
    pub reports: Vec<Report>,
    /// Files that are no valid scenario, and so have no report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub invalid: Vec<String>,
    /// As in [`Report::wall`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wall: Option<Wall>,
    /// The scenarios side by side; only from `lbsim compare`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
    /// The points of a sweep; only from `lbsim sweep`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
}

/// What a result file holds.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Document {
    /// One scenario.
    One(Report),
    /// Several: what `lbsim check` gives for a folder.
    Many(Collection),
}

/// Why a text is no result.
#[derive(Debug, Error)]
pub enum DocumentError {
    /// Not JSON, or not the fields of a result.
    #[error("it is no result of lbsim: {0}")]
    Json(#[from] serde_json::Error),
    /// Made for another reader.
    #[error("its format is {found}, and this version reads {FORMAT}; make the result again, or use the version that made it")]
    Format {
        /// What it says.
        found: u64,
    },
    /// Parts of it that speak of others which are not there.
    #[error("it is no result of lbsim: {0}")]
    Inconsistent(&'static str),
}

/// The one field that tells the formats apart, and the one that tells a collection from a report.
#[derive(Deserialize)]
struct Head {
    format: u64,
    reports: Option<serde::de::IgnoredAny>,
}

impl Document {
    /// Reads a result file.
    ///
    /// # Errors
    /// [`DocumentError`], with line and column where the text is no result.
    pub fn parse(text: &str) -> Result<Document, DocumentError> {
        let head: Head = serde_json::from_str(text)?;
        if head.format != u64::from(FORMAT) {
            return Err(DocumentError::Format { found: head.format });
        }
        let document = match head.reports {
            None => Document::One(serde_json::from_str(text)?),
            Some(_) => Document::Many(serde_json::from_str(text)?),
        };
        document.check().map_err(DocumentError::Inconsistent)?;
        Ok(document)
    }

    /// Whether what refers to something finds it: readers need not ask again.
    fn check(&self) -> Result<(), &'static str> {
        let compared = self.comparison().map(|comparison| &comparison.variants);
        let swept = self.sweep().map(|sweep| &sweep.variants);
        let reports = self.reports();
        let there =
            |variant: &Variant| reports.get(variant.report).is_some_and(|report| variant.runs.iter().all(|run| *run < report.runs.len()));
        if !compared.into_iter().chain(swept).all(|variants| !variants.is_empty() && variants.iter().all(there)) {
            return Err("a variant names a report or a run that is not there");
        }
        let whole = |comparison: &Comparison| comparison.metrics.iter().all(|metric| metric.values.len() == comparison.variants.len());
        if !self.comparison().is_none_or(whole) {
            return Err("a metric of the comparison has not one value a variant");
        }
        self.sweep().map_or(Ok(()), Sweep::check)
    }

    /// The reports in it.
    pub fn reports(&self) -> &[Report] {
        match self {
            Document::One(report) => std::slice::from_ref(report),
            Document::Many(collection) => &collection.reports,
        }
    }

    /// The verdicts on all expectations of all runs.
    pub fn verdicts(&self) -> impl Iterator<Item = Verdict> + Clone {
        let runs = self.reports().iter().flat_map(|report| &report.runs);
        runs.flat_map(|run| &run.expectations).map(|expectation| expectation.verdict)
    }

    /// What was compared, if anything.
    pub fn comparison(&self) -> Option<&Comparison> {
        match self {
            Document::One(report) => report.comparison.as_ref(),
            Document::Many(collection) => collection.comparison.as_ref(),
        }
    }

    /// What was swept over, if anything.
    pub fn sweep(&self) -> Option<&Sweep> {
        match self {
            Document::One(_) => None,
            Document::Many(collection) => collection.sweep.as_ref(),
        }
    }

    /// What depends on the machine.
    pub fn wall(&self) -> Option<&Wall> {
        match self {
            Document::One(report) => report.wall.as_ref(),
            Document::Many(collection) => collection.wall.as_ref(),
        }
    }

    /// The verdict over everything.
    pub fn verdict(&self) -> Verdict {
        match self {
            Document::One(report) => report.verdict,
            Document::Many(collection) => collection.verdict,
        }
    }

    /// Version of the program that made it.
    pub fn lbsim(&self) -> &str {
        match self {
            Document::One(report) => &report.lbsim,
            Document::Many(collection) => &collection.lbsim,
        }
    }
}

/// Which scenario a result is of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScenarioRef {
    /// Its `name`.
    pub name: String,
    /// Hash of its contents with all overrides, and of its trace.
    pub digest: String,
    /// As given on the command line.
    pub path: String,
    /// Its `description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What the command line changed in it, the seed apart: `--set`, `load.rate=200/s` …
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arguments: Vec<String>,
}

/// Outcome of a gate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Everything held.
    Pass,
    /// Something did not hold.
    Fail,
    /// Nothing was expected.
    None,
    /// A metric had no samples.
    NoData,
    /// The machine was too noisy to decide.
    Noisy,
    /// The run was interrupted.
    Incomplete,
}

/// What depends on the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Wall {
    /// Time of the simulation itself.
    pub elapsed_s: f64,
    /// Requests simulated (warm-up included) per second of it.
    pub requests_per_s: f64,
    /// Cost of a pick; of a comparison that of its base.
    pub decision_ns: DecisionCost,
    /// Cost of a pick of each variant of a comparison, timed one after the other.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<VariantCost>,
}

/// Cost of a pick of one variant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct VariantCost {
    /// Its name.
    pub variant: String,
    /// Nanoseconds.
    pub decision_ns: Quantiles,
}

/// Cost of sampled picks, timer cost subtracted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DecisionCost {
    /// Nanoseconds.
    #[serde(flatten)]
    pub quantiles: Quantiles,
    /// (upper end in ns, count) of the non-empty buckets.
    pub histogram: Vec<(u64, u64)>,
    /// Cost of reading the timer, subtracted from every sample.
    pub timer_ns: u64,
}

//! The figures of one run.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::Verdict;

/// One run of one strategy with one seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    /// Canonical name.
    pub strategy: String,
    /// Seed of every draw.
    pub seed: u64,
    /// From the start to the last event, seconds.
    pub simulated_s: f64,
    /// From the end of the warm-up to the end of arrivals, seconds.
    pub measured_s: f64,
    /// How measured requests ended.
    pub requests: Requests,
    /// Attempts of measured requests.
    pub attempts: Attempts,
    /// Intended arrival → last byte, successful requests.
    pub latency_ms: Quantiles,
    /// The same in more detail: (quantile, milliseconds, samples up to there), five steps for each halving of what is left.
    #[serde(default)]
    pub latency_ladder: Vec<(f64, f64, u64)>,
    /// Intended arrival → first token, successful requests.
    pub ttft_ms: Quantiles,
    /// Intended arrival → sent, requests that were sent.
    pub balancer_queue_ms: Quantiles,
    /// Reaching a provider → start of service, attempts that started.
    pub provider_queue_ms: Quantiles,
    /// In file order.
    pub providers: Vec<ProviderRun>,
    /// In file order; one entry with the name `default` when the scenario has no classes.
    pub classes: Vec<ClassRun>,
    /// Shares against targets.
    pub fairness: Fairness,
    /// Goodput against the bound.
    pub efficiency: Efficiency,
    /// Counts over time.
    pub timeline: Timeline,
    /// In file order.
    pub expectations: Vec<ExpectationResult>,
    /// What was decided and why; only with `-v`, because it takes time to record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decisions: Option<Decisions>,
    /// How punctual the driver was; only in real time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real: Option<RealRun>,
}

impl Run {
    /// Someone else's gateway that balanced; `None`: our engine.
    pub fn target(&self) -> Option<&TargetRun> {
        self.real.as_ref()?.target.as_ref()
    }

    /// What balanced. What a gateway does is its own affair: the strategy is what it is measured by.
    pub fn balancer(&self) -> String {
        self.target().map_or_else(|| self.strategy.clone(), |target| format!("{} as {}", target.called(), self.strategy))
    }
}

/// A run in real time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RealRun {
    /// How much faster than the wall clock scenario time ran. Every other time in the report is scenario time.
    pub time_scale: f64,
    /// Measured requests dealt with more than a millisecond of wall time after their intended time.
    pub late: u64,
    /// By how much each measured request was late.
    pub lag_ms: Quantiles,
    /// How much longer whole answers took than the providers were meant to take for them; behind a gateway only for
    /// requests that took it one attempt.
    #[serde(default)]
    pub overhead_ms: Quantiles,
    /// How often each answer came for an attempt, or for a request to a gateway: a status (200: a whole answer), or
    /// `no-connection`, `cut-off`, `garbage`, `too-large`, `timed-out`.
    #[serde(default)]
    pub answers: BTreeMap<String, u64>,
    /// Someone else's gateway, if requests went through one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<TargetRun>,
}

/// A run through someone else's gateway. Requests are what its clients saw, attempts what reached the providers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TargetRun {
    /// Its address.
    pub url: String,
    /// What it is called beside others; absent: its address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where the first mock provider behind it listened.
    pub port: u16,
    /// Model that it was asked for; absent: the class's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// [`RealRun::overhead_ms`] of requests that go straight to an idle provider, measured before the run.
    pub direct_ms: Quantiles,
    /// Attempts that reached a provider without a label of this run: the gateway changes prompts, or is still at work for earlier
    /// clients, or others use the mocks too.
    pub unlabelled: u64,
}

impl TargetRun {
    /// Its name beside others, or its address.
    pub fn called(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.url)
    }
}

/// What the engine decided, warm-up included.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Decisions {
    /// Sent to a provider.
    pub send: u64,
    /// Nothing could take the request at that moment.
    pub wait: u64,
    /// Nothing could ever take it.
    pub refuse: u64,
    /// By what held the provider that would come back first: decisions to wait or refuse.
    pub held_by: BTreeMap<String, u64>,
    /// In file order.
    pub providers: Vec<ProviderDecisions>,
}

/// One provider's part in the decisions.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderDecisions {
    /// Its name.
    pub name: String,
    /// Decisions by the short word for why it was chosen (`ok`) or not; they sum to all decisions.
    pub why: BTreeMap<String, u64>,
}

/// How requests ended: offered = succeeded + failed + shed + unfinished.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Requests {
    /// All measured requests.
    pub offered: u64,
    /// The client got its answer.
    pub succeeded: u64,
    /// The last attempt failed.
    pub failed: u64,
    /// Refused by the balancer, never sent.
    pub shed: u64,
    /// Cut off, `cancelled` included.
    pub unfinished: u64,
    /// The client went away.
    pub cancelled: u64,
}

/// Attempts: total = sum over providers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attempts {
    /// All of them.
    pub total: u64,
    /// After a failed attempt of the same request (hedges are not retries).
    pub retries: u64,
    /// Answered 429.
    pub rate_limited: u64,
    /// Answered with another error status, or connection refused.
    pub errors: u64,
    /// Given up by the balancer.
    pub timeouts: u64,
    /// Of the 429s, those that came while another provider that serves the model had quota for the attempt.
    #[serde(default)]
    pub avoidable_rate_limited: u64,
}

/// A distribution. All but `count` are `null` without samples; percentiles are nearest-rank within 0.1 %.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Quantiles {
    /// Samples.
    pub count: u64,
    /// Exact.
    pub mean: Option<f64>,
    /// Exact, of the population.
    pub stddev: Option<f64>,
    /// Exact.
    pub min: Option<f64>,
    /// Median.
    pub p50: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// 99.9th percentile.
    pub p999: Option<f64>,
    /// Exact.
    pub max: Option<f64>,
}

/// One provider in one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderRun {
    /// Its name.
    pub name: String,
    /// As configured; 1 when nothing is weighted.
    pub weight: f64,
    /// Share it should get; `null` for strategies without a target.
    pub target_share: Option<f64>,
    /// Share of all attempts of measured requests; `null` without attempts.
    pub share: Option<f64>,
    /// Attempts of measured requests.
    pub attempts: u64,
    /// Of these: whole answers.
    pub succeeded: u64,
    /// Of these: 429.
    pub rate_limited: u64,
    /// Of these: other errors.
    pub errors: u64,
    /// Of these: given up.
    pub timeouts: u64,
    /// Sent → last byte, successful attempts.
    pub latency_ms: Quantiles,
    /// Reached → start of service, attempts that started.
    pub provider_queue_ms: Quantiles,
    /// Most attempts at the provider at once.
    pub in_flight_max: u64,
    /// Time mean over `measured_s`; `null` when that is zero.
    pub in_flight_mean: Option<f64>,
    /// Time mean of busy slots ÷ slots; `null` without slots.
    pub utilization: Option<f64>,
    /// `null` without limits.
    pub quota: Option<Quota>,
    /// How often it was taken out; `null` with `health = "off"`.
    pub ejections: Option<u64>,
    /// Price of all successful attempts; `null` without prices.
    pub cost: Option<f64>,
}

/// Use of a provider's quota by this run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Quota {
    /// Most attempts admitted in an aligned minute.
    pub rpm_peak: Option<f64>,
    /// Most tokens of attempts admitted in an aligned minute.
    pub tpm_peak: Option<f64>,
    /// Admitted ÷ allowed over `measured_s`, of the tightest limit. Without a warm-up that is the most that a fresh quota can
    /// admit in that time; after one, what flows in at the stated rate.
    pub utilization: Option<f64>,
}

/// One class in one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClassRun {
    /// Its name.
    pub name: String,
    /// How its measured requests ended.
    pub requests: Requests,
    /// As in [`Run::latency_ms`].
    pub latency_ms: Quantiles,
    /// As in [`Run::ttft_ms`].
    pub ttft_ms: Quantiles,
}

/// Shares q against targets p over k providers and N attempts. `null` where there is no target or no attempt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Fairness {
    /// max abs(q − p).
    pub max_share_error: Option<f64>,
    /// ½ Σ abs(q − p): the fraction of attempts in the wrong place.
    pub total_variation: Option<f64>,
    /// (Σx)² / (kΣx²) with x = q/p.
    pub jain: Option<f64>,
    /// Σ(O − Np)²/(Np).
    pub chi2: Option<f64>,
    /// Upper tail of χ² with k − 1 degrees of freedom; `null` where some Np < 5.
    pub chi2_p: Option<f64>,
}

/// Goodput against the upper bound of any balancer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Efficiency {
    /// Requests within every objective, per second of `measured_s`.
    pub goodput_per_s: Option<f64>,
    /// Upper bound.
    pub bound_per_s: Option<f64>,
    /// goodput ÷ bound.
    pub ratio: Option<f64>,
    /// What keeps goodput from being more: `tpm of beta`; `null` where all that is offered can be good.
    #[serde(default)]
    pub binding: Option<String>,
    /// Upper bound for a balancer that serves every class in proportion to what it offers, at mean sizes.
    #[serde(default)]
    pub mix_bound_per_s: Option<f64>,
    /// goodput ÷ that bound; a run that happens to serve more of the small requests may exceed 1.
    #[serde(default)]
    pub mix_ratio: Option<f64>,
    /// Mean latency behind one queue for all slots; `null` where a request had no answer, for closed loops and long runs.
    #[serde(default)]
    pub latency_bound_ms: Option<f64>,
    /// That ÷ the mean latency.
    #[serde(default)]
    pub latency_ratio: Option<f64>,
}

/// Counts of measured requests over time, from the start of the run, in equal intervals.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    /// Length of an interval.
    pub interval_s: f64,
    /// Arrivals.
    pub offered: Vec<u64>,
    /// By name; attempts count when sent, refusals and errors when answered.
    pub providers: BTreeMap<String, ProviderTimeline>,
}

/// Counts of one provider over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProviderTimeline {
    /// Attempts sent.
    pub attempts: Vec<u64>,
    /// 429s answered.
    pub rate_limited: Vec<u64>,
    /// Other errors.
    pub errors: Vec<u64>,
    /// Attempts or tokens admitted ÷ what the tightest rate allows in the interval; empty without one. What a bucket had saved up
    /// comes on top, so that it may exceed 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quota: Vec<f64>,
}

/// One expectation, judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ExpectationResult {
    /// Metric name.
    pub metric: String,
    /// Provider it was asked of.
    pub provider: Option<String>,
    /// Window it was asked of.
    pub during: Option<String>,
    /// Class it was asked of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// For people: `50% ± 0.1%`, `≥ 99%`.
    pub want: String,
    /// Measured value in the metric's unit; `null`: no data.
    pub got: Option<f64>,
    /// What the same scenario gave in virtual time, where a run in real time is judged by that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub simulated: Option<f64>,
    /// Samples behind `got`.
    pub samples: u64,
    /// Pass, fail or no-data.
    pub verdict: Verdict,
    /// How far `got` lies outside of what is wanted, in the metric's unit: above it positive, below it negative.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub distance: Option<f64>,
    /// Why it probably does not hold: a guess from the figures of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// Line of the `[[expect]]` in the scenario file, from 1; `null` when it came from the command line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
}

//! The catalogue of metrics.
//!
//! One table: scenario validation, `--help`, the evaluation and the docs read it through [`Metric`].

use super::metric::{Figure, Metric, Unit};

/// What the catalogue says of a metric, or of a family of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    /// The metric; of a family any member.
    pub(super) metric: Metric,
    /// Its name; of a family what stands before `_p99`.
    pub(super) stem: &'static str,
    /// Members of a family; empty: a single metric.
    pub(super) figures: &'static [Figure],
    pub(super) unit: Unit,
    pub(super) scope: Scope,
    pub(super) during: bool,
    pub(super) class: bool,
    pub(super) summary: &'static str,
}

/// What a metric can be asked of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Only a provider.
    Provider,
    /// A provider or the whole run.
    Either,
    /// Only the whole run.
    Run,
}

impl Row {
    /// Each metric of the row.
    pub(super) fn members(&self) -> impl Iterator<Item = Metric> {
        let single = self.figures.is_empty().then_some(self.metric);
        single.into_iter().chain(self.figures.iter().map(|figure| self.metric.with_figure(*figure)))
    }
}

const DISTRIBUTION: &[Figure] = &[Figure::Mean, Figure::P50, Figure::P90, Figure::P95, Figure::P99, Figure::P999, Figure::Max];

/// A figure of requests and attempts, to be asked of windows and classes too.
const fn row(metric: Metric, stem: &'static str, unit: Unit, scope: Scope, summary: &'static str) -> Row {
    Row { metric, stem, figures: &[], unit, scope, during: true, class: true, summary }
}

/// A distribution of requests or attempts.
const fn family(metric: Metric, stem: &'static str, scope: Scope, summary: &'static str) -> Row {
    Row { figures: DISTRIBUTION, ..row(metric, stem, Unit::Millis, scope, summary) }
}

/// A property of a provider over time: whose requests they are is not known.
const fn over_time(metric: Metric, stem: &'static str, unit: Unit, scope: Scope, summary: &'static str) -> Row {
    Row { class: false, ..row(metric, stem, unit, scope, summary) }
}

/// All metrics, in the order in which they are listed.
pub(super) const CATALOGUE: [Row; 28] = [
    row(Metric::Share, "share", Unit::Ratio, Scope::Provider, "attempts at the provider ÷ all attempts"),
    row(Metric::MaxShareError, "max_share_error", Unit::Ratio, Scope::Run, "largest distance of a provider's share from its target"),
    row(Metric::TotalVariation, "total_variation", Unit::Ratio, Scope::Run, "fraction of the attempts in the wrong place"),
    row(Metric::Chi2P, "chi2_p", Unit::Ratio, Scope::Run, "probability that draws by the target shares deviate at least this much (χ²)"),
    row(
        Metric::SuccessRatio,
        "success_ratio",
        Unit::Ratio,
        Scope::Either,
        "successful requests ÷ offered; of a provider: its successful attempts ÷ its attempts",
    ),
    row(
        Metric::Failed,
        "failed",
        Unit::Number,
        Scope::Either,
        "requests whose last attempt failed; of a provider: its attempts that ended in a 429, an error or a timeout",
    ),
    row(Metric::Shed, "shed", Unit::Number, Scope::Run, "requests that the balancer refused itself"),
    row(Metric::ShedRatio, "shed_ratio", Unit::Ratio, Scope::Run, "shed ÷ offered"),
    row(Metric::RateLimited, "rate_limited", Unit::Number, Scope::Either, "attempts answered 429"),
    row(Metric::RateLimitedRatio, "rate_limited_ratio", Unit::Ratio, Scope::Either, "attempts answered 429 ÷ attempts"),
    row(Metric::RetriesPerRequest, "retries_per_request", Unit::Number, Scope::Run, "retries ÷ offered requests; hedges are no retries"),
    family(
        Metric::Latency(Figure::Mean),
        "latency",
        Scope::Either,
        "intended arrival → last byte, successful requests; of a provider: sent → last byte, its successful attempts",
    ),
    family(
        Metric::Ttft(Figure::Mean),
        "ttft",
        Scope::Either,
        "intended arrival → first token, successful requests; of a provider: sent → first token, its successful attempts",
    ),
    family(Metric::BalancerQueue(Figure::Mean), "balancer_queue", Scope::Run, "intended arrival → first sent, requests that were sent"),
    family(
        Metric::ProviderQueue(Figure::Mean),
        "provider_queue",
        Scope::Either,
        "reaching a provider → start of service, attempts that started",
    ),
    over_time(
        Metric::QuotaUtilization,
        "quota_utilization",
        Unit::Ratio,
        Scope::Provider,
        "admitted ÷ what the provider's tightest limit allows: from the start of the run on with what a fresh quota holds",
    ),
    over_time(
        Metric::InFlightMax,
        "in_flight_max",
        Unit::Number,
        Scope::Either,
        "most attempts at the provider at once; of a run: the most at any provider",
    ),
    Row {
        figures: &[Figure::P50, Figure::P99, Figure::Max],
        ..over_time(
            Metric::InFlightRatio(Figure::P50),
            "in_flight_ratio",
            Unit::Number,
            Scope::Run,
            "most attempts at a provider ÷ fewest at another (at least 1), among those enabled, over the time to the last arrival",
        )
    },
    Row {
        during: false,
        ..over_time(
            Metric::InFlightEnd,
            "in_flight_end",
            Unit::Number,
            Scope::Either,
            "leases that the engine still holds when all requests have ended: more than 0 is a leak",
        )
    },
    family(
        Metric::RetryAfterError(Figure::Mean),
        "retry_after_error",
        Scope::Run,
        "|told Retry-After − time until it could have been sent|, shed requests (256 at most are followed at a time)",
    ),
    row(Metric::Goodput, "goodput", Unit::Ratio, Scope::Run, "successful requests that meet every objective ÷ offered"),
    Row {
        during: false,
        ..over_time(
            Metric::Efficiency,
            "efficiency",
            Unit::Ratio,
            Scope::Run,
            "goodput ÷ the upper bound of any balancer for the same load and limits",
        )
    },
    over_time(Metric::Ejections, "ejections", Unit::Number, Scope::Either, "times that a provider was taken out for failing"),
    over_time(
        Metric::EjectionDelay,
        "ejection_delay",
        Unit::Millis,
        Scope::Provider,
        "start of the window (without one: the provider's first error) → its next ejection",
    ),
    over_time(
        Metric::RecoveryTime,
        "recovery_time",
        Unit::Millis,
        Scope::Either,
        "end of the window → the next readmission; without a window the longest time from an ejection to the readmission",
    ),
    Row {
        during: false,
        class: false,
        ..family(
            Metric::Overhead(Figure::Mean),
            "overhead",
            Scope::Run,
            "in real time: what whole answers took beyond the providers' own time; behind a gateway, requests of one attempt",
        )
    },
    row(Metric::Cost, "cost", Unit::Number, Scope::Either, "price of the successful attempts' tokens"),
    Row {
        figures: &[Figure::P50, Figure::P99],
        during: false,
        ..over_time(Metric::Decision(Figure::P50), "decision", Unit::Nanos, Scope::Run, "wall-clock time of a pick, timer cost subtracted")
    },
];

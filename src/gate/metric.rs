//! The metrics that `[[expect]]` can name. What is said of each stands in the catalogue, a table beside this file.

use std::mem::discriminant;

use super::catalogue::{CATALOGUE, Row, Scope};

/// A metric with a fixed name. Families (`latency_p99` …) carry which figure of the distribution is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Metric {
    /// `share`
    Share,
    /// `max_share_error`
    MaxShareError,
    /// `total_variation`
    TotalVariation,
    /// `chi2_p`
    Chi2P,
    /// `success_ratio`
    SuccessRatio,
    /// `failed`
    Failed,
    /// `shed`
    Shed,
    /// `shed_ratio`
    ShedRatio,
    /// `rate_limited`
    RateLimited,
    /// `rate_limited_ratio`
    RateLimitedRatio,
    /// `retries_per_request`
    RetriesPerRequest,
    /// `latency_…`
    Latency(Figure),
    /// `ttft_…`
    Ttft(Figure),
    /// `balancer_queue_…`
    BalancerQueue(Figure),
    /// `provider_queue_…`
    ProviderQueue(Figure),
    /// `quota_utilization`
    QuotaUtilization,
    /// `in_flight_max`
    InFlightMax,
    /// `in_flight_ratio_…`
    InFlightRatio(Figure),
    /// `in_flight_end`
    InFlightEnd,
    /// `retry_after_error_…`
    RetryAfterError(Figure),
    /// `goodput`
    Goodput,
    /// `efficiency`
    Efficiency,
    /// `ejections`
    Ejections,
    /// `ejection_delay`
    EjectionDelay,
    /// `recovery_time`
    RecoveryTime,
    /// `cost`
    Cost,
    /// `overhead_…`
    Overhead(Figure),
    /// `decision_p50`, `decision_p99`
    Decision(Figure),
}

/// A figure of a distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Figure {
    /// `mean`
    Mean,
    /// `p50`
    P50,
    /// `p90`
    P90,
    /// `p95`
    P95,
    /// `p99`
    P99,
    /// `p999`
    P999,
    /// `max`
    Max,
}

/// What a metric's values are, and so how a `target`, `min` or `max` is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// 0…1, written `0.5` or `"50%"`.
    Ratio,
    /// A plain number.
    Number,
    /// A duration, kept in milliseconds.
    Millis,
    /// Wall-clock nanoseconds, written as a duration (`"100ns"`).
    Nanos,
}

impl Metric {
    /// By its exact name; `None` for anything else.
    pub fn parse(name: &str) -> Option<Metric> {
        CATALOGUE.iter().flat_map(Row::members).find(|metric| metric.name() == name)
    }

    /// All names, in the order of the catalogue.
    pub fn names() -> Vec<String> {
        CATALOGUE.iter().flat_map(Row::members).map(Metric::name).collect()
    }

    /// Its name in a scenario file and in results.
    pub fn name(self) -> String {
        let stem = self.row().stem;
        self.figure().map_or_else(|| stem.to_owned(), |figure| format!("{stem}_{}", figure.name()))
    }

    /// What its values are.
    pub fn unit(self) -> Unit {
        self.row().unit
    }

    /// Whether it only makes sense for one provider.
    pub fn needs_provider(self) -> bool {
        self.row().scope == Scope::Provider
    }

    /// Whether it can be asked of one provider.
    pub fn allows_provider(self) -> bool {
        self.row().scope != Scope::Run
    }

    /// Whether it can be asked of the requests that arrive in a window.
    pub fn allows_during(self) -> bool {
        self.row().during
    }

    /// Whether it can be asked of the requests of a class.
    pub fn allows_class(self) -> bool {
        self.row().class
    }

    /// What it says, in one sentence; the same for all members of a family.
    pub fn summary(self) -> &'static str {
        self.row().summary
    }

    /// Whether it is measured by the clock on the wall, so that no two runs need agree on it.
    pub fn is_wall(self) -> bool {
        matches!(self, Metric::Overhead(_) | Metric::Decision(_))
    }

    /// Of a family: which figure of the distribution.
    pub fn figure(self) -> Option<Figure> {
        match self {
            Metric::Latency(figure)
            | Metric::Ttft(figure)
            | Metric::BalancerQueue(figure)
            | Metric::ProviderQueue(figure)
            | Metric::InFlightRatio(figure)
            | Metric::RetryAfterError(figure)
            | Metric::Overhead(figure)
            | Metric::Decision(figure) => Some(figure),
            _ => None,
        }
    }

    /// The member of its family for `figure`; itself where it is no family.
    pub(super) fn with_figure(self, figure: Figure) -> Metric {
        match self {
            Metric::Latency(_) => Metric::Latency(figure),
            Metric::Ttft(_) => Metric::Ttft(figure),
            Metric::BalancerQueue(_) => Metric::BalancerQueue(figure),
            Metric::ProviderQueue(_) => Metric::ProviderQueue(figure),
            Metric::InFlightRatio(_) => Metric::InFlightRatio(figure),
            Metric::RetryAfterError(_) => Metric::RetryAfterError(figure),
            Metric::Overhead(_) => Metric::Overhead(figure),
            Metric::Decision(_) => Metric::Decision(figure),
            single => single,
        }
    }

    fn row(self) -> &'static Row {
        let row = CATALOGUE.iter().find(|row| discriminant(&row.metric) == discriminant(&self));
        row.expect("the catalogue has a row for each variant, as its test counts")
    }
}

impl Figure {
    /// As a share of the samples from below; `None` for the mean.
    pub(super) fn quantile(self) -> Option<f64> {
        match self {
            Figure::Mean => None,
            Figure::P50 => Some(0.5),
            Figure::P90 => Some(0.9),
            Figure::P95 => Some(0.95),
            Figure::P99 => Some(0.99),
            Figure::P999 => Some(0.999),
            Figure::Max => Some(1.0),
        }
    }

    /// As it ends a metric's name.
    pub fn name(self) -> &'static str {
        match self {
            Figure::Mean => "mean",
            Figure::P50 => "p50",
            Figure::P90 => "p90",
            Figure::P95 => "p95",
            Figure::P99 => "p99",
            Figure::P999 => "p999",
            Figure::Max => "max",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The names users may write, spelled out, and each is read back as the metric that prints it.
    #[test]
    fn names_are_the_published_ones() {
        let singles = "share max_share_error total_variation chi2_p success_ratio failed shed shed_ratio rate_limited \
                       rate_limited_ratio retries_per_request quota_utilization in_flight_max in_flight_end in_flight_ratio_p50 \
                       in_flight_ratio_p99 in_flight_ratio_max goodput efficiency ejections \
                       ejection_delay recovery_time cost decision_p50 decision_p99";
        let mut want: Vec<String> = singles.split_whitespace().map(str::to_owned).collect();
        for stem in ["latency", "ttft", "balancer_queue", "provider_queue", "retry_after_error", "overhead"] {
            want.extend(["mean", "p50", "p90", "p95", "p99", "p999", "max"].map(|figure| format!("{stem}_{figure}")));
        }
        let mut names = Metric::names();
        for name in &names {
            assert_eq!(Metric::parse(name).map(Metric::name).as_ref(), Some(name));
        }
        names.sort();
        want.sort();
        assert_eq!(names, want);
        for wrong in ["latency", "latency_p42", "decision_mean", "Share", ""] {
            assert_eq!(Metric::parse(wrong), None, "{wrong:?}");
        }
    }

    /// 28 rows of 28 different variants, of which `Metric` has 28 (the match of `measure` is exhaustive over them).
    #[test]
    fn each_variant_has_one_row() {
        for row in &CATALOGUE {
            assert_eq!(CATALOGUE.iter().filter(|other| discriminant(&other.metric) == discriminant(&row.metric)).count(), 1);
            assert_eq!(row.figures.is_empty(), row.metric.figure().is_none(), "{}", row.stem);
        }
    }

    /// Exactly these three cannot be asked of the whole run.
    #[test]
    fn what_needs_a_provider() {
        let needs: Vec<String> = Metric::names().into_iter().filter(|name| Metric::parse(name).unwrap().needs_provider()).collect();
        assert_eq!(needs, ["share", "quota_utilization", "ejection_delay"]);
    }
}

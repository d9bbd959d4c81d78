//! The value of a metric, and how many samples it rests on.

use super::metric::{Figure, Metric};
use crate::metrics::{ProviderStats, RunStats, Samples, SliceStats};
use crate::time::Nanos;

/// A value in the metric's unit; `None`: no data.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) got: Option<f64>,
    pub(super) samples: u64,
}

/// A metric of a slice, as a whole or at one provider.
pub(super) fn measure(metric: Metric, provider: Option<usize>, slice: &SliceStats, run: &RunStats) -> Measured {
    let measured = match provider {
        Some(index) => slice.providers.get(index).and_then(|provider| at_provider(metric, provider, slice)),
        None => of_run(metric, slice, run),
    };
    // A value that rests on nothing is none, whatever the arithmetic says.
    measured
        .filter(|measured| measured.samples > 0 && measured.got.is_some_and(f64::is_finite))
        .unwrap_or(Measured { got: None, samples: 0 })
}

/// `None` where the metric cannot be asked of a provider.
fn at_provider(metric: Metric, provider: &ProviderStats, slice: &SliceStats) -> Option<Measured> {
    let attempts = provider.attempts;
    Some(match metric {
        Metric::Share => ratio(attempts, slice.attempts.total),
        Metric::SuccessRatio => ratio(provider.succeeded, attempts),
        Metric::Failed => count(provider.rate_limited + provider.errors + provider.timeouts, attempts),
        Metric::RateLimited => count(provider.rate_limited, attempts),
        Metric::RateLimitedRatio => ratio(provider.rate_limited, attempts),
        Metric::Latency(figure) => millis(&provider.latency, figure),
        Metric::Ttft(figure) => millis(&provider.ttft, figure),
        Metric::ProviderQueue(figure) => millis(&provider.provider_queue, figure),
        Metric::QuotaUtilization => Measured { got: provider.quota_utilization, samples: provider.admitted },
        Metric::InFlightMax => count(provider.in_flight_max, attempts.max(provider.in_flight_max)),
        Metric::InFlightEnd => count(provider.left_over, attempts.max(provider.left_over)),
        Metric::Ejections => count(provider.ejections?, attempts.max(provider.ejections?)),
        Metric::EjectionDelay => once(provider.ejection_delay),
        Metric::RecoveryTime => once(provider.recovery_time),
        Metric::Cost => Measured { got: provider.cost, samples: provider.succeeded },
        Metric::MaxShareError
        | Metric::TotalVariation
        | Metric::Chi2P
        | Metric::Shed
        | Metric::ShedRatio
        | Metric::RetriesPerRequest
        | Metric::BalancerQueue(_)
        | Metric::InFlightRatio(_)
        | Metric::RetryAfterError(_)
        | Metric::Goodput
        | Metric::Efficiency
        | Metric::Overhead(_)
        | Metric::Decision(_) => return None,
    })
}

/// `None` where the metric needs a provider, or the run has no such thing.
fn of_run(metric: Metric, slice: &SliceStats, run: &RunStats) -> Option<Measured> {
    let (offered, attempts) = (slice.requests.offered, slice.attempts.total);
    let fairness = |got| Measured { got, samples: attempts };
    let providers = || slice.providers.iter();
    Some(match metric {
        Metric::MaxShareError => fairness(slice.fairness.max_share_error),
        Metric::TotalVariation => fairness(slice.fairness.total_variation),
        Metric::Chi2P => fairness(slice.fairness.chi2_p),
        Metric::SuccessRatio => ratio(slice.requests.succeeded, offered),
        Metric::Failed => count(slice.requests.failed, offered),
        Metric::Shed => count(slice.requests.shed, offered),
        Metric::ShedRatio => ratio(slice.requests.shed, offered),
        Metric::RateLimited => count(slice.attempts.rate_limited, attempts),
        Metric::RateLimitedRatio => ratio(slice.attempts.rate_limited, attempts),
        Metric::RetriesPerRequest => ratio(slice.attempts.retries, offered),
        Metric::Latency(figure) => millis(&slice.latency, figure),
        Metric::Ttft(figure) => millis(&slice.ttft, figure),
        Metric::BalancerQueue(figure) => millis(&slice.balancer_queue, figure),
        Metric::ProviderQueue(figure) => millis(&slice.provider_queue, figure),
        Metric::InFlightMax => {
            let most = providers().map(|provider| provider.in_flight_max).max()?;
            count(most, attempts.max(most))
        }
        Metric::InFlightRatio(figure) => Measured { got: slice.in_flight_ratio.at(figure.quantile()?), samples: attempts },
        Metric::InFlightEnd => {
            let sum = providers().map(|provider| provider.left_over).sum();
            count(sum, attempts.max(sum))
        }
        Metric::RetryAfterError(figure) => millis(&slice.retry_after, figure),
        Metric::Goodput => ratio(slice.good, offered),
        Metric::Efficiency => Measured { got: run.efficiency.ratio, samples: offered },
        Metric::Ejections => {
            let sum = providers().map(|provider| provider.ejections).sum::<Option<u64>>()?;
            count(sum, attempts.max(sum))
        }
        Metric::RecoveryTime => once(providers().filter_map(|provider| provider.recovery_time).max()),
        Metric::Cost => {
            let priced = || providers().filter_map(|provider| Some((provider.cost?, provider.succeeded)));
            Measured { got: Some(priced().map(|(cost, _)| cost).sum()), samples: priced().map(|(_, succeeded)| succeeded).sum() }
        }
        Metric::Overhead(figure) => millis(&run.exchanges.overhead, figure),
        Metric::Decision(figure) => Measured { got: nanos(&run.decisions, figure), samples: run.decisions.count() },
        Metric::Share | Metric::QuotaUtilization | Metric::EjectionDelay => return None,
    })
}

/// A count among `of` things; zero of zero is no data.
fn count(count: u64, of: u64) -> Measured {
    Measured { got: Some(count as f64), samples: of }
}

fn ratio(part: u64, of: u64) -> Measured {
    Measured { got: (of > 0).then(|| part as f64 / of as f64), samples: of }
}

/// Something that happened once, or not at all.
fn once(time: Option<Nanos>) -> Measured {
    Measured { got: time.map(Nanos::as_millis_f64), samples: u64::from(time.is_some()) }
}

fn millis(samples: &Samples, figure: Figure) -> Measured {
    Measured { got: nanos(samples, figure).map(|nanos| nanos / 1e6), samples: samples.count() }
}

fn nanos(samples: &Samples, figure: Figure) -> Option<f64> {
    let percentile = |per_mille| samples.percentile(per_mille).map(Nanos::as_f64);
    match figure {
        Figure::Mean => samples.mean_ns(),
        Figure::P50 => percentile(500),
        Figure::P90 => percentile(900),
        Figure::P95 => percentile(950),
        Figure::P99 => percentile(990),
        Figure::P999 => percentile(999),
        Figure::Max => samples.max().map(Nanos::as_f64),
    }
}

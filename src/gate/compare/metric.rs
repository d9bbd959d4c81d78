//! What is compared: one table.

use crate::gate::metric::{Figure, Metric};
use crate::report::{Better, Run};

/// A metric that variants are compared by.
#[derive(Clone, Copy, Debug)]
pub struct Compared {
    /// Under this name.
    pub metric: Metric,
    /// Which of two values is the better one.
    pub better: Better,
    /// Its value in a run; `None`: no data.
    pub value: fn(&Run) -> Option<f64>,
}

/// In the order in which they are shown.
pub const COMPARED: [Compared; 12] = [
    row(Metric::MaxShareError, Better::Lower, |run| run.fairness.max_share_error),
    row(Metric::RateLimited, Better::Lower, |run| (run.attempts.total > 0).then_some(run.attempts.rate_limited as f64)),
    row(Metric::SuccessRatio, Better::Higher, |run| of_offered(run, run.requests.succeeded)),
    row(Metric::ShedRatio, Better::Lower, |run| of_offered(run, run.requests.shed)),
    row(Metric::Latency(Figure::P50), Better::Lower, |run| run.latency_ms.p50),
    row(Metric::Latency(Figure::P99), Better::Lower, |run| run.latency_ms.p99),
    row(Metric::Ttft(Figure::P99), Better::Lower, |run| run.ttft_ms.p99),
    row(Metric::Overhead(Figure::P50), Better::Lower, |run| run.real.as_ref().and_then(|real| real.overhead_ms.p50)),
    row(Metric::Overhead(Figure::P99), Better::Lower, |run| run.real.as_ref().and_then(|real| real.overhead_ms.p99)),
    row(Metric::RetriesPerRequest, Better::Lower, |run| of_offered(run, run.attempts.retries)),
    row(Metric::Efficiency, Better::Higher, |run| run.efficiency.ratio),
    row(Metric::Cost, Better::Lower, cost),
];

const fn row(metric: Metric, better: Better, value: fn(&Run) -> Option<f64>) -> Compared {
    Compared { metric, better, value }
}

fn of_offered(run: &Run, part: u64) -> Option<f64> {
    (run.requests.offered > 0).then(|| part as f64 / run.requests.offered as f64)
}

/// Of all providers with a price.
fn cost(run: &Run) -> Option<f64> {
    run.providers.iter().filter_map(|provider| provider.cost).reduce(|sum, cost| sum + cost)
}

//! What expectations are judged by: figures of the whole run and of each slice.

use super::config::Slice;
use super::http::Exchanges;
use super::latency::Samples;
use super::spread::TimeShare;
use crate::engine::strategy::Strategy;
use crate::report::{Attempts, Efficiency, Fairness, Requests};
use crate::time::Nanos;

/// All figures of a run that a metric can ask for.
#[derive(Clone, Debug)]
pub struct RunStats {
    /// What balanced it.
    pub strategy: Strategy,
    /// In file order.
    pub provider_names: Vec<String>,
    /// In file order.
    pub class_names: Vec<String>,
    /// The whole run, then the slices of the configuration in their order.
    pub slices: Vec<SliceStats>,
    /// Wall-clock times of sampled picks, timer cost subtracted.
    pub decisions: Samples,
    /// In real time.
    pub exchanges: Exchanges,
    /// As in the report; the bound and the ratio are filled in by whoever computes the bound.
    pub efficiency: Efficiency,
}

impl RunStats {
    /// The figures of `slice`; `None` when it was not recorded.
    pub fn slice(&self, slice: Slice) -> Option<&SliceStats> {
        self.slices.iter().find(|stats| stats.slice == slice)
    }
}

/// Figures of the requests of one slice and of their attempts.
#[derive(Clone, Debug)]
pub struct SliceStats {
    /// Which.
    pub slice: Slice,
    /// How they ended.
    pub requests: Requests,
    /// Successful ones that met every objective.
    pub good: u64,
    /// Their attempts.
    pub attempts: Attempts,
    /// Intended arrival → last byte, successful requests.
    pub latency: Samples,
    /// Intended arrival → first token, successful requests.
    pub ttft: Samples,
    /// Intended arrival → first sent, requests that were sent.
    pub balancer_queue: Samples,
    /// Reaching a provider → start of service, attempts that started.
    pub provider_queue: Samples,
    /// How far the times that shed requests were told were from the first moment at which they could have been sent.
    pub retry_after: Samples,
    /// Most attempts at a provider ÷ fewest at another, over the time of the slice's window.
    pub in_flight_ratio: TimeShare,
    /// In file order.
    pub providers: Vec<ProviderStats>,
    /// Shares against targets.
    pub fairness: Fairness,
}

/// Figures of one provider in a slice.
#[derive(Clone, Debug)]
pub struct ProviderStats {
    /// Share it should get of the slice's attempts.
    pub target_share: Option<f64>,
    /// Attempts.
    pub attempts: u64,
    /// Whole answers.
    pub succeeded: u64,
    /// 429s.
    pub rate_limited: u64,
    /// Other errors.
    pub errors: u64,
    /// Given up.
    pub timeouts: u64,
    /// Sent → last byte, successful attempts.
    pub latency: Samples,
    /// Sent → first token, successful attempts.
    pub ttft: Samples,
    /// Reaching it → start of service.
    pub provider_queue: Samples,
    /// Most attempts there at once during the slice's window, whoever they belong to.
    pub in_flight_max: u64,
    /// Leases that were still held when the whole run was over.
    pub left_over: u64,
    /// Attempts not refused, sent until the end of arrivals.
    pub admitted: u64,
    /// Admitted ÷ allowed of the tightest limit, over the slice's window; `None` without limits.
    pub quota_utilization: Option<f64>,
    /// Times it was taken out during the slice's window; `None` when nothing is ever taken out.
    pub ejections: Option<u64>,
    /// From the start of the window, or from the first error where there is no window, to the next ejection.
    pub ejection_delay: Option<Nanos>,
    /// From the end of the window to the next readmission; without a window the longest time from being taken out to
    /// being taken back.
    pub recovery_time: Option<Nanos>,
    /// Price of the successful attempts; `None` without prices.
    pub cost: Option<f64>,
}

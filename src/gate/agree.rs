//! Do both clocks agree? What a run in virtual time found, as expectations of the same scenario in real time.
//!
//! Draws are addressed by request and attempt, so that both runs meet the same arrivals, sizes, service times and errors.
//! What may differ is the order of things that happen within a fraction of a millisecond, and what HTTP takes:
//!
//! | of | allowed |
//! |---|---|
//! | the share of each provider | three standard errors of the difference of two independent samples |
//! | refusals (429) | 2 % of the requests |
//! | shed, successful requests | 2 percentage points |
//! | median latency and ttft | 5 %, at least 1 ms on the wall clock: what HTTP takes |
//! | their 99th percentile | 10 %, at least 5 ms on the wall clock |

use super::metric::{Figure, Metric, Unit};
use super::{Expectation, Want};
use crate::report::{Quantiles, Run};

/// Standard errors of a share.
const SIGMAS: f64 = 3.0;
/// Of requests.
const COUNTS: f64 = 0.02;

/// What a run in real time, `time_scale` times faster than the wall clock, must come to, given the same in virtual time: each
/// expectation with the figure that it is about.
pub fn agreement(simulated: &Run, time_scale: f64) -> Vec<(Expectation, f64)> {
    let mut expected = Vec::new();
    let attempts = simulated.attempts.total as f64;
    for (index, provider) in simulated.providers.iter().enumerate() {
        if let Some(share) = provider.share {
            let error = SIGMAS * (2.0 * share * (1.0 - share) / attempts).sqrt();
            expected.push(near(Metric::Share, Some(index), share, error.max(1.0 / attempts)));
        }
    }
    let requests = simulated.requests;
    let offered = requests.offered as f64;
    if offered > 0.0 {
        expected.push(near(Metric::RateLimited, None, simulated.attempts.rate_limited as f64, (COUNTS * offered).ceil()));
        expected.push(near(Metric::ShedRatio, None, requests.shed as f64 / offered, COUNTS));
        expected.push(near(Metric::SuccessRatio, None, requests.succeeded as f64 / offered, COUNTS));
    }
    expected.extend(times(Metric::Latency, &simulated.latency_ms, time_scale));
    if simulated.ttft_ms != simulated.latency_ms {
        expected.extend(times(Metric::Ttft, &simulated.ttft_ms, time_scale));
    }
    expected
}

/// The median and the 99th percentile of a time, where there are any.
fn times(metric: fn(Figure) -> Metric, found: &Quantiles, time_scale: f64) -> impl Iterator<Item = (Expectation, f64)> {
    let wanted = [(Figure::P50, found.p50, 0.05, 1.0), (Figure::P99, found.p99, 0.10, 5.0)];
    let near = move |(figure, value, part, least): (Figure, Option<f64>, f64, f64)| {
        value.map(|value| near(metric(figure), None, value, (part * value).max(least * time_scale)))
    };
    wanted.into_iter().filter_map(near)
}

/// Within `distance` of `value`, and not beyond what the unit allows.
fn near(metric: Metric, provider: Option<usize>, value: f64, distance: f64) -> (Expectation, f64) {
    // Nothing is below zero; three digits of a distance say enough.
    let step = 10f64.powf((distance.log10() - 2.0).floor());
    let (least, most) = (((value - distance) / step).floor() * step, ((value + distance) / step).ceil() * step);
    let most = if metric.unit() == Unit::Ratio { most.min(1.0) } else { most };
    let want = Want::Range { min: Some(tidy(least.max(0.0))), max: Some(tidy(most)) };
    (Expectation { metric, provider, during: None, class: None, want, line: 0 }, value)
}

/// Without the last digits that a product of decimals leaves: 0.30000000000000004.
fn tidy(value: f64) -> f64 {
    (value * 1e9).round() / 1e9
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_the_table() {
        let range = |(expectation, _): (Expectation, f64)| match expectation.want {
            Want::Range { min: Some(min), max: Some(max) } => (min, max),
            want => panic!("{want:?}"),
        };
        // Median 440 ms: 5 % are 22 ms. Of 3 ms they would be less than HTTP takes.
        assert_eq!(range(near(Metric::Latency(Figure::P50), None, 440.0, 22.0)), (418.0, 462.0));
        assert_eq!(range(near(Metric::Latency(Figure::P50), None, 0.5, 1.0)), (0.0, 1.5));
        // A ratio ends at 1, and nothing is below 0.
        assert_eq!(range(near(Metric::SuccessRatio, None, 0.99, COUNTS)), (0.97, 1.0));
        assert_eq!(range(near(Metric::ShedRatio, None, 0.0, COUNTS)), (0.0, COUNTS));
        // Ten times faster than the wall clock, a millisecond of HTTP is ten of the scenario.
        let found = Quantiles { p50: Some(20.0), p99: Some(40.0), ..Quantiles::default() };
        let ranges = |scale| times(Metric::Latency, &found, scale).map(range).collect::<Vec<_>>();
        assert_eq!((ranges(1.0), ranges(10.0)), (vec![(19.0, 21.0), (35.0, 45.0)], vec![(10.0, 30.0), (0.0, 90.0)]));
        // One third, 0.0123 apart: outwards to three digits of the distance, so that nothing allowed is refused.
        assert_eq!(range(near(Metric::Share, Some(0), 1.0 / 3.0, 0.0123)), (0.321, 0.3457));
    }
}

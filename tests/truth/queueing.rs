//! Single stations with Poisson arrivals against their closed forms.

use lbsim::engine::Strategy;
use lbsim::report::{Quantiles, Run};

use crate::stats::replicate;
use crate::theory::{erlang_c, mg1_wait};
use crate::world::{World, exponential, fixed, lognormal, provider};

/// Mean of a distribution in seconds.
pub fn mean(figure: &Quantiles) -> f64 {
    figure.mean.expect("there are samples") / 1e3
}

/// Mean wait at the first provider, in seconds.
pub fn wait(run: &Run) -> f64 {
    mean(&run.providers[0].provider_queue_ms)
}

/// One station with service time `service` (mean 1 s) and `slots`, fed by Poisson arrivals of rate `lambda`.
pub fn station(lambda: f64, slots: u32, service: lbsim::world::dist::Dist) -> World {
    World::new(Strategy::RoundRobin, vec![provider("p", service).slots(slots)]).poisson(lambda).warmup(1_000.0 / f64::from(slots))
}

/// M/M/1: W = ρ/(μ − λ), latency exponential with rate μ − λ, utilization ρ, L = ρ/(1 − ρ).
#[test]
fn mm1() {
    for (rho, requests, resolution) in [(0.5, 15_000, 0.06), (0.8, 30_000, 0.2)] {
        let runs = replicate(&station(rho, 1, exponential(1.0)).requests(requests), 20);
        let rate = 1.0 - rho;
        runs.expect("M/M/1 wait", rho / rate, resolution, wait);
        runs.expect("M/M/1 latency", 1.0 / rate, resolution, |run| mean(&run.latency_ms));
        runs.expect("M/M/1 in flight", rho / rate, resolution, |run| run.providers[0].in_flight_mean.unwrap());
        runs.expect("M/M/1 utilization", rho, 0.02, |run| run.providers[0].utilization.unwrap());
        let quantile = |q: f64| -(1.0 - q).ln() / rate;
        runs.expect("M/M/1 median", quantile(0.5), resolution, |run| run.latency_ms.p50.unwrap() / 1e3);
        runs.expect("M/M/1 p90", quantile(0.9), resolution, |run| run.latency_ms.p90.unwrap() / 1e3);
        runs.expect("M/M/1 p99", quantile(0.99), 2.0 * resolution, |run| run.latency_ms.p99.unwrap() / 1e3);
    }
}

/// M/D/1 waits half as long as M/M/1; M/G/1 by Pollaczek–Khinchine.
#[test]
fn mg1() {
    let runs = replicate(&station(0.7, 1, fixed(1.0)).requests(15_000), 20);
    runs.expect("M/D/1 wait", mg1_wait(0.7, 1.0, 0.0), 0.06, wait);
    let runs = replicate(&station(0.6, 1, lognormal(1.0, 1.5)).requests(30_000), 20);
    runs.expect("M/G/1 wait", mg1_wait(0.6, 1.0, 1.5), 0.15, wait);
}

/// M/M/c: P(wait) = C(c, a), W = C/(cμ − λ), P(W > t) = C e^{−(cμ−λ)t}, so the p-quantile is ln(C/(1−p))/(cμ−λ).
#[test]
fn mmc() {
    for (c, rho, resolution) in [(2, 0.8, 0.2), (8, 0.85, 0.25)] {
        let (a, slack) = (rho * f64::from(c), f64::from(c) * (1.0 - rho));
        let waits = erlang_c(c, a);
        let runs = replicate(&station(a, c, exponential(1.0)).requests(30_000), 20);
        runs.expect("M/M/c wait", waits / slack, resolution, wait);
        runs.expect("M/M/c utilization", rho, 0.02, |run| run.providers[0].utilization.unwrap());
        runs.expect("M/M/c in flight", a + a * waits / slack, resolution, |run| run.providers[0].in_flight_mean.unwrap());
        for (p, pick) in [(0.9, (|q: &Quantiles| q.p90) as fn(&Quantiles) -> Option<f64>), (0.95, |q| q.p95), (0.99, |q| q.p99)] {
            let want = (waits / (1.0 - p)).ln() / slack;
            runs.expect("M/M/c wait quantile", want, 2.0 * resolution, |run| pick(&run.providers[0].provider_queue_ms).unwrap() / 1e3);
        }
    }
}

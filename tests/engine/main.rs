//! The engine as an embedder sees it: conformance of every strategy, no allocation, many threads. Builds without the
//! command line: `cargo test --no-default-features --test engine`.

mod chance;
mod conformance;
mod conservation;
mod decisions;
mod groups;
mod least_bad;
mod lockstep;
mod no_allocation;
mod odd_times;
mod onlookers;
mod output_sizes;
mod sequences;
mod sessions;
mod threads;
mod waiting;

use lbsim::engine::{AttemptResult, Config, Decision, Engine, Lease, Outcome, ProviderConfig, Request, Strategy};
use lbsim::time::Nanos;

/// Providers p0…p(n−1), equal and without limits.
fn providers(n: usize) -> Vec<ProviderConfig> {
    (0..n).map(|index| ProviderConfig { name: format!("p{index}"), ..Default::default() }).collect()
}

/// Providers p0… with these weights.
fn weighted(weights: &[f64]) -> Vec<ProviderConfig> {
    let providers = providers(weights.len()).into_iter().zip(weights);
    providers.map(|(provider, weight)| ProviderConfig { weight: Some(*weight), ..provider }).collect()
}

fn engine(strategy: Strategy, providers: Vec<ProviderConfig>) -> Engine {
    Engine::new(Config { seed: 7, ..Config::new(strategy, providers) }).expect("a valid configuration")
}

/// The lease of a pick that must succeed.
fn send(engine: &Engine, now: Nanos, request: &Request) -> Lease {
    match engine.pick(now, request) {
        Decision::Send(lease) => lease,
        other => panic!("request {} is not sent: {other:?}", request.id),
    }
}

fn succeed(engine: &Engine, now: Nanos, lease: Lease) {
    engine.settle(now, lease, Outcome::new(AttemptResult::Success));
}

/// Where each of these requests goes when it is settled at once.
fn placements(engine: &Engine, requests: impl IntoIterator<Item = Request>) -> Vec<usize> {
    let requests = requests.into_iter();
    requests
        .map(|request| {
            let now = Nanos::from_millis(request.id);
            let lease = send(engine, now, &request);
            let provider = lease.provider().index();
            succeed(engine, now, lease);
            provider
        })
        .collect()
}

/// How often each of `n` providers occurs.
fn counts(n: usize, placements: &[usize]) -> Vec<u64> {
    let mut counts = vec![0; n];
    placements.iter().for_each(|provider| counts[*provider] += 1);
    counts
}

/// Asserts that a count lies within five standard deviations of the mean of a binomial: a right one fails once in
/// 1.7 million times, and the seed is fixed.
fn assert_share(count: u64, of: usize, share: f64, what: &str) {
    let (of, count) = (of as f64, count as f64);
    let bound = 5.0 * (of * share * (1.0 - share)).sqrt();
    assert!((count - of * share).abs() <= bound, "{what}: {count} of {of}, expected {} ± {bound}", of * share);
}

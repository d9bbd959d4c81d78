//! A decision allocates nothing: counted by the allocator itself, in steady state, for every strategy.

use allocation_counter::measure;
use lbsim::engine::limit::{Algorithm, Charge};
use lbsim::engine::{
    AttemptResult, Config, Decision, Engine, Limits, Outcome, OutputEstimate, ProviderConfig, Request, Retry, Retrying, Strategy, Trace,
    Usage, strategy,
};
use lbsim::time::Nanos;

use super::weighted;

#[test]
fn the_counter_counts() {
    assert_eq!(measure(|| drop(std::hint::black_box(Box::new(1)))).count_total, 1);
}

#[test]
fn picks_and_settlements_do_not_allocate() {
    let buckets = Limits { rpm: Some(6e6), tpm: Some(6e9), max_concurrency: Some(2), ..Default::default() };
    let windows = Limits { algorithm: Algorithm::FixedWindow, period: Some(Nanos::from_millis(5)), ..buckets.clone() };
    // Of these, sizes of answers are learned.
    let actual = Limits { charge: Charge::Actual, ..buckets.clone() };
    for info in &strategy::CATALOGUE {
        for limits in [&Limits::default(), &buckets, &windows, &actual] {
            let engine = pool(info.strategy, limits);
            let mut trace = Trace::default();
            // The first picks of a thread and the first use of a trace may allocate.
            requests(&engine, 0..100, &mut trace);
            let counted = measure(|| requests(&engine, 100..1_100, &mut trace));
            assert_eq!(counted.count_total, 0, "{} with {limits:?}", info.name);
        }
    }
}

/// All that a sliding window lets in within one period, from the first to the last, and then half of that again: the log
/// grows from nothing to 20,000 entries, goes round, and grows once more after a pause. Also where a group keeps it.
#[test]
fn the_log_of_a_sliding_window_grows_without_allocating() {
    let limits = Limits { rpm: Some(20_000.0), tpm: Some(1e9), algorithm: Algorithm::SlidingWindow, ..Default::default() };
    for quota_group in [None, Some("shared".to_owned())] {
        let provider = ProviderConfig { limits: limits.clone(), quota_group: quota_group.clone(), ..weighted(&[1.0]).remove(0) };
        let engine = Engine::new(Config::new(Strategy::RateLimitAware, vec![provider])).expect("a valid configuration");
        let mut sent = 0;
        let mut attempts = |ids: std::ops::Range<u64>, start: u64| {
            for id in ids {
                let now = Nanos::from_millis(start + id);
                let request = Request { input_tokens: 100, max_tokens: Some(50), ..Request::new(id) };
                if let Decision::Send(lease) = engine.pick(now, &request) {
                    let usage = Some(Usage { input_tokens: 100, output_tokens: 20 });
                    engine.settle(now, lease, Outcome { usage, ..Outcome::new(AttemptResult::Success) });
                    sent += 1;
                }
            }
        };
        attempts(0..1, 0);
        let counted = measure(|| {
            attempts(1..90_000, 0);
            attempts(90_000..110_000, 300_000);
        });
        assert_eq!(counted.count_total, 0, "{quota_group:?}");
        // 20,000 at once, 20,000 as the first of them expire a minute later, 20,000 after a pause.
        assert_eq!(sent, 60_000, "{quota_group:?}");
    }
}

fn pool(strategy: Strategy, limits: &Limits) -> Engine {
    let weights: Vec<f64> = (0..70).map(|index| f64::from(1 + index % 3)).collect();
    let providers = weighted(&weights).into_iter().map(|provider| ProviderConfig { limits: limits.clone(), ..provider });
    let retry = Retry { max_retries: 3, ..Default::default() };
    let output_estimate = OutputEstimate::Percentile(90);
    Engine::new(Config { retry, output_estimate, ..Config::new(strategy, providers.collect()) }).expect("a valid configuration")
}

/// Every request fails once, is retried elsewhere, and then streams an answer. Every third decision is traced.
fn requests(engine: &Engine, ids: std::ops::Range<u64>, trace: &mut Trace) {
    for id in ids {
        let now = Nanos::from_millis(id);
        let mut request = Request { input_tokens: 100, max_tokens: Some(50), session: Some(id % 7), ..Request::new(id) };
        for result in [AttemptResult::Status(500), AttemptResult::Success] {
            let decision = if id % 3 == 0 { engine.pick_traced(now, &request, trace) } else { engine.pick(now, &request) };
            let Decision::Send(mut lease) = decision else { panic!("{id} is not sent") };
            request.tried.push(lease.provider());
            engine.first_token(now, &mut lease);
            let usage = Some(Usage { input_tokens: 90, output_tokens: 20 });
            let outcome = Outcome { usage, ..Outcome::new(result) };
            engine.settle(now, lease, outcome);
            let retrying = engine.retry(now, &request, &outcome);
            assert_ne!(retrying, Retrying::Exhausted, "{id}");
        }
    }
}

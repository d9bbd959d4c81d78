//! Times at the end of time, as a gateway has them whose clock is wrong: nothing breaks, and what was taken comes back.

use super::{engine, providers, send};
use lbsim::engine::{AttemptResult, Config, Outcome, Request, Retry, Strategy};
use lbsim::time::Nanos;

#[test]
fn a_first_token_at_the_end_of_time_is_one() {
    for strategy in [Strategy::LowestLatency, Strategy::LeastConnections] {
        let engine = engine(strategy, providers(2));
        for id in 0..4 {
            let mut lease = send(&engine, Nanos::MAX, &Request::new(id));
            engine.first_token(Nanos::MAX, &mut lease);
            engine.first_token(Nanos::MAX, &mut lease);
            engine.settle(Nanos::MAX, lease, Outcome::new(AttemptResult::Success));
        }
        assert!(engine.snapshot(Nanos::MAX).providers.iter().all(|provider| provider.in_flight == 0));
    }
}

#[test]
fn a_retry_budget_outlives_the_last_second() {
    let config = || Config { retry: Retry { max_retries: 1, ..Retry::default() }, ..Config::new(Strategy::RoundRobin, providers(2)) };
    let engine = lbsim::engine::Engine::new(config()).expect("valid");
    let lease = send(&engine, Nanos::MAX, &Request::new(1));
    let failed = Outcome::new(AttemptResult::Status(503));
    engine.settle(Nanos::MAX, lease, failed);
    let _ = engine.retry(Nanos::MAX, &Request::new(1), &failed);
    engine.reconfigure(Nanos::MAX, config()).expect("valid");
    send_and_settle(&engine);
}

fn send_and_settle(engine: &lbsim::engine::Engine) {
    let lease = send(engine, Nanos::MAX, &Request::new(2));
    engine.settle(Nanos::MAX, lease, Outcome::new(AttemptResult::Success));
    assert!(engine.snapshot(Nanos::MAX).providers.iter().all(|provider| provider.in_flight == 0));
}

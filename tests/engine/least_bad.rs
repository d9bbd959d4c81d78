//! When every provider has been taken out the next pick takes any of them: only quotas stand against that, and what is said of
//! the time to come back is about them.

use lbsim::engine::{AttemptResult, Decision, Engine, Limits, Outcome, Request, Strategy};
use lbsim::time::Nanos;

use super::{engine, providers, send, succeed};

/// A pick at `now` is told to wait until `until`, so is who asks when to come back, and it is sent then, not a nanosecond before.
fn waits_until(engine: &Engine, now: Nanos, until: Nanos) {
    let request = Request::new(90);
    let Decision::Wait { until: told, .. } = engine.pick(now, &request) else { panic!("sent at {now:?}") };
    assert_eq!(told, Some(until));
    assert_eq!(engine.retry_after(now, &request, 0), Some(until.since(now)));
    assert!(!engine.settle_may_help(now, &request), "nothing is in flight");
    assert!(matches!(engine.pick(until - Nanos::new(1), &request), Decision::Wait { .. }), "a nanosecond before");
    let lease = send(engine, until, &request);
    succeed(engine, until, lease);
}

/// Three probes have failed, and one request a minute is used up: it is one minute until the next, whatever the probes say.
#[test]
fn failed_probes_do_not_hide_when_a_quota_frees() {
    let mut pool = providers(1);
    pool[0].limits = Limits { rpm: Some(1.0), ..Default::default() };
    let engine = engine(Strategy::RoundRobin, pool);
    (0..3).for_each(|_| engine.probed(Nanos::from_secs(1), 0, false));
    let lease = send(&engine, Nanos::from_secs(2), &Request::new(1));
    succeed(&engine, Nanos::from_secs(3), lease);
    waits_until(&engine, Nanos::from_secs(4), Nanos::from_secs(62));
}

/// Five failures use up a bucket of five and take its provider out for longer than the second in which one flows in.
#[test]
fn an_ejection_does_not_hide_when_a_quota_frees() {
    let mut pool = providers(1);
    pool[0].limits = Limits { rpm: Some(60.0), burst: Some(5.0), ..Default::default() };
    let engine = engine(Strategy::RoundRobin, pool);
    for id in 0..5 {
        let lease = send(&engine, Nanos::from_secs(2), &Request::new(id));
        engine.settle(Nanos::from_secs(2), lease, Outcome::new(AttemptResult::Status(500)));
    }
    assert_eq!(engine.snapshot(Nanos::from_secs(2)).providers[0].ejections, 1);
    waits_until(&engine, Nanos::from_millis(2_100), Nanos::from_secs(3));
}

/// A group that holds 1,000 tokens never takes 5,000, whichever member is out.
#[test]
fn nobody_is_told_to_come_back_for_what_a_group_never_takes() {
    let mut pool = providers(2);
    pool.iter_mut().for_each(|provider| provider.quota_group = Some("shared".to_owned()));
    pool[1].limits = Limits { tpm: Some(1_000.0), ..Default::default() };
    let engine = engine(Strategy::Failover, pool);
    for id in 0..5 {
        let now = Nanos::from_secs(id);
        let lease = send(&engine, now, &Request::new(id));
        engine.settle(now, lease, Outcome::new(AttemptResult::Status(500)));
    }
    let request = Request { input_tokens: 5_000, ..Request::new(9) };
    assert!(matches!(engine.pick(Nanos::from_secs(5), &request), Decision::Refuse { .. }));
    assert_eq!(engine.retry_after(Nanos::from_secs(5), &request, 0), None);
}

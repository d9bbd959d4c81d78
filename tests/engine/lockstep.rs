//! Gateways that see the same failures at the same time do not act in step: their seeds draw different times, within the documented
//! jitter, for the return of an ejected provider and for retries.

use std::collections::BTreeSet;

use lbsim::engine::{AttemptResult, Config, Engine, Outcome, Request, Retry, Retrying, Strategy};
use lbsim::time::Nanos;

use super::{assert_share, providers, send};

const GATEWAYS: u64 = 20;

fn gateway(seed: u64, pool: usize) -> Engine {
    let retry = Retry { max_retries: 3, ..Retry::default() };
    Engine::new(Config { seed, retry, ..Config::new(Strategy::Failover, providers(pool)) }).expect("a valid configuration")
}

/// When a gateway that is asked each millisecond from `now` on tries the first provider, which fails then.
fn back_after(engine: &Engine, now: Nanos, id: &mut u64) -> Nanos {
    for step in 0..30_000 {
        let now = now + Nanos::from_millis(step);
        *id += 1;
        let lease = send(engine, now, &Request::new(*id));
        if lease.provider().index() == 0 {
            engine.settle(now, lease, Outcome::new(AttemptResult::Status(500)));
            return now;
        }
        engine.settle(now, lease, Outcome::new(AttemptResult::Success));
    }
    panic!("the provider never returns");
}

/// Five failures at 0 eject the first of two providers for 10 s less up to a tenth, and its failed trial for twice that: the trials of
/// twenty gateways lie between 9 and 10 s, and 18 and 20 s later, and no more than two of them in the same millisecond.
#[test]
fn ejected_providers_are_not_tried_at_once() {
    let mut trials = [Vec::new(), Vec::new()];
    for seed in 0..GATEWAYS {
        let (engine, mut id) = (gateway(seed, 2), 0);
        for _ in 0..5 {
            assert_eq!(back_after(&engine, Nanos::ZERO, &mut id), Nanos::ZERO, "still in");
        }
        let first = back_after(&engine, Nanos::ZERO, &mut id);
        let second = back_after(&engine, first, &mut id);
        trials[0].push(first);
        trials[1].push(second.since(first));
    }
    for (times, longest) in trials.iter().zip([10, 20]) {
        // Found at the next millisecond.
        let (least, most) = (Nanos::from_millis(900 * longest), Nanos::from_millis(1_000 * longest + 1));
        assert!(times.iter().all(|time| (least..=most).contains(time)), "{times:?}");
        // Twenty drawn of a thousand milliseconds: two pairs that fall together are seldom.
        let distinct = times.iter().collect::<BTreeSet<_>>().len();
        assert!(distinct >= times.len() - 2, "{distinct} distinct: {times:?}");
        // Half of them in either half, to five standard deviations.
        let early = times.iter().filter(|time| **time < Nanos::from_millis(950 * longest)).count();
        assert_share(early as u64, times.len(), 0.5, "early");
    }
}

/// Twenty gateways with ten requests each that failed at the same time, without a hint and with the same one of 5 s: each retries
/// between a half and one and a half of 100 ms, or up to 100 ms after the hint; no two at the same time, and of each tenth of
/// the interval what chance gives.
#[test]
fn retries_are_spread_over_their_interval() {
    for (hint, from) in [(None, Nanos::from_millis(50)), (Some(Nanos::from_secs(5)), Nanos::from_secs(5))] {
        let mut times = BTreeSet::new();
        for seed in 0..GATEWAYS {
            // Nowhere else to go, or the hint would be no floor.
            let engine = gateway(seed, 1);
            for id in 0..10 {
                let mut request = Request::new(id);
                let lease = send(&engine, Nanos::ZERO, &request);
                request.tried.push(lease.provider());
                let outcome = Outcome { retry_after: hint, ..Outcome::new(AttemptResult::Status(503)) };
                let retrying = engine.retry(Nanos::ZERO, &request, &outcome);
                engine.settle(Nanos::ZERO, lease, Outcome::new(AttemptResult::Success));
                let Retrying::At(at) = retrying else { panic!("{retrying:?}") };
                times.insert(at);
            }
        }
        let all = GATEWAYS as usize * 10;
        assert_eq!(times.len(), all, "no two at once");
        let tenth = |tenth: u64| from + Nanos::from_millis(10 * tenth)..from + Nanos::from_millis(10 * (tenth + 1));
        let counts: Vec<u64> = (0..10).map(|n| times.range(tenth(n)).count() as u64).collect();
        assert_eq!(counts.iter().sum::<u64>(), all as u64, "{hint:?}: within the interval: {counts:?}");
        counts.iter().for_each(|count| assert_share(*count, all, 0.1, "a tenth of the interval"));
    }
}

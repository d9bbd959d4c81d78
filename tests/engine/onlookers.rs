//! Who only asks changes nothing: two engines that are given the same attempts decide the same, however often one of them is
//! looked at in between.

use lbsim::engine::limit::{Algorithm, RateLimitHeaders};
use lbsim::engine::strategy::CATALOGUE;
use lbsim::engine::{AttemptResult, Config, Decision, Engine, Lease, Limits, Outcome, Request, Trace};
use lbsim::rng::{Draws, Stream};
use lbsim::time::Nanos;

use super::providers;

type Look = fn(&Engine, Nanos, &Request);

const LOOKS: [(&str, Look); 6] = [
    ("snapshot", |engine, now, _| _ = engine.snapshot(now)),
    ("another_is_open", |engine, now, request| _ = engine.another_is_open(now, request)),
    ("settle_may_help", |engine, now, request| _ = engine.settle_may_help(now, request)),
    ("retry_after", |engine, now, request| _ = engine.retry_after(now, request, 3)),
    ("least_wait", |engine, now, request| _ = engine.least_wait(now, request, [1, 2])),
    ("retry", |engine, now, request| {
        let hint = Outcome { retry_after: Some(Nanos::from_secs(1)), ..Outcome::new(AttemptResult::Status(429)) };
        _ = engine.retry(now, request, &hint);
    }),
];

/// What a decision says.
fn told(decision: &Decision) -> String {
    match decision {
        Decision::Send(lease) => format!("{} {}", lease.provider().index(), lease.is_trial()),
        other => format!("{other:?}"),
    }
}

fn headers(remaining: u64) -> RateLimitHeaders {
    let mut headers = RateLimitHeaders::default();
    let lines = [("limit", "60".to_owned()), ("remaining", remaining.to_string()), ("reset", "30s".to_owned())];
    lines.iter().for_each(|(what, value)| assert!(headers.read(&format!("x-ratelimit-{what}-requests"), value, Nanos::ZERO)));
    headers
}

fn outcome(draws: &mut Draws) -> Outcome {
    let result = match draws.below(10) {
        0..=5 => AttemptResult::Success,
        6 => AttemptResult::Status(500),
        7 => AttemptResult::TimedOut,
        _ => AttemptResult::Status(429),
    };
    let retry_after = (draws.below(2) == 0).then_some(Nanos::from_millis(500));
    Outcome { retry_after, ..Outcome::new(result) }
}

/// Six hundred random steps with two engines, one of which is looked at by `look` (`None`: by traced picks).
fn compare(case: u64, limits: &Limits, name: &str, look: Option<Look>) {
    let mut draws = Draws::new(3, Stream::Pick, case);
    let strategy = CATALOGUE[draws.below(CATALOGUE.len() as u64) as usize].strategy;
    let mut pool = providers(1 + draws.below(3) as usize);
    pool.iter_mut().for_each(|provider| provider.limits = limits.clone());
    let [watched, alone] = [(), ()].map(|()| Engine::new(Config::new(strategy, pool.clone())).expect("a valid configuration"));
    let (mut now, mut leases, mut trace) = (Nanos::ZERO, Vec::<(Lease, Lease)>::new(), Trace::default());
    for step in 0..600 {
        now += Nanos::from_millis(if draws.chance(0.1) { draws.below(20_000) } else { draws.below(300) });
        let request = Request { input_tokens: 100, max_tokens: Some(100), ..Request::new(step) };
        if draws.chance(0.3)
            && let Some(look) = look
        {
            look(&watched, now, &request);
        } else if leases.is_empty() || draws.chance(0.5) {
            let seen = if look.is_none() { watched.pick_traced(now, &request, &mut trace) } else { watched.pick(now, &request) };
            let unseen = alone.pick(now, &request);
            assert_eq!(told(&seen), told(&unseen), "{name}, case {case}, step {step}, {}", strategy.name());
            if let (Decision::Send(seen), Decision::Send(unseen)) = (seen, unseen) {
                leases.push((seen, unseen));
            }
        } else {
            let (seen, unseen) = leases.swap_remove(draws.below(leases.len() as u64) as usize);
            if draws.chance(0.2) {
                let headers = headers(draws.below(61));
                watched.headers(now, &seen, &headers);
                alone.headers(now, &unseen, &headers);
            }
            let outcome = outcome(&mut draws);
            watched.settle(now, seen, outcome);
            alone.settle(now, unseen, outcome);
        }
        if draws.chance(0.005) {
            [&watched, &alone].into_iter().for_each(|engine| engine.probed(now, 0, false));
        }
    }
}

#[test]
fn looking_changes_no_decision() {
    let sliding = Limits { rpm: Some(60.0), algorithm: Algorithm::SlidingWindow, ..Limits::default() };
    for limits in [Limits::default(), Limits { rpm: Some(60.0), ..Limits::default() }, sliding] {
        for case in 0..60 {
            compare(case, &limits, "pick_traced", None);
            LOOKS.iter().for_each(|(name, look)| compare(case, &limits, name, Some(*look)));
        }
    }
}

//! What is reserved is given back: through every kind of end, and through reconfigurations under way.

use lbsim::engine::limit::{Algorithm, Charge};
use lbsim::engine::{
    AttemptResult, Config, Decision, Engine, Lease, Limits, Outcome, OutputEstimate, ProviderConfig, Request, Strategy, Usage,
};
use lbsim::rng::{Draws, Stream};
use lbsim::time::Nanos;

/// A pool of 1 to 6 of the providers p0…p5, drained or not, with drawn limits and weights; some share a quota.
fn draw_config(draw: &mut Draws) -> Config {
    let count = 1 + draw.below(6);
    let weighted = draw.chance(0.5);
    let providers = (0..count).map(|_| draw.below(6)).collect::<std::collections::BTreeSet<u64>>().into_iter();
    let providers = providers.map(|name| ProviderConfig {
        name: format!("p{name}"),
        weight: weighted.then(|| 1.0 + draw.below(9) as f64),
        drained: draw.chance(0.15),
        quota_group: draw.chance(0.3).then(|| "shared".to_owned()),
        limits: Limits {
            rpm: draw.chance(0.7).then(|| 30.0 + draw.below(600) as f64),
            tpm: draw.chance(0.7).then(|| 10_000.0 + draw.below(90_000) as f64),
            max_concurrency: draw.chance(0.5).then(|| 1 + draw.below(20) as u32),
            algorithm: [Algorithm::TokenBucket, Algorithm::FixedWindow, Algorithm::SlidingWindow][draw.below(3) as usize],
            charge: [Charge::Estimate, Charge::Actual][draw.below(2) as usize],
            ..Limits::default()
        },
        ..ProviderConfig::default()
    });
    let strategies =
        [Strategy::RoundRobin, Strategy::LeastConnections, Strategy::PeakEwma, Strategy::RateLimitAware, Strategy::WeightedRoundRobin];
    let mut providers: Vec<ProviderConfig> = providers.collect();
    // They share one quota, so they state one.
    let shared = providers.iter().find(|provider| provider.quota_group.is_some()).map(|provider| provider.limits.clone());
    for provider in providers.iter_mut().filter(|provider| provider.quota_group.is_some()) {
        provider.limits = shared.clone().unwrap_or_default();
    }
    let output_estimate = [OutputEstimate::MaxTokens, OutputEstimate::Percentile(50 + draw.below(50) as u8)][draw.below(2) as usize];
    Config { output_estimate, ..Config::new(strategies[draw.below(5) as usize], providers) }
}

fn draw_outcome(draw: &mut Draws) -> Outcome {
    let results = [
        AttemptResult::Success,
        AttemptResult::Status(429),
        AttemptResult::Status(400),
        AttemptResult::Status(500),
        AttemptResult::Status(503),
        AttemptResult::ConnectionError,
        AttemptResult::TimedOut,
        AttemptResult::CallerTimedOut,
        AttemptResult::Interrupted,
        AttemptResult::Abandoned,
        AttemptResult::NotSent,
    ];
    let usage = draw.chance(0.7).then(|| Usage { input_tokens: draw.below(900) as u32, output_tokens: draw.below(900) as u32 });
    let retry_after = draw.chance(0.2).then(|| Nanos::from_millis(draw.below(5_000)));
    Outcome { usage, retry_after, ..Outcome::new(results[draw.below(11) as usize]) }
}

fn in_flight(engine: &Engine, now: Nanos) -> u64 {
    engine.snapshot(now).providers.iter().map(|provider| u64::from(provider.in_flight)).sum()
}

/// Random picks, first tokens, ends of every kind and reconfigurations (providers leave, come back, are drained, change their
/// limits, weights and group, and what is reserved for answers), 300 seeds of 400 steps. While nothing is reconfigured, as many are in flight as leases are
/// held. When all are settled none is, and a minute later (the longest period) every quota is whole again, whatever was owed.
#[test]
fn nothing_leaks_through_ends_and_reconfigurations() {
    for seed in 0..300 {
        let mut draw = Draws::new(seed, Stream::Service, 3);
        let engine = Engine::new(Config { seed, ..draw_config(&mut draw) }).expect("a valid configuration");
        let (mut held, mut now, mut moved): (Vec<Lease>, Nanos, bool) = (Vec::new(), Nanos::ZERO, false);
        for id in 0..400 {
            now += Nanos::from_millis(draw.below(400));
            match draw.below(100) {
                0 => {
                    engine.reconfigure(now, draw_config(&mut draw)).expect("a valid configuration");
                    moved = true;
                }
                1..=20 if !held.is_empty() => {
                    let lease = draw.below(held.len() as u64) as usize;
                    engine.first_token(now, &mut held[lease]);
                }
                21..=55 if !held.is_empty() => {
                    let lease = held.swap_remove(draw.below(held.len() as u64) as usize);
                    engine.settle(now, lease, draw_outcome(&mut draw));
                }
                _ => {
                    let tokens = Some(draw.below(800) as u32);
                    let request = Request { input_tokens: draw.below(800) as u32, max_tokens: tokens, ..Request::new(id) };
                    if let Decision::Send(lease) = engine.pick(now, &request) {
                        held.push(lease);
                    }
                }
            }
            if !moved {
                assert_eq!(in_flight(&engine, now), held.len() as u64, "seed {seed}, step {id}");
            }
        }
        for lease in held {
            engine.settle(now, lease, draw_outcome(&mut draw));
        }
        assert_eq!(in_flight(&engine, now), 0, "seed {seed}");
    }
}

/// Reserve − settle = 0: attempts that used nothing (their connection broke, or they were never sent, in which case it does not matter
/// whether refusals count) leave every quota as whole as it was, at the same instant.
#[test]
fn an_attempt_that_used_nothing_leaves_nothing() {
    for (seed, algorithm) in (0..60).zip([Algorithm::TokenBucket, Algorithm::FixedWindow, Algorithm::SlidingWindow].into_iter().cycle()) {
        let mut draw = Draws::new(seed, Stream::Service, 4);
        let count_refused = draw.chance(0.5);
        let result = if count_refused { AttemptResult::NotSent } else { AttemptResult::ConnectionError };
        let limits =
            Limits { rpm: Some(60.0), tpm: Some(50_000.0), max_concurrency: Some(40), algorithm, count_refused, ..Limits::default() };
        let pool = (0..3).map(|i| ProviderConfig { name: format!("p{i}"), limits: limits.clone(), ..ProviderConfig::default() });
        let config = Config { outlier_detection: None, ..Config::new(Strategy::LeastConnections, pool.collect()) };
        let engine = Engine::new(config).expect("a valid configuration");
        let now = Nanos::from_secs(61);
        let leases = (0..60).map(|id| {
            let request = Request { input_tokens: draw.below(900) as u32, max_tokens: Some(draw.below(900) as u32), ..Request::new(id) };
            engine.pick(now, &request)
        });
        let leases: Vec<Decision> = leases.collect();
        let sent = leases.iter().filter(|decision| matches!(decision, Decision::Send(_))).count();
        assert!(sent > 30, "seed {seed}: {sent}");
        let headroom = |engine: &Engine| engine.snapshot(now).providers.iter().map(|provider| provider.headroom).sum::<f64>();
        assert!(headroom(&engine) < 2.5, "seed {seed}: they hold something");
        for decision in leases {
            if let Decision::Send(lease) = decision {
                engine.settle(now, lease, Outcome::new(result));
            }
        }
        assert_eq!((in_flight(&engine, now), headroom(&engine)), (0, 3.0), "seed {seed}, {algorithm:?}");
    }
}

/// Nor do they where a pace was learned from refusals: after a minute's rest as many go at once as if nothing had been held and given
/// back unsent before.
#[test]
fn a_learned_pace_forgets_what_was_never_sent() {
    let at_once = |unsent: u64, grouped: bool| {
        let group = grouped.then(|| "group".to_owned());
        let provider = ProviderConfig { name: "p".to_owned(), quota_group: group, ..ProviderConfig::default() };
        let engine = Engine::new(Config::new(Strategy::RoundRobin, vec![provider])).expect("a valid configuration");
        let (mut now, mut level, mut refused) = (Nanos::ZERO, 10.0_f64, 0);
        // A bucket of ten, five a second.
        for id in 0..2_000 {
            (now, level) = (now + Nanos::from_millis(50), (level + 0.25).min(10.0));
            let Decision::Send(lease) = engine.pick(now, &Request::new(id)) else { continue };
            let fits = level >= 1.0;
            (level, refused) = if fits { (level - 1.0, refused) } else { (level, refused + 1) };
            engine.settle(now, lease, Outcome::new(if fits { AttemptResult::Success } else { AttemptResult::Status(429) }));
        }
        assert!(refused > 0, "a pace is learned");
        now += Nanos::from_secs(60);
        let send = |result| match engine.pick(now, &Request::new(9_999)) {
            Decision::Send(lease) => {
                engine.settle(now, lease, Outcome::new(result));
                true
            }
            Decision::Wait { .. } | Decision::Refuse { .. } => false,
        };
        (0..unsent).for_each(|_| _ = send(AttemptResult::NotSent));
        (0..100).take_while(|_| send(AttemptResult::Success)).count()
    };
    for grouped in [false, true] {
        let usual = at_once(0, grouped);
        assert!((1..100).contains(&usual), "{usual} go at once");
        assert_eq!([1, 3, 20].map(|unsent| at_once(unsent, grouped)), [usual; 3]);
    }
}

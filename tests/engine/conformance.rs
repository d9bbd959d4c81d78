//! What every strategy promises, run over the whole catalogue.

use lbsim::engine::{AttemptResult, Config, Decision, Engine, Limits, Outcome, ProviderConfig, Request, Strategy, Why, strategy};
use lbsim::time::Nanos;

use super::{assert_share, counts, engine, placements, providers, send, succeed, weighted};

fn every(test: impl Fn(Strategy)) {
    for info in &strategy::CATALOGUE {
        test(info.strategy);
    }
}

/// Requests 0…n−1, each of its own session.
fn requests(n: u64) -> impl Iterator<Item = Request> {
    (0..n).map(|id| Request { session: Some(id), ..Request::new(id) })
}

fn limited(n: usize, limits: &Limits) -> Vec<ProviderConfig> {
    providers(n).into_iter().map(|provider| ProviderConfig { limits: limits.clone(), ..provider }).collect()
}

#[test]
fn a_drained_provider_gets_nothing() {
    // The second of three: neither first nor last, so that no strategy avoids it by accident.
    every(|strategy| {
        let mut pool = providers(3);
        pool[1].drained = true;
        assert_eq!(counts(3, &placements(&engine(strategy, pool), requests(300)))[1], 0, "{strategy}");
    });
}

#[test]
fn a_retry_goes_elsewhere_while_there_is_an_elsewhere() {
    // One request through a pool of five: five attempts at five providers, and only then one of them again. The caller's own
    // time-out says nothing about a provider, so nobody is taken out meanwhile.
    every(|strategy| {
        let engine = engine(strategy, providers(5));
        for id in 0..50 {
            let mut request = Request::new(id);
            for attempt in 0..6 {
                let lease = send(&engine, Nanos::from_secs(id), &request);
                assert_eq!(request.tried.contains(lease.provider()), attempt == 5, "{strategy}, request {id}, attempt {attempt}");
                request.tried.push(lease.provider());
                engine.settle(Nanos::from_secs(id), lease, Outcome::new(AttemptResult::CallerTimedOut));
            }
        }
    });
}

#[test]
fn only_providers_of_the_model_serve_it() {
    every(|strategy| {
        let mut pool = providers(4);
        pool[0].models = vec!["large".into()];
        pool[1].models = vec!["small".into(), "large".into()];
        pool[2].models = vec!["small".into()];
        let engine = engine(strategy, pool.clone());
        for (model, serving) in
            [("large", [true, true, false, true]), ("small", [false, true, true, true]), ("other", [false, false, false, true])]
        {
            let model = engine.model(model);
            let seen = counts(4, &placements(&engine, requests(200).map(|request| Request { model, ..request })));
            assert!(seen.iter().zip(serving).all(|(count, serves)| serves || *count == 0), "{strategy}: {seen:?}");
        }
        pool.pop();
        engine.reconfigure(Nanos::from_secs(1), Config::new(strategy, pool)).expect("a valid configuration");
        let nobodys = Request { model: engine.model("other"), ..Request::new(1) };
        assert!(matches!(engine.pick(Nanos::from_secs(1), &nobodys), Decision::Refuse { why: Why::Model }), "{strategy}");
    });
}

#[test]
fn a_lower_tier_serves_only_what_the_better_ones_cannot() {
    // Tiers of two and one with one place each: the third request at once goes down, the fourth waits for a settlement.
    every(|strategy| {
        let mut pool = limited(3, &Limits { max_concurrency: Some(1), ..Default::default() });
        pool[0].priority = 3;
        let engine = engine(strategy, pool);
        let leases: Vec<_> = requests(3).map(|request| send(&engine, Nanos::ZERO, &request)).collect();
        let order: Vec<usize> = leases.iter().map(|lease| lease.provider().index()).collect();
        assert!(order == [1, 2, 0] || order == [2, 1, 0], "{strategy}: {order:?}");
        let fourth = engine.pick(Nanos::ZERO, &Request::new(3));
        assert!(matches!(fourth, Decision::Wait { until: None, why } if why.word() == "concurrency"), "{strategy}: {fourth:?}");
        leases.into_iter().for_each(|lease| succeed(&engine, Nanos::ZERO, lease));
        assert_ne!(send(&engine, Nanos::ZERO, &Request::new(3)).provider().index(), 0, "{strategy}: the better tier is free again");
    });
}

#[test]
fn every_eligible_provider_is_used() {
    // Equal providers, 4,000 requests or sessions: a strategy that never takes one of eight has forgotten it.
    every(|strategy| {
        let seen = counts(8, &placements(&engine(strategy, providers(8)), requests(4_000)));
        let used = seen.iter().filter(|count| **count > 0).count();
        assert_eq!(used, if strategy == Strategy::Failover { 1 } else { 8 }, "{strategy}: {seen:?}");
    });
}

#[test]
fn weights_hold_and_go_on_holding_when_a_member_is_out() {
    // Requests settled at once, so every comparison of loads is a tie: 5 : 2 : 1 : 2, then without the first.
    let promising = [Strategy::WeightedRoundRobin, Strategy::WeightedRandom, Strategy::LeastConnections, Strategy::ConsistentHash];
    for strategy in promising {
        let weights = [5.0, 2.0, 1.0, 2.0];
        for out in [None, Some(0), Some(3)] {
            let mut pool = weighted(&weights);
            let _ = out.map(|out: usize| pool[out].drained = true);
            let n = 20_000;
            let seen = counts(4, &placements(&engine(strategy, pool), requests(n)));
            let is_in = |provider: &usize| Some(*provider) != out;
            let total: f64 = (0..4).filter(is_in).map(|provider| weights[provider]).sum();
            for provider in (0..4).filter(is_in) {
                assert_share(seen[provider], n as usize, weights[provider] / total, &format!("{strategy}, p{provider} without {out:?}"));
            }
        }
    }
}

#[test]
fn ties_are_spread_over_more_than_one_word_of_providers() {
    // 200 providers in four blocks of 64, all idle: each gets 1/200.
    for strategy in [Strategy::LeastConnections, Strategy::RateLimitAware, Strategy::LowestLatency, Strategy::LowestCost] {
        let seen = counts(200, &placements(&engine(strategy, providers(200)), requests(20_000)));
        let chi2: f64 = seen.iter().map(|count| (*count as f64 - 100.0).powi(2) / 100.0).sum();
        // 199 degrees of freedom: mean 199, standard deviation 20; five of them.
        assert!((chi2 - 199.0).abs() < 100.0, "{strategy}: chi² {chi2}");
    }
}

#[test]
fn what_one_provider_refuses_spreads_evenly_over_the_others() {
    // p1 is open but too small for these requests, which shows only when it is asked; its share must not all go next door.
    for strategy in [Strategy::Random, Strategy::WeightedRandom, Strategy::PowerOfTwo, Strategy::LeastConnections] {
        let mut pool = providers(4);
        pool[1].limits = Limits { tpm: Some(100.0), ..Default::default() };
        let large = requests(9_000).map(|request| Request { input_tokens: 1_000, ..request });
        let seen = counts(4, &placements(&engine(strategy, pool), large));
        assert_eq!(seen[1], 0, "{strategy}");
        for provider in [0, 2, 3] {
            assert_share(seen[provider], 9_000, 1.0 / 3.0, &format!("{strategy}, p{provider}"));
        }
    }
}

#[test]
fn in_flight_returns_to_zero_whatever_happened() {
    let results = [
        AttemptResult::Success,
        AttemptResult::Status(429),
        AttemptResult::Status(500),
        AttemptResult::Status(404),
        AttemptResult::ConnectionError,
        AttemptResult::TimedOut,
        AttemptResult::CallerTimedOut,
        AttemptResult::Interrupted,
        AttemptResult::Abandoned,
        AttemptResult::NotSent,
    ];
    every(|strategy| {
        // Without outlier detection and cooldown, which have tests of their own.
        let config = Config { outlier_detection: None, quota: false, ..Config::new(strategy, providers(4)) };
        let engine = Engine::new(config).expect("a valid configuration");
        let leases: Vec<_> = requests(90).map(|request| send(&engine, Nanos::from_secs(1), &request)).collect();
        let in_flight = |engine: &Engine| engine.snapshot(Nanos::from_secs(9)).providers.iter().map(|p| p.in_flight).sum::<u32>();
        assert_eq!(in_flight(&engine), 90, "{strategy}");
        for (lease, result) in leases.into_iter().rev().zip(results.into_iter().cycle()) {
            engine.settle(Nanos::from_secs(2), lease, Outcome::new(result));
        }
        assert_eq!(in_flight(&engine), 0, "{strategy}");
    });
}

#[test]
fn concurrency_limits_hold_and_are_used_up() {
    // Three places each at four providers: whatever the order, exactly twelve fit; after each return exactly one more.
    every(|strategy| {
        let engine = engine(strategy, limited(4, &Limits { max_concurrency: Some(3), ..Default::default() }));
        let mut held: Vec<_> = requests(12).map(|request| send(&engine, Nanos::ZERO, &request)).collect();
        for id in 12..200 {
            assert!(matches!(engine.pick(Nanos::ZERO, &Request::new(id)), Decision::Wait { until: None, .. }), "{strategy}");
            succeed(&engine, Nanos::ZERO, held.swap_remove(id as usize * 7 % 12));
            held.push(send(&engine, Nanos::ZERO, &Request::new(id)));
            assert!(engine.snapshot(Nanos::ZERO).providers.iter().all(|provider| provider.in_flight == 3), "{strategy}");
        }
    });
}

#[test]
fn equal_seeds_choose_alike_and_others_do_not() {
    every(|strategy| {
        let run = |seed| {
            let config = Config { seed, ..Config::new(strategy, providers(9)) };
            placements(&Engine::new(config).expect("a valid configuration"), (0..300).map(Request::new))
        };
        assert_eq!(run(1), run(1), "{strategy}");
        if matches!(strategy, Strategy::Random | Strategy::WeightedRandom | Strategy::PowerOfTwo | Strategy::LeastConnections) {
            assert_ne!(run(1), run(2), "{strategy}");
        }
    });
}

#[test]
fn a_trace_changes_nothing_and_names_the_chosen_one() {
    every(|strategy| {
        let (plain, traced) = (engine(strategy, providers(6)), engine(strategy, providers(6)));
        let mut trace = lbsim::engine::Trace::default();
        for request in requests(200) {
            let now = Nanos::from_millis(request.id);
            let expected = send(&plain, now, &request);
            let Decision::Send(lease) = traced.pick_traced(now, &request, &mut trace) else { panic!("{strategy}: not sent") };
            assert_eq!(lease.provider(), expected.provider(), "{strategy}");
            let chosen: Vec<usize> = trace.candidates.iter().filter(|c| c.why == Why::Ok).map(|c| c.provider.index()).collect();
            assert_eq!(chosen, [lease.provider().index()], "{strategy}");
            succeed(&plain, now, expected);
            succeed(&traced, now, lease);
        }
    });
}

#[test]
fn leases_outlive_their_provider_and_their_pool() {
    // A provider leaves with two attempts in flight and comes back under the same name: a newcomer, whose counters the
    // old leases cannot touch, while those of the survivors go on.
    every(|strategy| {
        let engine = engine(strategy, providers(3));
        let mut leases: Vec<_> = requests(30).map(|request| send(&engine, Nanos::ZERO, &request)).collect();
        let in_flight = |engine: &Engine| engine.snapshot(Nanos::ZERO).providers.iter().map(|p| p.in_flight).collect::<Vec<_>>();
        let before = in_flight(&engine);
        let apply = |n| engine.reconfigure(Nanos::ZERO, Config::new(strategy, providers(n))).expect("a valid configuration");
        apply(2);
        assert_eq!(in_flight(&engine), before[..2], "{strategy}: survivors keep theirs");
        apply(3);
        assert_eq!(in_flight(&engine), [before[0], before[1], 0], "{strategy}: a newcomer has none");
        leases.drain(..).for_each(|lease| succeed(&engine, Nanos::ZERO, lease));
        assert_eq!(in_flight(&engine), [0, 0, 0], "{strategy}");
    });
}

#[test]
fn a_lease_of_another_engine_is_ignored() {
    let (one, other) = (engine(Strategy::Failover, providers(1)), engine(Strategy::Failover, providers(1)));
    let (kept, strayed) = (send(&one, Nanos::ZERO, &Request::new(1)), send(&other, Nanos::ZERO, &Request::new(1)));
    succeed(&one, Nanos::ZERO, strayed);
    assert_eq!(one.snapshot(Nanos::ZERO).providers[0].in_flight, 1, "its own lease is still out");
    succeed(&one, Nanos::ZERO, kept);
    assert_eq!(one.snapshot(Nanos::ZERO).providers[0].in_flight, 0);
}

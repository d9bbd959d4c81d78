//! Strategies whose choices can be written down in advance.

use std::collections::VecDeque;

use lbsim::engine::{AttemptResult, Config, Cost, Lease, Limits, Outcome, ProviderId, Request, Strategy, Usage};
use lbsim::time::Nanos;

use super::{engine, placements, providers, send, succeed, weighted};

fn requests(n: u64) -> impl Iterator<Item = Request> {
    (0..n).map(Request::new)
}

#[test]
fn round_robin_goes_round_and_skips_who_cannot() {
    let engine = engine(Strategy::RoundRobin, providers(3));
    assert_eq!(placements(&engine, requests(5)), [0, 1, 2, 0, 1]);
    // A retry of a request that has been at p2, where the cursor stands: the next one, and the cursor behind it.
    let mut request = Request::new(5);
    let lease = send(&engine, Nanos::ZERO, &request);
    assert_eq!(lease.provider().index(), 2);
    request.tried.push(lease.provider());
    succeed(&engine, Nanos::ZERO, lease);
    assert_eq!(placements(&engine, [Request::new(6), Request::new(7)]), [0, 1]);
    let retry = send(&engine, Nanos::ZERO, &request);
    assert_eq!(retry.provider().index(), 0, "p2 is tried, so the turn goes on to p0");
    succeed(&engine, Nanos::ZERO, retry);
    assert_eq!(placements(&engine, requests(3)), [1, 2, 0]);
}

#[test]
fn a_refusal_does_not_move_the_cursor() {
    // p0 takes 1,000 tokens a minute; a larger request passes it by. The next small one is still p0's.
    let mut pool = providers(2);
    pool[0].limits = Limits { tpm: Some(1_000.0), ..Default::default() };
    let engine = engine(Strategy::RoundRobin, pool);
    let large = Request { input_tokens: 5_000, ..Request::new(0) };
    assert_eq!(placements(&engine, [large.clone()]), [1]);
    assert_eq!(placements(&engine, requests(2)), [0, 1]);
    assert_eq!(placements(&engine, [large.clone(), large]), [1, 1]);
}

#[test]
fn rotation_survives_a_reconfiguration() {
    let engine = engine(Strategy::RoundRobin, providers(4));
    assert_eq!(placements(&engine, requests(2)), [0, 1]);
    // p2, whose turn it is, leaves: p3 is next, now at position 2.
    let mut pool = providers(4);
    pool.remove(2);
    engine.reconfigure(Nanos::ZERO, Config::new(Strategy::RoundRobin, pool)).expect("a valid configuration");
    assert_eq!(placements(&engine, requests(3)), [2, 0, 1]);
}

#[test]
fn weighted_round_robin_is_nginx_s_smooth_sequence() {
    // 5 : 1 : 1 gives a a b a c a a; proportions, not magnitudes, decide; of equal values the first in the file.
    for weights in [[5.0, 1.0, 1.0], [0.5, 0.1, 0.1], [50.0, 10.0, 10.0]] {
        let engine = engine(Strategy::WeightedRoundRobin, weighted(&weights));
        assert_eq!(placements(&engine, requests(14)), [0, 0, 1, 0, 2, 0, 0, 0, 0, 1, 0, 2, 0, 0], "{weights:?}");
    }
    let engine = engine(Strategy::WeightedRoundRobin, providers(3));
    assert_eq!(placements(&engine, requests(6)), [0, 1, 2, 0, 1, 2], "no weights are equal weights");
}

#[test]
fn failover_takes_the_first_that_can() {
    let mut pool = providers(3);
    pool[0].limits = Limits { max_concurrency: Some(1), ..Default::default() };
    pool[1].limits = Limits { max_concurrency: Some(1), ..Default::default() };
    let engine = engine(Strategy::Failover, pool);
    let mut held: Vec<_> = requests(4).map(|request| send(&engine, Nanos::ZERO, &request)).collect();
    assert_eq!(held.iter().map(|lease| lease.provider().index()).collect::<Vec<_>>(), [0, 1, 2, 2]);
    succeed(&engine, Nanos::ZERO, held.remove(0));
    assert_eq!(placements(&engine, requests(2)), [0, 0], "back to the primary at once");
}

#[test]
fn lowest_cost_depends_on_the_request_and_unknown_is_not_free() {
    // p1 is cheap to ask, p2 cheap to answer; p0 has no price and comes last.
    let mut pool = providers(3);
    pool[1].cost = Some(Cost { input: 1.0, output: 10.0 });
    pool[2].cost = Some(Cost { input: 3.0, output: 3.0 });
    let engine = engine(Strategy::LowestCost, pool.clone());
    // Before any answer the typical output is unknown, and only the input counts.
    let long = Request { input_tokens: 1_000, ..Request::new(0) };
    assert_eq!(placements(&engine, [long.clone()]), [1]);
    let usage = Some(Usage { input_tokens: 10, output_tokens: 500 });
    let lease = send(&engine, Nanos::ZERO, &long);
    engine.settle(Nanos::ZERO, lease, Outcome { usage, ..Outcome::new(AttemptResult::Success) });
    let short = Request { input_tokens: 10, ..Request::new(1) };
    // 10 × 1 + 500 × 10 against 10 × 3 + 500 × 3; cut at one token of output: 20 against 33.
    assert_eq!(placements(&engine, [short.clone(), Request { max_tokens: Some(1), ..short.clone() }]), [2, 1]);
    pool[1].drained = true;
    pool[2].drained = true;
    engine.reconfigure(Nanos::ZERO, Config::new(Strategy::LowestCost, pool)).expect("a valid configuration");
    assert_eq!(placements(&engine, [short]), [0], "better than nothing");
}

#[test]
fn lowest_cost_is_the_cheapest_then_the_least_loaded() {
    // Against the rule, with shared price lists, two of which are equal for a tenth of the requests, and with more members than
    // a word has bits. Every answer has 500 tokens, so that is typical.
    let price = |index: usize| match index % 5 {
        0 | 3 => Some(Cost { input: 1.0, output: 3.0 }),
        1 => Some(Cost { input: 3.0, output: 1.0 }),
        2 => Some(Cost { input: 2.5, output: 2.5 }),
        _ => None,
    };
    for n in [1, 4, 12, 64, 70] {
        let weight = |index: usize| 1 + index as u32 % 3;
        let mut pool = weighted(&(0..n).map(|index| f64::from(weight(index))).collect::<Vec<_>>());
        pool.iter_mut().enumerate().for_each(|(index, provider)| provider.cost = price(index));
        let engine = engine(Strategy::LowestCost, pool);
        let (mut in_flight, mut held) = (vec![0; n], VecDeque::new());
        for id in 0..3_000_u64 {
            let (input, most) = if id % 10 == 0 { (50, 50) } else { (id * 7 % 300, id * 13 % 700) };
            let output = if id > 0 { most.min(500) } else { 0 };
            let mut request = Request { input_tokens: input as u32, max_tokens: Some(most as u32), ..Request::new(id) };
            let tried = held.front().filter(|_| id % 3 == 0 && n > 1).map(Lease::provider);
            tried.into_iter().for_each(|provider| request.tried.push(provider));
            let tried = tried.map(ProviderId::index);
            let rank = |index: usize| {
                let millionths = price(index).map_or(f64::INFINITY, |cost| input as f64 * cost.input + output as f64 * cost.output);
                (millionths, in_flight[index] * 6 / weight(index))
            };
            let lease = send(&engine, Nanos::ZERO, &request);
            let chosen = lease.provider().index();
            let best = (0..n).filter(|index| Some(*index) != tried).map(rank).min_by(|a, b| a.partial_cmp(b).expect("no NaN"));
            assert_eq!(Some(rank(chosen)), best, "{n} providers, request {id}");
            in_flight[chosen] += 1;
            held.push_back(lease);
            if held.len() > 2 * n || id == 0 {
                let lease = held.pop_front().expect("one was sent just now");
                in_flight[lease.provider().index()] -= 1;
                let usage = Some(Usage { input_tokens: input as u32, output_tokens: 500 });
                engine.settle(Nanos::ZERO, lease, Outcome { usage, ..Outcome::new(AttemptResult::Success) });
            }
        }
    }
}

#[test]
fn least_connections_fills_by_weight() {
    // 3 : 1 with nothing settled: in flight per weight stays level, so of every four requests three go to p0.
    let engine = engine(Strategy::LeastConnections, weighted(&[3.0, 1.0]));
    let _held: Vec<_> = requests(400).map(|request| send(&engine, Nanos::ZERO, &request)).collect();
    let in_flight: Vec<u32> = engine.snapshot(Nanos::ZERO).providers.iter().map(|provider| provider.in_flight).collect();
    assert_eq!(in_flight, [300, 100]);
}

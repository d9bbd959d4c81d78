//! Which provider comes next, letter by letter, and how many in the long run.

use lbsim::engine::Strategy;
use lbsim::world::spec::Change;

use crate::log::observe;
use crate::stats::{expect_multinomial, first_seed};
use crate::world::{Provider, World, exponential, fixed, ms, provider, providers, s};

fn letters(sequence: &[usize]) -> String {
    sequence.iter().map(|provider| char::from(b'a' + *provider as u8)).collect()
}

fn weighted(weights: &[f64]) -> Vec<Provider> {
    weights.iter().zip(providers(weights.len(), &provider("p", fixed(0.1)))).map(|(weight, one)| one.weight(*weight)).collect()
}

/// nginx's loop, written naively: every eligible one gains its weight, the largest wins and loses the sum.
fn smooth(weights: &[i64], eligible: impl Fn(usize, usize) -> bool, picks: usize) -> Vec<usize> {
    let mut current = vec![0; weights.len()];
    let mut sequence = Vec::new();
    for pick in 0..picks {
        let members: Vec<usize> = (0..weights.len()).filter(|member| eligible(*member, pick)).collect();
        members.iter().for_each(|member| current[*member] += weights[*member]);
        let mut best = members[0];
        members.iter().for_each(|member| best = if current[*member] > current[best] { *member } else { best });
        current[best] -= members.iter().map(|member| weights[*member]).sum::<i64>();
        sequence.push(best);
    }
    sequence
}

#[test]
fn smooth_weighted_round_robin_letter_by_letter() {
    let sequence = |weights: &[f64], seconds| {
        letters(&observe(&World::new(Strategy::WeightedRoundRobin, weighted(weights)).constant(1.0).duration(seconds).plan).1.sequence())
    };
    assert_eq!(sequence(&[5.0, 1.0, 1.0], 14.0), "aabacaaaabacaa");
    assert_eq!(sequence(&[1.0, 1.0, 1.0], 9.0), "abcabcabc");
    assert_eq!(sequence(&[2.0, 1.0], 6.0), "abaaba");
    // Worked out by hand for 3 : 2 : 1 — a(3,2,1→-3,2,1) b(0,4,2→0,-2,2) a c(…)
    assert_eq!(sequence(&[3.0, 2.0, 1.0], 6.0), letters(&smooth(&[3, 2, 1], |_, _| true, 6)));
    // 70 : 25 : 5 is 14 : 5 : 1, with a period of 20 picks; fractions keep their proportion.
    let naive = letters(&smooth(&[70, 25, 5], |_, _| true, 60));
    assert_eq!(sequence(&[70.0, 25.0, 5.0], 60.0), naive);
    assert_eq!(sequence(&[0.70, 0.25, 0.05], 60.0), naive);
    assert_eq!(naive[..20], naive[20..40]);
}

/// Exact counts over whole periods: 5 : 3 : 2 over 1,000 picks is 500, 300, 200, and within one at every whole period.
#[test]
fn weights_are_exact_over_whole_periods() {
    for strategy in [Strategy::WeightedRoundRobin] {
        let (run, log) = observe(&World::new(strategy, weighted(&[5.0, 3.0, 2.0])).poisson(20.0).requests(1_000).plan);
        assert_eq!(run.providers.iter().map(|one| one.attempts).collect::<Vec<_>>(), [500, 300, 200]);
        for period in log.sequence().chunks(10) {
            let count = |provider: usize| period.iter().filter(|one| **one == provider).count();
            assert_eq!([count(0), count(1), count(2)], [5, 3, 2]);
        }
        assert_eq!(run.fairness.max_share_error, Some(0.0));
    }
}

/// A member drained by an event is left out and the others keep their proportion; afterwards it has its place again.
#[test]
fn a_drained_member_is_left_out_and_comes_back() {
    let off = Change { enabled: Some(false), ..Change::default() };
    let world =
        World::new(Strategy::WeightedRoundRobin, weighted(&[5.0, 1.0, 2.0])).constant(1.0).duration(60.0).event(0, 10.0, 30.0, off.clone());
    let naive = smooth(&[5, 1, 2], |member, pick| member != 0 || !(10..30).contains(&pick), 60);
    assert_eq!(letters(&observe(&world.plan).1.sequence()), letters(&naive));
    // Round robin: a b c a | c b→ without b: c a c a | and b again when the cursor passes it.
    let world =
        World::new(Strategy::RoundRobin, providers(3, &provider("p", fixed(0.1)))).constant(1.0).duration(12.0).event(1, 4.0, 8.0, off);
    assert_eq!(letters(&observe(&world.plan).1.sequence()), "abcacacabcab");
}

/// A provider at its concurrency limit is skipped by round robin, and the cursor stands behind whom it chose: a is busy
/// for 2.5 s with each request, b and c for 0.1 s.
#[test]
fn round_robin_passes_over_who_is_full() {
    let mut members = providers(3, &provider("p", fixed(0.1)));
    members[0] = provider("a", fixed(2.5)).limits(lbsim::engine::Limits { max_concurrency: Some(1), ..Default::default() });
    let sequence = letters(&observe(&World::new(Strategy::RoundRobin, members).constant(1.0).duration(12.0).plan).1.sequence());
    assert_eq!(sequence, "abcabcabcabc", "it is free again after three seconds");
    let mut members = providers(3, &provider("p", fixed(0.1)));
    members[0] = provider("a", fixed(3.5)).limits(lbsim::engine::Limits { max_concurrency: Some(1), ..Default::default() });
    // a at 0, full until 3.5: at 3 it is passed over, b; then c, a (5 s), b, c, at 8 full again: b …
    let sequence = letters(&observe(&World::new(Strategy::RoundRobin, members).constant(1.0).duration(12.0).plan).1.sequence());
    assert_eq!(sequence, "abcbcabcbcab");
}

/// Retries use turns too: a fails always; each request that meets it goes on to the next in turn.
#[test]
fn retries_take_turns_of_the_same_rotation() {
    let mut members = providers(3, &provider("p", fixed(0.1)));
    members[0] = members[0].clone().errors(1.0);
    let world = World::new(Strategy::RoundRobin, members).constant(1.0).duration(6.0).retries(1, 0.0);
    let (run, log) = observe(&world.plan);
    assert_eq!(letters(&log.sequence()), "abcabcabc");
    assert_eq!((run.requests.succeeded, run.attempts.errors, run.attempts.retries), (6, 3, 3));
}

/// Ties of weighted round robin and failover go to the first in the file.
#[test]
fn failover_takes_the_first_that_can() {
    let off = Change { enabled: Some(false), ..Change::default() };
    let world = World::new(Strategy::Failover, providers(3, &provider("p", fixed(0.1)))).constant(1.0).duration(12.0);
    let world = world.event(0, 3.0, 9.0, off.clone()).event(1, 5.0, 7.0, off);
    assert_eq!(letters(&observe(&world.plan).1.sequence()), "aaabbccbbaaa");
}

/// Tier 1 gets nothing while tier 0 is up, takes over in the event, and gives back at its end.
#[test]
fn tiers_by_hand() {
    let off = Change { enabled: Some(false), ..Change::default() };
    let members = vec![provider("spare", fixed(0.1)).tier(1), provider("a", fixed(0.1)), provider("b", fixed(0.1))];
    for strategy in [Strategy::RoundRobin, Strategy::WeightedRoundRobin] {
        let world = World::new(strategy, members.clone()).constant(1.0).duration(12.0).event(1, 4.0, 8.0, off.clone()).event(
            2,
            6.0,
            8.0,
            off.clone(),
        );
        assert_eq!(letters(&observe(&world.plan).1.sequence()), "bcbcccaabcbc", "{strategy}");
    }
    for strategy in [Strategy::Random, Strategy::LeastConnections, Strategy::PowerOfTwo, Strategy::LowestLatency, Strategy::ConsistentHash]
    {
        let world = World::new(strategy, members.clone()).poisson(50.0).duration(60.0).event(1, 20.0, 40.0, off.clone()).event(
            2,
            30.0,
            40.0,
            off.clone(),
        );
        let (_, log) = observe(&world.plan);
        for attempt in &log.attempts {
            let both_out = (s(30.0)..s(40.0)).contains(&attempt.sent);
            assert_eq!(attempt.provider == 0, both_out, "{strategy}: {attempt:?}");
            assert!(attempt.provider != 1 || !(s(20.0)..s(40.0)).contains(&attempt.sent), "{strategy}: {attempt:?}");
        }
    }
}

/// Random strategies draw independently: counts at χ² with α = 10⁻⁴, and pairs of successive choices too.
#[test]
fn random_choices_are_independent_with_their_probabilities() {
    for (strategy, probabilities) in [(Strategy::Random, [0.25; 4]), (Strategy::WeightedRandom, [0.5, 0.3, 0.15, 0.05])] {
        let world = World::new(strategy, weighted(&[50.0, 30.0, 15.0, 5.0])).poisson(100.0).requests(20_000).seed(first_seed());
        let (run, log) = observe(&world.plan);
        let counts: Vec<u64> = run.providers.iter().map(|one| one.attempts).collect();
        expect_multinomial("shares", &counts, &probabilities);
        let mut pairs = vec![0_u64; 16];
        log.sequence().chunks_exact(2).for_each(|pair| pairs[pair[0] * 4 + pair[1]] += 1);
        let products: Vec<f64> = (0..16).map(|cell| probabilities[cell / 4] * probabilities[cell % 4]).collect();
        expect_multinomial("pairs", &pairs, &products);
    }
}

/// With one in flight at a time every tie is decided at random: least connections and power of two share an idle pool
/// evenly, or by weight.
#[test]
fn ties_are_broken_at_random() {
    for strategy in [Strategy::LeastConnections, Strategy::PowerOfTwo, Strategy::LowestLatency, Strategy::PeakEwma] {
        let world = World::new(strategy, providers(5, &provider("p", fixed(0.001)))).constant(1.0).requests(5_000).seed(first_seed());
        let counts: Vec<u64> = observe(&world.plan).0.providers.iter().map(|one| one.attempts).collect();
        expect_multinomial(strategy.name(), &counts, &[0.2; 5]);
    }
    let world = World::new(Strategy::LeastConnections, weighted(&[50.0, 30.0, 20.0])).constant(1.0).requests(5_000).seed(first_seed());
    let counts: Vec<u64> = observe(&world.plan).0.providers.iter().map(|one| one.attempts).collect();
    expect_multinomial("weighted ties", &counts, &[0.5, 0.3, 0.2]);
}

/// Replicas take arrivals in turn and do not see each other: each has its own rotation. With two replicas over three
/// providers both start at a: a a b b c c …; over four replicas counts are exact.
#[test]
fn replicas_have_rotations_of_their_own() {
    let mut world = World::new(Strategy::RoundRobin, providers(3, &provider("p", fixed(0.1)))).constant(1.0).duration(12.0);
    world.plan.replicas = 2;
    assert_eq!(letters(&observe(&world.plan).1.sequence()), "aabbccaabbcc");
    let mut world = World::new(Strategy::WeightedRoundRobin, weighted(&[5.0, 3.0, 2.0])).poisson(10.0).requests(4_000);
    world.plan.replicas = 4;
    let counts: Vec<u64> = observe(&world.plan).0.providers.iter().map(|one| one.attempts).collect();
    assert_eq!(counts, [2_000, 1_200, 800]);
}

/// Least connections never sends to a provider that has more in flight than another.
#[test]
fn least_connections_joins_the_shortest_queue() {
    let world =
        World::new(Strategy::LeastConnections, providers(4, &provider("p", exponential(1.0)).slots(1))).poisson(3.5).requests(3_000);
    let (_, log) = observe(&world.plan);
    let mut running: Vec<Vec<u64>> = vec![Vec::new(); 4];
    for attempt in &log.attempts {
        // Departures come before arrivals of the same instant.
        running.iter_mut().for_each(|ends| ends.retain(|end| *end > attempt.sent.as_nanos()));
        let least = running.iter().map(Vec::len).min();
        assert_eq!(Some(running[attempt.provider].len()), least, "{attempt:?}");
        running[attempt.provider].push(attempt.ended.as_nanos());
    }
    assert!(log.attempts.iter().any(|attempt| attempt.started.is_some_and(|start| start > attempt.sent + ms(1))), "there were queues");
}

//! Systems that turn requests away: Erlang B in its three forms, M/M/1/K, and M/M/∞, which turns nobody away.

use lbsim::engine::{Limits, Strategy};
use lbsim::report::Run;
use lbsim::world::dist::Dist;

use crate::queueing::mean;
use crate::stats::{first_seed, replicate};
use crate::theory::{birth_death, erlang_b};
use crate::world::{Provider, World, exponential, fixed, gamma, lognormal, provider};

fn one(member: Provider, rate: f64) -> World {
    World::new(Strategy::LeastConnections, vec![member]).poisson(rate).warmup(100.0).requests(10_000)
}

fn ratio(count: u64, run: &Run) -> f64 {
    count as f64 / run.requests.offered as f64
}

/// The three ways of having no queue: slots without places (503), a limit that the balancer counts (shed), and one that it
/// does not (429). All lose B(c, a) of the requests and carry a(1 − B) on average, and no admitted request waits.
#[test]
fn erlang_b_in_three_forms() {
    let (c, a) = (5, 4.0);
    let lost = erlang_b(c, a);
    let limits = Limits { max_concurrency: Some(c), ..Limits::default() };
    let slotted = replicate(&one(provider("p", exponential(1.0)).slots(c).queue(0), a), 20);
    slotted.expect("503s", lost, 0.1, |run| ratio(run.attempts.errors, run));
    slotted.expect("utilization", a * (1.0 - lost) / f64::from(c), 0.05, |run| run.providers[0].utilization.unwrap());
    let limited = provider("p", exponential(1.0)).limits(limits);
    let counting = replicate(&one(limited.clone(), a), 20);
    counting.expect("shed", lost, 0.1, |run| ratio(run.requests.shed, run));
    let naive = replicate(&one(limited, a).quota(false), 20);
    naive.expect("429s", lost, 0.1, |run| ratio(run.attempts.rate_limited, run));
    for runs in [&slotted, &counting, &naive] {
        runs.expect("in flight", a * (1.0 - lost), 0.05, |run| run.providers[0].in_flight_mean.unwrap());
        assert!(runs.runs().iter().all(|run| run.provider_queue_ms.max == Some(0.0) && run.providers[0].in_flight_max == u64::from(c)));
    }
    // The same arrivals and services, so the same requests are lost, seed by seed.
    for ((slotted, counting), naive) in slotted.runs().iter().zip(counting.runs()).zip(naive.runs()) {
        assert_eq!((slotted.attempts.errors, slotted.attempts.errors), (counting.requests.shed, naive.attempts.rate_limited));
    }
}

/// Erlang B depends on the law of service through its mean alone (Sevastyanov, 1957): log-normal, gamma and fixed lose the
/// same.
#[test]
fn erlang_b_is_insensitive() {
    for service in [lognormal(1.0, 1.5), gamma(1.0, 0.5), fixed(1.0)] {
        let runs = replicate(&one(provider("p", service).slots(3).queue(0), 2.0), 20);
        runs.expect("503s", erlang_b(3, 2.0), 0.15, |run| ratio(run.attempts.errors, run));
    }
}

/// Two providers of c slots each, never queueing, behind least connections are one of 2c: nobody is refused while a slot is
/// free anywhere, even by weight.
#[test]
fn a_pool_of_loss_stations_is_one_station() {
    let members = crate::world::providers(3, &provider("p", exponential(1.0)).slots(2).queue(0));
    let world = World::new(Strategy::LeastConnections, members).poisson(5.0).warmup(100.0).requests(10_000);
    let runs = replicate(&world, 20);
    runs.expect("503s", erlang_b(6, 5.0), 0.15, |run| ratio(run.attempts.errors, run));
}

/// M/M/1/K and M/M/c/K: a queue of K − c places. The loss is the last state's probability (PASTA), L = Σ n·p_n, and those
/// who are let in wait L_q/λ(1 − p_K).
#[test]
fn finite_queues() {
    for (c, places, rho) in [(1_u32, 4_u32, 0.9), (1, 9, 1.2), (3, 5, 1.0)] {
        let (most, lambda) = ((c + places) as usize, rho * f64::from(c));
        let deaths: Vec<f64> = (1..=most).map(|n| n.min(c as usize) as f64).collect();
        let p = birth_death(&vec![lambda; most], &deaths);
        let waiting: f64 = p.iter().enumerate().map(|(n, p)| n.saturating_sub(c as usize) as f64 * p).sum();
        let runs = replicate(&one(provider("p", exponential(1.0)).slots(c).queue(places.into()), lambda), 20);
        runs.expect("503s", p[most], 0.25, |run| ratio(run.attempts.errors, run));
        let there: f64 = p.iter().enumerate().map(|(n, p)| n as f64 * p).sum();
        runs.expect("in flight", there, 0.1, |run| run.providers[0].in_flight_mean.unwrap());
        runs.expect("wait", waiting / (lambda * (1.0 - p[most])), 0.1, |run| mean(&run.provider_queue_ms));
        assert!(runs.runs().iter().all(|run| run.providers[0].in_flight_max == most as u64));
    }
}

/// M/G/∞: in flight is Poisson of mean λE[S], whatever the law; the latency is the service itself.
#[test]
fn unlimited_slots() {
    for service in [exponential(2.0), lognormal(2.0, 1.5), Dist::Uniform { low: 1e9, high: 3e9 }] {
        let world = one(provider("p", service.clone()), 3.0);
        let runs = replicate(&world, 20);
        runs.expect("in flight", 6.0, 0.05, |run| run.providers[0].in_flight_mean.unwrap());
        runs.expect("latency", 2.0, 0.05, |run| mean(&run.latency_ms));
        // The shares of time at each level from one run's log are those of Poisson(6): mean and variance agree.
        let variances: Vec<f64> =
            (0..10).map(|seed| level_variance(&world.clone().requests(4_000).seed(first_seed() * 100 + seed))).collect();
        crate::stats::expect_mean("variance of the number in flight", &variances, 6.0, 0.2);
    }
}

/// Variance over time of the number in flight between the warm-up and the end of arrivals.
fn level_variance(world: &World) -> f64 {
    let (_, log) = crate::log::observe(&world.plan);
    let (from, until) = (world.plan.load.warmup, log.arrivals_end);
    let levels = &log.levels[0];
    let (mut time, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for pair in levels.windows(2) {
        let span = pair[1].0.min(until).since(pair[0].0.max(from)).as_f64();
        let level = f64::from(pair[0].1);
        (time, sum, squares) = (time + span, sum + span * level, squares + span * level * level);
    }
    squares / time - (sum / time).powi(2)
}

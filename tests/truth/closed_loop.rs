//! Closed loops: users think, send, wait. The machine-repair model and exact cycles.

use lbsim::engine::{Limits, Strategy};
use lbsim::metrics::observe::RequestEnd;
use lbsim::report::Run;
use lbsim::world::dist::Dist;

use crate::log::observe;
use crate::queueing::mean;
use crate::stats::replicate;
use crate::theory::birth_death;
use crate::world::{World, exponential, fixed, gamma, lognormal, provider, providers, s};

fn throughput(run: &Run) -> f64 {
    run.requests.succeeded as f64 / run.measured_s
}

/// M/M/c//N: with n at the provider arrivals come at (N − n)/Z and leave at min(n, c)μ. Throughput is the mean death rate,
/// utilization its share of cμ, and by Little's law over the whole cycle N = X(R + Z).
#[test]
fn machine_repair() {
    for (users, c, think) in [(10_u32, 1_u32, 5.0), (20, 4, 4.0), (5, 5, 1.0)] {
        let births: Vec<f64> = (0..users).map(|n| f64::from(users - n) / think).collect();
        let deaths: Vec<f64> = (1..=users).map(|n| f64::from(n.min(c))).collect();
        let p = birth_death(&births, &deaths);
        let busy: f64 = p.iter().enumerate().map(|(n, p)| n.min(c as usize) as f64 * p).sum();
        let there: f64 = p.iter().enumerate().map(|(n, p)| n as f64 * p).sum();
        let member = provider("p", exponential(1.0)).slots(c);
        let world = World::new(Strategy::Random, vec![member]).closed(users, exponential(think)).warmup(200.0).requests(10_000);
        let runs = replicate(&world, 20);
        runs.expect("throughput", busy, 0.05, throughput);
        runs.expect("utilization", busy / f64::from(c), 0.05, |run| run.providers[0].utilization.unwrap());
        runs.expect("in flight", there, 0.1, |run| run.providers[0].in_flight_mean.unwrap());
        runs.expect("response", f64::from(users) / busy - think, 0.1, |run| mean(&run.latency_ms));
    }
}

/// The think time matters through its mean alone when service is exponential and c = 1 or unlimited; without queueing the
/// throughput is N/(Z + S) for any laws.
#[test]
fn think_times_matter_by_their_mean() {
    for (think, service) in
        [(lognormal(3.0, 1.5), gamma(1.0, 0.5)), (fixed(3.0), exponential(1.0)), (Dist::Uniform { low: 0.0, high: 6e9 }, fixed(1.0))]
    {
        let world = World::new(Strategy::Random, vec![provider("p", service)]).closed(8, think).warmup(200.0).requests(10_000);
        let runs = replicate(&world, 20);
        runs.expect("throughput", 8.0 / 4.0, 0.05, throughput);
        runs.expect("in flight", 2.0, 0.05, |run| run.providers[0].in_flight_mean.unwrap());
    }
    let births: Vec<f64> = (0..6).map(|n| f64::from(6 - n) / 4.0).collect();
    let busy = 1.0 - birth_death(&births, &[1.0; 6])[0];
    let member = provider("p", exponential(1.0)).slots(1);
    let world = World::new(Strategy::Random, vec![member]).closed(6, fixed(4.0)).warmup(200.0).requests(10_000);
    replicate(&world, 20).expect("throughput", busy, 0.05, throughput);
}

/// Fixed times by hand: three users think for 2 s and are served for 1 s by one slot. They come together at 2 s, leave at
/// 3, 4, 5 s, and from then on follow each other without a wait: the slot is always busy.
#[test]
fn a_closed_cycle_by_hand() {
    let world = World::new(Strategy::RoundRobin, vec![provider("p", fixed(1.0)).slots(1)]).closed(3, fixed(2.0));
    let (run, log) = observe(&world.clone().requests(12).plan);
    let sent: Vec<u64> = log.attempts.iter().map(|attempt| attempt.sent.as_nanos() / 1_000_000_000).collect();
    assert_eq!(sent, [2, 2, 2, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
    let waits: Vec<u64> = log.latencies().iter().map(|latency| latency / 1_000_000_000).collect();
    assert_eq!(waits, [1, 2, 3, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    assert_eq!((run.measured_s, run.simulated_s), (13.0, 14.0));
    // With a duration nobody sends at or after its end, and nobody is cut.
    let (run, log) = observe(&world.duration(8.0).plan);
    assert_eq!((run.requests.offered, run.requests.succeeded, run.simulated_s), (6, 6, 8.0));
    // The measured time ends with the last arrival, as with a number of requests: at 7 s. Until then 3 + 2 + 1 + 1 + 1
    // attempt-seconds, and the slot was busy for 5 s.
    assert_eq!((run.measured_s, run.providers[0].in_flight_mean, run.providers[0].utilization), (7.0, Some(8.0 / 7.0), Some(5.0 / 7.0)));
    assert!(log.offered.iter().all(|request| request.intended < s(8.0)));
}

/// Each user has at most one request under way, and thinks at least a moment between two.
#[test]
fn a_user_waits_for_the_end_of_its_request() {
    let members = providers(3, &provider("p", exponential(1.0)).slots(2).errors(0.2));
    let world = World::new(Strategy::Random, members).closed(15, exponential(0.5)).requests(3_000).retries(2, 0.2).timeout(3.0);
    let (run, log) = observe(&world.plan);
    let mut edges: Vec<(u64, i64)> = log.offered.iter().map(|request| (request.intended.as_nanos(), 1)).collect();
    edges.extend(log.ends.iter().map(|(now, ..)| (now.as_nanos(), -1)));
    edges.sort_unstable();
    let (mut level, mut most) = (0, 0);
    for (_, step) in edges {
        level += step;
        most = most.max(level);
    }
    assert!((10..=15).contains(&most), "{most} at once of 15 users");
    assert_eq!(run.requests.offered, 3_000);
}

/// A request that is shed ends its user's wait at once; the user thinks and comes again.
#[test]
fn shed_users_come_again() {
    let limits = Limits { max_concurrency: Some(1), ..Limits::default() };
    let world = World::new(Strategy::RoundRobin, vec![provider("p", fixed(10.0)).limits(limits)]).closed(2, fixed(1.0)).duration(10.0);
    let (run, log) = observe(&world.plan);
    // Both come at 1 s; the first is served until 11 s, the second is shed at 1, 2, … 9 s.
    assert_eq!((run.requests.offered, run.requests.succeeded, run.requests.shed), (10, 1, 9));
    let shed: Vec<_> = log.ends.iter().filter(|(_, _, end)| *end == RequestEnd::Shed).map(|(now, ..)| *now).collect();
    assert_eq!(shed, (1..10).map(|second| s(f64::from(second))).collect::<Vec<_>>());
}

/// Two users without a thought to spare and one place: the one that is shed comes back after a millisecond, so time passes
/// and the run ends. In ten seconds of one-second answers the place is taken by about ten requests.
#[test]
fn a_user_that_is_shed_at_once_does_not_stop_time() {
    let member = provider("p", fixed(1.0));
    let mut world = World::new(Strategy::Random, providers(1, &member)).closed(2, fixed(0.0)).duration(10.0);
    world.plan.engine.providers[0].limits.max_concurrency = Some(1);
    let (run, _) = observe(&world.plan);
    assert_eq!(run.requests.succeeded, 10);
    assert!((9_000..=11_000).contains(&run.requests.shed), "about one a millisecond: {}", run.requests.shed);
}

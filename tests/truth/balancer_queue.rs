//! The balancer's own queue: who waits, how long, and who is shed, by hand and against M/M/c.

use lbsim::engine::limit::Algorithm;
use lbsim::engine::{Limits, Strategy};
use lbsim::metrics::observe::RequestEnd;
use lbsim::time::Nanos;
use lbsim::world::dist::Dist;
use lbsim::world::spec::{Burst, Class, End, Source, TraceRow};

use crate::log::observe;
use crate::queueing::mean;
use crate::stats::replicate;
use crate::theory::erlang_c;
use crate::world::{World, exponential, fixed, ms, provider, s};

fn at_most(places: u32) -> Limits {
    Limits { max_concurrency: Some(places), ..Limits::default() }
}

/// Arrivals at these instants (ms) with these input tokens, and no output.
fn trace(world: &mut World, rows: &[(u64, u32)]) {
    let row = |(at, input): &(u64, u32)| TraceRow { at: Nanos::from_millis(*at), input: *input, output: 0, session: None };
    world.plan.load.source = Source::Trace { rows: rows.iter().map(row).collect(), speed: 1.0 };
    world.plan.load.end = End::Trace;
}

/// One place, service of 1 s, five at once, wait of at most 2.5 s: sent at 0, 1 and 2 s, the others shed at 2.5 s; with
/// a wait of exactly 3 s the fourth still goes, because what is freed at 3 s serves who waits at 3 s.
#[test]
fn waits_and_sheds_by_hand() {
    for (max_wait, max_length, sent, shed_at) in
        [(2.5, 10, 3, 2.5), (3.0, 10, 4, 3.0), (2.5, 1, 2, 0.0), (0.0, 10, 1, 0.0), (9.0, 0, 1, 0.0)]
    {
        let mut world = World::new(Strategy::RoundRobin, vec![provider("p", fixed(1.0)).limits(at_most(1))]);
        trace(&mut world, &[(0, 1); 5]);
        let (run, log) = observe(&world.balancer_queue(max_wait, max_length).plan);
        assert_eq!((run.requests.succeeded, run.requests.shed), (sent, 5 - sent), "{max_wait} {max_length}");
        assert_eq!(run.balancer_queue_ms.max, Some(1_000.0 * (sent - 1) as f64));
        assert!(log.attempts.iter().enumerate().all(|(i, attempt)| attempt.sent == s(i as f64)), "FIFO, one a second");
        let shed = log.ends.iter().filter(|(_, _, end)| *end == RequestEnd::Shed);
        assert_eq!(shed.map(|(now, ..)| *now).collect::<Vec<_>>(), vec![s(shed_at); 5 - sent as usize]);
    }
}

/// Lower priority numbers go first; within a class FIFO. Classes are drawn, so the order is checked, not listed.
#[test]
fn the_urgent_go_first() {
    let mut world = World::new(Strategy::RoundRobin, vec![provider("p", fixed(1.0)).limits(at_most(1))]).balancer_queue(1_000.0, 1_000);
    let template = world.plan.load.classes[0].clone();
    let class = |name: &str, priority| Class { name: Some(name.to_owned()), share: 0.5, priority, ..template.clone() };
    world.plan.load.classes = vec![class("batch", 5), class("interactive", 0)];
    trace(&mut world, &[(0, 1); 40]);
    let (_, log) = observe(&world.plan);
    let order: Vec<(u16, u64)> = log.attempts[1..].iter().map(|one| (1 - log.offered[one.request as usize].class, one.request)).collect();
    assert!(order.is_sorted(), "{order:?}");
    assert!(order.first().zip(order.last()).is_some_and(|(first, last)| first.0 == 0 && last.0 == 1), "both classes were there");
}

/// A request that no refill can help in time still waits when the end of an attempt can: one provider has used its
/// fixed window until 60 s, the other has its one place taken until 1 s.
#[test]
fn a_place_that_frees_in_time_is_worth_waiting_for() {
    let spent = Limits { rpm: Some(1.0), algorithm: Algorithm::FixedWindow, ..Limits::default() };
    let members = vec![provider("spent", fixed(0.1)).limits(spent), provider("busy", fixed(1.0)).limits(at_most(1))];
    let mut world = World::new(Strategy::RoundRobin, members).balancer_queue(5.0, 10);
    trace(&mut world, &[(0, 1), (0, 1), (500, 1)]);
    let (run, log) = observe(&world.plan);
    assert_eq!((run.requests.succeeded, run.requests.shed), (3, 0));
    assert_eq!((log.attempts[2].provider, log.attempts[2].sent), (1, s(1.0)));
}

/// Tokens that come back from an estimate count too: 1,000 of 1,000 tokens are reserved, 990 of them return after 1 s.
/// A bucket alone would need a minute for them.
#[test]
fn tokens_that_return_in_time_are_worth_waiting_for() {
    let limits = Limits { tpm: Some(1_000.0), ..Limits::default() };
    let mut world = World::new(Strategy::RoundRobin, vec![provider("p", fixed(1.0)).limits(limits)]).balancer_queue(5.0, 10);
    world.plan.load.classes[0].max_tokens = Some(990);
    trace(&mut world, &[(0, 10), (500, 10)]);
    // The first leaves 10 + 0 used; the refill of 16.7/s in the meantime is more than that: it fits at once at 1 s.
    let (run, log) = observe(&world.plan);
    assert_eq!((run.requests.succeeded, log.attempts[1].sent), (2, s(1.0)));
}

/// What is hopeless is shed at once: nothing is in flight whose end could help before the window ends.
#[test]
fn what_is_hopeless_is_shed_at_once() {
    let limits = Limits { rpm: Some(2.0), algorithm: Algorithm::FixedWindow, ..Limits::default() };
    let world = World::new(Strategy::RoundRobin, vec![provider("p", fixed(100.0)).limits(limits)]).balancer_queue(30.0, 10).constant(1.0);
    let (run, log) = observe(&world.duration(60.0).plan);
    // Two go at 0 and 1 s; from 30 s on the next window is near enough for the two that go then.
    assert_eq!(log.attempts.iter().map(|one| one.sent).collect::<Vec<_>>(), [s(0.0), s(1.0), s(60.0), s(60.0)]);
    assert_eq!(run.requests.shed, 56);
    let shed_at_once = log.ends.iter().filter(|(now, request, _)| *now == request.intended).count();
    assert_eq!(shed_at_once, 56, "those of 2 … 29 s, and of 32 … 59 s, behind two for whom the next window is");
    let (run, _) = observe(
        &World::new(Strategy::RoundRobin, vec![provider("p", fixed(0.1)).limits(Limits { tpm: Some(100.0), ..Limits::default() })])
            .balancer_queue(1e6, 10)
            .plan,
    );
    assert_eq!((run.requests.shed, run.attempts.total), (60, 0), "400 tokens never fit in a bucket of 100");
}

/// Three a second come, two can go, and nobody may wait for more than 20 s: whoever stands too far behind is shed when it comes,
/// not 20 s later, and nobody else is. 1 + 2 × 180 go while they come and 40 more from the line, where the last one has waited for less
/// than its 20 s and more than it would have with one less ahead.
#[test]
fn who_stands_too_far_behind_is_shed_at_once() {
    for (limits, sizes) in [("requests", 0), ("tokens", 400)] {
        let rate = if sizes == 0 { Limits { rpm: Some(120.0), burst: Some(1.0), ..Limits::default() } } else { tokens_a_second(800) };
        let mut world = World::new(Strategy::RoundRobin, vec![provider("p", fixed(0.1)).limits(rate)]).balancer_queue(20.0, 1_000);
        let rows: Vec<(u64, u32)> = (0..540).map(|i| (i * 1_000 / 3, sizes)).collect();
        trace(&mut world, &rows);
        let (run, log) = observe(&world.plan);
        let late = log.ends.iter().filter(|(now, request, end)| *end == RequestEnd::Shed && *now != request.intended).count();
        assert_eq!(late, 0, "{limits}");
        assert!((399..=401).contains(&run.requests.succeeded), "{limits}: {}", run.requests.succeeded);
        let longest = run.balancer_queue_ms.max.unwrap_or(0.0);
        assert!((19_000.0..=20_000.0).contains(&longest), "{limits}: {longest}");
    }
}

/// A bucket that holds two of the requests of 400 tokens and fills at this rate.
fn tokens_a_second(rate: u64) -> Limits {
    Limits { tpm: Some(rate as f64 * 60.0), period: Some(s(1.0)), ..Limits::default() }
}

/// The head of the queue expires, and the one behind it needs less: it goes at that instant, not at the next refill.
/// One token a second and a depth of 60; the first request takes 60, and 20 more at its end. The second (30) could hope
/// for t = 30 s when it came at 1 s and gives up at 41 s; the third (5) fits then.
#[test]
fn an_expired_head_lets_the_next_go() {
    let limits = Limits { tpm: Some(60.0), ..Limits::default() };
    let mut world = World::new(Strategy::RoundRobin, vec![provider("p", fixed(2.0)).limits(limits)]).balancer_queue(40.0, 10);
    trace(&mut world, &[(0, 60), (1_000, 30), (1_500, 5)]);
    if let Source::Trace { rows, .. } = &mut world.plan.load.source {
        let mut changed = rows.to_vec();
        changed[0].output = 20;
        *rows = changed.into();
    }
    let (run, log) = observe(&world.plan);
    assert_eq!((run.requests.shed, run.requests.succeeded), (1, 2));
    assert_eq!((log.attempts[1].request, log.attempts[1].sent), (2, s(41.0)));
}

/// The same station whether its queue is in the provider or in the balancer: with `max_concurrency = c` and patient
/// clients the balancer's queue is that of M/M/c, over one provider or over c of one place each.
#[test]
fn a_central_queue_is_that_of_mmc() {
    let (c, rho) = (4_u32, 0.8);
    let slack = f64::from(c) * (1.0 - rho);
    let wait = erlang_c(c, rho * f64::from(c)) / slack;
    let one = vec![provider("p", exponential(1.0)).limits(at_most(c))];
    let each = crate::world::providers(c as usize, &provider("p", exponential(1.0)).limits(at_most(1)));
    for members in [one, each] {
        let world =
            World::new(Strategy::Random, members).poisson(rho * f64::from(c)).warmup(200.0).requests(10_000).balancer_queue(1e9, 1 << 40);
        let runs = replicate(&world, 20);
        runs.expect("M/M/c wait in the balancer", wait, 0.2, |run| mean(&run.balancer_queue_ms));
        runs.expect("no wait at the provider", wait, 0.2, |run| mean(&run.latency_ms) - 1.0 - mean(&run.provider_queue_ms));
    }
}

/// A load that ends while requests still wait goes on until they have ended: nothing is cut.
#[test]
fn the_run_goes_on_until_all_have_ended() {
    let mut world = World::new(Strategy::RoundRobin, vec![provider("p", fixed(1.0)).limits(at_most(1))]).balancer_queue(1e6, 1_000);
    let Source::Open(open) = &mut world.plan.load.source else { unreachable!("it is an open loop") };
    open.bursts = vec![Burst { at: ms(500), count: 99, every: None }];
    world.plan.load.classes[0].output = Dist::Fixed(1.0);
    let (run, _) = observe(&world.duration(1.0).plan);
    assert_eq!((run.requests.succeeded, run.simulated_s, run.measured_s), (100, 100.0, 1.0));
}

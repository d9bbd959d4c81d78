//! The bound on any balancer, where it can be worked out by hand, and how near a good balancer comes to it.

use lbsim::engine::limit::Algorithm;
use lbsim::engine::{Limits, Strategy};
use lbsim::gate::run::run;
use lbsim::report::Run;
use lbsim::world::dist::Dist;
use lbsim::world::spec::Change;

use crate::world::{World, exponential, fixed, provider, providers, s};

fn efficient(world: &World) -> Run {
    run(&world.plan, &[], Default::default()).expect("the plan is valid").run
}

fn rpm(rpm: f64, algorithm: Algorithm) -> Limits {
    Limits { rpm: Some(rpm), algorithm, ..Limits::default() }
}

/// Overload of one provider for 600 s, sole user, no queue: a bucket of 60 a minute admits 60 + 600, ten fixed minutes 600 (the
/// last instant, 600 s, begins an eleventh, which the bound has to count), a sliding minute 60 · 11; at 2/s each is used up to
/// the rounding of the last window.
#[test]
fn one_provider_by_hand() {
    for (algorithm, most, reached) in
        [(Algorithm::TokenBucket, 660.0, 0.99), (Algorithm::FixedWindow, 660.0, 0.9), (Algorithm::SlidingWindow, 660.0, 0.9)]
    {
        let world =
            World::new(Strategy::RoundRobin, vec![provider("a", fixed(0.1)).limits(rpm(60.0, algorithm))]).constant(2.0).duration(600.0);
        let run = efficient(&world);
        let efficiency = &run.efficiency;
        let bound = efficiency.bound_per_s.expect("it is bounded") * run.measured_s;
        assert!((bound - most).abs() < 1e-3, "{algorithm:?}: {bound}");
        assert_eq!(efficiency.binding.as_deref(), Some("rpm of a"));
        let ratio = efficiency.ratio.expect("there is goodput");
        assert!((reached..=1.0 + 1e-9).contains(&ratio), "{algorithm:?}: {ratio}");
    }
}

/// One class: min(λ, Σ_i min(R_i/60, T_i/(60k))) and what the buckets held. 500 tokens each; the first provider is held by
/// its tokens (6,000 a minute: 12), the second by its requests (30); 100 minutes make the bursts small.
#[test]
fn the_tighter_of_requests_and_tokens() {
    let limits = |rpm, tpm| Limits { rpm: Some(rpm), tpm: Some(tpm), ..Limits::default() };
    let members = vec![provider("a", fixed(0.1)).limits(limits(60.0, 6_000.0)), provider("b", fixed(0.1)).limits(limits(30.0, 60_000.0))];
    let mut world = World::new(Strategy::RateLimitAware, members).constant(1.0).duration(6_000.0);
    let class = &mut world.plan.load.classes[0];
    (class.input, class.output, class.max_tokens) = (Dist::Fixed(300.0), Dist::Fixed(200.0), Some(200));
    let run = efficient(&world);
    // 12 + 30 a minute for 100 minutes, 12 and 30 in the buckets.
    let bound = run.efficiency.bound_per_s.expect("it is bounded") * run.measured_s;
    assert!((bound - (42.0 * 100.0 + 42.0)).abs() < 0.01, "{bound}");
    assert!(run.efficiency.ratio.is_some_and(|ratio| ratio > 0.99), "{:?}", run.efficiency);
}

/// What is down cannot serve: of two equal buckets one is away for half of the time, with half of its inflow but for what
/// fills it again. A group's quota counts once.
#[test]
fn outages_and_groups() {
    let down = Change { refuse_connections: Some(true), ..Change::default() };
    let two = |group: Option<&str>| {
        let mut members = providers(2, &provider("p", fixed(0.1)).limits(rpm(60.0, Algorithm::TokenBucket)));
        members.iter_mut().for_each(|member| member.spec.quota_group = group.map(str::to_owned));
        World::new(Strategy::RateLimitAware, members).constant(4.0).duration(600.0)
    };
    let bound = |world: &World| {
        let run = efficient(world);
        assert!(run.efficiency.ratio.is_some_and(|ratio| (0.9..=1.0 + 1e-9).contains(&ratio)), "{:?}", run.efficiency);
        run.efficiency.bound_per_s.expect("it is bounded") * run.measured_s
    };
    assert!((bound(&two(None)) - 1_320.0).abs() < 0.01);
    let away = two(None).event(0, 150.0, 450.0, down);
    // 60 + 150 + (refilled) 60 + 150 of the one that is away, 660 of the other.
    assert!((bound(&away) - (420.0 + 660.0)).abs() < 0.01, "{}", bound(&away));
    assert!((bound(&two(Some("g"))) - 660.0).abs() < 0.01);
}

/// An objective of 1.2 s makes slots scarce: what has not been served by then is not good. Eight slots of 1 s each under 12
/// requests a second serve 8/s, and the bound knows it; without objective everybody is served in the end, and it is all.
#[test]
fn slots_bind_where_time_matters() {
    let mut world = World::new(Strategy::LeastConnections, providers(2, &provider("p", fixed(1.0)).slots(4))).poisson(12.0).duration(200.0);
    assert!(efficient(&world).efficiency.binding.is_none());
    world.plan.slo.latency = Some(s(1.2));
    let run = efficient(&world);
    let bound = run.efficiency.bound_per_s.expect("it is bounded");
    assert!((bound - 8.0).abs() < 0.1, "{bound}");
    assert!(run.efficiency.binding.as_deref().is_some_and(|binding| binding.starts_with("slots of p")), "{:?}", run.efficiency);
}

/// What cannot be good anywhere is not held against the balancer: poison, clients that leave, objectives below the service time.
#[test]
fn hopeless_requests_are_left_out() {
    let mut world = World::new(Strategy::RoundRobin, vec![provider("a", exponential(1.0))]).poisson(10.0).requests(5_000);
    world.plan.load.classes[0].poison = 0.1;
    world.plan.load.classes[0].cancel = 0.1;
    world.plan.slo.latency = Some(s(1.0));
    let run = efficient(&world);
    // 0.9 · 0.9 · (1 − e⁻¹) = 51.2 % of 5,000.
    let bound = run.efficiency.bound_per_s.expect("it is bounded") * run.measured_s;
    assert!((bound / 5_000.0 - 0.512).abs() < 0.03, "{bound}");
    assert_eq!(run.efficiency.ratio, Some(1.0), "who can be good is: nothing queues");
}

/// Without sizes to choose among, serving the small class alone is what the looser bound allows: 10,000 tokens a minute are 100
/// requests of 100 tokens or 10 of 1,000; at an even mix 18.
#[test]
fn the_mix_is_kept_by_the_tighter_bound() {
    let tokens = Limits { tpm: Some(10_000.0), ..Limits::default() };
    let mut world = World::new(Strategy::RoundRobin, vec![provider("a", fixed(0.1)).limits(tokens)]).poisson(4.0).duration(6_000.0);
    let small = world.plan.load.classes[0].clone();
    let class = |name: &str, tokens: f64| {
        let mut class = small.clone();
        (class.name, class.share) = (Some(name.to_owned()), 0.5);
        (class.input, class.output, class.max_tokens) = (Dist::Fixed(tokens), Dist::Fixed(0.0), Some(0));
        class
    };
    world.plan.load.classes = vec![class("small", 100.0), class("large", 1_000.0)];
    let run = efficient(&world);
    let per_minute = |per_s: Option<f64>| per_s.expect("it is bounded") * 60.0;
    assert!((per_minute(run.efficiency.bound_per_s) - 101.0).abs() < 1.0, "{:?}", run.efficiency);
    assert!((per_minute(run.efficiency.mix_bound_per_s) - 18.36).abs() < 0.6, "{:?}", run.efficiency);
}

//! The same plan gives the same bytes, and the i-th request is the same experiment under every strategy.

use lbsim::engine::Strategy;
use lbsim::engine::strategy::CATALOGUE;
use lbsim::metrics::observe::AttemptKind;
use lbsim::world::dist::Dist;

use crate::log::observe;
use crate::stats::lawful;
use crate::world::{World, exponential, lognormal, provider, providers, s};

fn world(strategy: Strategy) -> World {
    let members = providers(5, &provider("p", lognormal(0.5, 1.5)).slots(4).errors(0.1));
    let mut world = World::new(strategy, members).poisson(20.0).requests(2_000).warmup(5.0).retries(2, 0.1).timeout(10.0);
    world.plan.load.classes[0].output = Dist::Exponential { mean: 200.0 };
    world.plan.load.classes[0].cancel = 0.05;
    world
}

/// Byte-equal JSON from run to run, alone and beside another run in a second thread, for every strategy; and another
/// seed is another run.
#[test]
fn the_same_plan_gives_the_same_bytes() {
    for strategy in CATALOGUE.map(|info| info.strategy) {
        let plan = world(strategy).plan;
        let json = || serde_json::to_string(&lawful(&plan)).expect("a run is plain data");
        let alone = json();
        let (left, right) = std::thread::scope(|scope| {
            let left = scope.spawn(json);
            (json(), left.join().expect("the other run ends as well"))
        });
        assert!(alone == left && alone == right, "{strategy}");
        let other = serde_json::to_string(&lawful(&world(strategy).seed(2).plan)).expect("a run is plain data");
        assert_ne!(alone, other, "{strategy}");
    }
}

/// What is observed does not change what happens: with and without a log, and with every decision written down.
#[test]
fn observing_changes_nothing() {
    struct Count(u64);
    impl lbsim::metrics::observe::DecisionSink for Count {
        fn decision(&mut self, _: &lbsim::metrics::observe::DecisionRecord<'_>) {
            self.0 += 1;
        }
    }
    for strategy in CATALOGUE.map(|info| info.strategy) {
        let plan = world(strategy).plan;
        let mut sink = Count(0);
        let options = lbsim::gate::run::Options { decisions: Some(&mut sink), time_decisions: true, ..Default::default() };
        let traced = lbsim::gate::run::run(&plan, &[], options).expect("the plan is valid").run;
        let alone = lbsim::gate::run::run(&plan, &[], lbsim::gate::run::Options::default()).expect("the plan is valid").run;
        assert_eq!(traced, alone, "{strategy}");
        assert!(sink.0 >= traced.attempts.total, "each attempt was decided on");
    }
}

/// Common random numbers: arrivals, sizes and the service time of each first attempt that ends are the same whatever the
/// strategy, the number of providers, the slots or the retries.
#[test]
fn the_same_request_is_the_same_experiment_everywhere() {
    let worlds = CATALOGUE.map(|info| World::new(info.strategy, providers(5, &provider("p", exponential(0.5)))));
    let mut worlds = worlds.to_vec();
    worlds.push(World::new(Strategy::Random, providers(2, &provider("p", exponential(0.5)).slots(3))));
    worlds.push(World::new(Strategy::Random, providers(9, &provider("p", exponential(0.5)).errors(0.2))).retries(3, 0.1));
    let mut known: Vec<Option<u64>> = vec![None; 1_000];
    let mut arrivals = None;
    for world in worlds {
        let (_, log) = observe(&world.poisson(5.0).requests(1_000).plan);
        let offered: Vec<_> = log.offered.iter().map(|request| (request.intended, request.input, request.output)).collect();
        assert_eq!(*arrivals.get_or_insert_with(|| offered.clone()), offered);
        for attempt in log.attempts.iter().filter(|attempt| attempt.kind == AttemptKind::First) {
            if let Some(started) = attempt.started {
                let service = attempt.ended.since(started).as_nanos();
                assert_eq!(*known[attempt.request as usize].get_or_insert(service), service, "request {}", attempt.request);
            }
        }
    }
}

/// A second try is another draw: a request that failed with probability ½ is not doomed, and its service is its own.
#[test]
fn attempts_of_one_request_are_independent() {
    let world = World::new(Strategy::RoundRobin, providers(2, &provider("p", exponential(1.0)))).poisson(10.0).requests(4_000);
    let (_, log) = observe(&world.clone().timeout(1.0).retries(1, 0.0).plan);
    let seconds: Vec<_> = log.attempts.iter().filter(|attempt| attempt.kind == AttemptKind::Retry).collect();
    let late = seconds.iter().filter(|attempt| attempt.ended.since(attempt.sent) == s(1.0)).count() as u64;
    // P(S > 1) = 1/e for the first and, independently, for the second.
    let p = (-1.0_f64).exp();
    crate::stats::expect_binomial("first attempts that time out", seconds.len() as u64, 4_000, p);
    crate::stats::expect_binomial("second attempts that time out", late, seconds.len() as u64, p);
}

/// Gaps, sizes and services are independent of each other and from one request to the next: correlations of n samples lie
/// within 3.9 standard errors of 1/√n.
#[test]
fn streams_are_independent() {
    let mut world = World::new(Strategy::RoundRobin, vec![provider("p", exponential(1.0))]).poisson(1.0).requests(20_000);
    world.plan.load.classes[0].input = Dist::Uniform { low: 0.0, high: 1e6 };
    world.plan.load.classes[0].output = Dist::Uniform { low: 0.0, high: 1e6 };
    let (_, log) = observe(&world.seed(crate::stats::first_seed()).plan);
    let gaps: Vec<f64> = log.offered.windows(2).map(|pair| pair[1].intended.since(pair[0].intended).as_f64()).collect();
    let services: Vec<f64> = log.attempts.iter().map(|attempt| attempt.ended.since(attempt.sent).as_f64()).collect();
    let inputs: Vec<f64> = log.offered.iter().map(|request| f64::from(request.input)).collect();
    let outputs: Vec<f64> = log.offered.iter().map(|request| f64::from(request.output)).collect();
    let series = [&gaps, &services, &inputs, &outputs];
    for (i, one) in series.iter().enumerate() {
        for (j, other) in series.iter().enumerate() {
            for lag in 0..3 {
                if i != j || lag > 0 {
                    let r = correlation(one, &other[lag..]);
                    assert!(r.abs() < 3.9 / (gaps.len() as f64).sqrt() * 1.1, "series {i} and {j} at lag {lag}: {r}");
                }
            }
        }
    }
}

fn correlation(one: &[f64], other: &[f64]) -> f64 {
    let n = one.len().min(other.len());
    let mean = |values: &[f64]| values[..n].iter().sum::<f64>() / n as f64;
    let (a, b) = (mean(one), mean(other));
    let sum = |f: &dyn Fn(usize) -> f64| (0..n).map(f).sum::<f64>();
    sum(&|i| (one[i] - a) * (other[i] - b)) / (sum(&|i| (one[i] - a).powi(2)) * sum(&|i| (other[i] - b).powi(2))).sqrt()
}

/// Runs side by side are the runs one by one, in the order of the jobs, for any number of threads.
#[test]
fn a_batch_does_not_depend_on_the_number_of_threads() {
    use lbsim::gate::{batch, run::Progress};
    let plans: Vec<_> = (1..=7).map(|seed| world(Strategy::PowerOfTwo).seed(seed).plan).collect();
    let jobs: Vec<_> = plans.iter().map(|plan| batch::Job { plan, expectations: &[] }).collect();
    let alone: Vec<_> = plans.iter().map(lawful).collect();
    for threads in [1, 2, 16] {
        let progress = Progress::of(&plans);
        let threads = std::num::NonZeroUsize::new(threads).expect("not zero");
        let finished = batch::run_all(&jobs, threads, &progress, &std::sync::atomic::AtomicBool::new(false)).expect("the plans are valid");
        assert!(finished.iter().map(|finished| &finished.run).eq(&alone), "{threads} threads");
        let simulated: u64 = finished.iter().map(|finished| finished.requests_simulated).sum();
        assert!((1..=simulated).contains(&progress.done()), "the counters are those of the runs");
    }
}

//! A seed draws a whole world (load, providers, limits, events, strategy, retries, queues, replicas, clients that leave,
//! poison, time limits), and the laws of every run must hold in it. A failure prints the seed: run it alone with
//! `TRUTH_WORLD=<seed> cargo test --test truth random_worlds`.

use lbsim::drive::Options;
use lbsim::engine::limit::{Algorithm, Charge};
use lbsim::engine::strategy::CATALOGUE;
use lbsim::engine::{Limits, Retry, Strategy};
use lbsim::metrics::observe::{DecisionRecord, DecisionSink};
use lbsim::report::Run;
use lbsim::rng::{Draws, Stream};
use lbsim::world::dist::Dist;
use lbsim::world::spec::{ArrivalLaw, Burst, Change, Class, OpenLoop, RetryAfter, Sessions, Source, Stage, Visibility};

use crate::log::{Log, observe, observe_with};
use crate::world::{Provider, World, exponential, fixed, gamma, lognormal, provider, s};

/// Worlds in one test run; `TRUTH_WORLDS` draws more.
const WORLDS: u64 = 400;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Each world is run twice, the second time with every decision explained: the laws hold, and the runs are the same to the last byte.
#[test]
fn the_laws_hold_in_random_worlds() {
    let seeds: Vec<u64> = match number("TRUTH_WORLD") {
        Some(seed) => vec![seed],
        None => (0..number("TRUTH_WORLDS").unwrap_or(WORLDS)).collect(),
    };
    let all = |seeds: &[u64]| seeds.iter().map(|seed| check(*seed)).collect::<Vec<_>>();
    let runs: Vec<Run> = std::thread::scope(|scope| {
        let halves: Vec<_> = seeds.chunks(seeds.len().div_ceil(2)).map(|half| scope.spawn(move || all(half))).collect();
        halves.into_iter().flat_map(|half| half.join().expect("the laws hold in every world")).collect()
    });
    if runs.len() as u64 >= WORLDS {
        the_worlds_are_not_empty(&runs);
    }
}

/// No run gets above the bound on any balancer, in a thousand worlds and a thousand more whose quotas and slots are scarce;
/// and the bound says something: in many worlds it lies below what is offered. (How near a run comes: `bound.rs`.)
#[test]
fn no_run_exceeds_its_bound() {
    let seeds: Vec<u64> = match number("TRUTH_WORLD") {
        Some(seed) => vec![seed],
        None => (0..number("TRUTH_WORLDS").unwrap_or(1_000)).collect(),
    };
    let all = |seeds: &[u64]| seeds.iter().flat_map(|seed| [reached(*seed, false), reached(*seed, true)]).collect::<Vec<_>>();
    let runs: Vec<Run> = std::thread::scope(|scope| {
        let halves: Vec<_> = seeds.chunks(seeds.len().div_ceil(2)).map(|half| scope.spawn(move || all(half))).collect();
        halves.into_iter().flat_map(|half| half.join().expect("the bound holds in every world")).collect()
    });
    if runs.len() >= 2_000 {
        let bound = runs.iter().filter(|run| run.efficiency.binding.is_some()).count();
        assert!(bound >= 200, "a resource binds in {bound} worlds");
    }
}

fn reached(seed: u64, scarce: bool) -> Run {
    let mut world = Sketch::new(seed).world();
    if scarce {
        // A group's limits are given once.
        let alone = world.plan.providers.iter_mut().enumerate().filter(|(_, spec)| spec.quota_group.is_none());
        for (index, spec) in alone {
            // 20 a minute, or two slots, of each three and two kinds of limit.
            let limits = &mut spec.limits;
            match (seed + index as u64) % 5 {
                0 => limits.rpm = Some(20.0),
                1 => (limits.tpm, limits.algorithm) = (Some(20_000.0), Algorithm::FixedWindow),
                2 => (limits.rpm, limits.algorithm) = (Some(20.0), Algorithm::SlidingWindow),
                3 => spec.slots = Some(2),
                _ => limits.max_concurrency = Some(1),
            }
        }
    }
    let finished = lbsim::gate::run::run(&world.plan, &[], Default::default()).expect("the plan is valid");
    let ratio = finished.run.efficiency.ratio.unwrap_or(0.0);
    assert!(ratio <= 1.0 + 1e-9, "world {seed} ({}): {:?}", if scarce { "scarce" } else { "as drawn" }, finished.run.efficiency);
    finished.run
}

/// The laws mean something only where things happen: every way in which a request or an attempt can end is met in at
/// least a twelfth of the worlds.
fn the_worlds_are_not_empty(runs: &[Run]) {
    type Figure = (&'static str, fn(&Run) -> u64);
    let figures: [Figure; 9] = [
        ("succeeded", |run| run.requests.succeeded),
        ("failed", |run| run.requests.failed),
        ("shed", |run| run.requests.shed),
        ("cancelled", |run| run.requests.cancelled),
        ("retries", |run| run.attempts.retries),
        ("rate limited", |run| run.attempts.rate_limited),
        ("errors", |run| run.attempts.errors),
        ("timeouts", |run| run.attempts.timeouts),
        ("balancer queue", |run| u64::from(run.balancer_queue_ms.max.is_some_and(|most| most > 0.0))),
    ];
    for (what, figure) in figures {
        let worlds = runs.iter().filter(|run| figure(run) > 0).count();
        assert!(worlds * 12 >= runs.len(), "{what}: in {worlds} of {} worlds", runs.len());
    }
}

/// Takes what a decision is explained with.
struct Ignore;

impl DecisionSink for Ignore {
    fn decision(&mut self, _: &DecisionRecord<'_>) {}
}

fn check(seed: u64) -> Run {
    let world = Sketch::new(seed).world();
    // A panic inside a run does not know its seed.
    let failed = |_| panic!("world {seed} failed; its plan is {:#?}", world.plan);
    let (run, log) = std::panic::catch_unwind(|| observe(&world.plan)).unwrap_or_else(failed);
    assert!(!log.offered.is_empty() || run.requests.offered == 0);
    known_limits_hold(&world, &log, seed);
    let json = |run| serde_json::to_string(run).expect("a run is plain data");
    let (again, log_again) = observe_with(&world.plan, Options { decisions: Some(&mut Ignore), ..Options::default() });
    assert_eq!(json(&run), json(&again), "world {seed} is not the same twice");
    assert_eq!(log, log_again, "world {seed} is not the same twice");
    run
}

/// At no instant are there more attempts at a provider than its true limit or its slots and queue admit.
fn known_limits_hold(world: &World, log: &Log, seed: u64) {
    let changed = |provider| world.plan.events.iter().any(|event| event.provider == provider && event.set.limits.is_some());
    for (index, spec) in world.plan.providers.iter().enumerate() {
        let (in_flight, _) = log.peak(index);
        if let (Some(most), false, None) = (spec.limits.max_concurrency, changed(index), &spec.quota_group) {
            assert!(in_flight <= most, "world {seed}: {in_flight} in flight at provider {index}, at most {most}");
        }
        if let (Some(slots), Some(places), true) = (spec.slots, spec.queue, spec.error_rate == 0.0 && world.plan.events.is_empty()) {
            let most = u64::from(slots) + places;
            let poisoned = world.plan.load.classes.iter().any(|class| class.poison > 0.0);
            assert!(poisoned || u64::from(in_flight) <= most, "world {seed}: {in_flight} at provider {index}, at most {most}");
        }
    }
}

/// Draws the parts of a world.
struct Sketch {
    seed: u64,
    draws: Draws,
}

impl Sketch {
    fn new(seed: u64) -> Sketch {
        Sketch { seed, draws: Draws::new(seed, Stream::Probe, u64::MAX) }
    }

    fn chance(&mut self, p: f64) -> bool {
        self.draws.chance(p)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.draws.below(n)
    }

    /// Log-uniform between two positive numbers: as likely near the small as near the large.
    fn between(&mut self, low: f64, high: f64) -> f64 {
        low * (high / low).powf(self.draws.unit())
    }

    fn duration(&mut self) -> Dist {
        let mean = self.between(0.01, 5.0);
        match self.below(6) {
            0 => fixed((mean * 10.0).round() / 10.0),
            1 => exponential(mean),
            2 => lognormal(mean, 1.5),
            3 => gamma(mean, 0.5),
            4 => Dist::Mixture(vec![(0.9, fixed(mean)), (0.1, exponential(5.0 * mean))]),
            _ => Dist::Uniform { low: 0.0, high: 2e9 * mean },
        }
    }

    fn limits(&mut self) -> Limits {
        let algorithm = [Algorithm::TokenBucket, Algorithm::FixedWindow, Algorithm::SlidingWindow][self.below(3) as usize];
        let mut limits = Limits { algorithm, count_refused: self.chance(0.2), ..Limits::default() };
        limits.rpm = self.chance(0.6).then(|| self.between(5.0, 1_000.0).round());
        limits.tpm = self.chance(0.3).then(|| self.between(1_000.0, 1e6).round());
        limits.otpm = self.chance(0.1).then(|| self.between(1_000.0, 1e6).round());
        limits.rpd = self.chance(0.1).then(|| self.between(50.0, 10_000.0).round());
        limits.max_concurrency = self.chance(0.7).then(|| 1 + self.below(4) as u32);
        limits.period = self.chance(0.3).then(|| s([1.0, 10.0][self.below(2) as usize]));
        limits.burst = self.chance(0.2).then(|| 1.0 + self.below(20) as f64);
        limits.charge = if self.chance(0.3) { Charge::Actual } else { Charge::Estimate };
        limits
    }

    fn provider(&mut self, index: usize, weighted: bool, tight: bool) -> Provider {
        let latency = self.duration();
        let mut one = provider(&format!("p{index}"), latency);
        if self.chance(0.3) {
            let (ttft, itl) = (self.duration(), exponential(self.between(0.001, 0.02)));
            one = one.streamed(ttft, itl);
        }
        one.spec.slots = self.chance(0.5).then(|| 1 + self.below(8) as u32);
        one.spec.queue = (one.spec.slots.is_some() && self.chance(0.5)).then(|| self.below(10));
        one.spec.error_rate = if self.chance(0.3) { self.draws.unit() } else { 0.0 };
        one.spec.error_status = [500, 503, 529, 400, 429][self.below(5) as usize];
        one.spec.error_latency = if self.chance(0.5) { fixed(0.02) } else { self.duration() };
        one.spec.background = if self.chance(0.1) { self.between(0.1, 5.0) } else { 0.0 };
        one.spec.visibility = [Visibility::Headers, Visibility::None, Visibility::Config][if tight { 2 } else { self.below(3) as usize }];
        one.spec.limits = if tight || self.chance(0.2) { self.limits() } else { Limits::default() };
        one.spec.quota_group = self.chance(0.1).then(|| "group".to_owned());
        one.spec.cost = self.chance(0.5).then(|| lbsim::engine::Cost { input: self.draws.unit(), output: 1.0 });
        one.config.weight = weighted.then(|| 1.0 + self.below(9) as f64);
        one.config.priority = u32::from(self.chance(0.2));
        one.config.models = if self.chance(0.2) { vec!["m".to_owned()] } else { Vec::new() };
        one
    }

    fn change(&mut self) -> Change {
        let mut change = Change::default();
        match self.below(8) {
            0 => change.error_rate = Some(self.draws.unit()),
            1 => change.latency_factor = Some(self.between(0.1, 10.0)),
            2 => change.hang = Some(true),
            3 => change.stall = Some(true),
            4 => change.refuse_connections = Some(true),
            5 => change.enabled = Some(false),
            6 => change.limits = Some(self.limits()),
            _ => {
                (change.error_rate, change.error_status, change.retry_after) =
                    (Some(1.0), Some(503), Some(RetryAfter::Fixed(s(self.between(0.1, 30.0)))))
            }
        }
        change
    }

    fn class(&mut self, name: Option<&str>, share: f64) -> Class {
        let mut class = World::new(Strategy::Random, vec![provider("p", fixed(1.0))]).plan.load.classes.remove(0);
        (class.name, class.share) = (name.map(str::to_owned), share);
        class.model = self.chance(0.2).then(|| ["m", "nobody serves this"][self.below(2) as usize].to_owned());
        class.priority = self.below(3) as u32;
        class.deadline = self.chance(0.2).then(|| s(self.between(0.1, 30.0)));
        class.cancel = if self.chance(0.3) { self.draws.unit() / 2.0 } else { 0.0 };
        class.poison = if self.chance(0.2) { self.draws.unit() / 5.0 } else { 0.0 };
        class.timeout = self.chance(0.2).then(|| s(self.between(0.1, 30.0)));
        class.input = Dist::Exponential { mean: self.between(10.0, 5_000.0) };
        class.output = Dist::Exponential { mean: self.between(1.0, 1_000.0) };
        class.max_tokens = self.chance(0.5).then(|| self.between(1.0, 2_000.0) as u32);
        class
    }

    fn source(&mut self) -> Source {
        if self.chance(0.25) {
            // Users who are shed at once and do not think would send for ever at one instant: see `closed_loop`.
            return Source::Closed { users: 1 + self.below(40) as u32, think_time: exponential(self.between(0.05, 5.0)) };
        }
        let arrival = match self.below(3) {
            0 => ArrivalLaw::Constant,
            1 => ArrivalLaw::Poisson,
            _ => ArrivalLaw::Gamma { burstiness: self.between(0.1, 10.0) },
        };
        let rate = self.between(0.5, 30.0).round().max(1.0);
        let stages = if self.chance(0.3) {
            vec![Stage { at: s(10.0), over: s(self.below(10) as f64), rate: self.below(30) as f64 }]
        } else {
            vec![]
        };
        let bursts = if self.chance(0.3) { vec![Burst { at: s(5.0), count: 1 + self.below(50), every: Some(s(20.0)) }] } else { vec![] };
        Source::Open(OpenLoop { arrival, rate, stages, bursts })
    }

    fn world(mut self) -> World {
        let (weighted, tight, count) = (self.chance(0.5), self.chance(0.6), 1 + self.below(5) as usize);
        let members: Vec<Provider> = (0..count).map(|index| self.provider(index, weighted, tight)).collect();
        let strategy = CATALOGUE[self.below(CATALOGUE.len() as u64) as usize].strategy;
        let seed = self.seed;
        let mut world = World::new(strategy, members).seed(seed).duration(30.0);
        world.plan.load.source = self.source();
        if self.chance(0.3) {
            world = world.warmup(10.0);
        }
        let rests = matches!(&world.plan.load.source, Source::Open(open) if open.stages.is_empty())
            || matches!(world.plan.load.source, Source::Closed { .. });
        if rests && self.chance(0.3) {
            world = world.requests(1 + self.below(300));
        }
        world.plan.load.classes = match self.chance(0.5) {
            true => vec![self.class(None, 1.0)],
            false => vec![self.class(Some("x"), 0.7), self.class(Some("y"), 0.3)],
        };
        world.plan.load.sessions = self.chance(0.5).then(|| Sessions { count: 1 + self.below(100), skew: self.draws.unit() * 2.0 });
        world.plan.engine.quota = self.chance(0.8);
        world.plan.engine.choices = 1 + self.below(4) as usize;
        world.plan.engine.retry = Retry {
            max_retries: self.below(5) as u32,
            backoff: s([0.0, 0.1, 1.0][self.below(3) as usize]),
            max_backoff: s(2.0),
            budget: self.chance(0.5).then(|| self.draws.unit()),
            honor_retry_after: self.chance(0.7),
        };
        world.plan.replicas = 1 + self.below(4) as u32;
        world = world.timeout(self.between(0.1, 60.0));
        let max_wait = if self.chance(0.3) { 0.0 } else { self.between(0.1, 60.0) };
        world = world.balancer_queue(max_wait, self.below(100));
        for index in 0..self.below(4) {
            let (at, long, provider) = (self.below(30) as f64, 1 + self.below(20), self.below(count as u64) as usize);
            world = world.event(provider, at, at + long as f64, self.change());
            world.plan.events[index as usize].until = world.plan.events[index as usize].until.filter(|_| self.draws.chance(0.8));
        }
        world
    }
}

//! The virtual clock: a discrete-event loop over the real engine and the simulated world.
//!
//! Time jumps from event to event. Everything is a pure function of the plan; the only clock that is read is the one
//! that times sampled picks, and its readings go nowhere but into that statistic. Memory follows the requests in flight.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};

use super::attempt::Attempt;
use super::balancer::Balancer;
pub use super::error::DriveError;
use super::hedge::HedgeBudget;
use super::kind;
use super::line::Line;
use super::plan::Plan;
use super::queue::{Class, EventQueue, Target};
use super::real::Wire;
use super::request::{Live, Wake};
use super::shed::Shed;
use super::siblings::{Demand, Untold};
use super::slab::Slab;
use super::through::through;
use super::timer::PickTimer;
use super::users::Users;
use crate::engine::{Config, ConfigError, Engine, Trace, WaitQueue};
use crate::metrics::observe::{DecisionSink, Observer};
use crate::rng;
use crate::time::Nanos;
use crate::world::arrivals::{Arrival, OpenArrivals};
use crate::world::fleet::Fleet;
use crate::world::requests::RequestFactory;
use crate::world::spec::{End, Source};

/// What a caller may want of a run besides its events.
#[derive(Default)]
pub struct Options<'o> {
    /// Set from elsewhere to end the run early.
    pub stop: Option<&'o AtomicBool>,
    /// Number of arrivals so far, for a progress bar.
    pub progress: Option<&'o AtomicU64>,
    /// Receives every decision with its reasons.
    pub decisions: Option<&'o mut dyn DecisionSink>,
    /// Time every so many picks with the wall clock; `None`: none.
    pub time_every: Option<u32>,
    /// Follow shed requests until they could have been sent, to see whether they were told the right time.
    pub follow_shed: bool,
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Finished {
    /// From the start to the last event.
    pub simulated: Nanos,
    /// Requests that arrived, warm-up included.
    pub requests: u64,
    /// Stopped early through [`Options::stop`].
    pub interrupted: bool,
    /// Attempts that reached a provider through a gateway without our label, warm-up excluded: who sent them is not known.
    pub unlabelled: u64,
}

/// Runs a plan, in virtual time or, with [`Plan::real`], over HTTP on loopback.
///
/// # Errors
/// [`DriveError`], before the first event, for limits or a balancer configuration that contradict themselves.
pub fn simulate<O: Observer>(plan: &Plan, observer: &mut O, options: Options<'_>) -> Result<Finished, DriveError> {
    simulate_with(plan, observer, options, &Engine::new)
}

/// [`simulate`] with balancers of another make, one per replica.
///
/// # Errors
/// As [`simulate`].
pub fn simulate_with<O: Observer, B: Balancer>(
    plan: &Plan,
    observer: &mut O,
    options: Options<'_>,
    make: &dyn Fn(Config) -> Result<B, ConfigError>,
) -> Result<Finished, DriveError> {
    match &plan.real {
        Some(real) if real.target.is_some() => return through(plan, real, observer, options),
        _ => {}
    }
    let mut simulation = Simulation::new(plan, observer, options, make)?;
    match &plan.real {
        None => simulation.run()?,
        Some(real) => {
            simulation.wire = Some(Wire::start(plan, real)?);
            simulation.run_real()?;
        }
    }
    Ok(simulation.finish())
}

pub(super) struct Simulation<'a, 'o, O, B> {
    pub plan: &'a Plan,
    pub observer: &'a mut O,
    pub stop: Option<&'o AtomicBool>,
    pub progress: Option<&'o AtomicU64>,
    pub decisions: Option<&'o mut dyn DecisionSink>,
    pub timer: PickTimer,
    pub trace: Trace,
    pub now: Nanos,
    /// When what happens now was meant to happen: `now`, unless the clock is real and the driver late.
    pub due: Nanos,
    /// To providers over HTTP; `None`: they are simulated.
    pub wire: Option<Wire>,
    pub events: EventQueue,
    pub fleet: Fleet,
    pub engines: Vec<B>,
    /// One per engine.
    pub waiting: Vec<WaitQueue<u32>>,
    pub wake: Vec<Wake>,
    pub demand: Demand,
    /// One per engine.
    pub untold: Vec<Untold>,
    /// One per engine and lane.
    pub lines: Vec<Vec<Line>>,
    /// One per engine; empty when nobody asks.
    pub shed: Vec<Shed>,
    pub requests: Slab<Live>,
    pub attempts: Slab<Attempt>,
    pub factory: RequestFactory,
    /// By class.
    pub models: Vec<crate::engine::ModelId>,
    pub config: Config,
    pub users: Option<Users>,
    pub hedges: HedgeBudget,
    /// Probes so far, by provider.
    pub probes: Vec<u64>,
    pub arrived: u64,
    measured: u64,
    pub arrivals_over: bool,
    last_event: Nanos,
    interrupted: bool,
    /// Arrivals were stopped before their time, in real time.
    pub drained: bool,
}

impl<'a, 'o, O: Observer, B: Balancer> Simulation<'a, 'o, O, B> {
    pub fn new(
        plan: &'a Plan,
        observer: &'a mut O,
        options: Options<'o>,
        make: &dyn Fn(Config) -> Result<B, ConfigError>,
    ) -> Result<Self, DriveError> {
        let classes = &plan.load.classes;
        let replicas = 0..plan.replicas as usize;
        let engines = replicas.map(|replica| make(replica_config(&plan.engine, plan.seed, replica))).collect::<Result<Vec<B>, _>>()?;
        let model =
            |class: &crate::world::spec::Class| class.model.as_ref().map_or(crate::engine::ModelId::ANY, |name| engines[0].model(name));
        let lanes = || classes.iter().map(|class| class.priority);
        Ok(Simulation {
            plan,
            observer,
            stop: options.stop,
            progress: options.progress,
            decisions: options.decisions,
            timer: PickTimer::new(options.time_every),
            trace: Trace::default(),
            now: Nanos::ZERO,
            due: Nanos::ZERO,
            wire: None,
            events: EventQueue::default(),
            fleet: Fleet::new(&plan.providers, &plan.events, plan.seed, plan.load.mean_tokens())?,
            waiting: engines.iter().map(|_| WaitQueue::new(lanes(), plan.queue.max_length)).collect(),
            wake: vec![Wake::default(); engines.len()],
            lines: vec![vec![Line::UNKNOWN; plan.load.classes.len()]; engines.len()],
            demand: Demand::new(engines.len()),
            untold: vec![Untold::new(if plan.sync.is_some() { plan.providers.len() } else { 0 }); engines.len()],
            shed: if options.follow_shed { engines.iter().map(|_| Shed::default()).collect() } else { Vec::new() },
            requests: Slab::default(),
            attempts: Slab::default(),
            factory: RequestFactory::new(&plan.load, plan.seed, plan.timeout),
            models: classes.iter().map(model).collect(),
            engines,
            config: plan.engine.clone(),
            users: Users::new(&plan.load, plan.seed),
            hedges: HedgeBudget::new(plan.hedge.map_or(0.0, |hedge| hedge.budget)),
            probes: vec![0; plan.providers.len()],
            arrived: 0,
            measured: 0,
            arrivals_over: false,
            last_event: Nanos::ZERO,
            interrupted: false,
            drained: false,
        })
    }

    /// Schedules all that is known in advance: the source of an open load, and its first arrival.
    pub fn start(&mut self) -> Result<(Option<OpenArrivals>, Option<Arrival>), DriveError> {
        self.schedule_edges();
        self.start_probes();
        self.start_sync()?;
        self.start_users();
        let mut open = self.open_arrivals();
        let next = self.next_arrival(&mut open);
        Ok((open, next))
    }

    /// The next arrival of an open load; behind its last one the end of arrivals is scheduled.
    #[inline]
    pub fn next_arrival(&mut self, open: &mut Option<OpenArrivals>) -> Option<Arrival> {
        let next = open.as_mut()?.next();
        if next.is_none() {
            self.end_open_arrivals();
        }
        next
    }

    fn run(&mut self) -> Result<(), DriveError> {
        let (mut open, mut next) = self.start()?;
        loop {
            let event = self.events.peek();
            match (next, event) {
                // Arrivals come last at any instant.
                (Some(arrival), event) if event.is_none_or(|(time, _)| arrival.at < time) => {
                    (self.now, self.due) = (arrival.at, arrival.at);
                    self.arrive(arrival.id, arrival.trace, None);
                    next = self.next_arrival(&mut open);
                }
                (_, Some(_)) => self.step(None)?,
                (_, None) => break,
            }
            if (self.arrivals_over && self.requests.is_empty()) || self.interrupted {
                break;
            }
        }
        Ok(())
    }

    /// Handles the next event; `real`: what time it really is.
    pub fn step(&mut self, real: Option<Nanos>) -> Result<(), DriveError> {
        let Some((time, target)) = self.events.pop() else { return Ok(()) };
        debug_assert!(real.is_some() || time >= self.now, "time runs forwards");
        let live = self.is_live(&target);
        if !live {
            self.events.drop_stale();
            return Ok(());
        }
        (self.now, self.due) = (real.map_or(time, |real| real.max(self.now)), time);
        match target.kind {
            kind::DONE => self.attempt_done(target.slot),
            kind::ANSWER => self.attempt_answered(target.slot),
            kind::TIMEOUT => self.attempt_timed_out(target.slot),
            kind::CANCEL => self.attempt_cancelled(target.slot),
            kind::RETRY => self.retry(target.slot),
            kind::EXPIRE => self.expire(target.slot),
            kind::WAKE => self.drain(target.slot as usize),
            kind::BEGIN => self.edge(target.slot as usize, true)?,
            kind::END => self.edge(target.slot as usize, false)?,
            kind::USER => self.user_sends(target.slot),
            kind::FIRST_TOKEN => self.attempt_first_token(target.slot),
            kind::HEDGE => self.hedge(target.slot),
            kind::PROBE => self.probe(target.slot as usize),
            kind::PROBE_GOOD => self.probed(target.slot as usize, true),
            kind::PROBE_BAD => self.probed(target.slot as usize, false),
            kind::SYNC => self.sync()?,
            kind::FOLLOW => self.follow_shed(target.slot as usize),
            _ => self.arrivals_ended(),
        }
        Ok(())
    }

    fn is_live(&self, target: &Target) -> bool {
        is_live(target, &self.attempts, &self.requests)
    }

    /// Drops stale events when they have become the majority.
    pub fn note_stale(&mut self) {
        self.events.note_stale();
        let (attempts, requests) = (&self.attempts, &self.requests);
        self.events.compact(|target| is_live(target, attempts, requests));
    }

    /// Schedules something for an attempt.
    pub fn at_attempt(&mut self, time: Nanos, class: Class, kind: u8, slot: u32) {
        let generation = self.attempts.generation(slot);
        self.events.push(time, class, Target { kind, slot, generation });
    }

    /// Schedules something for a request.
    pub fn at_request(&mut self, time: Nanos, class: Class, kind: u8, slot: u32) {
        let generation = self.requests.generation(slot);
        self.events.push(time, class, Target { kind, slot, generation });
    }

    /// Schedules something that cannot become stale.
    pub fn at(&mut self, time: Nanos, class: Class, kind: u8, slot: u32) {
        self.events.push(time, class, Target { kind, slot, generation: 0 });
    }

    pub fn schedule_edges(&mut self) {
        for (index, event) in self.plan.events.iter().enumerate() {
            self.events.push(event.at, Class::Edge, Target { kind: kind::BEGIN, slot: index as u32, generation: 0 });
            self.events.push(event.until.unwrap_or(Nanos::MAX), Class::Edge, Target { kind: kind::END, slot: index as u32, generation: 0 });
        }
    }

    fn edge(&mut self, index: usize, on: bool) -> Result<(), DriveError> {
        self.fleet.edge(self.now, index, on)?;
        let event = &self.plan.events[index];
        if let Some(enabled) = event.set.enabled {
            let declared = self.plan.engine.providers[event.provider].drained;
            let drained = if on { !enabled } else { declared };
            self.config.providers[event.provider].drained = drained;
            self.observer.enabled(self.now, event.provider, !drained);
            self.reconfigure()?;
            (0..self.engines.len()).for_each(|replica| self.drain(replica));
        }
        Ok(())
    }

    pub fn open_arrivals(&self) -> Option<OpenArrivals> {
        (!matches!(self.plan.load.source, Source::Closed { .. })).then(|| OpenArrivals::new(&self.plan.load, self.plan.seed))
    }

    /// The open source has run dry: with a duration the arrivals last until its end, else until now. So do those of a
    /// trace that has no more rows.
    pub fn end_open_arrivals(&mut self) {
        let exhausted = matches!(&self.plan.load.source, Source::Trace { rows, .. } if self.arrived == rows.len() as u64);
        match self.plan.load.end {
            End::Duration(duration) if !exhausted => {
                self.at(self.plan.load.warmup + duration, Class::Arrival, kind::LAST, 0);
            }
            _ => self.arrivals_ended(),
        }
    }

    pub fn arrivals_ended(&mut self) {
        if !self.arrivals_over {
            self.arrivals_over = true;
            self.observer.arrivals_ended(self.now);
            self.last_event = self.last_event.max(self.now);
        }
    }

    /// Counts an arrival; true when it is part of the measured run.
    pub fn count_arrival(&mut self) -> bool {
        self.arrived += 1;
        let measured = self.due >= self.plan.load.warmup;
        self.measured += u64::from(measured);
        if self.arrived.is_multiple_of(1_024) {
            if let Some(progress) = self.progress {
                progress.store(self.arrived, Relaxed);
            }
            self.interrupted = self.stop.is_some_and(|stop| stop.load(Relaxed));
        }
        measured
    }

    /// Measured requests so far.
    pub fn measured(&self) -> u64 {
        self.measured
    }

    /// Remembers that something happened to a request now.
    pub fn touch(&mut self) {
        self.last_event = self.now;
    }

    pub fn finish(mut self) -> Finished {
        let complete = self.arrivals_over && self.requests.is_empty();
        if !complete {
            self.cut_off();
            self.arrivals_ended();
        }
        for engine in &self.engines {
            let leases = engine.leases(self.now);
            leases.into_iter().enumerate().for_each(|(provider, leases)| self.observer.left_over(provider, leases));
        }
        self.observer.finished(self.last_event);
        Finished { simulated: self.last_event, requests: self.arrived, interrupted: !complete || self.drained, unlabelled: 0 }
    }
}

fn is_live(target: &Target, attempts: &Slab<Attempt>, requests: &Slab<Live>) -> bool {
    match target.kind {
        kind::DONE | kind::ANSWER | kind::TIMEOUT | kind::CANCEL | kind::FIRST_TOKEN => attempts.is_live(target.slot, target.generation),
        kind::RETRY | kind::HEDGE => requests.is_live(target.slot, target.generation),
        kind::EXPIRE => requests.is_live(target.slot, target.generation) && requests.get(target.slot).is_some_and(|live| live.waiting),
        _ => true,
    }
}

/// Replicas differ in their random choices only.
pub(super) fn replica_config(config: &Config, seed: u64, replica: usize) -> Config {
    let seed = if replica == 0 { seed } else { rng::mix(seed.wrapping_add(replica as u64)) };
    Config { seed, ..config.clone() }
}

//! An observer that keeps everything, and the laws that hold in every run to the nanosecond.

use std::collections::HashMap;

use lbsim::drive::{self, Options, Plan};
use lbsim::gate::run::recorder_config;
use lbsim::metrics::Recorder;
use lbsim::metrics::observe::{AttemptEnd, AttemptKind, Observer, RequestEnd, RequestInfo};
use lbsim::metrics::quota::Admitted;
use lbsim::report::Run;
use lbsim::time::Nanos;
use lbsim::world::spec::Source;

/// One attempt from start to end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Attempt {
    pub request: u64,
    pub measured: bool,
    pub provider: usize,
    pub kind: AttemptKind,
    pub sent: Nanos,
    /// Start of service.
    pub started: Option<Nanos>,
    pub ended: Nanos,
    pub end: Option<AttemptEnd>,
}

/// Everything that happened, in order.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    pub offered: Vec<RequestInfo>,
    pub attempts: Vec<Attempt>,
    pub ends: Vec<(Nanos, RequestInfo, RequestEnd)>,
    /// (now, in flight, busy) by provider, changes only in order.
    pub levels: Vec<Vec<(Nanos, u32, u32)>>,
    pub arrivals_end: Nanos,
    pub finished: Nanos,
    closed: bool,
    running: HashMap<u64, usize>,
    clock: Nanos,
}

impl Log {
    fn new(plan: &Plan) -> Log {
        let closed = matches!(plan.load.source, Source::Closed { .. });
        Log { levels: vec![Vec::new(); plan.providers.len()], closed, ..Log::default() }
    }

    fn tick(&mut self, now: Nanos) {
        assert!(now >= self.clock, "time runs forwards: {now} after {}", self.clock);
        self.clock = now;
    }

    /// ∫ level dt over [from, until) at a provider: (in flight, busy), in attempts × ns.
    pub fn area(&self, provider: usize, from: Nanos, until: Nanos) -> (u128, u128) {
        let levels = &self.levels[provider];
        let ends = levels.iter().skip(1).map(|level| level.0).chain([until.max(self.finished)]);
        let mut sum = (0, 0);
        for (level, end) in levels.iter().zip(ends) {
            let span = u128::from(end.min(until).since(level.0.max(from)).as_nanos());
            sum = (sum.0 + span * u128::from(level.1), sum.1 + span * u128::from(level.2));
        }
        sum
    }

    /// The most attempts at once at a provider, and the most busy slots.
    pub fn peak(&self, provider: usize) -> (u32, u32) {
        self.levels[provider].iter().fold((0, 0), |peak, level| (peak.0.max(level.1), peak.1.max(level.2)))
    }

    /// Providers in the order in which attempts were sent.
    pub fn sequence(&self) -> Vec<usize> {
        self.attempts.iter().map(|attempt| attempt.provider).collect()
    }

    /// Latencies of successful requests in the order of arrival, ns.
    pub fn latencies(&self) -> Vec<u64> {
        let succeeded = self.ends.iter().filter(|(_, _, end)| matches!(end, RequestEnd::Succeeded { .. }));
        let mut by_id: Vec<(u64, u64)> = succeeded.map(|(now, request, _)| (request.id, now.since(request.intended).as_nanos())).collect();
        by_id.sort_unstable();
        by_id.into_iter().map(|(_, latency)| latency).collect()
    }
}

impl Observer for Log {
    fn offered(&mut self, request: &RequestInfo) {
        self.tick(request.intended);
        assert_eq!(request.id, self.offered.len() as u64, "ids count arrivals");
        self.offered.push(*request);
    }

    fn sent(&mut self, now: Nanos, request: &RequestInfo, provider: usize, kind: AttemptKind) {
        self.tick(now);
        let attempt = Attempt {
            request: request.id,
            measured: request.measured,
            provider,
            kind,
            sent: now,
            started: None,
            ended: Nanos::MAX,
            end: None,
        };
        assert_eq!(self.running.insert(request.id, self.attempts.len()), None, "one attempt of a request at a time without hedging");
        self.attempts.push(attempt);
    }

    fn started(&mut self, now: Nanos, request: &RequestInfo, provider: usize, sent: Nanos) {
        // A stalled start is announced when its time is known, so `now` may lie ahead of the clock.
        assert!(now >= self.clock, "a start lies not in the past");
        let attempt = &mut self.attempts[self.running[&request.id]];
        assert_eq!((attempt.provider, attempt.sent, attempt.started), (provider, sent, None), "each attempt starts once");
        attempt.started = Some(now);
    }

    fn attempt_ended(&mut self, now: Nanos, request: &RequestInfo, provider: usize, sent: Nanos, end: AttemptEnd) {
        self.tick(now);
        let index = self.running.remove(&request.id).expect("an attempt that ends was sent and has not ended");
        let attempt = &mut self.attempts[index];
        assert_eq!((attempt.provider, attempt.sent, attempt.end), (provider, sent, None));
        (attempt.ended, attempt.end) = (now, Some(end));
    }

    fn ended(&mut self, now: Nanos, request: &RequestInfo, end: RequestEnd) {
        self.tick(now);
        assert_eq!(self.offered[request.id as usize], *request, "a request is the same at its end");
        self.ends.push((now, *request, end));
    }

    fn occupancy(&mut self, now: Nanos, provider: usize, in_flight: u32, busy: u32) {
        self.tick(now);
        self.levels[provider].push((now, in_flight, busy));
    }

    fn ejected(&mut self, _: Nanos, _: usize) {}

    fn readmitted(&mut self, _: Nanos, _: usize) {}

    fn decision_timed(&mut self, _: u64) {
        panic!("nobody asked for timings");
    }

    fn arrivals_ended(&mut self, now: Nanos) {
        let last = self.offered.last().map_or(Nanos::ZERO, |request| request.intended);
        self.arrivals_end = if self.closed { last } else { now };
    }

    fn finished(&mut self, now: Nanos) {
        self.finished = now;
    }
}

/// Two observers at once.
struct Both<'a>(&'a mut Recorder, &'a mut Log);

macro_rules! both {
    ($($name:ident($($argument:ident: $kind:ty),*);)*) => {
        impl Observer for Both<'_> {
            $(fn $name(&mut self, $($argument: $kind),*) {
                self.0.$name($($argument),*);
                self.1.$name($($argument),*);
            })*
        }
    };
}

both! {
    offered(request: &RequestInfo);
    sent(now: Nanos, request: &RequestInfo, provider: usize, kind: AttemptKind);
    started(now: Nanos, request: &RequestInfo, provider: usize, sent: Nanos);
    returned(request: &RequestInfo, provider: usize, sent: Nanos, unused: Admitted);
    refused_avoidably(request: &RequestInfo);
    attempt_ended(now: Nanos, request: &RequestInfo, provider: usize, sent: Nanos, end: AttemptEnd);
    ended(now: Nanos, request: &RequestInfo, end: RequestEnd);
    occupancy(now: Nanos, provider: usize, in_flight: u32, busy: u32);
    ejected(now: Nanos, provider: usize);
    readmitted(now: Nanos, provider: usize);
    decision_timed(nanos: u64);
    arrivals_ended(now: Nanos);
    finished(now: Nanos);
}

/// Runs a plan, keeps everything, and checks the laws of every run.
pub fn observe(plan: &Plan) -> (Run, Log) {
    observe_with(plan, Options::default())
}

/// Like [`observe`], with options for the driver.
pub fn observe_with(plan: &Plan, options: Options<'_>) -> (Run, Log) {
    let mut recorder = Recorder::new(recorder_config(plan, &[], 0));
    let mut log = Log::new(plan);
    drive::simulate(plan, &mut Both(&mut recorder, &mut log), options).expect("the plan is valid");
    recorder.check().expect("sums match");
    let (run, _) = recorder.into_run(plan.seed);
    crate::laws::hold(plan, &run, &log);
    (run, log)
}

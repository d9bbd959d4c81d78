//! The mock providers in real time: the same [`Fleet`] as under the virtual clock, on a thread of its own.
//!
//! The servers ask it over a channel, and it says when each part of an answer may leave: queues, limits, errors, faults and
//! the events of the scenario are those of `world`. One thread owns everything, so nothing is locked, and what is due
//! leaves within microseconds of its time.

use std::collections::HashMap;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};
use std::thread::JoinHandle;

use tokio::sync::mpsc;

use super::ask::{Arrival, Ask, Origin, Part, Tale};
use super::clock::{Clock, Closed, receive};
use super::door::{Door, doors};
use super::numbers::Numbers;
use super::restart::fleet;
use super::sight::{Left, Sight, Watch};
use super::stats::Tally;
use crate::drive::plan::Plan;
use crate::drive::queue::{Class, EventQueue, Target};
use crate::drive::slab::Slab;
use crate::engine::RefusalKind;
use crate::engine::limit::{Cost, LimitError, RateLimitHeaders};
use crate::time::Nanos;
use crate::world::fleet::Fleet;
use crate::world::provider::{Call, Held, Reply, Timing};

/// A running station. Dropping it ends its thread.
#[derive(Debug)]
pub struct Station {
    inbox: Sender<Ask>,
    doors: Vec<Door>,
    thread: Option<JoinHandle<()>>,
}

pub(super) mod kind {
    pub const FIRST: u8 = 0;
    pub const DONE: u8 = 1;
    pub const ANSWER: u8 = 2;
    pub const BEGIN: u8 = 3;
    pub const END: u8 = 4;
}

pub(super) struct Job {
    key: u64,
    provider: usize,
    tag: u64,
    arrived: Nanos,
    /// When its answer should be out; [`Nanos::MAX`]: not known yet.
    planned: Nanos,
    call: Call,
    held: Option<Held>,
    phase: Phase,
    /// It was refused while another provider had quota for it.
    avoidable: bool,
    headers: Option<Box<RateLimitHeaders>>,
    /// `None`: it has been told.
    answer: Option<mpsc::UnboundedSender<Part>>,
}

#[derive(Clone, Copy)]
enum Phase {
    Queued,
    Serving { start: Nanos, timing: Timing },
    Failing { status: u16, retry_after: Option<Nanos>, refusal: Option<RefusalKind> },
}

pub(super) struct Floor {
    pub(super) plan: Plan,
    pub(super) clock: Clock,
    pub(super) fleet: Fleet,
    pub(super) events: EventQueue,
    pub(super) jobs: Slab<Job>,
    pub(super) by_key: HashMap<u64, u32>,
    tallies: Vec<Tally>,
    models: Vec<Vec<String>>,
    pub(super) probes: u64,
    pub(super) numbers: Numbers,
    pub(super) now: Nanos,
    watch: Watch,
    /// By provider: whether its door is shut.
    pub(super) shut: Vec<tokio::sync::watch::Sender<bool>>,
}

impl Station {
    /// Starts the providers of a plan. Everything that happens is told to `watch`, in order of time.
    ///
    /// # Errors
    /// Limits that cannot be enforced.
    pub fn start(plan: &Plan, clock: Clock, watch: Watch) -> Result<Station, LimitError> {
        let (shut, doors) = doors(plan.providers.len());
        let mut floor = Floor {
            shut,
            clock,
            fleet: fleet(plan)?,
            events: EventQueue::default(),
            jobs: Slab::default(),
            by_key: HashMap::new(),
            tallies: vec![Tally::default(); plan.providers.len()],
            models: plan.engine.providers.iter().map(|provider| provider.models.clone()).collect(),
            probes: 0,
            numbers: Numbers::default(),
            now: Nanos::ZERO,
            watch,
            plan: plan.clone(),
        };
        floor.schedule_edges();
        let (inbox, asked) = channel();
        let thread = std::thread::spawn(move || floor.run(&asked));
        Ok(Station { inbox, doors, thread: Some(thread) })
    }

    /// By provider: whether connections are let in.
    pub fn doors(&self) -> &[Door] {
        &self.doors
    }

    /// Where to ask.
    pub fn inbox(&self) -> Sender<Ask> {
        self.inbox.clone()
    }
}

impl Drop for Station {
    fn drop(&mut self) {
        // A station whose thread is gone already has nothing to be told.
        let _ = self.inbox.send(Ask::Stop);
        self.thread.take().map(JoinHandle::join);
    }
}

impl Floor {
    fn run(&mut self, asked: &Receiver<Ask>) {
        loop {
            self.due();
            match receive(asked, &self.clock, self.events.peek().map(|(time, _)| time)) {
                Ok(Some(Ask::Stop)) | Err(Closed) => return,
                Ok(Some(ask)) => {
                    self.now = self.now.max(self.clock.now());
                    self.hear(ask);
                }
                Ok(None) => {}
            }
        }
    }

    /// Does everything whose time has come.
    fn due(&mut self) {
        while self.events.peek().is_some_and(|(time, _)| time <= self.clock.now()) {
            let Some((_, target)) = self.events.pop() else { return };
            self.now = self.now.max(self.clock.now());
            match target.kind {
                kind::BEGIN | kind::END => {
                    // Limits were checked when the scenario was read.
                    let changed = self.fleet.edge(self.now, target.slot as usize, target.kind == kind::BEGIN);
                    debug_assert!(changed.is_ok(), "limits of events are checked");
                    self.mind_doors();
                }
                _ if !self.jobs.is_live(target.slot, target.generation) => self.events.drop_stale(),
                kind::FIRST => self.first(target.slot),
                kind::DONE => self.done(target.slot),
                _ => self.answer(target.slot),
            }
        }
    }

    pub(super) fn schedule(&mut self, time: Nanos, class: Class, kind: u8, slot: u32) {
        let generation = if kind <= kind::ANSWER { self.jobs.generation(slot) } else { 0 };
        self.events.push(time, class, Target { kind, slot, generation });
    }

    fn hear(&mut self, ask: Ask) {
        match ask {
            Ask::Arrive(arrival) => self.arrive(arrival),
            Ask::Gone { key } => {
                let Some(&slot) = self.by_key.get(&key) else { return };
                let provider = self.jobs.get(slot).map_or(0, |job| job.provider);
                self.tallies[provider].gone += 1;
                self.left(slot, Left::Gone);
                self.leave(slot);
            }
            Ask::Probe { provider, answer } => {
                self.probes += 1;
                answer.tell(self.fleet.mock(provider).probe(self.now, self.probes));
            }
            Ask::Stats { answer } => {
                let _ = answer.send((self.now, self.tallies.clone()));
            }
            Ask::Reset { clock, done } => {
                if clock {
                    self.restart();
                }
                for (provider, tally) in self.tallies.iter_mut().enumerate() {
                    *tally = Tally { in_flight: self.fleet.mock(provider).in_flight(), ..Tally::default() };
                }
                let _ = done.send(());
            }
            Ask::Over { tag } => self.numbers.forget(tag),
            Ask::Stop => {}
        }
    }

    fn arrive(&mut self, arrival: Arrival) {
        let Arrival { key, provider, mut call, origin, tag, again, answer } = arrival;
        match origin {
            Origin::Driver => {}
            Origin::Gateway => call.attempt = self.numbers.attempt(tag),
            Origin::Stranger => call.request = self.numbers.request(),
        }
        let (answer, ahead) = match answer {
            Tale::WhenDue(parts) => (Some(parts), None),
            Tale::Ahead(end) => (None, Some(end)),
        };
        self.tallies[provider].attempts += 1;
        self.tallies[provider].retries += u64::from(again);
        let job = Job {
            key,
            provider,
            tag,
            arrived: self.now,
            planned: Nanos::MAX,
            call,
            held: None,
            phase: Phase::Queued,
            avoidable: false,
            headers: None,
            answer,
        };
        let slot = self.jobs.insert(job);
        self.by_key.insert(key, slot);
        self.tell(Sight::Arrived { tag, provider });
        let reply = self.fleet.arrive(self.now, provider, slot, &call);
        let headers = self.fleet.headers(self.now, provider);
        if let Some(job) = self.jobs.get_mut(slot) {
            job.headers = headers;
        }
        match reply {
            Reply::Serve { start, timing, held } => self.serve(slot, start, timing, Some(held)),
            Reply::Queue { held } => self.set(slot, Phase::Queued, Some(held)),
            Reply::Error { status, retry_after, refusal, after, held } => {
                if status == 429 && held.is_none() {
                    self.judge_refusal(slot, provider, &call);
                }
                self.set(slot, Phase::Failing { status, retry_after, refusal }, held);
                self.plan(slot, self.now + after);
                self.schedule(self.now + after, Class::Departure, kind::ANSWER, slot);
            }
            Reply::ConnectionRefused => {
                self.tallies[provider].refused += 1;
                self.left(slot, Left::Refused);
                self.send(slot, Part::Refused);
                self.leave(slot);
            }
        }
        self.occupancy(provider);
        if let Some(ahead) = ahead {
            self.foretell(slot, &ahead);
        }
    }

    /// Tells how an attempt will end, and when.
    fn foretell(&mut self, slot: u32, to: &SyncSender<(Nanos, Part)>) {
        let Some(job) = self.jobs.get_mut(slot) else { return };
        let part = match job.phase {
            Phase::Queued => return,
            Phase::Serving { .. } => Part::Done { headers: job.headers.take() },
            Phase::Failing { status, retry_after, refusal } => Part::Error { status, retry_after, refusal, headers: job.headers.take() },
        };
        // There is room for one, and it waits for it.
        let _ = to.try_send((job.planned, part));
    }

    /// A quota refused an attempt: could the balancer have known better?
    fn judge_refusal(&mut self, slot: u32, refused_by: usize, call: &Call) {
        let mine = self.models[refused_by].clone();
        let avoidable = (0..self.models.len()).filter(|provider| *provider != refused_by).any(|provider| {
            let theirs = &self.models[provider];
            let serves = theirs.is_empty() || mine.is_empty() || theirs.iter().any(|model| mine.contains(model));
            serves && self.fleet.has_quota(self.now, provider, call)
        });
        if let Some(job) = self.jobs.get_mut(slot) {
            job.avoidable = avoidable;
        }
    }

    fn serve(&mut self, slot: u32, start: Nanos, timing: Timing, held: Option<Held>) {
        self.set(slot, Phase::Serving { start, timing }, held);
        self.plan(slot, start + timing.total);
        let Some(job) = self.jobs.get(slot) else { return };
        let (tag, provider, arrived) = (job.tag, job.provider, job.arrived);
        self.tell(Sight::Started { tag, provider, arrived, start, total: timing.total });
        if timing.ttft < timing.total {
            self.schedule(start + timing.ttft, Class::Departure, kind::FIRST, slot);
        }
        self.schedule(start + timing.total, Class::Departure, kind::DONE, slot);
    }

    fn set(&mut self, slot: u32, phase: Phase, held: Option<Held>) {
        if let Some(job) = self.jobs.get_mut(slot) {
            (job.phase, job.held) = (phase, held);
        }
    }

    fn plan(&mut self, slot: u32, at: Nanos) {
        if let Some(job) = self.jobs.get_mut(slot) {
            job.planned = at;
        }
    }

    /// Tells how an attempt ends, before its client can know.
    fn left(&mut self, slot: u32, end: Left) {
        let Some(&Job { tag, provider, arrived, planned, .. }) = self.jobs.get(slot) else { return };
        self.tell(Sight::Left { tag, provider, arrived, planned, end });
    }

    fn first(&mut self, slot: u32) {
        let Some(job) = self.jobs.get_mut(slot) else { return };
        let Phase::Serving { timing, .. } = job.phase else { return };
        let headers = job.headers.take();
        self.send(slot, Part::First { headers, rest: timing.total.since(timing.ttft) });
    }

    fn done(&mut self, slot: u32) {
        let Some(job) = self.jobs.get_mut(slot) else { return };
        let (provider, headers) = (job.provider, job.headers.take());
        let tally = &mut self.tallies[provider];
        tally.succeeded += 1;
        tally.input_tokens += u64::from(job.call.input);
        tally.output_tokens += u64::from(job.call.output);
        self.left(slot, Left::Succeeded);
        self.send(slot, Part::Done { headers });
        self.leave(slot);
    }

    fn answer(&mut self, slot: u32) {
        let Some(job) = self.jobs.get_mut(slot) else { return };
        let Phase::Failing { status, retry_after, refusal } = job.phase else { return };
        let (headers, tag, avoidable) = (job.headers.take(), job.tag, job.avoidable);
        match status {
            429 => self.tallies[job.provider].rate_limited += 1,
            _ => self.tallies[job.provider].errors += 1,
        }
        if avoidable {
            self.tell(Sight::Avoidable { tag });
        }
        self.left(slot, Left::Error { status });
        self.send(slot, Part::Error { status, retry_after, refusal, headers });
        self.leave(slot);
    }

    fn send(&self, slot: u32, part: Part) {
        if let Some(answer) = self.jobs.get(slot).and_then(|job| job.answer.as_ref()) {
            // The client may be gone; the server says so in its own time.
            let _ = answer.send(part);
        }
    }

    /// An attempt leaves; the next in the queue has its turn.
    fn leave(&mut self, slot: u32) {
        let Some(job) = self.jobs.remove(slot) else { return };
        self.by_key.remove(&job.key);
        match (job.phase, job.held) {
            (Phase::Queued, Some(held)) => self.fleet.leave_queue(self.now, job.provider, held, slot),
            (Phase::Serving { start, timing }, Some(held)) => {
                let used = timing.used(self.now.since(start), job.call.input, job.call.output);
                self.fleet.leave(self.now, job.provider, held, Some(used));
            }
            (Phase::Failing { .. }, Some(held)) => {
                self.fleet.leave(self.now, job.provider, held, Some(Cost { input: job.call.input.into(), output: 0 }));
            }
            (_, None) => {}
        }
        self.events.note_stale();
        let jobs = &self.jobs;
        self.events.compact(|target| target.kind > kind::ANSWER || jobs.is_live(target.slot, target.generation));
        while let Some(turn) = self.fleet.next_turn(self.now, job.provider) {
            let held = self.jobs.get_mut(turn.ticket).and_then(|job| job.held.take());
            let held = held.map(|mut held| {
                held.take_slot();
                held
            });
            self.serve(turn.ticket, turn.start, turn.timing, held);
        }
        self.occupancy(job.provider);
    }

    fn occupancy(&mut self, provider: usize) {
        let (in_flight, busy) = (self.fleet.mock(provider).in_flight(), self.fleet.mock(provider).busy());
        let tally = &mut self.tallies[provider];
        tally.in_flight = in_flight;
        tally.in_flight_max = tally.in_flight_max.max(in_flight);
        self.tell(Sight::Occupancy { provider, in_flight, busy });
    }

    fn tell(&mut self, sight: Sight) {
        (self.watch)(self.now, sight);
    }
}

//! Moves the state machine of `request` and `attempt` by the real clock and by what clients and providers tell.

use std::collections::HashMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::mpsc::{Receiver, Sender as Outbox, channel};

use hyper::Uri;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::RealTime;
use super::ahead::{hosted, key};
use super::answer::Ending;
use super::ask::{Ask, Origin};
use super::client::{Errand, Sender};
use super::clock::{Clock, receive};
use super::listen::Listen;
use super::mark::RunMark;
use super::mocks::{LOOPBACK, Mocks};
use super::sight::Sight;
use crate::drive::attempt::Phase;
use crate::drive::balancer::Balancer;
use crate::drive::kind;
use crate::drive::plan::Plan;
use crate::drive::queue;
use crate::drive::simulate::{DriveError, Simulation};
use crate::engine::limit::RateLimitHeaders;
use crate::engine::{AttemptResult, Outcome};
use crate::metrics::observe::{AttemptEnd, Observer};
use crate::time::Nanos;
use crate::world::provider::Call;
use crate::world::spec::{Class, Service};

/// After a request to stop, what is under way has so long to end, in scenario time.
const GRACE: Nanos = Nanos::from_secs(5);
/// Messages that are read before the clock is looked at again.
const MESSAGES: usize = 64;

/// The way to providers over HTTP.
pub(in crate::drive) struct Wire {
    inbox: Receiver<Message>,
    outbox: Outbox<Message>,
    clock: Clock,
    sender: Sender,
    /// By provider: chat completions, and the list of models.
    addresses: Vec<(Uri, Uri)>,
    /// Everything goes through someone's gateway, which stands in place of the providers.
    pub(super) via: bool,
    /// Of what goes through it.
    pub(super) mark: RunMark,
    streamed: Vec<bool>,
    /// By provider: its answers may come a little before their time.
    ahead: Vec<bool>,
    /// Such answers, by tag, until their time has come.
    early: HashMap<u64, (Ending, Option<Box<RateLimitHeaders>>)>,
    /// By class.
    models: Vec<String>,
    tasks: Handle,
    /// Kept running.
    mocks: Mocks,
}

/// An attempt's task; dropping it ends the exchange.
pub(in crate::drive) struct Exchange {
    task: AbortHandle,
    /// Whom to tell that it is over, and its name there: its mock does not see that its client goes away.
    gone: Option<(Outbox<Ask>, u64)>,
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.task.abort();
        if let Some((station, key)) = self.gone.take() {
            // Of an attempt that has left it is no news.
            let _ = station.send(Ask::Gone { key });
        }
    }
}

/// Something happened.
struct Message {
    at: Nanos,
    what: What,
}

enum What {
    FirstToken { tag: u64, headers: Option<Box<RateLimitHeaders>> },
    Ended { tag: u64, ending: Ending, headers: Option<Box<RateLimitHeaders>> },
    Seen(Sight),
    Probed { provider: usize, good: bool },
}

/// An attempt's slot and generation in one number.
fn tag(slot: u32, generation: u32) -> u64 {
    u64::from(slot) << 32 | u64::from(generation)
}

impl Wire {
    /// Starts the mock providers of a plan and everything that talks to them.
    pub fn start(plan: &Plan, real: &RealTime) -> Result<Wire, DriveError> {
        let (outbox, inbox) = channel();
        let via = real.target.is_some();
        let told = outbox.clone();
        let watch = Box::new(move |at, sight| {
            if via || !matches!(sight, Sight::Arrived { .. }) {
                // The driver may be done.
                let _ = told.send(Message { at, what: What::Seen(sight) });
            }
        });
        let listen = Listen { port: real.port, driver: !via, ..LOOPBACK };
        let mocks = Mocks::start(plan, real.time_scale, listen, watch).map_err(|why| DriveError::Mocks(why.to_string()))?;
        let uri =
            |address: &std::net::SocketAddr, path: &str| format!("http://{address}{path}").parse::<Uri>().expect("an address makes an URI");
        let streams = plan.providers.iter().map(|provider| matches!(provider.service, Service::Streamed { .. }));
        let model = real.target.as_ref().and_then(|target| target.model.as_deref());
        let named = |class: &Class| model.or(class.model.as_deref()).unwrap_or("lbsim").to_owned();
        // A client of a gateway cannot know where its request will go, and asks for a stream if it may get one.
        let (addresses, streamed) = match &real.target {
            Some(target) => {
                let gateway = (target.endpoint.clone(), target.endpoint.clone());
                let any = streams.clone().any(|streams| streams);
                (vec![gateway; plan.providers.len() + 1], vec![any; plan.providers.len() + 1])
            }
            None => {
                let address = |at| (uri(at, "/v1/chat/completions"), uri(at, "/v1/models"));
                (mocks.addresses.iter().map(address).collect(), streams.collect())
            }
        };
        Ok(Wire {
            inbox,
            outbox,
            clock: mocks.clock,
            sender: Sender::new(real.target.as_ref().map_or_else(Vec::new, |target| target.headers.clone())),
            addresses,
            via,
            mark: RunMark::draw(),
            streamed,
            ahead: if via { vec![false; plan.providers.len() + 1] } else { hosted(plan) },
            early: HashMap::new(),
            models: plan.load.classes.iter().map(named).collect(),
            tasks: mocks.handle(),
            mocks,
        })
    }

    /// Tells the mocks of a request through a gateway that is over.
    pub fn over(&self) -> Box<dyn Fn(u64)> {
        let (station, mark) = (self.station(), self.mark);
        Box::new(move |request| {
            // The station ends after its wire.
            let _ = station.send(Ask::Over { tag: mark.tag(request) });
        })
    }

    fn station(&self) -> Outbox<Ask> {
        self.mocks.station.inbox()
    }

    fn send(&self, provider: usize, class: usize, call: &Call, tag: u64) -> Exchange {
        let errand = Errand {
            uri: self.addresses[provider].0.clone(),
            model: self.models[class].clone(),
            streamed: self.streamed[provider],
            call: *call,
            // Behind a gateway an attempt may outlive the exchange that it belongs to.
            tag: if self.via { self.mark.tag(call.request) } else { tag },
            origin: if self.via { Origin::Gateway } else { Origin::Driver },
        };
        let (sender, outbox, clock) = (self.sender.clone(), self.outbox.clone(), self.clock);
        let streamed = errand.streamed;
        let task = self.tasks.spawn(async move {
            let tell = |what| {
                let _ = outbox.send(Message { at: clock.now(), what });
            };
            let first = |headers| {
                // What comes whole ends at its first token.
                if streamed {
                    tell(What::FirstToken { tag, headers });
                }
            };
            let (ending, headers) = sender.send(errand, first).await;
            tell(What::Ended { tag, ending, headers });
        });
        let gone = self.ahead[provider].then(|| (self.station(), key(tag)));
        Exchange { task: task.abort_handle(), gone }
    }

    fn probe(&self, provider: usize, patience: Nanos) {
        let (sender, outbox, clock) = (self.sender.clone(), self.outbox.clone(), self.clock);
        let (uri, patience) = (self.addresses[provider].1.clone(), clock.wall(patience));
        self.tasks.spawn(async move {
            let good = tokio::time::timeout(patience, sender.probe(uri)).await.unwrap_or(false);
            let _ = outbox.send(Message { at: clock.now(), what: What::Probed { provider, good } });
        });
    }
}

impl<O: Observer, B: Balancer> Simulation<'_, '_, O, B> {
    /// The loop of the real clock.
    pub fn run_real(&mut self) -> Result<(), DriveError> {
        let (mut open, mut next) = self.start()?;
        let mut patience = None;
        loop {
            self.hear_all()?;
            let Some(now) = self.clock() else { return Ok(()) };
            let event = self.events.peek().map(|(time, _)| time);
            let due = [next.as_ref().map(|arrival| arrival.at), event].into_iter().flatten().min();
            match next {
                Some(arrival) if arrival.at <= now && event.is_none_or(|time| arrival.at < time) => {
                    (self.now, self.due) = (now.max(self.now), arrival.at);
                    self.arrive(arrival.id, arrival.trace, None);
                    next = self.next_arrival(&mut open);
                }
                _ if event.is_some_and(|time| time <= now) => self.step(Some(now))?,
                _ => self.wait(due)?,
            }
            if self.arrivals_over && self.requests.is_empty() {
                return Ok(());
            }
            if patience.is_none() && self.stop.is_some_and(|stop| stop.load(Relaxed)) {
                // No more arrivals; what is under way may end.
                (open, next, patience) = (None, None, Some(now + GRACE));
                self.drained = true;
                self.now = self.now.max(now);
                self.arrivals_ended();
            }
            if patience.is_some_and(|until| now >= until) {
                return Ok(());
            }
        }
    }

    fn clock(&self) -> Option<Nanos> {
        self.wire.as_ref().map(|wire| wire.clock.now())
    }

    /// Waits for a message, until something is due.
    fn wait(&mut self, due: Option<Nanos>) -> Result<(), DriveError> {
        let Some(wire) = &self.wire else { return Ok(()) };
        // The wire holds an end of the channel itself, so that it is never closed.
        match receive(&wire.inbox, &wire.clock, due) {
            Ok(Some(message)) => self.hear(message),
            _ => Ok(()),
        }
    }

    /// Takes in what has happened by now.
    fn hear_all(&mut self) -> Result<(), DriveError> {
        for _ in 0..MESSAGES {
            let Some(message) = self.wire.as_ref().and_then(|wire| wire.inbox.try_recv().ok()) else { break };
            self.hear(message)?;
        }
        Ok(())
    }

    fn hear(&mut self, message: Message) -> Result<(), DriveError> {
        // What was due before it happened comes first.
        while self.events.peek().is_some_and(|(time, _)| time < message.at) {
            let due = self.events.peek().map_or(message.at, |(time, _)| time);
            self.step(Some(due))?;
        }
        self.now = self.now.max(message.at);
        self.due = self.now;
        match message.what {
            What::FirstToken { tag, headers } => self.remote_first_token(tag, headers),
            What::Ended { tag, ending, headers } if self.is_early(tag, &ending) => {
                self.wire.iter_mut().for_each(|wire| drop(wire.early.insert(tag, (ending, headers.clone()))));
            }
            What::Ended { tag, ending, headers } => self.remote_ended(tag, ending, headers),
            What::Probed { provider, good } => self.probed(provider, good),
            What::Seen(sight) => {
                self.seen(message.at, sight);
                if let Sight::Left { tag, .. } = sight
                    && let Some((ending, headers)) = self.wire.as_mut().and_then(|wire| wire.early.remove(&tag))
                {
                    self.remote_ended(tag, ending, headers);
                }
            }
        }
        Ok(())
    }

    /// Sends an attempt over HTTP.
    pub fn send_for_real(&mut self, slot: u32, call: &Call) {
        let tag = tag(slot, self.attempts.generation(slot));
        let (Some(attempt), Some(wire)) = (self.attempts.get_mut(slot), &self.wire) else { return };
        let class = self.requests.get(attempt.request).map_or(0, |live| live.sim.class as usize);
        attempt.phase = Phase::Remote { first_token: Nanos::MAX, usage: None, served: None };
        attempt.exchange = Some(wire.send(attempt.provider, class, call, tag));
    }

    /// Sends a probe over HTTP.
    pub fn probe_for_real(&mut self, provider: usize) {
        let (Some(check), Some(wire)) = (self.plan.health_check, &self.wire) else { return };
        wire.probe(provider, check.timeout);
        self.at(self.now + check.interval, queue::Class::Timer, kind::PROBE, provider as u32);
    }

    /// The slot of an attempt that is still under way.
    pub(super) fn slot_of(&self, tag: u64) -> Option<u32> {
        let (slot, generation) = ((tag >> 32) as u32, tag as u32);
        self.attempts.is_live(slot, generation).then_some(slot)
    }

    /// Whether an answer is there before the station has let it go.
    fn is_early(&self, tag: u64, ending: &Ending) -> bool {
        let Some(attempt) = self.slot_of(tag).and_then(|slot| self.attempts.get(slot)) else { return false };
        let ahead = self.wire.as_ref().is_some_and(|wire| wire.ahead[attempt.provider]);
        let answered = matches!(ending, Ending::Whole { .. } | Ending::Status { .. });
        ahead && answered && matches!(attempt.phase, Phase::Remote { served: None, .. })
    }

    fn remote_first_token(&mut self, tag: u64, headers: Option<Box<RateLimitHeaders>>) {
        let Some(slot) = self.slot_of(tag) else { return };
        let Some(attempt) = self.attempts.get_mut(slot) else { return };
        attempt.headers = headers;
        attempt.phase = Phase::Remote { first_token: self.now, usage: None, served: None };
        self.attempt_first_token(slot);
    }

    fn remote_ended(&mut self, tag: u64, ending: Ending, headers: Option<Box<RateLimitHeaders>>) {
        let Some(slot) = self.slot_of(tag) else { return };
        let now = self.now;
        let Some(attempt) = self.attempts.get_mut(slot) else { return };
        let (first_token, served) = match attempt.phase {
            Phase::Remote { first_token, served, .. } => (first_token, served),
            _ => (Nanos::MAX, None),
        };
        let took = now.since(attempt.sent);
        let begun = first_token != Nanos::MAX;
        let retry_after = headers.as_ref().and_then(|headers| headers.retry_after);
        // The head of a stream was read with its first token.
        attempt.headers = headers.filter(|_| !begun);
        self.note_answer(slot, ending.answer());
        let Some(attempt) = self.attempts.get_mut(slot) else { return };
        // Its time limit is still scheduled.
        match ending {
            Ending::Whole { usage } => {
                attempt.phase = Phase::Remote { first_token: first_token.min(now), usage, served };
                self.note_overhead(slot, took, served);
                self.note_stale();
                self.attempt_done(slot);
            }
            Ending::Status { status, refusal } => {
                attempt.phase = Phase::Failing { status, retry_after, refusal };
                self.note_stale();
                self.attempt_answered(slot);
            }
            Ending::Broken(_) if begun => {
                let request = attempt.request;
                let outcome = Outcome::new(AttemptResult::Interrupted);
                self.note_stale();
                self.end_attempt(slot, outcome, AttemptEnd::Failed { status: 0 });
                self.request_failed_attempt(request, &outcome);
            }
            Ending::Broken(_) => {
                attempt.phase = Phase::Refused;
                self.note_stale();
                self.attempt_answered(slot);
            }
        }
    }
}

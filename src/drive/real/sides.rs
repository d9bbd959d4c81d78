//! Both sides of a gateway in one report: requests as clients see them, attempts as the providers see them.
//!
//! The state machine deals with the gateway as with one provider; what it tells of that is the clients' side. What the mock
//! providers see comes from them and is the other. Here the two are put together by the number of the request.

use std::collections::HashMap;

use crate::metrics::observe::{Answer, AttemptEnd, AttemptKind, Observer, RequestEnd, RequestInfo};
use crate::time::Nanos;

/// The number of requests that reached a provider without a label.
pub const UNKNOWN: u64 = u64::MAX;

/// An observer between the state machine and the one that keeps the figures.
pub struct Sides<'o, O> {
    observer: &'o mut O,
    /// Index of the gateway: those before it are providers.
    gateway: usize,
    warmup: Nanos,
    now: Nanos,
    live: HashMap<u64, Journey>,
    /// Attempts of measured requests that came without a label.
    unlabelled: u64,
    /// Told of each request of which nothing more is to come.
    over: Box<dyn Fn(u64)>,
}

/// A request on its way.
struct Journey {
    info: RequestInfo,
    /// When the client sent it.
    sent: Nanos,
    /// Whether the client still waits.
    waiting: bool,
    /// How the exchange with the gateway ended.
    last: Option<AttemptEnd>,
    /// Attempts that reached a provider.
    attempts: u32,
    /// How long a provider was meant to take, of the last successful one.
    served: Option<Nanos>,
    /// Those still there: provider, and when they came.
    open: Vec<(usize, Nanos)>,
}

impl Journey {
    fn new(info: RequestInfo) -> Journey {
        Journey { info, sent: info.intended, waiting: true, last: None, attempts: 0, served: None, open: Vec::new() }
    }

    /// The request of an attempt that came to a provider at `sent`. Those without a label have only their number in common.
    fn info_of(&self, sent: Nanos, warmup: Nanos) -> RequestInfo {
        match self.info.id {
            UNKNOWN => RequestInfo { intended: sent, measured: sent >= warmup, ..self.info },
            _ => self.info,
        }
    }
}

impl<'o, O: Observer> Sides<'o, O> {
    /// In front of `observer`; `over` is told of each request of which nothing more is to come.
    pub fn new(observer: &'o mut O, gateway: usize, warmup: Nanos, over: Box<dyn Fn(u64)>) -> Sides<'o, O> {
        Sides { observer, gateway, warmup, now: Nanos::ZERO, live: HashMap::new(), unlabelled: 0, over }
    }

    /// Attempts that reached a provider without a label, warm-up excluded.
    pub fn unlabelled(&self) -> u64 {
        self.unlabelled
    }

    /// The journey of a request; one that is over, or has no label, begins anew with what is known.
    fn journey(&mut self, id: u64) -> &mut Journey {
        let (now, warmup) = (self.now, self.warmup);
        self.live.entry(id).or_insert_with(|| {
            let info = RequestInfo { id, intended: now, class: 0, measured: now >= warmup, input: 0, output: 0 };
            Journey { waiting: false, ..Journey::new(info) }
        })
    }

    /// Forgets a request when nothing of it is under way.
    fn tidy(&mut self, id: u64) {
        if self.live.get(&id).is_some_and(|journey| !journey.waiting && journey.open.is_empty()) {
            self.live.remove(&id);
            (self.over)(id);
        }
    }

    /// How a request ended for its client: refused by a gateway that never sent it anywhere, it was shed.
    fn judge(journey: &Journey, end: RequestEnd) -> RequestEnd {
        let refused = matches!(journey.last, Some(AttemptEnd::RateLimited | AttemptEnd::Failed { status: 503 }));
        match end {
            RequestEnd::Failed if refused && journey.attempts == 0 => RequestEnd::Shed,
            end => end,
        }
    }
}

impl<O: Observer> Observer for Sides<'_, O> {
    fn offered(&mut self, request: &RequestInfo) {
        self.live.insert(request.id, Journey::new(*request));
        self.observer.offered(request);
    }

    fn lagged(&mut self, request: &RequestInfo, lag: Nanos) {
        self.observer.lagged(request, lag);
    }

    fn answered(&mut self, request: &RequestInfo, answer: Answer) {
        self.observer.answered(request, answer);
    }

    fn sent(&mut self, now: Nanos, request: &RequestInfo, provider: usize, _kind: AttemptKind) {
        self.now = now;
        if provider == self.gateway {
            self.journey(request.id).sent = now;
            return;
        }
        let warmup = self.warmup;
        let journey = self.journey(request.id);
        let kind = if journey.attempts == 0 || request.id == UNKNOWN { AttemptKind::First } else { AttemptKind::Retry };
        journey.attempts += 1;
        journey.open.push((provider, now));
        let info = journey.info_of(now, warmup);
        self.unlabelled += u64::from(request.id == UNKNOWN && info.measured);
        self.observer.sent(now, &info, provider, kind);
    }

    fn started(&mut self, now: Nanos, request: &RequestInfo, provider: usize, sent: Nanos) {
        if provider != self.gateway {
            let info = self.journey(request.id).info;
            self.observer.started(now, &info, provider, sent);
        }
    }

    fn attempt_ended(&mut self, now: Nanos, request: &RequestInfo, provider: usize, sent: Nanos, end: AttemptEnd) {
        self.now = now;
        let at_gateway = provider == self.gateway;
        let warmup = self.warmup;
        let journey = self.journey(request.id);
        if at_gateway {
            journey.last = Some(end);
            return;
        }
        let Some(place) = journey.open.iter().position(|open| *open == (provider, sent)) else { return };
        journey.open.swap_remove(place);
        // A gateway that hung up while its client waited has lost patience.
        let end = match end {
            AttemptEnd::Abandoned if journey.waiting => AttemptEnd::TimedOut,
            end => end,
        };
        let info = journey.info_of(sent, warmup);
        self.observer.attempt_ended(now, &info, provider, sent, end);
        self.tidy(request.id);
    }

    /// `added`: how long the provider was meant to take.
    fn overhead(&mut self, request: &RequestInfo, added: Nanos) {
        self.journey(request.id).served = Some(added);
    }

    fn refused_avoidably(&mut self, request: &RequestInfo) {
        let info = self.journey(request.id).info;
        self.observer.refused_avoidably(&info);
    }

    fn ended(&mut self, now: Nanos, request: &RequestInfo, end: RequestEnd) {
        self.now = now;
        let Some(journey) = self.live.get_mut(&request.id) else { return };
        journey.waiting = false;
        if let (RequestEnd::Succeeded { .. }, 1, Some(served)) = (end, journey.attempts, journey.served) {
            // What several attempts took is not the gateway's part alone.
            self.observer.overhead(request, now.since(journey.sent).since(served));
        }
        let end = Self::judge(journey, end);
        self.observer.ended(now, request, end);
        self.tidy(request.id);
    }

    fn occupancy(&mut self, now: Nanos, provider: usize, in_flight: u32, busy: u32) {
        if provider != self.gateway {
            self.observer.occupancy(now, provider, in_flight, busy);
        }
    }

    fn ejected(&mut self, _now: Nanos, _provider: usize) {}

    fn readmitted(&mut self, _now: Nanos, _provider: usize) {}

    fn decision_timed(&mut self, _nanos: u64) {}

    fn arrivals_ended(&mut self, now: Nanos) {
        self.observer.arrivals_ended(now);
    }

    fn finished(&mut self, now: Nanos) {
        // What a gateway still does for clients that have gone is cut off with the run.
        for journey in self.live.values_mut() {
            for (provider, sent) in std::mem::take(&mut journey.open) {
                let info = journey.info_of(sent, self.warmup);
                self.observer.attempt_ended(now.max(sent), &info, provider, sent, AttemptEnd::Abandoned);
            }
        }
        self.observer.finished(now);
    }
}

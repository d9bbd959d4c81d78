//! Both sides of a gateway in one report: requests as clients see them, attempts as the providers see them.
//!
//! The state machine deals with the gateway as with one provider; what it tells of that is the clients' side. What the mock
//! providers see comes from them, with their time, and is the other. Here the two are put together by the number of the request.
//!
//! A gateway may go on with a request whose client has its answer or has gone. Requests are remembered for a while after their
//! end, so that such an attempt counts as what it is: one more of that request, with its class and its sizes.

use std::collections::{HashMap, VecDeque};

use crate::metrics::observe::{Answer, AttemptEnd, AttemptKind, Observer, RequestEnd, RequestInfo};
use crate::metrics::quota::Admitted;
use crate::time::Nanos;

/// The number of requests that reached a provider without a label of this run.
pub const UNKNOWN: u64 = u64::MAX;
/// So many requests are remembered after their end.
const REMEMBERED: usize = 10_000;

/// An observer between the state machine and the one that keeps the figures.
pub struct Sides<'o, O> {
    observer: &'o mut O,
    /// Index of the gateway: those before it are providers.
    gateway: usize,
    warmup: Nanos,
    journeys: HashMap<u64, Journey>,
    /// Those that are over, the oldest first.
    past: VecDeque<u64>,
    /// Measured attempts that came without a label of this run.
    unlabelled: u64,
    /// Told of each request that is forgotten.
    over: Box<dyn Fn(u64)>,
}

/// A request on its way, or lately.
struct Journey {
    info: RequestInfo,
    /// When the client sent it.
    sent: Nanos,
    /// Whether the client still waits.
    waiting: bool,
    /// How the exchange with the gateway ended, and when.
    last: Option<(Nanos, AttemptEnd)>,
    /// Attempts that reached a provider.
    attempts: u32,
    /// How long a provider was meant to take, of the last successful one.
    served: Option<Nanos>,
    /// Those still there: provider, and when they came.
    open: Vec<(usize, Nanos)>,
    /// It stands among those that are over.
    past: bool,
}

impl Journey {
    fn new(info: RequestInfo) -> Journey {
        Journey { info, sent: info.intended, waiting: true, last: None, attempts: 0, served: None, open: Vec::new(), past: false }
    }

    /// The request of an attempt that came to a provider at `sent`. Those without a label have only their number in common.
    fn info_of(&self, sent: Nanos, warmup: Nanos) -> RequestInfo {
        match self.info.id {
            UNKNOWN => RequestInfo { intended: sent, measured: sent >= warmup, ..self.info },
            _ => self.info,
        }
    }

    fn is_over(&self) -> bool {
        !self.waiting && self.open.is_empty()
    }

    /// Whether the client's patience ended during an attempt that came at `sent`.
    fn timed_out(&self, sent: Nanos) -> bool {
        matches!(self.last, Some((at, AttemptEnd::TimedOut)) if sent <= at)
    }

    /// How an attempt ended for its provider: a gateway that hung up for no client that had gone lost patience.
    fn attempt_end(&self, sent: Nanos, end: AttemptEnd) -> AttemptEnd {
        match end {
            // One that goes on with its client's request has lost patience, unless another attempt has been served: a hedge.
            AttemptEnd::Abandoned if (self.waiting && self.served.is_none()) || self.timed_out(sent) => AttemptEnd::TimedOut,
            end => end,
        }
    }

    /// How a request ended for its client: refused by a gateway that never sent it anywhere, it was shed.
    fn request_end(&self, end: RequestEnd) -> RequestEnd {
        let refused = matches!(self.last, Some((_, AttemptEnd::RateLimited | AttemptEnd::Failed { status: 503 })));
        match end {
            RequestEnd::Failed if refused && self.attempts == 0 => RequestEnd::Shed,
            end => end,
        }
    }
}

impl<'o, O: Observer> Sides<'o, O> {
    /// In front of `observer`; `over` is told of each request of which nothing more is expected.
    pub fn new(observer: &'o mut O, gateway: usize, warmup: Nanos, over: Box<dyn Fn(u64)>) -> Sides<'o, O> {
        Sides { observer, gateway, warmup, journeys: HashMap::new(), past: VecDeque::new(), unlabelled: 0, over }
    }

    /// Measured attempts that reached a provider without a label of this run.
    pub fn unlabelled(&self) -> u64 {
        self.unlabelled
    }

    /// The journey of a request. One that has been forgotten goes with those that have no label: nothing is known of it any more.
    fn journey(&mut self, id: u64) -> &mut Journey {
        let id = if self.journeys.contains_key(&id) { id } else { UNKNOWN };
        self.journeys.entry(id).or_insert_with(|| {
            let info = RequestInfo { id, intended: Nanos::ZERO, class: 0, measured: false, input: 0, output: 0 };
            Journey { waiting: false, ..Journey::new(info) }
        })
    }

    /// Counts a request among those that are over when nothing of it is under way, and forgets the oldest.
    fn tidy(&mut self, id: u64) {
        let Some(journey) = self.journeys.get_mut(&id).filter(|journey| journey.is_over() && id != UNKNOWN) else { return };
        if !std::mem::replace(&mut journey.past, true) {
            self.past.push_back(id);
        }
        while self.past.len() > REMEMBERED {
            let Some(oldest) = self.past.pop_front() else { return };
            match self.journeys.get_mut(&oldest) {
                // It is on its way again, and will be counted anew.
                Some(journey) if !journey.is_over() => journey.past = false,
                _ => {
                    self.journeys.remove(&oldest);
                    (self.over)(oldest);
                }
            }
        }
    }

    fn attempt_arrives(&mut self, now: Nanos, id: u64, provider: usize) {
        let warmup = self.warmup;
        let journey = self.journey(id);
        let known = journey.info.id != UNKNOWN;
        let kind = if known && journey.attempts > 0 { AttemptKind::Retry } else { AttemptKind::First };
        journey.attempts = journey.attempts.saturating_add(1);
        journey.open.push((provider, now));
        let info = journey.info_of(now, warmup);
        self.unlabelled += u64::from(!known && info.measured);
        self.observer.sent(now, &info, provider, kind);
    }

    fn attempt_leaves(&mut self, now: Nanos, id: u64, provider: usize, sent: Nanos, end: AttemptEnd) {
        let warmup = self.warmup;
        let mut journey = self.journey(id);
        let mut place = journey.open.iter().position(|open| *open == (provider, sent));
        if place.is_none() {
            // It came when its request had been forgotten.
            journey = self.journey(UNKNOWN);
            place = journey.open.iter().position(|open| *open == (provider, sent));
        }
        let Some(place) = place else { return debug_assert!(false, "an attempt leaves where it came") };
        journey.open.swap_remove(place);
        let (info, end) = (journey.info_of(sent, warmup), journey.attempt_end(sent, end));
        if end == AttemptEnd::RateLimited {
            self.observer.returned(&info, provider, sent, Admitted::whole(&info));
        }
        self.observer.attempt_ended(now, &info, provider, sent, end);
        self.tidy(id);
    }
}

/// `now` of what happens at a provider is the time there.
impl<O: Observer> Observer for Sides<'_, O> {
    fn offered(&mut self, request: &RequestInfo) {
        self.journeys.insert(request.id, Journey::new(*request));
        self.observer.offered(request);
    }

    fn lagged(&mut self, request: &RequestInfo, lag: Nanos) {
        self.observer.lagged(request, lag);
    }

    fn answered(&mut self, request: &RequestInfo, answer: Answer) {
        self.observer.answered(request, answer);
    }

    fn sent(&mut self, now: Nanos, request: &RequestInfo, provider: usize, _kind: AttemptKind) {
        if provider == self.gateway {
            self.journey(request.id).sent = now;
        } else {
            self.attempt_arrives(now, request.id, provider);
        }
    }

    fn started(&mut self, now: Nanos, request: &RequestInfo, provider: usize, sent: Nanos) {
        if provider != self.gateway {
            let warmup = self.warmup;
            let info = self.journey(request.id).info_of(sent, warmup);
            self.observer.started(now, &info, provider, sent);
        }
    }

    fn attempt_ended(&mut self, now: Nanos, request: &RequestInfo, provider: usize, sent: Nanos, end: AttemptEnd) {
        if provider == self.gateway {
            self.journey(request.id).last = Some((now, end));
        } else {
            self.attempt_leaves(now, request.id, provider, sent, end);
        }
    }

    /// `added`: how long the provider was meant to take.
    fn overhead(&mut self, request: &RequestInfo, added: Nanos) {
        self.journey(request.id).served = Some(added);
    }

    fn refused_avoidably(&mut self, request: &RequestInfo) {
        let warmup = self.warmup;
        let info = self.journey(request.id).info_of(request.intended, warmup);
        self.observer.refused_avoidably(&info);
    }

    fn ended(&mut self, now: Nanos, request: &RequestInfo, end: RequestEnd) {
        let Some(journey) = self.journeys.get_mut(&request.id) else { return };
        journey.waiting = false;
        if let (RequestEnd::Succeeded { .. }, 1, Some(served)) = (end, journey.attempts, journey.served) {
            // What several attempts took is not the gateway's part alone.
            self.observer.overhead(request, now.since(journey.sent).since(served));
        }
        let end = journey.request_end(end);
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
        for journey in self.journeys.values_mut() {
            for (provider, sent) in std::mem::take(&mut journey.open) {
                let info = journey.info_of(sent, self.warmup);
                let end = if journey.timed_out(sent) { AttemptEnd::TimedOut } else { AttemptEnd::Abandoned };
                self.observer.attempt_ended(now.max(sent), &info, provider, sent, end);
            }
        }
        self.observer.finished(now);
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::*;

    const GATEWAY: usize = 2;
    const WARMUP: Nanos = Nanos::from_secs(10);

    /// What reached the figures, a line each.
    #[derive(Default)]
    struct Log(Vec<String>);

    impl Log {
        fn add(&mut self, line: String) {
            self.0.push(line);
        }
    }

    fn name(request: &RequestInfo) -> String {
        let id = if request.id == UNKNOWN { "?".to_owned() } else { request.id.to_string() };
        format!("{id}{}", if request.measured { "" } else { " (warm-up)" })
    }

    impl Observer for Log {
        fn offered(&mut self, request: &RequestInfo) {
            self.add(format!("offered {}", name(request)));
        }
        fn overhead(&mut self, request: &RequestInfo, added: Nanos) {
            self.add(format!("overhead {} {added:?}", name(request)));
        }
        fn sent(&mut self, _now: Nanos, request: &RequestInfo, provider: usize, kind: AttemptKind) {
            self.add(format!("{kind:?} {} at {provider}", name(request)));
        }
        fn started(&mut self, _now: Nanos, _request: &RequestInfo, _provider: usize, _sent: Nanos) {}
        fn attempt_ended(&mut self, _now: Nanos, request: &RequestInfo, provider: usize, _sent: Nanos, end: AttemptEnd) {
            self.add(format!("{end:?} {} at {provider}", name(request)));
        }
        fn ended(&mut self, _now: Nanos, request: &RequestInfo, end: RequestEnd) {
            let end = format!("{end:?}");
            self.add(format!("end {}: {}", name(request), end.split(' ').next().unwrap_or_default()));
        }
        fn occupancy(&mut self, _now: Nanos, _provider: usize, _in_flight: u32, _busy: u32) {}
        fn ejected(&mut self, _now: Nanos, _provider: usize) {}
        fn readmitted(&mut self, _now: Nanos, _provider: usize) {}
        fn decision_timed(&mut self, _nanos: u64) {}
        fn arrivals_ended(&mut self, _now: Nanos) {}
        fn finished(&mut self, _now: Nanos) {
            self.add("finished".to_owned());
        }
    }

    fn ms(ms: u64) -> Nanos {
        WARMUP + Nanos::from_millis(ms)
    }

    fn request(id: u64) -> RequestInfo {
        RequestInfo { id, intended: ms(0), class: 0, measured: true, input: 3, output: 4 }
    }

    const GOOD: RequestEnd = RequestEnd::Succeeded { first_token: Nanos::ZERO };

    /// What the figures are told of what `happens`, and which requests were forgotten.
    fn told(happens: impl FnOnce(&mut Sides<'_, Log>)) -> (Vec<String>, Vec<u64>) {
        let mut log = Log::default();
        let forgotten = Rc::new(RefCell::new(Vec::new()));
        let over = Rc::clone(&forgotten);
        let mut sides = Sides::new(&mut log, GATEWAY, WARMUP, Box::new(move |id| over.borrow_mut().push(id)));
        happens(&mut sides);
        drop(sides);
        (log.0, forgotten.take())
    }

    /// A request goes to the gateway.
    fn send(sides: &mut Sides<'_, Log>, id: u64) {
        sides.offered(&request(id));
        sides.sent(ms(1), &request(id), GATEWAY, AttemptKind::First);
    }

    #[test]
    fn the_gateway_itself_is_no_provider_and_its_part_is_what_no_provider_took() {
        let (lines, _) = told(|sides| {
            send(sides, 0);
            sides.sent(ms(3), &request(0), 1, AttemptKind::First);
            sides.overhead(&request(0), Nanos::from_millis(20));
            sides.attempt_ended(ms(23), &request(0), 1, ms(3), AttemptEnd::Succeeded);
            sides.attempt_ended(ms(26), &request(0), GATEWAY, ms(1), AttemptEnd::Succeeded);
            sides.ended(ms(26), &request(0), GOOD);
        });
        assert_eq!(lines, ["offered 0", "First 0 at 1", "Succeeded 0 at 1", "overhead 0 Nanos(5000000)", "end 0: Succeeded"]);
    }

    #[test]
    fn what_a_gateway_does_late_belongs_to_its_request() {
        // The client gives up, and the gateway tries the next provider; that attempt is cut off with the run.
        let (lines, _) = told(|sides| {
            send(sides, 7);
            sides.sent(ms(3), &request(7), 0, AttemptKind::First);
            sides.attempt_ended(ms(50), &request(7), GATEWAY, ms(1), AttemptEnd::TimedOut);
            sides.ended(ms(50), &request(7), RequestEnd::Failed);
            sides.attempt_ended(ms(51), &request(7), 0, ms(3), AttemptEnd::Abandoned);
            sides.sent(ms(52), &request(7), 1, AttemptKind::First);
            sides.finished(ms(60));
        });
        let want = ["offered 7", "First 7 at 0", "end 7: Failed", "TimedOut 7 at 0", "Retry 7 at 1", "Abandoned 7 at 1", "finished"];
        assert_eq!(lines, want);
    }

    #[test]
    fn whose_patience_ended_is_told_apart() {
        // The gateway hangs up while the client waits; in the second case the client goes first.
        let (lines, _) = told(|sides| {
            send(sides, 0);
            sides.sent(ms(3), &request(0), 0, AttemptKind::First);
            sides.attempt_ended(ms(9), &request(0), 0, ms(3), AttemptEnd::Abandoned);
            send(sides, 1);
            sides.sent(ms(3), &request(1), 0, AttemptKind::First);
            sides.attempt_ended(ms(8), &request(1), GATEWAY, ms(1), AttemptEnd::Abandoned);
            sides.ended(ms(8), &request(1), RequestEnd::Unfinished { cancelled: true });
            sides.attempt_ended(ms(9), &request(1), 0, ms(3), AttemptEnd::Abandoned);
        });
        assert_eq!(lines[2], "TimedOut 0 at 0");
        assert_eq!(lines[5..], ["end 1: Unfinished", "Abandoned 1 at 0"]);
    }

    #[test]
    fn a_hedge_that_lost_is_abandoned_whether_the_client_has_its_answer_yet_or_not() {
        let (lines, _) = told(|sides| {
            send(sides, 0);
            sides.sent(ms(3), &request(0), 0, AttemptKind::First);
            sides.sent(ms(3), &request(0), 1, AttemptKind::First);
            sides.overhead(&request(0), Nanos::from_millis(5));
            sides.attempt_ended(ms(8), &request(0), 0, ms(3), AttemptEnd::Succeeded);
            sides.attempt_ended(ms(9), &request(0), 1, ms(3), AttemptEnd::Abandoned);
        });
        assert_eq!(lines[3..], ["Succeeded 0 at 0", "Abandoned 0 at 1"]);
    }

    #[test]
    fn a_refusal_of_the_gateways_own_is_shed_and_one_of_a_provider_is_none() {
        let (lines, _) = told(|sides| {
            for (id, end) in
                [(0, AttemptEnd::RateLimited), (1, AttemptEnd::Failed { status: 503 }), (2, AttemptEnd::Failed { status: 500 })]
            {
                send(sides, id);
                sides.attempt_ended(ms(2), &request(id), GATEWAY, ms(1), end);
                sides.ended(ms(2), &request(id), RequestEnd::Failed);
            }
            send(sides, 3);
            sides.sent(ms(2), &request(3), 0, AttemptKind::First);
            sides.attempt_ended(ms(2), &request(3), 0, ms(2), AttemptEnd::RateLimited);
            sides.attempt_ended(ms(2), &request(3), GATEWAY, ms(1), AttemptEnd::RateLimited);
            sides.ended(ms(2), &request(3), RequestEnd::Failed);
        });
        let ends: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("end ")).collect();
        assert_eq!(ends, ["0: Shed", "1: Shed", "2: Failed", "3: Failed"]);
    }

    #[test]
    fn strangers_count_by_the_time_of_each_attempt() {
        let (lines, _) = told(|sides| {
            let before = Nanos::from_secs(9);
            sides.sent(before, &request(UNKNOWN), 0, AttemptKind::First);
            sides.sent(ms(1), &request(UNKNOWN), 0, AttemptKind::First);
            assert_eq!(sides.unlabelled(), 1);
            sides.attempt_ended(ms(2), &request(UNKNOWN), 0, before, AttemptEnd::Succeeded);
            sides.attempt_ended(ms(3), &request(UNKNOWN), 0, ms(1), AttemptEnd::RateLimited);
        });
        assert_eq!(lines, ["First ? (warm-up) at 0", "First ? at 0", "Succeeded ? (warm-up) at 0", "RateLimited ? at 0"]);
    }

    #[test]
    fn requests_are_forgotten_in_order_and_what_still_comes_of_them_is_a_strangers() {
        let many = REMEMBERED as u64;
        let (lines, forgotten) = told(|sides| {
            for id in 0..=many + 1 {
                send(sides, id);
                // The second is still at a provider.
                if id == 1 {
                    sides.sent(ms(2), &request(id), 0, AttemptKind::First);
                }
                sides.ended(ms(5), &request(id), RequestEnd::Failed);
            }
            assert_eq!(sides.journeys.len(), REMEMBERED + 1);
            sides.sent(ms(6), &request(0), 1, AttemptKind::First);
            sides.attempt_ended(ms(7), &request(0), 1, ms(6), AttemptEnd::Succeeded);
            sides.attempt_ended(ms(8), &request(1), 0, ms(2), AttemptEnd::Succeeded);
            assert_eq!(sides.unlabelled(), 1);
        });
        assert_eq!(lines[lines.len() - 3..], ["First ? at 1", "Succeeded ? at 1", "Succeeded 1 at 0"]);
        assert_eq!(forgotten, [0, 2]);
    }
}

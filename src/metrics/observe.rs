//! What a driver tells about a run while it happens. Both drivers emit the same events.

use super::quota::Admitted;
use crate::engine::{Strategy, Trace};
use crate::time::Nanos;

/// A request, as far as statistics care.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RequestInfo {
    /// Position in the order of arrivals, warm-up included.
    pub id: u64,
    /// When it was meant to arrive.
    pub intended: Nanos,
    /// Index of its class.
    pub class: u16,
    /// False for requests of the warm-up.
    pub measured: bool,
    /// Input tokens.
    pub input: u32,
    /// True output tokens after the cut at `max_tokens`.
    pub output: u32,
}

/// Which try of a request an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptKind {
    /// The first.
    First,
    /// After a failed one.
    Retry,
    /// Beside one that is still running.
    Hedge,
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttemptEnd {
    /// The whole answer arrived.
    Succeeded,
    /// The provider answered 429.
    RateLimited,
    /// The provider answered another error status, or refused the connection (status 0).
    Failed {
        /// HTTP status; 0 for a connection error.
        status: u16,
    },
    /// The balancer gave up waiting.
    TimedOut,
    /// The client went away, another attempt of the request won, or the run was cut off.
    Abandoned,
}

/// What came back over HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Answer {
    /// A status; of a success, with a whole answer.
    Status(u16),
    /// No answer that can be used.
    Broken(Broken),
}

/// Why an answer cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Broken {
    /// No connection.
    Connect,
    /// The connection ended before the answer did.
    Cut,
    /// It is no answer of a chat completion.
    Garbage,
    /// It is larger than any answer.
    TooLarge,
    /// It was not there in time.
    TimedOut,
}

impl Broken {
    /// The stable word for it in reports.
    pub fn word(self) -> &'static str {
        match self {
            Broken::Connect => "no-connection",
            Broken::Cut => "cut-off",
            Broken::Garbage => "garbage",
            Broken::TooLarge => "too-large",
            Broken::TimedOut => "timed-out",
        }
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Answer::Status(status) => write!(to, "{status}"),
            Answer::Broken(broken) => to.write_str(broken.word()),
        }
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum RequestEnd {
    /// The client got its answer at `now`.
    Succeeded {
        /// When the first token of the successful attempt arrived.
        first_token: Nanos,
    },
    /// The last attempt failed.
    Failed,
    /// The balancer refused it; it never reached a provider.
    Shed,
    /// Cut off before its end.
    Unfinished {
        /// The client went away (not: the run was interrupted).
        cancelled: bool,
    },
}

/// Receives the events of one run, in order of time. Every method may be called for requests of the warm-up too.
pub trait Observer {
    /// A request arrived.
    fn offered(&mut self, request: &RequestInfo);
    /// In real time: the driver dealt with an arrival so much after its intended time.
    fn lagged(&mut self, _request: &RequestInfo, _lag: Nanos) {}
    /// In real time: what came back over HTTP for an attempt, or for a request that went to a gateway.
    fn answered(&mut self, _request: &RequestInfo, _answer: Answer) {}
    /// In real time: a whole answer took so much longer than the providers were meant to take for it.
    fn overhead(&mut self, _request: &RequestInfo, _added: Nanos) {}
    /// An attempt was sent to `provider`.
    fn sent(&mut self, now: Nanos, request: &RequestInfo, provider: usize, kind: AttemptKind);
    /// An attempt that was sent at `sent` began to be served.
    fn started(&mut self, now: Nanos, request: &RequestInfo, provider: usize, sent: Nanos);
    /// An attempt that was sent at `sent` ended.
    fn attempt_ended(&mut self, now: Nanos, request: &RequestInfo, provider: usize, sent: Nanos, end: AttemptEnd);
    /// Of the quota that an attempt, sent at `sent`, was taken to use, so much was left: all of it where it was not admitted,
    /// whether or not its client stayed for the refusal, and the tokens of an answer that broke off.
    fn returned(&mut self, _request: &RequestInfo, _provider: usize, _sent: Nanos, _unused: Admitted) {}
    /// An attempt that ends with a 429 got it although another provider of its model had quota for it: a mistake of the balancer.
    fn refused_avoidably(&mut self, _request: &RequestInfo) {}
    /// A request that was shed had been told when to come back; `error` is how far that was from the first moment at which it
    /// could have been sent, known only now.
    fn came_back(&mut self, _request: &RequestInfo, _error: Nanos) {}
    /// A request ended. Every offered request ends exactly once.
    fn ended(&mut self, now: Nanos, request: &RequestInfo, end: RequestEnd);
    /// From `now` on, `in_flight` attempts are at `provider` (queued or in service) and `busy` of its slots are taken.
    fn occupancy(&mut self, now: Nanos, provider: usize, in_flight: u32, busy: u32);
    /// The engine of a replica took `provider` out for failing.
    fn ejected(&mut self, now: Nanos, provider: usize);
    /// The engine of a replica took `provider` back.
    fn readmitted(&mut self, now: Nanos, provider: usize);
    /// From `now` on a provider takes part, or does not: an event of the scenario. At the start those do that are not drained.
    fn enabled(&mut self, _now: Nanos, _provider: usize, _on: bool) {}
    /// At the very end an engine still held so many leases of `provider`, which should be none.
    fn left_over(&mut self, _provider: usize, _leases: u32) {}
    /// Wall-clock nanoseconds of one sampled pick, timer cost included.
    fn decision_timed(&mut self, nanos: u64);
    /// The last arrival has happened: rates and time means end here.
    fn arrivals_ended(&mut self, now: Nanos);
    /// The run is over.
    fn finished(&mut self, now: Nanos);
}

/// Receives every decision of a run, in order, with its reasons.
pub trait DecisionSink {
    /// One decision.
    fn decision(&mut self, record: &DecisionRecord<'_>);
}

/// One decision.
#[derive(Clone, Copy, Debug)]
pub struct DecisionRecord<'a> {
    /// When.
    pub now: Nanos,
    /// Request id.
    pub request: u64,
    /// Which attempt it is for, from 1.
    pub attempt: u32,
    /// Which strategy decided.
    pub strategy: Strategy,
    /// What was decided.
    pub decision: DecisionView,
    /// Short stable word for the whole decision: `ok`, or what holds the provider that comes back first.
    pub why: &'static str,
    /// Every provider, in file order.
    pub trace: &'a Trace,
}

/// What was decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionView {
    /// Send to this provider.
    Send(usize),
    /// Nothing can take it now.
    Wait {
        /// Ask again then; `None`: after the next settle.
        until: Option<Nanos>,
    },
    /// Nothing can ever take it.
    Refuse,
}

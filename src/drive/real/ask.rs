//! What the servers and the station say to each other.

use std::sync::mpsc::SyncSender;

use tokio::sync::{mpsc, oneshot};

use super::stats::Tally;
use crate::engine::RefusalKind;
use crate::engine::limit::RateLimitHeaders;
use crate::time::Nanos;
use crate::world::provider::Call;

/// What a server asks.
#[derive(Debug)]
pub enum Ask {
    /// An attempt has reached a provider.
    Arrive(Arrival),
    /// Its client went away.
    Gone {
        /// As in [`Arrival::key`].
        key: u64,
    },
    /// A health probe has reached a provider: an answer after some time, good or bad; `None`: never.
    Probe {
        /// Which.
        provider: usize,
        /// Where the answer goes.
        answer: Tell<Option<(Nanos, bool)>>,
    },
    /// What has been counted so far.
    Stats {
        /// Where scenario time and counts go.
        answer: oneshot::Sender<(Nanos, Vec<Tally>)>,
    },
    /// Count from zero again.
    Reset {
        /// Scenario time, events and limits start over, too; what is under way ends without an answer.
        clock: bool,
        /// Told when it is done.
        done: oneshot::Sender<()>,
    },
    /// A request whose attempts came through a gateway is over: they need not be numbered any more.
    Over {
        /// As in [`Arrival::tag`].
        tag: u64,
    },
    /// The end.
    Stop,
}

/// An attempt that has reached a provider.
#[derive(Debug)]
pub struct Arrival {
    /// Unique among all that have not been answered.
    pub key: u64,
    /// Which provider.
    pub provider: usize,
    /// What it asks for.
    pub call: Call,
    /// Who sent it.
    pub origin: Origin,
    /// The driver's name for it, echoed in [`Sight`](super::sight::Sight).
    pub tag: u64,
    /// Its client says that it has tried before.
    pub again: bool,
    /// Where the answer goes.
    pub answer: Tale,
}

/// How an answer is told.
#[derive(Debug)]
pub enum Tale {
    /// Its parts, each when it is due.
    WhenDue(mpsc::UnboundedSender<Part>),
    /// Its end, at once, and when that is due: for answers in one piece that wait for no slot. What has to wait is not told.
    Ahead(SyncSender<(Nanos, Part)>),
}

/// Where a single answer goes.
#[derive(Debug)]
pub enum Tell<T> {
    /// To a task.
    Task(oneshot::Sender<T>),
    /// To a thread that waits.
    Thread(SyncSender<T>),
}

impl<T> Tell<T> {
    /// Answers; nobody may wait any more.
    pub fn tell(self, what: T) {
        match self {
            Tell::Task(task) => drop(task.send(what)),
            Tell::Thread(thread) => drop(thread.try_send(what)),
        }
    }
}

/// Who sent an attempt, and so what of its [`Call`] is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Our driver itself: all of it is.
    Driver,
    /// Our driver through someone's gateway: not which attempt of its request it is.
    Gateway,
    /// Someone else: neither is the number of the request.
    Stranger,
}

/// Part of an answer, due now.
#[derive(Debug)]
pub enum Part {
    /// The first token; the last one follows `rest` later.
    First {
        /// Rate-limit headers, if the provider shows them.
        headers: Option<Box<RateLimitHeaders>>,
        /// From the first to the last token.
        rest: Nanos,
    },
    /// The last byte.
    Done {
        /// For answers that come whole.
        headers: Option<Box<RateLimitHeaders>>,
    },
    /// An error or a refusal.
    Error {
        /// HTTP status.
        status: u16,
        /// Hint.
        retry_after: Option<Nanos>,
        /// Which kind of refusal.
        refusal: Option<RefusalKind>,
        /// Rate-limit headers.
        headers: Option<Box<RateLimitHeaders>>,
    },
    /// No answer: the connection ends.
    Refused,
}

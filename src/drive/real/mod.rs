//! The real clock: the same requests, engine and providers over HTTP on loopback.
//!
//! The state machine of requests and attempts is that of the virtual clock, moved by what really happens: the driver's
//! thread owns it and reads a channel. What is simulated there is done here by others, each with its own thread or task:
//!
//! | part | does |
//! |---|---|
//! | `station`, `restart`, `ask`, `numbers`, `sight`, `stats` | the mock providers of `world`, with precise timers |
//! | `listen`, `door`, `server`, `reply`, `stream`, `openai`, `messages`, `shape`, `mocks` | HTTP in front of them |
//! | `ahead` | the same on wiremock, where it can be faithful |
//! | `client`, `sse`, `answer` | sends attempts, reads answers |
//! | `target`, `sides`, `mark` | someone else's gateway in between, and what is seen on its two sides |
//! | `driver`, `witness` | moves the state machine by the clock and by what the clients tell |
//! | `label` | by which both sides know which request it is: its draws are those of the virtual clock |

pub mod ahead;
pub mod answer;
pub mod ask;
pub mod client;
pub mod clock;
mod direct;
mod door;
mod driver;
pub mod label;
pub mod listen;
mod mark;
mod messages;
pub mod mocks;
mod numbers;
pub mod openai;
pub mod reply;
mod restart;
pub mod server;
pub mod shape;
mod sides;
pub mod sight;
pub mod sse;
pub mod station;
pub mod stats;
pub mod stream;
pub mod target;
mod witness;

pub use direct::direct;
pub(super) use driver::{Exchange, Wire};
pub(super) use sides::Sides;
pub use target::Target;

/// The tag of requests that are not ours.
pub const TAG_NONE: u64 = u64::MAX;

/// How to run in real time.
#[derive(Clone, Debug, PartialEq)]
pub struct RealTime {
    /// How much faster than the wall clock scenario time runs, > 0.
    pub time_scale: f64,
    /// Where the first provider listens, and the others behind it; 0: on any free ports.
    pub port: u16,
    /// Everything goes through this gateway, which knows where the providers listen; `None`: our own engine balances.
    pub target: Option<Target>,
}

impl Default for RealTime {
    fn default() -> RealTime {
        RealTime { time_scale: 1.0, port: 0, target: None }
    }
}

//! What can be seen of the mock providers from inside: a client cannot see when its attempt began to be served.

use crate::time::Nanos;

/// Receives what happens at the providers, in order of time, on the station's thread.
pub type Watch = Box<dyn FnMut(Nanos, Sight) + Send>;

/// Something that happened at a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sight {
    /// An attempt reached it.
    Arrived {
        /// The driver's name for the attempt.
        tag: u64,
        /// Which provider.
        provider: usize,
    },
    /// Service of an attempt begins.
    Started {
        /// The driver's name for the attempt.
        tag: u64,
        /// Which provider.
        provider: usize,
        /// When it came.
        arrived: Nanos,
        /// When: now, or when a stall ends.
        start: Nanos,
        /// How long it will take.
        total: Nanos,
    },
    /// An attempt is over; said before its client can know.
    Left {
        /// The driver's name for the attempt.
        tag: u64,
        /// Which provider.
        provider: usize,
        /// When it came.
        arrived: Nanos,
        /// When its answer should have been out, to the nanosecond; [`Nanos::MAX`]: it never began to be answered.
        planned: Nanos,
        /// How.
        end: Left,
    },
    /// An attempt that leaves with a 429 met its limit while another provider of its model had quota for it.
    Avoidable {
        /// The driver's name for the attempt.
        tag: u64,
    },
    /// So many attempts are there, and so many slots are taken, from now on.
    Occupancy {
        /// Which provider.
        provider: usize,
        /// Attempts.
        in_flight: u32,
        /// Slots.
        busy: u32,
    },
}

/// How an attempt left a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// With a whole answer.
    Succeeded,
    /// With an error or a refusal.
    Error {
        /// Of HTTP.
        status: u16,
    },
    /// Its connection was refused.
    Refused,
    /// Its client went away.
    Gone,
}

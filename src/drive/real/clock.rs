//! The wall clock in scenario time, and waiting for it precisely.
//!
//! A sleep of the operating system ends 50–100 µs late, so the last stretch before a moment is spent in yields.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::time::Nanos;

/// The last stretch before a moment, in which the thread does not sleep.
const SPIN: Duration = Duration::from_micros(100);
/// Longest wait without looking at anything else.
const IDLE: Duration = Duration::from_millis(20);

/// Scenario time since a start: wall time × scale.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
    scale: f64,
}

impl Clock {
    /// Time is zero until `delay` has passed, and runs from there. `scale` > 0: how much faster than the wall clock.
    pub fn start(delay: Duration, scale: f64) -> Clock {
        Clock { start: Instant::now() + delay, scale }
    }

    /// The same, with time zero now.
    pub fn restarted(&self) -> Clock {
        Clock { start: Instant::now(), ..*self }
    }

    /// Scenario time now.
    pub fn now(&self) -> Nanos {
        let nanos = self.start.elapsed().as_nanos() as u64;
        if self.scale == 1.0 { Nanos::new(nanos) } else { Nanos::from_f64(nanos as f64 * self.scale) }
    }

    /// Wall time from now to a moment; zero if it has passed.
    pub fn until(&self, at: Nanos) -> Duration {
        self.wall(at.since(self.now()))
    }

    /// A stretch of scenario time in wall time.
    pub fn wall(&self, span: Nanos) -> Duration {
        Duration::from_nanos((span.as_f64() / self.scale) as u64)
    }
}

/// The wall clock, as the time since 1970-01-01 00:00 UTC.
#[expect(clippy::disallowed_methods, reason = "some headers tell a point in time; only the distance from now goes on from there")]
pub fn since_1970() -> Nanos {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(Nanos::ZERO, |since| Nanos::new(since.as_nanos() as u64))
}

/// Nobody can send any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// The next message; `None` when `until` has come, or after a while in which nothing came.
///
/// # Errors
/// [`Closed`].
pub fn receive<T>(inbox: &Receiver<T>, clock: &Clock, until: Option<Nanos>) -> Result<Option<T>, Closed> {
    loop {
        let left = until.map_or(IDLE, |at| clock.until(at)).min(IDLE);
        let patience = left.saturating_sub(SPIN);
        match inbox.recv_timeout(patience) {
            Ok(message) => return Ok(Some(message)),
            Err(RecvTimeoutError::Disconnected) => return Err(Closed),
            Err(RecvTimeoutError::Timeout) => {}
        }
        match until {
            Some(at) if clock.now() < at && left < IDLE => std::thread::yield_now(),
            _ => return Ok(None),
        }
    }
}

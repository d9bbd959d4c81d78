//! When requests arrive: a rate with stages and bursts, a trace, or the thinking of closed-loop users.
//!
//! Arrivals are produced in order of time and never stored, so a run of 10⁸ requests needs no more memory than one of
//! ten. Every random gap is addressed by the index of its arrival in the base process: bursts, classes, or whatever
//! else a request draws shift nobody's gap.

mod base;
mod bursts;
mod closed;
mod rate;

#[cfg(test)]
mod tests;

pub use self::closed::think_time;
pub use self::rate::RateCurve;

use std::sync::Arc;

use self::base::Base;
use self::bursts::Bursts;
use crate::time::Nanos;
use crate::world::spec::{End, Load, Source, TraceRow};

/// One arrival that waits for nobody.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Arrival {
    /// Position in the order of arrivals from 0, warm-up included.
    pub id: u64,
    /// Intended time.
    pub at: Nanos,
    /// The recorded request, when a trace is replayed.
    pub trace: Option<TraceRow>,
}

/// The arrivals of an open loop or a trace, in order of time, up to the end of the load. Empty for a closed loop,
/// where every arrival depends on an answer: see [`think_time`].
#[derive(Clone, Debug)]
pub struct OpenArrivals {
    source: Flow,
    end: Countdown,
    next_id: u64,
}

/// Where the next instant comes from.
#[derive(Clone, Debug)]
enum Flow {
    Rate { base: Base, pending: Option<Nanos>, bursts: Bursts },
    Trace { rows: Arc<[TraceRow]>, speed: f64 },
    Closed,
}

/// The end of arrivals, as something to ask at each of them.
#[derive(Clone, Copy, Debug)]
struct Countdown {
    /// Arrivals at or after this are not part of the run.
    horizon: Nanos,
    warmup: Nanos,
    /// Measured arrivals that are still to come.
    measured_left: u64,
}

impl OpenArrivals {
    /// From the start of the run; every gap derives from `seed`.
    pub fn new(load: &Load, seed: u64) -> OpenArrivals {
        let source = match &load.source {
            Source::Open(open) => {
                let mut base = Base::new(open, seed);
                Flow::Rate { pending: base.next(), base, bursts: Bursts::new(&open.bursts) }
            }
            Source::Trace { rows, speed } => Flow::Trace { rows: Arc::clone(rows), speed: *speed },
            Source::Closed { .. } => Flow::Closed,
        };
        OpenArrivals { source, end: Countdown::new(load), next_id: 0 }
    }
}

impl Iterator for OpenArrivals {
    type Item = Arrival;

    #[inline]
    fn next(&mut self) -> Option<Arrival> {
        if self.end.measured_left == 0 {
            return None;
        }
        let (at, trace) = self.source.advance(self.next_id)?;
        if !self.end.admits(at) {
            // Times never decrease, so nothing that follows belongs to the run either.
            self.end.measured_left = 0;
            return None;
        }
        let id = self.next_id;
        self.next_id += 1;
        Some(Arrival { id, at, trace })
    }
}

impl Flow {
    /// The next instant; `index` counts the arrivals so far. At one instant the base process comes before the bursts.
    #[inline]
    fn advance(&mut self, index: u64) -> Option<(Nanos, Option<TraceRow>)> {
        match self {
            Flow::Rate { base, pending, bursts } => match (*pending, bursts.peek()) {
                (Some(at), burst) if burst.is_none_or(|burst| at <= burst) => {
                    *pending = base.next();
                    Some((at, None))
                }
                _ => bursts.next().map(|at| (at, None)),
            },
            Flow::Trace { rows, speed } => {
                let row = rows.get(usize::try_from(index).ok()?)?;
                Some((replayed(row.at, *speed), Some(*row)))
            }
            Flow::Closed => None,
        }
    }
}

/// The time of a recorded arrival at `speed`, to the nearest nanosecond.
fn replayed(at: Nanos, speed: f64) -> Nanos {
    if speed == 1.0 { at } else { Nanos::from_f64(at.as_f64() / speed) }
}

impl Countdown {
    fn new(load: &Load) -> Countdown {
        let (horizon, measured_left) = match load.end {
            End::Duration(duration) => (load.warmup + duration, u64::MAX),
            End::Requests(count) => (Nanos::MAX, count),
            End::Trace => (Nanos::MAX, u64::MAX),
        };
        Countdown { horizon, warmup: load.warmup, measured_left }
    }

    #[inline]
    fn admits(&mut self, at: Nanos) -> bool {
        if at >= self.warmup {
            self.measured_left -= 1;
        }
        at < self.horizon
    }
}

/// About how many requests the whole run will offer, warm-up included: exact for a trace, the expected number for a
/// rate. `None` for a closed loop that ends with time, where it depends on the answers. For progress displays.
pub fn expected_requests(load: &Load) -> Option<u64> {
    match (&load.source, load.end) {
        (Source::Open(open), end) => {
            let until = |time: Nanos| RateCurve::new(open).integral(time) as u64 + Bursts::count_before(&open.bursts, time);
            match end {
                End::Requests(count) => Some(count.saturating_add(until(load.warmup))),
                End::Duration(duration) => Some(until(load.warmup + duration)),
                End::Trace => None,
            }
        }
        (Source::Trace { rows, speed }, end) => {
            let before = |time: Nanos| rows.partition_point(|row| replayed(row.at, *speed) < time) as u64;
            Some(match end {
                End::Trace => rows.len() as u64,
                End::Duration(duration) => before(load.warmup + duration),
                End::Requests(count) => before(load.warmup).saturating_add(count).min(rows.len() as u64),
            })
        }
        (Source::Closed { .. }, End::Requests(count)) => Some(count),
        (Source::Closed { .. }, _) => None,
    }
}

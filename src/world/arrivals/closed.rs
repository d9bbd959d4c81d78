//! Closed-loop users.

use crate::rng::{Draws, Stream};
use crate::time::Nanos;
use crate::world::spec::{Load, Source};

/// How long `user` (from 0) thinks before sending its `n`-th request (from 0), to the nearest nanosecond. Zero for an
/// open loop or a trace.
///
/// The draw belongs to the user and the round, so a slow answer to one user leaves the others' pauses alone. A user
/// has 2³² rounds of its own.
pub fn think_time(load: &Load, seed: u64, user: u32, n: u64) -> Nanos {
    let Source::Closed { think_time, .. } = &load.source else {
        return Nanos::ZERO;
    };
    let index = (u64::from(user) << 32).wrapping_add(n);
    Nanos::from_f64(think_time.sample(&mut Draws::new(seed, Stream::Think, index)))
}

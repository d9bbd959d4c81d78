//! The base process: arrivals by a rate, without the bursts.
//!
//! Gaps are drawn in *operational* time, in which the process has rate one, and mapped to real time through the inverse
//! of the integrated rate (Çinlar, "Introduction to Stochastic Processes", 1975, §4.7). That is exact for any rate
//! curve; drawing each gap at the rate of its beginning is not: it overshoots ramps and steps over gaps.

use super::rate::{Cursor, RateCurve};
use crate::rng::{Draws, Stream};
use crate::time::Nanos;
use crate::world::dist::{GammaSampler, unit_exponential};
use crate::world::spec::{ArrivalLaw, OpenLoop};

/// Produces the instants one by one.
#[derive(Clone, Debug)]
pub(super) struct Base {
    law: Law,
    curve: RateCurve,
    cursor: Cursor,
    seed: u64,
    /// Arrivals produced so far: the index of the next gap.
    index: u64,
    /// Operational time of the last arrival.
    clock: Operational,
}

/// The law of the gaps with what can be worked out once.
#[derive(Clone, Copy, Debug)]
enum Law {
    Constant,
    Poisson,
    Gamma { sampler: GammaSampler, scale: f64 },
}

/// A sum of gaps as whole and fraction. A plain float would have a step of 1.5·10⁻⁸ gaps after 10⁸ arrivals; this one
/// is as fine at the end of a run as at its start, and no rounding error adds up.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Operational {
    pub(super) whole: u64,
    /// In [0, 1), but for gaps that lead beyond the end of time.
    pub(super) fraction: f64,
}

impl Operational {
    #[inline]
    fn add(&mut self, gap: f64) {
        let sum = self.fraction + gap;
        // Signed, because that conversion is one instruction each way. The cast truncates, and saturates beyond 9·10¹⁸
        // mean gaps; what is left of such a gap stays in the fraction, and its arrival lies beyond the end of time.
        let carry = sum as i64;
        self.whole = self.whole.saturating_add(carry.unsigned_abs());
        self.fraction = sum - carry as f64;
    }
}

impl Base {
    pub(super) fn new(open: &OpenLoop, seed: u64) -> Base {
        let law = match open.arrival {
            ArrivalLaw::Constant => Law::Constant,
            ArrivalLaw::Poisson => Law::Poisson,
            ArrivalLaw::Gamma { burstiness } => Law::Gamma { sampler: GammaSampler::new(burstiness), scale: 1.0 / burstiness },
        };
        Base { law, curve: RateCurve::new(open), cursor: Cursor::default(), seed, index: 0, clock: Operational::default() }
    }

    /// The next instant; `None` once the rate has gone to zero for good (or beyond the end of time).
    #[inline]
    pub(super) fn next(&mut self) -> Option<Nanos> {
        let mut draws = Draws::new(self.seed, Stream::Arrival, self.index);
        match self.law {
            Law::Constant => self.clock = Operational { whole: self.index, fraction: 0.0 },
            Law::Poisson => self.clock.add(unit_exponential(&mut draws)),
            Law::Gamma { sampler, scale } => self.clock.add(scale * sampler.sample(&mut draws)),
        }
        self.index += 1;
        self.curve.time_of(self.clock, &mut self.cursor)
    }
}

//! A rate that changes in steps and ramps, its integral, and the exact inverse of the integral.

use super::base::Operational;
use crate::time::{NANOS_PER_SECOND, Nanos};
use crate::world::spec::OpenLoop;

const NANOS: f64 = NANOS_PER_SECOND as f64;

/// Requests per second over time: piecewise linear, with steps, defined for all t ≥ 0.
#[derive(Clone, Debug)]
pub struct RateCurve {
    /// Adjoining pieces; the last has no end.
    pieces: Vec<Piece>,
}

/// One piece of the curve.
#[derive(Clone, Copy, Debug)]
struct Piece {
    start: Nanos,
    /// [`Nanos::MAX`] for the last.
    end: Nanos,
    /// Rate at its start, per second.
    rate: f64,
    /// Change of the rate per second.
    slope: f64,
    /// Integral of the rate from 0 to its start.
    before: f64,
    /// Integral to its end; infinite for a last piece that ever produces anything.
    after: f64,
}

/// Which piece the last arrival fell in. Arrivals come in order, so finding the next one's is one comparison.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor(usize);

impl RateCurve {
    /// The rate of `open`, stages included. A stage that begins before the one before it has ended begins at its end.
    pub fn new(open: &OpenLoop) -> RateCurve {
        let mut curve = RateCurve { pieces: Vec::with_capacity(2 * open.stages.len() + 1) };
        let (mut now, mut rate) = (Nanos::ZERO, open.rate);
        for stage in &open.stages {
            curve.push(now, stage.at, rate, rate);
            now = now.max(stage.at);
            curve.push(now, now + stage.over, rate, stage.rate);
            (now, rate) = (now + stage.over, stage.rate);
        }
        curve.push(now, Nanos::MAX, rate, rate);
        curve
    }

    fn push(&mut self, start: Nanos, end: Nanos, from: f64, to: f64) {
        if end <= start {
            return;
        }
        let seconds = end.since(start).as_f64() / NANOS;
        let before = self.pieces.last().map_or(0.0, |piece| piece.after);
        let last = end == Nanos::MAX;
        let slope = if last { 0.0 } else { (to - from) / seconds };
        let mass = match last {
            true if from > 0.0 => f64::INFINITY,
            true => 0.0,
            // Multiplied before it is divided: whole rates over whole seconds stay whole numbers.
            false => (from + to) / 2.0 * end.since(start).as_f64() / NANOS,
        };
        self.pieces.push(Piece { start, end, rate: from, slope, before, after: snapped(before + mass) });
    }

    /// Expected number of arrivals of the base process in [0, `time`).
    pub fn integral(&self, time: Nanos) -> f64 {
        let index = self.pieces.partition_point(|piece| piece.end <= time);
        match self.pieces.get(index).or(self.pieces.last()) {
            Some(piece) => {
                let nanos = time.since(piece.start).as_f64();
                piece.before + (piece.rate + piece.slope * nanos / NANOS / 2.0) * nanos / NANOS
            }
            None => 0.0,
        }
    }

    /// When the integral leaves `target`, to the nearest nanosecond; `None`: never.
    ///
    /// "Leaves", not "reaches": where the rate is zero the integral stands still, and an arrival that is due exactly
    /// when a gap begins comes at its end. So a gap [a, b) holds no arrival, as intervals are half-open everywhere.
    #[inline]
    pub(super) fn time_of(&self, target: Operational, cursor: &mut Cursor) -> Option<Nanos> {
        loop {
            let piece = self.pieces.get(cursor.0)?;
            let y = ((target.whole as f64 - piece.before) + target.fraction).max(0.0);
            if y < piece.after - piece.before {
                return piece.time_of(y);
            }
            cursor.0 += 1;
        }
    }
}

impl Piece {
    /// The instant at which this piece alone has brought `y` arrivals.
    ///
    /// At a constant rate: y / rate in one multiplication and one division of floats, straight from the count, so there
    /// is nothing to drift. The relative error is below 2⁻⁵², which is less than a quarter of a nanosecond in the
    /// first 13 days of a piece; as long as y·10⁹ < 2⁵³ the product is exact and so is every tie.
    #[inline]
    fn time_of(&self, y: f64) -> Option<Nanos> {
        let nanos = if self.slope == 0.0 {
            y * NANOS / self.rate
        } else {
            // rate·t + slope·t²/2 = y, in the form that does not cancel; 0/0 only at the start of a ramp from zero.
            let root = (self.rate * self.rate + 2.0 * self.slope * y).max(0.0).sqrt();
            let sum = self.rate + root;
            if sum > 0.0 { 2.0 * y * NANOS / sum } else { 0.0 }
        };
        let at = self.start.checked_add(Nanos::from_f64(nanos))?;
        // Rounding must not carry an arrival into the next piece, which may be a gap.
        (at < Nanos::MAX).then(|| at.min(self.end - Nanos::new(1)))
    }
}

/// A whole number within 10⁻¹² (relative) becomes that number: 7/min over a minute is 7 arrivals, whatever 7/60 is in
/// binary, so that the eighth constant arrival falls behind the boundary and not a billionth before it.
fn snapped(integral: f64) -> f64 {
    let whole = integral.round();
    if (integral - whole).abs() <= 1e-12 * whole.max(1.0) { whole } else { integral }
}

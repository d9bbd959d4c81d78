//! How a pace grows.
//!
//! Every admission that had to wait for it raises it, or before which somebody was turned away: by a hundredth of a percent near the
//! reference, where the last refusal put the limit, and with the square of the distance away from it (as CUBIC does, RFC 9438: little risk where
//! the limit was, speed where it was not). From 2 % below to 2 % above takes 300 admissions, and a minute at least: at a
//! hundred a second there would be a refusal every few seconds else. A factor e takes 20 s at least.

use crate::time::Nanos;

/// Growth per admission, at the reference,
const GROWTH: f64 = 0.000_1;
/// but by no more than a factor e in this, ns, for each refusal costs, however many are admitted between two;
const GROWTH_TIME: f64 = 1_500e9;
/// twice as much this far away from it, and with the square of the distance,
const NEAR: f64 = 0.02;
/// up to this,
const GROWTH_MAX: f64 = 0.02;
/// and a factor e in this, ns, for refusals are as late as answers, or later.
const GROWTH_TIME_MIN: f64 = 20e9;
/// While the estimate is from too short a time, or from a burst whose estimates were charged and have come back since, the pace also
/// grows by a factor e in this.
const HASTE: f64 = 220e9;

/// A pace, attempts per ns, one step higher. `missing`: the time until the next one, where the estimate is from too short a time; else 0.
pub(super) fn raised(rate: f64, reference: f64, missing: Nanos) -> f64 {
    let distance = (rate / reference - 1.0) / NEAR;
    let haste = (missing.as_f64() / HASTE).min(0.1);
    let gap = 1.0 / rate;
    let (least, most) = (GROWTH.min(gap / GROWTH_TIME), GROWTH_MAX.min(gap / GROWTH_TIME_MIN));
    rate * (1.0 + (least * (1.0 + distance * distance)).min(most) + haste)
}

//! Simulated time: whole nanoseconds since the start of a run, and durations in the same unit.
//!
//! Integers, because a sum of floating-point times depends on its order and two runs would drift apart.
//! A `u64` of nanoseconds reaches 584 years; arithmetic saturates there instead of wrapping.

use std::fmt;
use std::ops::{Add, AddAssign, Sub};

/// A point in time (nanoseconds since the start) or a duration (nanoseconds), 0 to about 584 years.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nanos(u64);

/// Nanoseconds in one second.
pub const NANOS_PER_SECOND: u64 = 1_000_000_000;

impl Nanos {
    /// The start of a run, or an empty duration.
    pub const ZERO: Nanos = Nanos(0);
    /// The end of time: "never".
    pub const MAX: Nanos = Nanos(u64::MAX);

    /// From whole nanoseconds.
    pub const fn new(nanos: u64) -> Nanos {
        Nanos(nanos)
    }

    /// From whole microseconds; saturates.
    pub const fn from_micros(micros: u64) -> Nanos {
        Nanos(micros.saturating_mul(1_000))
    }

    /// From whole milliseconds; saturates.
    pub const fn from_millis(millis: u64) -> Nanos {
        Nanos(millis.saturating_mul(1_000_000))
    }

    /// From whole seconds; saturates.
    pub const fn from_secs(secs: u64) -> Nanos {
        Nanos(secs.saturating_mul(NANOS_PER_SECOND))
    }

    /// From fractional nanoseconds, rounded to the nearest; negative and NaN become zero, too large becomes [`Nanos::MAX`].
    pub fn from_f64(nanos: f64) -> Nanos {
        // Half up by truncation: `f64::round` is a library call on the baseline x86-64 target. Above 2^52 a
        // float has no fraction, and adding one half could round to the next even number.
        if nanos < 4_503_599_627_370_496.0 { Nanos((nanos + 0.5) as u64) } else { Nanos(nanos as u64) }
    }

    /// From fractional seconds, rounded to the nearest nanosecond, with the edges of [`Nanos::from_f64`].
    pub fn from_secs_f64(secs: f64) -> Nanos {
        Nanos::from_f64(secs * NANOS_PER_SECOND as f64)
    }

    /// Whole nanoseconds.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// Nanoseconds as a float (exact up to 2^53 ns, about 104 days).
    pub const fn as_f64(self) -> f64 {
        self.0 as f64
    }

    /// Seconds as a float.
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NANOS_PER_SECOND as f64
    }

    /// Milliseconds as a float.
    pub fn as_millis_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// The time from `earlier` to `self`, zero if `earlier` is later.
    pub const fn since(self, earlier: Nanos) -> Nanos {
        Nanos(self.0.saturating_sub(earlier.0))
    }

    /// `None` beyond [`Nanos::MAX`].
    pub const fn checked_add(self, other: Nanos) -> Option<Nanos> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Nanos(sum)),
            None => None,
        }
    }
}

impl Add for Nanos {
    type Output = Nanos;
    fn add(self, other: Nanos) -> Nanos {
        Nanos(self.0.saturating_add(other.0))
    }
}

impl AddAssign for Nanos {
    fn add_assign(&mut self, other: Nanos) {
        *self = *self + other;
    }
}

impl Sub for Nanos {
    type Output = Nanos;
    fn sub(self, other: Nanos) -> Nanos {
        self.since(other)
    }
}

/// The largest unit that leaves a short number: `250ms`, `1.5s`, `2m`, `420us`, `17ns`.
impl fmt::Display for Nanos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nanos = self.0;
        if nanos == 0 {
            return f.write_str("0s");
        }
        for (unit, suffix) in [(86_400 * NANOS_PER_SECOND, "d"), (3_600 * NANOS_PER_SECOND, "h"), (60 * NANOS_PER_SECOND, "m")] {
            if nanos.is_multiple_of(unit) {
                return write!(f, "{}{suffix}", nanos / unit);
            }
        }
        let (unit, suffix) = match nanos {
            0..1_000 => (1, "ns"),
            1_000..1_000_000 => (1_000, "us"),
            1_000_000..NANOS_PER_SECOND => (1_000_000, "ms"),
            _ => (NANOS_PER_SECOND, "s"),
        };
        let (whole, rest) = (nanos / unit, nanos % unit);
        if rest == 0 {
            return write!(f, "{whole}{suffix}");
        }
        let digits = unit.ilog10() as usize;
        let fraction = format!("{rest:0digits$}");
        write!(f, "{whole}.{}{suffix}", fraction.trim_end_matches('0'))
    }
}

/// Why a text is not a duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DurationError {
    /// There is a number but no unit behind it.
    MissingUnit,
    /// The unit is none of ns, us, ms, s, m, h, d.
    UnknownUnit,
    /// What stands before the unit is not a non-negative decimal number.
    BadNumber,
    /// Beyond 584 years.
    TooLarge,
}

impl fmt::Display for DurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DurationError::MissingUnit => "a duration needs a unit: ns, us, ms, s, m, h or d",
            DurationError::UnknownUnit => "unknown unit of time; the units are ns, us, ms, s, m, h and d",
            DurationError::BadNumber => "not a number; a duration looks like \"250ms\" or \"1.5s\"",
            DurationError::TooLarge => "longer than 584 years",
        })
    }
}

impl std::error::Error for DurationError {}

/// Reads `"250ms"`, `"1.5s"`, `"2m"`: a non-negative decimal number and one of ns, us (or µs), ms, s, m, h, d.
///
/// Decimal digits are taken exactly (no detour over a float); what lies below a nanosecond is rounded half up.
///
/// # Errors
/// [`DurationError`] says which part of the text is wrong.
pub fn parse_duration(text: &str) -> Result<Nanos, DurationError> {
    let text = text.trim();
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let (number, unit) = (&text[..split], text[split..].trim_start());
    if number.is_empty() {
        return Err(DurationError::BadNumber);
    }
    let unit: u64 = match unit {
        "" => return Err(DurationError::MissingUnit),
        "ns" => 1,
        "us" | "µs" | "μs" => 1_000,
        "ms" => 1_000_000,
        "s" => NANOS_PER_SECOND,
        "m" => 60 * NANOS_PER_SECOND,
        "h" => 3_600 * NANOS_PER_SECOND,
        "d" => 86_400 * NANOS_PER_SECOND,
        _ => return Err(DurationError::UnknownUnit),
    };
    scale_decimal(number, unit).map(Nanos)
}

/// `number` × `unit` in integers, rounded half up.
fn scale_decimal(number: &str, unit: u64) -> Result<u64, DurationError> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
        return Err(DurationError::BadNumber);
    }
    let digits = |text: &str| text.bytes().filter(|b| *b != b'_').map(|b| u128::from(b - b'0')).collect::<Vec<_>>();
    let (whole, fraction) = (digits(whole), digits(fraction));
    if whole.is_empty() && fraction.is_empty() {
        return Err(DurationError::BadNumber);
    }
    let mut value: u128 = 0;
    for digit in whole {
        value = value.checked_mul(10).and_then(|v| v.checked_add(digit)).ok_or(DurationError::TooLarge)?;
    }
    let mut value = value.checked_mul(u128::from(unit)).ok_or(DurationError::TooLarge)?;
    // 18 digits reach below a nanosecond for every unit; more cannot change the rounding by more than one step.
    let kept = fraction.len().min(18);
    let numerator = fraction[..kept].iter().fold(0_u128, |sum, digit| sum * 10 + digit);
    let denominator = 10_u128.pow(kept as u32);
    value += (numerator * u128::from(unit) + denominator / 2) / denominator;
    u64::try_from(value).map_err(|_| DurationError::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_exactly_and_printed_back() {
        // Written text → nanoseconds, worked out by hand.
        for (text, nanos) in [
            ("0s", 0),
            ("17ns", 17),
            ("1.5us", 1_500),
            ("250ms", 250_000_000),
            ("2.1s", 2_100_000_000),
            ("100.5s", 100_500_000_000),
            ("2m", 120_000_000_000),
            ("1h", 3_600_000_000_000),
            ("1d", 86_400_000_000_000),
        ] {
            assert_eq!(parse_duration(text), Ok(Nanos(nanos)), "{text}");
            assert_eq!(parse_duration(&Nanos(nanos).to_string()), Ok(Nanos(nanos)), "{text} printed and read again");
        }
        assert_eq!(parse_duration("0.4ns"), Ok(Nanos(0)));
        assert_eq!(parse_duration("0.5ns"), Ok(Nanos(1)));
    }

    #[test]
    fn bad_durations_say_which_part_is_wrong() {
        for (text, error) in [
            ("250", DurationError::MissingUnit),
            ("2 parsecs", DurationError::UnknownUnit),
            ("fast", DurationError::BadNumber),
            ("-1s", DurationError::BadNumber),
            ("1.2.3s", DurationError::BadNumber),
            (".s", DurationError::BadNumber),
            ("", DurationError::BadNumber),
            ("1000000d", DurationError::TooLarge),
            ("999999999999999999999999999999999999999999s", DurationError::TooLarge),
        ] {
            assert_eq!(parse_duration(text), Err(error), "{text:?}");
        }
    }

    #[test]
    fn rounding_from_floats_is_half_up_and_saturates() {
        assert_eq!(Nanos::from_f64(1.49), Nanos(1));
        assert_eq!(Nanos::from_f64(1.5), Nanos(2));
        assert_eq!(Nanos::from_f64(-3.0), Nanos::ZERO);
        assert_eq!(Nanos::from_f64(f64::NAN), Nanos::ZERO);
        assert_eq!(Nanos::from_f64(f64::INFINITY), Nanos::MAX);
        assert_eq!(Nanos::from_f64(9_007_199_254_740_993.0), Nanos(9_007_199_254_740_992));
    }
}

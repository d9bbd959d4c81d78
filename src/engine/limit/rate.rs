//! From stated limits to checked integers.

use std::fmt;

use super::Dimension;
use super::spec::Limits;
use crate::time::{NANOS_PER_SECOND, Nanos};

/// Stated rates and depths are taken to 1 / `SCALE`. It is the largest power of ten for which `SCALE` × (ns in a day), the
/// unit of a daily bucket, still fits in 64 bits.
pub(super) const SCALE: u64 = 100_000;

const MINUTE: u64 = 60 * NANOS_PER_SECOND;
const DAY: u64 = 86_400 * NANOS_PER_SECOND;
/// More than this per second is taken for a mistake.
const PER_SECOND_MAX: u64 = 1_000_000_000;
/// A longer enforcement period is taken for a mistake.
const PERIOD_MAX: Nanos = Nanos::new(366 * DAY);

/// Why limits cannot be enforced as stated.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LimitError {
    /// Zero, negative, NaN, or below a hundred-thousandth: it would never admit anything. Leave the key out for "unlimited".
    NotPositive {
        /// The key.
        key: &'static str,
        /// What stands there.
        value: f64,
    },
    /// Infinite or beyond 1e9 per second.
    TooLarge {
        /// The key.
        key: &'static str,
        /// What stands there.
        value: f64,
        /// The largest value accepted.
        max: f64,
    },
    /// `period` or `request_period` is zero.
    PeriodZero,
    /// `period` or `request_period` is longer than 366 days.
    PeriodTooLong(Nanos),
    /// `burst` is below 1: a bucket that never holds one request admits none.
    BurstBelowOne(f64),
}

impl fmt::Display for LimitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LimitError::NotPositive { key, value } => {
                write!(f, "{key} must be greater than 0 (at least 0.00001), not {value}; leave it out for no limit")
            }
            LimitError::TooLarge { key, value, max } => write!(f, "{key} = {value} is beyond the largest sensible value, {max}"),
            LimitError::PeriodZero => f.write_str("period must be longer than 0"),
            LimitError::PeriodTooLong(period) => write!(f, "period = {period} is longer than 366 days"),
            LimitError::BurstBelowOne(burst) => write!(f, "burst = {burst} is less than one request: the bucket would never admit any"),
        }
    }
}

impl std::error::Error for LimitError {}

/// One checked rate: `scaled` / [`SCALE`] per `span`, enforced in slices of `slice`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    /// Requests or tokens per `span`, times [`SCALE`]; at least 1.
    pub scaled: u64,
    /// A minute or a day, in ns.
    pub span: u64,
    /// Enforcement period in ns; at least 1.
    pub slice: u64,
    /// Depth of a bucket, times [`SCALE`], where it is not one slice's worth.
    pub burst: Option<u64>,
}

impl Rate {
    /// How many bucket units one request or token is.
    pub fn unit(self) -> u64 {
        SCALE * self.span
    }

    /// One slice's worth, in bucket units.
    pub fn slice_units(self) -> u128 {
        u128::from(self.scaled) * u128::from(self.slice)
    }

    /// One slice's worth in whole requests or tokens, rounded down, at least 1.
    pub fn slice_whole(self) -> u64 {
        u64::try_from(self.slice_units() / u128::from(self.unit())).unwrap_or(u64::MAX).max(1)
    }
}

/// The limited dimensions (all but concurrency) with their rates, in the order of [`Dimension`].
pub(super) fn rates(limits: &Limits) -> Result<Vec<(Dimension, Rate)>, LimitError> {
    let slice = slice_or(limits.period, MINUTE)?;
    let request_slice = slice_or(limits.request_period, slice)?;
    let burst = limits.burst.map(|burst| scale("burst", burst, DAY)).transpose()?;
    if let (Some(scaled), Some(stated)) = (burst, limits.burst)
        && scaled < SCALE
    {
        return Err(LimitError::BurstBelowOne(stated));
    }
    if limits.max_concurrency == Some(0) {
        return Err(LimitError::NotPositive { key: "max_concurrency", value: 0.0 });
    }
    // `burst` means the request limit with the shorter span; a daily limit beside `rpm` keeps a day's depth.
    let (burst_rpm, burst_rpd) = if limits.rpm.is_some() { (burst, None) } else { (None, burst) };
    let stated = [
        (Dimension::Requests, limits.rpm, MINUTE, request_slice, burst_rpm),
        (Dimension::RequestsPerDay, limits.rpd, DAY, DAY, burst_rpd),
        (Dimension::Tokens, limits.tpm, MINUTE, slice, None),
        (Dimension::InputTokens, limits.itpm, MINUTE, slice, None),
        (Dimension::OutputTokens, limits.otpm, MINUTE, slice, None),
        (Dimension::TokensPerDay, limits.tpd, DAY, DAY, None),
    ];
    let mut rates = Vec::new();
    for (dimension, value, span, slice, burst) in stated {
        if let Some(value) = value {
            rates.push((dimension, Rate { scaled: scale(dimension.word(), value, span)?, span, slice, burst }));
        }
    }
    Ok(rates)
}

/// By how many requests a second the rate may grow per second, in whole ones, at least 1; `None`: without bound.
pub(super) fn ramp(limits: &Limits) -> Result<Option<u64>, LimitError> {
    let scaled = limits.ramp.map(|ramp| scale("ramp", ramp, NANOS_PER_SECOND)).transpose()?;
    Ok(scaled.map(|scaled| (scaled / SCALE).max(1)))
}

/// An enforcement period in ns; `default` where none is stated.
fn slice_or(period: Option<Nanos>, default: u64) -> Result<u64, LimitError> {
    match period {
        None => Ok(default),
        Some(Nanos::ZERO) => Err(LimitError::PeriodZero),
        Some(period) if period > PERIOD_MAX => Err(LimitError::PeriodTooLong(period)),
        Some(period) => Ok(period.as_nanos()),
    }
}

/// `value` × [`SCALE`], to the nearest integer, if it is a sensible number per `span`.
fn scale(key: &'static str, value: f64, span: u64) -> Result<u64, LimitError> {
    let max = (PER_SECOND_MAX * (span / NANOS_PER_SECOND)) as f64;
    let scaled = (value * SCALE as f64).round();
    if scaled < 1.0 || value.is_nan() {
        return Err(LimitError::NotPositive { key, value });
    }
    if value > max {
        return Err(LimitError::TooLarge { key, value, max });
    }
    // At most 1e9 × 86,400 × 100,000 = 8.64e18, below 2^63.
    Ok(scaled as u64)
}

//! How a limit that headers tell of refills: what two headers say of it.

use crate::time::Nanos;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Resets were in proportion to what is missing, or moved on by as much per request (`rate`), so often in a row.
    Unknown { agreements: u32, rate: f64 },
    /// Windows of this length (the shortest time between two ends; `None`: one end is known), the present one since `since`.
    Fixed { length: Option<Nanos>, since: Nanos },
    /// Everything comes back after this.
    Sliding { period: Nanos },
    /// Refills by so much per ns.
    Bucket { rate: f64 },
}

/// One header: when its attempt was sent, what was missing, and the time to the reset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub sent: Nanos,
    pub missing: f64,
    pub reset: Nanos,
    /// What we had reserved in all with that attempt.
    pub total: f64,
}

impl Seen {
    /// What went per time by which the reset moved on: the rate of a bucket that was not full in between, whatever it holds;
    /// 0 where that tells nothing.
    fn inflow_since(self, old: Seen) -> f64 {
        let (moved, taken) = (self.end().since(old.end()), self.total - old.total);
        let alike = self.reset.since(old.reset).max(old.reset.since(self.reset)) <= Nanos::from_millis(1);
        // Each found all there, and left one missing for so long.
        if old.end() <= self.sent && alike && self.missing == 1.0 && old.missing == 1.0 {
            return 1.0 / self.reset.as_f64();
        }
        if old.end() <= self.sent || alike || moved < Nanos::from_millis(50) { 0.0 } else { taken / moved.as_f64() }
    }

    pub fn end(self) -> Nanos {
        self.sent + self.reset
    }

    /// Missing per time to the reset: of a bucket, its rate, but for the rounding.
    fn slope(self) -> f64 {
        self.missing / self.reset.as_f64()
    }

    /// What the rate of a bucket is at least: what is missing was rounded up by less than one, the reset at most up.
    fn least_rate(self) -> f64 {
        (self.missing - 1.0).max(0.0) / self.reset.as_f64()
    }
}

impl Kind {
    /// Looks whether a limit of few is a bucket.
    pub fn with_inflow(self, old: Seen, new: Seen, limit: f64) -> Kind {
        let Kind::Unknown { agreements, rate } = self else { return self };
        let inflow = new.inflow_since(old);
        if inflow <= 0.0 || limit >= FEW {
            return self;
        }
        let agrees = rate > 0.0 && (inflow / rate - 1.0).abs() < 0.02;
        let agreements = if agrees { agreements + 1 } else { 0 };
        if agreements >= AGREEMENTS {
            Kind::Bucket { rate: inflow.min(rate) * INFLOW_MARGIN }
        } else {
            Kind::Unknown { agreements, rate: inflow }
        }
    }

    /// What the header after another one shows, with enough time in between to tell windows from buckets.
    pub fn after(self, old: Seen, new: Seen, limit: f64) -> Kind {
        let (later, earlier) = (new.end().since(old.end()), old.end().since(new.end()));
        if later.max(earlier) <= Nanos::from_millis(2) && new.missing != old.missing {
            let length = if let Kind::Fixed { length, .. } = self { length } else { None };
            return Kind::Fixed { length, since: old.sent };
        }
        let same = new.reset.since(old.reset).max(old.reset.since(new.reset)) <= Nanos::from_millis(1);
        if same && new.missing != old.missing && matches!(self, Kind::Unknown { .. }) {
            return Kind::Sliding { period: new.reset };
        }
        // Whole numbers are off by up to one: of twenty that is a twentieth, and so is what is allowed here.
        let comparable = new.missing >= FEW && old.missing >= FEW;
        let proportional = comparable && (new.slope() / old.slope() - 1.0).abs() < 0.05;
        let moved = (new.missing / old.missing - 1.0).abs() > 0.1;
        match self {
            Kind::Unknown { agreements, .. } if proportional && moved && agreements + 1 >= AGREEMENTS => {
                Kind::Bucket { rate: new.least_rate() }
            }
            kind @ Kind::Unknown { .. } if limit < FEW => kind,
            Kind::Unknown { agreements, rate } if proportional || !comparable => {
                Kind::Unknown { agreements: agreements + u32::from(proportional && moved), rate }
            }
            Kind::Unknown { .. } => UNKNOWN,
            // The next window: its end lies a whole number of lengths later. Anything else is no window.
            Kind::Fixed { length, since } if later > Nanos::ZERO && new.sent + Nanos::from_millis(2) >= old.end() => {
                // Ends are rounded to milliseconds, and one too early would send the whole window for nothing.
                let later = later + Nanos::from_millis(1);
                Kind::Fixed { length: Some(length.map_or(later, |length| length.min(later))), since }
            }
            Kind::Fixed { .. } => UNKNOWN,
            Kind::Sliding { period } if new.reset <= period + Nanos::from_millis(1) => Kind::Sliding { period },
            Kind::Sliding { .. } => UNKNOWN,
            // Of lower bounds the highest, unless the rate has become lower than it.
            Kind::Bucket { rate } if proportional => {
                Kind::Bucket { rate: if new.slope() < rate * 0.99 { new.least_rate() } else { rate.max(new.least_rate()) } }
            }
            // One at a time a sliding window looks like a slow bucket; it shows when more are missing.
            Kind::Bucket { .. } if limit < FEW && same && new.missing != old.missing => Kind::Sliding { period: new.reset },
            Kind::Bucket { .. } if comparable => UNKNOWN,
            kind @ Kind::Bucket { .. } => kind,
        }
    }
}

/// How many resets in a row must agree before a bucket is taken for one.
const AGREEMENTS: u32 = 3;

/// Resets are rounded to milliseconds: a bucket is refilled in belief more slowly by this.
pub(super) const INFLOW_MARGIN: f64 = 0.998;

/// What holds less than this is not compared by what is missing: whole numbers are off by up to one.
pub(super) const FEW: f64 = 20.0;

pub(super) const UNKNOWN: Kind = Kind::Unknown { agreements: 0, rate: 0.0 };

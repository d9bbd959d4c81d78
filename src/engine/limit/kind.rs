//! How a limit that headers tell of refills: what headers say of it.
//!
//! Three algorithms are possible at first, and each header rules out those that it contradicts. With `m` missing and a reset in
//! `r`, just after an attempt was admitted:
//!
//! - A bucket refills at a rate of `m ÷ r`, but for the rounding, and since one header its reset has moved on by no less than
//!   what was taken takes to refill. So every header tells bounds of the rate; bounds that cross rule it out.
//! - A sliding window has the same `r` always: the attempt is its latest entry.
//! - A fixed window has the same end for all that are admitted before that.
//!
//! All of this holds whatever others use. Where several are left the most careful that covers them is believed.

use crate::time::Nanos;

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// More than one is possible.
    Unknown,
    /// Windows of this length (the shortest time between two ends; `None`: one end is known), the present one since `since`.
    Fixed { length: Option<Nanos>, since: Nanos },
    /// Everything comes back after this.
    Sliding { period: Nanos },
    /// Refills by at least so much per ns.
    Bucket { rate: f64 },
}

/// One header: when its attempt was sent, what was missing, and the time to the reset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen {
    pub sent: Nanos,
    pub missing: f64,
    pub reset: Nanos,
    /// What we had reserved in all with that attempt; infinite: nobody counted.
    pub total: f64,
    /// What the attempt itself took at least; 0: perhaps less than was reserved.
    pub own: f64,
    /// What is left is a multiple of this, rounded down.
    pub unit: f64,
}

impl Seen {
    pub fn end(self) -> Nanos {
        self.sent + self.reset
    }

    /// What the rate of a bucket is at least: what is missing was rounded up by less than a unit, the reset at most up.
    fn least_rate(self) -> f64 {
        (self.missing - self.unit).max(self.own) / self.reset.as_f64()
    }

    /// And at most: a depth that is no whole number is told as the whole number below it.
    fn most_rate(self) -> f64 {
        (self.missing + self.unit) / self.reset.since(MILLISECOND).as_f64()
    }

    /// What the rate of a bucket is at least, as its reset moved on by no less than what was taken since `old`.
    fn least_rate_since(self, old: Seen) -> f64 {
        if self.own == 0.0 {
            return 0.0;
        }
        (self.total - old.total).max(0.0) / (self.end().since(old.end()) + JITTER).as_f64()
    }
}

/// What the headers so far leave possible.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    last: Seen,
    /// Since which a bucket would not have been full.
    drained: Seen,
    /// Bounds of the rate of a bucket; `None`: it is none.
    bucket: Option<(f64, f64)>,
    /// Of a sliding window.
    period: Option<Nanos>,
    is_fixed: bool,
    /// Of fixed windows: the first header of them, and the shortest time between two ends.
    first: Seen,
    length: Option<Nanos>,
    /// The latest header that came some time after another, and whether a sliding window has shown in such two.
    spaced: Seen,
    slides: bool,
    /// Whether there was more than one header.
    is_compared: bool,
}

impl Evidence {
    /// Of one header.
    pub fn new(seen: Seen) -> Evidence {
        Evidence {
            last: seen,
            drained: seen,
            bucket: Some((seen.least_rate(), seen.most_rate())),
            period: Some(seen.reset),
            is_fixed: true,
            first: seen,
            length: None,
            spaced: seen,
            slides: seen.own > 0.0,
            is_compared: false,
        }
    }

    /// A further header, of a later attempt.
    pub fn hear(&mut self, new: Seen) {
        if new.reset == Nanos::ZERO {
            return;
        }
        self.narrow_bucket(new);
        if self.period.is_some_and(|period| apart(period, new.reset) > MILLISECOND) {
            self.period = None;
        }
        self.compare_ends(new);
        self.compare_spaced(new);
        self.last = new;
        self.is_compared = true;
        if self.bucket.is_none() && self.period.is_none() && !self.is_fixed {
            *self = Evidence::new(new);
        }
    }

    fn narrow_bucket(&mut self, new: Seen) {
        if self.last.end() <= new.sent {
            self.drained = new;
        }
        let moved = new.least_rate_since(self.last).max(new.least_rate_since(self.drained));
        if let Some((least, most)) = self.bucket {
            let (least, most) = (least.max(new.least_rate()).max(moved), most.min(new.most_rate()));
            self.bucket = Some((least, most)).filter(|_| least <= most);
        }
    }

    fn compare_ends(&mut self, new: Seen) {
        let moved = new.end().since(self.last.end());
        if new.sent + JITTER < self.last.end() {
            self.is_fixed &= apart(new.end(), self.last.end()) <= JITTER;
        } else if moved > JITTER {
            // Ends are rounded to milliseconds, and one too early would send the whole window for nothing.
            let length = self.length.map_or(moved + MILLISECOND, |length| length.min(moved + MILLISECOND));
            let all = (new.end().since(self.first.end()) + MILLISECOND).as_f64();
            // Over many windows the rounding is next to nothing, as long as there is no doubt how many there were.
            let turns = (all / length.as_f64()).round();
            let exact = if turns < 100.0 { Nanos::from_f64((all / turns.max(1.0)).ceil()) } else { length };
            if turns >= 100.0 {
                self.first = new;
            }
            self.length = Some(length.min(exact).max(length.since(MILLISECOND + MILLISECOND)));
        }
    }

    /// Of a burst of estimates no header tells what has come back when it ends. So a window of tokens counts as sliding, where
    /// all is thought to come back at once, only when headers show it that are not of one burst.
    fn compare_spaced(&mut self, new: Seen) {
        let old = self.spaced;
        if new.sent.since(old.sent) >= Nanos::new(old.reset.as_nanos() / 20).max(SPACE) {
            self.slides |= apart(old.reset, new.reset) <= MILLISECOND && old.missing != new.missing;
            self.spaced = new;
        }
    }

    /// The latest end that a header told.
    pub fn end(&self) -> Nanos {
        self.last.end()
    }

    /// What the rate is at least if it is a bucket.
    pub fn least_rate(&self) -> Option<f64> {
        self.bucket.map(|(least, _)| least).filter(|least| *least > 0.0)
    }

    /// What others took between the latest header and this one, if it is of the same window.
    pub fn taken_beside(&self, new: Seen) -> Option<f64> {
        if apart(new.end(), self.last.end()) > JITTER {
            return None;
        }
        self.last.total.is_finite().then_some(new.missing - self.last.missing - (new.total - self.last.total))
    }

    /// An attempt was refused: what was taken is less than was counted.
    pub fn doubt(&mut self) {
        self.drained = self.last;
        if let Some((least, _)) = &mut self.bucket {
            *least *= DOUBT;
        }
    }

    /// What is to be believed of a limit that holds so much; windows began no earlier than at `since`.
    pub fn kind(&self, limit: f64, since: Nanos) -> Kind {
        match (self.bucket, self.period, self.is_fixed) {
            (Some((rate, _)), None, false) => Kind::Bucket { rate },
            (None, Some(period), _) if self.slides => Kind::Sliding { period },
            // Of one all three ask for the same.
            (Some(_), Some(period), _) if limit < 2.0 && self.is_compared => Kind::Sliding { period },
            (None, None, true) => Kind::Fixed { length: self.length, since },
            _ => Kind::Unknown,
        }
    }
}

fn apart(one: Nanos, other: Nanos) -> Nanos {
    one.since(other).max(other.since(one))
}

/// What resets are rounded up to.
const MILLISECOND: Nanos = Nanos::from_millis(1);

/// The first end after `now` of windows of which one ended at `end`.
pub(super) fn next_end(now: Nanos, end: Nanos, length: Nanos) -> Nanos {
    let turns = if end > now { 0 } else { now.since(end).as_nanos() / length.as_nanos().max(1) + 1 };
    end + Nanos::new(turns.saturating_mul(length.as_nanos()))
}

/// By so much attempts may be later at the provider one time than another.
const JITTER: Nanos = Nanos::from_millis(10);

/// Headers that are less apart are of one burst.
const SPACE: Nanos = Nanos::from_millis(50);

/// A refusal lowers the least rate of a bucket to this.
const DOUBT: f64 = 0.98;

/// A bucket that refusals tell of is refilled in belief more slowly by this.
pub(super) const INFLOW_MARGIN: f64 = 0.998;

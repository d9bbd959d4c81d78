//! What others leave of a limit that headers tell.

use super::{Kind, ToldLimit};
use crate::time::Nanos;

/// Of the rate that others leave so much is taken whatever refusals teach: others may take it where no header shows it in time, and no
/// pace avoids that.
const SURE: f64 = 0.8;
/// Part of the whole rate that is left at least, as others may take less than was seen last.
const LEAST: f64 = 0.1;

/// After this part of a period, and no sooner than answers take.
const STALE: u64 = 2;
const STALE_MIN: Nanos = Nanos::from_secs(15);
/// In shorter periods headers come too late to tell what others took of this one.
const LONG: Nanos = Nanos::from_secs(10);

impl ToldLimit {
    /// By how much what headers tell may be less than the truth without meaning anything: windows hold whole requests, and of a bucket
    /// what others took is counted in whole ones.
    pub(super) fn rounding(&self) -> f64 {
        if self.kind == Kind::Unknown || self.dimension.counts_tokens() { 1.0 } else { 0.0 }
    }

    /// A cost, and what others may have taken since the last header that still counts. Of a long period they also have what they usually
    /// take: those that share it and know of each other by headers alone would else all send what waits when it begins.
    pub(super) fn needed(&self, now: Nanos, cost: f64) -> f64 {
        let (others, tokens) = (&self.others, self.dimension.counts_tokens());
        let since = |from: Nanos| others.take(now.since(from), tokens);
        let room = match self.kind {
            Kind::Fixed { since: start, length } => {
                since(self.heard.max(start)).max(if length >= Some(LONG) { others.rest_of_window() } else { 0.0 })
            }
            // Headers may come later than a whole period: room for the worst of those would starve us of what others leave.
            Kind::Sliding { period } if period >= LONG && self.stale_at(period) <= now => others.rest_of_sliding(now, period).max(0.0),
            Kind::Sliding { period } => {
                let usual = if period >= LONG { others.rest_of_sliding(now, period) } else { 0.0 };
                since(self.heard).min(others.usually_take(period)).max(usual)
            }
            Kind::Bucket { .. } | Kind::Unknown => since(self.heard),
        };
        (cost + room).min(self.limit)
    }

    /// When the latest header is too old for a sliding window: what others took went out of it meanwhile as new came in, and who waits for
    /// more room than they usually take gets no header that tells of it.
    fn stale_at(&self, period: Nanos) -> Nanos {
        self.heard + Nanos::new(period.as_nanos() / STALE).max(STALE_MIN)
    }

    /// When the latest header will be too old, if a cost fits then.
    pub(super) fn frees_when_stale(&mut self, now: Nanos, period: Nanos, cost: f64) -> Option<Nanos> {
        let at = Some(self.stale_at(period)).filter(|at| period >= LONG && *at > now)?;
        let left = self.limit - self.log.sum(at, period);
        (left >= self.needed(at, cost)).then_some(at)
    }

    /// When the next may go at [`SURE`] of the rate that others leave.
    pub fn rest_at(&self) -> Nanos {
        let rate = self.rate();
        let rest = (rate - self.others.rate()).max(rate * LEAST) * SURE;
        self.taken_at + Nanos::from_f64((self.latest / rest).ceil())
    }
}

//! How fast an undeclared bucket refills, found out from refusals.
//!
//! The level of a bucket is known where it refuses: at the end of the pause that a refusal asks for, just the cost of the refused
//! attempt is there. So between the ends of two such pauses, e and f, what flowed in is what was used in between, whatever the
//! bucket holds, unless it was full meanwhile: rate = used ÷ (f − e). A chain of marks is one without such a gap. From
//! mark to mark the number of requests then agrees to the rounding of the pauses; the sum of tokens to within what was in
//! flight, of which nobody knows whether the estimate or the truth is charged, so that the error falls with
//! the length of the chain.
//!
//! No bucket asks for a longer pause than the cost takes to flow in. A window that looks like a bucket in spite of that, as
//! those do that are used evenly, is served well as one: evenly.

use super::Dimension;
use super::marks::Mark;
use crate::time::Nanos;

/// Marks that settle it, where they agree,
const LEAST: u32 = 4;
/// over a time in which a window would have shown itself.
const PROOF: Nanos = Nanos::from_secs(90);
/// Requests that the rounding of two pauses may stand for, besides two milliseconds' worth.
const REQUESTS_CLOSE: f64 = 0.05;
/// Tokens between two marks that may be missing or too many: in costs of an attempt,
const COSTS_CLOSE: f64 = 2.0;
/// and as a share of them.
const SHARE_CLOSE: f64 = 0.1;
/// Pauses are rounded up to milliseconds.
const ROUNDING: f64 = 2e6;

/// A refusal, as far as a bucket is concerned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dry {
    /// The end of the pause it asked for, and how long that was.
    pub end: Nanos,
    pub hint: Nanos,
    /// What the refused attempt asked for,
    pub asked: f64,
    /// and what had been used in all when it was sent.
    pub used: f64,
}

/// Marks between which the bucket was never full.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Chain {
    ends: Option<(Dry, Dry)>,
    marks: u32,
    /// Longest pause ÷ cost, ns.
    slowest: f64,
}

impl Chain {
    /// One more mark; `close`: how far from the rate so far it may be, in units and as a share.
    fn add(&mut self, dry: Dry, close: (f64, f64)) {
        let slowest = dry.hint.as_f64() / dry.asked.max(1.0);
        let Some((first, latest)) = self.ends else {
            *self = Chain { ends: Some((dry, dry)), marks: 1, slowest };
            return;
        };
        let (used, time) = (dry.used - latest.used, dry.end.since(latest.end).as_f64());
        if used < 1.0 || time <= ROUNDING {
            return; // The same mark again.
        }
        let goes_on = self.rate().is_none_or(|rate| (used - rate * time).abs() <= close.0 + rate * ROUNDING + close.1 * used);
        *self = match goes_on {
            true => Chain { ends: Some((first, dry)), marks: self.marks + 1, slowest: self.slowest.max(slowest) },
            false => Chain { ends: Some((latest, dry)), marks: 2, slowest },
        };
    }

    /// What flows in per ns; `None`: from fewer than two marks.
    pub fn rate(&self) -> Option<f64> {
        let (first, latest) = self.ends.filter(|_| self.marks >= 2)?;
        Some((latest.used - first.used) / latest.end.since(first.end).as_f64())
    }

    /// What was used from its first to its latest mark.
    pub fn used(&self) -> f64 {
        self.ends.map_or(0.0, |(first, latest)| latest.used - first.used)
    }

    /// Whether there is no doubt that it is a bucket. Each finding that turned out `wrong` asks for two more marks.
    fn is_proof(&self, wrong: u32) -> bool {
        let long = self.ends.is_some_and(|(first, latest)| latest.end.since(first.end) >= PROOF);
        // No bucket of this rate makes anybody wait for longer.
        let slow = self.rate().is_none_or(|rate| (self.slowest - ROUNDING) * rate > 1.1);
        self.marks >= LEAST + 2 * wrong && long && !slow
    }
}

/// Evidence for buckets of requests and of tokens.
#[derive(Clone, Debug, Default)]
pub(super) struct Refill {
    requests: Chain,
    tokens: Chain,
    /// Attempts let in, less those undone.
    admitted: f64,
    /// Tokens of answers.
    answered: f64,
}

impl Refill {
    /// So many more were let in, or undone.
    pub fn admit(&mut self, attempts: f64) {
        self.admitted += attempts;
    }

    /// An answer used so many tokens, or they are charged for it.
    pub fn answer(&mut self, tokens: f64) {
        self.answered += tokens;
    }

    /// Tokens of answers so far.
    pub fn answered(&self) -> f64 {
        self.answered
    }

    /// A mark, after which `later` were let in.
    pub fn add(&mut self, mark: Mark, later: f64) {
        let (end, hint) = (mark.end, mark.hint());
        self.requests.add(Dry { end, hint, asked: 1.0, used: self.admitted - later }, (REQUESTS_CLOSE, 0.0));
        self.tokens.add(Dry { end, hint, asked: mark.asked, used: mark.used }, (COSTS_CLOSE * mark.asked, SHARE_CLOSE));
    }

    /// The marks of a bucket of requests or tokens.
    pub fn chain(&self, dimension: Dimension) -> Chain {
        if dimension.counts_tokens() { self.tokens } else { self.requests }
    }

    /// What the bucket counts that there is no doubt about.
    pub fn proves(&self, wrong: u32) -> Option<Dimension> {
        let requests = self.requests.is_proof(wrong).then_some(Dimension::Requests);
        requests.or(self.tokens.is_proof(wrong).then_some(Dimension::Tokens))
    }
}

#[cfg(test)]
impl Chain {
    /// Two marks, so much used in between.
    pub fn of(used: f64, time: Nanos) -> Chain {
        let dry = Dry { end: Nanos::ZERO, hint: Nanos::ZERO, asked: 1.0, used: 0.0 };
        Chain { ends: Some((dry, Dry { end: time, used, ..dry })), marks: 2, slowest: 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::super::marks::Marks;
    use super::super::{Algorithm, Cost, FreeAt, Ledger, Limits};
    use super::*;
    use crate::rng::{Draws, Stream};

    /// What refusals of ten minutes say to a client that sends half as much again as the limit allows and waits when it is told to.
    fn marks(limits: &Limits, per_second: f64) -> Marks {
        let mut truth = Ledger::new(limits).expect("sensible limits");
        let (mut marks, mut draws) = (Marks::new(Nanos::ZERO), Draws::new(11, Stream::Pick, 0));
        let (mut now, mut shut) = (Nanos::ZERO, Nanos::ZERO);
        while now < Nanos::from_secs(600) {
            now = (now + Nanos::from_secs_f64(-draws.open_unit().ln() / per_second)).max(shut);
            let _ = marks.take(now);
            let Err(refusal) = truth.try_reserve(now, Cost::default()) else { continue };
            let FreeAt::At(free) = refusal.free_at else { panic!("a time is known") };
            shut = Nanos::from_millis(free.as_nanos().div_ceil(1_000_000));
            marks.refused(now, now, Some(shut), (0.0, 0.0));
            marks.undo(now);
        }
        marks
    }

    /// Of a bucket that is never full the rate is found, but for the rounding of two pauses to milliseconds; a window, fixed or
    /// sliding, asks for pauses that no bucket asks for.
    #[test]
    fn the_rate_of_a_bucket_is_found_and_that_of_a_window_is_not() {
        for (rpm, burst) in [(60.0, 20.0), (120.0, 120.0), (300.0, 50.0)] {
            let marks = marks(&Limits { rpm: Some(rpm), burst: Some(burst), ..Limits::default() }, rpm / 40.0);
            assert_eq!(marks.bucket(), Some(Dimension::Requests), "{rpm} a minute, {burst} deep");
            let chain = marks.refill().chain(Dimension::Requests);
            let (rate, time) = (chain.rate().expect("many marks"), chain.used() * 60e9 / rpm);
            assert!((rate * 60e9 / rpm - 1.0).abs() <= 2.0 * ROUNDING / time, "{rpm} a minute: {chain:?}");
        }
        for algorithm in [Algorithm::FixedWindow, Algorithm::SlidingWindow] {
            let marks = marks(&Limits { rpm: Some(60.0), algorithm, ..Limits::default() }, 1.5);
            assert_eq!(marks.bucket(), None, "{algorithm:?}");
        }
    }
}

//! Whether a limit that refusals teach counts requests or tokens, where requests differ in size.
//!
//! The times of a mark say the same of both (see [`Marks`](super::marks)), but of requests a full window holds the same number each
//! time, and of tokens the same sum, to within what the refused attempt asked for. What is known of the sum is
//! what answers told that they used: less than was charged, as long as some of those that were in flight have not ended or the
//! provider charges estimates. So of many marks the highest sum is the limit, or a little less.

use super::log::Log;
use super::marks::{CLOSE, Finding, Mark, PERIODS};
use crate::time::Nanos;

/// Marks with the same number of requests that settle it, whatever their tokens.
const SAME: u32 = 5;
/// The least marks for a sum of tokens,
const LEAST: u32 = 3;
/// and the most likely that times agree by chance alone.
const CHANCE_MAX: f64 = 1e-4;
/// A mark counts if no more than this share of what was used in the last minute was in flight besides.
const SURE: f64 = 0.25;

const MINUTE: u64 = 60_000_000_000;

/// What windows held when they refused.
#[derive(Clone, Debug, Default)]
pub(super) struct Sizes {
    /// Tokens of answers, by the time their attempt was sent.
    used: Log,
    latest: Option<f64>,
    /// Tokens of an answer, over the last hundred or so.
    mean: f64,
    vary: bool,
    sliding: [Evidence; PERIODS.len()],
    fixed: [Evidence; PERIODS.len()],
}

/// Marks in a row that would belong to windows of one kind and length.
#[derive(Clone, Copy, Debug, Default)]
struct Evidence {
    marks: u32,
    /// Requests: the fewest and the most in a window.
    counts: (f64, f64),
    /// Tokens that fit, and that did not.
    tokens: (f64, f64),
    /// That their times agree by chance.
    chance: f64,
    /// One of them had to wait for longer than a bucket of this rate makes anybody wait.
    no_bucket: bool,
    end: Nanos,
}

impl Evidence {
    /// One more mark, at which a window of this period held so many requests and tokens.
    fn add(&mut self, mark: Mark, period: Nanos, (count, tokens): (f64, f64), chance: f64) {
        let no_bucket = mark.hint().as_f64() * tokens > 1.1 * mark.asked * period.as_f64();
        let first =
            Evidence { marks: 1, counts: (count, count), tokens: (tokens, tokens + mark.slack), chance: 1.0, no_bucket, end: mark.end };
        let both = Evidence {
            marks: self.marks + 1,
            counts: (self.counts.0.min(count), self.counts.1.max(count)),
            tokens: (self.tokens.0.max(first.tokens.0), self.tokens.1.min(first.tokens.1)),
            chance: self.chance * chance,
            no_bucket: self.no_bucket || no_bucket,
            end: mark.end,
        };
        // Where neither agrees it starts over with this mark.
        *self = if self.marks > 0 && (both.same_count() || both.same_sum()) { both } else { first };
    }

    fn same_count(self) -> bool {
        self.counts.0 == self.counts.1
    }

    fn same_sum(self) -> bool {
        self.tokens.0 <= self.tokens.1
    }

    fn counts_requests(self) -> bool {
        self.same_count() && (!self.same_sum() || self.marks >= SAME)
    }

    /// The limit on tokens.
    fn sum(self, wrong: u32) -> Option<f64> {
        let sure = self.marks >= LEAST + 2 * wrong && self.chance < CHANCE_MAX && self.no_bucket;
        (sure && self.same_sum() && !self.same_count() && self.tokens.0 >= 1.0).then_some(self.tokens.0)
    }
}

impl Sizes {
    /// An answer told how many tokens it used.
    pub fn measure(&mut self, tokens: f64) {
        self.vary |= self.latest.is_some_and(|latest| (latest - tokens).abs() > 0.02 * latest);
        self.mean = if self.latest.is_some() { self.mean + (tokens - self.mean) * 0.01 } else { tokens };
        self.latest = Some(tokens);
    }

    /// Those tokens belong to an attempt sent at `sent`.
    pub fn used(&mut self, now: Nanos, sent: Nanos, tokens: f64, memory: Nanos, entries_max: usize) {
        self.used.insert(sent, tokens);
        self.used.forget(now, memory);
        if self.used.len() > entries_max {
            self.used.forget_oldest();
        }
    }

    /// What is known of sizes, without what is known of windows.
    pub fn without_evidence(self) -> Sizes {
        Sizes { latest: self.latest, mean: self.mean, vary: self.vary, ..Sizes::default() }
    }

    /// Whether requests differ in size.
    pub fn vary(&self) -> bool {
        self.vary
    }

    /// Tokens of an answer at the mean; 0 before the first.
    pub fn mean(&self) -> f64 {
        self.mean
    }

    pub fn log(&self) -> &Log {
        &self.used
    }

    /// Takes in what a mark says of windows of every length; what it proves of a limit on tokens. `sent`: when requests went, all of
    /// them after `since`.
    pub fn judge(&mut self, mark: Mark, sent: &Log, since: Nanos, wrong: u32) -> Option<Finding> {
        // Too much was in flight, of which nobody knows what is charged.
        if mark.slack > mark.asked + SURE * self.used.between(Nanos::new(mark.sent.as_nanos().saturating_sub(MINUTE)), mark.sent) {
            return None;
        }
        for index in 0..PERIODS.len() {
            self.judge_sliding(mark, index, sent, since);
            self.judge_fixed(mark, index, sent, since);
        }
        // Times that agree by chance, or because attempts went at even distances, do so less often than the true ones.
        let all = PERIODS.iter().zip(self.fixed.iter().zip(&self.sliding));
        let marks = all.clone().map(|(_, (fixed, sliding))| fixed.marks.max(sliding.marks)).max().unwrap_or(0);
        let (period, (fixed, sliding)) = all.into_iter().find(|(_, (fixed, sliding))| fixed.marks.max(sliding.marks) == marks)?;
        let fixed = fixed.sum(wrong).map(|amount| Finding::Fixed { amount, period: *period, end: mark.end });
        fixed.or(sliding.sum(wrong).map(|amount| Finding::Sliding { amount, period: *period }))
    }

    fn judge_sliding(&mut self, mark: Mark, index: usize, sent: &Log, since: Nanos) {
        let (period, evidence) = (PERIODS[index], &mut self.sliding[index]);
        let Some(from) = mark.sent.as_nanos().checked_sub(period.as_nanos()).map(Nanos::new) else { return };
        let start = Nanos::new(mark.end.as_nanos() - period.as_nanos());
        if from < since || start > mark.sent || !sent.is_any_close(start, CLOSE) {
            *evidence = Evidence::default();
            return;
        }
        let held = (sent.between(from, mark.sent), self.used.between(from, mark.sent));
        evidence.add(mark, period, held, held.0 * 2.0 * CLOSE.as_f64() / period.as_f64());
    }

    fn judge_fixed(&mut self, mark: Mark, index: usize, sent: &Log, since: Nanos) {
        let (period, evidence) = (PERIODS[index], &mut self.fixed[index]);
        let Some(start) = mark.end.as_nanos().checked_sub(period.as_nanos()).map(Nanos::new) else { return };
        let (from, apart) = (start - CLOSE, mark.end.since(evidence.end));
        if from < since || start > mark.sent {
            *evidence = Evidence::default();
            return;
        }
        if evidence.marks > 0 && apart <= CLOSE {
            return; // The same window again.
        }
        if (apart + CLOSE).as_nanos() % period.as_nanos() > 2 * CLOSE.as_nanos() {
            *evidence = Evidence::default();
        }
        let held = (sent.between(from, mark.sent), self.used.between(from, mark.sent));
        evidence.add(mark, period, held, 4.0 * CLOSE.as_f64() / period.as_f64());
    }

    /// Whether marks of such windows leave no doubt that requests are counted.
    pub fn counts_requests(&self, index: usize, fixed: bool) -> bool {
        let evidence = if fixed { self.fixed[index] } else { self.sliding[index] };
        evidence.counts_requests()
    }
}

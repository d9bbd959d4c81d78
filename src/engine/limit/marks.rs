//! Which limit it is, found out from refusals and when they say the limit is free again.
//!
//! A refusal of an attempt sent at s whose hint ends at e is a mark. For requests of equal cost:
//!
//! - *Sliding window* of n per P: the oldest of the own admissions in (s − P, s] leaves the window at e, so it is just P older
//!   than e; and n were admitted in that time.
//! - *Sliding window that counts refused attempts*: see [`Counted`].
//! - *Fixed window*: e is its end, and the ends of two windows are a whole number of P apart; n were admitted since e − P.
//!
//! The length P is one of those that providers use. A window is believed when two marks in a row agree to the request and to
//! a few milliseconds, and one of them asked for a longer wait than a bucket of that rate ever does. Buckets have
//! marks of their own, see [`Refill`]. The [`Pace`](super::pace) has to do where the use of others and refusals
//! without a hint (but see [`Repeats`](super::repeats)) or with a coarse one spoil the agreement. Where requests differ in size, [`Sizes`] tells windows of requests from
//! windows of tokens.
//!
//! Of [`ENTRIES_MAX`] requests at most, and as many that were refused, it is remembered when they went: that bounds the memory (512 KiB each, where so many are sent
//! in [`MEMORY`]) and the windows that can be found, to about 15,000 a minute. A pace does not do instead: windows of a minute
//! repeat what was sent in the last one, its pauses included, and a pace that swings with them is refused in every minute.

use super::Dimension;
use super::counted::Counted;
use super::log::Log;
use super::refill::Refill;
use super::sizes::Sizes;
use crate::time::Nanos;

/// Lengths of windows that are met, longest first.
pub(super) const PERIODS: [Nanos; 7] = [
    Nanos::from_secs(60),
    Nanos::from_secs(30),
    Nanos::from_secs(15),
    Nanos::from_secs(10),
    Nanos::from_secs(5),
    Nanos::from_secs(2),
    Nanos::from_secs(1),
];

/// Times are compared to this.
pub(super) const CLOSE: Nanos = Nanos::from_millis(3);

/// How many instants are remembered.
pub(super) const ENTRIES_MAX: usize = 32_768;

/// An amount that is large enough for chance to be small.
const LARGE: f64 = 20.0;

/// How long admissions are remembered.
pub(super) const MEMORY: Nanos = Nanos::from_secs(125);

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Finding {
    /// So many in any period.
    Sliding { amount: f64, period: Nanos },
    /// So many in each period, of which one ends then.
    Fixed { amount: f64, period: Nanos, end: Nanos },
}

/// What was found to be limited.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Limited {
    pub dimension: Dimension,
    pub finding: Finding,
    /// Refused attempts count, too.
    pub counts_refused: bool,
}

/// The evidence.
#[derive(Clone, Debug)]
pub(super) struct Marks {
    log: Log,
    /// All admissions after this are in the log.
    since: Nanos,
    /// The latest mark, until all refusals of its instant are in.
    pending: Option<Mark>,
    /// For each period: what the last mark would mean.
    sliding: [Agreement; PERIODS.len()],
    fixed: [(Nanos, Agreement); PERIODS.len()],
    counted: Counted,
    /// Findings that turned out wrong: each asks for two more marks that agree.
    wrong: u32,
    sizes: Sizes,
    refill: Refill,
    /// The mark that was judged at the latest admission.
    judged: Option<Mark>,
}

/// Marks in a row that say the same amount.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Agreement {
    amount: f64,
    marks: u32,
    /// One of them had to wait for longer than a bucket of this rate makes anybody wait.
    no_bucket: bool,
    /// The period is half a minute at least: shorter ones are met by chance.
    long: bool,
}

impl Agreement {
    /// One more that says `amount` per `period`, and asked to wait for `hint`; `None`: one that speaks against it.
    pub fn count(&mut self, amount: Option<f64>, hint: Nanos, period: Nanos) {
        let Some(amount) = amount.filter(|amount| *amount >= 1.0) else {
            *self = Agreement::default();
            return;
        };
        if self.marks == 0 || amount != self.amount {
            *self = Agreement { amount, marks: 0, no_bucket: false, long: period >= Nanos::from_secs(30) };
        }
        self.marks += 1;
        self.no_bucket |= hint.as_f64() * amount > 1.1 * period.as_f64();
    }

    /// Two marks, or three of few per short period, if no bucket asks for such waits. Otherwise four, and of a large amount: who waits as told makes the marks
    /// of a bucket of n per P a whole number of P / n apart, and once in n that is a whole number of P. And so many `further` ones.
    pub fn is_proof(self, further: u32) -> bool {
        let least = match (self.no_bucket, self.long || self.amount >= LARGE) {
            (true, true) => 2,
            (true, false) => 3,
            (false, _) => 4,
        };
        self.marks >= least + further && (self.no_bucket || (self.amount >= LARGE && self.long))
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub sent: Nanos,
    pub end: Nanos,
    refused: Nanos,
    /// Tokens that it asked for.
    pub asked: f64,
    /// And those, with what may have been charged besides what answers told.
    pub slack: f64,
    /// Tokens used in all when it was sent, of those in flight the estimates.
    pub used: f64,
}

impl Mark {
    pub fn hint(self) -> Nanos {
        self.end.since(self.sent)
    }
}

impl Marks {
    /// Nothing was counted before `now`.
    pub fn new(now: Nanos) -> Marks {
        let (sliding, fixed) = ([Agreement::default(); PERIODS.len()], [(Nanos::ZERO, Agreement::default()); PERIODS.len()]);
        Marks {
            log: Log::default(),
            since: now,
            pending: None,
            sliding,
            fixed,
            counted: Counted::default(),
            wrong: 0,
            sizes: Sizes::default(),
            refill: Refill::default(),
            judged: None,
        }
    }

    /// What was found turned out to be wrong: everything starts over.
    pub fn start_over(&mut self, now: Nanos) {
        let sizes = std::mem::take(&mut self.sizes).without_evidence();
        *self = Marks { wrong: (self.wrong + 1).min(10), sizes, ..Marks::new(now) };
    }

    /// One is let in; what is clear now.
    pub fn take(&mut self, now: Nanos) -> Option<Limited> {
        let mark = self.pending.filter(|mark| now > mark.refused);
        if mark.is_some() {
            self.pending = None;
        }
        self.log.insert(now, 1.0);
        self.refill.admit(1.0);
        self.judged = mark;
        let finding = mark.and_then(|mark| self.judge(mark));
        self.log.forget(now, MEMORY);
        if self.log.len() > ENTRIES_MAX {
            self.since = self.log.forget_oldest().unwrap_or(now);
        }
        finding
    }

    /// One that was let in at `sent` has used nothing.
    pub fn undo(&mut self, sent: Nanos) {
        if sent > self.since {
            self.log.insert(sent, -1.0);
            self.refill.admit(-1.0);
        }
    }

    /// An attempt sent at `sent`, already undone, was refused at `now` until `end`; `None`: it did not say. It asked for so many
    /// tokens, and with all that were in flight then for `slack`.
    pub fn refused(&mut self, now: Nanos, sent: Nanos, end: Option<Nanos>, (asked, slack): (f64, f64)) {
        let used = self.refill.answered() + slack - asked * (1.0 + self.log.between(sent, now));
        self.pending = end.filter(|end| *end > sent).map(|end| Mark { sent, end, refused: now, asked, slack, used });
    }

    /// One that was sent at `sent` is about to be undone because it was refused. The provider may count it all the same.
    pub fn keep_refused(&mut self, now: Nanos, sent: Nanos) {
        self.counted.refused(now, sent);
    }

    /// An attempt that was let in at `sent` used so many tokens.
    pub fn used(&mut self, now: Nanos, sent: Nanos, tokens: f64) {
        self.measure(tokens);
        if sent >= self.since {
            self.sizes.used(now, sent, tokens, MEMORY, ENTRIES_MAX);
        }
    }

    /// An attempt that was let in before anything was counted used so many tokens.
    pub fn measure(&mut self, tokens: f64) {
        self.sizes.measure(tokens);
        self.refill.answer(tokens);
    }

    /// An attempt ended of which so many tokens stay charged.
    pub fn keep(&mut self, tokens: f64) {
        self.refill.answer(tokens);
    }

    /// What refusals say of buckets.
    pub fn refill(&self) -> &Refill {
        &self.refill
    }

    /// The mark that was judged at the latest admission.
    pub fn judged(&self) -> Option<Mark> {
        self.judged
    }

    /// What a bucket counts that there is no doubt about.
    pub fn bucket(&self) -> Option<Dimension> {
        // Where all are of one size, and charged so, requests would agree to the rounding if it was a bucket.
        let unlike = |mark: Mark| self.sizes.vary() || mark.asked > 1.02 * self.sizes.mean();
        self.refill.proves(self.wrong).filter(|dimension| !dimension.counts_tokens() || self.judged.is_some_and(unlike))
    }

    /// How many were let in after `sent`.
    pub fn later(&self, sent: Nanos) -> f64 {
        self.log.between(sent, Nanos::MAX)
    }

    /// Tokens of an answer at the mean.
    pub fn tokens(&self) -> f64 {
        self.sizes.mean()
    }

    /// How many were let in in the period that ends with `to`, that last one not; `None`: that is not known.
    pub fn within(&self, period: Nanos, to: Nanos) -> Option<f64> {
        let from = Nanos::new(to.as_nanos().checked_sub(period.as_nanos())?);
        (from >= self.since).then(|| self.log.between(from, to) - 1.0)
    }

    /// What counts of the limit that was found.
    pub fn log(&self, limited: Limited) -> Log {
        match (limited.dimension.counts_tokens(), limited.counts_refused) {
            (true, _) => self.sizes.log().clone(),
            (false, false) => self.log.clone(),
            (false, true) => self.counted.all(&self.log),
        }
    }

    fn judge(&mut self, mark: Mark) -> Option<Limited> {
        self.refill.add(mark, self.later(mark.sent));
        let sum = self.sizes.judge(mark, &self.log, self.since, self.wrong).filter(|_| self.sizes.vary());
        let mut found = [None; PERIODS.len()];
        for (index, found) in found.iter_mut().enumerate() {
            let sliding = self.judge_sliding(mark, index).filter(|_| self.is_count(index, false));
            let fixed = self.judge_fixed(mark, index).filter(|_| self.is_count(index, true));
            *found = fixed.or(sliding);
        }
        let requests = found.into_iter().enumerate().find_map(|(index, finding)| finding.filter(|_| !self.has_shorter(index)));
        let counted = self.counted.judge(mark, &self.log, self.since, self.wrong);
        let limited = |dimension, finding, counts_refused| Limited { dimension, finding, counts_refused };
        let requests = requests.map(|finding| limited(Dimension::Requests, finding, false));
        let tokens = sum.map(|finding| limited(Dimension::Tokens, finding, false));
        let counted = counted.map(|(amount, period)| limited(Dimension::Requests, Finding::Sliding { amount, period }, true));
        requests.or(tokens).or(counted)
    }

    /// Whether as many marks agree on a fixed window that fits into this one a whole number of times and takes as much: where that is
    /// used up in each period, so is this, and lets go at once what would be refused.
    fn has_shorter(&self, index: usize) -> bool {
        let (length, marks, amount) = (PERIODS[index].as_nanos(), self.fixed[index].1.marks, self.fixed[index].1.amount);
        let mut shorter = PERIODS[index + 1..].iter().zip(&self.fixed[index + 1..]);
        shorter.any(|(period, (_, agreement))| {
            let times = length / period.as_nanos();
            length % period.as_nanos() == 0 && agreement.marks >= marks.max(2) && agreement.amount * times as f64 >= amount
        })
    }

    /// Whether it is requests that are counted: where all are of one size, what counts them is as good as what counts tokens.
    fn is_count(&self, index: usize, fixed: bool) -> bool {
        !self.sizes.vary() || self.sizes.counts_requests(index, fixed)
    }

    fn judge_sliding(&mut self, mark: Mark, index: usize) -> Option<Finding> {
        let period = PERIODS[index];
        let from = Nanos::new(mark.sent.as_nanos().checked_sub(period.as_nanos())?);
        let oldest = self.log.first_after(from).filter(|_| from >= self.since);
        let fits = oldest.is_some_and(|oldest| is_close(oldest + period, mark.end));
        let amount = self.log.between(from, mark.sent);
        let agreement = &mut self.sliding[index];
        agreement.count(fits.then_some(amount), mark.hint(), period);
        agreement.is_proof(2 * self.wrong).then_some(Finding::Sliding { amount, period })
    }

    fn judge_fixed(&mut self, mark: Mark, index: usize) -> Option<Finding> {
        let period = PERIODS[index];
        let start = Nanos::new(mark.end.as_nanos().checked_sub(period.as_nanos())?);
        // The hint is rounded up to whole milliseconds, so the window began a little earlier than that.
        let from = start - CLOSE;
        let whole = from >= self.since && start <= mark.sent;
        let amount = self.log.between(from, mark.sent);
        let (end, agreement) = &mut self.fixed[index];
        let apart = mark.end.since(*end);
        if whole && agreement.marks > 0 && apart <= CLOSE && amount == agreement.amount {
            return None; // The same window again says nothing new.
        }
        let rest = Nanos::new((apart + CLOSE).as_nanos() % period.as_nanos());
        if rest > CLOSE + CLOSE {
            *agreement = Agreement::default();
        }
        *end = mark.end;
        agreement.count(whole.then_some(amount), mark.hint(), period);
        agreement.is_proof(2 * self.wrong).then_some(Finding::Fixed { amount, period, end: mark.end })
    }
}

/// Whether two instants, or two times, are the same but for rounding and a little delay.
pub(super) fn is_close(a: Nanos, b: Nanos) -> bool {
    a.since(b).max(b.since(a)) <= CLOSE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten in each 10 s, all used up, and refused twice a minute apart: 60 in each minute agree as well, and may not go at once. Which of
    /// the two it is shows the third refusal.
    #[test]
    fn a_window_that_is_always_used_up_is_not_taken_for_a_longer_one() {
        let (mut marks, mut found) = (Marks::new(Nanos::ZERO), Vec::new());
        for window in 0..25_u64 {
            let start = Nanos::from_secs(10 * window);
            for i in 0..10 {
                found.extend(marks.take(start + Nanos::from_millis(1 + 10 * i)));
            }
            if [6, 12, 17, 23].contains(&window) {
                let sent = start + Nanos::from_secs(1);
                found.extend(marks.take(sent));
                marks.undo(sent);
                marks.refused(sent, sent, Some(start + Nanos::from_secs(10)), (0.0, 0.0));
            }
        }
        let end = Nanos::from_secs(180);
        let finding = Finding::Fixed { amount: 10.0, period: Nanos::from_secs(10), end };
        assert_eq!(found.first(), Some(&Limited { dimension: Dimension::Requests, finding, counts_refused: false }));
    }
}

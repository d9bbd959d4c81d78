//! A window of requests or tokens that was found out from refusals, and kept as exactly as a declared one.
//!
//! Limits change, and what was found may have been too low from the start. So after one period, and then every five minutes,
//! one request (or a hundredth) more is let through than is known to fit: a refusal then doubles the time to the next trial; a
//! period that took it without one makes it known, and the next trial comes at once and tries twice as many. Refusals without a trial
//! are put down to accidents twice; then the limit has changed, and is forgotten.
//!
//! Of tokens it is not known beforehand how many an attempt will use, and what was found is what surely fitted. There a trial is one
//! attempt more when the limit seems used up and nobody is in flight; if it is answered, what had been used and what it asked for
//! fit, and the next may follow. A refusal near the limit is no accident, but says that it is a little lower.

use super::kind::Kind;
use super::marks::{Finding, Limited, Marks};
use super::told::{Attempt, ToldLimit};
use super::{Cost, FreeAt, Refusal};
use crate::time::Nanos;

/// To the first trial of more.
const TRIAL_AFTER: Nanos = Nanos::from_secs(300);
/// The longest time between two.
const TRIAL_AFTER_MAX: Nanos = Nanos::from_secs(3_600);
/// So many unexplained refusals are forgiven,
const TRUST: f64 = 2.0;
/// and one more for so many answers.
const TRUST_GAIN: f64 = 0.01;
/// A refusal is no surprise where so much of a limit on tokens was used.
const NEAR: f64 = 0.9;

/// A window of requests or tokens.
#[derive(Clone, Debug)]
pub(super) struct Found {
    limit: ToldLimit,
    /// Refused attempts count, too.
    counts_refused: bool,
    /// What is known to fit.
    known: f64,
    trial: Trial,
    /// Until the next trial, and how many more it tries.
    pause: Nanos,
    step: f64,
    trust: f64,
    /// For attempts that were sent before this so many tokens each are held until they end.
    born: Nanos,
    held: f64,
    /// The latest refusal.
    refused_at: Nanos,
}

#[derive(Clone, Copy, Debug)]
enum Trial {
    /// At this time.
    Due(Nanos),
    /// More fits in belief since the limit was last used up; `used_at`: when all of it was.
    Running { used_at: Option<Nanos> },
    /// Of tokens: an attempt that was sent then; if it is answered, so many are known to fit.
    One { sent: Nanos, known: f64 },
}

impl Found {
    /// `cost`: of the attempt that is let in now, before which `in_flight` were on their way.
    pub fn new(now: Nanos, limited: Limited, marks: &Marks, cost: Cost, in_flight: u32) -> Found {
        let Limited { dimension, finding, counts_refused } = limited;
        let log = marks.log(limited);
        let limit = match finding {
            Finding::Sliding { amount, period } => ToldLimit::found(now, dimension, amount, Kind::Sliding { period }, 0.0, log),
            Finding::Fixed { amount, period, end } => {
                let turns = now.since(end).as_nanos() / period.as_nanos() + u64::from(now >= end);
                let end = end + Nanos::new(turns.saturating_mul(period.as_nanos()));
                let since = Nanos::new(end.as_nanos().saturating_sub(period.as_nanos()));
                let left = amount - log.between(since, now);
                ToldLimit::found(now, dimension, amount, Kind::Fixed { length: Some(period), since }, left, log)
            }
        };
        let (known, first) = (limit.limit(), now + limit.period());
        let held = if dimension.counts_tokens() { cost.of(dimension) as f64 } else { 0.0 };
        let mut limit = limit;
        limit.note(now, now, held * f64::from(in_flight + 1));
        Found {
            known,
            limit,
            counts_refused,
            trial: Trial::Due(first),
            pause: TRIAL_AFTER,
            step: 0.0,
            trust: TRUST,
            born: now,
            held,
            refused_at: Nanos::ZERO,
        }
    }

    fn amount(&self, cost: Cost) -> f64 {
        cost.of(self.limit.dimension) as f64
    }

    fn counts_tokens(&self) -> bool {
        self.limit.dimension.counts_tokens()
    }

    /// Whether one more may go. A trial waits until the limit is used up and nobody is in flight: whatever comes back
    /// when an attempt ends has come back then. Where somebody always is, it waits no longer than it was due.
    pub fn fits(&mut self, now: Nanos, cost: Cost, in_flight: u32) -> bool {
        let amount = self.amount(cost);
        self.limit.fits(now, amount) || self.trial_at(now, amount, in_flight).is_some_and(|at| at <= now)
    }

    /// One goes, beside `in_flight`.
    pub fn take(&mut self, now: Nanos, cost: Cost, in_flight: u32) {
        let amount = self.amount(cost);
        if !self.counts_tokens() && !self.limit.fits(now, amount) && self.trial_at(now, amount, in_flight).is_some_and(|at| at <= now) {
            self.step = self.next_step();
            self.limit.set_limit(now, self.known + self.step);
            self.trial = Trial::Running { used_at: None };
        }
        match self.trial {
            Trial::Running { used_at: Some(at) } if now.since(at) > self.limit.period() => {
                self.known = self.limit.limit();
                (self.pause, self.step) = (TRIAL_AFTER, (self.step + self.step).min(self.known * 0.25));
                self.trial = Trial::Due(now);
            }
            Trial::Due(_) if self.counts_tokens() && !self.limit.fits(now, amount) => {
                self.trial = Trial::One { sent: now, known: self.known - self.limit.left(now) + amount };
            }
            Trial::Due(_) | Trial::Running { .. } | Trial::One { .. } => {}
        }
        self.limit.take(now, amount);
        if let Trial::Running { used_at: used_at @ None } = &mut self.trial
            && !self.limit.fits(now, amount)
        {
            *used_at = Some(now);
        }
    }

    /// One that was let in at `sent` used nothing.
    pub fn undo(&mut self, now: Nanos, sent: Nanos, cost: Cost) {
        if matches!(self.trial, Trial::One { sent: trial, .. } if trial == sent) {
            self.postpone(now);
        }
        if sent < self.born && self.limit.dimension.counts_tokens() {
            return self.limit.note(now, self.born, -self.held);
        }
        self.limit.undo(now, sent, self.amount(cost));
    }

    /// One ended otherwise than refused, having used so much.
    pub fn settle(&mut self, now: Nanos, attempt: Attempt, actual: Option<Cost>) {
        self.trust = (self.trust + TRUST_GAIN).min(TRUST);
        if attempt.sent >= self.born {
            self.limit.settle(now, attempt, actual);
        } else if self.counts_tokens() {
            self.limit.note(now, self.born, -self.held);
            self.limit.note(now, attempt.sent, self.amount(actual.unwrap_or(attempt.cost)));
        }
        if let Trial::One { sent, known } = self.trial
            && sent == attempt.sent
        {
            self.know(now, self.known.max(known));
            (self.pause, self.trial) = (TRIAL_AFTER, Trial::Due(now));
        }
    }

    fn know(&mut self, now: Nanos, known: f64) {
        self.known = known;
        self.limit.set_limit(now, known);
    }

    /// One that was sent at `sent` is about to be undone because it was refused.
    pub fn keep_refused(&mut self, now: Nanos, sent: Nanos, cost: Cost) {
        if self.counts_refused {
            self.limit.note(now, sent, self.amount(cost));
        }
    }

    /// A refusal of an attempt that was sent at `sent`, still to be undone; false: this is not the limit, or no longer. What was
    /// sent before the latest refusal says nothing new.
    pub fn refused(&mut self, now: Nanos, sent: Nanos, cost: Cost) -> bool {
        if sent < self.refused_at {
            return self.trust >= 0.0;
        }
        self.refused_at = now;
        match self.trial {
            Trial::Running { .. } => {
                self.limit.set_limit(now, self.known);
                self.postpone(now);
            }
            Trial::One { sent: trial, .. } if trial == sent => self.postpone(now),
            Trial::One { .. } | Trial::Due(_) => self.trust -= f64::from(u8::from(self.is_surprising(now, cost))),
        }
        self.trust >= 0.0
    }

    fn postpone(&mut self, now: Nanos) {
        self.trial = Trial::Due(now + self.pause);
        (self.pause, self.step) = ((self.pause + self.pause).min(TRIAL_AFTER_MAX), 0.0);
    }

    /// Whether a refusal was not to be expected. Of tokens it is clear only to within an estimate how many were used: near the
    /// limit a refusal says that it is a little lower.
    fn is_surprising(&mut self, now: Nanos, cost: Cost) -> bool {
        if !self.counts_tokens() {
            return true;
        }
        // What would have been used with it, of which more was there than it seems.
        let used = self.known - self.limit.left(now);
        if used < self.known * NEAR || used < self.amount(cost) {
            return true;
        }
        self.know(now, self.known.min(used - 1.0));
        false
    }

    /// When a trial may begin; `None`: one is running, or would not let a request through.
    fn trial_at(&mut self, now: Nanos, amount: f64, in_flight: u32) -> Option<Nanos> {
        let Trial::Due(at) = self.trial else { return None };
        // Of tokens one attempt more, whatever it needs.
        let more = if self.counts_tokens() { amount } else { self.next_step() };
        let lets_through = self.limit.left(now) + more >= amount;
        lets_through.then(|| if in_flight > 0 { at + TRIAL_AFTER } else { at })
    }

    /// How many more than known the next trial lets through.
    fn next_step(&self) -> f64 {
        self.step.max((self.known * 0.01).floor()).max(1.0)
    }

    /// As a refusal; `None`: one more may go.
    pub fn would_refuse(&mut self, now: Nanos, cost: Cost, in_flight: u32) -> Option<Refusal> {
        let amount = self.amount(cost);
        let mut free_at = self.limit.free_at(now, amount);
        if let (FreeAt::At(free), Some(trial)) = (free_at, self.trial_at(now, amount, in_flight)) {
            free_at = if trial <= now { FreeAt::Now } else { FreeAt::At(free.min(trial)) };
        }
        (free_at > FreeAt::Now).then_some(Refusal { dimension: self.limit.dimension, free_at })
    }

    /// Requests per ns that it sustains, of so many tokens each.
    pub fn rate(&self, tokens: f64) -> f64 {
        if self.limit.dimension.counts_tokens() { self.limit.rate() / tokens.max(1.0) } else { self.limit.rate() }
    }

    pub fn left_fraction(&mut self, now: Nanos) -> f64 {
        self.limit.left_fraction(now)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Algorithm, Dimension, Ledger, Limits};
    use super::*;
    use crate::rng::{Draws, Stream};

    const ONE: Cost = Cost { input: 0, output: 0 };

    /// What became of a client.
    struct Client {
        found: Option<Found>,
        admitted: Vec<Nanos>,
        refused: u32,
        /// Findings that turned out wrong.
        lost: u32,
    }

    /// A provider with a true limit and one client that knows nothing of it: attempts as soon as its belief lets them, after
    /// random pauses, refused ones after 20 ms.
    fn client(limits: &Limits, per_second: f64, seconds: u64) -> Client {
        let mut truth = Ledger::new(limits).expect("sensible limits");
        let (mut marks, mut found, mut draws) = (Marks::new(Nanos::ZERO), None::<Found>, Draws::new(7, Stream::Pick, 0));
        let (mut now, mut shut, mut admitted, mut refused, mut lost) = (Nanos::ZERO, Nanos::ZERO, Vec::new(), 0, 0);
        while now < Nanos::from_secs(seconds) {
            now = (now + Nanos::from_secs_f64(-draws.open_unit().ln() / per_second)).max(shut);
            if found.as_mut().is_some_and(|found| !found.fits(now, ONE, 0)) {
                continue;
            }
            match &mut found {
                Some(found) => found.take(now, ONE, 0),
                None => found = marks.take(now).map(|finding| Found::new(now, finding, &marks, ONE, 0)),
            }
            match truth.try_reserve(now, Cost::default()) {
                Ok(reservation) => {
                    truth.settle(now, reservation, None);
                    admitted.push(now);
                    found.iter_mut().for_each(|found| found.settle(now, Attempt { number: 1, sent: now, cost: ONE }, None));
                }
                Err(mut refusal) => {
                    if truth.count_refused() {
                        truth.refuse_counts(now, Cost::default());
                        refusal = truth.would_refuse(now, Cost::default()).expect("it is no freer than before");
                    }
                    let FreeAt::At(free) = refusal.free_at else { panic!("requests come back with time") };
                    let end = Nanos::from_millis(free.as_nanos().div_ceil(1_000_000));
                    refused += 1;
                    let answer = now + Nanos::from_millis(20);
                    found.iter_mut().for_each(|found| found.keep_refused(answer, now, ONE));
                    let kept = found.as_mut().map(|found| found.refused(answer, now, ONE));
                    match (&mut found, kept) {
                        (Some(limit), Some(true)) => limit.undo(answer, now, ONE),
                        (Some(_), _) => {
                            (found, lost) = (None, lost + 1);
                            marks.start_over(answer);
                        }
                        (None, _) => {
                            marks.keep_refused(answer, now);
                            marks.refused(answer, now, Some(end), (0.0, 0.0));
                            marks.undo(now);
                        }
                    }
                    shut = end.max(answer);
                }
            }
        }
        Client { found, admitted, refused, lost }
    }

    /// Whatever the window, its amount and length are found, to the request, within a handful of refusals; from then on
    /// all of it is used and only trials are refused.
    #[test]
    fn windows_are_found_to_the_request() {
        for algorithm in [Algorithm::FixedWindow, Algorithm::SlidingWindow] {
            for (rpm, period, amount) in [(60.0, 60, 60.0), (300.0, 60, 300.0), (60.0, 10, 10.0), (120.0, 30, 60.0)] {
                let limits = Limits { rpm: Some(rpm), period: Some(Nanos::from_secs(period)), algorithm, ..Limits::default() };
                let Client { found, admitted, refused, lost } = client(&limits, rpm / 60.0 * 1.5, 1_200);
                let what = format!("{algorithm:?} of {amount} in {period} s: {refused} refused");
                let found = found.unwrap_or_else(|| panic!("{what}, not found"));
                assert_eq!((found.known, found.limit.period()), (amount, Nanos::from_secs(period)), "{what}");
                // Two marks, perhaps a third, and trials after one period, 5, 15 and more minutes.
                assert!(refused <= 12 && lost == 0, "{what}");
                let late = admitted.iter().filter(|at| **at >= Nanos::from_secs(600)).count() as f64;
                // A place that comes free is taken at the next arrival, up to a second later.
                assert!(late >= 0.88 * rpm * 10.0, "{what}, {late} admitted in the second ten minutes");
            }
        }
    }

    /// The same of providers that count refused attempts, too: nobody could use all of such a window without knowing that.
    #[test]
    fn windows_that_count_refusals_are_found_to_the_request() {
        for (rpm, period, amount) in [(60.0, 60, 60.0), (300.0, 60, 300.0), (60.0, 10, 10.0), (120.0, 30, 60.0)] {
            let (period, algorithm) = (Nanos::from_secs(period), Algorithm::SlidingWindow);
            let limits = Limits { rpm: Some(rpm), period: Some(period), algorithm, count_refused: true, ..Limits::default() };
            let Client { found, admitted, refused, lost } = client(&limits, rpm / 60.0 * 1.5, 1_200);
            let what = format!("{amount} in {period:?}: {refused} refused");
            let found = found.unwrap_or_else(|| panic!("{what}, not found"));
            assert_eq!((found.known, found.limit.period(), found.counts_refused), (amount, period, true), "{what}");
            assert!(refused <= 20 && lost == 0, "{what}, {lost} times wrong");
            let late = admitted.iter().filter(|at| **at >= Nanos::from_secs(600)).count() as f64;
            // As above.
            assert!(late >= 0.88 * rpm * 10.0, "{what}, {late} admitted in the second ten minutes");
        }
    }

    /// A client that waits as it is told can make a bucket look like a window. What is found then is let go of after three
    /// refusals, and each time the next finding needs more marks that agree.
    #[test]
    fn a_bucket_is_not_taken_for_a_window_for_long() {
        for (rpm, burst) in [(60.0, 1.0), (120.0, 5.0), (300.0, 20.0)] {
            let limits = Limits { rpm: Some(rpm), burst: Some(burst), ..Limits::default() };
            let client = client(&limits, rpm / 60.0 * 1.5, 1_200);
            assert!(client.lost <= 3, "{rpm} a minute, {burst} deep: {} findings lost, now {:?}", client.lost, client.found);
        }
    }

    /// A limit that was raised is used within minutes, and one that was lowered is let go of and found again.
    #[test]
    fn a_limit_that_changes_is_found_again() {
        let finding = |amount| Limited {
            dimension: Dimension::Requests,
            finding: Finding::Fixed { amount, period: Nanos::from_secs(10), end: Nanos::ZERO },
            counts_refused: false,
        };
        let mut found = Found::new(Nanos::ZERO, finding(10.0), &Marks::new(Nanos::ZERO), ONE, 0);
        let mut sent = 0;
        for i in 0..3_000 {
            let now = Nanos::from_millis(200 * i);
            if found.fits(now, ONE, 0) {
                found.take(now, ONE, 0);
                sent += u32::from(i >= 1_500);
            }
        }
        assert!(sent > 1_400, "five a second are offered and nothing refuses: {sent} of 1,500");
        let mut found = Found::new(Nanos::ZERO, finding(10.0), &Marks::new(Nanos::ZERO), ONE, 0);
        let verdicts = (0..3).map(|i| found.refused(Nanos::from_secs(1 + 10 * i), Nanos::from_secs(1 + 10 * i), ONE));
        assert_eq!(verdicts.collect::<Vec<_>>(), [true, true, false]);
    }
}

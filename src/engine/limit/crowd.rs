//! A limit on what is in flight that nobody declared, found out from refusals.
//!
//! No time frees a place, so a refusal for it carries no hint; those that carry one are left to the limits on rates. A refusal of
//! an attempt sent while n others were in flight says that the limit is n at most, an answer to one that it is n + 1 at
//! least. As long as the two do not contradict each other, the limit is the lowest such n, to the attempt. Of a rate they do so
//! at once: what is refused at it is refused at any number in flight, and passes at any. Then this is not the limit, and
//! the pace learns from those refusals instead; each finding that turned out wrong doubles the time until the next. An answer may
//! take half a minute, so what would have been refused by now has passed as well.
//!
//! Limits change, and what was found may have been too low. So after a while one more is let through, as TCP probes for more
//! (RFC 5681; concurrency-limits by Netflix, "AIMDLimit", does so for servers): if it passes, so many are known to fit and twice as
//! many more may follow; a refusal doubles the time to the next trial. Other than there a refusal does not lower
//! the limit by a factor, since it tells the number. And a trial is apart from other attempts: one a second, however long answers take,
//! would look like a single place to who tries a second one at once.

use std::collections::VecDeque;

use super::super::refusal_time::RefusalTime;
use super::FreeAt;
use crate::time::Nanos;

/// To the first trial of more, and the longest time between two.
const TRIAL_AFTER: Nanos = Nanos::from_secs(2);
const TRIAL_AFTER_MAX: Nanos = Nanos::from_secs(3_600);
/// So many trials in a row that are refused at the same limit confirm it. A rate refuses one now and then, and lets others pass.
const CONFIRMED: u32 = 3;
/// A limit that is confirmed is believed through so many contradictions,
const TRUST: f64 = 3.0;
/// and one more for so many answers.
const TRUST_GAIN: f64 = 0.01;
/// A trial lets through one in so many at most. Were it a rate, more would be a burst, which is refused for what it is.
const STEP_SHARE: u32 = 50;
/// A trial is sent so much of the usual time between two after the one before it. At once it would be refused of a rate without a burst,
/// too, and such a rate be taken for a single place.
const APART: f64 = 0.5;
/// The usual time is the mean of about so many.
const GAPS: f64 = 8.0;
/// So many in this time tell a rate.
const MANY: usize = 12;
const LATELY: Nanos = Nanos::from_secs(60);
/// How long refusals are left to others once two findings were wrong; it doubles.
const DEAF: Nanos = Nanos::from_secs(60);
const DEAF_DOUBLINGS: u32 = 6;
/// Of many in flight one in so many may be counted wrong: what ends at the provider ends here a little later.
const UNSURE: u32 = 50;
/// Of so many attempts it is remembered how many others were in flight (16 KiB).
const ENTRIES_MAX: usize = 1_024;

/// A believed limit on attempts in flight.
#[derive(Clone, Debug)]
pub(super) struct Crowd {
    sent: VecDeque<Sent>,
    /// When the latest was sent, and the mean time between two, ns.
    sent_at: Nanos,
    gap: f64,
    /// Of how many it is known, from the oldest on, how they fared: they ended, or would have been refused by now.
    judged: usize,
    refusal_time: RefusalTime,
    /// `u32::MAX`: none.
    limit: u32,
    /// So many have fitted.
    passed: u32,
    /// When a trial may begin, and how many more than the limit the running one lets through; 0: none is running.
    due: Nanos,
    pause: Nanos,
    step: u32,
    /// Trials in a row that were refused at this limit.
    confirmed: u32,
    trust: f64,
    /// Refusals say nothing before this.
    deaf_until: Nanos,
    /// Findings that turned out wrong since one was confirmed.
    wrong: u32,
    /// The latest that was out of the way.
    left: Option<u64>,
}

/// An attempt.
#[derive(Clone, Copy, Debug)]
struct Sent {
    number: u64,
    at: Nanos,
    /// So many others were in flight.
    others: u32,
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Unknown,
    Passed,
    Gone,
}

impl Crowd {
    /// Nothing is known.
    pub fn new() -> Crowd {
        Crowd {
            sent: VecDeque::new(),
            sent_at: Nanos::ZERO,
            gap: 0.0,
            judged: 0,
            refusal_time: RefusalTime::default(),
            limit: u32::MAX,
            passed: 1,
            due: Nanos::ZERO,
            pause: TRIAL_AFTER,
            step: 0,
            confirmed: 0,
            trust: 0.0,
            deaf_until: Nanos::ZERO,
            wrong: 0,
            left: None,
        }
    }

    /// When one more may go beside so many. Whether a trial is due changes with what is told here only, not with time: who is told to
    /// wait for an end is woken by nothing else.
    pub fn free_at(&self, now: Nanos, in_flight: u32) -> FreeAt {
        if in_flight < self.limit {
            return FreeAt::Now;
        }
        if in_flight >= self.limit.saturating_add(self.step) {
            return FreeAt::OnSettle;
        }
        let at = self.sent_at + Nanos::from_f64(self.gap * APART);
        if at <= now { FreeAt::Now } else { FreeAt::At(at) }
    }

    /// What time tells: a trial is due, or an attempt would have been refused by now.
    fn look_at_clock(&mut self, now: Nanos) {
        if self.step == 0 && self.limit < u32::MAX && now >= self.due {
            self.step = 1;
        }
        while let Some(sent) = self.sent.get(self.judged).filter(|sent| self.refusal_time.over(sent.at) < now) {
            let (others, unknown) = (sent.others, sent.fate == Fate::Unknown);
            self.judged += 1;
            if unknown {
                self.sent[self.judged - 1].fate = Fate::Passed;
                self.pass(others);
            }
        }
    }

    /// Attempt `number` goes, beside `others`.
    pub fn take(&mut self, now: Nanos, number: u64, others: u32) {
        self.look_at_clock(now);
        if !self.sent.is_empty() {
            self.gap += (now.since(self.sent_at).as_f64() - self.gap) / GAPS;
        }
        self.sent_at = now;
        if self.sent.len() == ENTRIES_MAX {
            let oldest = self.sent.pop_front().filter(|oldest| oldest.fate == Fate::Passed);
            self.passed = self.passed.max(oldest.map_or(0, |oldest| oldest.others.saturating_add(1)));
            self.judged = self.judged.saturating_sub(1);
        }
        self.sent.push_back(Sent { number, at: now, others, fate: Fate::Unknown });
    }

    /// Attempt `number` ended otherwise than refused.
    pub fn end(&mut self, now: Nanos, number: u64) {
        self.look_at_clock(now);
        self.trust = if self.trust > 0.0 { (self.trust + TRUST_GAIN).min(TRUST) } else { self.trust };
        let Some(index) = self.index(number).filter(|index| self.sent[*index].fate == Fate::Unknown) else { return };
        self.sent[index].fate = Fate::Passed;
        self.pass(self.sent[index].others);
    }

    /// One has passed beside `others`.
    fn pass(&mut self, others: u32) {
        let passed = others.saturating_add(1);
        if passed <= self.limit {
            return;
        }
        // All that a trial lets through has fitted: twice as much is tried at once.
        let target = self.limit.saturating_add(self.step);
        self.confirmed = 0;
        self.limit = passed;
        self.pause = TRIAL_AFTER;
        let most = 1 + self.limit / STEP_SHARE;
        self.step = if self.limit >= target { self.step.saturating_mul(2).clamp(1, most) } else { target - self.limit };
    }

    /// Attempt `number` was refused for the rate without a hint, while `in_flight` are with it, as of now; false: not for what is
    /// in flight.
    pub fn refused(&mut self, now: Nanos, number: u64, in_flight: u32) -> bool {
        let index = self.index(number);
        let others = index.map_or(in_flight.saturating_sub(1), |index| self.sent[index].others);
        if let Some(index) = index {
            self.refusal_time.refused(now, self.sent[index].at);
        }
        self.leave(number);
        self.look_at_clock(now);
        if now < self.deaf_until {
            return false;
        }
        self.look_back(number);
        if others.saturating_add(self.passed / UNSURE) < self.passed {
            self.contradicted(now);
            return false;
        }
        if others == self.limit && self.step > 0 {
            self.confirmed += 1;
            if self.confirmed >= CONFIRMED {
                (self.trust, self.wrong) = (TRUST, 0);
            }
        }
        if self.step > 0 {
            self.pause = (self.pause + self.pause).min(TRIAL_AFTER_MAX);
        }
        if others < self.limit {
            self.confirmed = 0;
        }
        (self.limit, self.step, self.due) = (self.limit.min(others), 0, now + self.pause);
        true
    }

    /// One is out of the way: it was never sent, or refused, for whatever. To be told so again changes nothing.
    pub fn leave(&mut self, number: u64) {
        let index = self.index(number);
        if self.left.replace(number) == Some(number) || index.is_some_and(|index| self.sent[index].fate == Fate::Gone) {
            return;
        }
        if let Some(index) = index {
            self.sent[index].fate = Fate::Gone;
        }
        // It was counted with those that went after it, but took no place.
        let start = self.sent.partition_point(|sent| sent.number <= number);
        self.sent.range_mut(start..).for_each(|sent| sent.others = sent.others.saturating_sub(1));
    }

    /// What has passed of those sent before `number`. An answer may come before the refusals of others that seemed to be in
    /// flight; when one sent later is refused, those are known.
    fn look_back(&mut self, number: u64) {
        let before = self.sent.iter().take_while(|sent| sent.number < number);
        let most = before.filter(|sent| sent.fate == Fate::Passed).map(|sent| sent.others.saturating_add(1)).max();
        self.passed = self.passed.max(most.unwrap_or(0));
    }

    fn index(&self, number: u64) -> Option<usize> {
        self.sent.binary_search_by_key(&number, |sent| sent.number).ok()
    }

    /// Attempts per ns of the last minute that were let in where it binds; `None`: it does not, or they are few.
    pub fn throughput(&self, now: Nanos) -> Option<f64> {
        let oldest = self.sent.iter().find(|sent| self.binds() && now.since(sent.at) <= LATELY)?.at;
        let let_in = self.sent.iter().filter(|sent| sent.at >= oldest && sent.fate != Fate::Gone).count();
        (let_in >= MANY).then(|| let_in as f64 / now.since(oldest).as_f64().max(1e9))
    }

    /// Whether there is a limit.
    pub fn binds(&self) -> bool {
        self.limit < u32::MAX
    }

    /// Whether trials have confirmed it.
    pub fn is_confirmed(&self) -> bool {
        self.trust > 0.0
    }

    /// So many have passed before: it is another limit, or this one has changed.
    fn contradicted(&mut self, now: Nanos) {
        self.trust -= 1.0;
        if self.trust >= 0.0 {
            return;
        }
        self.wrong = (self.wrong + 1).min(2 + DEAF_DOUBLINGS);
        let deaf = self.wrong.checked_sub(2).map_or(Nanos::ZERO, |doublings| Nanos::new(DEAF.as_nanos() << doublings));
        self.deaf_until = now + deaf;
        self.forget();
    }

    /// There is none, as far as is known.
    pub fn forget(&mut self) {
        *self = Crowd { wrong: self.wrong, deaf_until: self.deaf_until, refusal_time: self.refusal_time, ..Crowd::new() };
    }

    /// What is left of it as a share.
    pub fn left_fraction(&self, in_flight: u32) -> f64 {
        if self.limit == u32::MAX { 1.0 } else { f64::from(self.limit.saturating_sub(in_flight)) / f64::from(self.limit) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Stream};

    /// Of six in flight the first, of which nothing was remembered, and two more are out of the way, and said to be so twice: beside the last
    /// there were two.
    #[test]
    fn who_leaves_twice_took_one_place() {
        let mut crowd = Crowd::new();
        (1..6).for_each(|number| crowd.take(Nanos::from_millis(number), number, number as u32));
        [0, 0, 1, 1, 2, 1].into_iter().for_each(|number| crowd.leave(number));
        assert_eq!(crowd.sent.back().map(|sent| sent.others), Some(2));
    }

    /// Attempts of a second at the mean at a provider that lets in what `admits` says of (now, in flight there), offered
    /// `per_second` for ten minutes and never queued; refusals come after 50 ms. How many were refused after the first, what
    /// passed, and the belief.
    fn run(per_second: f64, admits: impl FnMut(Nanos, usize) -> bool) -> (u32, u32, Crowd) {
        answered_after(1.0, per_second, admits)
    }

    /// The same of attempts of so many seconds.
    fn answered_after(seconds: f64, per_second: f64, mut admits: impl FnMut(Nanos, usize) -> bool) -> (u32, u32, Crowd) {
        let (mut crowd, mut draws, mut now) = (Crowd::new(), Draws::new(3, Stream::Pick, 0), Nanos::ZERO);
        let (mut there, mut back) = (Vec::<(Nanos, u64)>::new(), Vec::<(Nanos, u64)>::new());
        let (mut refused, mut passed) = (0, 0);
        for number in 0..(per_second * 600.0) as u64 {
            now += Nanos::from_secs_f64(-draws.open_unit().ln() / per_second);
            for (_, number) in there.extract_if(.., |(end, _)| *end <= now) {
                crowd.end(now, number);
            }
            let mut in_flight = (there.len() + back.len()) as u32;
            for (_, number) in back.extract_if(.., |(end, _)| *end <= now) {
                crowd.refused(now, number, in_flight);
                in_flight -= 1;
            }
            if crowd.free_at(now, in_flight) > FreeAt::Now {
                continue;
            }
            crowd.take(now, number, in_flight);
            if admits(now, there.len()) {
                there.push((now + Nanos::from_secs_f64(-draws.open_unit().ln() * seconds), number));
                passed += 1;
            } else {
                back.push((now + Nanos::from_millis(50), number));
                refused += 1;
            }
        }
        (refused, passed, crowd)
    }

    /// Twice as many are offered as the limit takes, so it is nearly always full. Nine trials fit into ten minutes at 2, 4, 8 ...
    /// s, and each may take with it what is sent in the 50 ms until its refusal is there, as the first refusal does.
    #[test]
    fn the_limit_is_found_to_the_attempt() {
        for limit in [1, 2, 5, 20, 500] {
            let per_second = 2.0 * limit as f64;
            let (refused, passed, crowd) = run(per_second, |_, there| there < limit);
            let what = format!("{limit}: {refused} refused, {passed} passed, limit {}, wrong {}", crowd.limit, crowd.wrong);
            assert_eq!(crowd.limit, limit as u32, "{what}");
            assert!(f64::from(refused) <= 12.0 * (1.0 + 0.1 * per_second), "{what}");
            // Every place is taken again with the next arrival, half a turn later.
            assert!(f64::from(passed) >= 0.6 * 600.0 * limit as f64, "{what}");
        }
    }

    /// One a second, whatever is in flight, and answers of 20 s: the second one goes while the first is on its way, but not at once, and
    /// passes. A single place lets in 30 in ten minutes.
    #[test]
    fn one_a_second_is_no_single_place() {
        let mut next = Nanos::ZERO;
        let (refused, passed, crowd) = answered_after(20.0, 2.0, |now, _| {
            let admits = now >= next;
            next = if admits { now + Nanos::from_secs(1) } else { next };
            admits
        });
        assert!(passed >= 300, "{refused} refused, {passed} passed, limit {}, wrong {}", crowd.limit, crowd.wrong);
    }

    /// A limit that rises is followed within an hour at most, here within minutes; one that falls is learned anew.
    #[test]
    fn a_limit_that_changes_is_found_again() {
        for (first, then) in [(10, 40), (40, 10)] {
            let (_, _, crowd) = run(80.0, |now, there| there < if now < Nanos::from_secs(60) { first } else { then });
            assert_eq!(crowd.limit, then as u32, "{first} then {then}, wrong {}", crowd.wrong);
        }
    }

    /// Refusals that have nothing to do with what is in flight bind nobody for long: of ten a second, one in ten refused.
    #[test]
    fn chance_is_no_limit() {
        let mut draws = Draws::new(8, Stream::Pick, 1);
        let (refused, passed, crowd) = run(10.0, |_, _| draws.below(10) > 0);
        assert!(passed + refused >= 5_400, "{refused} refused, {passed} passed of 6,000, limit {}", crowd.limit);
    }

    /// A bucket of 20 into which 100 a second flow refuses when about 140 are in flight, and with answers of 20 s there is room
    /// for 2,000. Who waited for answers to know that more fit would be there after an hour.
    #[test]
    fn a_rate_with_slow_answers_is_not_taken_for_a_limit_in_flight_for_long() {
        let (mut level, mut as_of) = (20.0, Nanos::ZERO);
        let (refused, passed, crowd) = answered_after(20.0, 90.0, |now, _| {
            level = f64::min(level + 100.0 * now.since(as_of).as_secs_f64(), 20.0);
            as_of = now;
            let admits = level >= 1.0;
            level -= f64::from(u8::from(admits));
            admits
        });
        assert!(passed >= 51_300, "{refused} refused, {passed} passed of 54,000, limit {}", crowd.limit);
    }
}

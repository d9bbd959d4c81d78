//! Outlier detection: when a provider is taken out for failing, and how it comes back.
//!
//! Out after `consecutive_errors` in a row, when twice as many fail among the successes of old attempts (`onset`), or when at least `min_requests` ended within `window` and at least `error_ratio`
//! of them badly: exact counts, which work in a pool of two as in one of two hundred (rules over the spread of a
//! fleet, such as Envoy's success-rate ejection with its five hosts at least, never fire in a small pool). The time
//! out doubles with every further ejection up to a cap, with a tenth of jitter so that several gateways do not come
//! back together. Then a single trial request decides: a good end brings the provider back (its share then grows over
//! `slow_start`), any other, a 429 included, takes it out again. The circuit breaker of Nygard, "Release It!", 2007.

use super::doubt::{Doubt, Ends, Kind};
use super::onset::Onset;
use super::window::Window;
use crate::engine::config::OutlierDetection;
use crate::rng;
use crate::time::Nanos;

/// The breaker of one provider.
#[derive(Clone, Debug)]
pub(crate) struct Breaker {
    rules: OutlierDetection,
    /// Of the provider, for jitter.
    salt: u64,
    window: Window,
    consecutive: u32,
    onset: Onset,
    /// Doubtful statuses of first attempts.
    statuses: Doubt,
    /// Failures of retries.
    retries: Doubt,
    /// Failures of some kind are being counted since the last success.
    counting: bool,
    /// On trial a doubtful status counts.
    doubted: bool,
    state: State,
    /// Ejections that still lengthen the next one.
    level: u32,
    /// Ejections so far.
    ejections: u64,
    returned_at: Option<Nanos>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    In,
    /// Out until then; the next attempt after that is the trial.
    Out {
        until: Nanos,
    },
    /// The trial is on its way.
    Trial,
}

/// Whether the provider takes part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It does, fully or (with the time it came back) increasingly.
    In { returned_at: Option<Nanos> },
    /// Not before this; then one trial.
    Out { until: Nanos },
    /// Not before its trial has ended.
    Trial,
}

/// How an attempt ended, as far as health cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Vote {
    Good,
    Bad,
    /// Nothing about the provider.
    Neither,
}

/// What an end changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// Nothing.
    Stays,
    /// The counts say it should be out.
    Condemned,
    /// The trial went well.
    Returned,
    /// The trial went badly: out again.
    OutAgain,
}

impl Breaker {
    pub fn new(rules: OutlierDetection, salt: u64) -> Breaker {
        Breaker {
            window: Window::new(rules.window),
            rules,
            salt,
            consecutive: 0,
            onset: Onset::default(),
            statuses: Doubt::new(rules.window),
            retries: Doubt::new(rules.window),
            counting: false,
            doubted: false,
            state: State::In,
            level: 0,
            ejections: 0,
            returned_at: None,
        }
    }

    /// Other rules; what was counted stays unless the window changes.
    pub fn reconfigure(&mut self, rules: OutlierDetection) {
        if rules.window != self.rules.window {
            self.window = Window::new(rules.window);
            (self.statuses, self.retries) = (Doubt::new(rules.window), Doubt::new(rules.window));
            self.counting = self.onset.is_running();
        }
        self.rules = rules;
    }

    pub fn standing(&self, now: Nanos) -> Standing {
        match self.state {
            State::In => {
                let ramping = self.returned_at.filter(|at| now.since(*at) < self.rules.slow_start);
                Standing::In { returned_at: ramping }
            }
            State::Out { until } => Standing::Out { until },
            State::Trial => Standing::Trial,
        }
    }

    /// Whether it is or lately was out, so that an admission needs a closer look.
    #[inline]
    pub fn is_noteworthy(&self, now: Nanos) -> bool {
        self.state != State::In || self.returned_at.is_some_and(|at| now.since(at) < self.rules.slow_start)
    }

    /// An attempt is admitted; true if it is the trial.
    #[inline(always)]
    pub fn admit(&mut self, now: Nanos) -> bool {
        // The usual case: it takes part, and nothing has failed lately.
        if self.state == State::In && !self.counting { false } else { self.admit_notably(now) }
    }

    #[inline(never)]
    fn admit_notably(&mut self, now: Nanos) -> bool {
        match self.state {
            State::In => {
                self.onset.sent();
                self.statuses.sent();
                self.retries.sent();
                false
            }
            State::Out { until } => {
                let trial = now >= until;
                if trial {
                    self.state = State::Trial;
                }
                trial
            }
            State::Trial => false,
        }
    }

    /// An attempt that was sent at `sent` ended well, at a provider that takes part.
    #[inline]
    pub fn good(&mut self, now: Nanos, sent: Nanos) {
        self.consecutive = 0;
        if self.counting {
            self.relieved(sent);
        }
        self.window.count(now, true);
    }

    #[inline(never)]
    fn relieved(&mut self, sent: Nanos) {
        self.onset.succeeded(sent);
        self.statuses.succeeded(sent);
        self.retries.succeeded(sent);
        self.counting = self.onset.is_running() || self.statuses.is_open() || self.retries.is_open();
    }

    /// A retry was answered, at a provider that takes part.
    pub fn healed(&mut self, now: Nanos) {
        self.retries.healed(now);
    }

    /// An attempt that was sent at `sent` failed in a way that the request may explain.
    pub fn doubt(&mut self, now: Nanos, sent: Nanos, kind: Kind) {
        if self.state == State::In {
            self.counting = true;
            self.of(kind).failed(now, sent);
        }
    }

    /// How many failures of this kind in a row speak against it; 0: too few, or it is out.
    pub fn doubtful(&mut self, kind: Kind) -> u32 {
        let in_a_row = self.rules.consecutive_errors;
        if self.state == State::In { self.of(kind).failures(in_a_row) } else { 0 }
    }

    /// Whether so many, with these ends elsewhere, are its own fault.
    pub fn is_own_fault(&self, kind: Kind, failures: u32, elsewhere: &Ends) -> bool {
        elsewhere.condemn(kind, failures, self.rules.consecutive_errors)
    }

    /// Whether too little was asked elsewhere to tell.
    pub fn is_without_proof(&self, elsewhere: &Ends) -> bool {
        elsewhere.asked() < self.rules.consecutive_errors
    }

    /// First time out.
    pub fn base_ejection_time(&self) -> Nanos {
        self.rules.base_ejection_time
    }

    /// How attempts ended here in the last window.
    pub fn ends(&mut self, now: Nanos) -> Ends {
        Ends { good: self.window.counts(now).good, doubtful: self.statuses.counts(now).bad, retries: self.retries.counts(now) }
    }

    /// Takes the provider out because of its doubtful ends: its trials are judged by such ends too.
    pub fn eject_doubted(&mut self, now: Nanos) -> Nanos {
        self.doubted = true;
        self.eject(now)
    }

    fn of(&mut self, kind: Kind) -> &mut Doubt {
        match kind {
            Kind::Status => &mut self.statuses,
            Kind::Retry => &mut self.retries,
        }
    }

    /// What a doubtful status on trial says. The first after other failures may be the request's; two in a row are not.
    pub fn vote_on_trial(&mut self) -> Vote {
        if std::mem::replace(&mut self.doubted, true) { Vote::Bad } else { Vote::Neither }
    }

    /// An attempt that was sent at `sent` ended. A condemned provider stays in until [`Breaker::eject`].
    #[inline]
    pub fn end(&mut self, now: Nanos, sent: Nanos, trial: bool, vote: Vote) -> Turn {
        if trial && self.state == State::Trial {
            return self.end_trial(now, vote);
        }
        // What was sent before an ejection says nothing about the provider after it.
        if self.state != State::In {
            return Turn::Stays;
        }
        match vote {
            Vote::Neither => {
                self.onset.said_nothing(sent);
                Turn::Stays
            }
            Vote::Good => {
                self.good(now, sent);
                Turn::Stays
            }
            Vote::Bad => {
                self.consecutive += 1;
                self.counting = true;
                self.onset.failed(now, sent);
                self.window.count(now, false);
                if self.is_condemned(now) { Turn::Condemned } else { Turn::Stays }
            }
        }
    }

    /// The first token of an attempt has arrived; true if it was the trial, which is good enough: the provider is back.
    pub fn first_token(&mut self, now: Nanos, trial: bool) -> bool {
        let returns = trial && self.state == State::Trial;
        if returns {
            self.end_trial(now, Vote::Good);
        }
        returns
    }

    /// Takes the provider out.
    pub fn eject(&mut self, now: Nanos) -> Nanos {
        self.cool_level(now);
        let until = now + self.time_out();
        self.level = (self.level + 1).min(32);
        self.ejections += 1;
        self.state = State::Out { until };
        self.consecutive = 0;
        self.onset = Onset::default();
        self.statuses.clear();
        self.retries.clear();
        self.counting = false;
        self.returned_at = None;
        self.window.clear();
        until
    }

    /// Ejections so far.
    pub fn ejections(&self) -> u64 {
        self.ejections
    }

    fn end_trial(&mut self, now: Nanos, vote: Vote) -> Turn {
        match vote {
            Vote::Good => {
                self.state = State::In;
                self.doubted = false;
                self.returned_at = Some(now);
                Turn::Returned
            }
            Vote::Bad => {
                self.eject(now);
                Turn::OutAgain
            }
            Vote::Neither => {
                // The trial said nothing: the next attempt is one again.
                self.state = State::Out { until: now };
                Turn::Stays
            }
        }
    }

    fn is_condemned(&mut self, now: Nanos) -> bool {
        if self.consecutive >= self.rules.consecutive_errors || self.onset.is_outage(self.rules.consecutive_errors) {
            return true;
        }
        let counts = self.window.counts(now);
        let all = counts.good.saturating_add(counts.bad);
        all >= self.rules.min_requests && f64::from(counts.bad) >= self.rules.error_ratio * f64::from(all)
    }

    /// A provider that has been well for a window since its return is forgiven one ejection per window.
    fn cool_level(&mut self, now: Nanos) {
        if let Some(returned) = self.returned_at {
            let window = self.rules.window.as_nanos().max(1);
            let windows = now.since(returned).as_nanos() / window;
            self.level = self.level.saturating_sub(u32::try_from(windows).unwrap_or(u32::MAX));
        }
    }

    fn time_out(&self) -> Nanos {
        let base = self.rules.base_ejection_time.as_f64() * 2_f64.powi(self.level.min(63) as i32);
        let capped = base.min(self.rules.max_ejection_time.max(self.rules.base_ejection_time).as_f64());
        let unit = (rng::mix(self.salt ^ self.ejections.wrapping_mul(0x9e37_79b9_7f4a_7c15)) >> 11) as f64 / (1_u64 << 53) as f64;
        // Jitter shortens, so that the stated times stay upper bounds.
        Nanos::from_f64(capped * (1.0 - 0.1 * unit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        Breaker::new(OutlierDetection::default(), 7)
    }

    fn at(seconds: u64) -> Nanos {
        Nanos::from_secs(seconds)
    }

    #[test]
    fn five_failures_in_a_row_condemn_and_a_success_starts_over() {
        let mut breaker = breaker();
        for round in 0..3 {
            (0..4).for_each(|_| assert_eq!(breaker.end(at(round), at(round), false, Vote::Bad), Turn::Stays));
            assert_eq!(breaker.end(at(round), at(round), false, Vote::Good), Turn::Stays);
        }
        // The ratio alone (12 of 15) does not count below 20 ends.
        (0..4).for_each(|_| assert_eq!(breaker.end(at(4), at(4), false, Vote::Bad), Turn::Stays));
        assert_eq!(breaker.end(at(4), at(4), false, Vote::Bad), Turn::Condemned);
    }

    #[test]
    fn half_of_twenty_condemn_and_half_of_nineteen_do_not() {
        let mut breaker = breaker();
        for i in 0..9 {
            assert_eq!(breaker.end(at(i), at(i), false, Vote::Bad), Turn::Stays);
            breaker.end(at(i), at(i), false, Vote::Good);
        }
        breaker.end(at(9), at(9), false, Vote::Good);
        assert_eq!(breaker.end(at(9), at(9), false, Vote::Bad), Turn::Condemned, "10 of 20");
    }

    #[test]
    fn one_trial_decides_and_a_refusal_on_trial_is_a_failure() {
        let mut breaker = breaker();
        let until = breaker.eject(at(100));
        assert!(until > at(108) && until <= at(110), "10 s less up to a tenth: {until}");
        assert!(!breaker.admit(until - Nanos::new(1)));
        assert!(breaker.admit(until), "the first attempt is the trial");
        assert!(!breaker.admit(until), "only one");
        assert_eq!(breaker.standing(until), Standing::Trial);
        assert_eq!(breaker.end(until, until, false, Vote::Good), Turn::Stays, "attempts from before do not decide");
        assert_eq!(breaker.end(at(115), at(115), true, Vote::Bad), Turn::OutAgain);
        let Standing::Out { until } = breaker.standing(at(115)) else { panic!("out again") };
        assert!(until > at(132) && until <= at(135), "20 s less up to a tenth: {until}");
        assert!(breaker.admit(until));
        assert_eq!(breaker.end(until, until, true, Vote::Neither), Turn::Stays);
        assert!(breaker.admit(until), "a trial that said nothing is repeated");
        assert_eq!(breaker.end(at(140), at(140), true, Vote::Good), Turn::Returned);
        assert_eq!(breaker.standing(at(141)), Standing::In { returned_at: Some(at(140)) });
        assert_eq!(breaker.standing(at(150)), Standing::In { returned_at: None }, "after the slow start");
    }

    #[test]
    fn times_out_grow_to_the_cap_and_are_forgiven_with_time() {
        let mut breaker = breaker();
        let mut longest = Nanos::ZERO;
        for i in 0..10 {
            let now = at(1_000 * i);
            longest = breaker.eject(now).since(now);
        }
        assert!(longest > at(269) && longest <= at(300), "{longest}");
        assert!(breaker.admit(at(20_000)));
        breaker.end(at(20_000), at(20_000), true, Vote::Good);
        let now = at(20_000 + 30 * 20);
        assert!(breaker.eject(now).since(now) <= at(10), "ten ejections forgiven after twenty good windows");
        assert_eq!(breaker.ejections(), 11);
    }
}

//! One provider's health: breaker, cooldown, silence and probes together.

use std::sync::Arc;

use super::{Breaker, Cooldown, EjectedShare, Ends, HealthChange, Kind, Probes, Refused, Silence, Standing, Turn, Vote};
use crate::engine::config::{OutlierDetection, ProbeRules};
use crate::engine::limit::Paced;
use crate::engine::provider::{Ask, Ended, Mode, Shut, Until};
use crate::engine::request::{AttemptResult, Lease, Outcome, Why};
use crate::rng;
use crate::time::Nanos;

/// What is known of one provider's health.
#[derive(Debug)]
pub(crate) struct Fitness {
    /// Nothing below stands against an admission or has lately: the one thing that the usual path looks at.
    calm: bool,
    /// Others are better: see [`Fitness::is_reluctant`].
    reluctant: bool,
    /// So until then, for want of proof.
    aside_until: Nanos,
    /// `None`: failures do not count.
    breaker: Option<Breaker>,
    slow_start: Nanos,
    silence: Silence,
    /// Whether refusals cool it down.
    cools: bool,
    cooldown: Cooldown,
    cooldown_max: Nanos,
    probes: Probes,
    share: Arc<EjectedShare>,
    salt: u64,
}

impl Fitness {
    /// Of a provider that nothing is known of. `cools`: refusals pause it.
    pub fn new(rules: Option<OutlierDetection>, cools: bool, share: Arc<EjectedShare>, salt: u64) -> Fitness {
        Fitness {
            calm: true,
            reluctant: false,
            aside_until: Nanos::ZERO,
            breaker: rules.map(|rules| Breaker::new(rules, salt)),
            slow_start: rules.map_or(Nanos::ZERO, |rules| rules.slow_start),
            silence: Silence::default(),
            cools,
            cooldown: Cooldown::default(),
            cooldown_max: super::cooldown_max(rules.as_ref()),
            probes: Probes::default(),
            share,
            salt,
        }
    }

    /// An attempt was admitted; true if it is the trial.
    #[inline(always)]
    pub fn admitted(&mut self, now: Nanos) -> bool {
        self.silence.sent(now);
        if !self.calm {
            self.cooldown.admitted(now);
        }
        self.breaker.as_mut().is_some_and(|breaker| breaker.admit(now))
    }

    /// A good answer to what was sent at `sent` began `after` ns.
    #[inline]
    pub fn answered(&mut self, now: Nanos, sent: Nanos, after: f64) {
        self.silence.answered(now, sent, after);
    }

    /// An attempt that was sent at `sent` ended without a sign of life; so many others wait for one.
    #[cold]
    pub fn lost(&mut self, now: Nanos, sent: Nanos, waiting: u32) {
        self.silence.lost(now, sent, waiting);
    }

    /// The first token of an attempt has arrived. An answer may take half a minute more: a trial is decided here.
    #[inline]
    pub fn first_token(&mut self, now: Nanos, sent: Nanos, trial: bool) -> Option<HealthChange> {
        self.silence.heard(now, sent);
        if self.reluctant {
            self.look_around(now);
        }
        let returned = self.breaker.as_mut().is_some_and(|breaker| breaker.first_token(now, trial));
        if !returned {
            return None;
        }
        self.share.give_back();
        self.look_around(now);
        Some(HealthChange::Readmitted)
    }

    /// An active probe has ended.
    pub fn probed(&mut self, now: Nanos, rules: ProbeRules, good: bool) -> Option<HealthChange> {
        let change = self.probes.ended(rules, good);
        self.look_around(now);
        change
    }

    /// Leaves the provider to others if it seems to hang, and takes it out if it must be taken for hung.
    pub fn look_for_hang(&mut self, now: Nanos) -> Option<HealthChange> {
        if !self.reluctant && !self.silence.is_suspect(now) {
            return None;
        }
        let until = if self.silence.is_hung(now) { self.try_eject(now) } else { None };
        self.look_around(now);
        until.map(|until| HealthChange::Ejected { until })
    }

    /// Whether it is left to others as long as there are any, because it seems to hang, or fails in a way that may be the
    /// requests' until some were asked elsewhere. That takes nobody out.
    pub fn is_reluctant(&self) -> bool {
        self.reluctant
    }

    /// Whether it was taken out for failing, its trial included.
    pub fn is_out(&self, now: Nanos) -> bool {
        let broken = self.breaker.as_ref().is_some_and(|breaker| !matches!(breaker.standing(now), Standing::In { .. }));
        broken || self.probes.have_failed()
    }

    /// Ejections so far.
    pub fn ejections(&self) -> u64 {
        self.breaker.as_ref().map_or(0, Breaker::ejections)
    }

    pub fn reconfigure(&mut self, now: Nanos, rules: Option<OutlierDetection>, cools: bool) {
        match (&mut self.breaker, rules) {
            (Some(breaker), Some(rules)) => breaker.reconfigure(rules),
            (None, Some(rules)) => self.breaker = Some(Breaker::new(rules, self.salt)),
            (_, None) => {
                self.leave();
                self.breaker = None;
            }
        }
        self.slow_start = rules.map_or(Nanos::ZERO, |rules| rules.slow_start);
        self.cooldown_max = super::cooldown_max(rules.as_ref());
        self.cools = cools;
        self.look_around(now);
    }

    /// Gives back its place among the ejected.
    pub fn leave(&mut self) {
        let out = self.breaker.as_ref().is_some_and(|breaker| !matches!(breaker.standing(Nanos::ZERO), Standing::In { .. }));
        if out {
            self.share.give_back();
        }
        self.breaker = None;
    }

    /// Whether an admission has to look at more than the quota.
    #[inline]
    pub fn is_noteworthy(&self) -> bool {
        !self.calm
    }

    /// Looks whether the usual path may be taken again, after anything that may have changed that.
    fn look_around(&mut self, now: Nanos) {
        let is_in = self.breaker.as_ref().is_some_and(|breaker| matches!(breaker.standing(now), Standing::In { .. }));
        self.reluctant = is_in && (self.aside_until > now || self.silence.is_suspect(now));
        let noteworthy = self.reluctant
            || self.breaker.as_ref().is_some_and(|breaker| breaker.is_noteworthy(now))
            || self.cooldown.is_noteworthy(now)
            || self.probes.have_failed();
        self.calm = !noteworthy;
    }

    /// The rules of health, at a provider to which some may apply.
    #[cold]
    pub fn admits(&self, now: Nanos, ask: Ask) -> bool {
        match self.shut_in(now, ask.mode) {
            Some(_) => false,
            None => ask.mode != Mode::Strict || !(self.reluctant || self.sits_out(now, ask.request)),
        }
    }

    /// Whether it takes nothing now, and why.
    pub fn shut(&self, now: Nanos) -> Option<Shut> {
        if self.probes.have_failed() {
            return Some(Shut::new(Why::Ejected, Until::Settle));
        }
        match self.breaker.as_ref().map(|breaker| breaker.standing(now)) {
            Some(Standing::Out { until }) if until > now => return Some(Shut::new(Why::Ejected, Until::Time(until))),
            Some(Standing::Trial) => return Some(Shut::new(Why::Trial, Until::Settle)),
            _ => {}
        }
        let until = self.cooldown.until();
        (until > now).then(|| Shut::new(Why::Cooldown, Until::Time(until)))
    }

    /// The same for who takes it even from one that was taken out, where all are.
    pub fn shut_in(&self, now: Nanos, mode: Mode) -> Option<Shut> {
        self.shut(now).filter(|shut| mode != Mode::LeastBad || !matches!(shut.why, Why::Ejected | Why::Trial))
    }

    /// The same for the mirror: not before this. A provider in its slow start is open, but not plainly so (not zero).
    #[inline]
    pub fn shut_until(&self, now: Nanos) -> Nanos {
        let breaker = match self.breaker.as_ref().map(|breaker| breaker.standing(now)) {
            None | Some(Standing::In { .. }) => Nanos::ZERO,
            Some(Standing::Out { until }) => until,
            Some(Standing::Trial) => return Nanos::MAX,
        };
        if self.probes.have_failed() {
            return Nanos::MAX;
        }
        breaker.max(if self.cooldown.until() > now { self.cooldown.until() } else { Nanos::ZERO })
    }

    /// Whether a provider in its slow start leaves this request to others: it takes part in a share of the picks that
    /// grows from a tenth to all.
    fn sits_out(&self, now: Nanos, request: u64) -> bool {
        let Some(Standing::In { returned_at: Some(returned) }) = self.breaker.as_ref().map(|breaker| breaker.standing(now)) else {
            return false;
        };
        let share = (now.since(returned).as_f64() / self.slow_start.as_f64()).max(0.1);
        let unit = (rng::mix(request ^ self.salt) >> 11) as f64 / (1_u64 << 53) as f64;
        unit >= share
    }

    fn out_until(&self) -> Option<Nanos> {
        match self.breaker.as_ref()?.standing(Nanos::ZERO) {
            Standing::Out { until } => Some(until),
            Standing::In { .. } | Standing::Trial => None,
        }
    }

    /// Takes the provider out, if another may be.
    fn try_eject(&mut self, now: Nanos) -> Option<Nanos> {
        let breaker = self.breaker.as_mut()?;
        let is_in = matches!(breaker.standing(now), Standing::In { .. });
        (is_in && self.share.take()).then(|| breaker.eject(now))
    }

    /// How many failures of this kind in a row speak against it; 0: too few, or it is out.
    pub fn doubtful(&mut self, kind: Kind) -> u32 {
        self.breaker.as_mut().map_or(0, |breaker| breaker.doubtful(kind))
    }

    /// How attempts ended here in the last window.
    pub fn ends(&mut self, now: Nanos) -> Ends {
        self.breaker.as_mut().map_or_else(Ends::default, |breaker| breaker.ends(now))
    }

    /// Takes the provider out if its doubtful failures are its own fault, as attempts ended elsewhere.
    pub fn judge(&mut self, now: Nanos, kind: Kind, elsewhere: &Ends) -> Option<HealthChange> {
        let breaker = self.breaker.as_mut()?;
        let failures = breaker.doubtful(kind);
        if failures == 0 {
            return None;
        }
        if !breaker.is_own_fault(kind, failures, elsewhere) {
            // Nobody else is asked, so nobody knows: the next requests go elsewhere, and show it.
            if breaker.is_without_proof(elsewhere) {
                self.aside_until = now + breaker.base_ejection_time();
                self.look_around(now);
            }
            return None;
        }
        if !self.share.take() {
            return None;
        }
        let until = breaker.eject_doubted(now);
        self.look_around(now);
        Some(HealthChange::Ejected { until })
    }

    /// The longest pause that a refusal can ask for; `None`: refusals do not pause it.
    pub fn pause_max(&self) -> Option<Nanos> {
        self.cools.then_some(self.cooldown_max)
    }

    /// Learns from the end of an attempt. `paced`: what refusals before it taught.
    #[inline]
    pub fn ended(&mut self, now: Nanos, ended: &Ended<'_>, paced: Paced) -> Option<HealthChange> {
        if self.calm && ended.lease.first && ended.outcome.result == AttemptResult::Success {
            if let Some(breaker) = &mut self.breaker {
                breaker.good(now, ended.lease.sent);
            }
            return None;
        }
        let (&Lease { sent, trial, first, again, .. }, outcome) = (ended.lease, ended.outcome);
        // One by one, so that all the rest stays in registers on the usual path.
        let change = self.ended_notably(now, sent, trial, (first, again), outcome, paced);
        self.look_around(now);
        change
    }

    #[inline(never)]
    fn ended_notably(
        &mut self,
        now: Nanos,
        sent: Nanos,
        trial: bool,
        (first, again): (bool, bool),
        outcome: &Outcome,
        paced: Paced,
    ) -> Option<HealthChange> {
        if outcome.result == AttemptResult::Success {
            self.cooldown.succeeded(sent);
        } else {
            self.end_badly(now, sent, outcome, paced);
        }
        let mut vote = super::vote(outcome, first, trial);
        // A trial that its client, or a hedge that was faster, gave up without a token: later than usual it has failed. If
        // it said nothing, the next request would be a trial at once, and a black hole would get one every few seconds.
        if trial && vote == Vote::Neither && self.silence.is_late(now.since(sent)) {
            vote = Vote::Bad;
        }
        let breaker = self.breaker.as_mut()?;
        match super::doubts(outcome, first, again) {
            Some(_) if trial && vote == Vote::Neither => vote = breaker.vote_on_trial(),
            Some(kind) => breaker.doubt(now, sent, kind),
            None if vote == Vote::Good && !first => breaker.healed(now),
            None => {}
        }
        match breaker.end(now, sent, trial, vote) {
            Turn::Stays => None,
            Turn::Condemned => self.try_eject(now).map(|until| HealthChange::Ejected { until }),
            Turn::Returned => {
                self.share.give_back();
                Some(HealthChange::Readmitted)
            }
            Turn::OutAgain => self.out_until().map(|until| HealthChange::Ejected { until }),
        }
    }

    #[cold]
    fn end_badly(&mut self, now: Nanos, sent: Nanos, outcome: &Outcome, paced: Paced) {
        // A time-out is silence, whoever's; any answer is a sign of life.
        if matches!(outcome.result, AttemptResult::Status(_) | AttemptResult::ConnectionError) {
            self.silence.heard(now, sent);
        }
        let Some(refused) = Refused::of(outcome, paced) else { return self.cooldown.ended(sent) };
        if self.cools {
            self.cooldown.refused(now, sent, refused, self.cooldown_max, self.salt);
        }
    }
}

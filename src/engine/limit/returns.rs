//! Whether a provider gives back what an answer did not use of its estimate, where only headers tell the limit.
//!
//! Some charge the true size from the start, some reserve input + `max_tokens` and return the rest at the end, some keep it.
//! A header cannot tell: it was written at the admission of its attempt, and shows what came back since only with the
//! next attempt, which nobody sends while too little seems to be left. So where what may have come back would make room,
//! and nobody is in flight whose header might tell, one attempt is sent to see. If its header shows more than its own unused
//! estimate explains, what is not used counts as returned from then on. If not, or if it is refused, the next trial comes
//! after five minutes, then ten and so on.

use super::log::Log;
use crate::time::Nanos;

/// To the second trial, and the longest time between two.
const PAUSE: Nanos = Nanos::from_secs(300);
const PAUSE_MAX: Nanos = Nanos::from_secs(3_600);
/// So many refusals in a row are put down to others,
const TRUST: f64 = 4.0;
/// of which every answer restores this much.
const TRUST_GAIN: f64 = 0.02;

/// What may have come back since the latest header.
#[derive(Clone, Debug)]
pub(super) struct Returns {
    /// It does come back, and so many refusals more are needed to doubt it.
    trusted: Option<f64>,
    /// When what came back was settled.
    log: Log,
    /// The sum since the latest header's attempt was admitted.
    owed: f64,
    trial: Option<Trial>,
    /// No trial before this.
    due: Nanos,
    pause: Nanos,
}

/// An attempt that is to show whether more is left.
#[derive(Clone, Copy, Debug)]
struct Trial {
    number: u64,
    /// What its header tells is left, if nothing came back and all of its estimate is charged.
    left: f64,
    /// What of its estimate it may not use.
    unsure: f64,
    /// How much more its header told.
    gained: Option<f64>,
}

impl Default for Returns {
    fn default() -> Returns {
        Returns { trusted: None, log: Log::default(), owed: 0.0, trial: None, due: Nanos::ZERO, pause: PAUSE }
    }
}

impl Returns {
    /// What is known to have come back.
    pub fn known(&self) -> f64 {
        if self.trusted.is_some() { self.owed } else { 0.0 }
    }

    /// What came back after `sent`, if anything does.
    pub fn since(&self, sent: Nanos, now: Nanos) -> f64 {
        self.log.between(sent, now)
    }

    /// When a trial could make room for `missing` with an attempt that may leave `unsure` of its estimate unused; `None`: never.
    pub fn trial_at(&self, missing: f64, unsure: f64) -> Option<Nanos> {
        // Less would be no evidence: it could be the attempt's own.
        let enough = missing.max(unsure * 1.5);
        (self.trusted.is_none() && self.trial.is_none() && self.owed >= enough && self.owed > 0.0).then_some(self.due)
    }

    /// Attempt `number` goes as the trial, of which the header should then tell `left`.
    pub fn try_with(&mut self, number: u64, left: f64, unsure: f64) {
        self.trial = Some(Trial { number, left, unsure, gained: None });
    }

    /// An attempt that the latest header includes, or one before it, left `unused` of its estimate.
    pub fn settled(&mut self, now: Nanos, unused: f64, memory: Nanos) {
        self.log.insert_within(now, unused, memory);
        self.log.forget(now, memory);
        self.owed += unused;
    }

    /// A header of attempt `number`, sent at `sent`, told that `remaining` are left.
    pub fn heard(&mut self, now: Nanos, number: u64, sent: Nanos, remaining: f64) {
        self.owed = self.log.between(sent, now);
        if let Some(trial) = self.trial.as_mut().filter(|trial| trial.number == number) {
            trial.gained = Some(remaining - trial.left);
        }
    }

    /// A window has begun: what belonged to an earlier one does not matter.
    pub fn start_over(&mut self) {
        self.log = Log::default();
        self.owed = 0.0;
    }

    /// Attempt `number` was answered.
    pub fn answered(&mut self, now: Nanos, number: u64) {
        if let Some(trust) = &mut self.trusted {
            *trust = (*trust + TRUST_GAIN).min(TRUST);
        }
        if let Some(trial) = self.trial.filter(|trial| trial.number == number) {
            self.trial = None;
            match trial.gained {
                Some(gained) if gained > trial.unsure => self.trusted = Some(TRUST),
                _ => self.postpone(now),
            }
        }
    }

    /// Attempt `number` was refused.
    pub fn refused(&mut self, now: Nanos, number: u64) {
        if self.trial.is_some_and(|trial| trial.number == number) {
            self.trial = None;
            self.postpone(now);
        }
        if let Some(trust) = &mut self.trusted {
            *trust -= 1.0;
            if *trust < 0.0 {
                self.trusted = None;
                self.postpone(now);
            }
        }
    }

    fn postpone(&mut self, now: Nanos) {
        self.due = now + self.pause;
        self.pause = (self.pause + self.pause).min(PAUSE_MAX);
    }
}

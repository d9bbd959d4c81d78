//! Health: which providers are fit to be asked, judged by what their attempts came to.
//!
//! Three signals, each with its own file: failures (`breaker`, over the exact counts of `window`), refusals
//! (`cooldown`), and silence (`silence`). What does not vote: errors that the request may have caused (4xx, except 401, which
//! the key caused), a caller that went away or set a short time limit of its own, and any but the first failure of one
//! request, so that a request which fails everywhere cannot open every breaker. Of these a 4xx other than 400, 413 and 422,
//! and the failure of a retry, count once the requests cannot explain them any more (`doubt`).

mod breaker;
mod cooldown;
mod doubt;
mod fitness;
mod log;
mod onset;
mod probes;
mod share;
mod silence;
mod window;

use super::config::OutlierDetection;
use super::refusal::RefusalKind;
use super::request::{AttemptResult, Outcome};
use crate::time::Nanos;

use breaker::{Breaker, Standing, Turn, Vote};
pub(crate) use cooldown::{Cooldown, Refused};
pub(crate) use doubt::{Ends, Kind, doubts};
pub(crate) use fitness::Fitness;
pub(crate) use log::HealthLog;
pub use log::{HealthChange, HealthEvent};
use probes::Probes;
pub(crate) use share::EjectedShare;
use silence::Silence;

/// Longest cooldown where outlier detection, which has a cap of its own, is off.
const COOLDOWN_MAX: Nanos = Nanos::from_secs(300);

/// Longest pause of an exhausted quota: a day, and an hour for those who change their clocks.
const EXHAUSTED_MAX: Nanos = Nanos::from_secs(25 * 3_600);

/// What an end says about the provider; `first`: it was the request's first attempt.
pub(crate) fn vote(outcome: &Outcome, first: bool, trial: bool) -> Vote {
    match outcome.result {
        AttemptResult::Success => Vote::Good,
        AttemptResult::Abandoned | AttemptResult::CallerTimedOut | AttemptResult::NotSent => Vote::Neither,
        // On trial a refusal is a failure: the provider is not ready. Otherwise it is a matter of quota.
        AttemptResult::Status(429) if trial => Vote::Bad,
        AttemptResult::Status(429) => Vote::Neither,
        AttemptResult::Status(401 | 500..=599) if first || trial => Vote::Bad,
        AttemptResult::ConnectionError | AttemptResult::TimedOut | AttemptResult::Interrupted if first || trial => Vote::Bad,
        AttemptResult::Status(_) | AttemptResult::ConnectionError | AttemptResult::TimedOut | AttemptResult::Interrupted => Vote::Neither,
    }
}

/// The cap on cooldowns.
pub(crate) fn cooldown_max(rules: Option<&OutlierDetection>) -> Nanos {
    rules.map_or(COOLDOWN_MAX, |rules| rules.max_ejection_time)
}

/// The cap on the pause that one outcome asks for. A day's quota ends at a known time, and a provider that says so is
/// believed; a rate that asks for a day is not.
pub(crate) fn pause_max(outcome: &Outcome, cooldown_max: Nanos) -> Nanos {
    match outcome.refusal() {
        Some(RefusalKind::Exhausted) => cooldown_max.max(EXHAUSTED_MAX),
        _ => cooldown_max,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_provider_did_counts_against_it() {
        let vote = |result| vote(&Outcome::new(result), true, false);
        for status in [500, 502, 503, 529, 401] {
            assert_eq!(vote(AttemptResult::Status(status)), Vote::Bad, "{status}");
        }
        for status in [400, 404, 413, 422, 429] {
            assert_eq!(vote(AttemptResult::Status(status)), Vote::Neither, "{status}");
        }
        assert_eq!(vote(AttemptResult::ConnectionError), Vote::Bad, "a dead host");
        assert_eq!(vote(AttemptResult::CallerTimedOut), Vote::Neither, "an impatient caller");
        assert_eq!(vote(AttemptResult::Abandoned), Vote::Neither);
    }

    #[test]
    fn one_request_has_one_vote() {
        let failed = Outcome::new(AttemptResult::Status(500));
        assert_eq!(vote(&failed, false, false), Vote::Neither, "its second failure says more about the request");
        assert_eq!(vote(&failed, false, true), Vote::Bad, "a trial is judged by whatever comes of it");
        assert_eq!(vote(&Outcome::new(AttemptResult::Status(429)), true, true), Vote::Bad, "a refusal on trial is a failed trial");
    }
}

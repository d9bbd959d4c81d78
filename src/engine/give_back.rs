//! What becomes of a reservation when its attempt has ended.

use super::limit::{Belief, Cost, Reservation};
use super::refusal::RefusalKind;
use super::request::{AttemptResult, Outcome};
use crate::time::Nanos;

/// A refused attempt used no quota, unless the provider counts refusals, nor did one that was never sent; any other keeps its
/// request, and its tokens become what the provider counted, where it said. A 503 may be a refusal or an answer that used quota: it is taken for the
/// latter, since believing in too little costs a moment and believing in too much a 429; so the rate may not grow from there. A refusal for the rate or
/// its growth teaches, unless it asks for a pause over `pause_max`, which no rate explains; `None`: quotas do not count.
#[inline(always)]
pub(super) fn give_back(quota: &mut Belief, now: Nanos, reservation: &Reservation, outcome: &Outcome, pause_max: Option<Nanos>) {
    if outcome.result == AttemptResult::Success {
        end(quota, now, reservation, outcome);
    } else {
        end_badly(quota, now, reservation, outcome, pause_max);
    }
}

/// Out of the way of those that succeeded.
#[cold]
fn end_badly(quota: &mut Belief, now: Nanos, reservation: &Reservation, outcome: &Outcome, pause_max: Option<Nanos>) {
    match outcome.result {
        AttemptResult::NotSent => return quota.forget(now, reservation),
        AttemptResult::Status(429) | AttemptResult::ConnectionError => {
            return return_refused(quota, now, reservation, outcome, pause_max);
        }
        AttemptResult::Status(503) => quota.doubt(now, reservation),
        _ => {}
    }
    end(quota, now, reservation, outcome);
}

/// The request is kept, and the tokens become what they were.
#[inline(always)]
fn end(quota: &mut Belief, now: Nanos, reservation: &Reservation, outcome: &Outcome) {
    if quota.is_unlimited() {
        return quota.leave();
    }
    let usage = outcome.usage.map(|usage| Cost { input: usage.input_tokens.into(), output: usage.output_tokens.into() });
    quota.end(now, reservation, usage);
}

fn return_refused(quota: &mut Belief, now: Nanos, reservation: &Reservation, outcome: &Outcome, pause_max: Option<Nanos>) {
    let teaches = pause_max.is_some_and(|most| outcome.retry_after.is_none_or(|hint| hint <= most));
    match outcome.refusal() {
        Some(RefusalKind::Rate) if teaches => quota.refused(now, reservation, outcome.retry_after),
        Some(RefusalKind::Ramp) if teaches => quota.grew_too_fast(now, reservation.at()),
        _ => {}
    }
    if quota.count_refused() {
        quota.keep(now, reservation);
    } else {
        quota.undo(now, reservation);
    }
}

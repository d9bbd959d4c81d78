//! Retries: which failures are worth another provider, when, and how many a pool can bear.
//!
//! The wait before retry n is drawn uniformly from ½…1½ of backoff × 2ⁿ (cut at `max_backoff`), so that requests which
//! failed together do not come back together (Brooker, "Exponential Backoff And Jitter", AWS, 2015); a provider's
//! `retry-after` is a floor, to which the same jitter is added. No request waits for a quota that is exhausted for longer than a
//! provider may be out: the client libraries of OpenAI and Anthropic do not wait for hints above a minute either (`_base_client.py`
//! of both, `_calculate_retry_timeout`).
//!
//! The budget keeps retries a fraction of the traffic, so that an outage is not answered with a multiple of the load
//! (Google, "Site Reliability Engineering", ch. 21–22; linkerd's retry budgets): over the last ten seconds at most
//! `budget` × requests, but always at least ten a second.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::config::Retry;
use super::request::{Outcome, Request};
use crate::rng::{Draws, Stream};
use crate::time::{NANOS_PER_SECOND, Nanos};

/// What to do after a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retrying {
    /// Pick again at this time.
    At(Nanos),
    /// The outcome is final: a success, or a failure that another attempt cannot heal, or none that could be waited for.
    Final,
    /// All retries are used.
    Exhausted,
    /// The pool's retry budget is used up.
    OverBudget,
}

/// Seconds the budget looks back.
const WINDOW_S: usize = 10;

/// Retries that are always allowed, per second.
const FLOOR_PER_S: f64 = 10.0;

/// Requests and retries of the last ten seconds, in whole seconds.
pub(crate) struct Budget {
    /// Requests in the second that ends at `second_end`.
    requests: AtomicU64,
    /// End of the current second in ns; `u64::MAX` while nobody counts.
    second_end: AtomicU64,
    state: Mutex<State>,
}

struct State {
    retry: Retry,
    second: u64,
    requests: [u64; WINDOW_S],
    retries: [u64; WINDOW_S],
}

impl Budget {
    pub fn new(retry: Retry) -> Budget {
        let budget = Budget {
            requests: AtomicU64::new(0),
            second_end: AtomicU64::new(u64::MAX),
            state: Mutex::new(State { retry, second: 0, requests: [0; WINDOW_S], retries: [0; WINDOW_S] }),
        };
        budget.reconfigure(retry);
        budget
    }

    pub fn reconfigure(&self, retry: Retry) {
        let mut state = self.lock();
        state.retry = retry;
        let counts = retry.max_retries > 0 && retry.budget.is_some();
        let end = if counts { (state.second + 1).saturating_mul(NANOS_PER_SECOND) } else { u64::MAX };
        self.second_end.store(end, Relaxed);
    }

    /// Looks whether the second is over: before every request. Costs one relaxed load.
    #[inline(always)]
    pub fn roll(&self, now: Nanos) {
        if now.as_nanos() >= self.second_end.load(Relaxed) {
            self.turn_at(now);
        }
    }

    #[cold]
    fn turn_at(&self, now: Nanos) {
        self.turn(&mut self.lock(), now);
    }

    /// Counts a new request, after [`Budget::roll`]; takes no lock. Costs one relaxed load where no budget is kept.
    #[inline(always)]
    pub fn count(&self) {
        if self.second_end.load(Relaxed) != u64::MAX {
            self.requests.fetch_add(1, Relaxed);
        }
    }

    /// Decides about another attempt, and counts it when there is one.
    pub fn decide(&self, now: Nanos, seed: u64, request: &Request, outcome: &Outcome) -> Retrying {
        if !outcome.result.is_retriable() {
            return Retrying::Final;
        }
        let mut state = self.lock();
        let retry = state.retry;
        if request.tried.attempts() > retry.max_retries {
            return Retrying::Exhausted;
        }
        if retry.budget.is_some() {
            self.turn(&mut state, now);
            if !state.allows(self.requests.load(Relaxed)) {
                return Retrying::OverBudget;
            }
            let slot = state.slot();
            state.retries[slot] += 1;
        }
        drop(state);
        Retrying::At(now + wait(&retry, seed, request, outcome))
    }

    /// Moves the window so that `now` lies in its last second.
    fn turn(&self, state: &mut State, now: Nanos) {
        let second = now.as_nanos() / NANOS_PER_SECOND;
        if second <= state.second {
            return;
        }
        let slot = state.slot();
        state.requests[slot] = self.requests.swap(0, Relaxed);
        for passed in state.second + 1..=second.min(state.second + WINDOW_S as u64) {
            state.requests[passed as usize % WINDOW_S] = 0;
            state.retries[passed as usize % WINDOW_S] = 0;
        }
        // After a longer pause nothing of the window is left, wherever its slots stand.
        state.second = second;
        let slot = state.slot();
        state.requests[slot] = 0;
        state.retries[slot] = 0;
        self.second_end.store((second + 1).saturating_mul(NANOS_PER_SECOND), Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn slot(&self) -> usize {
        (self.second % WINDOW_S as u64) as usize
    }

    /// Whether one more retry fits, with `current` requests in the running second.
    fn allows(&self, current: u64) -> bool {
        let requests = self.requests.iter().sum::<u64>() - self.requests[self.slot()] + current;
        let retries: u64 = self.retries.iter().sum();
        let share = self.retry.budget.unwrap_or(f64::INFINITY) * requests as f64;
        ((retries + 1) as f64) <= share.max(FLOOR_PER_S * WINDOW_S as f64)
    }
}

/// The wait before the next attempt.
fn wait(retry: &Retry, seed: u64, request: &Request, outcome: &Outcome) -> Nanos {
    let attempts = request.tried.attempts();
    let doublings = attempts.saturating_sub(1).min(63);
    let backoff = retry.backoff.as_f64() * 2_f64.powi(doublings as i32);
    let backoff = backoff.min(retry.max_backoff.max(retry.backoff).as_f64());
    let jitter = Draws::for_attempt(seed, Stream::Backoff, request.id, attempts).unit();
    match outcome.retry_after.filter(|_| retry.honor_retry_after) {
        // Everyone was told the same time: come back after it, not all at it.
        Some(floor) if floor.as_f64() > backoff * 0.5 => floor + Nanos::from_f64(backoff * jitter),
        _ => Nanos::from_f64(backoff * (0.5 + jitter)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::request::{AttemptResult, ProviderId};
    use super::*;

    fn failed(attempts: u32) -> Request {
        let mut request = Request::new(7);
        (0..attempts).for_each(|attempt| request.tried.push(ProviderId(attempt as u16)));
        request
    }

    const ERROR: Outcome = Outcome::new(AttemptResult::Status(500));

    #[test]
    fn retries_end_with_their_number_and_only_heal_what_can_be_healed() {
        let budget = Budget::new(Retry { max_retries: 2, budget: None, ..Retry::default() });
        assert!(matches!(budget.decide(Nanos::ZERO, 1, &failed(1), &ERROR), Retrying::At(_)));
        assert!(matches!(budget.decide(Nanos::ZERO, 1, &failed(2), &ERROR), Retrying::At(_)));
        assert_eq!(budget.decide(Nanos::ZERO, 1, &failed(3), &ERROR), Retrying::Exhausted);
        assert_eq!(budget.decide(Nanos::ZERO, 1, &failed(1), &Outcome::new(AttemptResult::Status(400))), Retrying::Final);
    }

    #[test]
    fn waits_double_around_their_mean_and_respect_retry_after() {
        let retry = Retry { max_retries: 9, budget: None, ..Retry::default() };
        let n = 4_000;
        for (attempts, mean_ms) in [(1, 100.0), (2, 200.0), (4, 800.0), (9, 5_000.0)] {
            let waits = (0..n).map(|id| wait(&retry, 1, &Request { id, ..failed(attempts) }, &ERROR).as_millis_f64());
            let waits: Vec<f64> = waits.collect();
            assert!(waits.iter().all(|w| (mean_ms * 0.5..=mean_ms * 1.5).contains(w)));
            // Uniform over ½…1½: standard error mean/√(12 n); five of them.
            let mean = waits.iter().sum::<f64>() / n as f64;
            assert!((mean - mean_ms).abs() < 5.0 * mean_ms / (12.0 * n as f64).sqrt(), "{mean} for {mean_ms}");
        }
        let told = Outcome { retry_after: Some(Nanos::from_secs(12)), ..ERROR };
        let waits: Vec<Nanos> = (0..50).map(|id| wait(&retry, 1, &Request { id, ..failed(1) }, &told)).collect();
        assert!(waits.iter().all(|wait| *wait >= Nanos::from_secs(12)), "a floor");
        assert!(waits.windows(2).any(|pair| pair[0] != pair[1]), "not in lockstep");
        let ignoring = Retry { honor_retry_after: false, ..retry };
        assert!(wait(&ignoring, 1, &failed(1), &told) < Nanos::from_secs(1));
    }

    #[test]
    fn the_budget_is_a_share_of_the_last_ten_seconds_with_a_floor() {
        let retry = Retry { max_retries: 1_000, budget: Some(0.2), ..Retry::default() };
        let allowed =
            |budget: &Budget, now| (0..10_000).filter(|_| matches!(budget.decide(now, 1, &failed(1), &ERROR), Retrying::At(_))).count();
        // 1,000 requests a second for 20 s: 20 % of the 10,000 of the last ten seconds.
        let busy = Budget::new(retry);
        for i in 0..20_000 {
            busy.roll(Nanos::from_millis(i));
            busy.count();
        }
        assert_eq!(allowed(&busy, Nanos::from_millis(19_999)), 2_000);
        assert_eq!(allowed(&busy, Nanos::from_millis(19_999)), 0, "used up");
        // Ten seconds later nothing of it is left, neither requests nor retries: the floor of 10/s × 10 s.
        assert_eq!(allowed(&busy, Nanos::from_secs(40)), 100);
        assert_eq!(allowed(&Budget::new(retry), Nanos::ZERO), 100, "the floor holds from the start");
        assert_eq!(allowed(&Budget::new(Retry { budget: None, ..retry }), Nanos::ZERO), 10_000, "no budget");
    }
}

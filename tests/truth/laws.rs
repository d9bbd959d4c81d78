//! What holds in every run, whatever its plan: conservation, Little's law, bounds. Applied to every run that is observed.

use std::collections::HashMap;

use lbsim::drive::Plan;
use lbsim::engine::AttemptResult;
use lbsim::metrics::observe::{AttemptEnd, AttemptKind, RequestEnd};
use lbsim::report::Run;
use lbsim::time::Nanos;

use crate::log::{Attempt, Log};

/// Panics with the seed in the message when a law does not hold.
pub fn hold(plan: &Plan, run: &Run, log: &Log) {
    requests_are_conserved(plan, run, log);
    attempts_are_conserved(plan, run, log);
    retries_follow_the_rules(plan, log);
    littles_law(plan, run, log);
    utilization_is_busy_time(plan, run, log);
}

/// The laws that need only the report: for long runs, where a log would be too much.
pub fn hold_in(plan: &Plan, run: &Run) {
    let (seed, requests, attempts) = (plan.seed, run.requests, run.attempts);
    let ended = requests.succeeded + requests.failed + requests.shed + requests.unfinished;
    assert_eq!(requests.offered, ended, "seed {seed}: every request ends once");
    let sum = |figure: fn(&lbsim::report::ProviderRun) -> u64| run.providers.iter().map(figure).sum::<u64>();
    assert_eq!(attempts.total, sum(|p| p.attempts), "seed {seed}");
    assert_eq!(attempts.rate_limited, sum(|p| p.rate_limited), "seed {seed}");
    assert!(attempts.avoidable_rate_limited <= attempts.rate_limited, "seed {seed}: {attempts:?}");
    assert_eq!(attempts.errors, sum(|p| p.errors), "seed {seed}");
    assert_eq!(attempts.timeouts, sum(|p| p.timeouts), "seed {seed}");
    assert_eq!(requests.succeeded, sum(|p| p.succeeded), "seed {seed}: each success is one provider's");
    assert_eq!(attempts.total - attempts.retries, requests.offered - requests.shed - unsent(plan, run), "seed {seed}: first attempts");
    assert_eq!((run.latency_ms.count, run.ttft_ms.count), (requests.succeeded, requests.succeeded), "seed {seed}");
    quotas_are_not_overdrawn(plan, run);
    for provider in &run.providers {
        assert_eq!(provider.latency_ms.count, provider.succeeded, "seed {seed}");
        assert!(provider.utilization.is_none_or(|busy| (0.0..=1.0 + 1e-12).contains(&busy)), "seed {seed}: {provider:?}");
    }
    let sent: u64 = run.timeline.providers.values().flat_map(|one| &one.attempts).sum();
    assert_eq!((run.timeline.offered.iter().sum::<u64>(), sent), (requests.offered, attempts.total), "seed {seed}: timeline");
    let classes = run.classes.iter().map(|class| class.requests.offered).sum::<u64>();
    assert_eq!(classes, requests.offered, "seed {seed}: classes");
}

/// A fresh quota admits no more than it holds, where sizes are known at admission and no event changes the limits.
fn quotas_are_not_overdrawn(plan: &Plan, run: &Run) {
    let sized = plan.load.classes.iter().all(|class| class.max_tokens.is_some());
    let kept = plan.events.iter().all(|event| event.set.limits.is_none());
    if plan.load.warmup == Nanos::ZERO && sized && kept {
        for provider in &run.providers {
            let used = provider.quota.and_then(|quota| quota.utilization);
            assert!(used.is_none_or(|used| used <= 1.0 + 1e-9), "seed {}: {provider:?}", plan.seed);
        }
    }
}

/// Requests that ended before they were sent without being shed: only an interruption does that.
fn unsent(_: &Plan, run: &Run) -> u64 {
    (run.requests.offered - run.requests.shed) - run.balancer_queue_ms.count
}

fn requests_are_conserved(plan: &Plan, run: &Run, log: &Log) {
    hold_in(plan, run);
    let seed = plan.seed;
    let mut ends = vec![0_u32; log.offered.len()];
    let mut counted = lbsim::report::Requests::default();
    for (now, request, end) in &log.ends {
        assert!(*now >= request.intended && *now <= log.finished, "seed {seed}: {request:?} ends at {now}");
        ends[request.id as usize] += 1;
        if !request.measured {
            continue;
        }
        match end {
            RequestEnd::Succeeded { .. } => counted.succeeded += 1,
            RequestEnd::Failed => counted.failed += 1,
            RequestEnd::Shed => counted.shed += 1,
            RequestEnd::Unfinished { cancelled } => {
                counted.unfinished += 1;
                counted.cancelled += u64::from(*cancelled);
            }
        }
    }
    assert!(ends.iter().all(|count| *count == 1), "seed {seed}: every request ends exactly once");
    counted.offered = log.offered.iter().filter(|request| request.measured).count() as u64;
    assert_eq!(run.requests, counted, "seed {seed}");
    let measured = |at: Nanos| at >= plan.load.warmup;
    assert!(log.offered.iter().all(|request| request.measured == measured(request.intended)), "seed {seed}: warm-up");
}

fn attempts_are_conserved(plan: &Plan, run: &Run, log: &Log) {
    let seed = plan.seed;
    for (index, provider) in run.providers.iter().enumerate() {
        let there = || log.attempts.iter().filter(|attempt| attempt.provider == index && attempt.measured);
        let count = |end: fn(&AttemptEnd) -> bool| there().filter(|attempt| attempt.end.as_ref().is_some_and(end)).count() as u64;
        assert_eq!(provider.attempts, there().count() as u64, "seed {seed}");
        assert_eq!(provider.succeeded, count(|end| *end == AttemptEnd::Succeeded), "seed {seed}");
        assert_eq!(provider.rate_limited, count(|end| *end == AttemptEnd::RateLimited), "seed {seed}");
        assert_eq!(provider.errors, count(|end| matches!(end, AttemptEnd::Failed { .. })), "seed {seed}");
        assert_eq!(provider.timeouts, count(|end| *end == AttemptEnd::TimedOut), "seed {seed}");
        assert_eq!(provider.provider_queue_ms.count, there().filter(|attempt| attempt.started.is_some()).count() as u64, "seed {seed}");
    }
    for attempt in &log.attempts {
        assert!(attempt.end.is_some(), "seed {seed}: {attempt:?} never ended");
        assert!(attempt.ended >= attempt.sent, "seed {seed}: {attempt:?}");
        if attempt.end == Some(AttemptEnd::Succeeded) {
            assert!(attempt.started.is_some_and(|started| attempt.sent <= started && started <= attempt.ended), "seed {seed}: {attempt:?}");
        }
    }
}

/// A retry follows a failed attempt, goes elsewhere while there is elsewhere, and there are not too many.
fn retries_follow_the_rules(plan: &Plan, log: &Log) {
    let seed = plan.seed;
    let mut previous: HashMap<u64, Vec<usize>> = HashMap::new();
    for (index, attempt) in log.attempts.iter().enumerate() {
        let earlier = previous.entry(attempt.request).or_default();
        assert_eq!(attempt.kind == AttemptKind::First, earlier.is_empty(), "seed {seed}: {attempt:?}");
        assert!(earlier.len() as u32 <= plan.engine.retry.max_retries, "seed {seed}: {attempt:?} is one too many");
        if let Some(last) = earlier.last().map(|last| &log.attempts[*last]) {
            assert!(last.ended <= attempt.sent, "seed {seed}: {attempt:?} overtakes {last:?}");
            let result = match last.end {
                Some(AttemptEnd::RateLimited) => AttemptResult::Status(429),
                Some(AttemptEnd::Failed { status: 0 }) => AttemptResult::ConnectionError,
                Some(AttemptEnd::Failed { status }) => AttemptResult::Status(status),
                Some(AttemptEnd::TimedOut) => AttemptResult::TimedOut,
                end => panic!("seed {seed}: {attempt:?} follows {end:?}"),
            };
            assert!(result.is_retriable(), "seed {seed}: {attempt:?} follows {last:?}");
        }
        earlier.push(index);
    }
}

/// L = λW without any limit: ∫ in flight dt is the sum of the times of all attempts that were let in, to the nanosecond;
/// and the report's mean is that integral between warm-up and end of arrivals. A refusal (429, 503 for a full queue) is no
/// time at the provider; an error answer is. Where both look alike, or a time limit cut an answer short whose kind is
/// not known, the sum is a bound.
fn littles_law(plan: &Plan, run: &Run, log: &Log) {
    let seed = plan.seed;
    for (index, provider) in run.providers.iter().enumerate() {
        let times = |counts: &dyn Fn(&Attempt) -> bool| {
            let there = log.attempts.iter().filter(|attempt| attempt.provider == index && counts(attempt));
            there.map(|attempt| u128::from(attempt.ended.since(attempt.sent).as_nanos())).sum::<u128>()
        };
        let errors_look_like_refusals = matches!(plan.providers[index].error_status, 429 | 503)
            || plan.events.iter().any(|event| event.provider == index && matches!(event.set.error_status, Some(429 | 503)));
        let refusal = |attempt: &Attempt| matches!(attempt.end, Some(AttemptEnd::RateLimited | AttemptEnd::Failed { status: 503 }));
        let unclear = |attempt: &Attempt| {
            let cut = matches!(attempt.end, Some(AttemptEnd::TimedOut | AttemptEnd::Abandoned)) && attempt.started.is_none();
            cut || (refusal(attempt) && errors_look_like_refusals)
        };
        let area = log.area(index, Nanos::ZERO, Nanos::MAX).0;
        let (sure, possible) =
            (times(&|attempt| !refusal(attempt) && !unclear(attempt)), times(&|attempt| !refusal(attempt) || unclear(attempt)));
        assert!((sure..=possible).contains(&area), "seed {seed}: Little's law at provider {index}: {area}, not {sure}…{possible}");
        assert!(log.levels[index].last().is_none_or(|level| (level.1, level.2) == (0, 0)), "seed {seed}: {index} is empty at the end");
        let span = log.arrivals_end.since(plan.load.warmup);
        let area = log.area(index, plan.load.warmup, log.arrivals_end).0;
        match provider.in_flight_mean {
            None => assert_eq!(span, Nanos::ZERO, "seed {seed}"),
            Some(mean) => same(mean, area as f64 / span.as_f64(), seed, "in_flight_mean"),
        }
    }
}

fn utilization_is_busy_time(plan: &Plan, run: &Run, log: &Log) {
    let seed = plan.seed;
    let span = log.arrivals_end.since(plan.load.warmup);
    for (index, (provider, spec)) in run.providers.iter().zip(&plan.providers).enumerate() {
        let Some(slots) = spec.slots else {
            assert_eq!(provider.utilization, None, "seed {seed}");
            continue;
        };
        let (_, busy) = log.peak(index);
        assert!(busy <= slots, "seed {seed}: {busy} of {slots} slots busy at provider {index}");
        if let Some(utilization) = provider.utilization {
            let area = log.area(index, plan.load.warmup, log.arrivals_end).1;
            same(utilization, area as f64 / span.as_f64() / f64::from(slots), seed, "utilization");
        }
    }
}

/// Equal but for the rounding of two floats.
fn same(got: f64, want: f64, seed: u64, what: &str) {
    assert!((got - want).abs() <= 1e-9 * want.abs().max(1e-9), "seed {seed}: {what} is {got}, not {want}");
}

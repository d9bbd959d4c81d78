//! Retries: exact laws of success and of the number of attempts.

use lbsim::drive::Options;
use lbsim::drive::plan::Hedge;
use lbsim::engine::limit::Algorithm;
use lbsim::engine::{Limits, OutlierDetection, Strategy};
use lbsim::gate::run::run;
use lbsim::metrics::observe::{AttemptEnd, DecisionRecord, DecisionSink, DecisionView};
use lbsim::world::spec::{Change, RetryAfter, Visibility};

use crate::log::{observe, observe_with};
use crate::stats::{expect_binomial, first_seed};
use crate::world::{World, fixed, provider, providers, s};

/// One a day, and the second request is told to come back tomorrow: it fails now, though a retry is left, whoever counts the quota
/// and whether or not there are health rules. Told to come back within the longest ejection, it does.
#[test]
fn nobody_waits_for_tomorrow() {
    for (quota, health) in [(true, true), (false, true), (true, false), (false, false)] {
        let world = |limits| {
            let mut member = provider("p", fixed(0.2)).limits(limits);
            member.spec.visibility = Visibility::None;
            let mut world = World::new(Strategy::RoundRobin, vec![member]).constant(0.5).requests(2).quota(quota).retries(1, 0.1);
            world.plan.engine.outlier_detection = health.then(OutlierDetection::default);
            run(&world.plan, &[], Default::default()).expect("the plan is valid").run
        };
        let daily = world(Limits { rpd: Some(1.0), algorithm: Algorithm::FixedWindow, ..Limits::default() });
        assert_eq!((daily.requests.succeeded, daily.requests.failed, daily.attempts.total), (1, 1, 2), "quota {quota}, health {health}");
        assert!(daily.simulated_s < 10.0, "quota {quota}, health {health}: {} s", daily.simulated_s);
        assert!(daily.efficiency.ratio.is_some_and(|ratio| ratio <= 1.0), "quota {quota}, health {health}: {:?}", daily.efficiency);
        let a_minute = world(Limits { rpm: Some(1.0), algorithm: Algorithm::FixedWindow, ..Limits::default() });
        assert_eq!((a_minute.requests.succeeded, a_minute.attempts.total), (2, 3), "quota {quota}, health {health}");
    }
}

/// Decisions to send.
#[derive(Default)]
struct Sends(u64);

impl DecisionSink for Sends {
    fn decision(&mut self, record: &DecisionRecord<'_>) {
        self.0 += u64::from(matches!(record.decision, DecisionView::Send(_)));
    }
}

/// Answers of 200 ms, hedged after 100 ms: with one provider, or the other one drained, no hedge is sent, and what is not sent
/// was not decided.
#[test]
fn hedges_that_are_not_sent_are_not_decided() {
    let mut drained = provider("b", fixed(0.2));
    drained.config.drained = true;
    for others in [vec![], vec![drained]] {
        let members: Vec<_> = [provider("a", fixed(0.2))].into_iter().chain(others).collect();
        let mut world = World::new(Strategy::RoundRobin, members).constant(2.0).requests(8);
        let plain = observe(&world.plan).1.attempts.iter().map(|attempt| (attempt.sent, attempt.provider)).collect::<Vec<_>>();
        world.plan.hedge = Some(Hedge { after: s(0.1), budget: 1.0 });
        let mut sends = Sends::default();
        let (run, log) = observe_with(&world.plan, Options { decisions: Some(&mut sends), ..Options::default() });
        assert_eq!((sends.0, run.attempts.total), (8, 8));
        assert_eq!(log.attempts.iter().map(|attempt| (attempt.sent, attempt.provider)).collect::<Vec<_>>(), plain);
    }
}

/// With independent failures of probability p and r retries: success 1 − p^{r+1}; attempts (1 − p^{r+1})/(1 − p) a
/// request. The k-th attempts are a binomial sample of the (k−1)-th's failures, so each step is checked by itself.
#[test]
fn retries_succeed_with_their_law() {
    for strategy in [Strategy::RoundRobin, Strategy::Random, Strategy::LeastConnections, Strategy::PowerOfTwo] {
        let (p, retries, n) = (0.3, 3, 10_000);
        let world =
            World::new(strategy, providers(5, &provider("p", fixed(0.1)).errors(p))).poisson(50.0).requests(n).retries(retries, 0.05);
        let (run, log) = observe(&world.seed(first_seed()).plan);
        expect_binomial("failed", run.requests.failed, n, p.powi(retries as i32 + 1));
        let mut attempts = vec![0_usize; n as usize];
        let mut by_number = vec![(0_u64, 0_u64); retries as usize + 1];
        for attempt in &log.attempts {
            let number = attempts[attempt.request as usize];
            attempts[attempt.request as usize] += 1;
            by_number[number].0 += 1;
            by_number[number].1 += u64::from(attempt.end != Some(AttemptEnd::Succeeded));
        }
        for (number, (tried, failed)) in by_number.iter().enumerate() {
            expect_binomial("failed at this attempt", *failed, *tried, p);
            if let Some((next, _)) = by_number.get(number + 1) {
                assert_eq!(next, failed, "{strategy}: each failure but the last is tried again");
            }
        }
        assert_eq!(run.attempts.total, by_number.iter().map(|(tried, _)| tried).sum::<u64>());
    }
}

/// Never the same provider twice while another is left; with more attempts than providers all of them come first.
#[test]
fn no_provider_twice_while_another_is_left() {
    let all = lbsim::engine::strategy::CATALOGUE.map(|info| info.strategy);
    for strategy in all {
        let world = World::new(strategy, providers(4, &provider("p", fixed(0.1)).errors(0.7))).poisson(20.0).requests(500).retries(6, 0.0);
        let (_, log) = observe(&world.plan);
        let mut tried = vec![Vec::new(); 500];
        log.attempts.iter().for_each(|attempt| tried[attempt.request as usize].push(attempt.provider));
        for sequence in &tried {
            let mut first: Vec<usize> = sequence.iter().take(4).copied().collect();
            first.sort_unstable();
            first.dedup();
            assert_eq!(first.len(), sequence.len().min(4), "{strategy}: {sequence:?}");
        }
        assert!(tried.iter().any(|sequence| sequence.len() == 7), "some request used all its retries");
    }
}

/// A budget of 20 % over ten seconds, never below 10/s: at 200/s with everything failing, retries are 20 % of the
/// requests but for the start, where the floor of 100 in ten seconds leads.
#[test]
fn the_budget_bounds_retries() {
    let mut world = World::new(Strategy::RoundRobin, providers(3, &provider("p", fixed(0.1)).errors(1.0))).constant(200.0).duration(100.0);
    world.plan.engine.retry = lbsim::engine::Retry { max_retries: 3, ..lbsim::engine::Retry::default() };
    let (run, log) = observe(&world.plan);
    for start in 0..90 {
        let within = log.attempts.iter().filter(|one| one.kind == lbsim::metrics::observe::AttemptKind::Retry);
        let count = within.filter(|one| (s(f64::from(start))..s(f64::from(start) + 10.0)).contains(&one.sent)).count();
        // Decided within whole seconds and sent up to 1.5 × 400 ms later: at most one second's share, 40, beyond 400.
        assert!(count <= 440, "{count} retries in ten seconds from {start} s");
    }
    let ratio = run.attempts.retries as f64 / run.requests.offered as f64;
    assert!((0.18..=0.2 + 100.0 / 20_000.0).contains(&ratio), "{ratio} retries a request");
}

/// A 4xx is never retried, a poisoned request fails everywhere and uses all its retries.
#[test]
fn what_cannot_heal_is_not_retried() {
    for (status, attempts) in [(400, 1), (404, 1), (422, 1), (408, 3), (409, 3), (429, 3), (500, 3), (503, 3), (529, 3)] {
        let mut member = provider("p", fixed(0.1)).errors(1.0);
        member.spec.error_status = status;
        let world = World::new(Strategy::RoundRobin, providers(3, &member)).constant(10.0).duration(10.0).retries(2, 0.1);
        // With quotas off, because a 429 cools its provider down.
        let (run, _) = observe(&world.quota(false).plan);
        assert_eq!((run.requests.failed, run.attempts.total), (100, 100 * attempts), "{status}");
        let limited = if status == 429 { run.attempts.total } else { 0 };
        assert_eq!((run.attempts.rate_limited, run.attempts.errors), (limited, run.attempts.total - limited), "{status}");
    }
    let mut world = World::new(Strategy::Random, providers(4, &provider("p", fixed(0.1)))).constant(10.0).duration(200.0).retries(2, 0.1);
    world.plan.load.classes[0].poison = 0.1;
    let (run, _) = observe(&world.seed(first_seed()).plan);
    expect_binomial("poisoned", run.requests.failed, 2_000, 0.1);
    assert_eq!(run.attempts.total, 2_000 + 2 * run.requests.failed);
}

/// A provider that asks for a pause says nothing about the others: the retry goes to one of them after the backoff. Where none is
/// left, the pause is kept, up to the longest cooldown.
#[test]
fn a_retry_waits_for_a_pause_only_where_nobody_else_is_open() {
    for (members, hint, least, most) in [(2, 30.0, 0.05, 0.15), (1, 30.0, 30.0, 30.2), (1, 86_400.0, 300.0, 300.2)] {
        let set =
            Change { error_rate: Some(1.0), error_status: Some(429), retry_after: Some(RetryAfter::Fixed(s(hint))), ..Change::default() };
        let world = World::new(Strategy::RoundRobin, providers(members, &provider("p", fixed(0.1))));
        let (run, log) = observe(&world.constant(1.0).duration(1.0).retries(1, 0.1).event(0, 0.0, 1.0, set).plan);
        let wait = log.attempts[1].sent.since(log.attempts[0].ended).as_secs_f64();
        assert!((least..most).contains(&wait), "{members} members, told {hint} s: {wait}");
        assert_eq!(run.requests.succeeded, 1);
    }
}

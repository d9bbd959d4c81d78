//! Systems without chance: every number by hand, to the nanosecond.

use lbsim::drive::Options;
use lbsim::engine::Strategy;
use lbsim::metrics::observe::{AttemptEnd, RequestEnd};
use lbsim::time::Nanos;
use lbsim::world::dist::Dist;
use lbsim::world::spec::{Burst, Change, Source, Stage};

use crate::log::{observe, observe_with};
use crate::world::{World, exponential, fixed, lognormal, ms, provider, providers, s};

/// Constant arrivals: request i at i/rate, half-open: 10/s in [0, 2 s) are 20, the last at 1.9 s.
#[test]
fn constant_arrivals_are_half_open() {
    let (run, log) = observe(&World::new(Strategy::Random, vec![provider("p", fixed(0.25))]).constant(10.0).duration(2.0).plan);
    let instants: Vec<Nanos> = log.offered.iter().map(|request| request.intended).collect();
    assert_eq!(instants, (0..20).map(|i| ms(100 * i)).collect::<Vec<_>>());
    assert_eq!((run.requests.offered, run.measured_s, run.simulated_s), (20, 2.0, 2.15));
    let thirds = World::new(Strategy::Random, vec![provider("p", fixed(0.0))]).constant(3.0).duration(1.0);
    let instants: Vec<u64> = observe(&thirds.plan).1.offered.iter().map(|request| request.intended.as_nanos()).collect();
    assert_eq!(instants, [0, 333_333_333, 666_666_667]);
}

/// The warm-up is simulated and not measured: of 10/s over 1 + 2 s, those at 1.0…2.9 s count; with a number of requests
/// that many are measured and `measured_s` ends with the last of them.
#[test]
fn warm_up_is_excluded_exactly() {
    let world = World::new(Strategy::Random, vec![provider("p", fixed(0.25)).slots(4)]).constant(10.0).warmup(1.0);
    let (run, log) = observe(&world.clone().duration(2.0).plan);
    assert_eq!((run.requests.offered, log.offered.len(), run.measured_s), (20, 30, 2.0));
    // In [1, 3): steady, 2.5 in flight; the two that arrived at 0.8 and 0.9 s are there too.
    assert_eq!(run.providers[0].in_flight_mean, Some(2.5));
    assert_eq!(run.providers[0].utilization, Some(0.625));
    let (run, log) = observe(&world.requests(15).plan);
    assert_eq!((run.requests.offered, log.offered.len(), run.measured_s), (15, 25, 1.4));
}

/// D/D/1 at twice its capacity: request i arrives at i/2 s, starts at i s, ends at i + 1 s.
#[test]
fn an_overloaded_constant_server_by_hand() {
    let world = World::new(Strategy::RoundRobin, vec![provider("p", fixed(1.0)).slots(1)]).constant(2.0).duration(10.0);
    let (run, log) = observe(&world.plan);
    for (i, attempt) in log.attempts.iter().enumerate() {
        let i = i as u64;
        assert_eq!((attempt.sent, attempt.started, attempt.ended), (ms(500 * i), Some(ms(1_000 * i)), ms(1_000 * (i + 1))));
    }
    assert_eq!(log.latencies(), (0..20).map(|i| 1_000_000_000 + 500_000_000 * i).collect::<Vec<u64>>());
    assert_eq!((run.latency_ms.mean, run.latency_ms.max, run.provider_queue_ms.max), (Some(5_750.0), Some(10_500.0), Some(9_500.0)));
    assert_eq!((run.providers[0].utilization, run.simulated_s), (Some(1.0), 20.0));
    // ∫ over [0, 10): arrivals so far minus departures so far; 1, then steps: mean (1 + 2 + … ) by hand is 6.
    // In [k, k + ½) there are 2k + 1 − k = k + 1, in [k + ½, k + 1) one more.
    let by_hand = (0..10).map(|k| 0.5 * f64::from(k + 1) + 0.5 * f64::from(k + 2)).sum::<f64>() / 10.0;
    assert_eq!(run.providers[0].in_flight_mean, Some(by_hand));
}

/// D/D/3 in bursts: seven at once on three slots of 1 s end in waves at 1, 1, 1, 2, 2, 2, 3 s, FIFO.
#[test]
fn a_burst_on_three_slots_goes_in_waves() {
    let mut world = World::new(Strategy::RoundRobin, vec![provider("p", fixed(1.0)).slots(3)]).constant(0.001).duration(12.0);
    let Source::Open(open) = &mut world.plan.load.source else { unreachable!("it is an open loop") };
    open.bursts.push(Burst { at: s(1.0), count: 7, every: Some(s(10.0)) });
    let (run, log) = observe(&world.plan);
    assert_eq!(run.requests.offered, 15, "one at t = 0 and two bursts");
    let wave = [1, 1, 1, 2, 2, 2, 3].map(|seconds| seconds * 1_000_000_000);
    assert_eq!(log.latencies()[1..], [wave, wave].concat());
    assert_eq!(log.peak(0), (7, 3));
}

/// A slot that is freed at t serves the arrival at t, even without a queue.
#[test]
fn a_slot_freed_at_an_instant_serves_the_arrival_of_that_instant() {
    let world = World::new(Strategy::RoundRobin, vec![provider("p", fixed(1.0)).slots(1).queue(0)]).constant(1.0).duration(50.0);
    let (run, log) = observe(&world.plan);
    assert_eq!((run.requests.succeeded, run.attempts.errors), (50, 0));
    assert!(log.attempts.iter().all(|attempt| attempt.started == Some(attempt.sent)));
    assert_eq!(run.providers[0].utilization, Some(1.0));
    // The same for a place in `max_concurrency`, as the provider counts it and as the balancer does.
    for quota in [false, true] {
        let limits = lbsim::engine::Limits { max_concurrency: Some(1), ..Default::default() };
        let world = World::new(Strategy::RoundRobin, vec![provider("p", fixed(1.0)).limits(limits)]).constant(1.0).duration(50.0);
        assert_eq!(observe(&world.quota(quota).plan).0.requests.succeeded, 50);
    }
}

/// Lindley's recursion, W′ = max(0, W + S − T), replays a single server from the observed arrivals and services, and
/// Kiefer–Wolfowitz several servers: every wait to the nanosecond.
#[test]
fn waits_are_those_of_the_recursions() {
    for (slots, seed) in [(1_usize, 3), (1, 4), (3, 5), (16, 6)] {
        let latency = if seed % 2 == 0 { lognormal(1.0, 2.0) } else { exponential(1.0) };
        let world = World::new(Strategy::Random, vec![provider("p", latency).slots(slots as u32)]);
        let (_, log) = observe(&world.poisson(0.9 * slots as f64).seed(seed).requests(5_000).plan);
        let mut free = vec![0_u64; slots];
        for attempt in &log.attempts {
            let first = (0..slots).min_by_key(|slot| free[*slot]).expect("there are slots");
            let start = attempt.sent.as_nanos().max(free[first]);
            assert_eq!(attempt.started, Some(Nanos::new(start)), "seed {seed}: {attempt:?}");
            free[first] = attempt.ended.as_nanos();
        }
    }
}

/// No coordinated omission: a stall of [20, 30) s at constant 10/s. Whoever arrives in it waits for its end, whoever is
/// being served at its start is not touched, and the latency of all is counted from the intended arrival.
#[test]
fn a_stall_shows_in_full_in_an_open_loop() {
    let stall = Change { stall: Some(true), ..Change::default() };
    let world = World::new(Strategy::Random, vec![provider("p", fixed(0.25))]).constant(10.0).duration(100.0);
    let (run, log) = observe(&world.clone().event(0, 20.0, 30.0, stall.clone()).plan);
    let by_hand = |i: u64| if (200..300).contains(&i) { 30_250_000_000 - 100_000_000 * i } else { 250_000_000 };
    assert_eq!(log.latencies(), (0..1_000).map(by_hand).collect::<Vec<_>>());
    // 100 of 1,000 are stalled, by 0.1 … 10.0 s beyond 0.25 s: rank 990 is the 90th of them, 9.1 s; p90 is the last
    // that is not stalled; rank 950 is the 50th.
    let quantile = |got: Option<f64>, want: f64| assert!((got.unwrap() / want - 1.0).abs() <= 0.001, "{got:?}, not {want}");
    assert_eq!(run.latency_ms.max, Some(10_250.0));
    quantile(run.latency_ms.p90, 250.0);
    quantile(run.latency_ms.p95, 5_250.0);
    quantile(run.latency_ms.p99, 9_250.0);
    quantile(run.latency_ms.p999, 10_150.0);
    assert_eq!(run.provider_queue_ms.max, Some(10_000.0), "the wait for the end of a stall is a wait for service");
    // With three slots the backlog of 100 drains three every 0.25 s, against 10/s that still arrive; 12/s are served.
    let slotted = World::new(Strategy::Random, vec![provider("p", fixed(0.25)).slots(3)]).constant(10.0).duration(100.0);
    let (_, log) = observe(&slotted.event(0, 20.0, 30.0, stall).plan);
    let mut free = [0_u64; 3];
    for attempt in &log.attempts {
        let first = (0..3).min_by_key(|slot| free[*slot]).expect("there are slots");
        let ready = attempt.sent.as_nanos().max(free[first]);
        let start = if (20_000_000_000..30_000_000_000).contains(&ready) { 30_000_000_000 } else { ready };
        assert_eq!((attempt.started, attempt.ended), (Some(Nanos::new(start)), Nanos::new(start + 250_000_000)), "{attempt:?}");
        free[first] = start + 250_000_000;
    }
}

/// A hung provider answers nobody that reaches it in the event; each of those times out after exactly the time limit.
#[test]
fn whoever_reaches_a_hung_provider_times_out() {
    let hang = Change { hang: Some(true), ..Change::default() };
    let world = World::new(Strategy::Random, vec![provider("p", fixed(0.25))]).constant(10.0).duration(10.0).timeout(3.0);
    let (run, log) = observe(&world.event(0, 2.0, 4.0, hang).plan);
    assert_eq!((run.attempts.timeouts, run.requests.failed, run.requests.succeeded), (20, 20, 80));
    for attempt in &log.attempts {
        let hung = (s(2.0)..s(4.0)).contains(&attempt.sent);
        let (took, end) = if hung { (s(3.0), AttemptEnd::TimedOut) } else { (ms(250), AttemptEnd::Succeeded) };
        assert_eq!((attempt.ended.since(attempt.sent), attempt.end), (took, Some(end)));
    }
}

/// Every event field at its half-open edges: 10/s constant, event in [2, 4): exactly requests 20…39.
#[test]
fn events_hold_from_at_until_before_until() {
    let world = World::new(Strategy::Random, vec![provider("p", fixed(0.05))]).constant(10.0).duration(10.0);
    let down = Change { error_rate: Some(1.0), error_status: Some(418), ..Change::default() };
    let (run, log) = observe(&world.clone().event(0, 2.0, 4.0, down).plan);
    let failed: Vec<u64> = log
        .attempts
        .iter()
        .filter(|attempt| attempt.end == Some(AttemptEnd::Failed { status: 418 }))
        .map(|attempt| attempt.request)
        .collect();
    assert_eq!(failed, (20..40).collect::<Vec<_>>());
    assert_eq!((run.requests.failed, run.attempts.errors, run.requests.succeeded), (20, 20, 80));
    let refused = Change { refuse_connections: Some(true), ..Change::default() };
    let (run, log) = observe(&world.clone().event(0, 2.0, 4.0, refused).plan);
    assert_eq!((run.requests.failed, run.attempts.errors), (20, 20));
    assert!(
        log.attempts[20..40].iter().all(|attempt| attempt.end == Some(AttemptEnd::Failed { status: 0 }) && attempt.ended == attempt.sent)
    );
    let slow = Change { latency_factor: Some(3.0), ..Change::default() };
    let latencies = observe(&world.clone().event(0, 2.0, 4.0, slow).plan).1.latencies();
    assert_eq!(latencies, (0..100).map(|i| if (20..40).contains(&i) { 150_000_000 } else { 50_000_000 }).collect::<Vec<u64>>());
    let drained = Change { enabled: Some(false), ..Change::default() };
    let (run, log) = observe(&world.event(0, 2.0, 4.0, drained).plan);
    assert_eq!((run.requests.shed, run.attempts.total), (20, 80));
    assert!(log.attempts.iter().all(|attempt| attempt.sent < s(2.0) || attempt.sent >= s(4.0)));
}

/// Fixed latency above the time limit: every attempt ends at exactly the limit; at exactly the limit it succeeds.
#[test]
fn time_limits_are_exact() {
    let world = World::new(Strategy::RoundRobin, providers(3, &provider("p", fixed(5.0)))).constant(2.0).duration(10.0);
    let (run, log) = observe(&world.clone().timeout(4.0).retries(2, 0.0).plan);
    assert_eq!((run.requests.failed, run.attempts.timeouts, run.attempts.retries), (20, 60, 40));
    assert!(log.attempts.iter().all(|attempt| attempt.ended.since(attempt.sent) == s(4.0)));
    // Without backoff the whole chain takes exactly three time limits.
    assert!(log.ends.iter().all(|(now, request, _)| now.since(request.intended) == s(12.0)));
    let (run, _) = observe(&world.clone().timeout(5.0).plan);
    assert_eq!((run.requests.succeeded, run.attempts.timeouts), (20, 0));
    // The time limit counts the provider's queue: one slot of 5 s, two arrivals at once, limit 9 s.
    let one = World::new(Strategy::RoundRobin, vec![provider("p", fixed(5.0)).slots(1)]).constant(1.0).duration(2.0).timeout(8.5);
    let (run, log) = observe(&one.plan);
    assert_eq!((run.requests.succeeded, run.attempts.timeouts, run.simulated_s), (1, 1, 9.5));
    assert_eq!(log.attempts[1].started, Some(s(5.0)), "it was being served when its time was up");
}

/// A streamed answer: total = ttft + (output − 1) × itl; output is cut at `max_tokens`; no output token: ttft alone.
#[test]
fn streamed_answers_take_their_tokens_time() {
    for (output, max_tokens, total) in
        [(180.0, None, 200 + 179 * 10), (180.0, Some(100), 200 + 99 * 10), (1.0, None, 200), (0.0, None, 200)]
    {
        let mut world = World::new(Strategy::Random, vec![provider("p", fixed(0.0)).streamed(fixed(0.2), fixed(0.01))]);
        world.plan.load.classes[0].output = Dist::Fixed(output);
        world.plan.load.classes[0].max_tokens = max_tokens;
        let (run, _) = observe(&world.constant(3.0).duration(20.0).plan);
        assert_eq!((run.ttft_ms.min, run.ttft_ms.mean, run.ttft_ms.max), (Some(200.0), Some(200.0), Some(200.0)));
        let total = Some(f64::from(total));
        assert_eq!((run.latency_ms.min, run.latency_ms.mean, run.latency_ms.max), (total, total, total), "{output} {max_tokens:?}");
    }
}

/// After the first token nothing is retried: a stream of 0.2 + 1.79 s cut at 1 s fails, while one whose first token
/// would come later than that is tried again.
#[test]
fn a_stream_that_has_begun_is_not_retried() {
    for (ttft, attempts) in [(0.2, 1), (1.0, 1), (1.5, 3)] {
        let streaming = provider("p", fixed(0.0)).streamed(fixed(ttft), fixed(0.01));
        let world = World::new(Strategy::RoundRobin, providers(3, &streaming)).constant(1.0).duration(10.0).timeout(1.0).retries(2, 0.0);
        let (run, _) = observe(&world.plan);
        assert_eq!((run.requests.failed, run.attempts.total, run.attempts.timeouts), (10, 10 * attempts, 10 * attempts), "ttft {ttft}");
    }
}

/// Stages and bursts at a constant rate: 10/s for 10 s, nothing for 10 s, 20/s for 10 s, and five more at 15 s.
#[test]
fn stages_and_bursts_arrive_exactly() {
    let mut world = World::new(Strategy::Random, vec![provider("p", fixed(0.0))]).constant(10.0).duration(30.0);
    let Source::Open(open) = &mut world.plan.load.source else { unreachable!("it is an open loop") };
    open.stages = vec![Stage { at: s(10.0), over: Nanos::ZERO, rate: 0.0 }, Stage { at: s(20.0), over: Nanos::ZERO, rate: 20.0 }];
    open.bursts = vec![Burst { at: s(15.0), count: 5, every: None }];
    let (run, log) = observe(&world.plan);
    let count = |from: f64, until: f64| log.offered.iter().filter(|request| (s(from)..s(until)).contains(&request.intended)).count();
    assert_eq!((count(0.0, 10.0), count(10.0, 20.0), count(20.0, 30.0), run.requests.offered), (100, 5, 200, 305));
    assert_eq!(log.offered[100].intended, s(15.0));
    assert_eq!(log.offered[105].intended, s(20.0));
}

/// A run that is stopped in the middle: what waits, runs or is about to be retried ends once, as unfinished.
#[test]
fn an_interrupted_run_still_adds_up() {
    let limits = lbsim::engine::Limits { max_concurrency: Some(5), ..Default::default() };
    let flaky = provider("p", exponential(1.0)).limits(limits).errors(0.3);
    let world = World::new(Strategy::LeastConnections, providers(2, &flaky)).poisson(50.0).requests(100_000);
    let world = world.balancer_queue(1_000.0, 500).retries(3, 1.0);
    let stop = std::sync::atomic::AtomicBool::new(true);
    let (run, _) = observe_with(&world.plan, Options { stop: Some(&stop), ..Options::default() });
    assert_eq!(run.requests.offered, 1_024, "the flag is looked at every 1,024 arrivals");
    assert!(run.requests.unfinished > 100 && run.requests.cancelled == 0);
}

/// A fixed service cancelled at a fraction f ends at exactly f of its time; cancelled requests are unfinished, and no
/// part of any latency.
#[test]
fn clients_that_leave_in_the_middle() {
    let mut world = World::new(Strategy::RoundRobin, vec![provider("p", fixed(2.0)).slots(3)]).constant(1.0).duration(2_000.0);
    world.plan.load.classes[0].cancel = 0.3;
    let (run, log) = observe(&world.plan);
    assert_eq!((run.requests.cancelled, run.requests.failed), (run.requests.unfinished, 0));
    crate::stats::expect_binomial("cancelled", run.requests.cancelled, 2_000, 0.3);
    assert!(log.latencies().iter().all(|latency| *latency == 2_000_000_000));
    let left: Vec<f64> = log
        .ends
        .iter()
        .filter(|(_, _, end)| *end == RequestEnd::Unfinished { cancelled: true })
        .map(|(now, request, _)| now.since(request.intended).as_secs_f64() / 2.0)
        .collect();
    assert!(left.iter().all(|fraction| *fraction > 0.0 && *fraction < 1.0));
    // Uniform on (0, 1): mean ½ with standard error √(1/12n).
    let mean = left.iter().sum::<f64>() / left.len() as f64;
    assert!((mean - 0.5).abs() < 3.9 / (12.0 * left.len() as f64).sqrt(), "{mean}");
}

/// Two classes share a balancer's queue: a request that has waited in vain must not hold up the one behind it.
#[test]
fn an_expired_head_of_the_queue_lets_the_next_go_at_once() {
    // 100 tokens a minute in fixed windows, 60 of them used at 0 s by the first request. The second (input 60) cannot go
    // before 60 s and gives up at 20 s; the third (input 40) stands behind it and could go ever since it came.
    let limits = lbsim::engine::Limits { tpm: Some(100.0), algorithm: lbsim::engine::limit::Algorithm::FixedWindow, ..Default::default() };
    let mut world = World::new(Strategy::RoundRobin, vec![provider("p", fixed(1.0)).limits(limits)]).balancer_queue(60.0, 10);
    let rows = [(0, 60), (10, 60), (11, 40)];
    let row = |(at, input)| lbsim::world::spec::TraceRow { at: Nanos::from_secs(at), input, output: 0, session: None };
    world.plan.load.source = Source::Trace { rows: rows.map(row).to_vec().into(), speed: 1.0 };
    world.plan.load.end = lbsim::world::spec::End::Trace;
    world.plan.load.classes[0].deadline = Some(s(30.0));
    // At 10 s the second's earliest moment, 60 s, lies beyond its deadline: it is shed at once, and the third goes at 11 s.
    let (run, log) = observe(&world.clone().plan);
    assert_eq!((run.requests.shed, run.requests.succeeded), (1, 2));
    assert_eq!(log.attempts[1].sent, s(11.0));
}

/// The measured time of a trace: what is asked for where that cuts it off, else until its last row.
#[test]
fn a_trace_is_measured_until_its_end_or_the_end_of_the_duration() {
    let mut world = World::new(Strategy::RoundRobin, vec![provider("p", fixed(0.01))]);
    let row = |at| lbsim::world::spec::TraceRow { at: Nanos::from_secs(at), input: 1, output: 1, session: None };
    world.plan.load.source = Source::Trace { rows: (0..10).map(row).collect(), speed: 1.0 };
    world.plan.load.warmup = s(2.0);
    for (seconds, offered, measured) in [(3.5, 4, 3.5), (3.0, 3, 3.0), (60.0, 8, 7.0)] {
        world.plan.load.end = lbsim::world::spec::End::Duration(s(seconds));
        let (run, _) = observe(&world.clone().plan);
        assert_eq!((run.requests.offered, run.measured_s), (offered, measured), "{seconds}");
    }
}

/// An event may slow one part of a streamed answer, and the rest keeps its time: 200 ms and 99 × 10 ms, each ×3 by itself,
/// then both by ×2 on top of one.
#[test]
fn the_parts_of_an_answer_slow_down_apart() {
    let member = provider("p", fixed(0.0)).streamed(fixed(0.2), fixed(0.01));
    let mut world = World::new(Strategy::RoundRobin, vec![member]).constant(1.0).duration(3.0);
    world.plan.load.classes[0].output = lbsim::world::dist::Dist::Fixed(100.0);
    let total = |set: Change| observe(&world.clone().event(0, 1.0, 2.0, set).plan).1.latencies().iter().map(|ns| ns / 1_000_000).collect();
    let latencies: Vec<u64> = total(Change { ttft_factor: Some(3.0), ..Change::default() });
    assert_eq!(latencies, [1_190, 600 + 990, 1_190]);
    let latencies: Vec<u64> = total(Change { itl_factor: Some(3.0), ..Change::default() });
    assert_eq!(latencies, [1_190, 200 + 2_970, 1_190]);
    let latencies: Vec<u64> = total(Change { latency_factor: Some(2.0), itl_factor: Some(3.0), ..Change::default() });
    assert_eq!(latencies, [1_190, 400 + 5_940, 1_190]);
}

/// A poison request fails with its own status where it names one, and other errors keep the provider's.
#[test]
fn poison_has_its_own_status() {
    let mut world = World::new(Strategy::RoundRobin, vec![provider("p", fixed(0.1))]).constant(10.0).duration(2.0).retries(1, 0.0);
    world.plan.load.classes[0].poison = 1.0;
    for (named, status, attempts) in [(None, 500, 2), (Some(400), 400, 1)] {
        world.plan.load.classes[0].poison_status = named;
        let (_, log) = observe(&world.plan);
        assert_eq!(log.attempts.len(), 20 * attempts, "a 400 is not tried again");
        assert!(log.attempts.iter().all(|attempt| attempt.end == Some(AttemptEnd::Failed { status })));
    }
}

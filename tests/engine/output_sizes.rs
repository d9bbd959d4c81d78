//! Reservations that follow the sizes of answers: where they do, where not, and that the truth replaces them.

use lbsim::engine::limit::{Algorithm, Charge, Cost, Dimension};
use lbsim::engine::{
    AttemptResult, Config, Decision, Engine, Lease, Limits, Outcome, OutputEstimate, ProviderConfig, Request, Strategy, Trace, Usage, Why,
};
use lbsim::rng::{Draws, Stream};
use lbsim::time::Nanos;

use super::send;

/// Two million tokens a minute, as used.
fn actual() -> Limits {
    Limits { tpm: Some(2e6), charge: Charge::Actual, ..Limits::default() }
}

fn provider(name: &str, limits: Limits) -> ProviderConfig {
    ProviderConfig { name: name.to_owned(), limits, ..ProviderConfig::default() }
}

/// In file order, at this percentile.
fn config(percentile: u8, providers: Vec<ProviderConfig>) -> Config {
    Config { output_estimate: OutputEstimate::Percentile(percentile), ..Config::new(Strategy::Failover, providers) }
}

fn engine(percentile: u8, providers: Vec<ProviderConfig>) -> Engine {
    Engine::new(config(percentile, providers)).expect("a valid configuration")
}

fn request(id: u64, max_tokens: Option<u32>) -> Request {
    Request { input_tokens: 100, max_tokens, ..Request::new(id) }
}

fn end(engine: &Engine, now: Nanos, lease: Lease, output_tokens: u32) {
    let usage = Some(Usage { input_tokens: 100, output_tokens });
    engine.settle(now, lease, Outcome { usage, ..Outcome::new(AttemptResult::Success) });
}

/// So many answers of a size, one after another, ten a second from `from_s` on.
fn answers(engine: &Engine, from_s: u64, count: u64, output_tokens: u32) {
    for id in 0..count {
        let now = Nanos::from_millis(from_s * 1_000 + id * 100);
        let lease = send(engine, now, &request(id, Some(1_000)));
        end(engine, now, lease, output_tokens);
    }
}

/// What an attempt would reserve for its answer.
fn reserved(engine: &Engine, now: Nanos, request: &Request) -> u64 {
    let lease = send(engine, now, request);
    let reserved = lease.reserved();
    assert_eq!(reserved.input, 100);
    engine.settle(now, lease, Outcome::new(AttemptResult::ConnectionError));
    reserved.output
}

/// 183 is the bound of the bucket of 180.
#[test]
fn from_the_fiftieth_answer_on_it_follows_the_answers() {
    let engine = engine(90, vec![provider("a", actual())]);
    let now = Nanos::from_secs(10);
    answers(&engine, 0, 49, 180);
    assert_eq!([Some(4_096), None].map(|most| reserved(&engine, now, &request(100, most))), [4_096, 0], "49 are too few");
    answers(&engine, 10, 1, 180);
    let now = Nanos::from_secs(20);
    assert_eq!([Some(4_096), Some(50), None].map(|most| reserved(&engine, now, &request(100, most))), [183, 50, 183]);
}

/// What ends without an answer, or without a count of its tokens, says nothing of sizes.
#[test]
fn only_answers_that_tell_their_size_teach() {
    let engine = engine(50, vec![provider("a", actual())]);
    let usage = Some(Usage { input_tokens: 100, output_tokens: 9 });
    for id in 0..200 {
        let now = Nanos::from_millis(id * 100);
        let results = [AttemptResult::Abandoned, AttemptResult::Interrupted, AttemptResult::Status(400), AttemptResult::CallerTimedOut];
        let outcome = match id % 5 {
            4 => Outcome::new(AttemptResult::Success),
            kind => Outcome { usage, ..Outcome::new(results[kind as usize]) },
        };
        engine.settle(now, send(&engine, now, &request(id, Some(1_000))), outcome);
    }
    assert_eq!(reserved(&engine, Nanos::from_secs(90), &request(200, Some(1_000))), 1_000);
}

/// A provider that reserves `max_tokens` itself would refuse what is sent in the belief that less is needed.
#[test]
fn a_provider_that_charges_the_estimate_keeps_it() {
    let estimate = Limits { charge: Charge::Estimate, ..actual() };
    let pool = |limits: Limits| vec![provider("a", limits), provider("unlimited", Limits::default())];
    for limits in [estimate, Limits::default()] {
        let engine = engine(90, pool(limits.clone()));
        answers(&engine, 0, 100, 180);
        assert_eq!(reserved(&engine, Nanos::from_secs(10), &request(100, Some(4_096))), 4_096, "{limits:?}");
    }
    let quota_off = Engine::new(Config { quota: false, ..config(90, pool(actual())) }).expect("a valid configuration");
    answers(&quota_off, 0, 100, 180);
    assert_eq!(reserved(&quota_off, Nanos::from_secs(10), &request(100, Some(4_096))), 4_096, "nothing is counted");
}

/// In a group the limits of its first member count, and how they charge.
#[test]
fn a_group_charges_as_its_first_member_does() {
    for (first, expected) in [(actual(), 183), (Limits { charge: Charge::Estimate, ..actual() }, 4_096)] {
        let member = |name, limits| ProviderConfig { quota_group: Some("shared".to_owned()), ..provider(name, limits) };
        let engine = engine(90, vec![member("a", first), member("b", Limits::default())]);
        answers(&engine, 0, 100, 180);
        let mut retry = request(100, Some(4_096));
        let now = Nanos::from_secs(10);
        assert_eq!(reserved(&engine, now, &retry), expected);
        let lease = send(&engine, now, &retry);
        retry.tried.push(lease.provider());
        engine.settle(now, lease, Outcome::new(AttemptResult::Abandoned));
        assert_eq!(reserved(&engine, now, &retry), expected, "at the other member too");
    }
}

/// Each model has its own answers, and providers that serve it learn together; a reconfiguration keeps them, another percentile
/// is one of the same answers.
#[test]
fn models_learn_apart_and_reconfigurations_keep_it() {
    let serving = |name, model: &str| ProviderConfig { models: vec![model.to_owned()], ..provider(name, actual()) };
    let pool = || vec![serving("a", "small"), serving("b", "large"), serving("c", "large")];
    let engine = engine(90, pool());
    let (small, large) = (engine.model("small"), engine.model("large"));
    for id in 0..1_000_u64 {
        let now = Nanos::from_millis(id * 100);
        let model = if id % 2 == 0 { small } else { large };
        let lease = send(&engine, now, &Request { model, ..request(id, Some(8_000)) });
        // Of 500 each: 1 to 500, and 10 to 5,000.
        end(&engine, now, lease, if id % 2 == 0 { id as u32 / 2 + 1 } else { (id as u32 / 2 + 1) * 10 });
    }
    let both = |now| [small, large].map(|model| reserved(&engine, now, &Request { model, ..request(5_000, Some(8_000)) }));
    let now = Nanos::from_secs(200);
    assert_eq!(both(now), [463, 4_607], "450 and 4,500, to the bounds of their buckets");
    engine.reconfigure(now, config(50, pool())).expect("a valid configuration");
    assert_eq!(both(now), [255, 2_559], "250 and 2,500");
    let off = Config { output_estimate: OutputEstimate::MaxTokens, ..config(50, pool()) };
    engine.reconfigure(now, off).expect("a valid configuration");
    assert_eq!(both(now), [8_000, 8_000]);
}

/// A window of a minute, in which answers of every size end after shorter and longer reservations, in any order: what is taken
/// is what was used, to the token.
#[test]
fn the_truth_replaces_every_reservation() {
    for (seed, algorithm) in (0..60).zip([Algorithm::FixedWindow, Algorithm::SlidingWindow].into_iter().cycle()) {
        let mut draw = Draws::new(seed, Stream::OutputTokens, 0);
        let engine = engine(50 + (seed % 50) as u8, vec![provider("a", Limits { algorithm, ..actual() })]);
        answers(&engine, 1, 60, 180);
        let (mut held, mut used, mut longer) = (Vec::new(), 60 * (100 + 180), 0);
        for id in 0..400 {
            let now = Nanos::from_millis(10_000 + id * 100);
            if draw.chance(0.5) || held.is_empty() {
                held.push(send(&engine, now, &request(id, draw.chance(0.5).then(|| 1_000 + draw.below(3_000) as u32))));
            } else {
                let lease: Lease = held.swap_remove(draw.below(held.len() as u64) as usize);
                let output = draw.below(900) as u32;
                longer += u32::from(u64::from(output) > lease.reserved().output);
                used += 100 + u64::from(output);
                end(&engine, now, lease, output);
            }
        }
        let now = Nanos::from_secs(59);
        for lease in held {
            // It never got there.
            engine.settle(now, lease, Outcome::new(AttemptResult::ConnectionError));
        }
        assert!(longer > 5, "seed {seed}: {longer} answers were longer than reserved");
        let headroom = engine.snapshot(now).providers[0].headroom;
        assert_eq!((headroom * 2e6).round() as u64, 2_000_000 - used, "seed {seed}, {algorithm:?}");
    }
}

/// A bucket of 6,000 tokens, 100 a second: with 60 left it takes the 283 of an attempt 2.23 s later, and says so.
#[test]
fn waits_are_told_for_what_would_be_reserved() {
    let limits = Limits { tpm: Some(6_000.0), charge: Charge::Actual, ..Limits::default() };
    let engine = engine(90, vec![provider("a", limits)]);
    for id in 0..50 {
        let now = Nanos::from_secs(60 * id);
        let lease = send(&engine, now, &request(id, Some(1_000)));
        end(&engine, now, lease, 180);
    }
    let now = Nanos::from_secs(60 * 50);
    let lease = send(&engine, now, &request(50, None));
    assert_eq!(lease.reserved(), Cost { input: 100, output: 183 });
    end(&engine, now, lease, 5_840);
    let (ask, mut trace) = (request(51, Some(4_000)), Trace::default());
    let then = now + Nanos::from_millis(2_230);
    let Decision::Wait { until, why } = engine.pick_traced(now, &ask, &mut trace) else { panic!("60 are left") };
    assert_eq!((until, why, trace.candidates[0].why), (Some(then), Why::Limit(Dimension::Tokens), Why::Limit(Dimension::Tokens)));
    assert_eq!(engine.retry_after(now, &ask, 0), Some(Nanos::from_millis(2_230)));
    assert_eq!(engine.retry_after(now, &ask, 2), Some(Nanos::from_millis(2_230 + 2 * 2_830)), "behind two others of its kind");
    assert!(matches!(engine.pick(then - Nanos::new(1), &ask), Decision::Wait { .. }));
    assert_eq!(send(&engine, then, &ask).reserved(), Cost { input: 100, output: 183 });
}

/// 600 tokens in ten seconds: `max_tokens` alone is more. One at a time is sent, with all that there is reserved, until it is known
/// that answers are short. With `max_tokens` nothing can ever go.
#[test]
fn what_never_fits_is_tried_when_all_is_there() {
    let limits = Limits { tpm: Some(3_600.0), period: Some(Nanos::from_secs(10)), charge: Charge::Actual, ..Limits::default() };
    for (more, room) in [(Limits::default(), 500), (Limits { otpm: Some(1_200.0), ..Limits::default() }, 200)] {
        let limits = Limits { otpm: more.otpm, ..limits.clone() };
        let engine = engine(90, vec![provider("a", limits.clone())]);
        for id in 0..50 {
            let now = Nanos::from_secs(id * 10);
            let lease = send(&engine, now, &request(id, Some(4_096)));
            assert_eq!(lease.reserved(), Cost { input: 100, output: room });
            assert!(matches!(engine.pick(now, &request(1_000 + id, Some(4_096))), Decision::Wait { until: Some(_), .. }));
            end(&engine, now, lease, 50);
        }
        assert_eq!(reserved(&engine, Nanos::from_secs(600), &request(2_000, Some(4_096))), 51);
        let plain = Config { output_estimate: OutputEstimate::MaxTokens, ..config(90, vec![provider("a", limits)]) };
        let plain = Engine::new(plain).expect("a valid configuration");
        assert!(matches!(plain.pick(Nanos::ZERO, &request(1, Some(4_096))), Decision::Refuse { .. }));
    }
}

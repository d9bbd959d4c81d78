//! What headers and refusals teach, against true limits worked out by hand: a [`Ledger`] is the provider.

use std::collections::VecDeque;

use super::super::belief::Belief;
use super::super::headers::{RateLimitHeaders, Told};
use super::super::{Algorithm, Cost, FreeAt, Ledger, Limits, Reservation};
use crate::rng::{Draws, Stream};
use crate::time::Nanos;

const ONE: Cost = Cost { input: 0, output: 0 };

/// A provider with a true limit, and what is believed of it.
struct Pair {
    truth: Ledger,
    belief: Belief,
    sent: u32,
    refused: u32,
}

impl Pair {
    fn new(limits: &Limits) -> Pair {
        let none = Ledger::new(&Limits::default()).expect("no limits are valid");
        Pair { truth: Ledger::new(limits).expect("valid"), belief: Belief::new(none), sent: 0, refused: 0 }
    }

    /// Sends one if it is believed to fit, hears the headers if there are any, and ends it at once.
    fn send(&mut self, now: Nanos, tells: bool) {
        let Some(lease) = self.belief.reserve(now, ONE) else { return };
        self.sent += 1;
        match self.truth.try_reserve(now, ONE) {
            Ok(held) => {
                let headers = self.headers(now);
                if tells {
                    self.belief.hear(now, &lease, &headers);
                }
                self.truth.settle(now, held, None);
                self.belief.end(now, &lease, None);
            }
            Err(refusal) => {
                self.refused += 1;
                let FreeAt::At(free) = refusal.free_at else { panic!("a time is known") };
                self.belief.refused(now, &lease, Some(free.since(now)));
                self.belief.undo(now, &lease);
            }
        }
    }

    fn headers(&mut self, now: Nanos) -> RateLimitHeaders {
        RateLimitHeaders { requests: self.told(now), ..RateLimitHeaders::default() }
    }

    fn told(&mut self, now: Nanos) -> Told {
        let usage = self.truth.usage(now).next().expect("one limit");
        Told { limit: Some(usage.capacity), remaining: Some(usage.left().floor()), reset: Some(usage.reset_at.since(now)) }
    }
}

fn limits(algorithm: Algorithm) -> Limits {
    Limits { rpm: Some(60.0), algorithm, ..Limits::default() }
}

/// Ten attempts a second are wanted for ten minutes of a limit of 60 a minute: whoever hears the headers is never refused,
/// and wastes at most one minute's worth of the 600 until the algorithm is recognised.
#[test]
fn headers_prevent_every_refusal() {
    for algorithm in [Algorithm::TokenBucket, Algorithm::FixedWindow, Algorithm::SlidingWindow] {
        let mut pair = Pair::new(&limits(algorithm));
        (0..6_000).for_each(|tenth| pair.send(Nanos::from_millis(100 * tenth), true));
        assert_eq!(pair.refused, 0, "{algorithm:?}");
        assert!(pair.sent >= 540, "{algorithm:?}: {} of 600", pair.sent);
    }
}

/// Sixty are declared, at once. Headers that tell of one are believed from the first answer on; such as tell of sixty, once a
/// refusal shows that they are not the ones that were declared.
#[test]
fn headers_count_where_the_declaration_is_wrong() {
    for (true_limits, refused_max) in [
        (Limits { burst: Some(1.0), ..limits(Algorithm::TokenBucket) }, 0),
        (Limits { period: Some(Nanos::from_secs(10)), ..limits(Algorithm::FixedWindow) }, 0),
        (limits(Algorithm::FixedWindow), 1),
        (limits(Algorithm::SlidingWindow), 1),
    ] {
        let declared = Ledger::new(&limits(Algorithm::TokenBucket)).expect("valid");
        let mut pair = Pair { belief: Belief::new(declared), ..Pair::new(&true_limits) };
        (0..6_000).for_each(|tenth| pair.send(Nanos::from_millis(100 * tenth), true));
        assert!(pair.refused <= refused_max, "{true_limits:?}: {} refused", pair.refused);
        assert!(pair.sent >= 540, "{true_limits:?}: {} of 600", pair.sent);
    }
}

/// Headers that agree with what was declared tell nothing new: what it allows is used to the request.
#[test]
fn headers_that_agree_change_nothing() {
    let true_limits = limits(Algorithm::TokenBucket);
    let mut pair = Pair { belief: Belief::new(Ledger::new(&true_limits).expect("valid")), ..Pair::new(&true_limits) };
    (0..6_000).for_each(|tenth| pair.send(Nanos::from_millis(100 * tenth), true));
    assert_eq!((pair.sent, pair.refused), (60 + 599, 0));
}

/// The same without headers: refusals teach the pace. From the fifth minute to the twentieth at most 2 % of attempts are
/// refused, and at least 93 % of the 900 are sent; nobody waits for the pauses here, which would save some refusals.
#[test]
fn refusals_teach_the_pace() {
    for algorithm in [Algorithm::TokenBucket, Algorithm::FixedWindow, Algorithm::SlidingWindow] {
        let mut pair = Pair::new(&limits(algorithm));
        (0..3_000).for_each(|tenth| pair.send(Nanos::from_millis(100 * tenth), false));
        (pair.sent, pair.refused) = (0, 0);
        (3_000..12_000).for_each(|tenth| pair.send(Nanos::from_millis(100 * tenth), false));
        let Pair { sent, refused, .. } = pair;
        println!("{algorithm:?}: {refused} of {sent} refused");
        assert!(refused * 50 <= sent, "{algorithm:?}: {refused} of {sent} refused");
        assert!(sent - refused >= 837, "{algorithm:?}: {sent} sent, {refused} refused");
    }
}

/// What others take shows in the next header, and a header of an older attempt does not undo what a newer one said.
#[test]
fn the_latest_admission_knows_best() {
    let none = Ledger::new(&Limits::default()).expect("no limits are valid");
    let mut belief = Belief::new(none);
    let at = Nanos::from_secs;
    let say = |remaining: f64| {
        let told = Told { limit: Some(60.0), remaining: Some(remaining), reset: Some(at(60)) };
        RateLimitHeaders { requests: told, ..RateLimitHeaders::default() }
    };
    let admit = |belief: &mut Belief, second| -> Reservation { belief.reserve(at(second), ONE).expect("there is room") };
    let first = admit(&mut belief, 0);
    belief.hear(at(1), &first, &say(59.0));
    let (second, third) = (admit(&mut belief, 2), admit(&mut belief, 3));
    belief.hear(at(4), &third, &say(0.0));
    assert!(belief.reserve(at(5), ONE).is_none(), "others took the rest");
    belief.hear(at(6), &second, &say(58.0));
    assert!(belief.reserve(at(7), ONE).is_none(), "older");
    assert_eq!(belief.free_at(at(7), ONE), FreeAt::At(at(63)), "at the reset that the newest told");
}

/// How a provider charges an attempt of which it turns out that less was used than estimated.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Charging {
    /// The true size, from the start.
    Truth,
    /// The estimate, of which the rest comes back at the end.
    Returns,
    /// The estimate.
    Keeps,
}

/// Ten attempts a second are wanted for half an hour; each may use 1,400 tokens, and uses 580 of 34,800 a minute after a second
/// on its way. No header tells how it is charged. What was used is used again: 60 a minute where the difference comes back,
/// 24 where it does not; all but two minutes' worth of the 30 go, one attempt at the end of each minute perhaps, and nobody is
/// refused but who was sent to see whether the rest had come back: at once, after 5 minutes, 10 more, and 20 more.
#[test]
fn what_is_not_used_of_an_estimate_comes_back_or_not() {
    let (estimate, truth) = (Cost { input: 400, output: 1_000 }, Cost { input: 400, output: 180 });
    for algorithm in [Algorithm::FixedWindow, Algorithm::SlidingWindow] {
        for charging in [Charging::Truth, Charging::Returns, Charging::Keeps] {
            let limits = Limits { tpm: Some(34_800.0), algorithm, ..Limits::default() };
            let mut pair = Pair::new(&limits);
            let mut flying: VecDeque<(Nanos, Reservation, Reservation, RateLimitHeaders)> = VecDeque::new();
            for tenth in 0..18_000 {
                let now = Nanos::from_millis(100 * tenth);
                while flying.front().is_some_and(|(end, ..)| *end <= now) {
                    let Some((_, lease, held, headers)) = flying.pop_front() else { break };
                    pair.belief.hear(now, &lease, &headers);
                    pair.truth.settle(now, held, (charging == Charging::Returns).then_some(truth));
                    pair.belief.end(now, &lease, Some(truth));
                }
                let Some(lease) = pair.belief.reserve(now, estimate) else { continue };
                pair.sent += 1;
                let charged = if charging == Charging::Truth { truth } else { estimate };
                match pair.truth.try_reserve(now, charged) {
                    Ok(held) => {
                        let headers = RateLimitHeaders { tokens: pair.told(now), ..RateLimitHeaders::default() };
                        flying.push_back((now + Nanos::from_secs(1), lease, held, headers));
                    }
                    Err(_) => {
                        pair.refused += 1;
                        pair.belief.refused(now, &lease, None);
                        pair.belief.undo(now, &lease);
                    }
                }
            }
            let (each, what) = (if charging == Charging::Keeps { 24 } else { 59 }, format!("{algorithm:?}, {charging:?}"));
            println!("{what}: {} sent, {} refused", pair.sent, pair.refused);
            assert!(pair.refused <= 4, "{what}: {} of {} refused", pair.refused, pair.sent);
            assert!(pair.sent - pair.refused >= 28 * each, "{what}: {} sent", pair.sent);
        }
    }
}

/// Requests of 580 tokens at the mean, of which 1,400 are reserved, are wanted five times a second for half an hour, and only
/// refusals tell of the limit: 60 requests a minute, or 34,800 tokens. In the second quarter of an hour at most 2 % are refused, and
/// at least 90 % of what is possible go: a window of tokens that takes what surely fits is left with 820 to 1,400, which is 3 %.
#[test]
fn requests_are_told_from_tokens_where_sizes_differ() {
    let estimate = Cost { input: 400, output: 1_000 };
    for algorithm in [Algorithm::FixedWindow, Algorithm::SlidingWindow] {
        for tokens in [false, true] {
            let (rpm, tpm) = if tokens { (None, Some(34_800.0)) } else { (Some(60.0), None) };
            let mut pair = Pair::new(&Limits { rpm, tpm, algorithm, ..Limits::default() });
            let (mut draws, mut shut) = (Draws::new(5, Stream::Pick, 0), Nanos::ZERO);
            let mut flying: VecDeque<(Nanos, Reservation, Reservation, Cost)> = VecDeque::new();
            for fifth in 0..9_000 {
                let now = Nanos::from_millis(200 * fifth + draws.below(50));
                if fifth == 4_500 {
                    (pair.sent, pair.refused) = (0, 0);
                }
                while flying.front().is_some_and(|(end, ..)| *end <= now) {
                    let Some((_, lease, held, truth)) = flying.pop_front() else { break };
                    pair.truth.settle(now, held, Some(truth));
                    pair.belief.end(now, &lease, Some(truth));
                }
                let Some(lease) = (now >= shut).then(|| pair.belief.reserve(now, estimate)).flatten() else { continue };
                pair.sent += 1;
                let truth = Cost { input: 400, output: 30 + draws.below(301) };
                match pair.truth.try_reserve(now, truth) {
                    Ok(held) => flying.push_back((now + Nanos::from_secs(1), lease, held, truth)),
                    Err(refusal) => {
                        pair.refused += 1;
                        let FreeAt::At(free) = refusal.free_at else { panic!("a time is known") };
                        shut = Nanos::from_millis(free.as_nanos().div_ceil(1_000_000));
                        pair.belief.refused(now, &lease, Some(shut.since(now)));
                        pair.belief.undo(now, &lease);
                    }
                }
            }
            let Pair { sent, refused, .. } = pair;
            println!("{algorithm:?}, tokens {tokens}: {refused} of {sent} refused");
            assert!(refused * 50 <= sent, "{algorithm:?}, tokens {tokens}: {refused} of {sent} refused");
            assert!(sent - refused >= 810, "{algorithm:?}, tokens {tokens}: {sent} sent, {refused} refused");
        }
    }
}

/// Beside two a third was refused, so two are believed to fit. When a third is tried and refused for something else, that says nothing:
/// it was not let in.
#[test]
fn a_refusal_for_something_else_is_no_place() {
    let mut belief = Belief::new(Ledger::new(&Limits::default()).expect("no limits are valid"));
    let fill = |belief: &mut Belief, second: u64| -> Vec<Reservation> {
        (0..10).filter_map(|tenth| belief.reserve(Nanos::from_millis(1_000 * second + 100 * tenth), ONE)).collect()
    };
    let in_flight: Vec<_> = (0..3).filter_map(|_| belief.reserve(Nanos::ZERO, ONE)).collect();
    belief.refused(Nanos::from_secs(1), &in_flight[2], None);
    belief.undo(Nanos::from_secs(1), &in_flight[2]);
    for second in [4, 6] {
        belief.end(Nanos::from_secs(second), &in_flight[second as usize / 6], None);
        let sent = fill(&mut belief, second);
        assert_eq!((sent.len(), belief.in_flight()), (2, 3), "at {second} s");
        belief.undo(Nanos::from_secs(second + 1), &sent[1]);
        if second == 6 {
            belief.end(Nanos::from_secs(second + 1), &sent[0], None);
        }
    }
}

/// Nonsense is counted and changes nothing.
#[test]
fn more_left_than_there_is_is_ignored() {
    let mut belief = Belief::new(Ledger::new(&Limits::default()).expect("no limits are valid"));
    let lease = belief.reserve(Nanos::ZERO, ONE).expect("unlimited");
    let told = Told { limit: Some(10.0), remaining: Some(11.0), reset: None };
    belief.hear(Nanos::ZERO, &lease, &RateLimitHeaders { requests: told, ignored: 2, ..RateLimitHeaders::default() });
    assert_eq!(belief.ignored_headers(), 3);
    assert!((0..100).all(|_| belief.reserve(Nanos::ZERO, ONE).is_some()));
}

//! What headers and refusals teach, against true limits worked out by hand: a [`Ledger`] is the provider.

use super::super::belief::Belief;
use super::super::headers::{RateLimitHeaders, Told};
use super::super::{Algorithm, Cost, FreeAt, Ledger, Limits, Reservation};
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
        let usage = self.truth.usage(now).next().expect("one limit");
        let told = Told { limit: Some(usage.capacity), remaining: Some(usage.left().floor()), reset: Some(usage.reset_at.since(now)) };
        RateLimitHeaders { requests: told, ..RateLimitHeaders::default() }
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

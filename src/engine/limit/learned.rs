//! What nobody declared of a quota: what headers told, and what refusals taught.

use super::crowd::Crowd;
use super::found::Found;
use super::found_bucket::{Dried, FoundBucket};
use super::growth::Growth;
use super::marks::{Finding, Limited, Mark, Marks};
use super::pace::Pace;
use super::refusal::Paced;
use super::repeats::{PERIOD, Repeats};
use super::told::{Attempt, ToldLimit};
use super::{Cost, Dimension, FreeAt, Refusal};
use crate::time::Nanos;

/// Headers that tell the limits are trusted through so many refusals,
const TRUST: f64 = 4.0;
/// of which every answer restores this much: up to 2 % of refusals are put down to accidents.
const TRUST_GAIN: f64 = 0.02;

/// What was not declared.
#[derive(Clone, Debug)]
pub(super) struct Learned {
    /// At most one per dimension.
    pub told: Vec<ToldLimit>,
    /// What refusals tell, until a window is found, and the window.
    marks: Marks,
    found: Option<Found>,
    /// Until then: a bucket, if that is found.
    bucket: Option<FoundBucket>,
    /// Where neither is.
    pace: Pace,
    /// What refusals without a hint say of a window, what it holds if that is known, and whether it is the one that was found.
    repeats: Repeats,
    repeated: Option<f64>,
    is_repeated: bool,
    /// What may be in flight; none until a refusal may have been for that.
    crowd: Option<Box<Crowd>>,
    pub growth: Growth,
    /// How many refusals in a row headers are still trusted through.
    trust: f64,
    /// A refusal for the rate came although what was declared allowed the attempt.
    pub doubted: bool,
    /// Headers told why the latest was refused.
    explained: bool,
    /// Attempts admitted before this were not counted.
    pub born: Nanos,
    /// Malformed headers.
    pub ignored: u64,
}

/// A refusal for the rate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused {
    pub number: u64,
    pub sent: Nanos,
    /// The pause that it asked for.
    pub hint: Option<Nanos>,
    pub cost: Cost,
    /// In flight with it.
    pub in_flight: u32,
    /// It stays charged, since what is declared counts it.
    pub kept: bool,
}

impl Learned {
    pub fn new(born: Nanos) -> Learned {
        Learned {
            told: Vec::new(),
            marks: Marks::new(born),
            found: None,
            bucket: None,
            pace: Pace::default(),
            repeats: Repeats::default(),
            repeated: None,
            is_repeated: false,
            crowd: None,
            growth: Growth::default(),
            trust: TRUST,
            doubted: false,
            explained: false,
            born,
            ignored: 0,
        }
    }

    /// Whether what refusals taught lets one more go: beside those in flight, and of a window that was found, else of a bucket, else
    /// at the pace.
    pub fn paces(&mut self, now: Nanos, cost: Cost, in_flight: u32) -> bool {
        if self.roomy_at(now, in_flight) > FreeAt::Now {
            return false;
        }
        let fits = match (&mut self.found, &mut self.bucket) {
            (Some(found), _) => found.fits(now, cost, in_flight),
            (None, Some(bucket)) => bucket.fits(now, cost, in_flight),
            (None, None) => self.pace.fits(now),
        };
        fits || self.told_at().is_some_and(|at| at <= now)
    }

    /// When one goes whatever refusals taught, if headers explain them; `None`: they do not.
    fn told_at(&self) -> Option<Nanos> {
        if self.explained { self.told.iter().map(ToldLimit::rest_at).max() } else { None }
    }

    /// When there is a place beside those in flight.
    fn roomy_at(&self, now: Nanos, in_flight: u32) -> FreeAt {
        self.crowd.as_ref().map_or(FreeAt::Now, |crowd| crowd.free_at(now, in_flight))
    }

    /// Why what refusals taught lets none go; a pace counts as a limit on requests.
    pub fn would_refuse(&mut self, now: Nanos, cost: Cost, in_flight: u32) -> Option<Refusal> {
        let places = Refusal { dimension: Dimension::Concurrency, free_at: self.roomy_at(now, in_flight) };
        let rate = self.rate_refuses(now, cost, in_flight);
        [rate, Some(places)].into_iter().flatten().filter(|refusal| refusal.free_at > FreeAt::Now).max_by_key(|refusal| refusal.free_at)
    }

    /// The same, of rates alone.
    fn rate_refuses(&mut self, now: Nanos, cost: Cost, in_flight: u32) -> Option<Refusal> {
        let told_at = self.told_at();
        let mut refusal = match (&mut self.found, &mut self.bucket) {
            (Some(found), _) => found.would_refuse(now, cost, in_flight)?,
            (None, Some(bucket)) => bucket.would_refuse(now, cost, in_flight)?,
            (None, None) => Refusal { dimension: Dimension::Requests, free_at: FreeAt::At(self.pace.free_at(now)?) },
        };
        if let Some(at) = told_at {
            refusal.free_at = if at <= now { FreeAt::Now } else { refusal.free_at.min(FreeAt::At(at)) };
        }
        Some(refusal)
    }

    /// Share that is left of what refusals taught.
    pub fn left_fraction(&mut self, now: Nanos, in_flight: u32) -> f64 {
        let places = self.crowd.as_ref().map_or(1.0, |crowd| crowd.left_fraction(in_flight));
        let rate = match (&mut self.found, &mut self.bucket) {
            (Some(found), _) => found.left_fraction(now),
            (None, Some(bucket)) => bucket.left_fraction(now),
            (None, None) => self.pace.left_fraction(now),
        };
        rate.min(places)
    }

    /// The attempt of this number goes, while `in_flight` are on their way.
    pub fn take(&mut self, now: Nanos, number: u64, cost: Cost, in_flight: u32) {
        self.growth.take(now);
        if let Some(crowd) = &mut self.crowd {
            crowd.take(now, number, in_flight);
        }
        if let Some(found) = &mut self.found {
            return found.take(now, cost, in_flight);
        }
        let mut limited = self.marks.take(now);
        if let Some(amount) = self.repeated.take().filter(|_| limited.is_none()) {
            (limited, self.is_repeated) = (Some(window(amount)), true);
        }
        match &mut self.bucket {
            Some(bucket) => bucket.take(now, cost),
            None => self.pace.take(now),
        }
        if let Some(limited) = limited {
            self.found = Some(Found::new(now, limited, &self.marks, cost, in_flight));
            self.bucket = None;
        } else if let Some(mark) = self.marks.judged() {
            self.learn_bucket(now, mark, cost);
        }
    }

    /// A mark was judged: what it says of a bucket.
    fn learn_bucket(&mut self, now: Nanos, mark: Mark, cost: Cost) {
        let refill = self.marks.refill();
        match (&mut self.bucket, self.marks.bucket()) {
            (Some(bucket), _) => bucket.learn(refill.chain(bucket.dimension())),
            (None, Some(dimension)) => {
                let in_flight = ((mark.slack / mark.asked.max(1.0)) - 1.0).max(0.0);
                let dried = Dried {
                    sent: mark.sent,
                    hint: Some(mark.hint()),
                    cost,
                    later: self.marks.later(mark.sent),
                    in_flight,
                    mean: self.marks.tokens(),
                };
                self.bucket = Some(FoundBucket::new(now, dimension, refill.chain(dimension), dried));
            }
            (None, None) => {}
        }
    }

    /// One ended otherwise than refused, having used so much.
    pub fn end(&mut self, now: Nanos, attempt: Attempt, actual: Option<Cost>) {
        if let Some(crowd) = &mut self.crowd {
            crowd.end(now, attempt.number);
        }
        let tokens = actual.map(|actual| actual.total() as f64);
        if attempt.sent >= self.born {
            self.told.iter_mut().for_each(|limit| limit.settle(now, attempt, actual));
            match (&mut self.found, tokens) {
                (Some(found), _) => found.settle(now, attempt, actual),
                (None, Some(tokens)) => self.marks.used(now, attempt.sent, tokens),
                (None, None) => self.marks.keep(attempt.cost.total() as f64),
            }
        } else if let Some(tokens) = tokens {
            self.marks.measure(tokens);
        }
        if let Some(bucket) = &mut self.bucket {
            bucket.settle(now, attempt, actual);
        }
        self.pace.answered(now);
        self.trust = (self.trust + TRUST_GAIN).min(TRUST);
    }

    /// Somebody was turned away since the last admission.
    pub fn want(&mut self) {
        self.pace.want();
    }

    /// Attempt `number` takes no place at the provider.
    pub fn leave(&mut self, number: u64) {
        if let Some(crowd) = &mut self.crowd {
            crowd.leave(number);
        }
    }

    /// One that was let in used nothing, and took no place.
    pub fn undo(&mut self, now: Nanos, Attempt { number, sent, cost }: Attempt) {
        self.leave(number);
        if sent < self.born {
            return;
        }
        for limit in &mut self.told {
            limit.undo(now, sent, cost.of(limit.dimension) as f64);
        }
        match &mut self.found {
            Some(found) => found.undo(now, sent, cost),
            None => self.marks.undo(sent),
        }
        if let Some(bucket) = &mut self.bucket {
            bucket.undo(now, sent, cost);
        }
    }

    /// One was never sent: nothing is to be learned from it.
    pub fn forget(&mut self, now: Nanos, attempt: Attempt) {
        let sent = attempt.sent;
        self.undo(now, attempt);
        if sent >= self.born && self.found.is_none() {
            match &mut self.bucket {
                Some(bucket) => bucket.forget(sent),
                None => self.pace.forget(now, sent),
            }
        }
    }

    /// An attempt, still to be undone, was refused. Where headers tell the limits, single refusals need no further lesson.
    pub fn refused(&mut self, now: Nanos, refused: Refused) {
        let explained = self.told.iter().any(|limit| limit.explains(refused.number));
        if !explained && self.is_crowded(now, refused) {
            self.pace.passed_over(refused.sent);
            return;
        }
        (self.doubted, self.explained) = (true, explained);
        self.told.iter_mut().for_each(|limit| limit.refused(now, refused.number));
        if !self.told.is_empty() && self.trust >= 0.0 {
            self.trust -= 1.0;
        } else {
            self.learn(now, refused);
        }
    }

    /// Whether it was refused for what was in flight. No hint tells when that frees; and where the pace is known that explains it, unless
    /// trials say otherwise, or refusals go on.
    fn is_crowded(&mut self, now: Nanos, refused: Refused) -> bool {
        if refused.hint.is_some() {
            return false;
        }
        let explained = self.is_repeated || self.is_paced() && self.pace.explains();
        if explained && self.crowd.as_ref().is_none_or(|crowd| !crowd.is_confirmed()) {
            self.crowd.iter_mut().for_each(|crowd| crowd.forget());
            return false;
        }
        let crowd = self.crowd.get_or_insert_with(|| Box::new(Crowd::new()));
        let throughput = if self.pace.is_unknown(now) { crowd.throughput(now) } else { None };
        let crowded = crowd.refused(now, refused.number, refused.in_flight);
        // All that waited for a place would go at once.
        if let Some(rate) = throughput.filter(|_| !crowd.binds()) {
            self.pace = self.pace.resumed(now, rate);
        }
        crowded
    }

    fn learn(&mut self, now: Nanos, refused: Refused) {
        let Refused { sent, hint, cost, in_flight, kept, .. } = refused;
        if let Some(found) = &mut self.found {
            if !kept {
                found.keep_refused(now, sent, cost);
            }
            if !found.refused(now, sent, cost) {
                let rate = found.rate(self.marks.tokens());
                self.start_over(now, rate);
            }
            return;
        }
        if !kept {
            self.marks.keep_refused(now, sent);
        }
        let asked = cost.total() as f64;
        let slack = asked * f64::from(in_flight);
        let (mean, later) = (self.marks.tokens(), self.marks.later(sent));
        self.marks.refused(now, sent, hint.map(|hint| sent + hint), (asked, slack));
        if let Some(bucket) = &mut self.bucket {
            let in_flight = (f64::from(in_flight) - 1.0 - later).max(0.0);
            if !bucket.refused(now, Dried { sent, hint, cost, later, in_flight, mean }) {
                let rate = bucket.rate(mean);
                self.start_over(now, rate);
            }
            return;
        }
        let unused = if mean > 0.0 { ((slack - asked) * (1.0 / mean - 1.0 / asked)).max(0.0) } else { 0.0 };
        self.repeated = if hint.is_none() && sent > self.repeats.last() { self.look_for_repeats(sent) } else { None };
        self.pace.refused(now, sent, hint, unused);
    }

    /// What a window of a minute holds, if it is one.
    fn look_for_repeats(&mut self, sent: Nanos) -> Option<f64> {
        let amount = self.marks.within(PERIOD, sent)?;
        let since = self.marks.within(sent.since(self.repeats.last()), sent).unwrap_or_default();
        self.repeats.refused(sent, amount, since)
    }

    /// What was found was wrong, or is no longer true.
    fn start_over(&mut self, now: Nanos, rate: f64) {
        self.pace = self.pace.resumed(now, rate);
        self.marks.start_over(now);
        if self.is_repeated {
            self.repeats.start_over();
        }
        (self.found, self.bucket, self.is_repeated) = (None, None, false);
    }

    #[cfg(test)]
    pub fn bucket(&self) -> Option<&FoundBucket> {
        self.bucket.as_ref()
    }

    /// What refusals have taught of the rate, where nothing more is known.
    pub fn paced(&self, now: Nanos) -> Paced {
        if self.is_paced() { self.pace.paced(now) } else { Paced::Unknown }
    }

    /// Whether it is the pace that counts.
    fn is_paced(&self) -> bool {
        self.found.is_none() && self.bucket.is_none()
    }
}

/// A sliding window of so many requests.
fn window(amount: f64) -> Limited {
    Limited { dimension: Dimension::Requests, finding: Finding::Sliding { amount, period: PERIOD }, counts_refused: false }
}

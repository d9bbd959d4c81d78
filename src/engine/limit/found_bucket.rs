//! A bucket that was found out from refusals, by the rate at which it refills.
//!
//! Each refusal tells its level, so that is kept from one to the next as that of a declared bucket. Its depth shows only when
//! it is spent: what passed in a row after the bucket had been full in belief, and a little more, is the depth that is believed. When
//! that turns out too much, the refusal tells the depth exactly: what had been spent until then, less what had flowed in. Where not
//! even a few attempts pass in a row, the marks say little of the rate, since most of what flowed in found no room: there a
//! [`Pace`](super::pace) does better.
//!
//! Where sizes differ, the level may be higher than believed: of the attempts in flight at a refusal nobody knows whether
//! their estimates or their true sizes are charged, and the lesser is believed. So some time after a refusal one is
//! sent although it does not seem to fit; while such trials pass, the next may follow.

use super::kind::INFLOW_MARGIN;
use super::refill::Chain;
use super::told::Attempt;
use super::{Cost, Dimension, FreeAt, Refusal};
use crate::time::Nanos;

/// From a refusal to the first trial,
const TRIAL_AFTER: Nanos = Nanos::from_secs(60);
/// and the longest time between two.
const TRIAL_AFTER_MAX: Nanos = Nanos::from_secs(3_600);
/// So many refusals are forgiven besides trials,
const TRUST: f64 = 3.0;
/// and one more for so many answers.
const TRUST_GAIN: f64 = 0.01;
/// What has been spent from a full bucket shows that it holds so much more, or one cost more.
const DEEPER: f64 = 1.1;
/// A depth that a refusal showed is believed for so long.
const DEPTH_KEPT: Nanos = Nanos::from_secs(600);
/// It is a bucket if so many attempts pass in a row.
const STORED: f64 = 3.0;
/// A chain over less than this says nothing new of the rate.
const LONG: f64 = 20.0;

/// A bucket of requests or tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct FoundBucket {
    dimension: Dimension,
    /// Per ns.
    rate: f64,
    /// What it is believed to hold.
    depth: f64,
    level: f64,
    as_of: Nanos,
    /// It was full since the latest refusal; the lowest level since it last was.
    was_full: bool,
    lowest: f64,
    /// All of it was spent with an attempt that was sent then: if that is answered, it holds so much.
    spent: Option<(Nanos, f64)>,
    /// No more depth is tried before this.
    deepens_from: Nanos,
    /// Nothing goes until so many attempts are there that they show whether it stores any.
    holds_back: bool,
    /// When a trial may go, and one that is on its way, with what it showed to be there if it is answered.
    due: Nanos,
    pause: Nanos,
    trial: Option<(Nanos, f64)>,
    trust: f64,
    /// When the latest attempt that was refused had been sent.
    dry_at: Nanos,
    /// What was reserved for attempts that were sent before this is not known: so much.
    born: Nanos,
    held: f64,
}

/// A refusal, for a bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dried {
    pub sent: Nanos,
    pub hint: Option<Nanos>,
    pub cost: Cost,
    /// Attempts that were let in after it.
    pub later: f64,
    /// In flight besides when it was sent.
    pub in_flight: f64,
    /// Tokens of an answer at the mean.
    pub mean: f64,
}

impl FoundBucket {
    /// Nothing is left of it, as of `now`.
    pub fn new(now: Nanos, dimension: Dimension, chain: Chain, dried: Dried) -> FoundBucket {
        let mut bucket = FoundBucket {
            dimension,
            rate: 0.0,
            depth: 0.0,
            level: 0.0,
            as_of: now,
            was_full: false,
            lowest: 0.0,
            spent: None,
            deepens_from: Nanos::ZERO,
            holds_back: true,
            due: now + TRIAL_AFTER,
            pause: TRIAL_AFTER,
            trial: None,
            trust: TRUST,
            dry_at: dried.sent,
            born: now,
            held: 0.0,
        };
        bucket.held = bucket.amount(dried.cost);
        bucket.depth = STORED * bucket.held;
        bucket.learn(chain);
        bucket.level = bucket.level_after(now, dried);
        bucket
    }

    /// What the marks say of the rate.
    pub fn learn(&mut self, chain: Chain) {
        let Some(rate) = chain.rate().filter(|_| self.rate == 0.0 || chain.used() >= LONG * self.held) else { return };
        // Of what is in flight at a mark one cost may be charged or not.
        let unsure = if self.dimension.counts_tokens() { 1.0 - (0.5 * self.held / chain.used()).min(0.05) } else { INFLOW_MARGIN };
        self.rate = rate * unsure;
    }

    fn amount(&self, cost: Cost) -> f64 {
        cost.of(self.dimension) as f64
    }

    /// The level now, as the refusal tells it; the lower one if there are two.
    fn level_after(&self, now: Nanos, dried: Dried) -> f64 {
        let asked = self.amount(dried.cost);
        let Some(hint) = dried.hint else { return self.level.min(0.0) };
        let least = if self.dimension.counts_tokens() { dried.mean - dried.in_flight * (asked - dried.mean).max(0.0) } else { 1.0 };
        least.min(asked) - self.rate * hint.as_f64() + self.rate * now.since(dried.sent).as_f64() - asked * dried.later
    }

    /// Whether one more may go.
    pub fn fits(&mut self, now: Nanos, cost: Cost, in_flight: u32) -> bool {
        self.roll(now, cost);
        self.level >= self.needed(cost) || self.trial_at(in_flight).is_some_and(|at| at <= now)
    }

    /// When one may go that does not seem to fit: when nobody is in flight, of whom nobody knows what is charged, or
    /// after the longest wait for that.
    fn trial_at(&self, in_flight: u32) -> Option<Nanos> {
        let busy = if in_flight > 0 { TRIAL_AFTER } else { Nanos::ZERO };
        (self.trial.is_none() && !self.holds_back).then(|| self.due + busy)
    }

    /// What must be there for one to go.
    fn needed(&self, cost: Cost) -> f64 {
        if self.holds_back { self.depth.max(self.amount(cost)) } else { self.amount(cost) }
    }

    /// One goes.
    pub fn take(&mut self, now: Nanos, cost: Cost) {
        self.roll(now, cost);
        let amount = self.amount(cost);
        if self.level < amount {
            self.trial = Some((now, amount - self.level));
        }
        self.level -= amount;
        self.holds_back = false;
        self.spend(now, amount);
    }

    /// Notes how much of a full bucket is spent.
    fn spend(&mut self, now: Nanos, amount: f64) {
        self.lowest = self.lowest.min(self.level);
        if self.was_full && self.spent.is_none() && self.lowest < amount && now >= self.deepens_from {
            let spent = self.depth - self.lowest.max(0.0);
            let deeper = (spent * DEEPER).max(spent + amount);
            self.spent = Some((now, deeper.min((self.rate * 60e9).max(self.depth))));
        }
    }

    /// One that was let in at `sent` used nothing.
    pub fn undo(&mut self, now: Nanos, sent: Nanos, cost: Cost) {
        if sent > self.dry_at {
            self.roll(now, cost);
            self.level += self.amount(cost);
        }
    }

    /// One that was let in at `sent`, and has been undone, was never sent: it shows nothing.
    pub fn forget(&mut self, sent: Nanos) {
        self.trial = self.trial.filter(|(trial, _)| *trial != sent);
        self.spent = self.spent.filter(|(spent, _)| *spent != sent);
        self.lowest = self.level;
    }

    /// One ended otherwise than refused, having used so much.
    pub fn settle(&mut self, now: Nanos, attempt: Attempt, actual: Option<Cost>) {
        self.trust = (self.trust + TRUST_GAIN).min(TRUST);
        let reserved = if attempt.sent < self.born { self.held } else { self.amount(attempt.cost) };
        self.roll(now, attempt.cost);
        self.level += actual.map_or(0.0, |actual| reserved - self.amount(actual));
        if let Some((sent, depth)) = self.spent
            && sent <= attempt.sent
        {
            (self.spent, self.depth, self.was_full) = (None, depth, false);
        }
        if let Some((sent, more)) = self.trial
            && sent == attempt.sent
        {
            (self.trial, self.due, self.pause) = (None, now, TRIAL_AFTER);
            self.level += more;
        }
    }

    /// A refusal, still to be undone; false: this is no such bucket, or no longer. What was sent before the latest refusal says
    /// nothing new.
    pub fn refused(&mut self, now: Nanos, dried: Dried) -> bool {
        if dried.sent <= self.dry_at {
            return self.trust >= 0.0;
        }
        self.roll(now, dried.cost);
        let amount = self.amount(dried.cost);
        if self.trial.is_some_and(|(sent, _)| sent == dried.sent) {
            self.pause = (self.pause + self.pause).min(TRIAL_AFTER_MAX);
        } else {
            self.trust -= 1.0;
        }
        let level = self.level_after(now, dried);
        // As it stood, the refused one given back.
        let surplus = self.level + amount - level;
        if self.was_full && surplus > 0.0 {
            self.depth = (self.depth - surplus).max(amount);
            self.deepens_from = now + DEPTH_KEPT;
        }
        // Where nothing is stored, what it refused was no measure of its rate: what flowed in while it was full is missing.
        if self.depth < STORED * 0.5 * amount {
            self.trust = -1.0;
        }
        (self.level, self.was_full, self.spent, self.trial) = (level, false, None, None);
        (self.dry_at, self.due) = (dried.sent, now + self.pause);
        self.trust >= 0.0
    }

    /// As a refusal; `None`: one more may go.
    pub fn would_refuse(&mut self, now: Nanos, cost: Cost, in_flight: u32) -> Option<Refusal> {
        if self.fits(now, cost, in_flight) {
            return None;
        }
        let flow = Nanos::from_f64(((self.needed(cost) - self.level) / self.rate).ceil()) + Nanos::new(1);
        let free = self.trial_at(in_flight).map_or(now + flow, |trial| trial.min(now + flow));
        Some(Refusal { dimension: self.dimension, free_at: FreeAt::At(free) })
    }

    /// What it counts.
    pub fn dimension(&self) -> Dimension {
        self.dimension
    }

    /// Requests per ns that it sustains, of so many tokens each.
    pub fn rate(&self, tokens: f64) -> f64 {
        if self.dimension.counts_tokens() { self.rate / tokens.max(1.0) } else { self.rate }
    }

    /// Level ÷ depth.
    pub fn left_fraction(&mut self, now: Nanos) -> f64 {
        self.roll(now, Cost::default());
        (self.level / self.depth).clamp(0.0, 1.0)
    }

    /// Brings the level up to `now`. One attempt at least always fits a full bucket: the provider shall decide.
    fn roll(&mut self, now: Nanos, cost: Cost) {
        self.depth = self.depth.max(self.amount(cost));
        self.level += self.rate * now.since(self.as_of).as_f64();
        self.as_of = self.as_of.max(now);
        if self.level >= self.depth {
            (self.level, self.was_full, self.lowest) = (self.depth, true, self.depth);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::learned::{Learned, Refused};
    use super::super::{Ledger, Limits, Reservation};
    use super::*;
    use crate::rng::{Draws, Stream};

    /// A provider with a true limit, and what refusals taught of it.
    struct Pair {
        truth: Ledger,
        learned: Learned,
        flying: Vec<(Nanos, u64, Reservation, Cost)>,
        number: u64,
        sent: u32,
        refused: u32,
    }

    impl Pair {
        fn new(limits: &Limits) -> Pair {
            let truth = Ledger::new(limits).expect("sensible limits");
            Pair { truth, learned: Learned::new(Nanos::ZERO), flying: Vec::new(), number: 0, sent: 0, refused: 0 }
        }

        /// Ends what has been on its way for a second.
        fn end(&mut self, now: Nanos) {
            while self.flying.first().is_some_and(|(end, ..)| *end <= now) {
                let (_, number, held, actual) = self.flying.remove(0);
                let attempt = Attempt { number, sent: held.at(), cost: held.cost() };
                self.truth.settle(now, held, Some(actual));
                self.learned.end(now, attempt, Some(actual));
            }
        }

        /// Sends one, if it is believed to fit; when the provider says that the next fits, if it refuses.
        fn send(&mut self, now: Nanos, reserved: Cost, actual: Cost) -> Option<Nanos> {
            let flying = self.flying.len() as u32;
            if !self.learned.paces(now, reserved, flying) {
                return None;
            }
            (self.sent, self.number) = (self.sent + 1, self.number + 1);
            self.learned.take(now, self.number, reserved, flying);
            match self.truth.try_reserve(now, reserved) {
                Ok(held) => {
                    self.flying.push((now + Nanos::from_secs(1), self.number, held, actual));
                    None
                }
                Err(refusal) => {
                    let FreeAt::At(free) = refusal.free_at else { panic!("a time is known") };
                    let free = Nanos::from_millis(free.as_nanos().div_ceil(1_000_000));
                    self.refused += 1;
                    let hint = Some(free.since(now));
                    self.learned
                        .refused(now, Refused { number: self.number, sent: now, hint, cost: reserved, in_flight: flying + 1, kept: false });
                    self.learned.undo(now, Attempt { number: self.number, sent: now, cost: reserved });
                    Some(free)
                }
            }
        }

        /// Half as much again as the limit allows, for so many minutes, each request of its own size.
        fn overload(&mut self, minutes: u64, mut size: impl FnMut(&mut Draws) -> (Cost, Cost)) {
            let (mut draws, mut now, mut shut) = (Draws::new(3, Stream::Pick, 0), Nanos::ZERO, Nanos::ZERO);
            while now < Nanos::from_secs(60 * minutes) {
                now = (now + Nanos::from_secs_f64(-draws.open_unit().ln() / 1.5)).max(shut);
                self.end(now);
                let (reserved, actual) = size(&mut draws);
                shut = self.send(now, reserved, actual).unwrap_or(shut);
            }
        }
    }

    const ONE: Cost = Cost { input: 0, output: 0 };

    /// 580 tokens a second flow in, of which 1,400 are reserved for each attempt and 580 used at the mean. Nobody knows
    /// which of them a mark counts: 1 % of a chain of four minutes.
    #[test]
    fn a_bucket_of_tokens_is_found() {
        let mut pair = Pair::new(&Limits { tpm: Some(34_800.0), ..Limits::default() });
        let reserved = Cost { input: 400, output: 1_000 };
        pair.overload(30, |draws| (reserved, Cost { input: 400, output: 30 + draws.below(301) }));
        let bucket = pair.learned.bucket().expect("found");
        assert_eq!(bucket.dimension, Dimension::Tokens);
        assert!((bucket.rate * 1e9 / 580.0 - 1.0).abs() < 0.01, "{bucket:?}");
        let Pair { sent, refused, .. } = pair;
        assert!(refused * 100 <= sent && sent - refused >= 1_800, "{refused} of {sent} refused");
    }

    /// Thirty at once each 45 s, of a bucket into which one a second flows. What is believed of its depth grows with what passes,
    /// and one refusal tells it to the request; where none are stored it is let go of with the first. In 18 minutes more depth may be
    /// tried twice, and trials come after 1, 2, 4 and 8 minutes.
    #[test]
    fn its_depth_is_what_passes() {
        for depth in [1, 2, 4, 10, 20] {
            let mut truth = Ledger::new(&Limits { rpm: Some(60.0), burst: Some(f64::from(depth)), ..Limits::default() }).expect("sensible");
            let dried = Dried { sent: Nanos::ZERO, hint: Some(Nanos::ZERO), cost: ONE, later: 0.0, in_flight: 0.0, mean: 0.0 };
            let chain = Chain::of(1_000.0, Nanos::from_secs(1_000));
            let mut bucket = FoundBucket::new(Nanos::ZERO, Dimension::Requests, chain, dried);
            let (mut passed, mut refused, mut kept) = (Vec::new(), 0, true);
            for round in 1..25 {
                let now = Nanos::from_secs(45 * round);
                passed.push(0);
                while kept && bucket.fits(now, ONE, 1) {
                    bucket.take(now, ONE);
                    match truth.try_reserve(now, ONE) {
                        Ok(held) => {
                            truth.settle(now, held, None);
                            passed[round as usize - 1] += 1;
                        }
                        Err(_) => {
                            let hint = Some(Nanos::from_secs(1));
                            kept = bucket.refused(now, Dried { sent: now, hint, ..dried });
                            bucket.undo(now, now, ONE);
                            refused += 1;
                        }
                    }
                }
                let attempt = Attempt { number: round, sent: now, cost: ONE };
                bucket.settle(now + Nanos::from_secs(1), attempt, Some(ONE));
            }
            let what = format!("{depth} deep: {passed:?} passed, {refused} refused");
            assert!(refused <= 6, "{what}");
            assert_eq!(kept, depth >= 2, "{what}");
            assert!(!kept || passed.ends_with(&[depth; 3]), "{what}");
        }
    }
}

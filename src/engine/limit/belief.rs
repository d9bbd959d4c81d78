//! What the engine believes of one quota: what was declared, what headers told, and what refusals taught.
//!
//! An attempt goes if all three let it. A provider of which nothing was told and that refused nobody has the declared limits
//! only, and pays one comparison for the rest.

use super::headers::{RateLimitHeaders, Told};
use super::learned::{Learned, Refused};
use super::refusal::Paced;
use super::reservation::Admission;
use super::spec::Limits;
use super::told::{Attempt, ToldLimit};
use super::{Cost, Dimension, FreeAt, Ledger, Refusal, Reservation};
use crate::time::Nanos;

/// Asks whether it refuses: [`Belief::would_refuse`] or [`Belief::peek`].
pub(in super::super) type Refuses = fn(&mut Belief, Nanos, Cost) -> Option<Refusal>;

/// The believed quota of a provider or quota group.
#[derive(Clone, Debug)]
pub(in super::super) struct Belief {
    declared: Ledger,
    learned: Option<Box<Learned>>,
    /// Nothing is declared and nothing learned: the one thing that the usual path looks at.
    unlimited: bool,
}

impl Belief {
    /// Declared limits, nothing learned.
    pub fn new(mut declared: Ledger) -> Belief {
        declared.make_room();
        declared.look_back();
        Belief { unlimited: declared.is_unlimited(), declared, learned: None }
    }

    /// Other declared limits, which a [`Ledger`] has accepted before. What was used stays used, as [`Ledger::replace`] says.
    pub fn replace(&mut self, now: Nanos, limits: &Limits) {
        let replaced = self.declared.replace(now, limits);
        debug_assert!(replaced.is_ok(), "{replaced:?}");
        self.declared.make_room();
        self.declared.look_back();
        // What was doubted was the old declaration.
        self.learned.iter_mut().for_each(|learned| learned.doubted = false);
        self.unlimited = self.declared.is_unlimited() && self.learned.is_none();
    }

    /// As [`Ledger::reserve`]. The reservation is put together here, from numbers: handed up through calls it would be
    /// copied from memory that was written a moment ago in smaller pieces, for which a processor waits.
    #[inline(always)]
    pub fn reserve(&mut self, now: Nanos, cost: Cost) -> Option<Reservation> {
        Some(self.reserve_weighing(now, cost)?.0)
    }

    /// As [`Belief::reserve`], with what is left then of the tightest declared limit, 0…1, where that is weighed.
    #[inline(always)]
    pub fn reserve_weighing(&mut self, now: Nanos, cost: Cost) -> Option<(Reservation, f32)> {
        let admission = if self.unlimited { self.declared.take_place(now) } else { self.take(now, cost)? };
        Some((admission.of(cost), admission.left))
    }

    #[inline(always)]
    fn take(&mut self, now: Nanos, cost: Cost) -> Option<Admission> {
        if self.learned.is_none() { self.declared.admit(now, cost) } else { self.take_learned(now, cost) }
    }

    #[inline(never)]
    fn take_learned(&mut self, now: Nanos, cost: Cost) -> Option<Admission> {
        let learned = self.learned.as_mut()?;
        let idle = self.declared.in_flight() == 0;
        let fits = learned.told.iter_mut().all(|limit| limit.admits(now, cost, idle))
            && learned.paces(now, cost, self.declared.in_flight())
            && learned.growth.fits(now);
        if !fits {
            learned.want();
            return None;
        }
        let admitted = self.declared.admit_counted(now, cost)?;
        for limit in &mut learned.told {
            limit.admit(now, self.declared.next - 1, cost, idle);
        }
        learned.take(now, self.declared.next - 1, cost, self.declared.in_flight() - 1);
        self.declared.is_not_alone();
        Some(admitted)
    }

    /// Somebody was turned away since the last admission.
    pub fn want(&mut self) {
        self.learned.iter_mut().for_each(|learned| learned.want());
    }

    /// Whether an attempt without tokens would be admitted after the latest admission, and as long as nothing but time and
    /// settlements that return something come in between; false: perhaps not.
    #[inline]
    pub fn stays_open(&self) -> bool {
        self.declared.stays_open()
    }

    /// Whether every admission finds out what is left after it.
    pub fn weigh_headroom(&mut self, weighs: bool) {
        self.declared.weigh_headroom(weighs);
    }

    /// [`Belief::end`] where nothing is limited.
    #[inline]
    pub fn leave(&mut self) {
        self.declared.leave_place();
    }

    /// As [`Ledger::settle`].
    #[inline]
    pub fn end(&mut self, now: Nanos, reservation: &Reservation, actual: Option<Cost>) {
        self.declared.end(now, reservation, actual);
        if self.learned.is_some() {
            self.end_learned(now, reservation, actual);
        }
    }

    #[inline(never)]
    fn end_learned(&mut self, now: Nanos, reservation: &Reservation, actual: Option<Cost>) {
        if let Some(learned) = &mut self.learned {
            learned.end(now, attempt(&self.declared, reservation), actual);
        }
    }

    /// As [`Ledger::cancel`]: the attempt used nothing.
    pub fn undo(&mut self, now: Nanos, reservation: &Reservation) {
        self.declared.undo(now, reservation);
        if let Some(learned) = &mut self.learned {
            learned.undo(now, attempt(&self.declared, reservation));
        }
    }

    /// The attempt of `reservation` was never sent.
    pub fn forget(&mut self, now: Nanos, reservation: &Reservation) {
        self.declared.undo(now, reservation);
        if let Some(learned) = &mut self.learned {
            learned.forget(now, attempt(&self.declared, reservation));
        }
    }

    /// The attempt of `reservation`, still to be settled, was refused for the rate, with the pause that the refusal asked
    /// for if it did. Where headers tell the limits, single refusals need no further lesson.
    pub fn refused(&mut self, now: Nanos, reservation: &Reservation, hint: Option<Nanos>) {
        let (number, in_flight) = (self.declared.number(reservation), self.declared.in_flight());
        let refused =
            Refused { number, sent: reservation.at, hint, cost: reservation.cost(), in_flight, kept: self.declared.count_refused() };
        self.learned(now).refused(now, refused);
    }

    /// An attempt that was sent at `sent` was refused because the rate grew too fast.
    pub fn grew_too_fast(&mut self, now: Nanos, sent: Nanos) {
        self.learned(now).growth.refused(now, sent);
    }

    /// The attempt of `reservation` was refused, and the provider counts refusals.
    pub fn keep(&mut self, now: Nanos, reservation: &Reservation) {
        self.declared.doubt(now, reservation);
        self.declared.end(now, reservation, None);
        if let Some(learned) = &mut self.learned {
            learned.leave(self.declared.number(reservation));
        }
    }

    /// As [`Ledger::doubt`].
    pub fn doubt(&mut self, now: Nanos, reservation: &Reservation) {
        self.declared.doubt(now, reservation);
    }

    /// The headers of the answer to the attempt of `reservation`. Call it before that is settled. Where a limit is declared they
    /// lower what is left of it; those that contradict it, or come after a refusal that it does not explain, also tell a limit
    /// of their own, as where nothing is declared.
    pub fn hear(&mut self, now: Nanos, reservation: &Reservation, headers: &RateLimitHeaders) {
        let (headers, fresh) = (headers.sane(), self.learned.is_none());
        self.learned(now).ignored += u64::from(headers.ignored);
        let limits = [
            (Dimension::Requests, headers.requests),
            (Dimension::Tokens, headers.tokens),
            (Dimension::InputTokens, headers.input_tokens),
            (Dimension::OutputTokens, headers.output_tokens),
        ];
        for (dimension, told) in limits {
            if told.remaining.is_some() || told.limit.is_some() {
                self.hear_one(now, reservation, dimension, &told, fresh);
            }
        }
    }

    fn hear_one(&mut self, now: Nanos, reservation: &Reservation, dimension: Dimension, told: &Told, fresh: bool) {
        if told.remaining.zip(told.limit).is_some_and(|(remaining, limit)| remaining > limit) {
            self.learned(now).ignored += 1;
            return;
        }
        let declared = self.declared.has(dimension);
        if let (Some(remaining), true) = (told.remaining, declared) {
            self.declared.correct(now, reservation, dimension, remaining, told.limit);
            let contradicts = told.limit.is_some_and(|limit| !self.declared.holds(dimension, limit));
            let learned = self.learned(now);
            if !contradicts && !learned.doubted {
                // The declaration is right again: what was told against it holds no longer.
                learned.told.retain(|limit| limit.dimension != dimension || told.limit.is_none());
                if learned.told.iter().all(|limit| limit.dimension != dimension) {
                    return;
                }
            }
        }
        let mut since = self.declared.charged_since(reservation, dimension).max(0.0);
        let in_flight = self.declared.in_flight();
        let attempt = attempt(&self.declared, reservation);
        let learned = self.learned(now);
        if reservation.at < learned.born && !fresh {
            return;
        }
        if fresh && !declared {
            // Nobody counted those that are in flight; they may all have been admitted later.
            since = f64::from(in_flight.saturating_sub(1)) * reservation.cost().of(dimension) as f64;
        }
        match learned.told.iter_mut().find(|limit| limit.dimension == dimension) {
            Some(limit) => limit.hear(now, attempt, told, since),
            None => learned.told.extend(ToldLimit::new(dimension, now, attempt, told, since)),
        }
    }

    /// As [`Ledger::note_foreign_use`]: of the declared limits. Headers tell of the others themselves.
    pub fn note_foreign_use(&mut self, now: Nanos, requests: u64, tokens: Cost) {
        self.declared.note_foreign_use(now, requests, tokens);
    }

    /// As [`Ledger::would_refuse`]; a pace counts as a limit on requests.
    pub fn would_refuse(&mut self, now: Nanos, cost: Cost) -> Option<Refusal> {
        let declared = self.declared.would_refuse(now, cost);
        let Some(learned) = &mut self.learned else { return declared };
        let idle = self.declared.in_flight() == 0;
        let told = learned.told.iter_mut().map(|limit| Refusal { dimension: limit.dimension, free_at: limit.admits_at(now, cost, idle) });
        let told = told.filter(|refusal| refusal.free_at > FreeAt::Now).max_by_key(|refusal| refusal.free_at);
        let paced = learned.would_refuse(now, cost, self.declared.in_flight());
        let grown = Refusal { dimension: Dimension::Ramp, free_at: learned.growth.free_at(now) };
        let grown = Some(grown).filter(|refusal| refusal.free_at > FreeAt::Now);
        [declared, told, paced, grown].into_iter().flatten().max_by_key(|refusal| refusal.free_at)
    }

    /// [`Belief::would_refuse`] that leaves everything as it is, but for declared limits, which are the same however often they are asked.
    pub fn peek(&mut self, now: Nanos, cost: Cost) -> Option<Refusal> {
        if self.learned.is_none() { self.would_refuse(now, cost) } else { self.clone().would_refuse(now, cost) }
    }

    /// As [`Ledger::free_at`].
    pub fn free_at(&mut self, now: Nanos, cost: Cost) -> FreeAt {
        if self.learned.is_none() {
            return self.declared.free_at(now, cost);
        }
        self.would_refuse(now, cost).map_or(FreeAt::Now, |refusal| refusal.free_at)
    }

    /// As [`Ledger::outlook`].
    #[inline]
    pub fn outlook(&mut self, now: Nanos, cost: Cost) -> (f64, bool) {
        if self.learned.is_none() {
            return self.declared.outlook(now, cost);
        }
        (self.headroom(now), self.would_refuse(now, cost).is_none())
    }

    /// Whether an attempt without tokens would be admitted.
    pub fn is_open(&mut self, now: Nanos) -> bool {
        if self.learned.is_none() {
            return self.declared.is_open(now);
        }
        self.would_refuse(now, Cost::default()).is_none()
    }

    /// As [`Ledger::headroom`].
    pub fn headroom(&mut self, now: Nanos) -> f64 {
        let declared = self.declared.headroom(now);
        let Some(learned) = &mut self.learned else { return declared };
        let told = learned.told.iter_mut().map(|limit| limit.left_fraction(now)).fold(1.0, f64::min);
        declared.min(told).min(learned.left_fraction(now, self.declared.in_flight())).max(0.0)
    }

    /// [`Belief::headroom`] but for the rounding, for comparisons.
    #[inline]
    pub fn headroom_about(&mut self, now: Nanos) -> f64 {
        if self.learned.is_none() { self.declared.headroom_about(now) } else { self.headroom(now) }
    }

    /// Whether every reservation succeeds.
    #[inline]
    pub fn is_unlimited(&self) -> bool {
        self.unlimited
    }

    /// What refusals have taught of a rate that nobody told.
    pub fn paced(&self, now: Nanos) -> Paced {
        self.learned.as_ref().map_or(Paced::Unknown, |learned| learned.paced(now))
    }

    /// Malformed headers so far.
    pub fn ignored_headers(&self) -> u64 {
        self.learned.as_ref().map_or(0, |learned| learned.ignored)
    }

    /// Reservations not yet settled.
    pub fn in_flight(&self) -> u32 {
        self.declared.in_flight()
    }

    /// See [`Ledger::count_refused`].
    pub fn count_refused(&self) -> bool {
        self.declared.count_refused()
    }

    /// The declared limits without that on places in flight; `None` if there are learned ones beside them.
    pub fn into_declared_rates(mut self) -> Option<Ledger> {
        self.declared.max_concurrency = u32::MAX;
        self.learned.is_none().then_some(self.declared)
    }

    fn learned(&mut self, now: Nanos) -> &mut Learned {
        self.unlimited = false;
        self.declared.is_not_alone();
        if self.learned.is_none() {
            self.declared.count_from_here();
        }
        self.learned.get_or_insert_with(|| Box::new(Learned::new(now)))
    }
}

/// The attempt of `reservation`, as what was learned knows it.
fn attempt(declared: &Ledger, reservation: &Reservation) -> Attempt {
    Attempt { number: declared.number(reservation), sent: reservation.at, cost: reservation.cost() }
}

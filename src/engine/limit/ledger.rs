//! All limits of one provider, moved together.

use super::fixed::FixedWindow;
use super::limiter::Limit;
use super::rate::{self, LimitError};
use super::reservation::Sums;
use super::spec::{Algorithm, Charge, Limits};
use super::{Cost, Dimension, FreeAt, Refusal, Reservation, Usage};
use crate::time::Nanos;

/// All limits of one provider or quota group: all-or-nothing, reserve then settle.
///
/// `now` must not go backwards from call to call; an earlier one is taken for the latest seen.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// At most one per dimension, in the order of [`Dimension`], concurrency excluded.
    pub(super) limits: Vec<Limit>,
    /// `u32::MAX` stands for unlimited: so many attempts at a time cannot be.
    pub(super) max_concurrency: u32,
    pub(super) in_flight: u32,
    pub(super) latest: Nanos,
    /// Number of the next admission.
    pub(super) next: u64,
    pub(super) charged: Sums,
    /// The window in which `charged` is compared, where all limits are fixed windows; itself without effect.
    window: Option<FixedWindow>,
    charge: Charge,
    count_refused: bool,
    /// See [`Ledger::stays_open`].
    pub(super) open: bool,
    /// No limit is closed by time alone.
    pub(super) is_steady: bool,
    pub(super) weighs_headroom: bool,
    /// Settlements count as of the admission.
    pub(super) looks_back: bool,
}

impl Ledger {
    /// A ledger in which nothing has been used.
    ///
    /// # Errors
    /// [`LimitError`] for the first value that cannot be enforced: not positive, not finite, or absurd.
    pub fn new(limits: &Limits) -> Result<Ledger, LimitError> {
        let mut ledger = Ledger {
            limits: Vec::new(),
            max_concurrency: u32::MAX,
            in_flight: 0,
            latest: Nanos::ZERO,
            next: 0,
            charged: Sums::default(),
            window: None,
            charge: Charge::default(),
            count_refused: false,
            open: false,
            is_steady: true,
            weighs_headroom: false,
            looks_back: false,
        };
        ledger.replace(Nanos::ZERO, limits)?;
        Ok(ledger)
    }

    /// Puts other limits in force. What is in flight stays so. What has been used of a limit stays used if the new limits have
    /// one of the same dimension and algorithm (for fixed windows: and period); any other new limit starts unused.
    ///
    /// # Errors
    /// As [`Ledger::new`]; the ledger is then unchanged.
    pub fn replace(&mut self, now: Nanos, limits: &Limits) -> Result<(), LimitError> {
        let (rates, ramp) = (rate::rates(limits)?, rate::ramp(limits)?);
        let now = self.advance(now);
        let shortest = rates.iter().map(|(_, rate)| *rate).min_by_key(|rate| rate.slice);
        self.window = shortest.filter(|_| limits.algorithm == Algorithm::FixedWindow).map(FixedWindow::new);
        // Attempts admitted while there was no limit share one number. None of them was charged to a limit born now.
        self.next += u64::from(self.limits.is_empty());
        let mut old = std::mem::take(&mut self.limits);
        let fresh = rates.into_iter().map(|(dimension, rate)| Limit::new(dimension, rate, limits.algorithm, self.next));
        for mut limit in fresh.chain(ramp.map(|step| Limit::ramp(step, self.next))) {
            if let Some(position) = old.iter().position(|old| old.dimension == limit.dimension) {
                limit.carry(now, old.swap_remove(position));
            }
            self.limits.push(limit);
        }
        self.is_steady = !self.limits.iter().any(Limit::may_close);
        self.max_concurrency = limits.max_concurrency.unwrap_or(u32::MAX);
        self.charge = limits.charge;
        self.count_refused = limits.count_refused;
        self.looks_back = false;
        self.open = self.is_unlimited();
        Ok(())
    }

    /// Makes room for what its limits will remember: then admissions and settlements allocate nothing, as long as a sliding
    /// window holds at most 65,536 of them.
    pub(super) fn make_room(&mut self) {
        self.limits.iter_mut().for_each(Limit::make_room);
    }

    /// For who estimates what its provider charges in truth: from now on what a settlement gives back counts as never taken. A
    /// bucket that would have been full in between then holds no more than the provider's.
    pub(super) fn look_back(&mut self) {
        self.looks_back = self.charge == Charge::Actual;
        if self.looks_back {
            self.limits.iter_mut().for_each(|limit| limit.look_back(self.latest, self.next));
        }
    }

    /// Takes one request, the tokens of `cost` and one place in flight from every limit; on refusal, nothing from any.
    ///
    /// # Errors
    /// [`Refusal`] names the limit that frees last, and when. To find that out costs more than an admission.
    #[inline]
    pub fn try_reserve(&mut self, now: Nanos, cost: Cost) -> Result<Reservation, Refusal> {
        self.reserve(now, cost).ok_or_else(|| self.refusal(self.latest, cost))
    }

    /// As [`Ledger::try_reserve`], without the reason: [`Ledger::would_refuse`] tells it.
    #[inline]
    pub fn reserve(&mut self, now: Nanos, cost: Cost) -> Option<Reservation> {
        Some(self.admit(now, cost)?.of(cost))
    }

    /// From now on admissions have numbers of their own, although nothing may be limited.
    pub(super) fn count_from_here(&mut self) {
        self.next += u64::from(self.limits.is_empty());
    }

    /// One less in flight.
    #[inline]
    pub(super) fn leave_place(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
    }

    /// Whether there is a limit on this dimension.
    pub(super) fn has(&self, dimension: Dimension) -> bool {
        self.limits.iter().any(|limit| limit.dimension == dimension)
    }

    /// Whether a limit on this dimension holds so much when nothing is used.
    pub(super) fn holds(&self, dimension: Dimension, amount: f64) -> bool {
        self.limits.iter().any(|limit| limit.dimension == dimension && (limit.capacity() - amount).abs() < 1.0)
    }

    /// The whole number of an admission, of which the reservation keeps the low half: it is one of the last 2^32.
    pub(super) fn number(&self, reservation: &Reservation) -> u64 {
        self.next - u64::from((self.next as u32).wrapping_sub(reservation.number))
    }

    /// Charges a refused attempt, for providers that count those too (`count_refused`): one request and the tokens of
    /// `cost`, to each limit, but no place in flight.
    ///
    /// A window counts them in full, beyond what it holds: whoever hammers a sliding window stays refused until one period
    /// with fewer attempts than it holds. A bucket has no past and loses what it has, also the fraction that had flowed
    /// in: whoever hammers an empty one keeps it empty.
    ///
    /// Of a sliding window no more is remembered than it holds, so limits that are raised later start from there.
    pub fn refuse_counts(&mut self, now: Nanos, cost: Cost) {
        let (now, cost) = (self.advance(now), cost.clamped());
        for limit in &mut self.limits {
            limit.count(now, cost.of(limit.dimension));
        }
    }

    /// Lets others use one request and the tokens of `cost`, of each limit as far as it fits.
    pub fn drain(&mut self, now: Nanos, cost: Cost) {
        let now = self.advance(now);
        for limit in &mut self.limits {
            limit.drain(now, cost.of(limit.dimension));
        }
    }

    /// Ends an attempt: its place in flight is free, and its tokens become what they were.
    ///
    /// `None` keeps the estimate charged. With `Some(actual)` the difference belongs to the window it came from, in both
    /// directions: a fixed window that is over, or an entry that is a period old, is left alone. A bucket has no past: what is
    /// given back is capped at its depth, and an excess is owed (the level goes below zero and nothing is admitted until
    /// it has been repaid). The request itself is not given back; see [`Ledger::cancel`].
    #[inline]
    pub fn settle(&mut self, now: Nanos, reservation: Reservation, actual: Option<Cost>) {
        self.end(now, &reservation, actual);
    }

    /// [`Ledger::settle`] for an owner that ends here, and would be copied on its way.
    #[inline]
    pub(in super::super) fn end(&mut self, now: Nanos, reservation: &Reservation, actual: Option<Cost>) {
        self.leave_place();
        if let Some(actual) = actual
            && !self.limits.is_empty()
        {
            self.correct_usage(now, reservation, actual);
        }
    }

    #[inline(never)]
    fn correct_usage(&mut self, now: Nanos, reservation: &Reservation, actual: Cost) {
        let number = self.number(reservation);
        let now = self.advance(now);
        if self.still_compared(now, reservation) {
            self.charged.sub(0, reservation.cost());
            self.charged.add(0, actual);
        }
        for limit in self.limits.iter_mut().filter(|limit| limit.is_settled()) {
            limit.settle(now, reservation.at, number, limit.amount(reservation.cost()), limit.amount(actual));
        }
    }

    /// The attempt of `reservation`, still to be settled, was perhaps never let in: it allows no growth.
    pub(super) fn doubt(&mut self, now: Nanos, reservation: &Reservation) {
        let now = self.advance(now);
        self.limits.iter_mut().for_each(|limit| limit.doubt(now, reservation.at));
    }

    /// Undoes a reservation whose attempt used nothing (it was never sent, or refused by a provider that does not count
    /// refusals): the request itself is given back too, by the rules of [`Ledger::settle`].
    pub fn cancel(&mut self, now: Nanos, reservation: Reservation) {
        self.undo(now, &reservation);
    }

    /// [`Ledger::cancel`] for an owner that ends here.
    pub(in super::super) fn undo(&mut self, now: Nanos, reservation: &Reservation) {
        let now = self.advance(now);
        let number = self.number(reservation);
        self.in_flight = self.in_flight.saturating_sub(1);
        if self.still_compared(now, reservation) {
            self.charged.sub(1, reservation.cost());
        }
        for limit in &mut self.limits {
            limit.settle(now, reservation.at, number, reservation.cost().of(limit.dimension), 0);
        }
    }

    /// Earliest instant at which `cost` would be admitted, if nothing else happened.
    pub fn free_at(&mut self, now: Nanos, cost: Cost) -> FreeAt {
        let now = self.advance(now);
        self.last_to_free(now, cost).map_or(FreeAt::Now, |refusal| refusal.free_at)
    }

    /// Why `cost` would not be admitted now; `None` if it would.
    pub fn would_refuse(&mut self, now: Nanos, cost: Cost) -> Option<Refusal> {
        let now = self.advance(now);
        self.last_to_free(now, cost)
    }

    /// The state of every limit, in the order of [`Dimension`].
    pub fn usage(&mut self, now: Nanos) -> impl Iterator<Item = Usage> + '_ {
        let now = self.advance(now);
        let concurrency = (self.max_concurrency != u32::MAX).then(|| Usage {
            dimension: Dimension::Concurrency,
            capacity: f64::from(self.max_concurrency),
            used: f64::from(self.in_flight),
            reset_at: if self.in_flight == 0 { now } else { Nanos::MAX },
        });
        self.limits.iter_mut().map(move |limit| limit.usage(now)).chain(concurrency)
    }

    /// The most tokens that are ever admitted at once: input and output together, and output.
    pub(in super::super) fn most_tokens(&self) -> (u64, u64) {
        let most = |dimensions: &[Dimension]| {
            let counted = self.limits.iter().filter(|limit| dimensions.contains(&limit.dimension));
            counted.map(|limit| limit.capacity() as u64).min().unwrap_or(u64::MAX)
        };
        (most(&[Dimension::Tokens, Dimension::TokensPerDay]), most(&[Dimension::OutputTokens]))
    }

    /// Whether nothing is limited: every reservation succeeds.
    pub fn is_unlimited(&self) -> bool {
        self.limits.is_empty() && self.max_concurrency == u32::MAX
    }

    /// Reservations not yet settled.
    pub fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// What the caller is to pass as cost on admission.
    pub fn charge(&self) -> Charge {
        self.charge
    }

    /// Whether the caller is to report refused attempts by [`Ledger::refuse_counts`].
    pub fn count_refused(&self) -> bool {
        self.count_refused
    }

    /// The later of `now` and the latest instant seen.
    #[inline]
    pub(super) fn advance(&mut self, now: Nanos) -> Nanos {
        self.latest = self.latest.max(now);
        self.latest
    }

    /// Whether a settlement of `reservation` changes what is left now; not if its fixed window is over.
    #[inline]
    fn still_compared(&mut self, now: Nanos, reservation: &Reservation) -> bool {
        self.window.as_mut().is_none_or(|window| window.covers(now, reservation.at))
    }

    #[cold]
    fn refusal(&mut self, now: Nanos, cost: Cost) -> Refusal {
        self.last_to_free(now, cost).expect("only called when a limit does not admit the cost")
    }

    fn last_to_free(&mut self, now: Nanos, cost: Cost) -> Option<Refusal> {
        let mut last: Option<Refusal> = None;
        let mut consider = |dimension, free_at| {
            if free_at > last.map_or(FreeAt::Now, |last| last.free_at) {
                last = Some(Refusal { dimension, free_at });
            }
        };
        for limit in &mut self.limits {
            consider(limit.dimension, limit.free_at(now, cost.of(limit.dimension)));
        }
        if self.in_flight >= self.max_concurrency {
            consider(Dimension::Concurrency, FreeAt::OnSettle);
        }
        last
    }
}

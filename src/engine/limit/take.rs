//! An admission: what it takes from all limits at once.

use super::outlook::lower;
use super::reservation::Admission;
use super::{Cost, Dimension, Ledger};
use crate::time::Nanos;

impl Ledger {
    /// As [`Ledger::reserve`], without the cost.
    #[inline(always)]
    pub(super) fn admit(&mut self, now: Nanos, cost: Cost) -> Option<Admission> {
        // Without limits there is nothing to keep but the count: most providers of most scenarios.
        if self.limits.is_empty() && self.in_flight < self.max_concurrency {
            Some(self.take_place(now))
        } else {
            self.take(now, cost.clamped())
        }
    }

    /// As [`Ledger::admit`], counted even where nothing is limited: headers are compared with what was charged.
    pub(super) fn admit_counted(&mut self, now: Nanos, cost: Cost) -> Option<Admission> {
        let counted = !self.limits.is_empty();
        let mut admission = self.admit(now, cost)?;
        if !counted {
            admission.charged = self.charged.add(1, cost.clamped());
            self.next += 1;
        }
        Some(admission)
    }

    /// One more in flight, where nothing else is limited.
    #[inline]
    pub(super) fn take_place(&mut self, now: Nanos) -> Admission {
        self.in_flight += 1;
        Admission { at: now, number: self.next as u32, charged: self.charged.now(), left: 1.0 }
    }

    /// Takes `cost` from every limit, or nothing from any.
    #[inline(always)]
    fn take(&mut self, now: Nanos, cost: Cost) -> Option<Admission> {
        let now = self.advance(now);
        if self.in_flight >= self.max_concurrency {
            return None;
        }
        let (open, left) = if self.weighs_headroom { self.take_weighing(now, cost) } else { (self.take_all(now, cost), 1.0) };
        let open = open?;
        self.in_flight += 1;
        if self.looks_back {
            self.note_admission(cost);
        }
        self.open = open & self.is_steady & (self.in_flight < self.max_concurrency);
        let admission = Admission { at: now, number: self.next as u32, charged: self.charged.add(1, cost), left };
        self.next += 1;
        Some(admission)
    }

    /// Whether another one without tokens would fit; `None`, and nothing taken, if not even this one does.
    #[inline(always)]
    fn take_all(&mut self, now: Nanos, cost: Cost) -> Option<bool> {
        let mut open = true;
        for limit in &mut self.limits {
            let (fits, more) = limit.admit(now, cost);
            if !fits {
                let refusing = limit.dimension;
                self.take_back(refusing, cost);
                return None;
            }
            open &= more;
        }
        Some(open)
    }

    /// As [`Ledger::take_all`], with what is left of the tightest limit.
    #[inline(never)]
    fn take_weighing(&mut self, now: Nanos, cost: Cost) -> (Option<bool>, f32) {
        let (mut open, mut least) = (true, 1.0);
        for limit in &mut self.limits {
            let (fits, more, left) = limit.admit_weighing(now, cost);
            if !fits {
                let refusing = limit.dimension;
                self.take_back(refusing, cost);
                return (None, 0.0);
            }
            (open, least) = (open & more, lower(least, left));
        }
        (Some(open), lower(least, self.free_places_but(1)).max(0.0) as f32)
    }

    /// The admission that is about to get the next number took this cost.
    #[inline(never)]
    fn note_admission(&mut self, cost: Cost) {
        self.limits.iter_mut().for_each(|limit| limit.admitted(self.latest, self.next, cost));
    }

    /// The limits before that on `refusing` have taken this cost.
    #[cold]
    fn take_back(&mut self, refusing: Dimension, cost: Cost) {
        self.limits.iter_mut().take_while(|limit| limit.dimension != refusing).for_each(|limit| limit.take_back(cost));
    }

    /// Whether an attempt without tokens would be admitted after the latest admission, and as long as nothing but time and
    /// settlements that return something come in between; false: perhaps not.
    #[inline]
    pub(super) fn stays_open(&self) -> bool {
        self.open
    }

    /// Other limits than these may refuse, too.
    pub(super) fn is_not_alone(&mut self) {
        self.open = false;
    }
}

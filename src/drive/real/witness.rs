//! What the mock providers see of the attempts, told to whoever keeps the figures.

use super::mark::RunMark;
use super::sides::UNKNOWN;
use super::sight::{Left, Sight};
use crate::drive::attempt::Phase;
use crate::drive::balancer::Balancer;
use crate::drive::kind;
use crate::drive::queue::Class;
use crate::drive::simulate::Simulation;
use crate::metrics::observe::{Answer, AttemptEnd, AttemptKind, Observer, RequestInfo};
use crate::time::Nanos;

impl<O: Observer, B: Balancer> Simulation<'_, '_, O, B> {
    /// Takes in what was seen at `at`.
    pub(super) fn seen(&mut self, at: Nanos, sight: Sight) {
        if let Sight::Occupancy { provider, in_flight, busy } = sight {
            self.observer.occupancy(self.now, provider, in_flight, busy);
        } else if let Some(mark) = self.wire.as_ref().filter(|wire| wire.via).map(|wire| wire.mark) {
            self.seen_behind(at, mark, sight);
        } else {
            self.seen_directly(sight);
        }
    }

    /// Attempts are the driver's own, and go by the tags of its table.
    fn seen_directly(&mut self, sight: Sight) {
        match sight {
            Sight::Avoidable { tag } => {
                let slot = self.slot_of(tag).and_then(|slot| self.attempts.get(slot)).map(|attempt| attempt.request);
                if let Some(live) = slot.and_then(|request| self.requests.get(request)) {
                    self.observer.refused_avoidably(&live.info);
                }
            }
            Sight::Started { tag, start, total, .. } => {
                let Some(slot) = self.slot_of(tag) else { return };
                let Some(attempt) = self.attempts.get(slot) else { return };
                let Some(live) = self.requests.get(attempt.request) else { return };
                self.observer.started(start.max(attempt.sent), &live.info, attempt.provider, attempt.sent);
                if let Some(fraction) = live.sim.cancel_at {
                    self.at_attempt(start + Nanos::from_f64(total.as_f64() * fraction), Class::Timer, kind::CANCEL, slot);
                }
            }
            Sight::Left { tag, arrived, planned, end: Left::Succeeded | Left::Error { .. }, .. } => {
                let Some(attempt) = self.slot_of(tag).and_then(|slot| self.attempts.get_mut(slot)) else { return };
                if let Phase::Remote { served, .. } = &mut attempt.phase {
                    *served = Some(planned.since(arrived));
                }
            }
            Sight::Arrived { .. } | Sight::Left { .. } | Sight::Occupancy { .. } => {}
        }
    }

    /// Attempts are a gateway's, and go by the numbers of their requests, and by the time at the providers: when it came is the
    /// same when it leaves.
    fn seen_behind(&mut self, now: Nanos, mark: RunMark, sight: Sight) {
        let of = |tag: u64| RequestInfo {
            id: mark.request(tag).unwrap_or(UNKNOWN),
            intended: now,
            class: 0,
            measured: true,
            input: 0,
            output: 0,
        };
        match sight {
            Sight::Arrived { tag, provider } => self.observer.sent(now, &of(tag), provider, AttemptKind::First),
            Sight::Started { tag, provider, arrived, start, total } => {
                self.observer.started(start.max(arrived), &of(tag), provider, arrived);
                self.client_goes(of(tag).id, start, total);
            }
            Sight::Avoidable { tag } => self.observer.refused_avoidably(&of(tag)),
            Sight::Left { tag, provider, arrived, planned, end } => {
                if end == Left::Succeeded {
                    self.observer.overhead(&of(tag), planned.since(arrived));
                }
                let end = match end {
                    Left::Succeeded => AttemptEnd::Succeeded,
                    Left::Error { status: 429 } => AttemptEnd::RateLimited,
                    Left::Error { status } => AttemptEnd::Failed { status },
                    Left::Refused => AttemptEnd::Failed { status: 0 },
                    Left::Gone => AttemptEnd::Abandoned,
                };
                self.observer.attempt_ended(now, &of(tag), provider, arrived, end);
            }
            Sight::Occupancy { .. } => {}
        }
    }

    /// A client that will not wait for the whole of an answer goes away in the middle of it, whichever attempt that is.
    fn client_goes(&mut self, request: u64, start: Nanos, total: Nanos) {
        if self.plan.load.classes.iter().all(|class| class.cancel == 0.0) {
            return;
        }
        // Attempts are not kept by request: as many are looked at as are under way.
        let leaves = |slot| {
            let live = self.requests.get(self.attempts.get(slot)?.request)?;
            (live.info.id == request).then_some((slot, live.sim.cancel_at))
        };
        let found = self.attempts.slots().find_map(leaves);
        if let Some((slot, Some(fraction))) = found {
            self.at_attempt(start + Nanos::from_f64(total.as_f64() * fraction), Class::Timer, kind::CANCEL, slot);
        }
    }

    /// What came back for an attempt over HTTP.
    pub fn note_answer(&mut self, slot: u32, answer: Answer) {
        let request = self.attempts.get(slot).map(|attempt| attempt.request);
        if let (Some(live), true) = (request.and_then(|request| self.requests.get(request)), self.wire.is_some()) {
            self.observer.answered(&live.info, answer);
        }
    }

    /// A whole answer is there: by how much it took longer than it was meant to.
    pub(super) fn note_overhead(&mut self, slot: u32, took: Nanos, served: Option<Nanos>) {
        let request = self.attempts.get(slot).map(|attempt| attempt.request);
        if let (Some(live), Some(served)) = (request.and_then(|request| self.requests.get(request)), served) {
            self.observer.overhead(&live.info, took.since(served));
        }
    }
}

//! The event queue of the virtual clock: ordered by (time, class, sequence).
//!
//! At one instant departures come first, then edges of events and refills, then timers, then arrivals, and within a class
//! the order of scheduling holds: a slot that is freed at t serves an arrival at t, and no tie is left to chance.
//!
//! An event names its target by slot and generation. When the target has moved on, the entry is stale: the driver skips
//! it, and the queue forgets stale entries before they outnumber the live ones, so that its size follows the requests
//! in flight and not the requests per time-out.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::time::Nanos;

/// Order of events at one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Class {
    /// Ends of service and answers.
    Departure = 0,
    /// Edges of scenario events.
    Edge = 1,
    /// Time-outs, retries, wake-ups.
    Timer = 2,
    /// Arrivals.
    Arrival = 3,
}

/// What happens, and to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// What, as the driver numbers it.
    pub kind: u8,
    /// Whose slot.
    pub slot: u32,
    /// Its generation when the event was scheduled.
    pub generation: u32,
}

/// Pending events.
#[derive(Debug, Default)]
pub struct EventQueue {
    heap: BinaryHeap<Reverse<Entry>>,
    sequence: u64,
    stale: usize,
}

/// 24 bytes. The order is lexicographic; `order` is unique, so the target never decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    time: Nanos,
    /// Class in the upper two bits, then the sequence number.
    order: u64,
    slot: u32,
    /// Kind in the upper eight bits.
    generation: u32,
}

/// Bits of [`Target::generation`] that are kept. A slot would have to be reused 16 million times within the life of
/// one entry for a stale one to look live.
pub const GENERATION_BITS: u32 = 24;

impl EventQueue {
    /// Schedules an event. [`Nanos::MAX`] is never.
    #[inline]
    pub fn push(&mut self, time: Nanos, class: Class, target: Target) {
        if time == Nanos::MAX {
            return;
        }
        let order = (class as u64) << 62 | self.sequence;
        self.sequence += 1;
        let generation = u32::from(target.kind) << GENERATION_BITS | target.generation & ((1 << GENERATION_BITS) - 1);
        self.heap.push(Reverse(Entry { time, order, slot: target.slot, generation }));
    }

    /// When the next event happens, and its class.
    #[inline]
    pub fn peek(&self) -> Option<(Nanos, Class)> {
        self.heap.peek().map(|Reverse(entry)| (entry.time, entry.class()))
    }

    /// Takes the next event.
    #[inline]
    pub fn pop(&mut self) -> Option<(Nanos, Target)> {
        self.heap.pop().map(|Reverse(entry)| (entry.time, entry.target()))
    }

    /// Notes that one pending entry has become stale.
    pub fn note_stale(&mut self) {
        self.stale += 1;
    }

    /// Notes that a popped entry was stale.
    pub fn drop_stale(&mut self) {
        self.stale = self.stale.saturating_sub(1);
    }

    /// Forgets stale entries once they outnumber the live ones: amortised, a constant cost per entry.
    pub fn compact(&mut self, is_live: impl Fn(&Target) -> bool) {
        if self.stale > 1_024 && self.stale * 2 > self.heap.len() {
            self.heap.retain(|Reverse(entry)| is_live(&entry.target()));
            self.stale = 0;
        }
    }
}

impl Entry {
    fn class(&self) -> Class {
        match self.order >> 62 {
            0 => Class::Departure,
            1 => Class::Edge,
            2 => Class::Timer,
            _ => Class::Arrival,
        }
    }

    fn target(&self) -> Target {
        Target {
            kind: (self.generation >> GENERATION_BITS) as u8,
            slot: self.slot,
            generation: self.generation & ((1 << GENERATION_BITS) - 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_by_time_then_class_then_order_of_scheduling() {
        // Every pair of a few times and classes, scheduled in reverse, against a stable sort.
        let mut queue = EventQueue::default();
        let mut expected = Vec::new();
        for time in [3, 1, 2, 1, 3] {
            for class in [Class::Arrival, Class::Timer, Class::Edge, Class::Departure] {
                let slot = expected.len() as u32;
                queue.push(Nanos::new(time), class, Target { kind: 200, slot, generation: 7 });
                expected.push((time, class, slot));
            }
        }
        expected.sort_by_key(|(time, class, _)| (*time, *class));
        for (time, class, slot) in expected {
            assert_eq!(queue.peek(), Some((Nanos::new(time), class)));
            assert_eq!(queue.pop(), Some((Nanos::new(time), Target { kind: 200, slot, generation: 7 })));
        }
        assert_eq!(queue.pop(), None);
    }

    #[test]
    fn stale_entries_do_not_pile_up() {
        let mut queue = EventQueue::default();
        for slot in 0..100_000 {
            queue.push(Nanos::from_secs(60), Class::Timer, Target { kind: 0, slot, generation: 0 });
            if slot >= 10 {
                queue.note_stale();
            }
            queue.compact(|target| target.slot + 10 > slot);
        }
        assert!(queue.heap.len() < 4_096, "{} entries for ten live ones", queue.heap.len());
    }

    #[test]
    fn never_is_not_scheduled() {
        let mut queue = EventQueue::default();
        queue.push(Nanos::MAX, Class::Timer, Target { kind: 0, slot: 0, generation: 0 });
        assert_eq!(queue.peek(), None);
    }
}

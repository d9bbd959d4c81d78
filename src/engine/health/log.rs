//! Changes of health, for whoever watches: a bounded log that costs a pick nothing while nothing happens.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::engine::request::ProviderId;
use crate::time::Nanos;

/// Events kept while nobody reads them; the oldest are dropped.
const KEPT: usize = 1_024;

/// A provider was taken out or came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthEvent {
    /// When.
    pub at: Nanos,
    /// Which one, by its position in the configuration that was in force.
    pub provider: ProviderId,
    /// Its [`ProviderConfig::tag`](crate::engine::ProviderConfig::tag).
    pub tag: u64,
    /// What happened.
    pub change: HealthChange,
}

/// What happened to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HealthChange {
    /// Taken out for failing; the first trial comes at `until` or after.
    Ejected {
        /// End of the time out; [`Nanos::MAX`]: probes have failed, and as many good ones bring it back.
        until: Nanos,
    },
    /// Its trial went well.
    Readmitted,
}

/// The log. Its memory (24 KiB) is taken at the start, because a decision must not allocate.
#[derive(Debug)]
pub(crate) struct HealthLog {
    any: AtomicBool,
    events: Mutex<VecDeque<HealthEvent>>,
}

impl Default for HealthLog {
    fn default() -> HealthLog {
        HealthLog { any: AtomicBool::new(false), events: Mutex::new(VecDeque::with_capacity(KEPT)) }
    }
}

impl HealthLog {
    /// Appends an event.
    #[cold]
    pub fn push(&self, event: HealthEvent) {
        let mut events = self.lock();
        if events.len() == KEPT {
            events.pop_front();
        }
        events.push_back(event);
        self.any.store(true, Relaxed);
    }

    /// Takes the oldest event. One relaxed load when there is none.
    #[inline]
    pub fn pop(&self) -> Option<HealthEvent> {
        if !self.any.load(Relaxed) {
            return None;
        }
        let mut events = self.lock();
        let event = events.pop_front();
        self.any.store(!events.is_empty(), Relaxed);
        event
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<HealthEvent>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

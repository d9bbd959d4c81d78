//! What a recorder needs to know beforehand.

use crate::engine::config::Cost;
use crate::engine::limit::Limits;
use crate::engine::strategy::Strategy;
use crate::time::Nanos;

/// Everything a [`Recorder`](super::Recorder) needs to know about a run.
#[derive(Clone, Debug)]
pub struct RecorderConfig {
    /// The pool, in file order.
    pub providers: Vec<ProviderInfo>,
    /// Kinds of request, at least one, in file order.
    pub classes: Vec<ClassInfo>,
    /// Decides what the target shares are.
    pub strategy: Strategy,
    /// Time and ejections before this are not measured. (Requests say themselves whether they are.)
    pub warmup: Nanos,
    /// When arrivals end, if that is known; otherwise [`Nanos::MAX`], and they end with the last one.
    pub ends: Nanos,
    /// What counts as good.
    pub slo: Objectives,
    /// What is recorded apart, beside the whole run.
    pub slices: Vec<Slice>,
    /// Whether the load is a closed loop: then rates and means over time end with the last arrival, and which one that was
    /// is known only later.
    pub closed: bool,
    /// Whether providers can be ejected; otherwise ejections are `null`.
    pub health: bool,
    /// Cost of reading the timer in nanoseconds, subtracted from each timed decision.
    pub timer_ns: u64,
    /// In real time: an arrival dealt with so much after its time, in scenario time, was late.
    pub late_after: Nanos,
}

/// One provider, as far as statistics care.
#[derive(Clone, Debug, Default)]
pub struct ProviderInfo {
    /// Unique name.
    pub name: String,
    /// Relative weight; `None` where nothing is weighted.
    pub weight: Option<f64>,
    /// Tier; higher ones are for when lower ones cannot.
    pub priority: u32,
    /// Models it serves; empty: all.
    pub models: Vec<String>,
    /// True: gets no attempts from the start, and has no target.
    pub drained: bool,
    /// Attempts served at the same time; `None`: unlimited.
    pub slots: Option<u32>,
    /// The true limits. Of a quota group those of its first member count for all.
    pub limits: Limits,
    /// Providers that name the same group share one quota.
    pub quota_group: Option<String>,
    /// Price per million tokens.
    pub cost: Option<Cost>,
}

/// One kind of request.
#[derive(Clone, Debug)]
pub struct ClassInfo {
    /// Its name; `default` when the scenario has no classes.
    pub name: String,
    /// Only providers that list it (or list none) are eligible; `None`: any.
    pub model: Option<String>,
    /// Share of requests, 0…1.
    pub share: f64,
}

/// Service level objectives; a successful request is good when it meets each one given.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Objectives {
    /// Longest time to first token.
    pub ttft: Option<Nanos>,
    /// Longest latency.
    pub latency: Option<Nanos>,
}

/// A part of a run that an expectation asks about: `Default` is the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// Requests that arrive in [from, until).
    pub window: Option<(Nanos, Nanos)>,
    /// Requests of this class (index).
    pub class: Option<usize>,
}

impl Slice {
    /// Whether a request that was meant to arrive at `intended` belongs to it.
    #[inline]
    pub fn contains(&self, intended: Nanos, class: u16) -> bool {
        self.window.is_none_or(|(from, until)| from <= intended && intended < until) && self.class.is_none_or(|c| c == usize::from(class))
    }

    /// The last instant in it, where that of the run is `last`.
    pub(super) fn last_instant(&self, last: Nanos) -> Nanos {
        self.window.map_or(last, |(_, until)| last.min(until.since(Nanos::new(1))))
    }

    /// Its span within `from`…`until`, in order.
    pub fn span(&self, from: Nanos, until: Nanos) -> (Nanos, Nanos) {
        let (first, last) = self.window.unwrap_or((Nanos::ZERO, Nanos::MAX));
        let first = first.max(from);
        (first, last.min(until).max(first))
    }
}

impl RecorderConfig {
    /// Index of the provider whose limits count for `provider`, and how many share them: itself and 1 outside of a group.
    pub fn quota_of(&self, provider: usize) -> (usize, usize) {
        let Some(group) = &self.providers[provider].quota_group else { return (provider, 1) };
        let mut members = (0..self.providers.len()).filter(|i| self.providers[*i].quota_group.as_ref() == Some(group));
        let first = members.next().unwrap_or(provider);
        (first, 1 + members.count())
    }

    /// The limits that count for `provider`.
    pub fn limits_of(&self, provider: usize) -> &Limits {
        &self.providers[self.quota_of(provider).0].limits
    }
}

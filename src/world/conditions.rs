//! What a provider is like right now: its description, and the events that hold.

use super::dist::Dist;
use super::spec::{Change, ProviderSpec, RetryAfter};
use crate::time::Nanos;

/// The settings that events change.
#[derive(Clone, Debug)]
pub(super) struct Conditions {
    pub(super) error_rate: f64,
    pub(super) error_status: u16,
    pub(super) error_latency: Dist,
    /// On the time to first token (or the whole answer), and on the time per token.
    pub(super) factors: (f64, f64),
    pub(super) hang: bool,
    /// Work that would start waits for this.
    pub(super) stalled_until: Nanos,
    pub(super) refuse_connections: bool,
    /// `None`: refusals say when the limit is free, errors nothing.
    pub(super) retry_after: Option<RetryAfter>,
}

impl Conditions {
    /// Without any event.
    pub(super) fn of(spec: &ProviderSpec) -> Conditions {
        Conditions {
            error_rate: spec.error_rate,
            error_status: spec.error_status,
            error_latency: spec.error_latency.clone(),
            factors: (1.0, 1.0),
            hang: false,
            stalled_until: Nanos::ZERO,
            refuse_connections: false,
            retry_after: None,
        }
    }

    /// With one more event, which ends at `until`.
    pub(super) fn apply(&mut self, change: &Change, until: Nanos) {
        self.error_rate = change.error_rate.unwrap_or(self.error_rate);
        self.error_status = change.error_status.unwrap_or(self.error_status);
        if let Some(latency) = &change.error_latency {
            self.error_latency = latency.clone();
        }
        let (all, ttft, itl) = (change.latency_factor, change.ttft_factor, change.itl_factor);
        let factor = |part: Option<f64>| all.unwrap_or(1.0) * part.unwrap_or(1.0);
        self.factors = (self.factors.0 * factor(ttft), self.factors.1 * factor(itl));
        self.hang = change.hang.unwrap_or(self.hang);
        if change.stall == Some(true) {
            self.stalled_until = until;
        }
        self.refuse_connections = change.refuse_connections.unwrap_or(self.refuse_connections);
        self.retry_after = change.retry_after.or(self.retry_after);
    }
}

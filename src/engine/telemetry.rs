//! Decisions as `tracing` events, for gateways that log through it (feature `tracing`).
//!
//! The engine itself never logs: this stands beside it, and costs nothing where it is not called.

use super::{Decision, Engine, Request, Trace};
use crate::time::Nanos;

/// The target of the events, for filters.
pub const TARGET: &str = "lbsim::decision";

impl Engine {
    /// [`Engine::pick_traced`], and a `DEBUG` event under [`TARGET`] with the fields `request`, `attempt`, `decision` (`send`, `wait`
    /// or `refuse`), `provider` (its position; absent unless sent), `why`, `until_ns` (absent unless known) and
    /// `candidates` (position, why and score of each provider that serves the model).
    ///
    /// While nobody listens at that level it is a plain [`Engine::pick`].
    pub fn pick_logged(&self, now: Nanos, request: &Request, trace: &mut Trace) -> Decision {
        if !tracing::enabled!(target: TARGET, tracing::Level::DEBUG) {
            return self.pick(now, request);
        }
        let decision = self.pick_traced(now, request, trace);
        let attempt = request.tried.attempts() + 1;
        let (word, provider, why, until) = match &decision {
            Decision::Send(lease) => ("send", Some(lease.provider().index() as u64), "ok", None),
            Decision::Wait { until, why } => ("wait", None, why.word(), until.map(Nanos::as_nanos)),
            Decision::Refuse { why } => ("refuse", None, why.word(), None),
        };
        let candidates = tracing::field::debug(&trace.candidates);
        tracing::debug!(target: TARGET, request = request.id, attempt, decision = word, provider, why, until_ns = until, candidates);
        decision
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;
    use std::sync::{Arc, Mutex};

    use tracing::field::{Field, Visit};
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;
    use crate::engine::{Config, ProviderConfig, Strategy};

    /// Keeps the fields of every event as text.
    #[derive(Clone, Default)]
    struct Listener(Arc<Mutex<Vec<String>>>);

    impl Subscriber for Listener {
        fn enabled(&self, metadata: &Metadata<'_>) -> bool {
            metadata.target() == TARGET
        }
        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }
        fn record(&self, _: &Id, _: &Record<'_>) {}
        fn record_follows_from(&self, _: &Id, _: &Id) {}
        fn event(&self, event: &Event<'_>) {
            let mut text = Text(String::new());
            event.record(&mut text);
            self.0.lock().expect("no test panics here").push(text.0);
        }
        fn enter(&self, _: &Id) {}
        fn exit(&self, _: &Id) {}
    }

    struct Text(String);

    impl Visit for Text {
        fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
            self.0 += &format!("{field}={value:?};");
        }
    }

    #[test]
    fn every_decision_is_an_event_for_those_who_listen() {
        let provider = ProviderConfig { name: "alpha".into(), ..ProviderConfig::default() };
        let engine = Engine::new(Config::new(Strategy::Failover, vec![provider])).expect("a valid configuration");
        let (listener, mut trace) = (Listener::default(), Trace::default());
        let pick = |trace: &mut Trace| drop(engine.pick_logged(Nanos::ZERO, &Request::new(7), trace));
        pick(&mut trace);
        tracing::subscriber::with_default(listener.clone(), || pick(&mut trace));
        let events = listener.0.lock().expect("no test panics here").clone();
        assert_eq!(events.len(), 1, "nothing while nobody listens");
        for part in ["request=7;", "attempt=1;", "decision=\"send\";", "provider=0;", "why=\"ok\";"] {
            assert!(events[0].contains(part), "{part} in {}", events[0]);
        }
    }
}

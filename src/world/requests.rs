//! What each request is like: class, sizes, session, and what will go wrong on the client's side.

use crate::rng::{Draws, Stream};
use crate::time::Nanos;
use crate::world::dist::{Dist, ZipfSampler};
use crate::world::spec::{Class, Load, TraceRow};

/// One request as it really is. The balancer may know all of it but `output`, `cancel_at` and `poison`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimRequest {
    /// Position in the order of arrivals from 0, warm-up included.
    pub id: u64,
    /// Intended arrival.
    pub at: Nanos,
    /// Index into [`Load::classes`].
    pub class: u16,
    /// Lower waits less in the balancer's queue.
    pub priority: u32,
    /// The last instant at which it is still worth sending; `None`: no deadline.
    pub send_by: Option<Nanos>,
    /// Longest time of one attempt.
    pub timeout: Nanos,
    /// Input tokens.
    pub input: u32,
    /// True output tokens, cut at `max_tokens`.
    pub output: u32,
    /// What the client asks for; `None`: unlimited.
    pub max_tokens: Option<u32>,
    /// Affinity key; `None`: none.
    pub session: Option<u64>,
    /// The fraction of the answer, in (0, 1), after which the client goes away; `None`: it stays.
    pub cancel_at: Option<f64>,
    /// It fails at every provider.
    pub poison: bool,
    /// With this status; `None`: the provider's.
    pub poison_status: Option<u16>,
}

/// Makes requests out of arrivals. A request depends on (seed, id) and its trace row alone, so every strategy meets
/// the same ones, and each property has a stream of its own: another mix of classes does not shift any size.
#[derive(Clone, Debug)]
pub struct RequestFactory {
    seed: u64,
    classes: Vec<Class>,
    timeout: Nanos,
    sessions: Option<ZipfSampler>,
}

impl RequestFactory {
    /// `timeout` holds for classes without their own.
    pub fn new(load: &Load, seed: u64, timeout: Nanos) -> RequestFactory {
        let sessions = load.sessions.map(|sessions| ZipfSampler::new(sessions.count, sessions.skew));
        RequestFactory { seed, classes: load.classes.clone(), timeout, sessions }
    }

    /// Request `id`, arriving at `at`. A trace row brings its own sizes and, if it names one, its session; its output
    /// is cut at the class's `max_tokens` like any other.
    ///
    /// # Panics
    /// Never for a checked load, which has at least one class.
    #[inline]
    pub fn make(&self, id: u64, at: Nanos, trace: Option<&TraceRow>) -> SimRequest {
        let index = self.class_of(id);
        let class = &self.classes[index];
        let tokens = |stream, law: &Dist| whole_tokens(law.sample(&mut self.draws(stream, id)));
        let (input, output) = match trace {
            Some(row) => (row.input, row.output),
            None => (tokens(Stream::InputTokens, &class.input), tokens(Stream::OutputTokens, &class.output)),
        };
        SimRequest {
            id,
            at,
            class: index as u16,
            priority: class.priority,
            send_by: class.deadline.map(|deadline| at + deadline),
            timeout: class.timeout.unwrap_or(self.timeout),
            input,
            output: class.max_tokens.map_or(output, |most| output.min(most)),
            max_tokens: class.max_tokens,
            session: trace.and_then(|row| row.session).or_else(|| self.session_of(id)),
            cancel_at: self.cancel_of(id, class.cancel),
            poison: class.poison > 0.0 && self.draws(Stream::Poison, id).chance(class.poison),
            poison_status: class.poison_status,
        }
    }

    fn draws(&self, stream: Stream, id: u64) -> Draws {
        Draws::new(self.seed, stream, id)
    }

    /// By share; the last class takes what rounding of the shares leaves over.
    fn class_of(&self, id: u64) -> usize {
        let last = self.classes.len().saturating_sub(1);
        if last == 0 {
            return 0;
        }
        let mut left = self.draws(Stream::Class, id).unit();
        for (index, class) in self.classes[..last].iter().enumerate() {
            if left < class.share {
                return index;
            }
            left -= class.share;
        }
        last
    }

    fn session_of(&self, id: u64) -> Option<u64> {
        self.sessions.map(|law| law.sample(&mut self.draws(Stream::Session, id)))
    }

    /// The fraction is uniform: nothing is known about when real clients give up, and any other law would claim it is.
    fn cancel_of(&self, id: u64, probability: f64) -> Option<f64> {
        if probability <= 0.0 {
            return None;
        }
        let mut draws = self.draws(Stream::Cancel, id);
        // The middle of one of 2⁵² cells: never 0, never 1.
        draws.chance(probability).then(|| ((draws.next_u64() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64)
    }
}

/// To the nearest whole number (half up), 0…[`u32::MAX`].
fn whole_tokens(value: f64) -> u32 {
    (value + 0.5) as u32
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::world::spec::{End, Sessions, Source};

    fn class(share: f64) -> Class {
        Class {
            name: None,
            model: None,
            share,
            priority: 0,
            deadline: None,
            cancel: 0.0,
            poison: 0.0,
            poison_status: None,
            timeout: None,
            input: Dist::Uniform { low: 0.0, high: 1000.0 },
            output: Dist::Exponential { mean: 200.0 },
            max_tokens: None,
        }
    }

    fn load(classes: Vec<Class>) -> Load {
        let source = Source::Trace { rows: Arc::from(Vec::new()), speed: 1.0 };
        Load { source, end: End::Trace, warmup: Nanos::ZERO, classes, sessions: None }
    }

    fn requests(load: &Load, n: u64) -> Vec<SimRequest> {
        let factory = RequestFactory::new(load, 42, Nanos::from_secs(60));
        (0..n).map(|id| factory.make(id, Nanos::new(id), None)).collect()
    }

    #[test]
    fn classes_come_by_share_and_with_their_own_settings() {
        let mut rare = class(0.1);
        rare.priority = 3;
        rare.deadline = Some(Nanos::from_secs(2));
        rare.timeout = Some(Nanos::from_secs(5));
        let all = requests(&load(vec![class(0.6), rare, class(0.3)]), 30_000);
        let count = |index: u16| all.iter().filter(|r| r.class == index).count();
        // Binomial(30000, p): standard deviations 85, 52 and 79; five of them.
        assert!(count(0).abs_diff(18_000) < 425 && count(1).abs_diff(3_000) < 260 && count(2).abs_diff(9_000) < 395);
        for request in &all {
            let (priority, send_by, timeout) = match request.class {
                1 => (3, Some(request.at + Nanos::from_secs(2)), 5),
                _ => (0, None, 60),
            };
            assert_eq!((request.priority, request.send_by, request.timeout), (priority, send_by, Nanos::from_secs(timeout)));
        }
    }

    #[test]
    fn a_property_does_not_shift_the_draws_of_another() {
        // Common random numbers: with classes, sessions, cancellations and poison added, request i keeps its sizes.
        let plain = requests(&load(vec![class(1.0)]), 2_000);
        let mut rich = load(vec![class(0.5), class(0.5)]);
        rich.sessions = Some(Sessions { count: 10, skew: 1.0 });
        rich.classes.iter_mut().for_each(|class| (class.cancel, class.poison) = (0.3, 0.1));
        for (a, b) in plain.iter().zip(requests(&rich, 2_000)) {
            assert_eq!((a.id, a.input, a.output), (b.id, b.input, b.output));
        }
        assert_eq!(requests(&rich, 500), requests(&rich, 500), "the same seed makes the same requests");
    }

    #[test]
    fn cancellation_and_poison_come_with_their_probability() {
        let mut only = class(1.0);
        (only.cancel, only.poison) = (0.08, 0.01);
        let all = requests(&load(vec![only]), 50_000);
        // Binomial: standard deviations 61 and 22; five of them. The mean fraction is 1/2 ± 5·√(1/12/4000) = 0.023.
        let fractions: Vec<f64> = all.iter().filter_map(|r| r.cancel_at).collect();
        assert!(fractions.len().abs_diff(4_000) < 305, "{} cancelled", fractions.len());
        assert!(all.iter().filter(|r| r.poison).count().abs_diff(500) < 112);
        assert!(fractions.iter().all(|f| *f > 0.0 && *f < 1.0));
        let mean = fractions.iter().sum::<f64>() / fractions.len() as f64;
        assert!((mean - 0.5).abs() < 0.023, "mean fraction {mean}");
    }

    #[test]
    fn sizes_are_rounded_cut_and_saturated() {
        for (value, tokens) in [(0.0, 0), (0.49, 0), (0.5, 1), (179.6, 180), (5e9, u32::MAX)] {
            assert_eq!(whole_tokens(value), tokens, "{value}");
        }
        let mut only = class(1.0);
        (only.output, only.max_tokens) = (Dist::Fixed(900.0), Some(256));
        let load = load(vec![only]);
        assert!(requests(&load, 10).iter().all(|r| r.output == 256 && r.max_tokens == Some(256)));
        let row = TraceRow { at: Nanos::ZERO, input: 7, output: 300, session: Some(9) };
        let replayed = RequestFactory::new(&load, 1, Nanos::ZERO).make(0, Nanos::ZERO, Some(&row));
        assert_eq!((replayed.input, replayed.output, replayed.session), (7, 256, Some(9)), "a trace brings sizes and session");
    }

    #[test]
    fn sessions_are_drawn_where_the_trace_names_none() {
        let mut load = load(vec![class(1.0)]);
        assert!(requests(&load, 10).iter().all(|r| r.session.is_none()));
        load.sessions = Some(Sessions { count: 3, skew: 0.0 });
        let row = TraceRow { at: Nanos::ZERO, input: 1, output: 1, session: None };
        let factory = RequestFactory::new(&load, 1, Nanos::ZERO);
        assert!((0..100).all(|id| factory.make(id, Nanos::ZERO, Some(&row)).session.is_some_and(|s| s < 3)));
    }
}

//! What is decided: a steady stream of successful requests over a pool in which nothing ever runs out.

use std::hint::black_box;
use std::sync::Arc;

use crate::engine::limit::{Algorithm, Limits};
use crate::engine::strategy::Strategy;
use crate::engine::{AttemptResult, Config, ConfigError, Decision, Engine, Lease, ModelId, Outcome, ProviderConfig, Request, Usage};
use crate::time::Nanos;

/// The model of all requests.
const MODEL: &str = "model";
/// Sessions that come again, for `consistent-hash`: 1,024.
const SESSION_BITS: u32 = 10;
/// 2⁶⁴ ÷ the golden ratio: multiples of it scatter (Knuth, The Art of Computer Programming 3, section 6.4).
const SCATTER: u64 = 0x9E37_79B9_7F4A_7C15;
const USAGE: Usage = Usage { input_tokens: 400, output_tokens: 180 };
const MAX_TOKENS: u32 = 1_024;
/// Each provider's limits are so many times what all of the load needs: `failover` sends everything to the first.
const ROOM: f64 = 1.5;
/// Simulated requests per second.
pub const REQUESTS_PER_S: f64 = 1_000.0;
const MINUTE_S: f64 = 60.0;
/// Sliding windows make room at each provider from the start for every admission that they may have to remember: as much as so many
/// providers need with windows of a minute.
const REMEMBERING: f64 = 16.0;

/// The slice in which limits are enforced, s: a minute, of sliding windows over more than 16 providers so much less.
pub fn window_s(providers: usize, limits: Option<Algorithm>) -> f64 {
    match limits {
        Some(Algorithm::SlidingWindow) => MINUTE_S * (REMEMBERING / providers as f64).min(1.0),
        _ => MINUTE_S,
    }
}

/// An engine with health and latency on, and with limits.
///
/// # Errors
/// [`ConfigError`] for a pool that is too large.
pub fn engine(strategy: Strategy, providers: usize, limits: Option<Algorithm>) -> Result<Arc<Engine>, ConfigError> {
    let rpm = MINUTE_S * ROOM * REQUESTS_PER_S;
    let period = Some(Nanos::from_secs_f64(window_s(providers, limits)));
    let tokens = f64::from(USAGE.input_tokens + MAX_TOKENS);
    let limits = limits.map_or_else(Limits::default, |algorithm| Limits {
        rpm: Some(rpm),
        tpm: Some(rpm * tokens),
        algorithm,
        period,
        ..Limits::default()
    });
    let provider = |index| ProviderConfig {
        name: format!("provider-{index}"),
        weight: None,
        models: vec![MODEL.to_owned()],
        limits: limits.clone(),
        cost: Some(crate::engine::Cost { input: 1.0, output: 4.0 }),
        ..ProviderConfig::default()
    };
    Engine::new(Config::new(strategy, (0..providers).map(provider).collect())).map(Arc::new)
}

/// What runs in the loop that is timed.
pub trait Work: Send {
    /// So many turns, one decision each.
    fn turn(&mut self, turns: usize);

    /// Its place in simulated time.
    fn clock(&mut self) -> &mut Nanos;
}

/// One of the threads that share an engine: a new request each turn, and the oldest of its attempts ends.
pub struct Caller {
    engine: Arc<Engine>,
    leases: Ring<Lease>,
    requests: Requests,
    /// Decisions that were no `Send`; there should be none.
    pub unsent: usize,
}

impl Caller {
    /// The `index`-th of `threads` callers, each with `in_flight` attempts in flight once it has turned so often.
    pub fn new(engine: &Arc<Engine>, index: usize, threads: usize, in_flight: usize) -> Caller {
        let requests = Requests::new(index, threads, engine.model(MODEL));
        Caller { engine: Arc::clone(engine), leases: Ring::new(in_flight), requests, unsent: 0 }
    }
}

impl Work for Caller {
    fn turn(&mut self, turns: usize) {
        for _ in 0..turns {
            let (now, request) = self.requests.next();
            let place = self.leases.next();
            if let Some(lease) = place.take() {
                let outcome = Outcome { usage: Some(USAGE), ..Outcome::new(AttemptResult::Success) };
                self.engine.settle(now, lease, outcome);
            }
            match self.engine.pick(now, &request) {
                Decision::Send(lease) => *place = Some(lease),
                Decision::Wait { .. } | Decision::Refuse { .. } => self.unsent += 1,
            }
        }
    }

    fn clock(&mut self) -> &mut Nanos {
        &mut self.requests.now
    }
}

/// The same loop without an engine.
pub struct Around {
    leases: Ring<Stand>,
    requests: Requests,
}

/// As large as a lease.
type Stand = [u64; size_of::<Lease>().div_ceil(8)];

impl Around {
    /// As one of `threads` callers.
    pub fn new(threads: usize, in_flight: usize) -> Around {
        Around { leases: Ring::new(in_flight), requests: Requests::new(0, threads, ModelId::ANY) }
    }
}

impl Work for Around {
    fn turn(&mut self, turns: usize) {
        for _ in 0..turns {
            let (now, request) = self.requests.next();
            let place = self.leases.next();
            black_box(place.take());
            black_box(&request);
            *place = Some([now.as_nanos(); size_of::<Stand>() / 8]);
        }
    }

    fn clock(&mut self) -> &mut Nanos {
        &mut self.requests.now
    }
}

/// Requests, evenly spaced in simulated time.
struct Requests {
    id: u64,
    now: Nanos,
    stride: u64,
    gap: Nanos,
    model: ModelId,
}

impl Requests {
    fn new(index: usize, threads: usize, model: ModelId) -> Requests {
        let gap = Nanos::from_f64(1e9 / REQUESTS_PER_S * threads as f64);
        Requests { id: index as u64, now: Nanos::ZERO, stride: threads as u64, gap, model }
    }

    #[inline]
    fn next(&mut self) -> (Nanos, Request) {
        self.id += self.stride;
        self.now += self.gap;
        let session = Some(self.id.wrapping_mul(SCATTER) >> (64 - SESSION_BITS));
        let sizes = Request { input_tokens: USAGE.input_tokens, max_tokens: Some(MAX_TOKENS), ..Request::new(self.id) };
        (self.now, Request { model: self.model, session, ..sizes })
    }
}

/// Places that are used in turn.
struct Ring<T> {
    places: Vec<Option<T>>,
    at: usize,
}

impl<T> Ring<T> {
    fn new(places: usize) -> Ring<T> {
        Ring { places: (0..places.max(1)).map(|_| None).collect(), at: 0 }
    }

    /// The one that was used longest ago.
    #[inline]
    fn next(&mut self) -> &mut Option<T> {
        self.at = if self.at + 1 == self.places.len() { 0 } else { self.at + 1 };
        &mut self.places[self.at]
    }
}

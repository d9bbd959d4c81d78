//! The balancing engine: what a gateway embeds. No clock, no IO, no threads, no logging.
//!
//! [`Engine`] decides which provider of a pool an attempt goes to, and learns from how it ended. The simulator drives the
//! same code: what is measured there is what a gateway ships. The engine sends nothing itself, and it never waits; it
//! answers "there", "not before then", or "never".
//!
//! # A request with retries
//!
//! One value per process, shared by all its tasks; per request a [`Request`], per attempt a [`Lease`].
//!
//! ```
//! use std::time::{Instant, SystemTime};
//!
//! use lbsim::engine::{
//!     AttemptResult, Config, Decision, Engine, Limits, Outcome, ProviderConfig, Request, Retry, Retrying, Strategy, Usage,
//! };
//! use lbsim::time::Nanos;
//!
//! /// What a gateway gets back from an upstream; its HTTP client is not our business.
//! enum Reply {
//!     Answer { input_tokens: u32, output_tokens: u32 },
//!     Error { status: u16, retry_after: Option<Nanos> },
//! }
//! # fn call_upstream(tag: u64) -> Reply {
//! #     match tag {
//! #         7 => Reply::Error { status: 503, retry_after: None },
//! #         _ => Reply::Answer { input_tokens: 400, output_tokens: 180 },
//! #     }
//! # }
//! # fn sleep_until(_: Nanos) {}
//!
//! let provider = |name: &str, tag: u64, weight: f64| ProviderConfig {
//!     name: name.to_owned(),
//!     tag, // by which the gateway knows it: leases carry it, and positions change when the engine is reconfigured
//!     weight: Some(weight),
//!     models: vec!["gpt-4o".to_owned()],
//!     limits: Limits { rpm: Some(600.0), tpm: Some(900_000.0), ..Limits::default() },
//!     ..ProviderConfig::default()
//! };
//! let config = Config {
//!     retry: Retry { max_retries: 2, ..Retry::default() },
//!     ..Config::new(Strategy::WeightedRoundRobin, vec![provider("alpha", 7, 5.0), provider("beta", 8, 3.0)])
//! };
//! let engine = Engine::new(config)?;
//! let model = engine.model("gpt-4o"); // once per model, not per request
//!
//! // The caller owns the clock: one that neither jumps nor goes back, counted from 1970 so that fixed windows are the provider's.
//! let (start, since_1970) = (Instant::now(), SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("it is later"));
//! let now = || Nanos::new((since_1970 + start.elapsed()).as_nanos() as u64);
//!
//! let mut request = Request { model, input_tokens: 400, max_tokens: Some(1_024), ..Request::new(1) };
//! let answered_by = loop {
//!     let lease = match engine.pick(now(), &request) {
//!         Decision::Send(lease) => lease,
//!         // All limited or out: wait for `until` in the gateway's queue, or answer 429. Here: give up.
//!         Decision::Wait { until: _, why } | Decision::Refuse { why } => break Err(why),
//!     };
//!     let tag = lease.tag();
//!     request.tried.push(lease.provider()); // so that retries are counted and go elsewhere
//!     let outcome = match call_upstream(tag) {
//!         Reply::Answer { input_tokens, output_tokens } => {
//!             Outcome { usage: Some(Usage { input_tokens, output_tokens }), ..Outcome::new(AttemptResult::Success) }
//!         }
//!         Reply::Error { status, retry_after } => Outcome { retry_after, ..Outcome::new(AttemptResult::Status(status)) },
//!     };
//!     // A streamed answer calls `engine.first_token(now(), &mut lease)` when its first token comes.
//!     engine.settle(now(), lease, outcome);
//!     match engine.retry(now(), &request, &outcome) {
//!         Retrying::At(then) => sleep_until(then),
//!         Retrying::Final | Retrying::Exhausted | Retrying::OverBudget => break Ok((tag, outcome.result)),
//!     }
//! };
//! // alpha answered 503, so the request went on to beta.
//! let (tag, result) = answered_by.expect("quota is left");
//! assert_eq!((tag, result), (8, AttemptResult::Success));
//! assert_eq!(request.tried.attempts(), 2);
//! # Ok::<(), lbsim::engine::ConfigError>(())
//! ```
//!
//! # Cancelled requests
//!
//! A [`Lease`] holds a place in flight, and request and token quota, until it is settled; one that is dropped holds them
//! for ever. An async gateway drops its future when the client goes away, so it keeps the lease in a guard that settles
//! what nobody else has:
//!
//! ```
//! use std::sync::Arc;
//!
//! use lbsim::engine::{AttemptResult, Config, Decision, Engine, Lease, Outcome, ProviderConfig, Request, Strategy};
//! use lbsim::time::Nanos;
//!
//! struct Attempt {
//!     engine: Arc<Engine>,
//!     lease: Option<Lease>,
//!     clock: fn() -> Nanos,
//! }
//!
//! impl Attempt {
//!     fn end(mut self, outcome: Outcome) {
//!         if let Some(lease) = self.lease.take() {
//!             self.engine.settle((self.clock)(), lease, outcome);
//!         }
//!     }
//! }
//!
//! impl Drop for Attempt {
//!     fn drop(&mut self) {
//!         if let Some(lease) = self.lease.take() {
//!             self.engine.settle((self.clock)(), lease, Outcome::new(AttemptResult::Abandoned));
//!         }
//!     }
//! }
//!
//! # let clock = || Nanos::from_secs(1);
//! let only = ProviderConfig { name: "alpha".to_owned(), ..ProviderConfig::default() };
//! let engine = Arc::new(Engine::new(Config::new(Strategy::LeastConnections, vec![only]))?);
//! let Decision::Send(lease) = engine.pick(clock(), &Request::new(1)) else { panic!("nothing limits alpha") };
//! let attempt = Attempt { engine: Arc::clone(&engine), lease: Some(lease), clock };
//! assert_eq!(engine.snapshot(clock()).providers[0].in_flight, 1);
//! drop(attempt); // the client went away
//! assert_eq!(engine.snapshot(clock()).providers[0].in_flight, 0);
//! # Ok::<(), lbsim::engine::ConfigError>(())
//! ```
//!
//! # What to expect of it
//!
//! - **Checked data in.** [`Engine::new`] refuses a contradictory [`Config`] with a [`ConfigError`] that says what would be
//!   right; after it nothing can fail.
//! - **The caller owns time and chance.** `now` is a parameter. One that goes back is taken for the latest seen; one that jumps ahead,
//!   be it in a single call, has been: until the clock arrives there nothing refills. Random choices are a function of
//!   ([`Config::seed`], request id, attempt). The same calls give the same decisions. Replicas want different seeds.
//! - **Reserve, then settle.** A pick reserves a place in flight, one request and the tokens of the estimate (input +
//!   `max_tokens`, or a percentile of the answers so far where [`OutputEstimate`] asks for it) against every limit of the
//!   provider at once, or nothing. Settling returns or debits the difference to [`Outcome::usage`]. The balancer never needs the
//!   true size of an answer in advance.
//! - **Quota is a belief that corrects itself.** Declared limits are kept exactly. [`Engine::headers`] takes in what an answer's
//!   head says ([`limit::RateLimitHeaders`]): a limit that was not declared, or wrongly, becomes known, and what others used is
//!   seen. A refusal without either teaches a pace. Malformed headers are counted in [`ProviderSnapshot::ignored_headers`].
//! - **Four kinds of refusal.** A rate, too sharp a growth, used-up shared capacity and an exhausted quota come as the same 429
//!   and want different answers. [`RefusalKind::classify`] reads them from the status and the body, for [`Outcome::refusal`].
//! - **A failure never looks cheap.** A fast 500 or 429 is no latency sample, so it attracts nobody.
//! - **Silence is a failure.** A provider whose attempts wait twice as long for a sign of life as 99 % of those before is
//!   the last choice, and taken out when another waits for three quarters of that, or it alone for twice that and for twice the slowest
//!   answer of late. The sign is [`Engine::first_token`], or the end:
//!   without the former long answers look like silence.
//! - **Waiting is the caller's.** [`Decision::Wait`] says when asking again can help; [`WaitQueue`] is a bounded priority
//!   queue for those who wait, without a clock of its own.
//! - **A refusal of your own comes with a time.** [`Engine::retry_after`] says what belongs in the `Retry-After` of a request that
//!   is not let wait.
//! - **No allocation per decision**, and none per settle: a pick works on one immutable generation of the pool, with its
//!   candidates in a fixed-size set of bits (at most [`config::PROVIDERS_MAX`] providers). Sliding windows make room at the
//!   start for what they remember, at most 65,536 admissions; a provider that takes more of them in one period makes its
//!   log allocate now and then. The first pick of a thread may allocate, and so do, now and then, those of a provider whose limits
//!   were learned. [`Engine::pick_traced`] fills a [`Trace`] that can be reused.
//! - **Cost.** A pick reads one relaxed atomic per candidate where the strategy compares candidates, and takes one
//!   uncontended lock, that of the chosen provider; `settle` takes the same lock once. [`strategy::CATALOGUE`] gives the
//!   order of each strategy in the number of providers. Both together take 52–89 ns over 16 providers with one attempt in
//!   flight; limits as buckets or fixed windows add 11–28 ns, sliding windows 43–68 ns, and 64 in flight up to 35 ns (one core of
//!   a two-core AMD EPYC server, release profile without LTO, by `lbsim bench`, with which it can be measured anywhere; the README has a
//!   table). Limits that headers told cost five times as much as declared ones. A pick that is not sent has asked every provider: about
//!   1 µs for 16, 0.1 ms for 1,000; [`Engine::another_is_open`] the same and more where limits were learned, [`Engine::retry_after`] behind 1,000 others a hundred
//!   times that. Learned sizes of answers add a counted reference and a lock that is only
//!   tried.
//!
//! # Threads
//!
//! `Engine` is `Send + Sync` and every method takes `&self`. A pick or settle holds one lock at a time and calls nothing
//! under it; [`Engine::reconfigure`] does not block picks. What may differ from a serial order under concurrent calls:
//!
//! - A strategy compares loads that other threads are changing. Two picks at the same instant may both choose the provider
//!   that was least loaded; limits are checked again under the lock, so a quota is never overdrawn by a race.
//! - A pick that began before a [`Engine::reconfigure`] finishes on the old generation. Its lease stays valid, also when its
//!   provider is gone.
//! - The running means of latency and answer size over the pool, and the learned percentile of answer sizes, may lose a sample
//!   when two threads write at once.
//!
//! # Features
//!
//! The engine is all there is with `default-features = false`; it then depends on arc-swap, crossbeam-utils and thiserror
//! only. The default feature `cli` adds the simulator and the program. The feature `tracing` adds `Engine::pick_logged`, which emits an
//! event per decision.

mod arena;
mod attempt;
mod balancer;
mod bits;
mod check;
pub mod config;
mod expected;
mod give_back;
mod group;
mod health;
mod judge;
mod latency;
mod least_wait;
pub mod limit;
mod load;
mod outputs;
mod pick;
mod pool;
mod present;
mod provider;
mod queue;
mod refusal;
mod refusal_time;
mod request;
mod retry;
mod retry_after;
mod sharing;
mod shut;
mod slot;
pub mod strategy;
#[cfg(feature = "tracing")]
pub mod telemetry;
mod trace;
mod typical;
mod wheel;

pub use balancer::{Engine, ProviderSnapshot, Snapshot};
pub use config::{Config, ConfigError, Cost, OutlierDetection, OutputEstimate, ProbeRules, ProviderConfig, Retry};
pub use health::{HealthChange, HealthEvent};
pub use limit::Limits;
pub use queue::WaitQueue;
pub use refusal::RefusalKind;
pub use request::{AttemptResult, Decision, Lease, ModelId, Outcome, ProviderId, Request, Tried, Usage, Why};
pub use retry::Retrying;
pub use strategy::Strategy;
pub use trace::{Candidate, Trace};

//! lbsim: an embeddable balancing engine for pools of LLM providers, and a simulator that shows what it does.
//!
//! A gateway author starts at [`engine`]. The program reads a scenario file, runs it in virtual time against the same
//! engine, and judges the result; its README shows how.
//!
//! # The layers
//!
//! Each imports only from those above it in this table, and a test keeps it so. Below `drive` nothing reads a clock,
//! starts a thread, looks at the environment or prints; the wall clock appears in `drive` to time decisions and in `drive::real`, and in
//! `gate` only to time a run, and neither reaches a simulated figure. `bench` is about nothing else: it times the engine.
//!
//! | layer | subject |
//! |---|---|
//! | [`time`] | whole nanoseconds; durations as text |
//! | [`rng`] | draws by address: value = f(seed, stream, index) |
//! | [`engine`] | the product: strategies, limits, retries, queue |
#![cfg_attr(feature = "cli", doc = "| [`world`] | arrivals, token sizes, traces, mock providers |")]
#![cfg_attr(feature = "cli", doc = "| [`report`] | the versioned result, as plain data |")]
#![cfg_attr(feature = "cli", doc = "| [`metrics`] | from events to the figures of a report |")]
#![cfg_attr(feature = "cli", doc = "| [`drive`] | moves engine and world: an event loop through virtual time, HTTP through real time |")]
#![cfg_attr(feature = "cli", doc = "| [`gate`] | expectations, and the verdict on them |")]
#![cfg_attr(feature = "cli", doc = "| [`bench`](mod@bench) | what a decision costs on this machine |")]
#![cfg_attr(feature = "cli", doc = "| [`scenario`] | the TOML file: checked, with every mistake explained |")]
#![cfg_attr(feature = "cli", doc = "| [`render`] | a report as text, JSON, CSV, Markdown |")]
#![cfg_attr(feature = "cli", doc = "| [`cli`] | the commands, exit codes, progress |")]
//!
//! With `default-features = false` only the first three are there.

pub mod engine;
pub mod rng;
pub mod time;

#[cfg(feature = "cli")]
pub mod bench;
#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod drive;
#[cfg(feature = "cli")]
pub mod gate;
#[cfg(feature = "cli")]
pub mod metrics;
#[cfg(feature = "cli")]
pub mod render;
#[cfg(feature = "cli")]
pub mod report;
#[cfg(feature = "cli")]
pub mod scenario;
#[cfg(feature = "cli")]
pub mod world;

/// Compiles the README's example.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

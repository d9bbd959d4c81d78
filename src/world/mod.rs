//! The simulated world: arrivals, token sizes, and mock providers, all without a clock of their own.
pub mod arrivals;
mod conditions;
pub mod dist;
pub mod fleet;
pub mod profile;
pub mod provider;
pub mod requests;
pub mod shape;
pub mod spec;
pub mod trace;

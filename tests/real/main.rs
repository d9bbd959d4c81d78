//! The real clock: over sockets, against mock providers, behind gateways and against servers that misbehave.

mod agreement;
mod gateway;
mod peer;
mod program;
mod target;

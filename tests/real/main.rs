//! The real clock: over sockets, against mock providers, behind gateways and against servers that misbehave.

mod agreement;
mod gateway;
mod program;
mod target;

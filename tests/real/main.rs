//! The real clock: over sockets, against mock providers and against servers that misbehave.

mod agreement;

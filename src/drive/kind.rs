//! Kinds of events; the target's slot is what the comment says.

/// Attempt: the whole answer is out.
pub const DONE: u8 = 0;
/// Attempt: an error answer or refusal is out.
pub const ANSWER: u8 = 1;
/// Attempt: its time limit.
pub const TIMEOUT: u8 = 2;
/// Attempt: the client goes away.
pub const CANCEL: u8 = 3;
/// Request: try again.
pub const RETRY: u8 = 4;
/// Request: has waited long enough in the balancer's queue.
pub const EXPIRE: u8 = 5;
/// Engine: something may be free for its queue.
pub const WAKE: u8 = 6;
/// Scenario event: begins.
pub const BEGIN: u8 = 7;
/// Scenario event: ends.
pub const END: u8 = 8;
/// User of a closed loop: sends.
pub const USER: u8 = 9;
/// The last instant of arrivals.
pub const LAST: u8 = 10;
/// Attempt: its first token is out.
pub const FIRST_TOKEN: u8 = 11;
/// Request: time for a second attempt beside the first.
pub const HEDGE: u8 = 12;
/// Provider: a health probe begins.
pub const PROBE: u8 = 13;
/// Provider: a health probe went well.
pub const PROBE_GOOD: u8 = 14;
/// Provider: a health probe failed.
pub const PROBE_BAD: u8 = 15;
/// Engine: a request that was shed might be sent now.
pub const FOLLOW: u8 = 16;
/// Engines: they tell each other what they used.
pub const SYNC: u8 = 17;

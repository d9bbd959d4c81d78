//! How long refusals take, so that nobody needs to wait for an answer to know that an attempt was let in.

use crate::time::Nanos;

/// The longest of late.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RefusalTime(Nanos);

impl RefusalTime {
    /// One that was sent at `sent` was refused. What was longest fades by an eighth with each.
    pub fn refused(&mut self, now: Nanos, sent: Nanos) {
        self.0 = now.since(sent).max(Nanos::new(self.0.as_nanos() / 8 * 7));
    }

    /// Until then one that was sent at `sent` would have been refused, with as much time again to be sure.
    pub fn over(self, sent: Nanos) -> Nanos {
        sent + self.0 + self.0
    }
}

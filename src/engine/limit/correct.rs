//! What a response header says is left.

use super::{Dimension, Ledger, Reservation};
use crate::time::Nanos;

/// No real quota holds more; a larger "remaining" is taken for garbage.
const REMAINING_MAX: f64 = 1e15;

impl Ledger {
    /// Takes into account that the answer to the attempt of `answered` said `remaining` of `dimension` were left, of
    /// `limit` if it said that too. Call it before `answered` is settled.
    ///
    /// A header is a snapshot of the past: the provider wrote it when it admitted the attempt, and much may have been
    /// reserved, returned and refilled since. So it is compared with what the ledger stood at just *after that attempt's
    /// admission*, and only if it says less is the difference, which others must have used, taken off what is left now.
    /// The ledger is never raised: a header that says more may come from a slice, another model or a stale counter.
    ///
    /// Headers are rounded: to whole requests and tokens, and at Anthropic to thousands of tokens. A difference within the
    /// rounding is none; otherwise every answer would cost half a unit of quota.
    ///
    /// Exact for all dimensions, except that with fixed windows a daily limit beside shorter ones may be lowered by what
    /// was returned across the end of a short window: too careful, never too bold.
    ///
    /// Returns whether the ledger was lowered. Ignored: a dimension without a limit here, concurrency, a number that is negative,
    /// not finite or beyond 1e15, a `limit` that is not positive or below `remaining`, and an attempt admitted in a
    /// window that is over (what it says is over too).
    pub fn correct(&mut self, now: Nanos, answered: &Reservation, dimension: Dimension, remaining: f64, limit: Option<f64>) -> bool {
        let believable = (0.0..=REMAINING_MAX).contains(&remaining) && limit.is_none_or(|limit| limit > 0.0 && limit >= remaining);
        if !believable {
            return false;
        }
        let now = self.advance(now);
        let since = self.charged_since(answered, dimension);
        let number = self.number(answered);
        let Some(limit) = self.limits.iter_mut().find(|limit| limit.dimension == dimension) else { return false };
        let Some(believed) = limit.left_after(now, answered.at, number, since) else { return false };
        let surplus = believed - remaining;
        if surplus < rounding(dimension, remaining) {
            return false;
        }
        // Below a capacity of at most 8.64e13, so the conversion is exact.
        limit.lower(now, surplus as u64);
        true
    }

    /// What was charged after the admission of `answered`, less what was returned since.
    pub(super) fn charged_since(&self, answered: &Reservation, dimension: Dimension) -> f64 {
        let (total, then) = (self.charged.now(), answered.charged);
        // Wrapped differences, read as signed: more may have been returned than charged.
        let requests = total.requests.wrapping_sub(then.requests) as i32;
        let input = total.input.wrapping_sub(then.input) as i32;
        let output = total.output.wrapping_sub(then.output) as i32;
        match dimension {
            Dimension::Requests | Dimension::RequestsPerDay | Dimension::Ramp | Dimension::Concurrency => f64::from(requests),
            Dimension::Tokens | Dimension::TokensPerDay => f64::from(input) + f64::from(output),
            Dimension::InputTokens => input.into(),
            Dimension::OutputTokens => output.into(),
        }
    }
}

/// How far a header may be below the truth by rounding alone.
pub(super) fn rounding(dimension: Dimension, remaining: f64) -> f64 {
    let thousands = dimension.counts_tokens() && remaining % 1_000.0 == 0.0;
    if thousands { 1_000.0 } else { 1.0 }
}

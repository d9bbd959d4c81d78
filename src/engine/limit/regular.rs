//! Whether refusals are so regular that there must be a limit.
//!
//! At a limit as many go after a pause as it made room for: at what went through before, r, and sent at s meanwhile, those are pause ÷
//! (1/r − 1/s). By chance any number goes. Two of a geometric distribution, n and m, differ by |n − m| ÷ (n + m), which is
//! anything from 0 to 1 as often.

use crate::time::Nanos;

/// A number that differs by less than this from the expected one is evidence of a limit,
const SWING: f64 = 0.25;
/// of which so much is enough: a sum that never falls below 0 (CUSUM; Page, "Continuous inspection schemes", Biometrika 41, 1954).
const ENOUGH: f64 = 1.0;
/// No more is kept, for limits come and go.
const MOST: f64 = 2.0;

/// What refusals had in common of late.
#[derive(Clone, Debug, Default)]
pub(super) struct Regular {
    /// How many went between the last two refusals, per ns.
    through: f64,
    evidence: f64,
}

impl Regular {
    /// So many went from one refusal to the next, the first of them at `begun`.
    pub fn refused(&mut self, admitted: f64, before: Nanos, begun: Nanos, refused: Nanos) {
        let sent = admitted / refused.since(begun).as_f64().max(1.0);
        let expected = begun.since(before).as_f64() / (1.0 / self.through - 1.0 / sent).max(0.0);
        let swing = if expected.is_finite() { (admitted - expected).abs() / (admitted + expected).max(1.0) } else { 1.0 };
        self.evidence = (self.evidence + SWING - swing).clamp(0.0, MOST);
        self.through = admitted / refused.since(before).as_f64().max(1.0);
    }

    /// Whether chance does not explain them.
    pub fn is_proven(&self) -> bool {
        self.evidence >= ENOUGH
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Stream};

    /// How many percent of 10,000 refusals seem to come from a limit. Eight a second are sent, after a pause of 0.5 to 1 s each time,
    /// until `refuses` says of (places that came free, a draw) that one is refused.
    fn proven(per_second: f64, refuses: impl Fn(f64, f64) -> bool) -> u32 {
        let (mut regular, mut draws, mut proven) = (Regular::default(), Draws::new(5, Stream::Pick, 0), 0);
        let (mut before, mut now) = (Nanos::ZERO, Nanos::ZERO);
        for _ in 0..10_000 {
            now += Nanos::from_secs_f64(0.5 + 0.5 * draws.open_unit());
            let (begun, mut admitted) = (now, 0.0);
            while !refuses(per_second * now.since(before).as_secs_f64() - admitted, draws.open_unit()) {
                admitted += 1.0;
                now += Nanos::from_millis(125);
            }
            regular.refused(admitted, before, begun, now);
            proven += u32::from(regular.is_proven());
            before = now;
        }
        proven / 100
    }

    #[test]
    fn a_limit_is_regular_and_chance_is_not() {
        for per_second in [3.0, 5.0, 7.5] {
            assert!(proven(per_second, |free, _| free < 1.0) >= 95, "{per_second}");
        }
        for chance in [0.03, 0.1, 0.3, 0.6] {
            let proven = proven(0.0, |_, draw| draw < chance);
            assert!(proven <= 1, "{chance}: {proven}");
        }
    }
}

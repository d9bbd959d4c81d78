//! How far a value is from what was wanted.

use super::expect::Want;
use super::metric::Unit;

impl Want {
    /// How far `got` lies outside, in the metric's unit: above it positive, below it negative; 0 for what is accepted.
    pub fn distance(&self, got: f64) -> f64 {
        let (low, high) = match *self {
            Want::Target { target, tolerance } => (Some(target - tolerance), Some(target + tolerance)),
            Want::Range { min, max } => (min, max),
        };
        if self.accepts(got) {
            return 0.0;
        }
        match (low, high) {
            (Some(low), _) if got < low => got - low,
            (_, Some(high)) if got > high => got - high,
            _ => 0.0,
        }
    }
}

impl Unit {
    /// A distance for people, with its direction: `0.32 pp too low`, `250ms too high`. Empty for none.
    pub fn distance_text(self, distance: f64) -> String {
        if distance == 0.0 {
            return String::new();
        }
        let size = match self {
            Unit::Ratio => format!("{} pp", self.text(rounded(distance.abs())).trim_end_matches('%')),
            unit => unit.text(rounded(distance.abs())),
        };
        format!("{size} too {}", if distance > 0.0 { "high" } else { "low" })
    }
}

/// To three significant digits.
fn rounded(value: f64) -> f64 {
    let text = format!("{value:.2e}");
    text.parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Outside by so much, in the direction that is said; nothing inside.
    #[test]
    fn distances_have_a_size_and_a_direction() {
        let share = Want::Target { target: 0.5, tolerance: 0.01 };
        let least = Want::Range { min: Some(0.99), max: None };
        let most = Want::Range { min: None, max: Some(250.0) };
        for (want, unit, got, text) in [
            (share, Unit::Ratio, 0.505, ""),
            (share, Unit::Ratio, 0.53, "2 pp too high"),
            (share, Unit::Ratio, 0.486_79, "0.321 pp too low"),
            (least, Unit::Ratio, 0.5, "49 pp too low"),
            (most, Unit::Millis, 1_250.0, "1s too high"),
            (Want::Range { min: None, max: Some(0.0) }, Unit::Number, 12.0, "12 too high"),
        ] {
            assert_eq!(unit.distance_text(want.distance(got)), text, "{want:?} {got}");
        }
    }
}

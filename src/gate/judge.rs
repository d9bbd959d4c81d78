//! Whether a value is right, and what that says of a run.

use super::expect::Want;
use super::metric::Unit;
use crate::report::Verdict;
use crate::time::Nanos;

/// Relative slack of a comparison: 0.501 − 0.5 is a little more than 0.001 in binary, and must still be within it.
const SLACK: f64 = 1e-12;

impl Want {
    /// Whether `got` is accepted; both ends are inclusive. Not a number is not.
    pub fn accepts(&self, got: f64) -> bool {
        let at_most = |a: f64, b: f64, scale: f64| a <= b + SLACK * scale.abs().max(b.abs());
        match *self {
            Want::Target { target, tolerance } => at_most((got - target).abs(), tolerance, target),
            Want::Range { min, max } => {
                !got.is_nan() && min.is_none_or(|min| at_most(min, got, min)) && max.is_none_or(|max| at_most(got, max, max))
            }
        }
    }

    /// For people: `50% ± 0.1%`, `≥ 99%`, `≤ 250ms`, `1 … 5`.
    pub fn text(&self, unit: Unit) -> String {
        match *self {
            Want::Target { target, tolerance: 0.0 } => unit.text(target),
            Want::Target { target, tolerance } => format!("{} ± {}", unit.text(target), unit.text(tolerance)),
            Want::Range { min: Some(min), max: Some(max) } => format!("{} … {}", unit.text(min), unit.text(max)),
            Want::Range { min: Some(min), max: None } => format!("≥ {}", unit.text(min)),
            Want::Range { min: None, max: Some(max) } => format!("≤ {}", unit.text(max)),
            Want::Range { min: None, max: None } => "anything".to_owned(),
        }
    }
}

impl Unit {
    /// A value as one would write it: `99.5%`, `42`, `250ms`, `120ns`.
    pub fn text(self, value: f64) -> String {
        match self {
            Unit::Ratio => format!("{}%", plain(value * 100.0)),
            Unit::Number => plain(value),
            Unit::Millis => Nanos::from_f64(value * 1e6).to_string(),
            Unit::Nanos => Nanos::from_f64(value).to_string(),
        }
    }
}

/// The verdict over all expectations of a run, or of several runs together: fail before noisy before no data before pass.
///
/// An interrupted run is incomplete whatever its expectations say: they are about a run that has not happened.
pub fn verdict(verdicts: impl Iterator<Item = Verdict> + Clone, interrupted: bool) -> Verdict {
    if interrupted {
        return Verdict::Incomplete;
    }
    if verdicts.clone().next().is_none() {
        return Verdict::None;
    }
    [Verdict::Fail, Verdict::Noisy, Verdict::NoData]
        .into_iter()
        .find(|worst| verdicts.clone().any(|one| one == *worst))
        .unwrap_or(Verdict::Pass)
}

/// Nine decimals without trailing zeros: a binary fraction such as 0.1 · 100 shows no noise.
fn plain(value: f64) -> String {
    let text = format!("{value:.9}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    // A value too small for nine decimals is shown as it is; rounding it to 0 would say something else.
    if value != 0.0 && matches!(text, "0" | "-0") { value.to_string() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each end is inclusive up to rounding, and only up to rounding.
    #[test]
    fn ends_are_inclusive() {
        let share = Want::Target { target: 0.5, tolerance: 0.001 };
        for (got, right) in [(0.5, true), (0.501, true), (0.499, true), (0.501_000_001, false), (0.498_999, false), (f64::NAN, false)] {
            assert_eq!(share.accepts(got), right, "{got}");
        }
        let exact = Want::Target { target: 0.3, tolerance: 0.0 };
        assert!(exact.accepts(0.1 + 0.2) && !exact.accepts(0.300_000_1));
        let none = Want::Range { min: None, max: Some(0.0) };
        assert!(none.accepts(0.0) && !none.accepts(1e-9) && !none.accepts(f64::NAN));
        let few = Want::Range { min: Some(1.0), max: Some(5.0) };
        for (got, right) in [(0.999, false), (1.0, true), (5.0, true), (5.001, false)] {
            assert_eq!(few.accepts(got), right, "{got}");
        }
        assert!(Want::Range { min: Some(0.99), max: None }.accepts(1.0));
    }

    /// What people read, in each unit.
    #[test]
    fn wants_read_well() {
        for (want, unit, text) in [
            (Want::Target { target: 0.5, tolerance: 0.001 }, Unit::Ratio, "50% ± 0.1%"),
            (Want::Range { min: Some(0.99), max: None }, Unit::Ratio, "≥ 99%"),
            (Want::Range { min: Some(0.995), max: None }, Unit::Ratio, "≥ 99.5%"),
            (Want::Range { min: None, max: Some(250.0) }, Unit::Millis, "≤ 250ms"),
            (Want::Range { min: None, max: Some(20_000.0) }, Unit::Millis, "≤ 20s"),
            (Want::Range { min: Some(1.0), max: Some(5.0) }, Unit::Number, "1 … 5"),
            (Want::Range { min: None, max: Some(0.0) }, Unit::Number, "≤ 0"),
            (Want::Range { min: None, max: Some(120.0) }, Unit::Nanos, "≤ 120ns"),
            (Want::Range { min: Some(1e-12), max: None }, Unit::Number, "≥ 0.000000000001"),
        ] {
            assert_eq!(want.text(unit), text);
        }
    }
}

//! Student's t: the law of a mean of few values whose spread is not known (Student, Biometrika 6, 1908).

use statrs::distribution::{ContinuousCDF, StudentsT};

/// t such that a fraction `level` of the law lies outside of ±t. `freedom` > 0, 0 < `level` < 1.
///
/// Solved by bisection on the cumulative function, whose accuracy is known; about 60 steps.
pub fn two_sided_quantile(level: f64, freedom: f64) -> f64 {
    let mut high = 1.0;
    while two_sided_p(high, freedom) > level && high < 1e300 {
        high *= 2.0;
    }
    let mut low = 0.0;
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low || middle >= high {
            break;
        }
        if two_sided_p(middle, freedom) > level { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// Probability of a value outside of ±`t`.
pub fn two_sided_p(t: f64, freedom: f64) -> f64 {
    let law = StudentsT::new(0.0, 1.0, freedom).expect("a positive number of degrees of freedom is valid");
    if t.is_infinite() { 0.0 } else { (2.0 * law.cdf(-t.abs())).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Against the printed table (Fisher and Yates, 1938): two-sided 5 %, 1 % and 0.1 % points.
    #[test]
    fn quantiles_are_those_of_the_table() {
        let table = [
            (1.0, 12.706, 63.657, 636.619),
            (2.0, 4.303, 9.925, 31.599),
            (4.0, 2.776, 4.604, 8.610),
            (9.0, 2.262, 3.250, 4.781),
            (19.0, 2.093, 2.861, 3.883),
            (30.0, 2.042, 2.750, 3.646),
            (120.0, 1.980, 2.617, 3.373),
        ];
        for (freedom, five, one, tenth) in table {
            for (level, want) in [(0.05, five), (0.01, one), (0.001, tenth)] {
                let got = two_sided_quantile(level, freedom);
                assert!((got - want).abs() <= 0.000_501, "{freedom} {level}: {got} {want}");
            }
        }
    }

    /// One degree of freedom is the Cauchy law: P(|T| > t) = 1 − 2/π·atan t. The quantile undoes the probability.
    #[test]
    fn closed_form_and_round_trip() {
        for t in [0.1, 1.0, 12.7, 1e4] {
            let exact = 1.0 - 2.0 / std::f64::consts::PI * f64::atan(t);
            assert!((two_sided_p(t, 1.0) - exact).abs() < 1e-12, "{t}");
        }
        for freedom in [1.0, 3.5, 19.0, 500.0] {
            for level in [0.5, 0.05, 0.05 / 66.0, 1e-6] {
                let back = two_sided_p(two_sided_quantile(level, freedom), freedom);
                assert!((back / level - 1.0).abs() < 1e-9, "{freedom} {level} {back}");
            }
        }
    }
}

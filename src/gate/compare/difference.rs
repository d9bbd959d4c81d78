//! The difference of two series of values, one value per seed, and how sure it is.
//!
//! With the same seeds both variants met the same requests, so the per-seed differences are judged (paired t): what the
//! seeds have in common cancels. With different seeds the two means are (Welch, Biometrika 34, 1947).
//!
//! t takes the values for normal. Of counts that are nearly always 0 that is far off: five 429s, one in each of five
//! seeds of twenty, would give p = 0.02. Where some values are exactly equal, or all differences are, p is therefore never
//! below that of the sign test: m differences of one sign have the probability 2^(1−m) if both signs are equally likely.

use super::student::{two_sided_p, two_sided_quantile};

/// A difference, not yet judged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Difference {
    /// Nothing to subtract.
    NoData,
    /// The same value with every seed.
    Equal,
    /// Something differs.
    Some(Estimate),
}

/// A mean difference and its spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// Variant − base.
    pub mean: f64,
    /// Standard error of the mean; `None`: one value shows no spread.
    error: Option<f64>,
    /// Degrees of freedom.
    freedom: f64,
    /// Two-sided p.
    pub p: f64,
    /// Per-seed differences, or two means.
    pub paired: bool,
}

impl Difference {
    /// Of the values of two variants with the same seeds, in the same order.
    pub fn paired(base: &[f64], variant: &[f64]) -> Difference {
        assert_eq!(base.len(), variant.len(), "one value of each per seed");
        let differences: Vec<f64> = base.iter().zip(variant).map(|(base, variant)| variant - base).collect();
        let unequal = differences.iter().filter(|difference| **difference != 0.0).count();
        match differences.len() {
            0 => return Difference::NoData,
            _ if unequal == 0 => return Difference::Equal,
            _ => {}
        }
        let (mean, variance) = moments(&differences);
        let n = differences.len() as f64;
        let error = variance.map(|variance| (variance / n).sqrt());
        let floor = if unequal < differences.len() || error == Some(0.0) { half_to(unequal) * 2.0 } else { 0.0 };
        Difference::Some(Estimate::new(mean, error, n - 1.0, floor, true))
    }

    /// Of the values of two variants with different seeds.
    pub fn unpaired(base: &[f64], variant: &[f64]) -> Difference {
        let Some(first) = base.first().filter(|_| !variant.is_empty()) else { return Difference::NoData };
        if base.iter().chain(variant).all(|value| value == first) {
            return Difference::Equal;
        }
        let ((base_mean, base_variance), (mean, variance)) = (moments(base), moments(variant));
        let (n, m) = (base.len() as f64, variant.len() as f64);
        let parts = base_variance.zip(variance).map(|(base, variant)| (base / n, variant / m));
        let error = parts.map(|(a, b)| (a + b).sqrt());
        // Welch and Satterthwaite; without any spread the formula is 0/0, and the floor below decides.
        let freedom = parts.map_or(0.0, |(a, b)| (a + b).powi(2) / (a * a / (n - 1.0) + b * b / (m - 1.0)));
        let freedom = if freedom.is_finite() && freedom > 0.0 { freedom } else { n + m - 2.0 };
        // All values that are not the usual one in one group: at most this likely if they fell anywhere.
        let common = most_common(base, variant);
        let floor = if common > 1 {
            let odd = (base.len() + variant.len() - common) as i32;
            (n / (n + m)).powi(odd) + (m / (n + m)).powi(odd)
        } else {
            0.0
        };
        Difference::Some(Estimate::new(mean - base_mean, error, freedom, floor, false))
    }

    /// Two-sided p; 1 where there is nothing to find.
    pub fn p(&self) -> f64 {
        if let Difference::Some(estimate) = self { estimate.p } else { 1.0 }
    }
}

impl Estimate {
    fn new(mean: f64, error: Option<f64>, freedom: f64, floor: f64, paired: bool) -> Estimate {
        let by_t = match error {
            None => 1.0,
            Some(0.0) => 0.0,
            Some(error) => two_sided_p(mean / error, freedom),
        };
        Estimate { mean, error, freedom, p: by_t.max(floor).min(1.0), paired }
    }

    /// The interval that holds the true difference but for a probability of `level`; `None` where one value shows no spread.
    ///
    /// It excludes 0 exactly where p ≤ `level`: where the sign test is the one that doubts, it is extended to 0.
    pub fn interval(&self, level: f64) -> Option<(f64, f64)> {
        let error = self.error?;
        let reach = if error == 0.0 { 0.0 } else { two_sided_quantile(level, self.freedom) * error };
        let (low, high) = (self.mean - reach, self.mean + reach);
        if self.p > level {
            return Some((low.min(0.0), high.max(0.0)));
        }
        // p ≤ level says that 0 is outside; the quantile's last bit must not say otherwise.
        Some(if self.mean > 0.0 { (low.max(f64::MIN_POSITIVE), high) } else { (low, high.min(-f64::MIN_POSITIVE)) })
    }
}

/// Mean and variance (n − 1); no variance of fewer than two. Of equal values the variance is exactly 0.
pub fn moments(values: &[f64]) -> (f64, Option<f64>) {
    let n = values.len() as f64;
    if values.is_empty() {
        return (0.0, None);
    }
    if values.iter().all(|value| *value == values[0]) {
        return (values[0], (values.len() > 1).then_some(0.0));
    }
    let mean = values.iter().sum::<f64>() / n;
    (mean, (values.len() > 1).then(|| values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (n - 1.0)))
}

fn half_to(exponent: usize) -> f64 {
    0.5_f64.powi(exponent.min(1_100) as i32)
}

/// How often the most frequent value occurs.
fn most_common(a: &[f64], b: &[f64]) -> usize {
    let mut all: Vec<f64> = a.iter().chain(b).copied().collect();
    all.sort_by(f64::total_cmp);
    all.chunk_by(|a, b| a == b).map(<[f64]>::len).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimate(difference: Difference) -> Estimate {
        match difference {
            Difference::Some(estimate) => estimate,
            other => panic!("{other:?}"),
        }
    }

    /// Student's own sleep data (Biometrika 6, 1908): hours gained with two drugs by ten patients; mean difference 1.58,
    /// t = 4.0621 with 9 degrees of freedom, p = 0.00283, 95 % interval 0.700 … 2.460.
    #[test]
    fn pairs_as_student_counted_them() {
        let one = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0];
        let two = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4];
        let got = estimate(Difference::paired(&one, &two));
        assert!((got.mean - 1.58).abs() < 1e-12);
        // One pair is exactly equal, so the sign test sets a floor, here 2^(1−9) = 0.0039.
        assert!((got.p - 2.0_f64.powi(-8)).abs() < 1e-15, "{}", got.p);
        let (low, high) = got.interval(0.05).unwrap();
        assert!((low - 0.700_114).abs() < 1e-5 && (high - 2.459_886).abs() < 1e-5, "{low} {high}");
        // The same hours as two groups: Welch gives t = 1.8608, 17.776 degrees of freedom, p = 0.07939, −0.205 … 3.365.
        // (Two values occur twice, far too few for the floor to matter.)
        let groups = estimate(Difference::unpaired(&one, &two));
        assert!((groups.p - 0.079_39).abs() < 1e-5, "{}", groups.p);
        let (low, high) = groups.interval(0.05).unwrap();
        assert!((low + 0.205_483).abs() < 1e-5 && (high - 3.365_483).abs() < 1e-5, "{low} {high}");
    }

    /// Nothing, one seed, equal values, equal differences: each says what it can and no more.
    #[test]
    fn degenerate_series() {
        assert_eq!(Difference::paired(&[], &[]), Difference::NoData);
        assert_eq!(Difference::unpaired(&[], &[1.0]), Difference::NoData);
        assert_eq!(Difference::paired(&[1.0], &[1.0]), Difference::Equal);
        assert_eq!(Difference::unpaired(&[1.0, 1.0], &[1.0]), Difference::Equal);
        let one = estimate(Difference::paired(&[1.0], &[3.0]));
        assert_eq!((one.mean, one.p, one.interval(0.05)), (2.0, 1.0, None));
        let three = estimate(Difference::paired(&[1.0, 2.0, 3.0], &[2.0, 3.0, 4.0]));
        assert_eq!((three.mean, three.p), (1.0, 0.25));
        assert_eq!(three.interval(0.05), Some((0.0, 1.0)), "three equal signs are no proof");
        let ten = estimate(Difference::paired(&[0.0; 10], &[1.0; 10]));
        assert_eq!((ten.p, ten.interval(0.05)), (2.0_f64.powi(-9), Some((1.0, 1.0))));
        let groups = estimate(Difference::unpaired(&[0.0; 10], &[1.0; 10]));
        assert_eq!((groups.p, groups.interval(0.05)), (2.0_f64.powi(-9), Some((1.0, 1.0))));
    }

    /// Rare events: one 429 in each of five seeds of twenty is not shown to be more than none, eight are.
    #[test]
    fn rare_events_are_not_taken_for_a_normal_law() {
        let with = |events: usize| -> Vec<f64> { (0..20).map(|seed| if seed < events { 1.0 } else { 0.0 }).collect() };
        let five = estimate(Difference::paired(&[0.0; 20], &with(5)));
        assert_eq!(five.p, 0.0625);
        assert_eq!(five.interval(0.05).unwrap().0, 0.0);
        let eight = estimate(Difference::paired(&[0.0; 20], &with(8)));
        assert!(eight.p <= 0.05 && eight.interval(0.05).unwrap().0 > 0.0);
    }

    /// The interval excludes 0 exactly where p is at most the level, over many series and levels.
    #[test]
    fn interval_and_p_agree() {
        let mut state = 7_u64;
        let mut draw = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 40) as f64 / f64::from(1 << 24)
        };
        for case in 0..2_000 {
            let n = 2 + case % 15;
            let shift = draw();
            let a: Vec<f64> = (0..n).map(|_| (draw() * 4.0).floor()).collect();
            let b: Vec<f64> = a.iter().map(|a| a + (draw() * 3.0 * shift).floor()).collect();
            for difference in [Difference::paired(&a, &b), Difference::unpaired(&a, &b)] {
                let Difference::Some(estimate) = difference else { continue };
                for level in [0.05, 0.05 / 3.0, estimate.p] {
                    if level <= 0.0 || level >= 1.0 {
                        continue;
                    }
                    let (low, high) = estimate.interval(level).unwrap();
                    assert_eq!(estimate.p <= level, low > 0.0 || high < 0.0, "{case} {level} {estimate:?} {low} {high}");
                    assert!(low <= estimate.mean && estimate.mean <= high);
                }
            }
        }
    }
}

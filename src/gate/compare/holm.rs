//! Several hypotheses at once: Holm's step-down procedure (Scandinavian Journal of Statistics 6, 1979).
//!
//! Sort the p-values; the i-th smallest of m (i = 0, 1 …) is judged at α/(m − i), and the first that is above its level
//! ends it. The probability of even one false finding is then at most α, whatever the dependence between the tests.

/// The level at which each hypothesis is judged: it is rejected iff p ≤ level. In the order of `p`.
///
/// From the first one that is kept on, all are judged at that one's level: so an interval at this level includes 0 exactly
/// where the hypothesis of no difference is kept.
pub fn levels(p: &[f64], alpha: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*a].total_cmp(&p[*b]));
    let mut levels = vec![alpha; p.len()];
    let mut stopped = None;
    for (position, &index) in order.iter().enumerate() {
        let level = stopped.unwrap_or(alpha / (p.len() - position) as f64);
        levels[index] = level;
        if p[index] > level {
            stopped = Some(level);
        }
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By hand at 5 % for p = 0.03, 0.01, 0.04, 0.005: sorted 0.005 ≤ 0.0125, 0.01 ≤ 0.0167, but 0.03 > 0.025, and so
    /// 0.04 is kept too, although 0.04 ≤ 0.05.
    #[test]
    fn steps_down_until_the_first_that_is_kept() {
        let p = [0.03, 0.01, 0.04, 0.005];
        let levels = levels(&p, 0.05);
        let want = [0.025, 0.05 / 3.0, 0.025, 0.0125];
        for (level, want) in levels.iter().zip(want) {
            assert!((level - want).abs() < 1e-15, "{levels:?}");
        }
        let rejected: Vec<bool> = p.iter().zip(&levels).map(|(p, level)| p <= level).collect();
        assert_eq!(rejected, [false, true, false, true]);
    }

    /// One hypothesis is judged at α; none gives none; where all are clear the last is judged at α.
    #[test]
    fn the_ends() {
        assert_eq!(levels(&[0.2], 0.05), [0.05]);
        assert_eq!(levels(&[], 0.05), [] as [f64; 0]);
        assert_eq!(levels(&[0.0, 0.001], 0.05), [0.025, 0.05]);
    }
}

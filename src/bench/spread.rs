//! The middle of rounds, with an interval that presumes nothing of how they scatter.

use crate::report::Spread;

/// Of at least one round.
///
/// The interval is that between two order statistics that hold the median with a probability of 95 % whatever the distribution
/// (the sign test turned round: Conover, *Practical Nonparametric Statistics*, 3rd ed., 1999, section 3.2, by its normal
/// approximation); all that was seen where there are fewer than six rounds.
pub fn of(rounds: &[f64]) -> Spread {
    let mut sorted = rounds.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let (n, last) = (sorted.len(), sorted.len() - 1);
    let below = (n as f64 / 2.0 - 1.96 * (n as f64).sqrt() / 2.0).floor().max(1.0) as usize - 1;
    let median = (sorted[last / 2] + sorted[n / 2]) / 2.0;
    Spread { lowest: sorted[0], median, low: sorted[below], high: sorted[last - below] }
}

/// How far from 1 the interval of a ratio reaches.
pub fn from_one(ratio: &Spread) -> f64 {
    (1.0 - ratio.low).abs().max((ratio.high - 1.0).abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_extremes_by_hand() {
        let spread = of(&[4.0, 1.0, 3.0, 2.0]);
        assert_eq!(spread, Spread { lowest: 1.0, median: 2.5, low: 1.0, high: 4.0 });
        assert_eq!(of(&[7.0]), Spread { lowest: 7.0, median: 7.0, low: 7.0, high: 7.0 });
        assert_eq!(from_one(&Spread { lowest: 0.5, median: 1.0, low: 0.9, high: 1.05 }), 1.0 - 0.9);
    }

    /// The chance that the median lies outside of two order statistics is a sum of binomial terms: for 100 rounds, the 40th and
    /// the 61st hold it with 96.5 %, and no closer pair that is as far from both ends does with 95 %.
    #[test]
    fn the_interval_holds_the_median_with_95_percent() {
        let rounds: Vec<f64> = (1..=100).map(f64::from).collect();
        let spread = of(&rounds);
        assert_eq!((spread.median, spread.low, spread.high), (50.5, 40.0, 61.0));
        let outside = |rank: u32| {
            let mut term = 0.5_f64.powi(100);
            let mut sum = 0.0;
            for k in 0..rank {
                sum += term;
                term *= f64::from(100 - k) / f64::from(k + 1);
            }
            2.0 * sum
        };
        assert!(outside(40) < 0.05 && outside(41) > 0.05, "{} {}", outside(40), outside(41));
    }
}

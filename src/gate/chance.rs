//! What a share of random draws can and cannot show: three verdicts with known error rates.
//!
//! Under `random` and `weighted-random` every attempt is an independent draw, so a measured share q of N attempts scatters
//! around its true value with standard deviation σ = √(p(1−p)/N). A plain `abs(q − target) ≤ tolerance` would fail a correct
//! balancer whenever N is small, and pass a wrong one as often. Instead:
//!
//! - **holds** only where the true share is within the tolerance, up to a risk of [`RISK_OF_PASS`] over all providers together:
//!   abs(q − p) + z·σ < δ, two one-sided tests (Schuirmann, J. Pharmacokinet. Biopharm. 15, 1987) with z = z(1 − α/k);
//! - **fails** only where a balancer that follows the target would deviate so far with probability [`RISK_OF_FAIL`]:
//!   abs(q − p) > δ and abs(q − p) > z(1 − α/2)·σ;
//! - otherwise it is **undecided**: more attempts, or a wider tolerance, are needed, and [`needed`] says how many.
//!
//! For the total variation distance of k shares from their targets the deviation that chance allows is at most
//! √(ln((2^k − 2)/α)/(2N)) with probability 1 − α (Bretagnolle and Huber-Carol; Weissman et al., HPL-2003-97).

use statrs::distribution::{ContinuousCDF, Normal};

use crate::engine::strategy::Strategy;

/// Probability that a gate passes a balancer whose true shares are outside, over all providers together.
pub const RISK_OF_PASS: f64 = 0.01;
/// Probability that a gate fails a balancer that follows the target.
pub const RISK_OF_FAIL: f64 = 1e-4;

/// What the draws show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// It is within.
    Holds,
    /// It is outside, and chance does not explain that.
    Fails,
    /// Neither; about so many attempts would settle it for a balancer that follows the target.
    Undecided {
        /// Attempts; `None`: no number is enough, the tolerance is zero.
        needs: Option<u64>,
    },
}

/// Whether every attempt under a strategy is an independent draw by the target shares.
pub fn draws(strategy: Strategy) -> bool {
    matches!(strategy, Strategy::Random | Strategy::WeightedRandom)
}

/// Whether the share `got` of `draws` attempts shows `target` ± `tolerance`, in a pool of `providers`.
pub fn share(got: f64, target: f64, tolerance: f64, draws: u64, providers: usize) -> Shown {
    let sigma = (target * (1.0 - target) / draws.max(1) as f64).sqrt();
    let off = (got - target).abs();
    decide(off, tolerance, pass_quantile(providers) * sigma, fail_quantile() * sigma, || needed(target, tolerance, providers))
}

/// Whether a total variation distance `got` of `draws` attempts over `providers` shows that it is at most `most`.
pub fn total_variation(got: f64, most: f64, draws: u64, providers: usize) -> Shown {
    let within = |risk: f64| distance_by_chance(risk, draws as f64, providers);
    let needs = || {
        let sum = distance_by_chance(RISK_OF_PASS, 1.0, providers) + distance_by_chance(RISK_OF_FAIL, 1.0, providers);
        (most > 0.0).then(|| (sum / most).powi(2).ceil() as u64)
    };
    decide(got, most, within(RISK_OF_PASS), within(RISK_OF_FAIL), needs)
}

/// Attempts from which on a balancer that follows `target` shows `target` ± `tolerance` but for one run in 10,000;
/// `None` where no number is enough.
pub fn needed(target: f64, tolerance: f64, providers: usize) -> Option<u64> {
    let draws = ((pass_quantile(providers) + fail_quantile()) / tolerance).powi(2) * target * (1.0 - target);
    draws.is_finite().then(|| draws.ceil() as u64)
}

/// How far a share `target` of `draws` attempts is off by chance in one run of 10,000.
pub fn share_by_chance(target: f64, draws: f64) -> f64 {
    fail_quantile() * (target * (1.0 - target) / draws).sqrt()
}

fn decide(off: f64, tolerance: f64, pass: f64, fail: f64, needs: impl FnOnce() -> Option<u64>) -> Shown {
    if off + pass < tolerance {
        Shown::Holds
    } else if off > tolerance && off > fail {
        Shown::Fails
    } else {
        Shown::Undecided { needs: needs() }
    }
}

/// One-sided, and the risk shared among the providers.
fn pass_quantile(providers: usize) -> f64 {
    normal_quantile(1.0 - RISK_OF_PASS / providers.max(1) as f64)
}

/// Two-sided.
fn fail_quantile() -> f64 {
    normal_quantile(1.0 - RISK_OF_FAIL / 2.0)
}

fn distance_by_chance(risk: f64, draws: f64, providers: usize) -> f64 {
    // ln(2^k − 2), without computing 2^k of a large pool.
    let k = providers.max(2) as f64;
    let subsets = k * std::f64::consts::LN_2 + libm::log1p(-libm::exp2(1.0 - k));
    ((subsets - libm::log(risk)) / (2.0 * draws.max(1.0))).sqrt()
}

fn normal_quantile(p: f64) -> f64 {
    Normal::standard().inverse_cdf(p)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::{Draws, Stream};

    const WEIGHTS: [f64; 3] = [0.5, 0.3, 0.2];

    /// Shares of `draws` attempts that follow `weights`.
    fn shares(seed: u64, draws: u64, weights: [f64; 3]) -> [f64; 3] {
        let mut uniform = Draws::new(seed, Stream::Service, 0);
        let mut counts = [0_u64; 3];
        for _ in 0..draws {
            let u = (uniform.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
            counts[if u < weights[0] {
                0
            } else if u < weights[0] + weights[1] {
                1
            } else {
                2
            }] += 1;
        }
        counts.map(|count| count as f64 / draws as f64)
    }

    fn verdicts(shares: [f64; 3], tolerance: f64, draws: u64) -> [Shown; 3] {
        std::array::from_fn(|i| share(shares[i], WEIGHTS[i], tolerance, draws, 3))
    }

    /// A gate with as many draws as `needed` says: at most one of 1,000 correct balancers does not pass (the rate is set to
    /// 3 × 1e-4), and none fails.
    #[test]
    fn a_correct_balancer_passes() {
        let tolerance = 0.1;
        let draws = WEIGHTS.map(|weight| needed(weight, tolerance, 3).unwrap()).into_iter().max().unwrap();
        let all: Vec<_> = (0..1_000).map(|seed| verdicts(shares(seed, draws, WEIGHTS), tolerance, draws)).collect();
        let alarms = all.iter().filter(|verdicts| verdicts.iter().any(|verdict| *verdict != Shown::Holds)).count();
        assert!(alarms <= 1, "{alarms} of 1,000 with {draws} draws");
        assert!(!all.iter().flatten().any(|verdict| *verdict == Shown::Fails));
    }

    /// Weights ignored: of 1,000 seeds with 500 draws none passes, and at least 99 % fail outright.
    #[test]
    fn ignored_weights_are_caught() {
        let broken = |seed| verdicts(shares(seed, 500, [1.0 / 3.0; 3]), 0.08, 500);
        let failed = (0..1_000).filter(|seed| broken(*seed).contains(&Shown::Fails)).count();
        assert!(failed >= 990, "{failed}");
    }

    /// A balancer that is off by exactly the tolerance passes in no more than the stated share of runs: the risk is 1 %
    /// over three providers, 34 of 1,000 is four standard deviations above that.
    #[test]
    fn a_wrong_balancer_seldom_passes() {
        let wrong = [0.55, 0.25, 0.2];
        let passed =
            (0..1_000).filter(|seed| verdicts(shares(*seed, 2_000, wrong), 0.05, 2_000).iter().all(|v| *v == Shown::Holds)).count();
        assert!(passed <= 22, "{passed}");
    }

    /// With too few draws nothing is shown either way, and the number needed is told; a zero tolerance never suffices.
    #[test]
    fn few_draws_show_nothing() {
        // z(1 − 0.01/3) = 2.713, z(1 − 0.5e-4) = 3.891: ((2.713 + 3.891) / 0.01)² / 4 = 109,032.
        let Shown::Undecided { needs: Some(needs) } = share(0.52, 0.5, 0.01, 100, 3) else { panic!("100 draws show nothing") };
        assert!((109_000..109_070).contains(&needs), "{needs}");
        assert_eq!(share(0.5, 0.5, 0.0, 1_000_000, 2), Shown::Undecided { needs: None });
        assert_eq!(share(0.5, 0.5, 0.01, needs, 3), Shown::Holds);
        assert_eq!(share(0.7, 0.5, 0.01, 1_000, 3), Shown::Fails);
    }

    /// The bound on the total variation by hand (k = 3: √(ln(6/α)/(2N))), kept in 10,000 correct runs, and the verdicts.
    #[test]
    fn total_variation_has_its_bound() {
        assert!((distance_by_chance(0.01, 1_000.0, 3) - (600.0_f64.ln() / 2_000.0).sqrt()).abs() < 1e-12);
        let distance = |shares: [f64; 3]| shares.iter().zip(WEIGHTS).map(|(q, p)| (q - p).abs()).sum::<f64>() / 2.0;
        for seed in 0..1_000 {
            let got = distance(shares(seed, 400, WEIGHTS));
            assert!(got <= distance_by_chance(RISK_OF_FAIL, 400.0, 3), "seed {seed}: {got}");
        }
        assert_eq!(total_variation(0.17, 0.05, 2_000, 3), Shown::Fails);
        assert_eq!(total_variation(0.01, 0.2, 2_000, 3), Shown::Holds);
        assert!(matches!(total_variation(0.01, 0.02, 2_000, 3), Shown::Undecided { needs: Some(30_000..80_000) }));
    }
}

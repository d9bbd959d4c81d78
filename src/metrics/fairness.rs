//! Target shares, and how far the shares are from them.
//!
//! q is a provider's share, p its target, N the number of attempts, k the number of providers with a target above zero.
//!
//! | figure | formula |
//! |---|---|
//! | total variation | ½ Σ abs(q − p): the fraction of attempts in the wrong place (Levin, Peres, Wilmer: Markov Chains and Mixing Times, prop. 4.2) |
//! | χ² | Σ (O − Np)² / (Np), k − 1 degrees of freedom (Pearson, Phil. Mag. 50, 1900) |
//! | Jain, weighted | (Σx)² / (kΣx²) with x = q/p (Jain, Chiu, Hawe: DEC-TR-301, 1984) |

use statrs::distribution::{ChiSquared, ContinuousCDF};

use super::config::{ClassInfo, RecorderConfig};
use crate::engine::strategy::Strategy;
use crate::report::Fairness;

/// Target share of each provider, for requests of one class or of all; `None` for all where there is no target.
///
/// Each class is divided among the providers that serve it in their lowest tier, drained ones left out: by weight
/// (equally where nothing is weighted), or by quota for `rate-limit-aware`. A provider's target is the sum over the
/// classes by their shares of requests. With one class and one tier this is plainly the share of the weights. What
/// only takes over for others (a higher tier) and what is drained has the target 0.
pub fn targets(config: &RecorderConfig, class: Option<usize>) -> Vec<Option<f64>> {
    let mut targets = vec![0.0; config.providers.len()];
    let mut total = 0.0;
    for (index, info) in config.classes.iter().enumerate() {
        if class.is_some_and(|class| class != index) {
            continue;
        }
        // Of one class alone its share among the others does not matter, and may be zero.
        let share = if class.is_some() { 1.0 } else { info.share };
        let Some(parts) = divide(config, info) else { return vec![None; targets.len()] };
        let sum: f64 = parts.iter().sum();
        if sum > 0.0 {
            total += share;
            targets.iter_mut().zip(&parts).for_each(|(target, part)| *target += share * part / sum);
        }
    }
    targets.into_iter().map(|target| (total > 0.0).then(|| target / total)).collect()
}

/// How much of a class each provider should get, in any unit; `None` where there is no rule.
fn divide(config: &RecorderConfig, class: &ClassInfo) -> Option<Vec<f64>> {
    let serves = |models: &[String]| class.model.as_ref().is_none_or(|model| models.is_empty() || models.contains(model));
    let able: Vec<bool> = config.providers.iter().map(|provider| !provider.drained && serves(&provider.models)).collect();
    let tier = config.providers.iter().zip(&able).filter(|(_, able)| **able).map(|(provider, _)| provider.priority).min();
    let meant = |index: usize| able[index] && Some(config.providers[index].priority) == tier;
    let providers = 0..config.providers.len();
    let part = match config.strategy {
        Strategy::RateLimitAware => {
            let indices: Vec<usize> = providers.clone().filter(|index| meant(*index)).collect();
            let quotas = quotas(config, &indices)?;
            return Some(providers.map(|index| indices.iter().position(|i| *i == index).map_or(0.0, |at| quotas[at])).collect());
        }
        _ => |index: usize| config.providers[index].weight.unwrap_or(1.0),
    };
    Some(providers.map(|index| if meant(index) { part(index) } else { 0.0 }).collect())
}

/// Quotas in requests per minute where all have one, else in tokens per minute; `None` where neither compares them.
/// The members of a group share theirs equally.
fn quotas(config: &RecorderConfig, indices: &[usize]) -> Option<Vec<f64>> {
    let part = |index: &usize, quota: Option<f64>| Some(quota? / config.quota_of(*index).1 as f64);
    let by_requests = indices.iter().map(|index| part(index, config.limits_of(*index).rpm)).collect::<Option<Vec<f64>>>();
    by_requests.or_else(|| indices.iter().map(|index| part(index, config.limits_of(*index).tpm)).collect())
}

/// Shares of `attempts` against `targets`; all `null` without attempts or without a target.
///
/// An attempt where the target is 0 is impossible under the hypothesis that χ² tests: χ² is infinite (`null`) and its
/// tail probability 0.
pub fn fairness(attempts: &[u64], targets: &[Option<f64>]) -> Fairness {
    let total: u64 = attempts.iter().sum();
    let Some(targets) = targets.iter().copied().collect::<Option<Vec<f64>>>() else { return Fairness::default() };
    if total == 0 {
        return Fairness::default();
    }
    let n = total as f64;
    let errors = attempts.iter().zip(&targets).map(|(attempts, p)| (*attempts as f64 / n - p).abs());
    let (max, sum) = errors.fold((0.0_f64, 0.0), |(max, sum), error| (max.max(error), sum + error));
    let (chi2, chi2_p) = chi2(attempts, &targets, n);
    Fairness { max_share_error: Some(max), total_variation: Some(sum / 2.0), jain: jain(attempts, &targets, n), chi2, chi2_p }
}

fn jain(attempts: &[u64], targets: &[f64], n: f64) -> Option<f64> {
    let ratios = attempts.iter().zip(targets).filter(|(_, p)| **p > 0.0).map(|(attempts, p)| *attempts as f64 / n / p);
    let (k, sum, squares) = ratios.fold((0.0, 0.0, 0.0), |(k, sum, squares), x| (k + 1.0, sum + x, squares + x * x));
    (squares > 0.0).then(|| sum * sum / (k * squares))
}

/// χ² and its tail probability, which needs at least two providers and five expected attempts at each (Cochran, 1954).
fn chi2(attempts: &[u64], targets: &[f64], n: f64) -> (Option<f64>, Option<f64>) {
    if attempts.iter().zip(targets).any(|(attempts, p)| *p <= 0.0 && *attempts > 0) {
        return (None, Some(0.0));
    }
    let expected = || attempts.iter().zip(targets).filter(|(_, p)| **p > 0.0).map(|(attempts, p)| (*attempts as f64, n * p));
    let chi2 = expected().map(|(observed, expected)| (observed - expected).powi(2) / expected).sum();
    let freedom = expected().count().saturating_sub(1);
    if freedom == 0 || expected().any(|(_, expected)| expected < 5.0) {
        return (Some(chi2), None);
    }
    (Some(chi2), ChiSquared::new(freedom as f64).ok().map(|law| law.sf(chi2)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::limit::Limits;
    use crate::metrics::tests::config;

    /// One of four at +20 % scores Jain 4² / (4 · (1.2² + 3 · (14/15)²)) = 0.9868.
    #[test]
    fn fairness_by_hand() {
        let equal = [Some(0.25); 4];
        // 300 : 233.33 ×3 scaled to integers: shares 0.3 and 0.2333… of 3,000.
        let got = fairness(&[900, 700, 700, 700], &equal);
        assert!((got.max_share_error.unwrap() - 0.05).abs() < 1e-12);
        assert!((got.total_variation.unwrap() - 0.05).abs() < 1e-12);
        assert!((got.jain.unwrap() - 0.9868).abs() < 5e-5, "{got:?}");
        // (150² + 3·50²)/750 = 40 with 3 degrees of freedom; the tail there is 1.0666e-8 (closed form: erfc(√20) + √(80/π)·e^−20).
        assert!((got.chi2.unwrap() - 40.0).abs() < 1e-9);
        let tail = 2.5397e-10_f64 + (80.0 / std::f64::consts::PI).sqrt() * (-20.0_f64).exp();
        assert!((got.chi2_p.unwrap() / tail - 1.0).abs() < 1e-3, "{got:?}, not {tail}");
        // Exactly on target, with unequal weights.
        let got = fairness(&[50, 10, 10], &[Some(5.0 / 7.0), Some(1.0 / 7.0), Some(1.0 / 7.0)]);
        assert!(got.max_share_error.unwrap() < 1e-15 && (got.jain.unwrap() - 1.0).abs() < 1e-12 && got.chi2_p.unwrap() > 0.999_999);
    }

    /// No attempts, no target: nothing is said. Few attempts: no p-value. An attempt where none may be: p is 0.
    #[test]
    fn fairness_edges() {
        assert_eq!(fairness(&[0, 0], &[Some(0.5), Some(0.5)]), Fairness::default());
        assert_eq!(fairness(&[3, 4], &[None, None]), Fairness::default());
        let few = fairness(&[4, 5], &[Some(0.5), Some(0.5)]);
        assert_eq!((few.chi2_p, few.chi2.is_some()), (None, true));
        let one = fairness(&[9], &[Some(1.0)]);
        assert_eq!((one.chi2_p, one.max_share_error, one.jain), (None, Some(0.0), Some(1.0)));
        let leak = fairness(&[50, 49, 1], &[Some(0.5), Some(0.5), Some(0.0)]);
        assert_eq!((leak.chi2, leak.chi2_p), (None, Some(0.0)));
        assert!((leak.total_variation.unwrap() - 0.01).abs() < 1e-12);
    }

    /// Weights, equal parts, a higher tier, a drained provider, classes with their own models, quotas: targets by hand.
    #[test]
    fn targets_by_hand() {
        let shares = |config: &RecorderConfig| targets(config, None);
        let mut config = config(&["a", "b", "c", "d"]);
        assert_eq!(shares(&config), [Some(0.25); 4]);
        for (index, weight) in [5.0, 1.0, 2.0, 8.0].into_iter().enumerate() {
            config.providers[index].weight = Some(weight);
        }
        assert_eq!(shares(&config), [5.0, 1.0, 2.0, 8.0].map(|weight| Some(weight / 16.0)));
        config.providers[2].priority = 1;
        config.providers[3].drained = true;
        assert_eq!(shares(&config), [Some(5.0 / 6.0), Some(1.0 / 6.0), Some(0.0), Some(0.0)]);
        config.providers[0].models = vec!["m".to_owned()];
        config.classes = vec![
            ClassInfo { name: "m".to_owned(), model: Some("m".to_owned()), share: 0.6 },
            ClassInfo { name: "n".to_owned(), model: Some("n".to_owned()), share: 0.4 },
        ];
        assert_eq!(targets(&config, Some(1)), [Some(0.0), Some(1.0), Some(0.0), Some(0.0)]);
        assert_eq!(shares(&config), [Some(0.6 * 5.0 / 6.0), Some(0.6 / 6.0 + 0.4), Some(0.0), Some(0.0)]);
    }

    /// `rate-limit-aware` follows requests per minute where all have them, else tokens per minute, else nothing.
    #[test]
    fn quota_targets_by_hand() {
        let mut config = config(&["a", "b", "c"]);
        config.strategy = Strategy::RateLimitAware;
        assert_eq!(targets(&config, None), [None; 3]);
        for (index, tpm) in [100.0, 300.0, 100.0].into_iter().enumerate() {
            config.providers[index].limits = Limits { tpm: Some(tpm), ..Limits::default() };
        }
        config.providers[0].limits.rpm = Some(60.0);
        assert_eq!(targets(&config, None), [Some(0.2), Some(0.6), Some(0.2)]);
        config.providers[1].limits.rpm = Some(60.0);
        config.providers[2].limits.rpm = Some(120.0);
        assert_eq!(targets(&config, None), [Some(0.25), Some(0.25), Some(0.5)]);
        // a and b now share one quota of 60.
        (0..2).for_each(|index| config.providers[index].quota_group = Some("org".to_owned()));
        assert_eq!(targets(&config, None), [30.0, 30.0, 120.0].map(|part| Some(part / 180.0)));
    }
}

//! What can be wrong with a configuration, apart from single limits.

use std::fmt::Display;

use super::config::{Config, ConfigError, OutlierDetection, OutputEstimate, PROVIDERS_MAX, ProbeRules, ProviderConfig, Retry};
use super::limit::Limits;
use crate::time::Nanos;

impl Config {
    /// Everything that can be wrong without looking into limits.
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        let providers = &self.providers;
        if providers.is_empty() {
            return Err(ConfigError::NoProvider);
        }
        if providers.len() > PROVIDERS_MAX {
            return Err(ConfigError::TooManyProviders { count: providers.len() });
        }
        if self.choices == 0 {
            return Err(ConfigError::NoChoices);
        }
        if let OutputEstimate::Percentile(percentile) = self.output_estimate
            && !(50..=99).contains(&percentile)
        {
            return Err(ConfigError::Percentile { percentile });
        }
        let mut names: Vec<&str> = providers.iter().map(|provider| provider.name.as_str()).collect();
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(ConfigError::DuplicateName { name: pair[0].to_owned() });
        }
        self.check_weights()?;
        self.check_prices()?;
        self.check_groups()?;
        self.outlier_detection.as_ref().map_or(Ok(()), check_outliers)?;
        check_retry(&self.retry)?;
        check_probes(self.probes)
    }

    fn check_weights(&self) -> Result<(), ConfigError> {
        let weighted = self.providers.iter().any(|provider| provider.weight.is_some());
        for provider in &self.providers {
            match provider.weight {
                Some(weight) if !(weight.is_finite() && weight > 0.0) => {
                    return Err(ConfigError::Weight { provider: provider.name.clone(), weight });
                }
                None if weighted => return Err(ConfigError::MissingWeight { provider: provider.name.clone() }),
                _ => {}
            }
        }
        Ok(())
    }

    fn check_prices(&self) -> Result<(), ConfigError> {
        for provider in &self.providers {
            let prices = provider.cost.map_or([0.0; 2], |cost| [cost.input, cost.output]);
            if let Some(price) = prices.into_iter().find(|price| !(price.is_finite() && *price >= 0.0)) {
                return Err(ConfigError::Price { provider: provider.name.clone(), price });
            }
        }
        Ok(())
    }

    fn check_groups(&self) -> Result<(), ConfigError> {
        for provider in self.providers.iter().filter(|provider| provider.quota_group.is_some()) {
            let keeper = self.quota_keeper(provider);
            if provider.limits != Limits::default() && provider.limits != keeper.limits {
                let group = provider.quota_group.clone().unwrap_or_default();
                return Err(ConfigError::GroupLimits { group, provider: keeper.name.clone(), other: provider.name.clone() });
            }
        }
        Ok(())
    }

    /// Whose limits count for a provider: its own, or in a quota group those of the first member that states any.
    pub(crate) fn quota_keeper<'a>(&'a self, provider: &'a ProviderConfig) -> &'a ProviderConfig {
        if provider.quota_group.is_none() {
            return provider;
        }
        let mut members = self.providers.iter().filter(|other| other.quota_group == provider.quota_group);
        members.find(|member| member.limits != Limits::default()).unwrap_or(provider)
    }
}

fn check_outliers(rules: &OutlierDetection) -> Result<(), ConfigError> {
    let ratio = rules.error_ratio;
    must(rules.consecutive_errors >= 1, "consecutive_errors", rules.consecutive_errors, "at least 1 failure must come before an ejection")?;
    must(ratio > 0.0 && ratio <= 1.0, "error_ratio", ratio, "a share of failures above 0 and at most 1 is needed")?;
    must(rules.window > Nanos::ZERO, "window", rules.window, "failures are counted over a time longer than 0")?;
    must(rules.min_requests >= 1, "min_requests", rules.min_requests, "a ratio needs at least 1 request")?;
    must(rules.base_ejection_time > Nanos::ZERO, "base_ejection_time", rules.base_ejection_time, "an ejection lasts longer than 0")?;
    let cap = rules.max_ejection_time;
    must(
        cap >= rules.base_ejection_time,
        "max_ejection_time",
        cap,
        "the longest ejection is no shorter than the first, base_ejection_time",
    )?;
    must(rules.max_ejection_percent <= 100, "max_ejection_percent", rules.max_ejection_percent, "at most 100 % of a pool can be out")
}

fn check_retry(retry: &Retry) -> Result<(), ConfigError> {
    let budget = retry.budget.unwrap_or_default();
    must(budget.is_finite() && budget >= 0.0, "budget", budget, "retries ÷ requests, a number of at least 0, is needed")?;
    let cap = retry.max_backoff;
    must(cap >= retry.backoff, "max_backoff", cap, "the longest wait is no shorter than the first, backoff")
}

fn check_probes(rules: ProbeRules) -> Result<(), ConfigError> {
    must(rules.unhealthy_threshold >= 1, "unhealthy_threshold", rules.unhealthy_threshold, "at least 1 probe must fail before it counts")?;
    must(rules.healthy_threshold >= 1, "healthy_threshold", rules.healthy_threshold, "at least 1 probe must succeed before it counts")
}

fn must(holds: bool, key: &'static str, value: impl Display, must: &'static str) -> Result<(), ConfigError> {
    if holds { Ok(()) } else { Err(ConfigError::Rule { key, value: value.to_string(), must }) }
}

#[cfg(test)]
mod tests {
    use super::super::config::Cost;
    use super::*;
    use crate::engine::Strategy;

    fn pool(groups: &[(Option<&str>, Option<f64>)]) -> Config {
        let providers = groups.iter().enumerate().map(|(i, (group, rpm))| ProviderConfig {
            name: format!("p{i}"),
            quota_group: group.map(str::to_owned),
            limits: Limits { rpm: *rpm, ..Limits::default() },
            ..ProviderConfig::default()
        });
        Config::new(Strategy::LowestCost, providers.collect())
    }

    #[test]
    fn rules_that_make_no_sense_are_refused_by_name() {
        let rules = OutlierDetection::default;
        let wrong = [
            (OutlierDetection { consecutive_errors: 0, ..rules() }, "consecutive_errors is 0"),
            (OutlierDetection { error_ratio: f64::NAN, ..rules() }, "error_ratio is NaN"),
            (OutlierDetection { error_ratio: 1.1, ..rules() }, "error_ratio is 1.1"),
            (OutlierDetection { window: Nanos::ZERO, ..rules() }, "window is 0"),
            (OutlierDetection { min_requests: 0, ..rules() }, "min_requests is 0"),
            (OutlierDetection { base_ejection_time: Nanos::ZERO, ..rules() }, "base_ejection_time is 0"),
            (OutlierDetection { max_ejection_time: Nanos::from_secs(9), ..rules() }, "max_ejection_time is 9s"),
            (OutlierDetection { max_ejection_percent: 101, ..rules() }, "max_ejection_percent is 101"),
        ];
        for (rules, message) in wrong {
            let error = Config { outlier_detection: Some(rules), ..pool(&[(None, None)]) }.check().expect_err(message);
            assert!(error.to_string().starts_with(message), "{error}");
        }
        let wrong = [
            (Retry { budget: Some(f64::NAN), ..Retry::default() }, "budget is NaN"),
            (Retry { budget: Some(-1.0), ..Retry::default() }, "budget is -1"),
            (Retry { backoff: Nanos::from_secs(6), ..Retry::default() }, "max_backoff is 5s"),
        ];
        for (retry, message) in wrong {
            let error = Config { retry, ..pool(&[(None, None)]) }.check().expect_err(message);
            assert!(error.to_string().starts_with(message), "{error}");
        }
        let probes = ProbeRules { healthy_threshold: 0, ..ProbeRules::default() };
        let error = Config { probes, ..pool(&[(None, None)]) }.check().expect_err("no probe is enough");
        assert!(error.to_string().starts_with("healthy_threshold is 0"), "{error}");
    }

    #[test]
    fn prices_are_numbers_from_nought() {
        for price in [-1.0, f64::NAN, f64::INFINITY] {
            let mut config = pool(&[(None, None)]);
            config.providers[0].cost = Some(Cost { input: 0.0, output: price });
            assert!(matches!(config.check(), Err(ConfigError::Price { .. })), "{price}");
        }
    }

    #[test]
    fn a_group_has_the_limits_that_one_of_its_members_states() {
        let keeper = |config: &Config, position: usize| config.quota_keeper(&config.providers[position]).name.clone();
        let config = pool(&[(Some("g"), None), (Some("g"), Some(60.0)), (None, Some(5.0)), (Some("g"), Some(60.0))]);
        assert_eq!(config.check(), Ok(()));
        assert_eq!([0, 1, 2, 3].map(|position| keeper(&config, position)), ["p1", "p1", "p2", "p1"]);
        assert_eq!(pool(&[(Some("alone"), None)]).check(), Ok(()), "others may come");
        let error = pool(&[(Some("g"), Some(60.0)), (Some("g"), Some(61.0))]).check().expect_err("two limits of one quota");
        assert_eq!(error, ConfigError::GroupLimits { group: "g".into(), provider: "p0".into(), other: "p1".into() });
    }
}

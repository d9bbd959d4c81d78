//! Active health probes: what a gateway's own small requests came to.

use super::log::HealthChange;
use crate::engine::config::ProbeRules;
use crate::time::Nanos;

/// Probes of one provider in a row.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Probes {
    good: u32,
    bad: u32,
    failed: bool,
}

impl Probes {
    /// A probe ended; tells when that takes the provider out or brings it back.
    pub fn ended(&mut self, rules: ProbeRules, good: bool) -> Option<HealthChange> {
        if good {
            (self.good, self.bad) = (self.good.saturating_add(1), 0);
        } else {
            (self.good, self.bad) = (0, self.bad.saturating_add(1));
        }
        if !self.failed && self.bad >= rules.unhealthy_threshold {
            self.failed = true;
            return Some(HealthChange::Ejected { until: Nanos::MAX });
        }
        if self.failed && self.good >= rules.healthy_threshold {
            self.failed = false;
            return Some(HealthChange::Readmitted);
        }
        None
    }

    /// Whether they say that the provider is down.
    #[inline]
    pub fn have_failed(&self) -> bool {
        self.failed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_count_probes_in_a_row() {
        let rules = ProbeRules { unhealthy_threshold: 3, healthy_threshold: 2 };
        let mut probes = Probes::default();
        let outcomes = [false, false, true, false, false, false, false, true, false, true, true, true];
        let changes: Vec<_> = outcomes.iter().map(|good| probes.ended(rules, *good)).collect();
        let expected: Vec<_> = (0..12)
            .map(|i| match i {
                5 => Some(HealthChange::Ejected { until: Nanos::MAX }),
                10 => Some(HealthChange::Readmitted),
                _ => None,
            })
            .collect();
        assert_eq!(changes, expected);
    }
}

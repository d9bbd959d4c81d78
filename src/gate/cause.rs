//! Why an expectation probably does not hold: a guess from the figures of the run, for a person to start from.

use super::expect::Expectation;
use super::metric::Metric;
use crate::drive::Plan;
use crate::engine::strategy::Strategy;
use crate::report::{ExpectationResult, ProviderRun, Run, Verdict};
use crate::world::spec::Visibility;

/// What most likely keeps `result` from holding; `None` where the figures suggest nothing.
pub fn likely_cause(expectation: &Expectation, result: &ExpectationResult, run: &Run, plan: &Plan) -> Option<String> {
    let scene = Scene { run, plan };
    if result.verdict == Verdict::NoData {
        return Some(scene.no_data(expectation));
    }
    match expectation.metric {
        Metric::Share | Metric::MaxShareError | Metric::TotalVariation | Metric::Chi2P => scene.shares(result),
        Metric::SuccessRatio | Metric::Failed | Metric::Shed | Metric::ShedRatio => scene.losses(),
        Metric::Goodput | Metric::Efficiency => scene.late().or_else(|| scene.losses()),
        Metric::RateLimited | Metric::RateLimitedRatio => scene.refusals(),
        Metric::RetriesPerRequest => scene.failures(),
        Metric::Latency(_) | Metric::Ttft(_) => scene.slowness(),
        Metric::ProviderQueue(_) | Metric::InFlightMax => scene.crowding(),
        Metric::InFlightRatio(_) => scene.busiest("has more under way than another"),
        Metric::InFlightEnd => Some("a lease is dropped without being settled: a cancel, a timeout or a broken connection".to_owned()),
        Metric::RetryAfterError(_) => scene.quota(),
        Metric::BalancerQueue(_) | Metric::QuotaUtilization => scene.quota(),
        Metric::Ejections | Metric::EjectionDelay | Metric::RecoveryTime => scene.health(),
        Metric::Cost => scene.busiest("takes most of the load"),
        Metric::Overhead(_) | Metric::Decision(_) => {
            Some("wall-clock time: another machine, or other work on this one, gives other figures".to_owned())
        }
    }
}

/// A run and what it was a run of.
#[derive(Clone, Copy)]
struct Scene<'a> {
    run: &'a Run,
    plan: &'a Plan,
}

impl Scene<'_> {
    fn no_data(self, expectation: &Expectation) -> String {
        let health = self.plan.engine.outlier_detection.is_some();
        match expectation.metric {
            Metric::Overhead(_) if self.plan.real.is_none() => "there is none in virtual time: run with `--clock real`".to_owned(),
            Metric::Overhead(_) => "no request came back whole after one attempt".to_owned(),
            Metric::Decision(_) => {
                "no pick was timed: `-v` and `--decisions` record reasons instead, which takes longer than a pick".to_owned()
            }
            Metric::Ejections | Metric::EjectionDelay | Metric::RecoveryTime if !health => {
                "`health = \"off\"`: nothing is ever ejected".to_owned()
            }
            Metric::EjectionDelay => "nothing was ejected in that time".to_owned(),
            Metric::RecoveryTime => "nothing came back in that time".to_owned(),
            Metric::ProviderQueue(_) | Metric::Ttft(_) | Metric::Latency(_) if self.run.requests.succeeded == 0 => {
                "no request succeeded".to_owned()
            }
            Metric::QuotaUtilization => "the provider has no limits, or the span holds no time".to_owned(),
            Metric::MaxShareError | Metric::TotalVariation | Metric::Chi2P if self.run.attempts.total > 0 => self.no_target(),
            Metric::Cost => "no provider has a `cost`".to_owned(),
            _ if self.run.requests.offered == 0 => "no request was measured: is the warm-up longer than the load?".to_owned(),
            _ => "nothing of this kind happened in the window or class asked for".to_owned(),
        }
    }

    fn no_target(self) -> String {
        let strategy = self.plan.engine.strategy;
        if self.run.providers.iter().all(|provider| provider.target_share.is_none()) {
            return format!(
                "`{strategy}` has no target shares: it follows the load. Expect `goodput`, `rate_limited_ratio` or a latency of it instead"
            );
        }
        "too few attempts for this figure (χ² needs 5 expected attempts at every provider)".to_owned()
    }

    fn shares(self, result: &ExpectationResult) -> Option<String> {
        let weights: Vec<f64> = self.run.providers.iter().map(|provider| provider.weight).collect();
        let weighted = weights.iter().any(|weight| *weight != weights[0]);
        let strategy = self.plan.engine.strategy;
        if weighted && !strategy.info().weighted {
            return Some(format!("`{strategy}` ignores the weights"));
        }
        let shares: Vec<f64> = self.run.providers.iter().filter_map(|provider| provider.share).collect();
        let even = 1.0 / shares.len().max(1) as f64;
        if weighted && shares.len() > 1 && shares.iter().all(|share| (share - even).abs() < 0.1 * even) {
            return Some("all shares are about equal: the weights have no effect".to_owned());
        }
        if let Some(cause) = self.ejected().or_else(|| self.limited()) {
            return Some(cause);
        }
        let by_chance = matches!(strategy, Strategy::Random | Strategy::WeightedRandom | Strategy::PowerOfTwo | Strategy::LeastConnections);
        let deviation = 0.5 / (result.samples.max(1) as f64).sqrt();
        by_chance.then(|| {
            format!(
                "`{strategy}` draws: chance alone moves a share by up to ±{:.2} pp in {} attempts (95 %)",
                196.0 * deviation,
                result.samples
            )
        })
    }

    fn losses(self) -> Option<String> {
        let requests = &self.run.requests;
        if requests.shed > requests.failed {
            let wait = self.plan.queue.max_wait;
            let full =
                self.fullest().map(|(name, used)| format!("; the quota of {name} is {:.0} % used", used * 100.0)).unwrap_or_default();
            return Some(format!(
                "{} of {} requests were shed: nothing could take them within {wait}{full}",
                requests.shed, requests.offered
            ));
        }
        (requests.failed > 0).then(|| self.failures()).flatten()
    }

    /// Which provider attempts failed at, and how.
    fn failures(self) -> Option<String> {
        let lost = |provider: &&ProviderRun| provider.errors + provider.timeouts + provider.rate_limited;
        let worst = self.run.providers.iter().max_by_key(lost).filter(|worst| lost(worst) > 0)?;
        let (kind, count) = [("errors", worst.errors), ("timeouts", worst.timeouts), ("429s", worst.rate_limited)]
            .into_iter()
            .max_by_key(|(_, count)| *count)?;
        let retries = if self.plan.engine.retry.max_retries == 0 { "; `max_retries = 0`: nothing is tried again" } else { "" };
        let health = if self.plan.engine.outlier_detection.is_none() { "; `health = \"off\"`: it is never taken out" } else { "" };
        Some(format!("{count} {kind} at {} ({} of its {} attempts failed){retries}{health}", worst.name, lost(&worst), worst.attempts))
    }

    fn refusals(self) -> Option<String> {
        let worst = self.run.providers.iter().max_by_key(|provider| provider.rate_limited).filter(|worst| worst.rate_limited > 0)?;
        let at = self.run.providers.iter().position(|provider| provider.name == worst.name)?;
        let spec = &self.plan.providers[at];
        let why = if !self.plan.engine.quota {
            "; `quota = \"off\"`: limits are not counted"
        } else if self.plan.replicas > 1 {
            "; the gateways do not see each other's use of the quota"
        } else if spec.background > 0.0 {
            "; others use the same quota (`background`)"
        } else {
            match spec.visibility {
                Visibility::Config => "; the declared limits are not the true ones",
                Visibility::Headers => "; its limits are known from headers only",
                Visibility::None => "; its limits are not declared and must be learned",
            }
        };
        Some(format!("{} of its {} attempts at {} were answered 429{why}", worst.rate_limited, worst.attempts, worst.name))
    }

    fn slowness(self) -> Option<String> {
        let mean = |figure: Option<f64>| figure.unwrap_or(0.0);
        let (all, waited, queued) =
            (mean(self.run.latency_ms.mean), mean(self.run.balancer_queue_ms.mean), mean(self.run.provider_queue_ms.mean));
        if all > 0.0 && waited > 0.3 * all {
            return self
                .quota()
                .map(|quota| format!("{:.0} % of the mean latency is waiting in the balancer: {quota}", 100.0 * waited / all));
        }
        if all > 0.0 && queued > 0.3 * all {
            return self.crowding();
        }
        let slowest = self.run.providers.iter().filter(|provider| provider.attempts > 0);
        let slowest = slowest.max_by(|a, b| mean(a.latency_ms.p99).total_cmp(&mean(b.latency_ms.p99)))?;
        let p99 = slowest.latency_ms.p99?;
        let share = 100.0 * slowest.share.unwrap_or(0.0);
        Some(format!("{} is the slowest: p99 {:.0} ms, with {share:.1} % of the attempts", slowest.name, p99))
    }

    /// Successful, but not within the objectives.
    fn late(self) -> Option<String> {
        let run = self.run;
        let good = run.efficiency.goodput_per_s? * run.measured_s;
        let late = run.requests.succeeded as f64 - good;
        let lost = (run.requests.failed + run.requests.shed) as f64;
        (late > lost && late >= 0.5).then(|| format!("{late:.0} successful answers missed an objective of [slo]"))
    }

    fn crowding(self) -> Option<String> {
        let utilization = |provider: &&ProviderRun| provider.utilization.unwrap_or(0.0);
        let busiest = self.run.providers.iter().max_by(|a, b| utilization(a).total_cmp(&utilization(b)))?;
        match busiest.utilization {
            Some(used) => Some(format!(
                "the slots of {} are busy {:.0} % of the time, up to {} attempts at once",
                busiest.name,
                used * 100.0,
                busiest.in_flight_max
            )),
            None => self.busiest("has most attempts at once"),
        }
    }

    fn quota(self) -> Option<String> {
        let (name, used) = self.fullest()?;
        Some(format!("the tightest quota is that of {name}, {:.0} % used", used * 100.0))
    }

    fn fullest(self) -> Option<(String, f64)> {
        let used = self.run.providers.iter().filter_map(|provider| Some((provider.name.clone(), provider.quota?.utilization?)));
        used.max_by(|a, b| a.1.total_cmp(&b.1))
    }

    fn health(self) -> Option<String> {
        if self.plan.engine.outlier_detection.is_none() {
            return Some("`health = \"off\"`: nothing is ever ejected".to_owned());
        }
        self.ejected().or_else(|| Some("nothing was ejected".to_owned()))
    }

    fn ejected(self) -> Option<String> {
        let most = self.run.providers.iter().max_by_key(|provider| provider.ejections).filter(|most| most.ejections.unwrap_or(0) > 0)?;
        let times = most.ejections.unwrap_or(0);
        let failed = most.errors + most.timeouts;
        Some(format!("{} was ejected {times} × ({failed} of its {} attempts failed)", most.name, most.attempts))
    }

    fn limited(self) -> Option<String> {
        let worst = self.run.providers.iter().max_by_key(|provider| provider.rate_limited)?;
        (worst.rate_limited * 100 > worst.attempts).then(|| self.refusals()).flatten()
    }

    fn busiest(self, what: &str) -> Option<String> {
        let busiest = self.run.providers.iter().max_by_key(|provider| provider.attempts).filter(|busiest| busiest.attempts > 0)?;
        Some(format!("{} {what}: {:.1} % of the attempts, up to {} at once", busiest.name, 100.0 * busiest.share?, busiest.in_flight_max))
    }
}

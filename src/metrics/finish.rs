//! From running figures to the result.

use super::config::{RecorderConfig, Slice};
use super::fairness;
use super::latency::Samples;
use super::occupancy::Level;
use super::quota::Admitted;
use super::recorder::Recorder;
use super::stats::{ProviderStats, RunStats, SliceStats};
use super::tally::{ProviderTally, Tally};
use crate::report::{Attempts, ClassRun, Efficiency, ProviderRun, Quota, Run, Timeline};
use crate::time::Nanos;

impl Recorder {
    /// The result of the run, without expectations and without a bound, and the figures that expectations are judged by.
    ///
    /// Call it after [`finished`](super::Observer::finished).
    pub fn into_run(mut self, seed: u64) -> (Run, RunStats) {
        debug_assert_eq!(self.check(), Ok(()), "every offered request and every attempt sent ends once");
        let slices: Vec<SliceStats> = (0..=self.slices.len()).map(|index| self.slice(index)).collect();
        let whole = &slices[0];
        let measured = self.measured();
        let measured_s = measured.as_secs_f64();
        let goodput = (measured > Nanos::ZERO).then(|| whole.good as f64 / measured_s);
        let efficiency = Efficiency { goodput_per_s: goodput, ..Efficiency::default() };
        let names = || self.config.providers.iter().map(|provider| provider.name.as_str());
        let run = Run {
            strategy: self.config.strategy.name().to_owned(),
            seed,
            simulated_s: self.finished.as_secs_f64(),
            measured_s,
            requests: whole.requests,
            attempts: Attempts { avoidable_rate_limited: self.avoidable, ..whole.attempts },
            latency_ms: whole.latency.quantiles_ms(),
            latency_ladder: whole.latency.ladder_ms(),
            ttft_ms: whole.ttft.quantiles_ms(),
            balancer_queue_ms: whole.balancer_queue.quantiles_ms(),
            provider_queue_ms: whole.provider_queue.quantiles_ms(),
            providers: (0..self.config.providers.len()).map(|index| self.provider_run(index, whole)).collect(),
            classes: self.class_runs(),
            fairness: whole.fairness,
            efficiency: efficiency.clone(),
            timeline: self.timeline(),
            expectations: Vec::new(),
            decisions: None,
            real: None,
        };
        let stats = RunStats {
            strategy: self.config.strategy,
            provider_names: names().map(str::to_owned).collect(),
            class_names: self.config.classes.iter().map(|class| class.name.clone()).collect(),
            slices,
            decisions: std::mem::take(&mut self.decisions),
            exchanges: std::mem::take(&mut self.exchanges),
            efficiency,
        };
        (run, stats)
    }

    /// From the end of the warm-up to the end of arrivals; zero when the run ended in the warm-up.
    fn measured(&self) -> Nanos {
        self.arrivals_end.min(self.finished).since(self.config.warmup)
    }

    /// Figures of the whole run (index 0) or of a slice (from 1).
    fn slice(&self, index: usize) -> SliceStats {
        let (slice, tally) = match index.checked_sub(1) {
            None => (Slice::default(), &self.whole),
            Some(index) => (self.slices[index].0, &self.slices[index].1),
        };
        let targets = fairness::targets(&self.config, slice.class);
        let attempts: Vec<u64> = tally.providers.iter().map(|provider| provider.attempts).collect();
        let provider = |at| ProviderStats { target_share: targets[at], ..self.provider_stats(index, slice, tally, at) };
        SliceStats {
            slice,
            requests: tally.requests(),
            good: tally.good,
            attempts: sum_attempts(tally),
            latency: merge(tally.classes.iter().map(|class| &class.latency)),
            ttft: merge(tally.classes.iter().map(|class| &class.ttft)),
            balancer_queue: tally.balancer_queue.clone(),
            provider_queue: merge(tally.providers.iter().map(|provider| &provider.queue)),
            retry_after: tally.retry_after.clone(),
            in_flight_ratio: self.spread.share(index).clone(),
            providers: (0..tally.providers.len()).map(provider).collect(),
            fairness: fairness::fairness(&attempts, &targets),
        }
    }

    fn provider_stats(&self, index: usize, slice: Slice, tally: &Tally, at: usize) -> ProviderStats {
        let provider = &tally.providers[at];
        let (whole, windows) = &self.outages[at];
        let (ejections, ejection_delay, recovery_time) = match index.checked_sub(1).filter(|_| slice.window.is_some()) {
            None => (whole.ejections, whole.ejection_delay(), whole.longest),
            Some(window) => (windows[window].ejections, windows[window].ejection_delay, windows[window].recovery_time),
        };
        ProviderStats {
            target_share: None,
            attempts: provider.attempts,
            succeeded: provider.succeeded,
            rate_limited: provider.rate_limited,
            errors: provider.errors,
            timeouts: provider.timeouts,
            latency: provider.latency.clone(),
            ttft: provider.ttft.clone(),
            provider_queue: provider.queue.clone(),
            in_flight_max: u64::from(self.level(index, at).peak),
            left_over: self.left_over[at],
            admitted: provider.admitted.attempts,
            quota_utilization: self.quota_utilization(index, slice, tally, at),
            ejections: self.config.health.then_some(ejections),
            ejection_delay,
            recovery_time,
            cost: cost(&self.config, at, provider),
        }
    }

    /// Attempts at a provider in the whole run (index 0) or a slice (from 1).
    fn level(&self, index: usize, provider: usize) -> &Level {
        let occupancy = &self.occupancy[provider];
        index.checked_sub(1).map_or(&occupancy.whole, |slice| &occupancy.slices[slice])
    }

    /// Of the quota that the provider has, or shares with its group.
    fn quota_utilization(&self, index: usize, slice: Slice, tally: &Tally, provider: usize) -> Option<f64> {
        let (from, until) = slice.span(self.config.warmup, self.config.warmup + self.measured());
        let span = until.since(from);
        // The end of a span is no more in it, but where it is the last arrival.
        let last = slice.last_instant(self.last_instant);
        let first = self.quota[provider];
        let mut admitted = Admitted::default();
        let mut in_flight = 0.0;
        for member in (0..tally.providers.len()).filter(|member| self.quota[*member] == first) {
            admitted.merge(&tally.providers[member].admitted);
            in_flight += self.level(index, member).mean(span).unwrap_or(0.0);
        }
        admitted.utilization(&self.config.providers[first].limits, (from, until.max(last)), last, in_flight)
    }

    fn provider_run(&self, index: usize, whole: &SliceStats) -> ProviderRun {
        let (info, stats) = (&self.config.providers[index], &whole.providers[index]);
        let measured = self.measured();
        let busy = self.occupancy[index].busy_mean(measured);
        let total = whole.attempts.total;
        ProviderRun {
            name: info.name.clone(),
            weight: info.weight.unwrap_or(1.0),
            target_share: stats.target_share,
            share: (total > 0).then(|| stats.attempts as f64 / total as f64),
            attempts: stats.attempts,
            succeeded: stats.succeeded,
            rate_limited: stats.rate_limited,
            errors: stats.errors,
            timeouts: stats.timeouts,
            latency_ms: stats.latency.quantiles_ms(),
            provider_queue_ms: stats.provider_queue.quantiles_ms(),
            in_flight_max: stats.in_flight_max,
            in_flight_mean: self.occupancy[index].whole.mean(measured),
            utilization: info.slots.and_then(|slots| Some(busy? / f64::from(slots))),
            quota: self.minutes[index].as_ref().map(|minutes| {
                let (attempts, tokens) = minutes.peaks();
                Quota { rpm_peak: Some(attempts as f64), tpm_peak: Some(tokens as f64), utilization: stats.quota_utilization }
            }),
            ejections: stats.ejections,
            cost: stats.cost,
        }
    }

    fn timeline(&self) -> Timeline {
        let names = self.config.providers.iter().map(|provider| provider.name.as_str());
        let mut timeline = self.timeline.report(names);
        for (index, provider) in self.config.providers.iter().enumerate() {
            if let Some(timeline) = timeline.providers.get_mut(&provider.name) {
                timeline.quota = self.quota_over_time(index);
            }
        }
        timeline
    }

    /// Use of the tightest rate that a provider has, or shares with its group, in each interval; empty without one.
    fn quota_over_time(&self, provider: usize) -> Vec<f64> {
        let first = self.quota[provider];
        let limits = &self.config.providers[first].limits;
        let members = (0..self.config.providers.len()).filter(|member| self.quota[*member] == first);
        let members: Vec<_> = members.map(|member| self.timeline.admitted(member, self.finished)).collect();
        let intervals = members.first().map_or(0, Vec::len);
        let used = (0..intervals).map(|interval| {
            let mut admitted = Admitted::default();
            members.iter().for_each(|member| admitted.merge(&member[interval].0));
            let span = members[0][interval].1;
            if span == Nanos::ZERO { Some(0.0) } else { admitted.pace(limits, span) }
        });
        used.collect::<Option<Vec<f64>>>().unwrap_or_default()
    }

    fn class_runs(&self) -> Vec<ClassRun> {
        let classes = self.config.classes.iter().zip(&self.whole.classes);
        let run = |(info, tally): (&super::ClassInfo, &super::tally::ClassTally)| ClassRun {
            name: info.name.clone(),
            requests: tally.requests,
            latency_ms: tally.latency.quantiles_ms(),
            ttft_ms: tally.ttft.quantiles_ms(),
        };
        classes.map(run).collect()
    }
}

fn sum_attempts(tally: &Tally) -> Attempts {
    let mut sum = Attempts { retries: tally.retries(), ..Attempts::default() };
    for provider in &tally.providers {
        sum.total += provider.attempts;
        sum.rate_limited += provider.rate_limited;
        sum.errors += provider.errors;
        sum.timeouts += provider.timeouts;
    }
    sum
}

fn merge<'a>(parts: impl Iterator<Item = &'a Samples>) -> Samples {
    parts.fold(Samples::default(), |mut sum, part| {
        sum.merge(part);
        sum
    })
}

/// Prices are per million tokens.
fn cost(config: &RecorderConfig, provider: usize, tally: &ProviderTally) -> Option<f64> {
    let cost = config.providers[provider].cost?;
    Some((tally.paid.input as f64 * cost.input + tally.paid.output as f64 * cost.output) / 1e6)
}

//! How requests and attempts ended, and how much of what was possible was reached.

use super::Page;
use crate::render::number::{count, millis, per_second, plural, ratio};
use crate::report::{Attempts, Efficiency, RealRun, Run};

/// Above this part of a bound there is nothing to explain.
const LOOSE: f64 = 0.99;

pub(super) fn write(page: &mut Page<'_>, run: &Run) {
    for (label, items) in rows(run) {
        page.labelled(label, &items);
    }
}

/// Labels and what belongs to them.
pub(in crate::render) fn rows(run: &Run) -> Vec<(&'static str, Vec<String>)> {
    let mut rows = vec![("requests", requests(run)), ("attempts", attempts(run))];
    let quota = quota(run);
    if !quota.is_empty() {
        rows.push(("quota", quota));
    }
    if let Some(real) = &run.real {
        rows.push(("real time", punctuality(real)));
    }
    let efficiency = &run.efficiency;
    if let Some(goodput) = efficiency.goodput_per_s {
        rows.push(("goodput", reached(goodput, efficiency, run.providers.iter().any(|provider| provider.utilization.is_some()))));
    }
    rows
}

/// How late the driver was, and what times mean.
fn punctuality(real: &RealRun) -> Vec<String> {
    let mut items = vec![format!("{} sent more than 1 ms late", count(real.late))];
    if let (Some(p50), Some(p99), Some(max)) = (real.lag_ms.p50, real.lag_ms.p99, real.lag_ms.max) {
        items.push(format!("late by p50 {}, p99 {}, at most {}", millis(p50), millis(p99), millis(max)));
    }
    if real.time_scale != 1.0 {
        items.push(format!("{} times faster than the clock on the wall; times shown are the scenario's", real.time_scale));
    }
    items
}

/// Goodput, and how near it is to the bounds; `slots`: whether there is something to queue for.
fn reached(goodput: f64, efficiency: &Efficiency, slots: bool) -> Vec<String> {
    let mut items = vec![per_second(goodput)];
    if let (Some(bound), Some(reached)) = (efficiency.bound_per_s, efficiency.ratio) {
        items.push(format!("{} of the {} that any balancer can reach at most", ratio(reached), per_second(bound)));
    }
    items.extend(efficiency.binding.as_ref().map(|binding| format!("held by {binding}")));
    // Where the two bounds differ, the looser one is reached only by serving small requests alone.
    if let (Some(_), Some(mix), Some(reached)) = (&efficiency.binding, efficiency.mix_bound_per_s, efficiency.mix_ratio) {
        items.push(format!("{} of the {} at the offered mix of sizes", ratio(reached), per_second(mix)));
    }
    if efficiency.ratio.is_some_and(|reached| reached < LOOSE) && efficiency.binding.is_some() {
        items.push("the bound may be loose: it knows every size in advance".to_owned());
    }
    if let (true, Some(least), Some(part)) = (slots, efficiency.latency_bound_ms, efficiency.latency_ratio.filter(|part| *part < LOOSE)) {
        items.push(format!("mean latency: one queue for all slots would give {} ({})", millis(least), ratio(part)));
    }
    items
}

fn requests(run: &Run) -> Vec<String> {
    let requests = &run.requests;
    let mut unfinished = format!("{} unfinished", count(requests.unfinished));
    if requests.cancelled > 0 {
        unfinished += &format!(" ({} cancelled by clients)", count(requests.cancelled));
    }
    vec![
        format!("{} offered", count(requests.offered)),
        format!("{} succeeded", count(requests.succeeded)),
        format!("{} failed", count(requests.failed)),
        format!("{} shed", count(requests.shed)),
        unfinished,
    ]
}

fn attempts(run: &Run) -> Vec<String> {
    let attempts = &run.attempts;
    vec![
        format!("{} sent", count(attempts.total)),
        if attempts.retries == 1 { "1 retry".to_owned() } else { format!("{} retries", count(attempts.retries)) },
        rate_limited(attempts),
        plural(attempts.errors, "error"),
        plural(attempts.timeouts, "timeout"),
    ]
}

fn rate_limited(attempts: &Attempts) -> String {
    let all = format!("{} rate limited (429)", count(attempts.rate_limited));
    match attempts.avoidable_rate_limited {
        0 => all,
        avoidable => format!("{all}, {} avoidably", count(avoidable)),
    }
}

/// How much of what its limits allow each provider was asked for; nothing without limits.
fn quota(run: &Run) -> Vec<String> {
    let used = run.providers.iter().filter_map(|provider| Some((provider, provider.quota?.utilization?)));
    used.map(|(provider, used)| format!("{} {} used", provider.name, ratio(used))).collect()
}

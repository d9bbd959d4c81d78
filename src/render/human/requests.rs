//! How requests and attempts ended, and how much of what was possible was reached.

use super::Page;
use crate::render::number::{count, millis, per_second, plural, ratio};
use crate::report::{Attempts, Efficiency, Quantiles, RealRun, Run, TargetRun};

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
        match &real.target {
            Some(target) => rows.push(("gateway", gateway(real, target))),
            None if !broken(real).is_empty() => rows.push(("broken", broken(real))),
            None => {}
        }
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
    if let Some(p50) = real.overhead_ms.p50.filter(|_| real.target.is_none()) {
        items.push(format!("answers took {} longer than the providers' own time (p99 {})", millis(p50), p99(&real.overhead_ms)));
    }
    if real.time_scale != 1.0 {
        items.push(format!("{} times faster than the clock on the wall; times shown are the scenario's", real.time_scale));
    }
    items
}

/// What the gateway's clients got, and what it cost.
fn gateway(real: &RealRun, target: &TargetRun) -> Vec<String> {
    let mut items = vec![target.url.clone()];
    items.extend(real.answers.iter().map(|(answer, times)| format!("{} × {answer}", count(*times))));
    if let (Some(p50), Some(direct)) = (real.overhead_ms.p50, target.direct_ms.p50) {
        items.push(format!("took {} longer than its providers (p99 {})", millis(p50), p99(&real.overhead_ms)));
        items.push(format!("straight to an idle provider {} (p99 {})", millis(direct), p99(&target.direct_ms)));
    }
    if target.unlabelled > 0 {
        let of = count(target.unlabelled);
        items.push(format!("{of} attempts without a label of this run: the gateway changes prompts, or others use the mocks"));
    }
    items
}

/// How often nothing usable came back, by what came; nothing where all is well.
fn broken(real: &RealRun) -> Vec<String> {
    let words = real.answers.iter().filter(|(answer, _)| answer.parse::<u16>().is_err());
    words.map(|(answer, times)| format!("{} {answer}", count(*times))).collect()
}

fn p99(times: &Quantiles) -> String {
    times.p99.map_or_else(|| "–".to_owned(), millis)
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

/// How much of what its limits allow each provider admitted; nothing without limits.
fn quota(run: &Run) -> Vec<String> {
    let used = run.providers.iter().filter_map(|provider| Some((provider, provider.quota?.utilization?)));
    used.map(|(provider, used)| format!("{} {} used", provider.name, ratio(used))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(p50: f64) -> Quantiles {
        Quantiles { count: 9, p50: Some(p50), p99: Some(2.0 * p50), max: Some(3.0 * p50), ..Quantiles::default() }
    }

    #[test]
    fn what_a_gateway_adds_stands_beside_what_http_takes_anyway() {
        let target = TargetRun {
            url: "http://127.0.0.1:4000".to_owned(),
            name: None,
            port: 9_100,
            model: None,
            direct_ms: times(0.5),
            unlabelled: 3,
        };
        let real = RealRun {
            time_scale: 1.0,
            late: 0,
            lag_ms: times(0.001),
            overhead_ms: times(4.0),
            answers: [("200", 90), ("429", 9), ("cut-off", 1)].map(|(word, times)| (word.to_owned(), times)).into(),
            target: Some(target.clone()),
        };
        let want = [
            "http://127.0.0.1:4000",
            "90 × 200",
            "9 × 429",
            "1 × cut-off",
            "took 4.00 ms longer than its providers (p99 8.00 ms)",
            "straight to an idle provider 500 µs (p99 1.00 ms)",
            "3 attempts without a label of this run: the gateway changes prompts, or others use the mocks",
        ];
        assert_eq!(gateway(&real, &target), want);
        assert_eq!(broken(&real), ["1 cut-off"]);
    }
}

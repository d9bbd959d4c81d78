//! How requests and attempts ended, and how much of what was possible was reached.

use super::Page;
use crate::render::number::{count, per_second, plural, ratio};
use crate::report::{Attempts, Run};

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
    let efficiency = &run.efficiency;
    if let Some(goodput) = efficiency.goodput_per_s {
        let mut items = vec![per_second(goodput)];
        if let (Some(bound), Some(reached)) = (efficiency.bound_per_s, efficiency.ratio) {
            let loose = if reached < 0.999_95 { ", which may be loose" } else { "" };
            items.push(format!("{} of the {} that any balancer can reach at most{loose}", ratio(reached), per_second(bound)));
        }
        rows.push(("goodput", items));
    }
    rows
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

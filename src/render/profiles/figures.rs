//! Each figure of a profile in words, with its source.

use serde::Serialize;

use crate::engine::limit::Charge;
use crate::render::number::{millis, plain, ratio};
use crate::world::profile::{Counting, Figure, Profile, Quota, Source};

/// One figure, in words.
#[derive(Serialize)]
pub(super) struct Row {
    pub(super) figure: &'static str,
    pub(super) value: String,
    /// The value where it is one number: in milliseconds, per minute or day, or a ratio.
    pub(super) number: Option<f64>,
    pub(super) kind: &'static str,
    pub(super) source: &'static str,
}

/// Every figure, limits first.
pub(super) fn rows(profile: &Profile) -> Vec<Row> {
    let mut rows = Vec::new();
    let mut put = |figure: &'static str, value: String, number: Option<f64>, source: Source| {
        rows.push(Row { figure, value, number, kind: source.kind.word(), source: source.text });
    };
    if let Some(limited) = &profile.limits {
        for Figure { value: quota, source } in limited.quotas {
            let (key, value) = quota.key_and_value();
            put(key, plain(value), Some(value), *source);
        }
        put("algorithm", counting(profile, limited.counting.value), None, limited.counting.source);
        if let Some(charge) = limited.charge {
            put("charge", charged(charge.value).to_owned(), None, charge.source);
        }
    }
    if let Some(slots) = profile.slots {
        put("slots", plain(f64::from(slots.value)), Some(f64::from(slots.value)), slots.source);
    }
    let ttft = &profile.ttft;
    put("ttft p50", millis(ttft.median_ms.value), Some(ttft.median_ms.value), ttft.median_ms.source);
    put("per 1k input", format!("+{}", millis(ttft.per_1k_input_ms.value)), Some(ttft.per_1k_input_ms.value), ttft.per_1k_input_ms.source);
    put("ttft spread", spread(ttft.ln_sd.value), Some(ttft.ln_sd.value), ttft.ln_sd.source);
    if let Some(Figure { value: slow, source }) = ttft.slow {
        put("ttft slow mode", format!("{} take {} times as long", ratio(slow.share), slow.factor), None, source);
    }
    let itl = &profile.itl;
    put("per token", millis(itl.median_ms.value), Some(itl.median_ms.value), itl.median_ms.source);
    put("token spread", spread(itl.ln_sd.value), Some(itl.ln_sd.value), itl.ln_sd.source);
    if let Some(full) = itl.full_ms {
        put("all slots taken", format!("{} per token", millis(full.value)), Some(full.value), full.source);
    }
    put("errors", errors(profile), Some(profile.errors.value.rate), profile.errors.source);
    if let Some(refusal) = profile.refusal {
        put("refusal", refusal.value.to_owned(), None, refusal.source);
    }
    rows
}

fn spread(ln_sd: f64) -> String {
    format!("log-normal, sd of ln {ln_sd}")
}

fn counting(profile: &Profile, counting: Counting) -> String {
    if counts_slots(profile) {
        return "a place is held until the answer is complete".to_owned();
    }
    let name = counting.algorithm.word();
    let period = counting.period.map_or_else(|| "60s".to_owned(), |period| period.to_string());
    let requests = counting.request_period.map_or_else(String::new, |period| format!(", requests {period}"));
    let burst = counting.burst.map_or_else(String::new, |burst| format!(", request burst {burst}"));
    format!("{name}, period {period}{requests}{burst}")
}

fn charged(charge: Charge) -> &'static str {
    match charge {
        Charge::Estimate => "estimate: input + max_tokens, settled at the end",
        Charge::Actual => "actual: the true size on admission",
    }
}

pub(super) fn errors(profile: &Profile) -> String {
    match profile.errors.value {
        errors if errors.rate == 0.0 => "none".to_owned(),
        errors => format!("{} {}", ratio(errors.rate), errors.status),
    }
}

/// Whether concurrency is all that is limited: then there is nothing to count per minute.
pub(super) fn counts_slots(profile: &Profile) -> bool {
    let quotas = profile.limits.iter().flat_map(|limited| limited.quotas);
    quotas.into_iter().all(|quota| matches!(quota.value, Quota::Concurrency(_)))
}

//! `limits = { … }` of a provider or an event.

use crate::engine::limit::{Algorithm, Charge, Ledger, LimitError, Limits};

use super::keys;
use super::reader::{Fields, boolean, count32, positive, word};
use super::sink::Sink;
use super::tree::Node;
use super::units::{RATE_MAX, positive_duration, positive_rate};

const PER_MINUTE_MAX: f64 = RATE_MAX * 60.0;
const PER_DAY_MAX: f64 = RATE_MAX * 86_400.0;

/// Reads `limits`.
pub(super) fn decode(node: &Node, sink: &mut Sink) -> Option<Limits> {
    let fields = Fields::of(node, "`limits`", keys::LIMITS, sink)?;
    let mut amount = |key: &'static str, high: f64| fields.read(key, sink, |node, sink| positive(node, high, sink));
    let [rpm, tpm, itpm, otpm] = ["rpm", "tpm", "itpm", "otpm"].map(|key| amount(key, PER_MINUTE_MAX));
    let [rpd, tpd] = ["rpd", "tpd"].map(|key| amount(key, PER_DAY_MAX));
    let burst = amount("burst", PER_DAY_MAX);
    let algorithm = fields.read("algorithm", sink, |node, sink| {
        let words = Algorithm::ALL.map(|algorithm| (algorithm.word(), algorithm));
        word(node, "algorithm", &words, sink)
    });
    if fields.has("burst") && algorithm.is_some_and(|algorithm| algorithm != Algorithm::TokenBucket) {
        let other = sink.locate(fields.key_span("algorithm"));
        sink.error(fields.key_span("burst"), "conflict", "`burst` is the depth of a token bucket; windows have none")
            .also(other, "the algorithm");
    }
    if fields.has("burst") && !fields.has("rpm") && !fields.has("rpd") {
        sink.error(fields.key_span("burst"), "conflict", "`burst` goes with `rpm` or `rpd`")
            .help("it is the depth of the bucket of requests; a bucket of tokens holds one period's worth");
    }
    if fields.has("request_period") && !fields.has("rpm") {
        sink.error(fields.key_span("request_period"), "conflict", "`request_period` goes with `rpm`")
            .help("it is the slice in which `rpm` is enforced where that differs from `period`");
    }
    no_effect(&fields, "period", &["rpm", "tpm", "itpm", "otpm"], "the limits per minute, of which there is none", sink);
    no_effect(&fields, "charge", &["tpm", "itpm", "otpm", "tpd"], "limits of tokens, of which there is none", sink);
    let charge = [("estimate", Charge::Estimate), ("actual", Charge::Actual)];
    let limits = Limits {
        rpm,
        rpd,
        tpm,
        itpm,
        otpm,
        tpd,
        ramp: fields.read("ramp", sink, positive_rate),
        max_concurrency: fields.read("max_concurrency", sink, |node, sink| count32(node, 1, 1_000_000_000, sink)),
        algorithm: algorithm.unwrap_or_default(),
        period: fields.read("period", sink, positive_duration),
        request_period: fields.read("request_period", sink, positive_duration),
        burst,
        charge: fields.read("charge", sink, |node, sink| word(node, "charge", &charge, sink)).unwrap_or_default(),
        count_refused: fields.read("count_refused", sink, boolean).unwrap_or(false),
    };
    check(&limits, &fields, sink).then_some(limits)
}

/// A key that says how others are enforced, without any of them.
fn no_effect(fields: &Fields<'_>, key: &'static str, of: &[&'static str], what: &str, sink: &mut Sink) {
    if fields.has(key) && !of.iter().any(|limit| fields.has(limit)) {
        sink.warning(fields.key_span(key), "no-effect", format!("`{key}` changes nothing: it is of {what}")).help("leave it out");
    }
}

/// What cannot be enforced although each number by itself is in its range, such as a tenth of a request as a bucket.
fn check(limits: &Limits, fields: &Fields<'_>, sink: &mut Sink) -> bool {
    let Err(error) = Ledger::new(limits) else { return true };
    let key = match &error {
        LimitError::NotPositive { key, .. } | LimitError::TooLarge { key, .. } => key,
        LimitError::PeriodZero | LimitError::PeriodTooLong(_) => "period",
        LimitError::BurstBelowOne(_) => "burst",
    };
    let span = fields.node(key).map_or(fields.span, |node| node.span);
    sink.error(span, "out-of-range", error.to_string());
    false
}

//! Values and differences of a comparison in words.

use crate::gate::{Metric, Unit};
use crate::render::number::{ABSENT, fixed, millis, or_absent, plain, ratio};
use crate::report::{ComparedValue, Mark};

/// What a metric is called in a heading; others keep their name.
pub(in crate::render) fn label(metric: &str) -> &'static str {
    match metric {
        "max_share_error" => "share error",
        "rate_limited" => "429s",
        "success_ratio" => "success",
        "shed_ratio" => "shed",
        "latency_p50" => "p50",
        "latency_p99" => "p99",
        "ttft_p99" => "ttft p99",
        "retries_per_request" => "retries",
        "efficiency" => "efficiency",
        "cost" => "cost",
        _ => "(other)",
    }
}

pub(super) fn mean(metric: &str, value: &ComparedValue) -> String {
    text(metric, value.mean)
}

/// A value in the unit of its metric.
pub(in crate::render) fn text(metric: &str, value: Option<f64>) -> String {
    or_absent(value, |mean| match unit(metric) {
        Unit::Ratio => ratio(mean),
        Unit::Millis | Unit::Nanos => millis(mean),
        Unit::Number => plain(mean),
    })
}

pub(super) fn mark(mark: Mark) -> &'static str {
    match mark {
        Mark::Base => "",
        Mark::Better => "▲",
        Mark::Equal => "=",
        Mark::NoData => "",
        Mark::Unclear => "~",
        Mark::Worse => "▼",
    }
}

/// As the JSON has it.
pub(super) fn word(mark: Mark) -> &'static str {
    match mark {
        Mark::Base => "base",
        Mark::Better => "better",
        Mark::Equal => "equal",
        Mark::NoData => "no-data",
        Mark::Unclear => "unclear",
        Mark::Worse => "worse",
    }
}

/// Mark and interval: `▲ -17.2…-16.8 ms`; where there is no interval the difference itself.
pub(super) fn difference(metric: &str, value: &ComparedValue) -> String {
    let mark = mark(value.mark);
    match (value.mark, value.difference, value.low.zip(value.high)) {
        (Mark::Base, ..) => "(base)".to_owned(),
        (Mark::Equal, ..) => mark.to_owned(),
        (Mark::NoData, ..) | (_, None, _) => String::new(),
        (_, Some(difference), None) => format!("{mark} {}", span(metric, difference, difference)),
        (_, _, Some((low, high))) => format!("{mark} {}", span(metric, low, high)),
    }
}

/// Both ends in one unit, with the decimals that tell them from each other and from 0; one figure where they are equal.
fn span(metric: &str, low: f64, high: f64) -> String {
    let size = low.abs().max(high.abs());
    let (scale, name) = match unit(metric) {
        Unit::Ratio => (100.0, " pp"),
        Unit::Number => (1.0, ""),
        Unit::Nanos => (1.0, " ns"),
        Unit::Millis if size >= 1e3 => (1e-3, " s"),
        Unit::Millis if size < 1.0 => (1e3, " µs"),
        Unit::Millis => (1.0, " ms"),
    };
    let (low, high) = (low * scale, high * scale);
    let decimals = decimals(low, high);
    let (first, second) = (signed(low, decimals), signed(high, decimals));
    match (low == high, low > 0.0) {
        (true, _) => format!("{first}{name}"),
        // The sign of the first is that of both.
        (false, true) => format!("{first}…{}{name}", second.trim_start_matches('+')),
        (false, false) => format!("{first}…{second}{name}"),
    }
}

fn signed(value: f64, decimals: usize) -> String {
    let text = fixed(value, decimals);
    if value > 0.0 && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) { format!("+{text}") } else { text }
}

/// Two digits of the width; more where an end that is not 0 would look like it.
fn decimals(low: f64, high: f64) -> usize {
    let width = if high > low { high - low } else { high.abs() };
    let enough = if width > 0.0 { (1.0 - width.log10().floor()).clamp(0.0, 6.0) as usize } else { 0 };
    let nearest = low.abs().min(high.abs());
    let hides_zero = |decimals: &usize| low * high > 0.0 && nearest * 10_f64.powi(*decimals as i32) < 0.5;
    (enough..=6).find(|decimals| !hides_zero(decimals)).unwrap_or(6)
}

fn unit(metric: &str) -> Unit {
    Metric::parse(metric).map_or(Unit::Number, Metric::unit)
}

/// The interval in words for a table that has columns for it: its two ends.
pub(super) fn interval(metric: &str, value: &ComparedValue) -> String {
    match value.low.zip(value.high) {
        Some((low, high)) if value.mark != Mark::Equal => span(metric, low, high),
        _ => ABSENT.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One unit for both ends, enough decimals to tell them apart and from 0, a sign on each.
    #[test]
    fn intervals_are_short_and_never_hide_a_zero() {
        for (metric, low, high, text) in [
            ("latency_p99", -17.24, -16.81, "-17.24…-16.81 ms"),
            ("latency_p99", 1_200.0, 2_345.0, "+1.2…2.3 s"),
            ("latency_p99", 0.1, 49.0, "+0.1…49.0 ms"),
            ("latency_p50", -0.083, 1.132, "-0.1…+1.1 ms"),
            ("latency_p50", -0.004, 0.3, "-4…+300 µs"),
            ("success_ratio", 0.0, 0.000_1, "0.000…+0.010 pp"),
            ("max_share_error", 0.166_1, 0.167_3, "+16.61…16.73 pp"),
            ("rate_limited", 3.0, 3.0, "+3.0"),
        ] {
            assert_eq!(span(metric, low, high), text);
        }
    }
}

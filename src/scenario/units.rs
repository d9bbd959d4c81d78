//! Durations, rates and ratios as text.

use crate::time::{DurationError, Nanos, parse_duration};

use super::reader::wrong_type;
use super::sink::Sink;
use super::tree::{Node, Value};

/// The largest rate, per second.
pub(super) const RATE_MAX: f64 = 1e9;

/// `"250ms"`.
pub(super) fn duration(node: &Node, sink: &mut Sink) -> Option<Nanos> {
    match &node.value {
        Value::Str(text) => match parse_duration(text) {
            Ok(duration) => Some(duration),
            Err(error) => {
                let report = sink.error(node.span, "bad-duration", error.to_string());
                if error == DurationError::MissingUnit {
                    report.help(format!("write \"{0}s\" for seconds or \"{0}ms\" for milliseconds", text.trim()));
                } else if error != DurationError::UnknownUnit {
                    report.help("a duration is a number and a unit, such as \"250ms\", \"1.5s\" or \"2m\"");
                }
                None
            }
        },
        Value::Int(value) if *value >= 0 => missing_unit(node, &value.to_string(), sink),
        Value::Float(value) if *value >= 0.0 && value.is_finite() => missing_unit(node, &value.to_string(), sink),
        _ => {
            wrong_type(node, "a duration such as \"250ms\"", sink);
            None
        }
    }
}

fn missing_unit(node: &Node, number: &str, sink: &mut Sink) -> Option<Nanos> {
    sink.error(node.span, "bad-duration", DurationError::MissingUnit.to_string())
        .help(format!("write \"{number}s\" for seconds or \"{number}ms\" for milliseconds"));
    None
}

/// A duration longer than zero.
pub(super) fn positive_duration(node: &Node, sink: &mut Sink) -> Option<Nanos> {
    let value = duration(node, sink)?;
    if value == Nanos::ZERO {
        sink.error(node.span, "out-of-range", "must be longer than zero");
        return None;
    }
    Some(value)
}

/// `"100/s"` or `"600/min"`, per second, > 0.
pub(super) fn positive_rate(node: &Node, sink: &mut Sink) -> Option<f64> {
    let value = rate(node, sink)?;
    if value == 0.0 {
        sink.error(node.span, "out-of-range", "a rate must be greater than 0").help("only a `[[load.stage]]` may set the rate to \"0/s\"");
        return None;
    }
    Some(value)
}

/// `"100/s"` or `"600/min"`, per second, ≥ 0.
pub(super) fn rate(node: &Node, sink: &mut Sink) -> Option<f64> {
    let text = match &node.value {
        Value::Str(text) => text.trim(),
        Value::Int(value) => return rate_without_unit(node, &value.to_string(), sink),
        Value::Float(value) => return rate_without_unit(node, &value.to_string(), sink),
        _ => {
            wrong_type(node, "a rate such as \"100/s\"", sink);
            return None;
        }
    };
    let Some((number, unit)) = text.split_once('/') else {
        if decimal(text).is_some() {
            return rate_without_unit(node, text, sink);
        }
        sink.error(node.span, "bad-rate", "not a rate").help(RATE_HELP);
        return None;
    };
    let seconds = match unit.trim() {
        "ns" => 1e-9,
        "us" => 1e-6,
        "ms" => 1e-3,
        "s" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3_600.0,
        "d" => 86_400.0,
        _ => {
            sink.error(node.span, "bad-rate", format!("unknown unit of a rate: `{}`", unit.trim()))
                .suggest(matches!(unit.trim(), "minute" | "minutes").then(|| format!("{}/min", number.trim())))
                .help(RATE_HELP);
            return None;
        }
    };
    let Some(number) = decimal(number.trim()) else {
        sink.error(node.span, "bad-rate", format!("`{}` is not a number", number.trim())).help(RATE_HELP);
        return None;
    };
    let per_second = number / seconds;
    if number < 0.0 {
        sink.error(node.span, "out-of-range", "a rate must not be negative");
        return None;
    }
    if !per_second.is_finite() || per_second > RATE_MAX {
        sink.error(node.span, "out-of-range", "a rate above 1_000_000_000/s is absurd").help("the largest rate is \"1_000_000_000/s\"");
        return None;
    }
    Some(per_second)
}

const RATE_HELP: &str = "a rate is a number per s, min or h, such as \"100/s\" or \"600/min\"";

fn rate_without_unit(node: &Node, number: &str, sink: &mut Sink) -> Option<f64> {
    sink.error(node.span, "bad-rate", "a rate needs a unit").help(format!("write \"{number}/s\" or \"{number}/min\""));
    None
}

/// A share, 0…1: a number, or a string in percent.
pub(super) fn ratio(node: &Node, sink: &mut Sink) -> Option<f64> {
    let value = match &node.value {
        Value::Int(value) => *value as f64,
        Value::Float(value) => *value,
        Value::Str(text) => match ratio_text(text) {
            Some(value) => value,
            None => {
                sink.error(node.span, "bad-ratio", "not a ratio").help("a ratio is 0 to 1, such as 0.995 or \"99.5%\"");
                return None;
            }
        },
        _ => {
            wrong_type(node, "a ratio such as 0.995 or \"99.5%\"", sink);
            return None;
        }
    };
    if (0.0..=1.0).contains(&value) {
        return Some(value);
    }
    let report = sink.error(node.span, "bad-ratio", "a ratio lies between 0 and 1");
    if value > 1.0 && value <= 100.0 && !matches!(&node.value, Value::Str(text) if text.contains('%')) {
        report.help(format!("write \"{value}%\" if you mean percent"));
    } else {
        report.help("from 0 to 1, or from \"0%\" to \"100%\"");
    }
    None
}

/// `"99.5%"` or `"0.995"`; `None` if it is neither.
pub fn ratio_text(text: &str) -> Option<f64> {
    match text.trim().strip_suffix('%') {
        Some(percent) => percent_exact(percent.trim()),
        None => decimal(text.trim()),
    }
}

/// `percent` ÷ 100 as the nearest float to the decimal text: `"99.5%"` is exactly the `0.995` of a program text, which
/// a division of floats would not always give.
fn percent_exact(percent: &str) -> Option<f64> {
    decimal(percent)?;
    format!("{}e-2", percent.replace('_', "")).parse().ok()
}

/// A decimal number without exponent, digits grouped by `_` or not.
fn decimal(text: &str) -> Option<f64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let plain = digits.starts_with(|c: char| c.is_ascii_digit()) && digits.chars().all(|c| c.is_ascii_digit() || c == '.' || c == '_');
    if plain { text.replace('_', "").parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_the_same_number_as_decimals() {
        for thousandths in 0..=1_000_u32 {
            let percent = format!("{}.{}%", thousandths / 10, thousandths % 10);
            let ratio: f64 = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000).parse().expect("a decimal number");
            assert_eq!(ratio_text(&percent), Some(ratio), "{percent}");
        }
        for text in ["", "%", "1.2.3", "x%", "1e3", "--1", "inf"] {
            assert_eq!(ratio_text(text), None, "{text:?}");
        }
    }
}

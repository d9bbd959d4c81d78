//! The two families of rate-limit headers.

use super::{Headers, header};
use crate::engine::limit::RateLimitHeaders;
use crate::engine::limit::headers::Told;
use crate::time::Nanos;

/// OpenAI's: `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`. It has no words for input and output tokens apart:
/// those are told in Anthropic's.
pub(super) fn openai(told: &RateLimitHeaders, wall_clock: Nanos) -> Headers {
    let mut headers = Headers::new();
    for (what, Told { limit, remaining, reset }) in [("requests", &told.requests), ("tokens", &told.tokens)] {
        let mut add = |name: &str, value: Option<String>| {
            headers.extend(value.map(|value| (format!("x-ratelimit-{name}-{what}"), value)));
        };
        add("limit", limit.map(|limit| limit.to_string()));
        add("remaining", remaining.map(|remaining| remaining.max(0.0).to_string()));
        add("reset", reset.map(go_duration));
    }
    let apart = RateLimitHeaders { requests: Told::default(), tokens: Told::default(), ..*told };
    headers.extend(anthropic(&apart, wall_clock));
    headers
}

/// Anthropic's: `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}`.
pub(super) fn anthropic(told: &RateLimitHeaders, wall_clock: Nanos) -> Headers {
    let all = [
        ("requests", &told.requests),
        ("tokens", &told.tokens),
        ("input-tokens", &told.input_tokens),
        ("output-tokens", &told.output_tokens),
    ];
    let mut headers = Headers::new();
    for (what, Told { limit, remaining, reset }) in all {
        let values = [
            ("limit", limit.map(|limit| limit.to_string())),
            ("remaining", remaining.map(|remaining| remaining.max(0.0).to_string())),
            ("reset", reset.map(|reset| rfc3339(wall_clock + reset))),
        ];
        let told = values.into_iter().filter_map(|(name, value)| Some((name, value?)));
        headers.extend(told.map(|(name, value)| header(&format!("anthropic-ratelimit-{what}-{name}"), value)));
    }
    headers
}

/// Whole milliseconds, rounded up, as `Duration.String` of Go writes them: `12ms`, `1.5s`, `6m0s`.
fn go_duration(span: Nanos) -> String {
    let millis = super::millis(span);
    let seconds = |millis: u64| format!("{}s", millis as f64 / 1_000.0);
    match millis {
        0..1_000 => format!("{millis}ms"),
        1_000..60_000 => seconds(millis),
        _ if millis < 3_600_000 => format!("{}m{}", millis / 60_000, seconds(millis % 60_000)),
        _ => format!("{}h{}m{}", millis / 3_600_000, millis / 60_000 % 60, seconds(millis % 60_000)),
    }
}

/// A time since 1970-01-01 00:00 UTC, to the millisecond above: `2026-11-23T06:05:22.250Z` (RFC 3339, 5.6).
fn rfc3339(since_1970: Nanos) -> String {
    let millis = super::millis(since_1970);
    let (seconds, millis) = (millis / 1_000, millis % 1_000);
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3_600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// The date of a day since 1970-01-01. Source: H. Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`,
/// for days that are not before the start.
fn date(day: u64) -> (u64, u64, u64) {
    // Years begin in March, so that the leap day is the last one, and come in cycles of 400.
    let day = day + 719_468;
    let (era, of_era) = (day / 146_097, day % 146_097);
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year + u64::from(month <= 2), month, of_year - (153 * from_march + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::limit::headers::{Dimension, Header, parse};

    #[test]
    fn a_reset_is_read_back_as_it_was_written() {
        // Against the engine's own parser, to the millisecond.
        for millis in [0, 1, 999, 1_000, 1_500, 59_999, 60_000, 179_560, 360_000, 3_600_000, 90_061_001] {
            let text = go_duration(Nanos::from_millis(millis));
            let want = Header::Reset(Dimension::Requests, Nanos::from_millis(millis));
            assert_eq!(parse("x-ratelimit-reset-requests", &text, Nanos::ZERO), Some(want), "{text}");
        }
    }

    #[test]
    fn points_in_time_are_those_of_the_calendar() {
        // Known dates, the leap days of 2000 and 2024 among them (`date -u -d @SECONDS`).
        for (seconds, want) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, "2000-02-29T00:00:00.000Z"),
            (951_868_800, "2000-03-01T00:00:00.000Z"),
            (1_709_251_199, "2024-02-29T23:59:59.000Z"),
            (1_735_689_599, "2024-12-31T23:59:59.000Z"),
            (1_795_673_122, "2026-11-26T06:05:22.000Z"),
        ] {
            assert_eq!(rfc3339(Nanos::from_secs(seconds)), want);
        }
        assert_eq!(rfc3339(Nanos::new(250_000_000)), "1970-01-01T00:00:00.250Z");
    }
}

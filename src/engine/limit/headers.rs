//! Rate-limit response headers: from their texts to plain data.
//!
//! Two families are read. OpenAI's, which Azure, Groq and others share: `x-ratelimit-{limit,remaining,reset}-{requests,tokens}`,
//! the reset as a Go duration (`1s`, `6m0s`, `12ms`, `2m59.56s`). Anthropic's:
//! `anthropic-ratelimit-{requests,tokens,input-tokens,output-tokens}-{limit,remaining,reset}`, the reset as the RFC 3339
//! time at which the limit is full again. And for refusals `retry-after` (RFC 9110 §10.2.3: seconds or an HTTP date; fractions
//! of a second are sent too) and `retry-after-ms`, the finer of the two and preferred.
//!
//! What is malformed or absurd (negative, enormous, not a number, a date in the past) is left out and counted: a header is
//! a hint, and a gateway must not trip over one.

use super::dates::{http_date, rfc3339};
use crate::time::Nanos;

/// No real quota is larger; a larger number is taken for garbage.
const AMOUNT_MAX: f64 = 1e15;

/// A reset or pause beyond a month and a bit is taken for garbage.
const TIME_MAX: Nanos = Nanos::from_secs(32 * 86_400);

/// What the headers of one answer say of one limit. `None`: nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Told {
    /// Requests or tokens that the limit holds when full, above 0 and at most 1e15.
    pub limit: Option<f64>,
    /// How many of them were left when the answer's attempt had been admitted, 0 to 1e15.
    pub remaining: Option<f64>,
    /// When all would be left again if nothing else happened, counted from the admission; at most 32 days.
    pub reset: Option<Nanos>,
}

/// What the headers of one answer say. Pass it to [`Engine::headers`](crate::engine::Engine::headers) when they arrive. A gateway that
/// reads headers of its own fills it in itself; what is out of range is ignored and counted, as in [`RateLimitHeaders::read`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct RateLimitHeaders {
    /// Requests.
    pub requests: Told,
    /// Input + output tokens.
    pub tokens: Told,
    /// Input tokens.
    pub input_tokens: Told,
    /// Output tokens.
    pub output_tokens: Told,
    /// The pause that a refusal asks for, for [`Outcome::retry_after`](crate::engine::Outcome::retry_after).
    pub retry_after: Option<Nanos>,
    /// Whether `retry_after` is from `retry-after-ms`, which `retry-after` then does not replace.
    pub precise: bool,
    /// Headers that were ignored because they were malformed or absurd.
    pub ignored: u32,
}

impl RateLimitHeaders {
    /// Takes in one header; true if it is one of those read here. Names are compared without regard to case.
    ///
    /// `wall_clock` is the time since 1970-01-01 00:00 UTC at which the attempt was sent: Anthropic's resets and HTTP
    /// dates are points in time.
    ///
    /// ```
    /// use lbsim::engine::limit::RateLimitHeaders;
    /// use lbsim::time::Nanos;
    ///
    /// let mut headers = RateLimitHeaders::default();
    /// for (name, value) in [("x-ratelimit-remaining-requests", "59"), ("x-ratelimit-reset-requests", "1s"), ("server", "x")] {
    ///     headers.read(name, value, Nanos::ZERO);
    /// }
    /// assert_eq!((headers.requests.remaining, headers.requests.reset), (Some(59.0), Some(Nanos::from_secs(1))));
    /// ```
    pub fn read(&mut self, name: &str, value: &str, wall_clock: Nanos) -> bool {
        let Some(header) = parse(name, value, wall_clock) else { return false };
        match header {
            Header::Limit(dimension, amount) => self.told(dimension).limit = Some(amount),
            Header::Remaining(dimension, amount) => self.told(dimension).remaining = Some(amount),
            Header::Reset(dimension, time) => self.told(dimension).reset = Some(time),
            Header::RetryAfter { precise, .. } if self.precise && !precise => {}
            Header::RetryAfter { pause, precise } => (self.retry_after, self.precise) = (Some(pause), precise),
            Header::Malformed => self.ignored += 1,
        }
        true
    }

    /// Without what is out of range.
    pub(super) fn sane(mut self) -> RateLimitHeaders {
        for told in [&mut self.requests, &mut self.tokens, &mut self.input_tokens, &mut self.output_tokens] {
            let before = *told;
            told.limit = told.limit.filter(|limit| *limit > 0.0 && *limit <= AMOUNT_MAX);
            told.remaining = told.remaining.filter(|remaining| (0.0..=AMOUNT_MAX).contains(remaining));
            told.reset = told.reset.filter(|reset| *reset <= TIME_MAX);
            let lost = [before.limit.xor(told.limit), before.remaining.xor(told.remaining)];
            let ignored = lost.iter().flatten().count() as u32 + u32::from(before.reset != told.reset);
            self.ignored = self.ignored.saturating_add(ignored);
        }
        self
    }

    fn told(&mut self, dimension: Dimension) -> &mut Told {
        match dimension {
            Dimension::Requests => &mut self.requests,
            Dimension::Tokens => &mut self.tokens,
            Dimension::InputTokens => &mut self.input_tokens,
            Dimension::OutputTokens => &mut self.output_tokens,
        }
    }
}

/// What a header counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dimension {
    /// Requests.
    Requests,
    /// Input + output tokens.
    Tokens,
    /// Input tokens.
    InputTokens,
    /// Output tokens.
    OutputTokens,
}

/// One header, understood.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Header {
    /// What the limit holds when full.
    Limit(Dimension, f64),
    /// What is left.
    Remaining(Dimension, f64),
    /// Until all is left again.
    Reset(Dimension, Nanos),
    /// Until the next attempt is welcome; `precise`: stated in milliseconds.
    RetryAfter {
        /// The pause.
        pause: Nanos,
        /// From `retry-after-ms`.
        precise: bool,
    },
    /// A header of ours whose value is malformed or absurd.
    Malformed,
}

/// Reads one header; `None`: it is not about rate limits.
pub fn parse(name: &str, value: &str, wall_clock: Nanos) -> Option<Header> {
    let name = name.to_ascii_lowercase();
    let value = value.trim();
    let header = if let Some(rest) = name.strip_prefix("x-ratelimit-") {
        let (what, dimension) = rest.split_once('-')?;
        limit_header(what, dimension_of(dimension)?, value, duration)?
    } else if let Some(rest) = name.strip_prefix("anthropic-ratelimit-") {
        let (dimension, what) = rest.rsplit_once('-')?;
        limit_header(what, dimension_of(dimension)?, value, |value| until(rfc3339(value)?, wall_clock))?
    } else {
        match name.as_str() {
            "retry-after-ms" => seconds(value, 1_000.0).map(|pause| Header::RetryAfter { pause, precise: true }),
            "retry-after" => {
                let pause = seconds(value, 1.0).or_else(|| until(http_date(value, wall_clock)?, wall_clock));
                pause.map(|pause| Header::RetryAfter { pause, precise: false })
            }
            _ => return None,
        }
    };
    Some(header.unwrap_or(Header::Malformed))
}

/// `None`: not a header of ours; `Some(None)`: malformed.
fn limit_header(what: &str, dimension: Dimension, value: &str, time: impl Fn(&str) -> Option<Nanos>) -> Option<Option<Header>> {
    Some(match what {
        "limit" => amount(value).filter(|limit| *limit > 0.0).map(|limit| Header::Limit(dimension, limit)),
        "remaining" => amount(value).map(|remaining| Header::Remaining(dimension, remaining)),
        "reset" => time(value).filter(|time| *time <= TIME_MAX).map(|time| Header::Reset(dimension, time)),
        _ => return None,
    })
}

fn dimension_of(name: &str) -> Option<Dimension> {
    match name {
        "requests" => Some(Dimension::Requests),
        "tokens" => Some(Dimension::Tokens),
        "input-tokens" => Some(Dimension::InputTokens),
        "output-tokens" => Some(Dimension::OutputTokens),
        _ => None,
    }
}

/// A plain decimal number: no sign, no exponent, no `inf`.
pub(super) fn decimal(text: &str) -> Option<f64> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') && text.bytes().any(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

fn amount(text: &str) -> Option<f64> {
    decimal(text).filter(|amount| *amount <= AMOUNT_MAX)
}

/// A number of seconds, milliseconds and so on: `per_second` of them make one.
fn seconds(text: &str, per_second: f64) -> Option<Nanos> {
    let seconds = decimal(text)? / per_second;
    (seconds <= TIME_MAX.as_secs_f64()).then(|| Nanos::from_secs_f64(seconds))
}

/// A Go duration (`time.Duration.String`): numbers with units, without a sign; a bare number is seconds.
fn duration(text: &str) -> Option<Nanos> {
    if let Some(plain) = seconds(text, 1.0) {
        return Some(plain);
    }
    let (mut rest, mut total) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number = decimal(&rest[..digits])?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total += number
            * match &rest[..unit] {
                "h" => 3_600.0,
                "m" => 60.0,
                "s" => 1.0,
                "ms" => 1e-3,
                "us" | "µs" | "μs" => 1e-6,
                "ns" => 1e-9,
                _ => return None,
            };
        rest = &rest[unit..];
    }
    (!text.is_empty() && total <= TIME_MAX.as_secs_f64()).then(|| Nanos::from_secs_f64(total))
}

/// From `wall_clock` to a point in time; one that has passed less than a second ago is now, for whole seconds round down.
fn until(time: Nanos, wall_clock: Nanos) -> Option<Nanos> {
    let late = wall_clock.since(time);
    (late < Nanos::from_secs(1) && time.since(wall_clock) <= TIME_MAX).then(|| time.since(wall_clock))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Nanos = Nanos::from_secs(1_700_000_000); // 2023-11-14T22:13:20Z

    fn ms(millis: u64) -> Nanos {
        Nanos::from_millis(millis)
    }

    #[test]
    fn go_durations() {
        for (text, millis) in
            [("1s", 1_000), ("6m0s", 360_000), ("12ms", 12), ("2m59.56s", 179_560), ("1h0m0.5s", 3_600_500), ("7.66", 7_660)]
        {
            let want = Some(Header::Reset(Dimension::Tokens, ms(millis)));
            assert_eq!(parse("X-RateLimit-Reset-Tokens", text, NOW), want, "{text}");
        }
        for text in ["", "-1s", "1", "NaN", "1x", "s", "1e9s", "99999999h", "1s1", "inf"].into_iter().filter(|text| *text != "1") {
            assert_eq!(parse("x-ratelimit-reset-tokens", text, NOW), Some(Header::Malformed), "{text}");
        }
    }

    #[test]
    fn points_in_time() {
        let reset = |text| parse("anthropic-ratelimit-input-tokens-reset", text, NOW);
        for (text, millis) in [
            ("2023-11-14T22:13:25Z", 5_000),
            ("2023-11-14T22:13:25.25Z", 5_250),
            ("2023-11-15T00:13:21+02:00", 1_000),
            ("2023-11-14T22:13:20Z", 0),
        ] {
            assert_eq!(reset(text), Some(Header::Reset(Dimension::InputTokens, ms(millis))), "{text}");
        }
        for text in ["2023-11-14T22:13:18Z", "2123-11-14T22:13:20Z", "2023-13-14T22:13:20Z", "2023-11-14", "soon", "2023-11-14T22:13:20"] {
            assert_eq!(reset(text), Some(Header::Malformed), "{text}");
        }
        let retry = |text| parse("Retry-After", text, NOW);
        assert_eq!(retry("Tue, 14 Nov 2023 22:13:50 GMT"), Some(Header::RetryAfter { pause: ms(30_000), precise: false }));
        assert_eq!(retry("Tuesday, 14-Nov-23 22:13:50 GMT"), Some(Header::RetryAfter { pause: ms(30_000), precise: false }));
        assert_eq!(retry("Tue Nov 14 22:13:50 2023"), Some(Header::RetryAfter { pause: ms(30_000), precise: false }));
        assert_eq!(retry("Tue, 14 Nov 2023 22:12:50 GMT"), Some(Header::Malformed), "in the past");
    }

    #[test]
    fn pauses_and_amounts() {
        let mut headers = RateLimitHeaders::default();
        for (name, value) in [
            ("retry-after-ms", "11800"),
            ("retry-after", "12"),
            ("x-ratelimit-limit-requests", "600"),
            ("anthropic-ratelimit-output-tokens-remaining", "8000"),
            ("x-ratelimit-remaining-tokens", "-1"),
            ("x-ratelimit-limit-tokens", "0"),
            ("x-ratelimit-limit-tokens", "1e400"),
            ("retry-after", "-3"),
        ] {
            assert!(headers.read(name, value, NOW), "{name}");
        }
        assert!(!headers.read("x-ratelimit-limit-images", "5", NOW) && !headers.read("content-type", "text", NOW), "not ours");
        assert_eq!(headers.retry_after, Some(ms(11_800)), "the finer one");
        assert_eq!((headers.requests.limit, headers.output_tokens.remaining), (Some(600.0), Some(8_000.0)));
        assert_eq!((headers.tokens, headers.ignored), (Told::default(), 4));
        assert_eq!(parse("retry-after", "0.5", NOW), Some(Header::RetryAfter { pause: ms(500), precise: false }));
    }
}

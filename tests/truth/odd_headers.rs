//! Rate-limit headers that are malformed, absurd or mutilated: ignored and counted, never believed, never a panic.

use lbsim::engine::limit::RateLimitHeaders;
use lbsim::engine::limit::headers::Told;
use lbsim::rng::{Draws, Stream};
use lbsim::time::Nanos;

/// 2026-01-01 00:00 UTC.
const NOW: Nanos = Nanos::from_secs(1_767_225_600);
/// No pause or reset beyond this is believed.
const LONGEST: Nanos = Nanos::from_secs(32 * 86_400);

const NAMES: [&str; 12] = [
    "x-ratelimit-limit-requests",
    "x-ratelimit-remaining-requests",
    "x-ratelimit-reset-requests",
    "x-ratelimit-limit-tokens",
    "X-RateLimit-Remaining-Tokens",
    "x-ratelimit-reset-tokens",
    "anthropic-ratelimit-input-tokens-remaining",
    "anthropic-ratelimit-output-tokens-limit",
    "anthropic-ratelimit-tokens-reset",
    "retry-after",
    "retry-after-ms",
    "Retry-After",
];

const VALUES: [&str; 14] = [
    "60",
    "59.5",
    "1s",
    "6m0s",
    "12ms",
    "2m59.56s",
    "1h0m0.5s",
    "2026-01-01T00:00:30Z",
    "2026-01-01T00:00:30.25+00:00",
    "Thu, 01 Jan 2026 00:00:30 GMT",
    "1200",
    "0",
    "999999999999",
    "0.25",
];

fn read(name: &str, value: &str) -> RateLimitHeaders {
    let mut headers = RateLimitHeaders::default();
    headers.read(name, value, NOW);
    headers
}

/// Everything that was believed is finite, not negative, and not beyond what exists.
fn is_sane(headers: &RateLimitHeaders) -> bool {
    let amount = |amount: Option<f64>| amount.is_none_or(|amount| amount.is_finite() && (0.0..=1e15).contains(&amount));
    let time = |time: Option<Nanos>| time.is_none_or(|time| time <= LONGEST);
    let told = |told: &Told| amount(told.limit) && amount(told.remaining) && time(told.reset);
    [headers.requests, headers.tokens, headers.input_tokens, headers.output_tokens].iter().all(told) && time(headers.retry_after)
}

#[test]
fn absurd_values_are_ignored_and_counted() {
    for (name, values) in [
        (
            "x-ratelimit-remaining-requests",
            &["-1", "NaN", "nan", "inf", "-inf", "1e999", "1e16", "0x10", "", " ", "1,000", "60 requests"][..],
        ),
        ("x-ratelimit-reset-requests", &["-1s", "s", "1x", "99999999h", "NaNs", "1s2", "--", "1.s.2", ""]),
        (
            "anthropic-ratelimit-requests-reset",
            &["2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "yesterday", "0000-00-00T00:00:00Z", "9999-12-31T23:59:59Z"],
        ),
        ("retry-after", &["-5", "1e300", "NaN", "Thu, 01 Jan 1970 00:00:00 GMT", "Thu, 32 Jan 2026 00:00:00 GMT", "soon", ""]),
        ("retry-after-ms", &["-1", "inf", "99999999999999999999", "1s", ""]),
    ] {
        for value in values {
            assert_eq!(read(name, value), RateLimitHeaders { ignored: 1, ..RateLimitHeaders::default() }, "{name}: {value:?}");
        }
    }
}

/// 300,000 mutations of good values under good names: bytes changed, put in, taken out, repeated, cut off.
#[test]
fn mutilated_values_are_never_believed_beyond_reason() {
    let mut draws = Draws::new(20_260_101, Stream::Arrival, 0);
    let (mut believed, mut ignored) = (0_u32, 0_u32);
    for _ in 0..300_000 {
        let mut below = |n: usize| draws.below(n as u64) as usize;
        let name = NAMES[below(NAMES.len())];
        let mut value: Vec<char> = VALUES[below(VALUES.len())].chars().collect();
        for _ in 0..=below(4) {
            let place = below(value.len() + 1);
            let odd = ['-', '.', 'e', 's', 'm', ':', 'T', ' ', '9', '0', '\u{0}', 'é', '∞', '\u{ffff}'][below(14)];
            match below(5) {
                0 => value.insert(place, odd),
                1 if place < value.len() => value[place] = odd,
                2 if place < value.len() => drop(value.remove(place)),
                3 => value.truncate(place),
                _ => value.extend_from_within(..place.min(40)),
            }
        }
        let value: String = value.into_iter().collect();
        let headers = read(name, &value);
        assert!(is_sane(&headers), "{name}: {value:?} gives {headers:?}");
        let nothing = RateLimitHeaders { ignored: headers.ignored, ..RateLimitHeaders::default() };
        assert_ne!(headers == nothing, headers.ignored == 0, "{name}: {value:?} is either believed or counted");
        believed += u32::from(headers.ignored == 0);
        ignored += headers.ignored;
    }
    // Both happen often: the mutations are neither all harmless nor all destructive.
    assert!(believed > 30_000 && ignored > 30_000, "{believed} believed, {ignored} ignored");
}

//! How numbers look to people: one helper for each kind, used by every format that people read.

use console::measure_text_width;

use crate::time::Nanos;

/// Stands for a figure that does not apply or has no samples.
pub const ABSENT: &str = "–";

/// `12,345`.
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `1 request`, `12,000 requests`: the noun takes an s unless there is exactly one.
pub fn plural(value: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(value), if value == 1 { "" } else { "s" })
}

/// `50.03 %` for 0.5003. What would round to 0 or to 100 without being it is shown as `<0.01 %` or `>99.99 %`, because
/// "0.00 % refused" must mean none.
pub fn ratio(value: f64) -> String {
    if !value.is_finite() {
        return ABSENT.to_owned();
    }
    let percent = value * 100.0;
    if percent > 0.0 && percent < 0.005 {
        "<0.01 %".to_owned()
    } else if (99.995..100.0).contains(&percent) {
        ">99.99 %".to_owned()
    } else {
        format!("{} %", fixed(percent, 2))
    }
}

/// A ratio with up to four decimals of a percent, for comparing it with what was wanted: `49.9917 %`.
pub fn ratio_fine(value: f64) -> String {
    if !value.is_finite() {
        return ABSENT.to_owned();
    }
    let text = fixed(value * 100.0, 4);
    let kept = text.trim_end_matches('0').len().max(text.len() - 2);
    format!("{} %", &text[..kept])
}

/// A difference of two ratios in percentage points, always with its sign: `+0.03 pp`, `-1.20 pp`, `0.00 pp`.
pub fn points(difference: f64) -> String {
    if !difference.is_finite() {
        return ABSENT.to_owned();
    }
    let text = fixed(difference * 100.0, 2);
    format!("{}{text} pp", if difference > 0.0 && text != "0.00" { "+" } else { "" })
}

/// Three significant digits in the largest unit that leaves a whole part: `17 ns`, `1.23 µs`, `420 ms`, `1,230 s`.
pub fn nanos(value: f64) -> String {
    if !value.is_finite() {
        return ABSENT.to_owned();
    }
    if value <= 0.0 {
        return "0 ms".to_owned();
    }
    for (unit, name) in [(1.0, "ns"), (1e3, "µs"), (1e6, "ms")] {
        // 999.5 would be printed as 1000: that is one of the next unit.
        if value / unit < 999.5 {
            return format!("{} {name}", if unit == 1.0 && value >= 9.95 { fixed(value, 0) } else { significant(value / unit) });
        }
    }
    format!("{} s", significant(value / 1e9))
}

/// As [`nanos`], from milliseconds.
pub fn millis(value: f64) -> String {
    nanos(value * 1e6)
}

/// A stretch of simulated time in seconds: as a scenario file would write it where that is short (`2m`, `90s`, `1.5s`), else `119 s`.
pub fn span(seconds: f64) -> String {
    let exact = Nanos::from_secs_f64(seconds).to_string();
    if measure_text_width(&exact) <= 5 { exact } else { nanos(seconds * 1e9) }
}

/// A plain number: whole ones grouped (`1,234`), others with three significant digits (`0.0123`, `12.3`).
pub fn plain(value: f64) -> String {
    if !value.is_finite() {
        return ABSENT.to_owned();
    }
    if value == value.trunc() && value.abs() < 9e15 {
        return format!("{}{}", if value < 0.0 { "-" } else { "" }, count(value.abs() as u64));
    }
    let size = value.abs();
    let text = if size >= 0.995 {
        significant(size)
    } else if size >= 0.000_1 {
        let digits = 2 - size.log10().floor() as i32;
        format!("{size:.0$}", digits.clamp(3, 8) as usize)
    } else {
        format!("{size:.2e}")
    };
    format!("{}{text}", if value < 0.0 { "-" } else { "" })
}

/// Requests per second: `99.8/s`.
pub fn per_second(value: f64) -> String {
    if value.is_finite() { format!("{}/s", plain(value)) } else { ABSENT.to_owned() }
}

/// `some` of the value, or [`ABSENT`].
pub fn or_absent<T>(value: Option<T>, some: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| ABSENT.to_owned(), some)
}

/// Three significant digits of a positive value, grouped when it is large.
fn significant(value: f64) -> String {
    if value >= 999.5 {
        count(value.round() as u64)
    } else if value >= 99.95 {
        fixed(value, 0)
    } else if value >= 9.995 {
        fixed(value, 1)
    } else {
        fixed(value, 2)
    }
}

/// Fixed decimals, without the sign of a negative zero.
pub(super) fn fixed(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    match text.strip_prefix('-') {
        Some(digits) if digits.bytes().all(|byte| byte == b'0' || byte == b'.') => digits.to_owned(),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_and_nouns_agree() {
        for (value, text) in [(0, "0"), (7, "7"), (999, "999"), (1_000, "1,000"), (12_345, "12,345"), (1_234_567, "1,234,567")] {
            assert_eq!(count(value), text);
        }
        assert_eq!(count(u64::MAX), "18,446,744,073,709,551,615");
        assert_eq!(plural(0, "request"), "0 requests");
        assert_eq!(plural(1, "request"), "1 request");
        assert_eq!(plural(12_000, "request"), "12,000 requests");
    }

    #[test]
    fn ratios_never_round_something_to_nothing() {
        for (value, text) in [
            (0.0, "0.00 %"),
            (-0.0, "0.00 %"),
            (0.500_3, "50.03 %"),
            (1.0, "100.00 %"),
            (0.000_01, "<0.01 %"),
            (0.999_99, ">99.99 %"),
            (1.25, "125.00 %"),
            (f64::NAN, ABSENT),
        ] {
            assert_eq!(ratio(value), text, "{value}");
        }
        assert_eq!(ratio_fine(0.5), "50.00 %");
        assert_eq!(ratio_fine(0.499_917), "49.9917 %");
        assert_eq!(ratio_fine(0.333), "33.30 %");
        assert_eq!(points(0.000_3), "+0.03 pp");
        assert_eq!(points(-0.012), "-1.20 pp");
        assert_eq!(points(-0.000_000_1), "0.00 pp");
        assert_eq!(points(0.000_000_1), "0.00 pp");
    }

    #[test]
    fn durations_keep_three_digits_and_carry_into_the_next_unit() {
        for (value, text) in [
            (0.0, "0 ms"),
            (0.4, "0.40 ns"),
            (17.0, "17 ns"),
            (999.4, "999 ns"),
            (999.6, "1.00 µs"),
            (1_234.0, "1.23 µs"),
            (420e6, "420 ms"),
            (42e6, "42.0 ms"),
            (999.6e6, "1.00 s"),
            (2.1e9, "2.10 s"),
            (99.96e9, "100 s"),
            (1_230e9, "1,230 s"),
            (f64::INFINITY, ABSENT),
        ] {
            assert_eq!(nanos(value), text, "{value}");
        }
        assert_eq!(millis(420.0), "420 ms");
        for (seconds, text) in [(120.0, "2m"), (0.0, "0s"), (90.0, "90s"), (1.5, "1.5s"), (119.123_456_789, "119 s"), (86_400.0, "1d")] {
            assert_eq!(span(seconds), text);
        }
    }

    #[test]
    fn plain_numbers_are_grouped_when_whole_and_short_when_not() {
        for (value, text) in
            [(0.0, "0"), (1_234.0, "1,234"), (-3.0, "-3"), (0.012_34, "0.0123"), (12.34, "12.3"), (0.5, "0.500"), (0.000_001_2, "1.20e-6")]
        {
            assert_eq!(plain(value), text, "{value}");
        }
        assert_eq!(plain(f64::NAN), ABSENT);
        assert_eq!(per_second(99.84), "99.8/s");
        assert_eq!(or_absent(None, millis), ABSENT);
    }
}

//! The timestamps of the Azure traces.

use super::number::fraction_nanos;

/// `YYYY-MM-DD HH:MM:SS[.f…]`, with `Z` or `+00:00` behind it or nothing → nanoseconds since 1970; `None`: it is not that.
pub(super) fn timestamp(text: &str) -> Option<i128> {
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00")).unwrap_or(text);
    let (text, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let bytes = text.as_bytes();
    let marks = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':')];
    if bytes.len() != 19 || marks.iter().any(|(place, mark)| bytes[*place] != *mark) {
        return None;
    }
    let number = |from: usize, to: usize| {
        bytes[from..to].iter().try_fold(0_i64, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
    };
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let valid = (1..=12).contains(&month) && (1..=days_in(year, month)).contains(&day) && hour < 24 && minute < 60 && second < 60;
    let seconds = ((days_since_1970(year, month, day) * 24 + hour) * 60 + minute) * 60 + second;
    valid.then(|| i128::from(seconds) * 1_000_000_000 + i128::from(fraction_nanos(fraction)))
}

fn days_in(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days of the Gregorian calendar, counted in eras of 400 years that begin in March, so that the leap day comes last
/// (Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`).
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_instants_are_right() {
        // Unix times from `date -u -d … +%s`.
        for (text, seconds) in [
            ("1970-01-01 00:00:00", 0),
            ("2000-02-29 23:59:59", 951_868_799),
            ("2000-03-01 00:00:00", 951_868_800),
            ("2023-11-16 18:15:46", 1_700_158_546),
            ("2024-12-31 00:00:00Z", 1_735_603_200),
        ] {
            assert_eq!(timestamp(text), Some(i128::from(seconds as i64) * 1_000_000_000), "{text}");
        }
        let base = 1_700_158_546_000_000_000;
        assert_eq!(timestamp("2023-11-16 18:15:46.6805900"), Some(base + 680_590_000));
        assert_eq!(timestamp("2023-11-16 18:15:46.680590+00:00"), Some(base + 680_590_000));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "2023-11-16", "2023-11-16T18:15:46", "2023-02-29 00:00:00", "2023-13-01 00:00:00", "2023-11-16 24:00:00"] {
            assert_eq!(timestamp(text), None, "{text}");
        }
        for text in ["2023-11-16 18:15:46.", "2023-11-16 18:15:46.1x", "2023-11-16 18:1a:46", "2023-11-16 18:15:46.1 ", "１２３４５６７"]
        {
            assert_eq!(timestamp(text), None, "{text}");
        }
    }
}

//! Points in time as headers write them.

use super::headers::decimal;
use crate::time::{NANOS_PER_SECOND, Nanos};

/// `2026-11-23T06:05:22Z`, with fractions of a second or a numeric offset if need be (RFC 3339 §5.6).
pub(super) fn rfc3339(text: &str) -> Option<Nanos> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let mut date = date.splitn(3, '-');
    let (year, month, day) = (whole(date.next()?, 4)?, whole(date.next()?, 2)?, whole(date.next()?, 2)?);
    let (clock, offset) = match time.find(['Z', 'z', '+', '-']) {
        Some(at) => (&time[..at], &time[at..]),
        None => return None,
    };
    let offset = match offset {
        "Z" | "z" => 0,
        _ => {
            let (hours, minutes) = offset[1..].split_once(':')?;
            let minutes = whole(hours, 2)? * 60 + whole(minutes, 2)?;
            if offset.starts_with('-') { -minutes } else { minutes }
        }
    };
    let (clock, fraction) = clock.split_once('.').map_or((clock, None), |(clock, fraction)| (clock, Some(fraction)));
    let fraction = fraction.map_or(Some(0.0), |digits| decimal(&format!("0.{digits}")))?;
    let seconds = epoch_seconds(year, month, day, clock)? - offset * 60;
    let whole = u64::try_from(seconds).ok()?.checked_mul(NANOS_PER_SECOND)?;
    Some(Nanos::new(whole) + Nanos::from_secs_f64(fraction))
}

/// The three forms of an HTTP date (RFC 9110 §5.6.7), all of which are to be accepted: `Sun, 06 Nov 1994 08:49:37 GMT`, and the obsolete
/// `Sunday, 06-Nov-94 08:49:37 GMT` (RFC 850) and `Sun Nov  6 08:49:37 1994` (asctime). A year of two digits that would be more than
/// 50 years after `wall_clock` is the latest one before that ends so.
pub(super) fn http_date(text: &str, wall_clock: Nanos) -> Option<Nanos> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let seconds = match words[..] {
        [name, day, month, year, clock, "GMT"] if name.ends_with(',') => {
            epoch_seconds(whole(year, 4)?, month_of(month)?, whole(day, 2)?, clock)?
        }
        [name, date, clock, "GMT"] if name.ends_with(',') => {
            let mut parts = date.splitn(3, '-');
            let (day, month, year) = (whole(parts.next()?, 2)?, month_of(parts.next()?)?, whole(parts.next()?, 2)?);
            let seconds = |century: i64| epoch_seconds(century + year, month, day, clock);
            let latest = i64::try_from(wall_clock.as_nanos() / NANOS_PER_SECOND).ok()? + FIFTY_YEARS;
            seconds(2000).filter(|seconds| *seconds <= latest).or_else(|| seconds(1900))?
        }
        [_, month, day, clock, year] => epoch_seconds(whole(year, 4)?, month_of(month)?, whole(day, day.len().min(2))?, clock)?,
        _ => return None,
    };
    Some(Nanos::new(u64::try_from(seconds).ok()?.checked_mul(NANOS_PER_SECOND)?))
}

/// In seconds, with the leap days that they have at least.
const FIFTY_YEARS: i64 = (50 * 365 + 12) * 86_400;

fn month_of(name: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    MONTHS.iter().position(|month| *month == name).map(|position| position as i64 + 1)
}

/// Exactly so many digits.
fn whole(text: &str, digits: usize) -> Option<i64> {
    (text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

/// Seconds since 1970 of a date and `HH:MM:SS`.
fn epoch_seconds(year: i64, month: i64, day: i64, clock: &str) -> Option<i64> {
    let mut parts = clock.splitn(3, ':');
    let (hour, minute, second) = (whole(parts.next()?, 2)?, whole(parts.next()?, 2)?, whole(parts.next()?, 2)?);
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60;
    valid.then(|| days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second)
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar (Hinnant, "chrono-Compatible Low-Level Date Algorithms", 2013).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = year - i64::from(month <= 2);
    let era = year.div_euclid(400);
    let year_of_era = year - era * 400;
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The examples of the RFC, all of one instant, and what must not be taken for a date.
    #[test]
    fn the_three_forms_of_an_http_date() {
        let then = Some(Nanos::from_secs(784_111_777));
        let (in_1994, in_2023) = (Nanos::from_secs(784_000_000), Nanos::from_secs(1_700_000_000));
        for now in [in_1994, in_2023] {
            assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT", now), then);
            assert_eq!(http_date("Sun Nov  6 08:49:37 1994", now), then);
            assert_eq!(http_date("Sunday, 06-Nov-94 08:49:37 GMT", now), then, "2094 is more than 50 years away");
        }
        assert_eq!(http_date("Sunday, 06-Nov-26 08:49:37 GMT", in_2023), Some(Nanos::from_secs(1_793_954_977)));
        for text in
            ["", "Sun, 06 Nov 1994 08:49:37", "Sun, 06 Nov 1994 08:49:37 CET", "Sun, 06 Now 1994 08:49:37 GMT", "06-Nov-94", "a b c d e"]
        {
            assert_eq!(http_date(text, in_2023), None, "{text}");
        }
    }
}

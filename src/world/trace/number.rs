//! Numbers in text, with a reason when they are none.

/// Largest time of a trace in seconds: 584 years, the range of simulated time.
const MOST_SECONDS: f64 = 1.8e10;

/// Why a field is refused: what is wrong, and what would be right.
pub(super) type Refusal = (String, &'static str);

/// Seconds → nanoseconds, rounded half up. Plain decimals are taken exactly, exponents (`1e-05`) through a float.
pub(super) fn seconds(text: &str) -> Result<i128, Refusal> {
    const HELP: &str = "arrivals are seconds from 0, like 0.25";
    if let Some(nanos) = decimal_seconds(text) {
        return Ok(nanos);
    }
    match text.parse::<f64>() {
        Ok(value) if (0.0..=MOST_SECONDS).contains(&value) => Ok((value * 1e9).round() as i128),
        Ok(value) if value < 0.0 => Err((format!("the arrival `{text}` is negative"), HELP)),
        Ok(value) if value > MOST_SECONDS && value.is_finite() => Err((format!("the arrival `{text}` lies beyond 584 years"), HELP)),
        _ => Err((format!("the arrival `{}` is not a number", super::shortened(text)), HELP)),
    }
}

/// `12` or `12.345`, below 10¹⁰ seconds.
fn decimal_seconds(text: &str) -> Option<i128> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 10 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let whole: i128 = whole.parse().ok()?;
    Some(whole * 1_000_000_000 + i128::from(fraction_nanos(fraction)))
}

/// The decimal digits behind a point as nanoseconds, rounded half up; up to 10⁹.
pub(super) fn fraction_nanos(digits: &str) -> u32 {
    let mut nanos = 0;
    let mut place = 100_000_000;
    for byte in digits.bytes() {
        let digit = u32::from(byte.saturating_sub(b'0'));
        if place == 0 {
            return nanos + u32::from(digit >= 5);
        }
        nanos += digit * place;
        place /= 10;
    }
    nanos
}

/// A token count in text.
pub(super) fn tokens(name: &str, text: &str) -> Result<u32, Refusal> {
    text.parse::<u32>().map_err(|_| token_refusal(name, text))
}

/// A token count out of JSON, where `400.0` is the number 400.
pub(super) fn whole_tokens(name: &str, value: f64) -> Result<u32, Refusal> {
    if value.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&value) {
        Ok(value as u32)
    } else {
        Err(token_refusal(name, &value.to_string()))
    }
}

fn token_refusal(name: &str, text: &str) -> Refusal {
    let text = super::shortened(text);
    (format!("`{text}` is no number of tokens for {name}"), "give a whole number from 0 to 4294967295")
}

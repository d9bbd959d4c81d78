//! `--over KEY=VALUES`: a parameter and the values it takes.

use super::quantity::Quantity;
use crate::report::Axis;

/// More points in all are refused: a mistyped step must not fill the disk.
pub const POINTS_MAX: usize = 10_000;

/// Reads `KEY=V1,V2,…`, where each V is a value as `--set` takes it, or a range `a..b/step`.
///
/// A range takes a, a + step, … up to b, inclusive where it is met. Units are kept; one given once holds for all three:
/// `20/s..100/s/20/s`, `20/s..100/s/20` and `20..100/20/s` are the same.
///
/// # Errors
/// What is wrong, and what would be right.
pub fn parse(text: &str) -> Result<Axis, String> {
    let (key, values) = split_key(text).ok_or("expected KEY=VALUES, for example load.rate=20/s,40/s or load.rate=20/s..100/s/20/s")?;
    let mut axis = Axis { key: key.trim().to_owned(), values: Vec::new() };
    for part in split_values(values) {
        let part = part.trim();
        if part.is_empty() {
            return Err(format!("a value is empty in `{values}`"));
        }
        match part.split_once("..").filter(|_| !part.starts_with(['"', '\'', '[', '{'])) {
            Some((from, rest)) => axis.values.extend(range(part, from, rest)?),
            None => axis.values.push(part.to_owned()),
        }
        if axis.values.len() > POINTS_MAX {
            return Err(format!("more than {POINTS_MAX} values"));
        }
    }
    if let Some(twice) = axis.values.iter().enumerate().find_map(|(at, value)| axis.values[..at].contains(value).then_some(value)) {
        return Err(format!("`{twice}` comes twice"));
    }
    Ok(axis)
}

/// At the first equals sign outside of quotes.
fn split_key(text: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (None, '=') => {
                return Some((&text[..at], &text[at + 1..])).filter(|(key, values)| !key.trim().is_empty() && !values.trim().is_empty());
            }
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            _ => {}
        }
    }
    None
}

/// At commas outside of quotes and brackets.
fn split_values(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth, mut quote) = (Vec::new(), 0, 0_i32, None);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '[' | '{') => depth += 1,
            (None, ']' | '}') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

fn range(whole: &str, from: &str, rest: &str) -> Result<Vec<String>, String> {
    let example = "a range is written a..b/step, for example 20/s..100/s/20/s";
    // The step begins behind the last slash that a digit follows: the others belong to units.
    let begins_step = |at: &usize| rest[at + 1..].starts_with(|c: char| c.is_ascii_digit() || c == '-');
    let slash = rest.char_indices().filter(|(_, c)| *c == '/').map(|(at, _)| at).rfind(begins_step);
    let slash = slash.ok_or_else(|| format!("`{whole}` has no step: {example}"))?;
    let read = |part: &str| Quantity::parse(part).ok_or_else(|| format!("`{part}` in `{whole}` is no number: {example}"));
    let (from, to, step) = (read(from)?, read(&rest[..slash])?, read(&rest[slash + 1..])?);
    let mut units = [&from.unit, &to.unit, &step.unit].into_iter().filter(|unit| !unit.is_empty());
    let unit = units.next().cloned().unwrap_or_default();
    if let Some(other) = units.find(|other| **other != unit) {
        return Err(format!("`{whole}` mixes the units `{unit}` and `{other}`"));
    }
    let decimals = from.decimals().max(to.decimals()).max(step.decimals());
    let (first, last, step) = (from.scaled(decimals), to.scaled(decimals), step.scaled(decimals));
    if step <= 0 {
        return Err(format!("`{whole}`: the step must be above 0"));
    }
    if first > last {
        return Err(format!("`{whole}` ends before it begins: a..b/step needs a ≤ b"));
    }
    let count = ((last - first) / step) as usize + 1;
    if count > POINTS_MAX {
        return Err(format!("`{whole}` has {count} values; at most {POINTS_MAX} are allowed"));
    }
    Ok((0..count).map(|i| Quantity::new(first + i as i128 * step, decimals, &unit).text()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lists, ranges and both; units once or everywhere; commas inside of brackets and quotes belong to a value.
    #[test]
    fn values_and_ranges() {
        for (text, key, values) in [
            ("load.rate=20/s,40/s", "load.rate", &["20/s", "40/s"][..]),
            ("load.rate=20/s..60/s/20/s", "load.rate", &["20/s", "40/s", "60/s"]),
            ("load.rate=20/s..60/s/20", "load.rate", &["20/s", "40/s", "60/s"]),
            ("load.rate=20..60/20/s", "load.rate", &["20/s", "40/s", "60/s"]),
            ("a=0.1..0.35/0.1", "a", &["0.1", "0.2", "0.3"]),
            ("a=90%..100%/2.5%", "a", &["90%", "92.5%", "95%", "97.5%", "100%"]),
            ("a=1,4..6/1,9", "a", &["1", "4", "5", "6", "9"]),
            ("a=5..5/1", "a", &["5"]),
            ("t={ p50 = \"1s\", p99 = \"2s\" },\"1s\"", "t", &["{ p50 = \"1s\", p99 = \"2s\" }", "\"1s\""]),
            ("provider.\"a=b\".weight=1,2", "provider.\"a=b\".weight", &["1", "2"]),
        ] {
            let axis = parse(text).unwrap_or_else(|why| panic!("{text}: {why}"));
            assert_eq!((axis.key.as_str(), axis.values.iter().map(String::as_str).collect::<Vec<_>>()), (key, values.to_vec()), "{text}");
        }
    }

    /// Each mistake is named.
    #[test]
    fn mistakes_are_explained() {
        for (text, part_of_message) in [
            ("load.rate", "expected KEY=VALUES"),
            ("=1", "expected KEY=VALUES"),
            ("a=", "expected KEY=VALUES"),
            ("a=1,,2", "a value is empty"),
            ("a=1,2,1", "`1` comes twice"),
            ("a=1..5", "`1..5` has no step"),
            ("a=1/s..5/s", "has no step"),
            ("a=x..5/1", "`x` in `x..5/1` is no number"),
            ("a=5..1/1", "ends before it begins"),
            ("a=1..5/0", "the step must be above 0"),
            ("a=1..5/-1", "the step must be above 0"),
            ("a=1s..5ms/1s", "mixes the units `s` and `ms`"),
            ("a=1..1000000/1", "has 1000000 values; at most 10000"),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.contains(part_of_message), "{text}: {message}");
        }
    }
}

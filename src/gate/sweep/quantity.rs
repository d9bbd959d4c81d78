//! A number with its unit, as scenario files write it: `20/s`, `1.5s`, `99.5%`, `900_000`.

/// A decimal number, kept exactly, and what stands behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantity {
    digits: i128,
    decimals: u32,
    /// `/s`, `ms`, `%` or nothing.
    pub unit: String,
}

impl Quantity {
    /// `None` for anything but a decimal number with a unit that holds no digit.
    pub fn parse(text: &str) -> Option<Quantity> {
        let text = text.trim();
        let end = text.find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '_'))).unwrap_or(text.len());
        let (number, unit) = (text[..end].replace('_', ""), text[end..].trim());
        if unit.chars().any(|c| c.is_ascii_digit()) {
            return None;
        }
        let (whole, fraction) = number.split_once('.').unwrap_or((&number, ""));
        let digits = format!("{whole}{fraction}");
        let is_number = digits.trim_start_matches('-').len() <= 18 && fraction.bytes().all(|byte| byte.is_ascii_digit());
        let digits = digits.parse().ok().filter(|_| is_number && !whole.is_empty())?;
        Some(Quantity { digits, decimals: fraction.len() as u32, unit: unit.to_owned() })
    }

    /// The number alone.
    pub fn value(&self) -> f64 {
        self.digits as f64 / 10_f64.powi(self.decimals as i32)
    }

    /// As a scenario file takes it.
    pub fn text(&self) -> String {
        let scale = 10_i128.pow(self.decimals);
        let sign = if self.digits < 0 { "-" } else { "" };
        let (whole, fraction) = (self.digits.abs() / scale, self.digits.abs() % scale);
        let fraction = if self.decimals == 0 { String::new() } else { format!(".{fraction:0width$}", width = self.decimals as usize) };
        let fraction = fraction.trim_end_matches('0').trim_end_matches('.');
        format!("{sign}{whole}{fraction}{}", self.unit)
    }

    /// The number in units of 10^−`decimals`.
    pub(super) fn scaled(&self, decimals: u32) -> i128 {
        self.digits * 10_i128.pow(decimals - self.decimals)
    }

    /// Digits behind the point.
    pub(super) fn decimals(&self) -> u32 {
        self.decimals
    }

    /// `digits` units of 10^−`decimals`.
    pub(super) fn new(digits: i128, decimals: u32, unit: &str) -> Quantity {
        Quantity { digits, decimals, unit: unit.to_owned() }
    }

    /// Half way between two of one unit, with one more digit than they have; `None` where nothing lies between.
    pub fn between(low: &Quantity, high: &Quantity) -> Option<Quantity> {
        let decimals = (low.decimals.max(high.decimals) + 1).min(6);
        if low.decimals > decimals || high.decimals > decimals {
            return None;
        }
        let (a, b) = (low.scaled(decimals), high.scaled(decimals));
        let middle = a + (b - a) / 2;
        (a < middle && middle < b).then(|| Quantity::new(middle, decimals, &low.unit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read is what is written, units kept; what is no number with a unit is none.
    #[test]
    fn numbers_keep_their_units_and_digits() {
        for (text, value, written) in
            [("20/s", 20.0, "20/s"), ("1.50s", 1.5, "1.5s"), ("99.5%", 99.5, "99.5%"), ("900_000", 900_000.0, "900000"), ("-2", -2.0, "-2")]
        {
            let quantity = Quantity::parse(text).unwrap();
            assert_eq!((quantity.value(), quantity.text().as_str()), (value, written));
        }
        for wrong in ["", "/s", "abc", "1.2.3", "20/s/5", "1e9", "--2", ".5", "123456789012345678901234567890"] {
            assert_eq!(Quantity::parse(wrong), None, "{wrong}");
        }
    }

    /// Half way, exactly, until nothing lies between.
    #[test]
    fn halves_are_exact() {
        let parse = |text| Quantity::parse(text).unwrap();
        assert_eq!(Quantity::between(&parse("20/s"), &parse("25/s")).unwrap().text(), "22.5/s");
        assert_eq!(Quantity::between(&parse("1"), &parse("2")).unwrap().text(), "1.5");
        assert_eq!(Quantity::between(&parse("1.000000"), &parse("1.000001")), None);
    }
}

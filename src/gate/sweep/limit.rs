//! How far a parameter can go while everything that is expected holds.

use super::quantity::Quantity;

/// What is known of one value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// As `--set` takes it.
    pub value: String,
    /// Whether everything held, with every seed.
    pub held: bool,
}

/// Where it ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bracket {
    /// The highest value with which all hold.
    pub holds: Option<String>,
    /// The next higher one, which does not; the lowest, where none holds.
    pub fails: Option<String>,
    /// Something below `holds` does not hold.
    pub fails_below: bool,
}

/// From low to high: by number where all values are numbers of one unit, else in the order given.
pub fn bracket(tried: &[Tried]) -> Bracket {
    let tried = in_order(tried);
    let highest = tried.iter().rposition(|tried| tried.held);
    let next = highest.map_or(0, |index| index + 1);
    Bracket {
        holds: highest.map(|index| tried[index].value.clone()),
        fails: tried.get(next).map(|tried| tried.value.clone()),
        fails_below: highest.is_some_and(|index| tried[..index].iter().any(|tried| !tried.held)),
    }
}

/// The value to try next between the two ends; `None` where they are within 1 % of each other, or are no numbers of one unit.
pub fn next(bracket: &Bracket) -> Option<String> {
    let (low, high) = (Quantity::parse(bracket.holds.as_ref()?)?, Quantity::parse(bracket.fails.as_ref()?)?);
    let close = (high.value() - low.value()) <= PRECISION * high.value().abs();
    if low.unit != high.unit || close {
        return None;
    }
    Quantity::between(&low, &high).map(|middle| middle.text())
}

/// As fine as a load limit is worth knowing.
const PRECISION: f64 = 0.01;

fn in_order(tried: &[Tried]) -> Vec<Tried> {
    let numbers: Option<Vec<Quantity>> = tried.iter().map(|tried| Quantity::parse(&tried.value)).collect();
    let mut ordered: Vec<Tried> = tried.to_vec();
    if numbers.is_some_and(|numbers| numbers.windows(2).all(|pair| pair[0].unit == pair[1].unit)) {
        let value = |tried: &Tried| Quantity::parse(&tried.value).map_or(0.0, |quantity| quantity.value());
        ordered.sort_by(|a, b| value(a).total_cmp(&value(b)));
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tried(list: &[(&str, bool)]) -> Vec<Tried> {
        list.iter().map(|(value, held)| Tried { value: (*value).to_owned(), held: *held }).collect()
    }

    /// Ends that bracket, that do not on either side, and a limit with failures below it.
    #[test]
    fn the_ends_are_said_as_they_are() {
        let of = |list: &[(&str, bool)]| bracket(&tried(list));
        let some = |text: &str| Some(text.to_owned());
        let all = of(&[("20/s", true), ("100/s", true)]);
        assert_eq!(all, Bracket { holds: some("100/s"), fails: None, fails_below: false });
        assert_eq!(of(&[("20/s", false), ("9/s", false)]), Bracket { holds: None, fails: some("9/s"), fails_below: false });
        assert_eq!(of(&[("100/s", false), ("20/s", true)]), Bracket { holds: some("20/s"), fails: some("100/s"), fails_below: false });
        assert_eq!(of(&[("1", false), ("2", true), ("3", false)]), Bracket { holds: some("2"), fails: some("3"), fails_below: true });
        assert_eq!(of(&[("on", true), ("off", false)]), Bracket { holds: some("on"), fails: some("off"), fails_below: false });
    }

    /// Bisection finds a threshold to 1 %, in a bounded number of steps.
    #[test]
    fn bisection_finds_the_threshold() {
        let mut all = tried(&[("20/s", true), ("400/s", false)]);
        while let Some(value) = next(&bracket(&all)) {
            let rate = Quantity::parse(&value).unwrap().value();
            all.push(Tried { value, held: rate <= 137.3 });
            assert!(all.len() < 14);
        }
        let end = bracket(&all);
        let value = |text: Option<String>| Quantity::parse(&text.unwrap()).unwrap().value();
        let (holds, fails) = (value(end.holds), value(end.fails));
        assert!(holds <= 137.3 && 137.3 < fails && fails - holds <= 1.374, "{holds} {fails}");
    }
}

//! What is compared, and what it is called.

use super::exit::Failure;
use super::strategies;
use crate::engine::strategy::Strategy;
use crate::report::{Report, Variant};

/// What a scenario's own strategy is compared with unless something is said: chance, turns, and the two usual ways to follow
/// the load.
pub const SENSIBLE: [Strategy; 4] = [Strategy::Random, Strategy::WeightedRoundRobin, Strategy::LeastConnections, Strategy::PowerOfTwo];

/// What a variant may be called by.
#[derive(Clone, Copy, Debug)]
pub struct Names<'a> {
    /// Of its strategy.
    pub strategy: &'a str,
    /// Of its scenario.
    pub scenario: &'a str,
    /// Where it comes from.
    pub file: &'a str,
}

/// The shortest names that tell all apart; by the scenario before the strategy where scenarios are compared.
pub fn names(of: &[Names<'_>], scenarios_first: bool) -> Vec<String> {
    let ways: [fn(&Names<'_>) -> String; 5] = [
        |names| names.strategy.to_owned(),
        |names| names.scenario.to_owned(),
        |names| names.file.to_owned(),
        |names| format!("{} {}", names.scenario, names.strategy),
        |names| format!("{} {}", names.file, names.strategy),
    ];
    let order: &[usize] = if scenarios_first { &[1, 2, 0, 3, 4] } else { &[0, 1, 2, 3, 4] };
    let unique = |names: &[String]| names.iter().enumerate().all(|(position, name)| !names[..position].contains(name));
    let by = |way: &usize| of.iter().map(ways[*way]).collect::<Vec<_>>();
    order.iter().map(by).find(|names| unique(names)).unwrap_or_else(|| numbered(by(&order[0])))
}

/// A name that comes again gets a number: so something can be compared with itself.
fn numbered(names: Vec<String>) -> Vec<String> {
    let before = |position: usize| names[..position].iter().filter(|name| **name == names[position]).count();
    (0..names.len())
        .map(|position| match before(position) {
            0 => names[position].clone(),
            n => format!("{}#{}", names[position], n + 1),
        })
        .collect()
}

/// Puts the base in front.
///
/// # Errors
/// No variant of that name.
pub fn base_first<T>(variants: &mut [T], base: Option<&str>, name: impl Fn(&T) -> &str) -> Result<(), Failure> {
    let Some(base) = base else { return Ok(()) };
    let canonical = Strategy::parse(base).map_or(base, |strategy| strategy.name());
    match variants.iter().position(|variant| name(variant) == canonical || name(variant) == base) {
        Some(position) => {
            variants[..=position].rotate_right(1);
            Ok(())
        }
        None => {
            let known: Vec<&str> = variants.iter().map(name).collect();
            Err(Failure::usage(format!("--base {base}: nothing of that name is compared; there are {}", known.join(", "))))
        }
    }
}

/// A strategy by any of its names.
///
/// # Errors
/// An unknown name, with the nearest known one.
pub fn strategy(name: &str) -> Result<Strategy, Failure> {
    strategies::find(name.trim()).map(|info| info.strategy)
}

/// Each strategy and each gateway of each report; `files[i]` is where report i comes from.
///
/// # Errors
/// Nothing to compare.
pub fn of_reports(reports: &[Report], files: &[&str]) -> Result<Vec<Variant>, Failure> {
    let mut variants: Vec<Variant> = Vec::new();
    for (index, report) in reports.iter().enumerate() {
        for (position, run) in report.runs.iter().enumerate() {
            let name = run.balancer();
            match variants.iter_mut().find(|variant| variant.report == index && variant.name == name) {
                Some(variant) => variant.runs.push(position),
                None => variants.push(Variant { name, report: index, strategy: run.strategy.clone(), runs: vec![position] }),
            }
        }
    }
    if variants.len() < 2 {
        let message = format!("{} holds runs of one strategy of one scenario: give another result to compare it with", files.join(", "));
        return Err(Failure::usage(message));
    }
    let of: Vec<Names<'_>> = variants
        .iter()
        .map(|variant| Names { strategy: &variant.name, scenario: &reports[variant.report].scenario.name, file: files[variant.report] })
        .collect();
    let named = names(&of, reports.len() > 1);
    Ok(variants.into_iter().zip(named).map(|(variant, name)| Variant { name, ..variant }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of<'a>(list: &[(&'a str, &'a str, &'a str)]) -> Vec<Names<'a>> {
        list.iter().map(|&(strategy, scenario, file)| Names { strategy, scenario, file }).collect()
    }

    /// As short as tells them apart, whatever is the same; what is the same in everything is numbered.
    #[test]
    fn names_tell_apart_and_are_short() {
        assert_eq!(names(&of(&[("a", "s", "f"), ("b", "s", "f")]), false), ["a", "b"]);
        assert_eq!(names(&of(&[("a", "s", "f"), ("b", "t", "g")]), true), ["s", "t"]);
        assert_eq!(names(&of(&[("a", "s", "f"), ("a", "s", "g")]), true), ["f", "g"]);
        assert_eq!(names(&of(&[("a", "s", "f"), ("b", "s", "f"), ("a", "t", "g"), ("b", "t", "g")]), true), ["s a", "s b", "t a", "t b"]);
        assert_eq!(names(&of(&[("a", "s", "f"), ("a", "s", "f"), ("a", "s", "f")]), false), ["a", "a#2", "a#3"]);
    }

    /// The base is found by any of its names and stands first, the others keep their order.
    #[test]
    fn the_base_stands_first() {
        let mut list = ["random", "failover", "power-of-two", "x"];
        base_first(&mut list, Some("p2c"), |name| name).unwrap();
        assert_eq!(list, ["power-of-two", "random", "failover", "x"]);
        let wrong = base_first(&mut list, Some("peak-ewma"), |name| name).unwrap_err();
        assert_eq!(wrong.message, "--base peak-ewma: nothing of that name is compared; there are power-of-two, random, failover, x");
    }
}

//! A name that is in no catalogue.

use super::exit::Failure;

/// A usage error with the nearest known name, or with the command that lists them. A guess is worth making only when a third
/// of the letters at most differ.
pub fn unknown<'n>(what: &str, name: &str, known: impl Iterator<Item = &'n str>, list: &str) -> Failure {
    let near = known.map(|known| (strsim::damerau_levenshtein(known, name), known)).min();
    let guess = near.filter(|(distance, _)| *distance <= (name.chars().count() / 3).max(1));
    let hint = guess.map_or_else(|| format!("; `{list}` lists them"), |(_, known)| format!("; did you mean `{known}`?"));
    Failure::usage(format!("unknown {what} `{name}`{hint}"))
}

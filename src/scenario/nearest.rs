//! "Did you mean": the nearest of a list of names.

/// The nearest of `names` to `word`, if it is near enough to be a slip: at most one edit for each three characters.
pub(super) fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let limit = (word.chars().count() / 3).max(1);
    let folded = fold(word);
    names
        .into_iter()
        .map(|name| (strsim::osa_distance(&folded, &fold(name)), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// Case and the kind of hyphen are no edits.
fn fold(word: &str) -> String {
    word.to_lowercase().replace('_', "-")
}

/// `a`, `b` and `c`, each in backticks.
pub(super) fn list<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => "none".to_owned(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let names = ["round-robin", "random", "weight"];
        assert_eq!(nearest("Round_Robin", names), Some("round-robin"));
        assert_eq!(nearest("randmo", names), Some("random"));
        assert_eq!(nearest("wieght", names), Some("weight"));
        assert_eq!(nearest("latency", names), None);
        assert_eq!(nearest("", names), None);
    }

    #[test]
    fn lists_read_like_a_sentence() {
        assert_eq!(list([]), "none");
        assert_eq!(list(["a"]), "`a`");
        assert_eq!(list(["a", "b", "c"]), "`a`, `b` and `c`");
    }
}

//! Whatever the bytes: findings, never a panic.

use super::full::FULL;
use super::{check, check_with};
use crate::rng::{Draws, Stream};
use crate::scenario::{Diagnostics, Loaded, Overrides};

const SEED: u64 = 20_240_611;

/// Rendering is part of what must not panic, with spans that point anywhere.
fn survives(result: Result<Loaded, Diagnostics>) {
    match result {
        Ok(loaded) => drop(loaded.warnings.render(false, 92)),
        Err(found) => {
            assert!(!found.is_empty(), "refused without a reason");
            drop(found.render(false, 92));
        }
    }
}

#[test]
fn every_truncation_of_a_valid_file() {
    for end in (0..FULL.len()).step_by(7).filter(|end| FULL.is_char_boundary(*end)) {
        survives(check(&FULL[..end]));
    }
}

/// Deletes, replaces, inserts and duplicates pieces of a valid file. The seed and the round reproduce a failure.
#[test]
fn random_changes_of_a_valid_file() {
    const PIECES: [&str; 20] =
        ["", "\"", "[", "]", "{", "}", "=", ".", ",", "\n", "[[", "#", "0", "-1", "1e999", "nan", "é", "\u{0}", "\r", "\"\"\""];
    for round in 0..3_000_u64 {
        let mut draws = Draws::new(SEED, Stream::Arrival, round);
        let mut below = |bound: usize| (draws.next_u64() % bound as u64) as usize;
        let mut text: Vec<char> = FULL.chars().collect();
        for _ in 0..1 + below(4) {
            let start = below(text.len());
            let end = (start + below(12)).min(text.len());
            let piece: Vec<char> = if below(4) == 0 {
                let from = below(text.len());
                text[from..(from + below(60)).min(text.len())].to_vec()
            } else {
                PIECES[below(PIECES.len())].chars().collect()
            };
            text.splice(start..end, piece);
        }
        let text: String = text.into_iter().collect();
        let result = std::panic::catch_unwind(|| survives(check(&text)));
        assert!(result.is_ok(), "seed {SEED}, round {round}:\n{text}");
    }
}

/// The same for flags.
#[test]
fn random_set_arguments() {
    const PARTS: [&str; 24] = [
        "load", "rate", "provider", "alpha", "beta", "weight", "event", "down", "class", "stage", "0", "99", ".", ".", ".", "=", "=", "\"",
        "'", "{}", "[", "5/s", "é", " ",
    ];
    for round in 0..3_000_u64 {
        let mut draws = Draws::new(SEED, Stream::Class, round);
        let mut below = |bound: usize| (draws.next_u64() % bound as u64) as usize;
        let argument: String = (0..below(10)).map(|_| PARTS[below(PARTS.len())]).collect();
        let overrides = Overrides { set: vec![argument.clone()], ..Overrides::default() };
        let result = std::panic::catch_unwind(|| survives(check_with(FULL, &overrides)));
        assert!(result.is_ok(), "seed {SEED}, round {round}: --set {argument}");
    }
}

/// Depth and length have bounds.
#[test]
fn hostile_shapes() {
    survives(check(&"[".repeat(50_000)));
    survives(check(&format!("a = {}", "[".repeat(50_000))));
    survives(check(&format!("a = {}", "{ a = ".repeat(50_000))));
    survives(check(&format!("{}b = 1", "a.".repeat(2_000))));
    survives(check(&format!("a = {}", "9".repeat(100_000))));
    survives(check(&format!("name = \"{}\"", "x".repeat(100_000))));
    survives(check_with(FULL, &Overrides { set: vec![format!("{}=1", vec!["a"; 10_000].join("."))], ..Overrides::default() }));
}

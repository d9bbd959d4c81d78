//! The shape of the source: imports run one way, what is banned below the drivers stays out, files stay small.
//!
//! Works on the text of `src/`. Comments do not count, and the bans do not hold for test code, which may read the
//! environment and print its seeds.

use std::fs;
use std::path::{Path, PathBuf};

/// The layers; each may import from those before it.
const LAYERS: [&str; 12] = ["time", "rng", "engine", "world", "report", "metrics", "drive", "gate", "bench", "scenario", "render", "cli"];

/// What only the program itself may do.
const BANNED: [&str; 7] = ["Instant", "SystemTime", "thread::", "std::env", "env::var", "println!", "eprintln!"];

/// Where a ban does not hold, and why.
const ALLOWED: [(&str, &str, &str); 10] = [
    ("bench/arm.rs", "Instant", "a bench is about nothing but the time decisions take"),
    ("bench/arm.rs", "thread::", "a bench of several threads that share an engine"),
    ("drive/timer.rs", "Instant", "times decisions for the report's `wall` part; no simulated figure reads it"),
    ("gate/run.rs", "Instant", "times a run for the report's `wall` part; no simulated figure reads it"),
    ("drive/real/clock.rs", "Instant", "the real clock"),
    ("drive/real/clock.rs", "thread::", "yields in the last stretch before a moment"),
    ("drive/real/mocks.rs", "thread::", "asks how many cores there are for sockets"),
    ("drive/real/clock.rs", "SystemTime", "headers that tell a point in time become a distance from now"),
    ("drive/real/station.rs", "thread::", "the mock providers of the real clock have a thread of their own"),
    ("drive/real/stream.rs", "Instant", "paces a real stream"),
];

/// Lines of a file without its tests.
const LINES_MAX: usize = 400;

#[test]
fn imports_run_one_way() {
    let mut wrong = Vec::new();
    for file in sources() {
        let Some(layer) = rank(file.layer()) else { continue };
        for (number, line) in file.lines.iter().enumerate().filter(|(_, line)| !is_comment(line)) {
            if line.trim_end().ends_with("crate::{") {
                wrong.push(format!("{}:{}: this test reads line by line; write one `use` a layer", file.name, number + 1));
            }
            for name in imported(line, file.depth, number >= file.tests) {
                match rank(&name) {
                    Some(other) if other <= layer => {}
                    _ => wrong.push(format!("{}:{}: `{}` imports `{name}`", file.name, number + 1, file.layer())),
                }
            }
        }
    }
    assert!(wrong.is_empty(), "allowed is {}:\n{}", LAYERS.join(" < "), wrong.join("\n"));
}

#[test]
fn every_module_is_a_layer() {
    let library = fs::read_to_string(root().join("lib.rs")).expect("the library");
    let modules: Vec<&str> = library.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(modules.len(), LAYERS.len(), "{modules:?}");
    for module in modules {
        assert!(rank(module).is_some(), "`{module}` is no layer");
    }
    for layer in LAYERS {
        assert!(library.contains(&format!("[`{layer}`]")), "the map in lib.rs shows `{layer}`");
    }
}

#[test]
fn below_the_program_nothing_reads_clocks_starts_threads_or_prints() {
    let mut wrong = Vec::new();
    for file in sources().into_iter().filter(|file| !["cli", "main", "lib"].contains(&file.layer())) {
        for (number, line) in file.lines[..file.tests].iter().enumerate().filter(|(_, line)| !is_comment(line)) {
            for banned in BANNED.into_iter().filter(|banned| line.contains(banned)) {
                if !ALLOWED.iter().any(|(name, allowed, _)| *name == file.name && *allowed == banned) {
                    wrong.push(format!("{}:{}: `{banned}`", file.name, number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (name, banned, _) in ALLOWED {
        assert!(fs::read_to_string(root().join(name)).is_ok_and(|text| text.contains(banned)), "{name} needs no exception for {banned}");
    }
}

#[test]
fn no_file_is_long_and_nothing_is_unsafe() {
    for file in sources() {
        assert!(file.tests <= LINES_MAX, "{} has {} lines without its tests: it has two subjects", file.name, file.tests);
    }
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).expect("the manifest");
    assert!(manifest.contains("unsafe_code = \"forbid\""));
}

#[test]
fn the_reader_of_imports_sees_every_form() {
    for (line, depth, in_tests, names) in [
        ("use crate::engine::{Config, Engine};", 2, false, &["engine"][..]),
        ("use crate::{engine::Engine, world::dist::Dist, time};", 1, false, &["engine", "world", "time"]),
        ("    let x = crate::rng::mix(1) + crate::time::NANOS_PER_SECOND;", 1, false, &["rng", "time"]),
        ("use super::limit::Limits;", 2, false, &[]),
        ("use super::super::cli::run;", 2, false, &["cli"]),
        ("use super::render::Format;", 1, false, &["render"]),
        ("    use super::super::bits::Bits;", 2, true, &[]),
        ("use std::fmt;", 1, false, &[]),
        ("pub(crate) fn f() {}", 1, false, &[]),
    ] {
        assert_eq!(imported(line, depth, in_tests), names, "{line}");
    }
}

struct SourceFile {
    /// Below `src/`, with forward slashes.
    name: String,
    lines: Vec<String>,
    /// Index of the first line of its tests; all lines when it has none, none when it is all tests.
    tests: usize,
    /// Modules between this one and the root of the crate, itself included.
    depth: usize,
}

impl SourceFile {
    fn layer(&self) -> &str {
        let first = self.name.split('/').next().expect("a name has a first part");
        first.strip_suffix(".rs").unwrap_or(first)
    }
}

/// Names of layers, or whatever else stands behind the root of the crate in this line.
fn imported(line: &str, depth: usize, in_tests: bool) -> Vec<String> {
    let climb = "super::".repeat(depth + usize::from(in_tests));
    let mut names = Vec::new();
    for prefix in ["crate::", climb.as_str()] {
        for rest in line.split(prefix).skip(1) {
            let identifier = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
            match rest.strip_prefix('{') {
                Some(list) => names.extend(top_level(list).into_iter().map(identifier)),
                None => names.push(identifier(rest)),
            }
        }
    }
    names.retain(|name| name != "super");
    names
}

/// The members of `a::{b, c}, d}` up to its closing brace.
fn top_level(list: &str) -> Vec<&str> {
    let (mut depth, mut start, mut members) = (0, 0, Vec::new());
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                members.push(list[start..at].trim());
                start = at + 1;
                if c == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    members.retain(|member| !member.is_empty());
    members
}

fn rank(layer: &str) -> Option<usize> {
    LAYERS.iter().position(|name| *name == layer)
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with("//")
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Vec<SourceFile> {
    let (mut folders, mut files) = (vec![root()], Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
            if entry.is_dir() {
                folders.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                files.push(read(&entry));
            }
        }
    }
    assert!(files.len() > 100, "the source was found");
    files
}

fn read(path: &Path) -> SourceFile {
    let parts: Vec<_> = path.strip_prefix(root()).expect("below src").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    let name = parts.join("/");
    let text = fs::read_to_string(path).expect("UTF-8");
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let all_tests = parts.iter().any(|part| ["tests", "tests.rs", "oracle.rs"].contains(&part.as_str()));
    // A module of tests is the last thing in its file; a test-only declaration further up is not one.
    let begins = |pair: &[String]| pair[0].trim() == "#[cfg(test)]" && pair[1].starts_with("mod ") && pair[1].ends_with('{');
    let tests = if all_tests { 0 } else { lines.windows(2).position(begins).unwrap_or(lines.len()) };
    let depth = parts.len() - usize::from(parts.last().is_some_and(|last| last == "mod.rs"));
    SourceFile { name, lines, tests, depth }
}

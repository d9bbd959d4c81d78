//! The gallery in `scenarios/`: every file is valid, explains itself, keeps its own promises for any seed, and fails where
//! its comments say that it does.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;
use std::thread;

/// The shipped seed is the first; the others are any two.
const SEEDS: [Option<&str>; 3] = [None, Some("1"), Some("20260101")];

/// What the comments of a file tell the reader to try, and that it then fails.
const FAILING: [(&str, &[&str]); 14] = [
    ("weighted", &["--strategy", "random"]),
    ("weighted", &["--strategy", "round-robin"]),
    ("weighted", &["--strategy", "weighted-random"]),
    ("least_connections", &["--strategy", "round-robin"]),
    ("least_connections", &["--strategy", "random"]),
    ("power_of_two", &["--strategy", "random"]),
    ("power_of_two", &["--set", "balancer.choices=1"]),
    ("retries", &["--set", "balancer.retry.max_retries=0"]),
    ("retries", &["--set", "balancer.retry.budget=off"]),
    ("sessions", &["--strategy", "round-robin"]),
    ("sessions", &["--strategy", "random"]),
    ("sessions", &["--strategy", "least-connections"]),
    ("azure_conversation", &["--strategy", "round-robin", "--set", "balancer.quota=off"]),
    ("azure_conversation", &["--strategy", "random", "--set", "balancer.quota=off"]),
];

#[test]
fn every_file_is_valid_without_a_warning() {
    let output = lbsim(&["validate", "scenarios"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    assert_eq!(text(&output.stdout).lines().count(), files().len());
}

#[test]
fn every_file_says_what_it_shows_and_expects_it() {
    for file in files() {
        let text = fs::read_to_string(root().join("scenarios").join(format!("{file}.toml"))).expect("a scenario");
        let table: toml::Table = text.parse().expect("TOML");
        let name = table["name"].as_str().map(|name| name.replace('-', "_"));
        assert_eq!(name, Some(file.clone()), "a file is named after its scenario");
        let description = table["description"].as_str().expect("a description");
        assert!(description.ends_with('.') && description.len() > 40, "{file}: {description}");
        assert!(table["expect"].as_array().is_some_and(|list| list.len() >= 3), "{file} judges itself");
        assert!(text.lines().filter(|line| line.starts_with('#')).count() >= 5, "{file} teaches");
    }
}

#[test]
fn every_file_passes_whatever_the_seed() {
    let runs: Vec<Vec<String>> = files()
        .iter()
        .flat_map(|file| SEEDS.map(|seed| [vec![path(file)], seed.map_or(vec![], |seed| vec!["--seed".into(), seed.into()])].concat()))
        .collect();
    for (arguments, output) in run_all(runs) {
        assert_eq!(output.status.code(), Some(0), "{arguments:?}\n{}{}", text(&output.stdout), text(&output.stderr));
        assert!(text(&output.stdout).starts_with("PASS"), "{arguments:?}");
    }
}

#[test]
fn every_file_fails_where_its_comments_say_so() {
    let runs = FAILING.iter().flat_map(|(file, change)| {
        ["42", "7"].map(|seed| {
            let arguments = [&["--seed", seed], *change].concat();
            [vec![path(file)], arguments.into_iter().map(str::to_owned).collect()].concat()
        })
    });
    for (arguments, output) in run_all(runs.collect()) {
        assert_eq!(output.status.code(), Some(1), "{arguments:?}\n{}{}", text(&output.stdout), text(&output.stderr));
    }
    for (file, change) in FAILING {
        let comments = fs::read_to_string(root().join("scenarios").join(format!("{file}.toml"))).expect("a scenario");
        let named = change.chunks(2).all(|pair| comments.contains(pair[1]));
        assert!(named, "{file}.toml does not mention {change:?}");
    }
}

#[test]
fn stable_results_are_the_same_bytes_on_any_number_of_threads() {
    let stable =
        |file: &str, jobs: &str| ["--format", "json", "--stable", "-j", jobs].map(str::to_owned).into_iter().chain([path(file)]).collect();
    let runs: Vec<Vec<String>> = files().iter().flat_map(|file| ["1", "1", "2"].map(|jobs| stable(file, jobs))).collect();
    let outputs = run_all(runs);
    for same in outputs.chunks(3) {
        let [(arguments, first), (_, second), (_, third)] = same else { panic!("three runs a file") };
        assert!(!first.stdout.is_empty());
        assert!(first.stdout == second.stdout && first.stdout == third.stdout, "{arguments:?}");
    }
}

/// The recorded hour is not part of this repository: github.com/Azure/AzurePublicDataset, `data/`. The test looks in the
/// folder that `LBSIM_TRACES` names, or in `../shared/traces`, and says so when it is not there.
#[test]
fn the_recorded_hour_passes_too() {
    let folder = std::env::var_os("LBSIM_TRACES").map_or_else(|| root().join("../shared/traces"), PathBuf::from);
    let trace = folder.join("AzureLLMInferenceTrace_conv.csv");
    if !trace.exists() {
        eprintln!("skipped: no {}", trace.display());
        return;
    }
    let set = format!("load.trace={}", trace.display());
    let output = lbsim(&["run", "scenarios/azure_conversation.toml", "--set", &set, "--format", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stdout));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["runs"][0]["requests"]["offered"], 19_366);
}

/// Names of the scenarios, in order.
pub fn files() -> Vec<String> {
    let entries = fs::read_dir(root().join("scenarios")).expect("the folder of scenarios");
    let names = entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name"));
    let mut names: Vec<String> = names.filter_map(|name| name.strip_suffix(".toml").map(str::to_owned)).collect();
    names.sort();
    assert!(names.len() >= 6);
    names
}

/// The program, started in the root of the package, without the surroundings of whoever runs the tests.
pub fn lbsim(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_lbsim"));
    for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
        command.env_remove(name);
    }
    command.current_dir(root()).args(arguments).stdin(Stdio::null()).output().expect("the program starts")
}

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).expect("UTF-8")
}

fn path(file: &str) -> String {
    format!("scenarios/{file}.toml")
}

/// `lbsim run` for each of these, two at a time; the results in the order asked for.
fn run_all(runs: Vec<Vec<String>>) -> Vec<(Vec<String>, Output)> {
    let results: Vec<Mutex<Option<Output>>> = runs.iter().map(|_| Mutex::new(None)).collect();
    thread::scope(|scope| {
        for worker in 0..2 {
            let (runs, results) = (&runs, &results);
            scope.spawn(move || {
                for (arguments, result) in runs.iter().zip(results).skip(worker).step_by(2) {
                    let arguments: Vec<&str> = std::iter::once("run").chain(arguments.iter().map(String::as_str)).collect();
                    *result.lock().expect("no worker panics here") = Some(lbsim(&arguments));
                }
            });
        }
    });
    let outputs = results.into_iter().map(|result| result.into_inner().expect("no worker panicked").expect("every run was made"));
    runs.into_iter().zip(outputs).collect()
}

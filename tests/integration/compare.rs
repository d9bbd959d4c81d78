//! `lbsim compare` and `lbsim merge` from outside: what is shown, exit codes, shards, mistakes.

use std::fs;
use std::process::{Command as Process, Stdio};

use serde_json::Value;

use crate::cli::{Place, process, scenario, wait_for};

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A world with chance in it, and the strategies to compare.
fn random_world() -> String {
    let world =
        scenario("min = 0.99").replace("arrival = \"constant\"", "arrival = \"poisson\"").replace("requests = 600", "requests = 200");
    world.replace("latency = \"40ms\"", "latency = { p50 = \"40ms\", p99 = \"200ms\" }").replace(
        "strategy = \"weighted-round-robin\"",
        "strategy = \"weighted-round-robin\"\ncompare = [\"random\", \"least-connections\"]",
    )
}

fn place() -> Place {
    let place = Place::new();
    place.write("world.toml", &random_world());
    place
}

/// The file's own strategy is the base, those of `balancer.compare` follow; a run is that of `lbsim run` with its seed.
#[test]
fn the_runs_are_those_of_run() {
    let place = place();
    let output = place.run(&["compare", "world.toml", "--seeds", "3", "--format", "json", "--stable"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    let comparison = &result["comparison"];
    assert_eq!(comparison["base"], "weighted-round-robin");
    let names: Vec<&str> = comparison["variants"].as_array().unwrap().iter().map(|variant| variant["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["weighted-round-robin", "random", "least-connections"]);
    assert_eq!(result["runs"].as_array().unwrap().len(), 9);
    for (variant, strategy) in names.iter().enumerate() {
        for (position, seed) in ["7", "8", "9"].iter().enumerate() {
            let arguments =
                ["run", "world.toml", "--strategy", strategy, "--seed", seed, "--format", "json", "--stable", "--fail-on", "none"];
            let alone: Value = serde_json::from_slice(&place.run(&arguments).stdout).unwrap();
            let index = comparison["variants"][variant]["runs"][position].as_u64().unwrap() as usize;
            assert_eq!(result["runs"][index], alone["runs"][0], "{strategy} {seed}");
        }
    }
    assert_eq!(result.get("wall"), None, "--stable");
}

/// Same bytes for any number of threads and for any number of shards, more shards than runs included; in every format.
#[test]
fn threads_and_shards_do_not_change_a_byte() {
    let place = place();
    let compare = |extra: &[&str]| place.run(&[&["compare", "world.toml", "--seeds", "2", "--stable"], extra].concat());
    for format in ["json", "human", "markdown", "csv"] {
        let whole = compare(&["--format", format, "-j", "1"]);
        assert_eq!(whole.status.code(), Some(0));
        assert_eq!(text(&whole.stdout), text(&compare(&["--format", format, "-j", "3"]).stdout));
        for shards in [1, 2, 3, 7] {
            let files: Vec<String> = (1..=shards).map(|index| format!("{index}-of-{shards}.json")).collect();
            for (position, file) in files.iter().enumerate().filter(|_| format == "json") {
                let part = format!("{}/{shards}", position + 1);
                assert_eq!(compare(&["--shard", &part, "-o", file]).status.code(), Some(0));
            }
            let arguments: Vec<&str> = ["merge", "--format", format].into_iter().chain(files.iter().rev().map(String::as_str)).collect();
            let merged = place.run(&arguments);
            assert_eq!(merged.status.code(), Some(0), "{}", text(&merged.stderr));
            assert_eq!(text(&merged.stdout), text(&whole.stdout), "{shards} shards, {format}");
        }
    }
}

/// What does not belong together is refused with what is wrong: a missing part, one twice, another scenario, strategies,
/// number of seeds or of shards, no shard at all.
#[test]
fn what_does_not_belong_together_is_not_merged() {
    let place = place();
    let make = |file: &str, arguments: &[&str]| {
        let output = place.run(&[&["compare", "world.toml", "--seeds", "2", "--stable", "-o", file], arguments].concat());
        assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    };
    make("1.json", &["--shard", "1/2"]);
    make("2.json", &["--shard", "2/2"]);
    make("again.json", &["--shard", "2/2"]);
    make("whole.json", &[]);
    make("seed.json", &["--shard", "2/2", "--seed", "8"]);
    make("rate.json", &["--shard", "2/2", "--set", "load.rate=50/s"]);
    make("other.json", &["--shard", "2/2", "--strategies", "random,failover"]);
    make("third.json", &["--shard", "3/3"]);
    place.write("old.json", &fs::read_to_string(place.path("2.json")).unwrap().replace("\"lbsim\": \"", "\"lbsim\": \"0.0."));
    place.write("cut.json", "{ \"format\": 1, ");
    place.write("format.json", "{ \"format\": 9 }");
    for (files, message) in [
        (&["1.json"][..], "of 2 shards one is missing: 2"),
        (&["1.json", "2.json", "again.json"], "are both shard 2 of 2"),
        (&["1.json", "whole.json"], "whole.json is no shard"),
        (&["1.json", "seed.json"], "seed.json does not belong to 1.json: the scenarios differ"),
        (&["1.json", "rate.json"], "rate.json does not belong to 1.json: the scenarios differ"),
        (&["1.json", "other.json"], "it holds random, failover"),
        (&["1.json", "third.json"], "it is one of 3 shards, 1.json one of 2"),
        (&["1.json", "old.json"], "it was made by lbsim 0.0."),
        (&["1.json", "cut.json"], "cut.json"),
        (&["1.json", "format.json"], "its format is 9"),
        (&["1.json", "missing.json"], "missing.json: cannot read it"),
    ] {
        let output = place.run(&[&["merge"], files].concat());
        assert_eq!(output.status.code(), Some(2), "{files:?}");
        assert!(output.stdout.is_empty() && text(&output.stderr).contains(message), "{files:?}: {}", text(&output.stderr));
    }
}

/// A comparison describes: failed expectations do not change the exit code unless that is asked for.
#[test]
fn a_comparison_describes() {
    let place = place();
    place.write("fails.toml", &random_world().replace("min = 0.99", "max = 0.01"));
    let code = |arguments: &[&str]| place.run(&[&["compare", "--seeds", "2"], arguments].concat()).status.code();
    assert_eq!(code(&["fails.toml"]), Some(0));
    assert_eq!(code(&["fails.toml", "--fail-on", "failed"]), Some(1));
    assert_eq!(code(&["fails.toml", "--fail-on", "none,failed"]), Some(2));
    assert_eq!(code(&["world.toml", "--strategies", "random,lest-connections"]), Some(2));
    assert_eq!(code(&["world.toml", "--base", "nobody"]), Some(2));
    assert_eq!(code(&["world.toml", "--strategies", "random"]), Some(2), "nothing to compare it with");
    assert_eq!(code(&["world.toml", "--shard", "auto/3"]), Some(2), "no scheduler here");
    assert_eq!(code(&["world.toml", "-o", "no/such/folder.json"]), Some(5));
    assert_eq!(code(&["missing.toml"]), Some(2));
}

/// Against itself everything is equal; scenarios and results are compared too, results by seed.
#[test]
fn strategies_scenarios_and_results() {
    let place = place();
    place.write("slow.toml", &random_world().replace("name = \"small\"", "name = \"slow\"").replace("p50 = \"40ms\"", "p50 = \"80ms\""));
    let itself = text(&place.run(&["compare", "world.toml", "--strategies", "random,random", "--seeds", "3"]).stdout);
    assert!(itself.contains("random#2") && itself.contains("no difference is shown"), "{itself}");
    assert!(!itself.lines().any(|line| line.starts_with("p50") && line.contains(['~', '▲', '▼'])), "{itself}");
    let scenarios = text(&place.run(&["compare", "world.toml", "slow.toml", "--seeds", "8"]).stdout);
    assert!(scenarios.contains("p50: small"), "the slower scenario is not the best: {scenarios}");
    for (file, scenario) in [("world.json", "world.toml"), ("slow.json", "slow.toml")] {
        place.run(&["compare", scenario, "--strategies", "random,random", "--seeds", "8", "-o", file]);
    }
    let results = place.run(&["compare", "world.json", "slow.json"]);
    assert_eq!(results.status.code(), Some(0), "{}", text(&results.stderr));
    assert!(text(&results.stdout).contains("p50: small"), "{}", text(&results.stdout));
    assert_eq!(place.run(&["compare", "world.json", "slow.toml"]).status.code(), Some(2));
}

/// At the usual widths no line is too long, and a pipe gets no escape codes; `--color always` marks what is better or worse.
#[test]
fn it_fits_and_stays_plain() {
    let place = place();
    for width in ["80", "92", "40"] {
        let all = "round-robin,weighted-round-robin,random,weighted-random,least-connections,power-of-two,peak-ewma";
        let output = text(&place.run(&["compare", "world.toml", "--strategies", all, "--seeds", "6", "--width", width]).stdout);
        let widest = output.lines().map(|line| line.chars().count()).max().unwrap();
        assert!(widest <= width.parse().unwrap() && !output.contains('\u{1b}'), "{width}: {output}");
        assert!(output.contains('▼'), "turns that ignore the weights are worse:\n{output}");
    }
    let coloured = text(&place.run(&["compare", "world.toml", "--seeds", "6", "--color", "always"]).stdout);
    assert!(coloured.contains('\u{1b}'));
}

/// Ctrl-C: the runs that have ended are compared, marked as incomplete; nothing half-written stays.
#[cfg(unix)]
#[test]
fn ctrl_c_shows_what_there_is() {
    let place = place();
    for command in [&["compare", "world.toml"][..], &["sweep", "world.toml", "--over", "load.rate=50/s,100/s"], &["run", "world.toml"]] {
        // Far more than can be simulated before the signal comes.
        let more = ["--seeds", "200", "--set", "load.requests=2_000_000", "-o", "r.txt"];
        let child = process(&place, &[command, &more[..]].concat()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // The temporary file beside r.txt: from then on the signal is handled.
        wait_for(|| place.files().len() > 2);
        assert!(Process::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{}", text(&output.stderr));
        assert_eq!(place.files(), ["ok.toml", "r.txt", "world.toml"]);
        let page = fs::read_to_string(place.path("r.txt")).unwrap();
        assert!(page.starts_with("INCOMPLETE small"), "{page}");
        fs::remove_file(place.path("r.txt")).unwrap();
    }
}

//! `lbsim check` as a continuous integration job meets it: exit codes, order, what is repeated, what JSON holds.

use std::fs;

use serde_json::Value;

use crate::cli::{Place, scenario};

/// A scenario whose first provider fails half of the time.
pub fn failing() -> String {
    scenario("min = 0.99").replace("weight = 2", "weight = 2\nerror_rate = 0.5")
}

/// Exit codes over files that hold, fail, have no data, are invalid or expect nothing: 2 before 1 before 3, 4 for nothing to do.
#[test]
fn exit_codes_follow_the_worst_file() {
    let place = Place::new();
    place.write("fails.toml", &failing());
    place.write(
        "silent.toml",
        &scenario("min = 0.99").replace("metric = \"success_ratio\"", "metric = \"recovery_time\"").replace("min = 0.99", "max = \"1s\""),
    );
    place.write("invalid.toml", "schema = 1\n");
    place.write("nothing.toml", scenario("min = 0.99").split("[[expect]]").next().expect("the part before"));
    for (arguments, code) in [
        (&["ok.toml"][..], 0),
        (&["ok.toml", "nothing.toml"], 0),
        (&["ok.toml", "fails.toml"], 1),
        (&["ok.toml", "silent.toml"], 3),
        (&["silent.toml", "fails.toml"], 1),
        (&["silent.toml", "fails.toml", "invalid.toml"], 2),
        (&["."], 2),
        (&["nothing.toml"], 4),
        (&["nothing.toml", "--expect", "success_ratio>=99%"], 0),
        (&["ok.toml", "--expect", "success_ratio<=1%"], 1),
        (&["ok.toml", "--expect", "success_ratio<1%"], 2),
        (&["fails.toml", "--fail-on", "none"], 0),
        (&["silent.toml", "--fail-on", "failed"], 0),
        (&["missing.toml"], 2),
        (&["ok.toml", "-o", "no/such/folder.json"], 5),
    ] {
        let output = place.run(&[&["check"], arguments].concat());
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
}

/// Files come in the order of their names for any number of threads, and what fails stands again at the end with its
/// cause and a command that shows it again.
#[test]
fn the_order_is_fixed_and_failures_come_last() {
    let place = Place::new();
    for name in ["b", "a", "c"] {
        let text = scenario("min = 0.99").replace("name = \"small\"", &format!("name = \"{name}\""));
        place.write(&format!("{name}.toml"), &if name == "a" { text.replace("weight = 2", "weight = 2\nerror_rate = 0.5") } else { text });
    }
    fs::remove_file(place.path("ok.toml")).expect("it is there");
    let outputs: Vec<String> =
        ["1", "2", "8"].map(|jobs| String::from_utf8(place.run(&["check", ".", "-j", jobs, "--stable"]).stdout).expect("text")).to_vec();
    assert!(outputs.iter().all(|output| *output == outputs[0]));
    let lines: Vec<&str> = outputs[0].lines().collect();
    for (line, begins) in lines.iter().zip(["FAIL       a", "PASS       b", "PASS       c", "", "what does not hold:", "✗ FAIL ./a.toml:"])
    {
        assert!(line.starts_with(begins), "{line:?}");
    }
    assert_eq!(lines.last(), Some(&"2 passed, 1 failed"));
    let again = lines.iter().find_map(|line| line.trim().strip_prefix("again: lbsim ")).expect("a command");
    assert_eq!(place.run(&again.split(' ').collect::<Vec<_>>()).status.code(), Some(1), "{again}");
    assert!(outputs[0].contains("probably: "), "{}", outputs[0]);
}

/// One file gives a report as `run` does, a folder a collection, with the same runs in both.
#[test]
fn json_of_one_file_is_a_report_and_of_a_folder_a_collection() {
    let place = Place::new();
    let json = |arguments: &[&str]| -> Value { serde_json::from_slice(&place.run(arguments).stdout).expect("JSON") };
    let one = json(&["check", "ok.toml", "--format", "json", "--stable"]);
    assert_eq!(one, json(&["run", "ok.toml", "--format", "json", "--stable"]));
    let many = json(&["check", ".", "--format", "json", "--stable"]);
    assert_eq!((&many["format"], &many["verdict"], many["reports"].as_array().map(Vec::len)), (&1.into(), &"pass".into(), Some(1)));
    assert_eq!(many["reports"][0]["runs"], one["runs"]);
    let seeds = json(&["check", "ok.toml", "--seeds", "3", "--format", "json", "--stable"]);
    let seeds: Vec<_> = seeds["runs"].as_array().expect("runs").iter().map(|run| run["seed"].as_u64()).collect();
    assert_eq!(seeds, [Some(7), Some(8), Some(9)]);
}

//! `lbsim check --prove`: the gate is tried with broken balancers.

use serde_json::Value;

use crate::cli::{Place, scenario};
use crate::scenarios::{lbsim, text};

/// The shipped scenarios together catch every fault, each with an expectation that holds for the engine, and say by which.
#[test]
fn the_shipped_scenarios_catch_every_broken_balancer() {
    let output = lbsim(&["check", "scenarios", "--prove"]);
    let shown = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{shown}{}", text(&output.stderr));
    for fault in [
        "weights-ignored",
        "weights-reversed",
        "first-provider-only",
        "rotation-off-by-one",
        "sticky",
        "never-ejects",
        "never-readmits",
        "ignores-retry-after",
        "counts-tokens-late",
        "leaks-in-flight",
        "per-replica-limits",
    ] {
        assert!(shown.lines().any(|line| line.starts_with(&format!("caught {fault} by "))), "{fault}: {shown}");
    }
    assert!(!shown.contains("MISSED"), "{shown}");
}

/// A weak gate is told what it lets through: `success_ratio` notices none of the faults in how load is spread.
#[test]
fn a_weak_gate_is_told_what_it_misses() {
    let place = Place::new();
    let output = place.run(&["check", "ok.toml", "--prove", "--width", "1000"]);
    assert_eq!(output.status.code(), Some(1));
    let shown = String::from_utf8(output.stdout).expect("text");
    assert!(
        shown.contains("MISSED weights-ignored: every provider counts as much as any other; no expectation fails; add a `share`"),
        "{shown}"
    );
    assert!(shown.contains("MISSED per-replica-limits"), "{shown}");
    // With the expectation that it was told to add, it is caught.
    let output = place.run(&["check", "ok.toml", "--prove", "--expect", "share(alpha)=66.7%±1%", "--format", "json"]);
    let proof: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let of =
        |name: &str| proof["faults"].as_array().expect("a list").iter().find(|fault| fault["fault"] == name).expect("it is listed").clone();
    assert_eq!(of("weights-ignored")["caught"][0]["metric"], "share");
    assert_eq!(of("weights-ignored")["caught"][0]["verdict"], "fail");
    assert_eq!(of("never-ejects")["tried"], 0, "nothing fails in it");
}

/// What makes no sense beside `--prove` is refused, as is a file that expects nothing.
#[test]
fn usage_errors() {
    let place = Place::new();
    place.write("nothing.toml", scenario("min = 0.99").split("[[expect]]").next().expect("the part before"));
    for (arguments, code) in [
        (&["ok.toml", "-o", "x.json"][..], 2),
        (&["ok.toml", "--seeds", "3"], 2),
        (&["ok.toml", "--format", "csv"], 2),
        (&["missing.toml"], 2),
        (&["nothing.toml"], 4),
    ] {
        assert_eq!(place.run(&[&["check", "--prove"], arguments].concat()).status.code(), Some(code), "{arguments:?}");
    }
}

//! Every format, written at once and rendered again from the JSON.

use std::fs;

use crate::check::failing;
use crate::cli::Place;

/// `lbsim report` gives the bytes that the run itself gave, in every format, for one report and for a collection.
#[test]
fn a_result_renders_again_to_the_same_bytes() {
    let place = Place::new();
    place.write("fails.toml", &failing());
    for (command, name) in [(&["run", "fails.toml"][..], "run"), (&["check", "."], "check"), (&["check", ".", "--seeds", "2"], "seeds")] {
        let (json, output) = (format!("{name}.json"), place.run(&[command, &["--stable", "-o", &format!("{name}.json")]].concat()));
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        for format in ["human", "json", "markdown", "csv", "github", "junit", "hgrm", "prom"] {
            let first = place.run(&[command, &["--stable", "--format", format]].concat());
            let again = place.run(&["report", &json, "--format", format]);
            assert_eq!(again.status.code(), Some(0), "a report describes");
            assert!(!first.stdout.is_empty() && first.stdout == again.stdout, "{command:?} {format}");
        }
        assert_eq!(place.run(&["report", &json, "--fail-on", "failed"]).status.code(), Some(1));
    }
}

/// Several outputs of one run, each in the format of its ending.
#[test]
fn endings_choose_formats() {
    let place = Place::new();
    let output =
        place.run(&["run", "ok.toml", "--stable", "-o", "a.junit.xml", "-o", "a.prom", "-o", "a.hgrm", "-o", "a.GitHub.txt", "-o", "-"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    for (name, begins) in
        [("a.junit.xml", "<?xml"), ("a.prom", "# HELP"), ("a.hgrm", "       Value"), ("a.GitHub.txt", "1 passed, 0 failed")]
    {
        let text = fs::read_to_string(place.path(name)).expect("it was written");
        assert!(text.starts_with(begins), "{name}: {text}");
    }
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("PASS small"));
}

/// A summary is appended to, to the file given or the one the environment names, and asked for without either is a
/// mistake that is found before the run.
#[test]
fn summaries_are_appended() {
    let place = Place::new();
    let summary = || fs::read_to_string(place.path("s.md")).expect("it was written");
    assert_eq!(place.run(&["check", "ok.toml", "--summary", "s.md"]).status.code(), Some(0));
    let once = summary();
    assert!(once.starts_with("### PASS small"), "{once}");
    let output = place.lbsim(&["check", "ok.toml", "--summary"]).env("GITHUB_STEP_SUMMARY", place.path("s.md")).output().expect("it runs");
    assert_eq!((output.status.code(), summary()), (Some(0), once.repeat(2)));
    let output = place.lbsim(&["check", "ok.toml", "--summary"]).env_remove("GITHUB_STEP_SUMMARY").output().expect("it runs");
    assert_eq!(output.status.code(), Some(2));
}

/// What is no result is refused with the place in it, and nothing is written.
#[test]
fn what_is_no_result_is_refused() {
    let place = Place::new();
    for (text, words) in [
        ("", "EOF"),
        ("[]", "no result of lbsim"),
        ("{\"format\": 2}", "its format is 2"),
        ("{\"format\": 1}", "missing field"),
        ("{\"format\": 1, \"reports\": 3}", "line 1"),
    ] {
        place.write("bad.json", text);
        let output = place.run(&["report", "bad.json", "-o", "out.md"]);
        assert_eq!(output.status.code(), Some(2), "{text}");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(stderr.contains("bad.json") && stderr.contains(words), "{stderr}");
        assert!(!place.path("out.md").exists());
    }
}

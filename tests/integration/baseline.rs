//! Baselines through the program: saved, kept, broken, and refused where they are of something else.

use std::fs;

use crate::cli::{Place, scenario};

fn code(place: &Place, arguments: &[&str]) -> (i32, String) {
    let output = place.run(arguments);
    (output.status.code().expect("it ends by itself"), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

/// What was saved holds, with one seed and with several, for `check` and for `run`; a figure that moved fails and is named.
#[test]
fn a_baseline_holds_until_a_figure_moves() {
    let place = Place::new();
    for (saved, extra) in [("one.toml.base", &[][..]), ("five.base", &["--seeds", "5"])] {
        assert_eq!(code(&place, &[&["check", "ok.toml", "--save-baseline", saved], extra].concat()).0, 0);
        let again = code(&place, &[&["check", "ok.toml", "--baseline", saved], extra].concat());
        assert_eq!(again.0, 0, "{}", again.1);
    }
    assert_eq!(code(&place, &["run", "ok.toml", "--baseline", "one.toml.base"]).0, 0);
    let text = fs::read_to_string(place.path("one.toml.base")).expect("it was saved");
    assert!(text.contains("\"in_flight_max(alpha)\" = "), "{text}");
    let moved: Vec<String> =
        text.lines().map(|line| if line.starts_with("\"failed\" = ") { "\"failed\" = 1.0".to_owned() } else { line.to_owned() }).collect();
    place.write("moved.base", &moved.join("\n"));
    let (exit, shown) = code(&place, &["check", "ok.toml", "--baseline", "moved.base", "--width", "200"]);
    assert_eq!(exit, 1);
    assert!(shown.contains("failed of the run: want 1 (baseline), got 0") && shown.contains("was 1, is 0"), "{shown}");
    assert_eq!(code(&place, &["run", "ok.toml", "--baseline", "moved.base"]).0, 1);
    assert_eq!(code(&place, &["check", "ok.toml", "--baseline", "moved.base", "--fail-on", "none"]).0, 0);
}

/// A scenario without expectations has figures, too.
#[test]
fn a_baseline_is_an_expectation() {
    let place = Place::new();
    place.write("nothing.toml", scenario("min = 0.99").split("[[expect]]").next().expect("the part before"));
    assert_eq!(code(&place, &["check", "nothing.toml"]).0, 4);
    assert_eq!(code(&place, &["check", "nothing.toml", "--save-baseline", "b"]).0, 0);
    assert_eq!(code(&place, &["check", "nothing.toml", "--baseline", "b"]).0, 0);
}

/// A baseline of another scenario, other seeds or none at all is an error that says what to do, and nothing is written.
#[test]
fn what_does_not_fit_is_refused() {
    let place = Place::new();
    assert_eq!(code(&place, &["check", "ok.toml", "--save-baseline", "b"]).0, 0);
    place.write("broken.base", "format = 1\n[small\n");
    place.write("other.toml", &scenario("min = 0.99").replace("name = \"small\"", "name = \"other\""));
    place.write("changed.toml", &scenario("min = 0.99").replace("600", "601"));
    for (arguments, exit, words) in [
        (&["check", "changed.toml", "--baseline", "b"][..], 2, "the scenario `small` has changed since"),
        (&["check", "other.toml", "--baseline", "b"], 2, "it has no scenario `other`"),
        (&["check", "ok.toml", "--baseline", "b", "--seeds", "2"], 2, "`small` is of 1 seed"),
        (&["check", "ok.toml", "--baseline", "broken.base"], 2, "line 2"),
        (&["check", "ok.toml", "--baseline", "missing.base"], 2, "cannot read the baseline missing.base"),
        (&["check", "ok.toml", "changed.toml", "--save-baseline", "c"], 2, "two scenarios are called `small`"),
        (&["check", "ok.toml", "--save-baseline", "ok.toml"], 2, "would be overwritten"),
        (&["check", "ok.toml", "--save-baseline", "no/such/folder"], 5, "no/such/folder"),
        (&["check", "ok.toml", "--baseline", "b", "--save-baseline", "c"], 2, "cannot be used with"),
        (&["run", "ok.toml", "--baseline", "b", "--seeds", "3"], 2, "lbsim check FILE --seeds N"),
    ] {
        let (found, shown) = code(&place, arguments);
        assert!(found == exit && shown.contains(words), "{arguments:?}: {found} {shown}");
        assert!(!place.path("c").exists(), "{arguments:?}");
    }
}

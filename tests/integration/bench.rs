//! `lbsim bench` from outside. No time is asserted: machines differ, and this one may be busy.

use serde_json::Value;

use crate::cli::Place;
use crate::scenarios::text;

const QUICK: [&str; 7] = ["bench", "--providers", "2,16", "--threads", "1", "--rounds", "3"];

/// Every figure asked for is there, and the exit code is that of the verdict.
#[test]
fn figures_and_exit_codes_agree() {
    let place = Place::new();
    for (limits, at_most) in
        [("none", None), ("token-bucket", Some("1s")), ("sliding-window", Some("0.01x")), ("fixed-window", Some("1ns"))]
    {
        let mut arguments = [&QUICK[..], &["--limits", limits, "--strategies", "p2c,random", "--format", "json"]].concat();
        arguments.extend(at_most.into_iter().flat_map(|most| ["--at-most", most]));
        let output = place.run(&arguments);
        let json: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{limits}: {}", text(&output.stderr)));
        let pools = json["pools"].as_array().unwrap();
        assert_eq!(pools.iter().map(|pool| pool["providers"].as_u64().unwrap()).collect::<Vec<_>>(), [2, 16]);
        for pool in pools {
            let names: Vec<&str> = pool["strategies"].as_array().unwrap().iter().map(|cost| cost["strategy"].as_str().unwrap()).collect();
            assert_eq!(names, ["power-of-two", "random"]);
        }
        assert_eq!((json["limits"].as_str(), pools[0]["rounds"].as_u64()), (Some(limits), Some(3)));
        let code = match json["verdict"].as_str().unwrap() {
            "fail" => 1,
            "noisy" => 3,
            "pass" | "none" => 0,
            other => panic!("{other}"),
        };
        assert_eq!(output.status.code(), Some(code));
        let possible: &[i32] = if at_most.is_none_or(|most| most == "1s") { &[0, 3] } else { &[1, 3] };
        assert!(possible.contains(&code), "{limits} {at_most:?}: {code}");
    }
    assert_eq!(place.files(), ["ok.toml"], "nothing is written");
}

/// For people: nothing but the table and its explanations on stdout, in 80 columns, without escape codes into a pipe.
#[test]
fn the_table_fits_a_terminal() {
    let output = Place::new().run(&[&QUICK[..], &["--width", "80", "--fail-on", "none"]].concat());
    let stdout = text(&output.stdout);
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), ""));
    assert!(stdout.lines().all(|line| line.chars().count() <= 80) && !stdout.contains('\u{1b}'), "{stdout}");
    for part in ["1 thread", "2 providers  16 providers", "\nrate-limit-aware ", "A against A: round-robin"] {
        assert!(stdout.contains(part), "{part}\n{stdout}");
    }
    let markdown = Place::new().run(&[&QUICK[..], &["--format", "markdown", "--strategies", "random", "--fail-on", "none"]].concat());
    assert_eq!(text(&markdown.stdout).lines().count(), 2 + 2);
}

/// One diagnostic a mistake, exit code 2, and nothing measured.
#[test]
fn mistakes_are_explained() {
    let place = Place::new();
    for (arguments, message) in [
        (["--strategies", "round-robbin"], "did you mean `round-robin`"),
        (["--providers", "0"], "0 is not in 1..=1024"),
        (["--providers", "1025"], "1025 is not in 1..=1024"),
        (["--threads", "none"], "invalid digit"),
        (["--rounds", "0"], "0 is not in 1..=100000"),
        (["--in-flight", "0"], "0 is not in 1..=100000"),
        (["--limits", "bucket"], "token-bucket"),
        (["--at-most", "100"], "such as 100ns"),
        (["--resolution", "0%"], "such as 10%"),
    ] {
        let output = place.run(&[&["bench"][..], &arguments].concat());
        assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), ""), "{arguments:?}");
        assert!(text(&output.stderr).contains(message), "{arguments:?}: {}", text(&output.stderr));
    }
}

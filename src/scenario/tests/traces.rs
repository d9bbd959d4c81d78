//! Traces: where they are looked up, and how their mistakes are shown.

use std::cell::RefCell;
use std::path::{Path, PathBuf};

use super::{Parts, brief, check_with, no_trace};
use crate::scenario::decode::parse_with;
use crate::scenario::trace::TraceError;
use crate::scenario::{Diagnostics, Loaded, Overrides};
use crate::time::Nanos;
use crate::world::spec::{End, Source, TraceRow};

fn text(load: &str) -> String {
    Parts { load, ..Parts::default() }.text()
}

/// Three requests, one a second.
fn three_rows(_: &Path) -> Result<Vec<TraceRow>, TraceError> {
    Ok((0..3).map(|second| TraceRow { at: Nanos::from_secs(second), input: 10, output: 5, session: None }).collect())
}

fn replay(load: &str) -> Result<Loaded, Diagnostics> {
    parse_with("folder/s.toml", &text(load), &Overrides::default(), &three_rows)
}

#[test]
fn rows_land_in_the_plan_and_the_end_is_optional() {
    let plan = replay("trace = \"t.csv\"\nspeed = 2").expect("valid").scenario.plan;
    assert_eq!(plan.load.end, End::Trace);
    assert!(matches!(&plan.load.source, Source::Trace { rows, speed } if rows.len() == 3 && *speed == 2.0));
    assert_eq!(replay("trace = \"t.csv\"\nrequests = 2").expect("valid").scenario.plan.load.end, End::Requests(2));
    assert_eq!(brief(&replay("trace = \"t.csv\"\nrequests = 2\nduration = \"1s\"").expect_err("two ends")), ["conflict 5:1"]);
    assert_eq!(brief(&replay("trace = \"t.csv\"\nspeed = 0").expect_err("speed")), ["out-of-range 5:9"]);
    // At double speed the last row arrives at 1 s.
    assert_eq!(brief(&replay("trace = \"t.csv\"\nspeed = 2\nwarmup = \"1.1s\"").expect_err("warm-up")), ["warmup-too-long 6:1"]);
    assert!(replay("trace = \"t.csv\"\nspeed = 2\nwarmup = \"1s\"").is_ok());
}

/// The digest sees the rows, not the path.
#[test]
fn digests_see_rows() {
    let digest = |load: &str| replay(load).expect("valid").scenario.digest;
    assert_eq!(digest("trace = \"t.csv\""), digest("trace = \"other.csv\""));
    assert_ne!(digest("trace = \"t.csv\""), digest("trace = \"t.csv\"\nspeed = 2"));
}

#[test]
fn paths_are_relative_to_where_they_are_written() {
    let asked = RefCell::new(Vec::new());
    let reader = |path: &Path| {
        asked.borrow_mut().push(path.to_owned());
        three_rows(path)
    };
    let _ = parse_with("folder/s.toml", &text("trace = \"t.csv\""), &Overrides::default(), &reader);
    let overrides = Overrides { set: vec!["load.trace=t.csv".to_owned()], ..Overrides::default() };
    let _ = parse_with("folder/s.toml", &text("trace = \"t.csv\""), &overrides, &reader);
    let _ = parse_with("s.toml", &text("trace = \"/tmp/t.csv\""), &Overrides::default(), &reader);
    assert_eq!(*asked.borrow(), [PathBuf::from("folder/t.csv"), PathBuf::from("t.csv"), PathBuf::from("/tmp/t.csv")]);
}

#[test]
fn a_missing_trace_is_shown_where_it_is_named() {
    let found = check_with(&text("trace = \"t.csv\""), &Overrides::default()).expect_err("no trace");
    assert_eq!(brief(&found), ["trace 4:9"]);
    let found = parse_with("s.toml", &text("trace = \"t.csv\""), &Overrides::default(), &|_| Ok(Vec::new())).expect_err("no rows");
    assert_eq!(brief(&found), ["trace 4:9"]);
    assert!(no_trace(Path::new("t.csv")).is_err());
}

#[test]
fn a_bad_line_is_shown_with_its_text() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("t.csv"), "arrival_s,input_tokens,output_tokens\n0,400,180\n1,many,180\n").expect("a file");
    let reader = |path: &Path| {
        let what = "`many` is not a whole number".to_owned();
        Err(TraceError { path: path.to_owned(), line: Some(3), column: Some(3), what, help: "a token count, such as 400".to_owned() })
    };
    let scenario = folder.path().join("s.toml").display().to_string();
    let found = parse_with(&scenario, &text("trace = \"t.csv\""), &Overrides::default(), &reader).expect_err("a bad line");
    assert_eq!(brief(&found), ["trace 3:3"]);
    let rendered = found.render(false, 120).replace(&folder.path().display().to_string(), "DIR");
    insta::assert_snapshot!(rendered, @r#"
    error[trace]: `many` is not a whole number
     --> DIR/t.csv:3:3
      |
    3 | 1,many,180
      |   ^^^^
      |
     ::: DIR/s.toml:4:9
      |
    4 | trace = "t.csv"
      |         ------- the trace is named here
      |
      = help: a token count, such as 400
    "#);
}

/// Sizes given beside those of a trace change nothing, and that is said.
#[test]
fn tokens_beside_a_trace_are_ignored_with_a_warning() {
    let tokens = "tokens = { input = 1, output = 1 }";
    let load = format!("trace = \"t.csv\"\n{tokens}\n[[load.class]]\nname = \"c\"\n{tokens}");
    let row = TraceRow { at: crate::time::Nanos::ZERO, input: 1, output: 1, session: None };
    let loaded = parse_with("s.toml", &text(&load), &Overrides::default(), &|_| Ok(vec![row])).expect("valid");
    assert_eq!(brief(&loaded.warnings), ["ignored-tokens 5:1", "ignored-tokens 8:1"]);
}

//! What a user sees.

use super::{Parts, check, check_with};
use crate::scenario::{Overrides, Severity, load};

fn rendered(text: &str) -> String {
    check(text).expect_err("a mistake").render(false, 92)
}

#[test]
fn a_slip_shows_its_line_and_the_nearest_name() {
    let text = Parts { balancer: "strategy = \"weighted-roundrobin\"", ..Parts::default() }.text();
    insta::assert_snapshot!(rendered(&text), @r#"
    error[unknown-strategy]: unknown strategy `weighted-roundrobin`
     --> s.toml:7:12
      |
    7 | strategy = "weighted-roundrobin"
      |            ^^^^^^^^^^^^^^^^^^^^^
      |
      = help: did you mean `weighted-round-robin`?
      = help: the strategies are `round-robin`, `weighted-round-robin`, `random`,
              `weighted-random`, `least-connections`, `power-of-two`, `peak-ewma`,
              `lowest-latency`, `rate-limit-aware`, `consistent-hash`, `failover` and
              `lowest-cost`
    "#);
}

#[test]
fn two_places_are_shown_together() {
    let text = Parts { load: "rate = \"10/s\"\nusers = 5\nduration = \"60s\"", ..Parts::default() }.text();
    insta::assert_snapshot!(rendered(&text), @r#"
    error[conflict]: two load sources: `rate` and `users`
     --> s.toml:5:1
      |
    4 | rate = "10/s"
      | ---- first source
    5 | users = 5
      | ^^^^^ second source
      |
      = help: keep one of `rate` (open loop), `users` (closed loop) and `trace` (replay)
    "#);
}

#[test]
fn flags_are_sources_of_their_own() {
    let overrides = Overrides { set: vec!["load.rate=200".to_owned()], ..Overrides::default() };
    let found = check_with(&Parts::default().text(), &overrides).expect_err("no unit");
    insta::assert_snapshot!(found.render(false, 92), @r#"
    error[bad-rate]: a rate needs a unit
     --> --set:1:11
      |
    1 | load.rate=200
      |           ^^^
      |
      = help: write "200/s" or "200/min"
    "#);
}

#[test]
fn an_empty_file_says_what_is_required() {
    insta::assert_snapshot!(rendered(""), @r#"
    error[missing-key]: `schema` is missing in the scenario
     --> s.toml:1:1
      |
    1 |
      | ^
      |
      = help: add `schema = 1`

    error[missing-key]: `name` is missing in the scenario
     --> s.toml:1:1
      |
    1 |
      | ^
      |
      = help: add `name = "…"`

    error[missing-key]: the table `[load]` is missing
     --> s.toml:1:1
      |
    1 |
      | ^
      |
      = help: add `[load]` with `rate = "100/s"` and `duration = "2m"`

    error[missing-key]: the table `[balancer]` is missing
     --> s.toml:1:1
      |
    1 |
      | ^
      |
      = help: add `[balancer]` with `strategy = "round-robin"`

    error[no-provider]: the scenario has no provider
     --> s.toml:1:1
      |
    1 |
      | ^
      |
      = help: add at least one:
              [[provider]]
              name = "alpha"
              latency = "250ms"
    "#);
}

/// No line of text is wider than asked, and there are no escape codes without colour.
#[test]
fn width_and_colour() {
    let text = Parts { rest: "[[expect]]\nmetric = \"zzz\"\nmax = 1", ..Parts::default() }.text();
    let found = check(&text).expect_err("no such metric");
    for width in [60, 92] {
        let plain = found.render(false, width);
        assert!(plain.lines().all(|line| line.chars().count() <= width), "{width}:\n{plain}");
        assert!(!plain.contains('\u{1b}'));
    }
    assert!(found.render(true, 92).contains('\u{1b}'));
    assert!(found.iter().all(|diagnostic| diagnostic.severity == Severity::Error));
}

/// A long line is cut around the mistake, and what the file holds cannot command the terminal.
#[test]
fn long_lines_and_control_characters() {
    let zeros = "0".repeat(150);
    let long = format!("latency = \"1s\"\nlimits = {{ rpm = 600, rpd = 9.{zeros}, tmp = 5 }}");
    let plain = rendered(&Parts { provider: &long, ..Parts::default() }.text());
    assert!(plain.contains("tmp") && plain.lines().all(|line| line.chars().count() <= 92), "{plain}");
    let found = check(&Parts { balancer: "strategy = \"\\u001b[31mred\"", ..Parts::default() }.text()).expect_err("no strategy");
    assert!(!found.render(false, 92).contains('\u{1b}'));
}

/// Files that cannot be read name the path and the reason of the system.
#[test]
fn unreadable_files() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = |name: &str| folder.path().join(name).display().to_string();
    let render = |name: &str| load(&path(name), &Overrides::default()).expect_err("unreadable").render(false, 200);
    let missing = render("none.toml");
    assert!(
        missing.starts_with("error[io]: cannot read ") && missing.contains("none.toml") && missing.contains("No such file"),
        "{missing}"
    );
    std::fs::create_dir(path("dir.toml")).expect("a folder");
    assert!(render("dir.toml").contains("directory"), "{}", render("dir.toml"));
    std::fs::write(path("latin.toml"), b"schema = 1\nname = \"caf\xe9\"\n").expect("a file");
    let latin = render("latin.toml");
    assert!(latin.contains("latin.toml:2:12") && latin.contains("not UTF-8 text: byte 22"), "{latin}");
    std::fs::write(path("good.toml"), Parts::default().text()).expect("a file");
    assert!(load(&path("good.toml"), &Overrides::default()).is_ok());
}

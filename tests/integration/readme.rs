//! The README is true: its commands run, its outputs are those of the program, its tables are those of the code.
//!
//! When a test here fails after an intended change, paste what it says the program prints.

use std::fs;

use lbsim::scenario::{self, Overrides};

use crate::scenarios::{files, lbsim, root, text};

#[test]
fn every_command_runs_and_prints_what_the_readme_shows() {
    let place = tempfile::tempdir().expect("a folder");
    let mut ran = 0;
    for (command, shown) in commands(&readme()) {
        let words: Vec<&str> = command.split_whitespace().collect();
        let arguments = match words.as_slice() {
            ["lbsim", arguments @ ..] => arguments,
            ["cargo", "run", "--release", "--", arguments @ ..] => arguments,
            // These tests are it.
            ["cargo", "test"] => continue,
            _ => panic!("an unknown command: {command}"),
        };
        let output = lbsim(&in_folder(arguments, place.path()).iter().map(String::as_str).collect::<Vec<_>>());
        assert_eq!(output.status.code(), Some(0), "{command}\n{}", text(&output.stderr));
        if !shown.is_empty() {
            assert_eq!(text(&output.stdout).trim_end(), shown.trim_end(), "{command}");
        }
        ran += 1;
    }
    assert!(ran >= 6, "the README shows commands");
}

#[test]
fn the_strategies_are_those_of_the_catalogue() {
    let output = lbsim(&["strategies", "--format", "markdown"]);
    let table = text(&output.stdout);
    assert!(readme().contains(table.trim_end()), "the README's table of strategies should be:\n{table}");
}

#[test]
fn every_scenario_is_listed() {
    for file in files() {
        assert!(readme().contains(&format!("[{file}](scenarios/{file}.toml)")), "{file}");
    }
}

/// Setting a key of `[balancer]` to the default that the table names changes nothing; setting it to something else does.
#[test]
fn the_defaults_of_the_balancer_are_those_of_the_code() {
    let plan = |set: Option<String>| {
        let path = root().join("scenarios/power_of_two.toml");
        let text = fs::read_to_string(&path).expect("a scenario").replace("choices = 2\n", "\n");
        let overrides = Overrides { set: set.clone().into_iter().collect(), ..Overrides::default() };
        let loaded = scenario::parse("power_of_two.toml", &text, &overrides).unwrap_or_else(|_| panic!("{set:?} is refused"));
        format!("{:?}", loaded.scenario.plan)
    };
    let plain = plan(None);
    let mut checked = 0;
    for (key, default) in rows(&readme(), "| key of `[balancer]` | default |") {
        let Some(default) = default.strip_prefix('`').and_then(|value| value.strip_suffix('`')) else { continue };
        assert_eq!(plan(Some(format!("balancer.{key}={default}"))), plain, "{key} is not {default} by default");
        let other = match default.trim_matches('"') {
            "true" => "false".to_owned(),
            "on" => "off".to_owned(),
            "max-tokens" => "p95".to_owned(),
            ratio if ratio.ends_with('%') || ratio == "50" => ratio.replace(['2', '5'], "6"),
            // A digit in front makes another number of the same unit.
            number => format!("1{number}"),
        };
        assert_ne!(plan(Some(format!("balancer.{key}={other}"))), plain, "{key} has an effect");
        checked += 1;
    }
    assert!(checked >= 15, "the table was found");
}

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("the README")
}

/// The commands in `console` blocks, each with the output shown below it.
fn commands(readme: &str) -> Vec<(String, String)> {
    let mut commands: Vec<(String, String)> = Vec::new();
    let mut inside = false;
    for line in readme.lines() {
        match (inside, line) {
            (false, "```console") => inside = true,
            (true, "```") => inside = false,
            (true, line) => match (line.strip_prefix("$ "), commands.last_mut()) {
                (Some(command), _) => commands.push((command.to_owned(), String::new())),
                (None, Some((_, shown))) => *shown += &format!("{line}\n"),
                (None, None) => panic!("output without a command: {line}"),
            },
            _ => {}
        }
    }
    commands
}

/// The first two cells of a table: the first without its backquotes.
fn rows(readme: &str, header: &str) -> Vec<(String, String)> {
    let lines = readme.lines().skip_while(|line| !line.starts_with(header)).skip(2).take_while(|line| line.starts_with('|'));
    let cells = lines.map(|line| line.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>());
    cells.map(|cells| (cells[1].trim_matches('`').to_owned(), cells[2].clone())).collect()
}

/// Outputs go to a folder of their own.
fn in_folder(arguments: &[&str], folder: &std::path::Path) -> Vec<String> {
    let is_output = |position: usize| position > 0 && ["-o", "--decisions"].contains(&arguments[position - 1]);
    let place = |(position, word): (usize, &&str)| match is_output(position) {
        true => folder.join(word).display().to_string(),
        false => (*word).to_owned(),
    };
    arguments.iter().enumerate().map(place).collect()
}

//! The command line: exit codes, what goes where, and what is left on disk.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Output, Stdio};

use assert_cmd::Command;
use tempfile::TempDir;

/// A folder with a scenario in it.
pub struct Place(TempDir);

impl Place {
    pub fn new() -> Place {
        let place = Place(tempfile::tempdir().unwrap());
        place.write("ok.toml", &scenario("min = 0.99"));
        place
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// The program, started here, without the surroundings of whoever runs the tests.
    pub fn lbsim(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("lbsim").unwrap();
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "COLUMNS"] {
            command.env_remove(name);
        }
        command.current_dir(self.0.path()).args(arguments);
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.lbsim(arguments).output().unwrap()
    }

    /// Names of all files here, in order.
    pub fn files(&self) -> Vec<String> {
        let mut names: Vec<_> =
            fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

pub fn scenario(expect: &str) -> String {
    format!(
        r#"schema = 1
name = "small"
description = "two providers, twice as much for the first"
seed = 7

[load]
arrival = "constant"
rate = "100/s"
requests = 600

[balancer]
strategy = "weighted-round-robin"

[[provider]]
name = "alpha"
weight = 2
latency = "40ms"

[[provider]]
name = "beta"
weight = 1
latency = "40ms"

[[expect]]
metric = "success_ratio"
{expect}
"#
    )
}

fn code(output: &Output) -> i32 {
    output.status.code().expect("the program was not killed")
}

fn stdout(output: &Output) -> &str {
    std::str::from_utf8(&output.stdout).unwrap()
}

fn stderr(output: &Output) -> &str {
    std::str::from_utf8(&output.stderr).unwrap()
}

#[test]
fn a_run_whose_expectations_hold_exits_0_with_the_verdict_first() {
    let output = Place::new().run(&["run", "ok.toml"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).starts_with("PASS small  weighted-round-robin · seed 7 · 600 requests"), "{}", stdout(&output));
    assert!(stdout(&output).contains("1 of 1 expectation holds"));
    assert!(stderr(&output).contains("simulated 600 requests in"), "the tool's own timing: {}", stderr(&output));
    assert!(!stdout(&output).contains('\u{1b}') && !stderr(&output).contains('\u{1b}'), "no escape codes into a pipe");
}

#[test]
fn a_failed_expectation_exits_1_unless_it_is_not_to_count() {
    let place = Place::new();
    place.write("bad.toml", &scenario("max = 0.5"));
    let output = place.run(&["run", "bad.toml"]);
    assert_eq!(code(&output), 1, "{}", stderr(&output));
    assert!(stdout(&output).starts_with("FAIL small"));
    assert_eq!(code(&place.run(&["run", "bad.toml", "--fail-on", "none"])), 0);
    assert_eq!(code(&place.run(&["run", "bad.toml", "--fail-on", "no-data,noisy"])), 0);
    assert_eq!(code(&place.run(&["run", "bad.toml", "--fail-on", "none,failed"])), 2, "a contradiction");
}

#[test]
fn a_warning_counts_where_asked_for_and_a_note_never_does() {
    let place = Place::new();
    let noted = place.run(&["run", "ok.toml", "--strategy", "p2c", "--fail-on", "warning"]);
    assert!(stderr(&noted).contains("note[alias]"), "{}", stderr(&noted));
    assert_eq!(code(&noted), 0, "{}", stderr(&noted));
    let warned = place.run(&["run", "ok.toml", "--strategy", "round-robin", "--fail-on", "warning"]);
    assert!(stderr(&warned).contains("warning[ignored-weights]"), "{}", stderr(&warned));
    assert_eq!(code(&warned), 1);
}

#[test]
fn without_expectations_a_run_is_done_and_exits_0() {
    let place = Place::new();
    let text = scenario("");
    place.write("none.toml", &text[..text.find("[[expect]]").unwrap()]);
    let output = place.run(&["run", "none.toml"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).starts_with("DONE small"));
}

#[test]
fn usage_errors_exit_2_and_say_so_on_stderr_alone() {
    let place = Place::new();
    for arguments in [
        &[][..],
        &["run"],
        &["run", "ok.toml", "--no-such-flag"],
        &["run", "ok.toml", "--width", "7"],
        &["run", "ok.toml", "-j", "0"],
        &["run", "ok.toml", "-q", "-v"],
        &["run", "missing.toml"],
        &["run", "ok.toml", "--strategy", "no-such-strategy"],
        &["run", "ok.toml", "--set", "no.such.key=1"],
        &["run", "ok.toml", "-o", "result.xml"],
        &["run", "ok.toml", "-o", "a.json", "-o", "./a.json"],
        &["run", "ok.toml", "--decisions", "ok.toml"],
        &["run", "ok.toml", "--decisions", "-"],
        &["strategies", "no-such-strategy"],
        &["profiles", "no-such-profile"],
        &["completions", "no-such-shell"],
        &["validate", "missing.toml"],
        &["frobnicate"],
    ] {
        let output = place.run(arguments);
        assert_eq!(code(&output), 2, "{arguments:?}: {}", stderr(&output));
        assert_eq!(stdout(&output), "", "{arguments:?}");
        assert!(!stderr(&output).is_empty(), "{arguments:?}");
    }
    assert_eq!(place.files(), ["ok.toml"], "nothing was written");
    assert!(stderr(&place.run(&["run", "missing.toml"])).contains("missing.toml"));
    assert!(stderr(&place.run(&["run", "ok.toml", "-o", "result.xml"])).contains(".txt, .json, .md, .csv"));
}

#[test]
fn unwritable_outputs_exit_5_before_the_run_and_name_path_and_reason() {
    let place = Place::new();
    for (flag, path) in [("-o", "no/such/folder/r.json"), ("--decisions", "no/such/folder/d.ndjson"), ("-o", ".")] {
        let output = place.run(&["run", "ok.toml", flag, path]);
        assert_eq!(code(&output), 5, "{}", stderr(&output));
        assert!(stderr(&output).contains(&format!("cannot write {path}: ")), "{}", stderr(&output));
        assert!(!stderr(&output).contains("simulated"), "checked before the run");
        assert_eq!(stdout(&output), "");
    }
    // The second output cannot be opened: nothing may stay of the first.
    assert_eq!(code(&place.run(&["run", "ok.toml", "-o", "a.json", "-o", "no/b.json"])), 5);
    assert_eq!(place.files(), ["ok.toml"]);
}

#[cfg(target_os = "linux")]
/// A mistyped `-o` must not cost anyone a recording, by whatever name it is reached.
#[test]
fn a_trace_is_never_overwritten() {
    let place = Place::new();
    let trace = "arrival_s,input_tokens,output_tokens\n0,1,1\n1,1,1\n";
    place.write("trace.csv", trace);
    let load = "trace = \"trace.csv\"\n";
    let text = format!(
        "schema = 1\nname = \"t\"\n[load]\n{load}[balancer]\nstrategy = \"random\"\n[[provider]]\nname = \"a\"\nlatency = \"1ms\"\n"
    );
    place.write("replay.toml", &text);
    for flags in [["-o", "trace.csv"], ["-o", "./trace.csv"], ["--decisions", "trace.csv"]] {
        let output = place.run(&["run", "replay.toml", flags[0], flags[1]]);
        assert_eq!(code(&output), 2, "{flags:?}");
        assert!(stderr(&output).contains("the scenario's trace, which would be overwritten"), "{}", stderr(&output));
        assert_eq!(fs::read_to_string(place.path("trace.csv")).unwrap(), trace);
    }
    assert_eq!(code(&place.run(&["run", "replay.toml", "-o", "other.csv"])), 0);
}

#[test]
fn a_full_disk_exits_5_wherever_the_output_goes() {
    let place = Place::new();
    assert_eq!(code(&place.run(&["run", "ok.toml", "-o", "/dev/full"])), 5);
    assert_eq!(code(&place.run(&["run", "ok.toml", "--decisions", "/dev/full"])), 5);
    assert_eq!(code(&place.run(&["run", "ok.toml", "--decisions", "/dev/full", "-j", "1"])), 5);
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let status = process(&place, &["run", "ok.toml"]).stdout(full).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(5), "stdout");
}

#[test]
fn outputs_replace_stdout_take_their_format_from_the_name_and_leave_nothing_else() {
    let place = Place::new();
    let output = place.run(&["run", "ok.toml", "-o", "r.json", "-o", "r.csv", "-o", "r.md", "-o", "r.txt", "--decisions", "d.ndjson"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert_eq!(stdout(&output), "");
    assert_eq!(place.files(), ["d.ndjson", "ok.toml", "r.csv", "r.json", "r.md", "r.txt"]);
    let report: serde_json::Value = serde_json::from_slice(&fs::read(place.path("r.json")).unwrap()).unwrap();
    assert_eq!(report["format"], 1);
    assert_eq!(report["verdict"], "pass");
    assert_eq!(report["runs"][0]["requests"]["offered"], 600);
    assert!(report["wall"]["decision_ns"]["count"].is_u64());
    assert!(fs::read_to_string(place.path("r.csv")).unwrap().starts_with("scenario,strategy,seed,provider"));
    assert!(fs::read_to_string(place.path("r.md")).unwrap().starts_with("### PASS small"));
    assert!(fs::read_to_string(place.path("r.txt")).unwrap().starts_with("PASS small"));
    let decisions = fs::read_to_string(place.path("d.ndjson")).unwrap();
    assert_eq!(decisions.lines().count(), 600, "one decision a request, for nothing is retried");
    for line in decisions.lines() {
        let decision: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(decision["decision"], "send");
    }
}

#[test]
fn a_dash_is_stdout_in_the_format_asked_for() {
    let place = Place::new();
    let output = place.run(&["run", "ok.toml", "-o", "-", "-o", "r.md", "--format", "json"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(serde_json::from_slice::<serde_json::Value>(&output.stdout).is_ok());
    assert!(place.path("r.md").exists());
}

#[test]
fn stable_output_is_the_same_bytes_whatever_the_threads() {
    let place = Place::new();
    let run = |jobs: &str, log: &str| place.run(&["run", "ok.toml", "--format", "json", "--stable", "-j", jobs, "--decisions", log]);
    let (one, four) = (run("1", "d1.ndjson"), run("4", "d4.ndjson"));
    assert_eq!(code(&one), 0, "{}", stderr(&one));
    assert_eq!(one.stdout, four.stdout);
    assert_eq!(fs::read(place.path("d1.ndjson")).unwrap(), fs::read(place.path("d4.ndjson")).unwrap());
    assert!(!stdout(&one).contains("wall"));
    assert_eq!(stderr(&one), "", "no timing either");
    let text = place.run(&["run", "ok.toml", "--stable"]);
    assert!(!stdout(&text).contains("wall clock"));
    assert_eq!(text.stdout, place.run(&["run", "ok.toml", "--stable"]).stdout);
}

#[test]
fn overrides_reach_the_run() {
    let place = Place::new();
    let arguments = ["run", "ok.toml", "--format", "json", "--stable", "--seed", "9", "--strategy", "p2c", "--set", "load.requests=50"];
    let output = place.run(&arguments);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let run = &report["runs"][0];
    assert_eq!((run["seed"].as_u64(), run["strategy"].as_str()), (Some(9), Some("power-of-two")));
    assert_eq!(run["requests"]["offered"], 50);
}

#[test]
fn quiet_is_the_verdict_alone_and_nothing_on_stderr() {
    let output = Place::new().run(&["run", "ok.toml", "-q"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).starts_with("PASS small"));
    assert!(stdout(&output).lines().count() <= 2, "{}", stdout(&output));
    assert_eq!(stderr(&output), "");
}

#[test]
fn colour_follows_the_flag_and_the_environment() {
    let place = Place::new();
    let coloured = |arguments: &[&str], environment: &[(&str, &str)]| {
        let output = place.lbsim(&[&["run", "ok.toml"], arguments].concat()).envs(environment.iter().copied()).output().unwrap();
        assert_eq!(code(&output), 0, "{}", stderr(&output));
        stdout(&output).contains('\u{1b}')
    };
    assert!(!coloured(&[], &[]), "a pipe");
    assert!(coloured(&["--color", "always"], &[]));
    assert!(coloured(&["--color", "always"], &[("NO_COLOR", "1")]), "the flag wins");
    assert!(coloured(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[], &[("NO_COLOR", "1")]));
    assert!(!coloured(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
}

#[test]
fn no_line_is_wider_than_the_columns_there_are() {
    let place = Place::new();
    let widest = |columns: Option<&str>, arguments: &[&str]| {
        let mut command = place.lbsim(arguments);
        if let Some(columns) = columns {
            command.env("COLUMNS", columns);
        }
        let output = command.output().unwrap();
        stdout(&output).lines().map(|line| line.chars().count()).max().unwrap_or(0)
    };
    for command in [&["run", "ok.toml"][..], &["strategies"], &["strategies", "ewma"], &["profiles"], &["profiles", "azure-ptu-100"]] {
        assert!(widest(None, command) <= 92, "{command:?} in a pipe");
        assert!(widest(Some("80"), command) <= 80, "{command:?}");
        assert!(widest(Some("300"), command) <= 92, "{command:?}: 92 at most unless asked");
        assert!(widest(Some("300"), &[command, &["--width", "60"]].concat()) <= 60, "{command:?}: the flag wins");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    // A pipe holds 64 KiB; the completions and long reports must meet a closed one without a complaint.
    let place = Place::new();
    for arguments in [&["run", "ok.toml", "--format", "json", "-q"][..], &["completions", "zsh"], &["strategies"], &["--help"]] {
        let mut child = process(&place, arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(code(&output), 0, "{arguments:?}: {}", stderr(&output));
        assert_eq!(stderr(&output), "", "{arguments:?}");
    }
}

#[test]
fn validate_lists_good_files_and_reports_every_bad_one() {
    let place = Place::new();
    fs::create_dir(place.path("folder")).unwrap();
    place.write("folder/good.toml", &scenario("min = 0.99"));
    let good = place.run(&["validate", "folder", "ok.toml"]);
    assert_eq!(code(&good), 0, "{}", stderr(&good));
    assert_eq!(stdout(&good), format!("ok small ({})\nok small (ok.toml)\n", Path::new("folder").join("good.toml").display()));
    place.write("folder/syntax.toml", "schema = = 1");
    place.write("folder/unknown.toml", &scenario("min = 0.99").replace("weighted-round-robin", "robin"));
    let bad = place.run(&["validate", "folder"]);
    assert_eq!(code(&bad), 2);
    assert_eq!(stdout(&bad).lines().count(), 1, "the good one");
    for name in ["syntax.toml", "unknown.toml", "of 3 scenarios 2 are invalid"] {
        assert!(stderr(&bad).contains(name), "{name}: {}", stderr(&bad));
    }
}

#[test]
fn validate_without_any_file_exits_4() {
    let place = Place::new();
    fs::create_dir(place.path("empty")).unwrap();
    assert_eq!(code(&place.run(&["validate", "empty"])), 4);
    assert_eq!(code(&place.run(&["validate"])), 4, "there is no folder named scenarios");
    fs::create_dir(place.path("scenarios")).unwrap();
    place.write("scenarios/small.toml", &scenario("min = 0.99"));
    assert_eq!(code(&place.run(&["validate"])), 0);
}

#[test]
fn the_catalogue_is_the_same_in_every_format() {
    let place = Place::new();
    let list: serde_json::Value = serde_json::from_slice(&place.run(&["strategies", "--format", "json"]).stdout).unwrap();
    let human = place.run(&["strategies"]);
    let markdown = place.run(&["strategies", "--format", "markdown"]);
    for row in list.as_array().unwrap() {
        let name = row["name"].as_str().unwrap();
        assert!(stdout(&human).lines().any(|line| line.split_whitespace().next() == Some(name)), "{name}");
        assert!(stdout(&markdown).contains(&format!("| `{name}` |")), "{name}");
        let details = place.run(&["strategies", name]);
        assert!(stdout(&details).starts_with(name) && stdout(&details).contains("source"), "{name}");
    }
}

/// Every figure of every profile has a kind and a source in the JSON, and the same list is there for people.
#[test]
fn every_figure_of_a_profile_has_a_source() {
    let place = Place::new();
    let list: serde_json::Value = serde_json::from_slice(&place.run(&["profiles", "--format", "json"]).stdout).unwrap();
    let (human, markdown) = (place.run(&["profiles"]), place.run(&["profiles", "--format", "markdown"]));
    assert_eq!(list.as_array().unwrap().len(), 19);
    for profile in list.as_array().unwrap() {
        let name = profile["name"].as_str().unwrap();
        assert!(stdout(&human).lines().any(|line| line.split_whitespace().next() == Some(name)), "{name}");
        assert!(stdout(&markdown).contains(&format!("| `{name}` |")), "{name}");
        let details = place.run(&["profiles", name, "--width", "300"]);
        for figure in profile["figures"].as_array().unwrap() {
            let kind = figure["kind"].as_str().unwrap();
            assert!(["documented", "measured", "reported", "assumed"].contains(&kind), "{name}: {figure}");
            let source = format!("{kind}: {}", figure["source"].as_str().unwrap());
            assert!(source.len() > 15 && stdout(&details).contains(&source), "{name}: {figure}\n{}", stdout(&details));
        }
    }
}

#[test]
fn help_version_and_completions_are_results() {
    let place = Place::new();
    assert_eq!(stdout(&place.run(&["--version"])), format!("lbsim {}\n", env!("CARGO_PKG_VERSION")));
    let help = place.run(&["--help"]);
    assert_eq!(code(&help), 0);
    for word in ["run", "validate", "strategies", "profiles", "completions", "Exit codes", "130", "Examples", "ttft"] {
        assert!(stdout(&help).contains(word), "{word}");
    }
    assert!(stdout(&place.run(&["run", "--help"])).contains("uses one core"));
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = place.run(&["completions", shell]);
        assert_eq!(code(&script), 0);
        assert!(stdout(&script).contains("fail-on"), "{shell}");
    }
}

#[cfg(unix)]
#[test]
fn ctrl_c_prints_what_there_is_and_leaves_no_temporary_file() {
    let place = Place::new();
    // Far more requests than can be simulated before the signal comes.
    let arguments = ["run", "ok.toml", "--set", "load.requests=400_000_000", "-o", "r.txt", "--decisions", "/dev/null"];
    let child = process(&place, &arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // The temporary file beside r.txt: from then on the signal is handled.
    wait_for(|| place.files().len() > 1);
    assert!(Process::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let output = child.wait_with_output().unwrap();
    assert_eq!(code(&output), 130, "{}", stderr(&output));
    assert_eq!(place.files(), ["ok.toml", "r.txt"]);
    assert!(fs::read_to_string(place.path("r.txt")).unwrap().starts_with("INCOMPLETE small"));
}

#[cfg(unix)]
#[test]
fn a_pipe_gets_the_decisions_as_they_are_made() {
    let place = Place::new();
    let script = r#""$0" run ok.toml -q -o r.txt --decisions /dev/stdout | head -n 2"#;
    let output = Process::new("sh").args(["-c", script, env!("CARGO_BIN_EXE_lbsim")]).current_dir(place.0.path()).output().unwrap();
    assert_eq!(stdout(&output).lines().count(), 2, "{}", stderr(&output));
    assert_eq!(stderr(&output), "");
}

pub fn process(place: &Place, arguments: &[&str]) -> Process {
    let mut process = Process::new(env!("CARGO_BIN_EXE_lbsim"));
    process.current_dir(place.0.path()).args(arguments).stdin(Stdio::null());
    process
}

/// Polls for half a minute at most; a slower machine than that would hide nothing, only fail.
pub fn wait_for(condition: impl Fn() -> bool) {
    for _ in 0..3_000 {
        if condition() {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("waited for half a minute in vain");
}

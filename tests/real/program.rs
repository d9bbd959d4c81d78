//! The program itself with `--target` and `--agree`: what it prints, and its mistakes.

use std::net::TcpListener;
use std::process::{Command, Output};

use assert_cmd::cargo::CommandCargoExt;
use serde_json::Value;

use crate::gateway::{Gateway, Habit, free_ports};

const TWO: &str = r#"
schema = 1
name = "two"
seed = 3
[load]
arrival = "constant"
rate = "50/s"
duration = "1s"
[balancer]
strategy = "round-robin"
[[provider]]
name = "alpha"
latency = "10ms"
[[provider]]
name = "beta"
latency = "10ms"
"#;

fn lbsim(arguments: &[&str]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("two.toml"), TWO).expect("a file");
    let mut command = Command::cargo_bin("lbsim").expect("the program");
    command.args(arguments).env_remove("LBSIM_TEST_NO_KEY").current_dir(folder.path()).output().expect("it runs")
}

fn json(output: &Output) -> Value {
    let error = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("no result: {error}"))
}

#[test]
fn gateways_are_compared_over_the_same_load() {
    let port = free_ports(2);
    let gateway = Gateway::start(vec![port, port + 1], Habit::Forward);
    let (port, named) = (port.to_string(), format!("theirs={}", gateway.url));
    let output =
        lbsim(&["compare", "two.toml", "--port", &port, "--target", "ours", "--target", &named, "--seeds", "2", "--format", "json"]);
    let result = json(&output);
    let names: Vec<&str> =
        result["comparison"]["variants"].as_array().unwrap().iter().map(|variant| variant["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["ours", "theirs"]);
    let runs = result["runs"].as_array().unwrap();
    assert_eq!(runs.len(), 4);
    for run in runs {
        assert_eq!((&run["requests"]["succeeded"], &run["providers"][0]["attempts"]), (&Value::from(50), &Value::from(25)));
    }
    let targets = runs.iter().filter(|run| !run["real"]["target"].is_null()).count();
    assert_eq!(targets, 2);
    // Both are measured in the same way, so that what the gateway adds can be told.
    let metrics = result["comparison"]["metrics"].as_array().unwrap();
    assert!(metrics.iter().any(|metric| metric["metric"] == "overhead_p50"));
}

#[test]
fn one_gateway_under_two_names_is_two_variants_in_every_format() {
    // Whether a difference is chance is seen by comparing something with itself.
    let port = free_ports(2);
    let gateway = Gateway::start(vec![port, port + 1], Habit::Forward);
    let (port, a, b) = (port.to_string(), format!("a={}", gateway.url), format!("b={}", gateway.url));
    let run = |format| {
        lbsim(&[
            "compare",
            "two.toml",
            "--port",
            &port,
            "--target",
            &a,
            "--target",
            &b,
            "--seeds",
            "1",
            "--format",
            format,
            "--set",
            "load.duration=200ms",
        ])
    };
    let text = String::from_utf8(run("prom").stdout).expect("text");
    let mut series: Vec<&str> =
        text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| Some(line.rsplit_once(' ')?.0)).collect();
    let all = series.len();
    series.sort_unstable();
    series.dedup();
    assert!(all > 0 && series.len() == all, "no series twice: {text}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("aa.json");
    std::fs::write(&file, run("json").stdout).expect("a file");
    let again = lbsim(&["compare", file.to_str().expect("a path"), "--format", "json"]);
    let variants = json(&again)["comparison"]["variants"].as_array().map(Vec::len);
    assert_eq!(variants, Some(2));
}

#[test]
fn what_shall_be_made_again_is_the_same_command() {
    let port = free_ports(2).to_string();
    let gateway = Gateway::start(vec![port.parse().expect("a port"), port.parse::<u16>().expect("a port") + 1], Habit::Forward);
    let url = &gateway.url;
    let flags = ["--port", &port, "--model", "m", "--time-scale", "0.5", "--expect", "success_ratio<=50%", "--format", "junit"];
    let output = lbsim(&[&["run", "two.toml", "--target", url][..], &flags].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains(&format!("--target {url} --port {port} --model m --time-scale 0.5")), "{text}");
}

#[test]
fn a_run_through_a_gateway_shows_both_sides() {
    let port = free_ports(2);
    let gateway = Gateway::start(vec![port, port + 1], Habit::Forward);
    let output = lbsim(&["run", "two.toml", "--port", &port.to_string(), "--target", &gateway.url, "--width", "80"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{text}");
    for line in text.lines() {
        assert!(line.chars().count() <= 80, "{line}");
    }
    assert!(text.contains(&format!("gateway   {}", gateway.url)), "{text}");
    assert!(text.contains("50 × 200") && !text.contains("decisions"), "{text}");
}

#[test]
fn agreement_names_both_figures() {
    let output = lbsim(&["run", "two.toml", "--clock", "real", "--agree", "--format", "json"]);
    let result = json(&output);
    let judged = result["runs"][0]["expectations"].as_array().unwrap();
    let names: Vec<&str> = judged.iter().map(|judged| judged["metric"].as_str().unwrap()).collect();
    assert_eq!(names, ["share", "share", "rate_limited", "shed_ratio", "success_ratio", "latency_p50", "latency_p99"]);
    assert_eq!((&judged[0]["simulated"], &judged[0]["got"]), (&Value::from(0.5), &Value::from(0.5)));
    assert_eq!(judged[5]["simulated"], Value::from(10.0));
}

#[test]
fn mistakes_are_said_before_anything_is_sent() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let (busy, listening) = (taken.local_addr().unwrap().port().to_string(), format!("http://{}", taken.local_addr().unwrap()));
    let run = |more: &[&str]| lbsim(&[&["run", "two.toml"], more].concat());
    for (output, says) in [
        (run(&["--target", "localhost:4000", "--port", "9100"]), "`localhost:4000` is no address of a gateway"),
        (run(&["--target", "https://localhost:4000", "--port", "9100"]), "plain HTTP"),
        (run(&["--target", "http://me:secret@localhost:4000"]), "name a variable with --api-key-env"),
        (run(&["--target", "http://localhost:9100"]), "is where a mock provider will listen"),
        (run(&["--target", "http://localhost:4000", "--port", "65535"]), "the last of 2 providers would listen on port 65536"),
        (run(&["--target", "http://localhost:9101", "--port", "9100"]), "is where a mock provider will listen"),
        (run(&["--target", "http://localhost:1", "--port", "9100", "--clock", "virtual"]), "cannot be combined with --clock virtual"),
        (run(&["--target", "http://localhost:1", "--port", "9100", "--header", "no colon"]), "`Name: value` is needed"),
        (run(&["--target", "http://localhost:1", "--port", "9100", "--header", "content-length: 3"]), "lbsim sets it itself"),
        (run(&["--target", "http://localhost:1", "--port", "9100", "--api-key-env", "LBSIM_TEST_NO_KEY"]), "LBSIM_TEST_NO_KEY is not set"),
        (run(&["--target", "http://localhost:1", "--port", "9100", "--decisions", "d.ndjson"]), "it decides nothing"),
        (run(&["--target", &listening, "--port", "0"]), "0 is not in 1..=65535"),
        (run(&["--port", "9100"]), "--target"),
        (run(&["--agree"]), "add --clock real"),
        (run(&["--agree", "--clock", "real", "--seeds", "2"]), "cannot be combined with --seeds"),
        (lbsim(&["compare", "two.toml", "--port", "9100", "--target", "ours"]), "nothing to be compared with"),
        (lbsim(&["compare", "two.toml", "--target", "ours", "--target", "ours"]), "two of --target are called ours"),
    ] {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!((output.status.code(), output.stdout.is_empty()), (Some(2), true), "{text}");
        assert!(text.contains(says), "want {says:?}, got {text}");
    }
    // A port that is taken, and a gateway that is not there.
    let busy = run(&["--target", "http://127.0.0.1:9", "--port", &busy]);
    let text = String::from_utf8_lossy(&busy.stderr).into_owned();
    assert_eq!(busy.status.code(), Some(2), "{text}");
    assert!(text.contains("start the gateway first"), "{text}");
    let gateway = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", gateway.local_addr().unwrap());
    let busy = run(&["--target", &url, "--port", &taken.local_addr().unwrap().port().to_string()]);
    let text = String::from_utf8_lossy(&busy.stderr).into_owned();
    assert_eq!(busy.status.code(), Some(2), "{text}");
    assert!(text.contains("cannot listen on") && text.contains("alpha"), "{text}");
}

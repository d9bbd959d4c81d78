//! How it starts, counts and ends.

use std::io::Read;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{Server, command, get, post, scenario, send};

fn chat() -> Value {
    json!({"model": "any name", "messages": [{"role": "user", "content": "twelve chars"}]})
}

const QUICK: &str = "name = \"alpha\"\nlatency = \"1ms\"";

#[test]
fn an_interrupt_is_how_it_ends() {
    for signal in ["INT", "TERM"] {
        let mut server = Server::start(&scenario(&[QUICK]), &[]);
        assert_eq!(post(server.addresses[0], "/v1/chat/completions", &chat()).status, 200);
        server.signal(signal);
        assert_eq!(server.wait(), Some(0), "{signal}");
    }
}

#[test]
fn what_comes_is_counted_and_forgotten_on_demand() {
    let server = Server::start(&scenario(&[QUICK, "name = \"beta\"\nlatency = \"1ms\"\nerror_rate = 1.0\nerror_status = 502"]), &[]);
    let [alpha, beta] = server.addresses[..] else { panic!("two providers") };
    let answer = post(alpha, "/v1/chat/completions", &chat());
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let answer = answer.json();
    assert_eq!((answer["model"].as_str(), answer["usage"]["prompt_tokens"].as_u64()), (Some("any name"), Some(3)));
    let again = "content-type: application/json\r\nx-stainless-retry-count: 1\r\n";
    assert_eq!(send(beta, "POST", "/v1/chat/completions", again, &chat().to_string()).status, 502);
    assert_eq!(post(beta, "/v1/chat/completions", &chat()).status, 502);
    let counts = |index: usize| ["attempts", "retries", "succeeded", "errors", "in_flight"].map(|what| server.count(index, what));
    assert_eq!((counts(0), counts(1)), ([1, 0, 1, 0, 0], [2, 1, 0, 2, 0]));
    assert_eq!(server.stats(0)["provider"], "alpha");
    assert_eq!(send(alpha, "POST", "/reset", "", "").status, 200);
    assert_eq!((counts(0), counts(1)), ([0; 5], [0; 5]));
}

#[test]
fn scenario_time_runs_from_the_start_and_from_a_reset() {
    // A fault in the first 500 s of scenario time, which are 5 s on the wall: it is met at the start, not when it has passed,
    // and again after a reset of the clock.
    let text = scenario(&[QUICK]) + "[[event]]\nprovider = \"alpha\"\nat = \"0s\"\nuntil = \"500s\"\nset = { error_rate = 1.0 }\n";
    let server = Server::start(&text, &["--time-scale", "100"]);
    let at = server.addresses[0];
    let status = || post(at, "/v1/chat/completions", &chat()).status;
    let time = || server.stats(0)["t_s"].as_f64().expect("a time");
    assert_eq!(status(), 500);
    let start = Instant::now();
    while time() < 500.0 {
        assert!(start.elapsed() < Duration::from_secs(20));
        std::thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(status(), 200);
    assert_eq!(send(at, "POST", "/reset", "", "").status, 200);
    assert_eq!(status(), 200, "the counts alone are reset");
    assert_eq!(send(at, "POST", "/reset?clock", "", "").status, 200);
    assert_eq!(status(), 500);
    assert_eq!(server.count(0, "attempts"), 1);
}

#[test]
fn the_same_seed_gives_the_same_sizes() {
    let sizes = |seed: &str| {
        let tokens = "[load]\ntokens = { output = { p50 = 180, p99 = 900 } }\n";
        let text = scenario(&[QUICK]).replace("[load]\n", tokens);
        let server = Server::start(&text, &["--seed", seed]);
        let at = server.addresses[0];
        let one = |_| {
            // What is no attempt draws nothing.
            assert_eq!(get(at, "/stats").status, 200);
            post(at, "/v1/chat/completions", &chat()).json()["usage"]["completion_tokens"].as_u64()
        };
        let five = || (0..5).map(one).collect::<Option<Vec<_>>>().expect("usage");
        let first = five();
        assert_ne!(five(), first);
        assert_eq!(send(at, "POST", "/reset?clock", "", "").status, 200);
        assert_eq!(five(), first, "scenario time begins anew, and so do the draws");
        first
    };
    assert_eq!(sizes("1"), sizes("1"));
    assert_ne!(sizes("1"), sizes("2"));
}

#[test]
fn provider_k_listens_k_ports_further() {
    let first = (0..100).find_map(|_| {
        let one = TcpListener::bind("127.0.0.1:0").ok()?.local_addr().ok()?.port();
        (one < 60_000 && TcpListener::bind(("127.0.0.1", one + 1)).is_ok()).then_some(one)
    });
    let first = first.expect("two free ports in a row");
    let server = Server::start(&scenario(&[QUICK, "name = \"beta\"\nlatency = \"1ms\""]), &["--port", &first.to_string()]);
    assert_eq!(server.addresses.iter().map(|at| at.port()).collect::<Vec<_>>(), [first, first + 1]);
    let models = get(server.addresses[1], "/v1/models").json();
    assert_eq!(models["data"][0]["id"], "beta");
}

#[test]
fn what_cannot_be_served_is_one_clear_error() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = taken.local_addr().expect("an address").port().to_string();
    for (arguments, says) in [
        (vec!["--port", port.as_str()], "cannot listen on 127.0.0.1:"),
        (vec!["--port", "65535"], "--port 65535: the last of 2 providers would listen on port 65536; the highest possible is 65534"),
        (vec!["--bind", "here"], "--bind"),
        (vec!["--time-scale", "0"], "0.01 to 1000"),
        (vec!["--print", "apache"], "apache"),
    ] {
        let (mut program, _folder) = command(&scenario(&[QUICK, "name = \"beta\"\nlatency = \"1ms\""]), &arguments);
        let output = program.output().expect("it runs");
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?} {stderr}");
        assert!(stderr.contains(says), "{arguments:?} {stderr}");
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn listening_beyond_loopback_is_said() {
    let (mut program, _folder) = command(&scenario(&[QUICK]), &["--bind", "0.0.0.0", "-q"]);
    let mut child = program.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
    let mut first = [0; 8];
    child.stdout.as_mut().expect("piped").read_exact(&mut first).expect("a table");
    child.kill().expect("a child");
    let output = child.wait_with_output().expect("it ends");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("everyone who reaches this machine can use the mocks"), "{stderr}");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.contains("http://127.0.0.1:"), "{stdout}");
}

//! Through someone else's gateway: both sides are seen, and nothing that it does is lost or hangs.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use lbsim::drive::real::Target;
use lbsim::drive::real::target::endpoint;
use lbsim::drive::{Plan, RealTime};
use lbsim::engine::Config;
use lbsim::report::{RealRun, Run};

use crate::agreement::report;
use crate::gateway::{Gateway, Habit, free_ports, hostile, write_forever};

/// The scenario sent to `url`, with its mocks at `port` and behind.
fn through(text: &str, url: &str, port: u16) -> Run {
    let loaded = lbsim::scenario::parse("test.toml", text, &lbsim::scenario::Overrides::default()).expect("a valid scenario");
    let target = Target { url: url.to_owned(), name: None, endpoint: endpoint(url).expect("an address"), model: None, headers: Vec::new() };
    report(&Plan { real: Some(RealTime { time_scale: 1.0, port, target: Some(target) }), ..loaded.scenario.plan })
}

fn real(run: &Run) -> &RealRun {
    run.real.as_ref().expect("it was a run in real time")
}

/// Attempts that came without a label of the run.
fn unlabelled(run: &Run) -> u64 {
    real(run).target.as_ref().map_or(0, |target| target.unlabelled)
}

/// How often each answer came, as text.
fn answers(run: &Run) -> String {
    real(run).answers.iter().map(|(answer, times)| format!("{times} {answer}")).collect::<Vec<_>>().join(", ")
}

const THREE: &str = r#"
schema = 1
name = "three"
seed = 3
[load]
arrival = "constant"
rate = "60/s"
duration = "2s"
[balancer]
strategy = "round-robin"
timeout = "20s"
[[provider]]
name = "alpha"
latency = { p50 = "20ms", p99 = "60ms" }
error_rate = "30%"
[[provider]]
name = "beta"
latency = "10ms"
[[provider]]
name = "gamma"
ttft = "5ms"
itl = "100us"
"#;

#[test]
fn a_gateway_is_seen_from_both_sides() {
    // 120 requests in turns over three providers, by a gateway that passes no header on: 40 attempts each, every one known by
    // the label in its prompt.
    let port = free_ports(3);
    let gateway = Gateway::start(vec![port, port + 1, port + 2], Habit::Forward);
    let run = through(THREE, &gateway.url, port);
    let attempts: Vec<u64> = run.providers.iter().map(|provider| provider.attempts).collect();
    assert_eq!(attempts, [40, 40, 40]);
    let target = real(&run).target.as_ref().expect("a target");
    assert_eq!((target.unlabelled, target.direct_ms.count > 0), (0, true));
    assert_eq!((run.requests.offered, run.attempts.retries), (120, 0));
    assert!(run.requests.failed > 0);
    assert_eq!(run.requests.failed, run.providers[0].errors);
    assert_eq!(answers(&run), format!("{} 200, {} 500", run.requests.succeeded, run.requests.failed));
    assert_eq!(real(&run).overhead_ms.count, run.requests.succeeded);
    // A client cannot have its answer before the provider has sent it.
    assert!(real(&run).overhead_ms.min > Some(0.0));
}

#[test]
fn draws_are_those_of_the_virtual_clock() {
    // With one provider every request goes there, in whatever order: the same of them meet an error.
    let alone = THREE.split("[[provider]]").take(2).collect::<Vec<_>>().join("[[provider]]");
    let port = free_ports(1);
    let gateway = Gateway::start(vec![port], Habit::Forward);
    let run = through(&alone, &gateway.url, port);
    let loaded = lbsim::scenario::parse("test.toml", &alone, &lbsim::scenario::Overrides::default()).expect("a valid scenario");
    let ours = report(&Plan { engine: Config { outlier_detection: None, ..loaded.scenario.plan.engine.clone() }, ..loaded.scenario.plan });
    assert!(ours.requests.failed > 0);
    assert_eq!((run.requests, run.attempts), (ours.requests, ours.attempts));
}

#[test]
fn retries_of_a_gateway_are_attempts_of_the_same_request() {
    // It tries once more on a 5xx, at the next provider: every error of alpha gives one more attempt. Beta and gamma never
    // fail; where others came in between, the next one is alpha again, and the request may fail.
    let port = free_ports(3);
    let gateway = Gateway::start(vec![port, port + 1, port + 2], Habit::Retry);
    let run = through(THREE, &gateway.url, port);
    assert!(run.attempts.errors > 0);
    assert_eq!(run.attempts.total, run.requests.offered + run.attempts.retries);
    assert_eq!(run.attempts.retries, run.attempts.errors - run.requests.failed);
    // Those that one attempt answered.
    assert_eq!(real(&run).overhead_ms.count, run.requests.offered - run.attempts.retries);
}

/// All clients lose patience in the middle of an answer of 400 ms.
const IMPATIENT: &str = r#"
schema = 1
name = "impatient"
[load]
arrival = "constant"
rate = "20/s"
duration = "1s"
class = [{ name = "impatient", share = 1.0, cancel = 1.0 }]
[balancer]
strategy = "round-robin"
timeout = "20s"
[[provider]]
name = "alpha"
latency = "400ms"
"#;

#[test]
fn clients_go_away_in_the_middle_of_an_answer() {
    // As under the virtual clock, and the gateway is seen to hang up on the provider.
    let port = free_ports(1);
    let gateway = Gateway::start(vec![port], Habit::Forward);
    let run = through(IMPATIENT, &gateway.url, port);
    assert_eq!((run.requests.offered, run.requests.unfinished, run.requests.cancelled), (20, 20, 20));
    assert_eq!((run.attempts.total, run.attempts.errors, run.attempts.timeouts), (20, 0, 0));
    assert_eq!(run.providers[0].succeeded, 0);
}

#[test]
fn a_class_with_a_time_limit_of_its_own_waits_as_long_as_its_attempts_may_take() {
    let port = free_ports(1);
    let gateway = Gateway::start(vec![port], Habit::Forward);
    let run = through(&IMPATIENT.replace("cancel = 1.0", "timeout = '100ms'"), &gateway.url, port);
    assert_eq!((run.requests.failed, answers(&run).as_str()), (20, "20 timed-out"));
    assert_eq!(run.attempts.timeouts, 20);
}

#[test]
fn what_is_left_of_an_earlier_run_is_not_taken_for_this_one() {
    // The gateway forgets to hang up: when the clients of the first run are gone, it still works for them. Its requests have the
    // same numbers as those of the second run, over the same mocks' ports.
    let port = free_ports(1);
    let gateway = Gateway::start(vec![port], Habit::Linger);
    let text = IMPATIENT.replace("cancel = 1.0", "timeout = '100ms'");
    let first = through(&text, &gateway.url, port);
    assert_eq!((first.requests.failed, unlabelled(&first)), (20, 0));
    let second = through(&IMPATIENT.replace("cancel = 1.0", "timeout = '5s'"), &gateway.url, port);
    assert_eq!(second.requests.succeeded, 20);
    // Each of this run's was tried once; the others are told apart.
    assert_eq!(second.attempts.retries, 0);
    assert_eq!(second.attempts.total, 20 + unlabelled(&second));
    assert!(unlabelled(&second) > 0, "something was left of the first run");
}

#[test]
fn what_a_gateway_refuses_itself_is_shed() {
    let port = free_ports(3);
    let gateway = Gateway::start(vec![port + 1], Habit::RefuseHalf);
    let run = through(THREE, &gateway.url, port);
    assert_eq!((run.requests.succeeded, run.requests.shed, run.requests.failed), (60, 60, 0));
    assert_eq!(run.attempts.total, 60);
    assert_eq!(answers(&run), "60 200, 60 429");
}

#[test]
fn a_gateway_that_changes_prompts_is_said_to() {
    let port = free_ports(3);
    let gateway = Gateway::start(vec![port, port + 1, port + 2], Habit::Rewrite);
    let run = through(THREE, &gateway.url, port);
    assert_eq!(real(&run).target.as_ref().map(|target| target.unlabelled), Some(120));
    assert_eq!(run.attempts.total, 120, "they are counted all the same");
}

/// Ten requests, each with half a second of patience.
const TEN: &str = r#"
schema = 1
name = "ten"
[load]
arrival = "constant"
rate = "20/s"
duration = "500ms"
[balancer]
strategy = "round-robin"
timeout = "500ms"
[[provider]]
name = "alpha"
ttft = "5ms"
itl = "1ms"
"#;

/// Ten requests to a server: none succeeds, and each is accounted for by `want`.
#[track_caller]
fn meets(behave: impl Fn(&mut std::net::TcpStream) + Send + Sync + 'static, want: &str) {
    let at = hostile(behave);
    let run = through(TEN, &format!("http://{at}"), 0);
    assert_eq!((run.requests.offered, run.requests.failed, run.attempts.total), (10, 10, 0));
    assert_eq!(answers(&run), want);
}

#[test]
fn nobody_listens() {
    let at = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a port that was free");
    let run = through(TEN, &format!("http://{at}"), 0);
    assert_eq!((run.requests.failed, answers(&run).as_str()), (10, "10 no-connection"));
}

#[test]
fn silence_ends_at_the_time_limit() {
    meets(|_| std::thread::sleep(Duration::from_secs(30)), "10 timed-out");
}

#[test]
fn a_connection_that_closes_early_is_cut_off() {
    meets(|_| (), "10 cut-off");
    meets(|socket| drop(socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"choices\":")), "10 cut-off");
    // A stream that ends without a finish reason is no answer, whatever well-known clients make of it.
    let stream = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n";
    meets(move |socket| drop(socket.write_all(stream)), "10 cut-off");
}

#[test]
fn garbage_is_told_apart() {
    meets(|socket| drop(socket.write_all(b"\x16\x03\x01 what is this\r\n\r\n")), "10 garbage");
    meets(|socket| drop(socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello")), "10 garbage");
    meets(|socket| drop(socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")), "10 garbage");
    let events = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: {{{{\n\n";
    meets(move |socket| drop(socket.write_all(events)), "10 garbage");
}

#[test]
fn what_is_too_large_is_not_kept() {
    // A head of more than a megabyte, a body of 100 MiB, a line without end in a stream.
    meets(
        |socket| {
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\n");
            (0..1_200).for_each(|i| drop(socket.write_all(format!("x-{i}: {}\r\n", "y".repeat(1_000)).as_bytes())));
            let _ = socket.read(&mut [0; 1]);
        },
        "10 too-large",
    );
    meets(
        |socket| {
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 104857600\r\n\r\n");
            let piece = vec![b' '; 1 << 20];
            (0..100).all(|_| socket.write_all(&piece).is_ok());
        },
        "10 too-large",
    );
    meets(
        |socket| {
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\ndata: ");
            write_forever(socket, &[b'x'; 1 << 16]);
        },
        "10 too-large",
    );
}

#[test]
fn a_stream_without_end_is_left_at_the_time_limit() {
    meets(
        |socket| {
            let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n");
            write_forever(socket, b"data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n");
        },
        "10 timed-out",
    );
}

#[test]
fn an_error_is_counted_by_its_status_whatever_its_body() {
    meets(
        |socket| {
            let _ = socket.write_all(b"HTTP/1.1 502 Bad Gateway\r\nconnection: close\r\n\r\n<html>");
            write_forever(socket, &[b'x'; 1 << 16]);
        },
        "10 502",
    );
}

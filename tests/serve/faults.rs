//! Connections that are refused, and clients that mean no good.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::{PATIENCE, Server, connect, get, parse, post, raw, scenario, send};

const QUICK: &str = "name = \"alpha\"\nlatency = \"1ms\"";

fn chat() -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": "hello"}]})
}

/// Waits until something is so.
fn until(what: &str, mut is: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is() {
        assert!(start.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn refused(at: SocketAddr) -> bool {
    matches!(TcpStream::connect(at), Err(problem) if problem.kind() == ErrorKind::ConnectionRefused)
}

#[test]
fn a_provider_that_refuses_connections_does_not_listen() {
    // At 20 times the speed alpha refuses connections from 3 s to 7 s. A call that takes 3.5 s is under way when that begins
    // and goes on to its end; a connection on which nothing is under way is reset; then the port is open again.
    let providers = ["name = \"alpha\"\nlatency = \"70s\"", "name = \"beta\"\nlatency = \"1ms\""];
    let text =
        scenario(&providers) + "[[event]]\nprovider = \"alpha\"\nat = \"60s\"\nuntil = \"140s\"\nset = { refuse_connections = true }\n";
    let server = Server::start(&text, &["--time-scale", "20"]);
    let [alpha, beta] = server.addresses[..] else { panic!("two providers") };
    let under_way = std::thread::spawn(move || post(alpha, "/v1/chat/completions", &chat()).status);
    let mut idle = connect(alpha);
    idle.write_all(b"GET /stats HTTP/1.1\r\nhost: x\r\n\r\n").expect("sent");
    let mut begun = [0; 512];
    assert!(idle.read(&mut begun).expect("an answer") > 0);
    assert!(!refused(alpha));
    until("it refuses connections", || refused(alpha));
    // The answer may have come in several pieces.
    let reset = loop {
        match idle.read(&mut begun) {
            Ok(0) => panic!("closed, not reset"),
            Ok(_) => {}
            Err(problem) => break problem.kind(),
        }
    };
    assert_eq!(reset, ErrorKind::ConnectionReset);
    assert_eq!(post(beta, "/v1/chat/completions", &chat()).status, 200, "the other one is not concerned");
    assert_eq!(under_way.join().expect("a thread"), 200);
    until("it listens again", || !refused(alpha));
    assert_eq!(get(alpha, "/v1/models").status, 200);
    assert_eq!((server.count(0, "attempts"), server.count(0, "succeeded"), server.count(0, "refused")), (1, 1, 0));
    // Scenario time starts over: so does the event.
    assert_eq!(send(alpha, "POST", "/reset?clock", "", "").status, 200);
    until("it refuses connections again", || refused(alpha));
    assert_eq!(server.complaints(), "");
}

#[test]
fn what_is_no_http_gets_no_more_than_an_error() {
    let server = Server::start(&scenario(&[QUICK]), &[]);
    let at = server.addresses[0];
    let zeros = [0; 4_096];
    for garbage in [&b"\r\n\r\n"[..], b"hello\r\n\r\n", b"GET\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", &zeros, b"GET / HTTP/9.9\r\n\r\n"] {
        let mut socket = connect(at);
        socket.write_all(garbage).expect("sent");
        socket.shutdown(std::net::Shutdown::Write).expect("half closed");
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        assert!(answer.is_empty() || parse(&answer).status == 400, "{:?}", String::from_utf8_lossy(&answer));
    }
    // A head of a megabyte, and half a request whose client goes away.
    let head = format!("GET /stats HTTP/1.1\r\nx-long: {}\r\n\r\n", "x".repeat(1 << 20));
    let answer = raw(at, head.as_bytes());
    assert!(answer.is_empty() || parse(&answer).status == 431);
    drop({
        let mut socket = connect(at);
        socket.write_all(b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{\"mod").expect("sent");
        socket
    });
    for body in ["", "[]", "null", "{\"messages\": 7, \"stream\": \"yes\"}", "{\"max_tokens\": -1}", "\u{0}"] {
        assert_eq!(send(at, "POST", "/v1/chat/completions", "", body).status, 400, "{body}");
    }
    assert_eq!(post(at, "/v1/chat/completions", &chat()).status, 200, "it still works");
    assert_eq!(server.count(0, "attempts"), 1, "nothing else was an attempt");
    assert_eq!(server.complaints(), "");
}

#[test]
fn a_body_of_any_size_takes_a_bounded_part_of_the_memory() {
    // 100 MiB, with its size told and in chunks: it is refused beyond 16 MiB.
    let server = Server::start(&scenario(&[QUICK]), &[]);
    let at = server.addresses[0];
    let piece = vec![b'x'; 1 << 20];
    for chunked in [false, true] {
        let mut socket = connect(at);
        let size = if chunked { "transfer-encoding: chunked".to_owned() } else { format!("content-length: {}", 100 << 20) };
        write!(socket, "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n{size}\r\n\r\n").expect("sent");
        let mut send = |piece: &[u8]| {
            if chunked {
                write!(socket, "{:x}\r\n", piece.len())?;
            }
            socket.write_all(piece)?;
            if chunked { socket.write_all(b"\r\n") } else { Ok(()) }
        };
        let sent = (0..100).take_while(|_| send(&piece).is_ok()).count();
        let mut answer = Vec::new();
        let _ = socket.read_to_end(&mut answer);
        // It has had enough long before the end, and its answer may be lost with the connection.
        assert!(sent < 100, "all of it was taken");
        assert!(answer.is_empty() || parse(&answer).status == 413, "{:?}", String::from_utf8_lossy(&answer));
    }
    // The limit twice, for a buffer that grows, and 64 MiB for everything else.
    assert!(server.memory_peak_kib() < (2 * 16 + 64) << 10, "{} KiB", server.memory_peak_kib());
    assert_eq!(post(at, "/v1/chat/completions", &chat()).status, 200);
    assert_eq!(server.complaints(), "");
}

#[test]
fn who_is_slow_is_closed_and_holds_up_nobody() {
    // A hundred heads and a hundred bodies that never end.
    let server = Server::start(&scenario(&[QUICK]), &[]);
    let at = server.addresses[0];
    let begun = |text: &str| {
        let mut socket = connect(at);
        socket.write_all(text.as_bytes()).expect("sent");
        socket
    };
    let head = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n";
    let mut slow: Vec<TcpStream> = (0..100).map(|_| begun(head)).collect();
    slow.extend((0..100).map(|_| begun(&format!("{head}content-length: 100\r\n\r\n{{"))));
    assert_eq!(post(at, "/v1/chat/completions", &chat()).status, 200);
    // Each has 10 s; a read that takes longer than the patience of these tests fails.
    for mut socket in slow {
        let mut answer = Vec::new();
        let ended = socket.read_to_end(&mut answer);
        assert!(!matches!(&ended, Err(problem) if matches!(problem.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)), "{ended:?}");
        assert!(answer.is_empty() || parse(&answer).status == 408, "{:?}", String::from_utf8_lossy(&answer));
    }
    assert_eq!((server.count(0, "attempts"), server.complaints()), (1, String::new()));
}

#[test]
fn ten_thousand_connections_leave_nothing_behind() {
    let server = Server::start(&scenario(&[QUICK]), &[]);
    let at = server.addresses[0];
    let request = b"GET /stats HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    (0..1_000).for_each(|_| assert_eq!(parse(&raw(at, request)).status, 200));
    let before = server.memory_kib();
    for number in 0..9_000 {
        match number % 3 {
            0 => assert_eq!(parse(&raw(at, request)).status, 200),
            1 => drop(connect(at)),
            _ => drop(connect(at).write_all(&request[..20])),
        }
    }
    // 9,000 connections that each left 1 KiB behind would be 9 MiB; an allocator's slack is less than 4.
    let grown = server.memory_kib().saturating_sub(before);
    assert!(grown < 4 << 10, "{grown} KiB more");
    assert_eq!(server.complaints(), "");
}

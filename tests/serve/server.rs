//! A running `lbsim serve`, and a small HTTP client that does exactly what it is told.

// Two test programs use it, neither all of it.
#![allow(dead_code)]

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// Nothing in these tests takes longer, on a busy machine too.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// Where stderr goes.
const STDERR: &str = "stderr";

/// A server; dropping it ends it.
pub struct Server {
    child: Child,
    /// By provider.
    pub addresses: Vec<SocketAddr>,
    folder: TempDir,
}

/// A scenario of providers alone, each a `[[provider]]` table without its header.
pub fn scenario(providers: &[&str]) -> String {
    let head =
        "schema = 1\nname = \"served\"\nseed = 1\n[load]\nrate = \"1/s\"\nduration = \"10m\"\n[balancer]\nstrategy = \"round-robin\"\n";
    providers.iter().fold(head.to_owned(), |text, provider| text + "[[provider]]\n" + provider + "\n")
}

/// The program in a folder with `text` as `s.toml`.
pub fn command(text: &str, arguments: &[&str]) -> (Command, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("s.toml"), text).expect("a file");
    let mut command = Command::new(env!("CARGO_BIN_EXE_lbsim"));
    command.current_dir(folder.path()).args(["serve", "s.toml"]).args(arguments);
    (command, folder)
}

impl Server {
    pub fn start(text: &str, arguments: &[&str]) -> Server {
        let (mut command, folder) = command(text, arguments);
        let complaints = File::create(folder.path().join(STDERR)).expect("a file");
        let mut child = command.args(["--print", "json"]).stdout(Stdio::piped()).stderr(complaints).spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let told: Value = serde_json::from_str(&line).unwrap_or_else(|_| panic!("JSON, not {line:?}"));
        let address = |one: &Value| format!("{}:{}", one["host"].as_str()?, one["port"]).parse().ok();
        let addresses = told["providers"].as_array().expect("providers").iter().map(|one| address(one).expect("an address")).collect();
        Server { child, addresses, folder }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status();
        assert!(status.expect("kill").success());
    }

    /// The exit code, once it has ended.
    pub fn wait(&mut self) -> Option<i32> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().expect("a child") {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("it does not end");
    }

    /// All that it wrote to stderr: warnings, and panics of its threads.
    pub fn complaints(&self) -> String {
        std::fs::read_to_string(self.folder.path().join(STDERR)).expect("a file")
    }

    /// Its memory, in KiB.
    pub fn memory_kib(&self) -> u64 {
        self.memory("VmRSS:")
    }

    /// The most that it ever was.
    pub fn memory_peak_kib(&self) -> u64 {
        self.memory("VmHWM:")
    }

    fn memory(&self, field: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("the field");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// What provider `index` has counted.
    pub fn stats(&self, index: usize) -> Value {
        get(self.addresses[index], "/stats").json()
    }

    /// One count.
    pub fn count(&self, index: usize, what: &str) -> u64 {
        self.stats(index)["stats"][what].as_u64().unwrap_or_else(|| panic!("a count of {what}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("JSON, not {:?}", self.body))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

pub fn connect(at: SocketAddr) -> TcpStream {
    let socket = TcpStream::connect(at).expect("it listens");
    socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    socket
}

/// Sends bytes on a connection of their own; reads until the other side closes it.
pub fn raw(at: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut socket = connect(at);
    // It may have had enough before the end.
    let _ = socket.write_all(request);
    let mut answer = Vec::new();
    let _ = socket.read_to_end(&mut answer);
    answer
}

pub fn send(at: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> Answer {
    let length = body.len();
    let request = format!("{method} {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}");
    parse(&raw(at, request.as_bytes()))
}

pub fn get(at: SocketAddr, path: &str) -> Answer {
    send(at, "GET", path, "", "")
}

pub fn post(at: SocketAddr, path: &str, body: &Value) -> Answer {
    send(at, "POST", path, "content-type: application/json\r\n", &body.to_string())
}

/// An answer; chunks are put together.
pub fn parse(bytes: &[u8]) -> Answer {
    let text = String::from_utf8_lossy(bytes);
    let (head, rest) = text.split_once("\r\n\r\n").unwrap_or_else(|| panic!("an answer, not {text:?}"));
    let mut lines = head.lines();
    let status = lines.next().and_then(|line| line.split(' ').nth(1)?.parse().ok()).expect("a status");
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    let headers: Vec<_> = lines.filter_map(header).collect();
    let chunked = headers.iter().any(|(name, value)| name == "transfer-encoding" && value == "chunked");
    Answer { status, body: if chunked { unchunked(rest) } else { rest.to_owned() }, headers }
}

fn unchunked(mut rest: &str) -> String {
    let mut body = String::new();
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).expect("a size");
        body += &after[..size];
        rest = after[size..].trim_start_matches("\r\n");
    }
    body
}

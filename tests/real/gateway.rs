//! Gateways to test against: a small honest one, and servers that behave badly.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::runtime::Runtime;

/// What a gateway does with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Habit {
    /// Sends it to the next provider.
    Forward,
    /// The same, and to the next one again when that answers with a 5xx.
    Retry,
    /// Sends every second one, and refuses the others itself.
    RefuseHalf,
    /// Sends another prompt.
    Rewrite,
    /// Sends it 300 ms late and until it is answered, whether its client still waits or not, and however often that fails.
    Linger,
}

/// A running gateway in front of providers at these ports of loopback. It passes no header of its clients on.
pub struct Gateway {
    pub url: String,
    _runtime: Runtime,
}

impl Gateway {
    pub fn start(ports: Vec<u16>, habit: Habit) -> Gateway {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("threads");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let turn = Arc::new(AtomicUsize::new(0));
        runtime.spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (ports, turn) = (ports.clone(), Arc::clone(&turn));
                let service = service_fn(move |request| {
                    let (ports, turn) = (ports.clone(), Arc::clone(&turn));
                    async move { Ok::<_, Infallible>(serve(request, &ports, &turn, habit).await) }
                });
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service));
            }
        });
        Gateway { url, _runtime: runtime }
    }
}

async fn serve(request: Request<Incoming>, ports: &[u16], turn: &AtomicUsize, habit: Habit) -> Response<Full<Bytes>> {
    let path = request.uri().path().to_owned();
    let Ok(body) = request.into_body().collect().await.map(http_body_util::Collected::to_bytes) else { return status(400) };
    let body = match habit {
        Habit::Rewrite => Bytes::from_static(br#"{"model":"m","messages":[{"role":"user","content":"be brief"}]}"#),
        _ => body,
    };
    let number = turn.fetch_add(1, Relaxed);
    if habit == Habit::RefuseHalf && number % 2 == 1 {
        return status(429);
    }
    if habit == Habit::Linger {
        return linger(path, body, ports[0]).await;
    }
    let mut answer = forward(&path, &body, ports[number % ports.len()]).await;
    if habit == Habit::Retry && answer.status().is_server_error() {
        let number = turn.fetch_add(1, Relaxed);
        answer = forward(&path, &body, ports[number % ports.len()]).await;
    }
    answer
}

/// See [`Habit::Linger`]: for ten seconds at most.
async fn linger(path: String, body: Bytes, port: u16) -> Response<Full<Bytes>> {
    let work = async move {
        for _ in 0..30 {
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            let answer = forward(&path, &body, port).await;
            if answer.status().is_success() {
                return answer;
            }
        }
        status(502)
    };
    // A task of its own is not dropped with the connection.
    tokio::spawn(work).await.unwrap_or_else(|_| status(500))
}

/// One attempt; the answer in one piece, even if it came as a stream.
async fn forward(path: &str, body: &Bytes, port: u16) -> Response<Full<Bytes>> {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let request = Request::post(format!("http://127.0.0.1:{port}{path}")).body(Full::new(body.clone())).expect("a request");
    let Ok(answer) = client.request(request).await else { return status(502) };
    let (head, body) = answer.into_parts();
    let Ok(body) = body.collect().await else { return status(502) };
    let mut response = Response::new(Full::new(body.to_bytes()));
    *response.status_mut() = head.status;
    if let Some(kind) = head.headers.get("content-type") {
        response.headers_mut().insert("content-type", kind.clone());
    }
    response
}

fn status(status: u16) -> Response<Full<Bytes>> {
    Response::builder().status(status).body(Full::default()).expect("a status")
}

/// So many free ports in a row, at most seven, which no other test is given, of this process or another. They lie below those
/// that the system gives to outgoing connections. Each row is held by a listener at the port before it until the process ends.
pub fn free_ports(count: u16) -> u16 {
    const ROW: u16 = 8;
    const ROWS: u16 = 1_500;
    static HELD: Mutex<Vec<TcpListener>> = Mutex::new(Vec::new());
    assert!(count < ROW, "a row has no more");
    let bind = |port| TcpListener::bind(("127.0.0.1", port));
    for row in 0..ROWS {
        let start = 20_000 + (std::process::id() as u16 % ROWS + row) % ROWS * ROW;
        let Ok(guard) = bind(start) else { continue };
        if (1..=count).all(|port| bind(start + port).is_ok()) {
            HELD.lock().expect("no test panics in here").push(guard);
            return start + 1;
        }
    }
    panic!("no {count} free ports in a row");
}

/// A server that does to each connection what `behave` says, once the head of a request is in.
pub fn hostile(behave: impl Fn(&mut TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let at = listener.local_addr().expect("an address");
    let behave = Arc::new(behave);
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let behave = Arc::clone(&behave);
            std::thread::spawn(move || {
                let mut head = [0; 4_096];
                let _ = socket.read(&mut head);
                behave(&mut socket);
            });
        }
    });
    at
}

/// Writes until the other side has had enough.
pub fn write_forever(socket: &mut TcpStream, piece: &[u8]) {
    while socket.write_all(piece).is_ok() {}
}

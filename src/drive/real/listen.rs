//! Listeners: one for each mock provider, and the connections of each.
//!
//! What a hostile client can take is bounded: a head has its time and a body its size and its time, and a connection that
//! breaks the protocol is closed.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::{Frame, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use super::door::Door;
use super::reply::Body;
use super::server::Shop;
use crate::drive::plan::Plan;

/// A client has so long for the head of its request.
const HEAD_TIME: Duration = Duration::from_secs(10);
/// Connections that wait to be accepted.
const BACKLOG: u32 = 1_024;
/// Before something that failed is tried again.
const AGAIN: Duration = Duration::from_millis(10);

/// No address to listen on.
#[derive(Debug, Error)]
#[error("cannot listen on {address} for the mock of `{provider}`: {source}")]
pub struct ListenError {
    /// Name of the provider.
    pub provider: String,
    /// Where.
    pub address: SocketAddr,
    /// Why not.
    pub source: io::Error,
}

/// Where the mocks listen: `ip`, and port + position; port 0: any free ones.
#[derive(Clone, Copy, Debug)]
pub struct Listen {
    /// Loopback unless someone wants otherwise.
    pub ip: IpAddr,
    /// Of the first provider.
    pub port: u16,
    /// Nobody but our driver is to come: see `ahead`.
    pub driver: bool,
}

/// Takes the ports of all providers of a plan, in file order; nobody answers there yet.
///
/// # Errors
/// [`ListenError`] for the first port that is not free.
pub async fn bind(plan: &Plan, listen: Listen) -> Result<Vec<(TcpListener, SocketAddr)>, ListenError> {
    let mut bound = Vec::new();
    for (position, spec) in plan.providers.iter().enumerate() {
        let port = if listen.port == 0 { 0 } else { listen.port.saturating_add(position as u16) };
        let address = SocketAddr::new(listen.ip, port);
        let failed = |source| ListenError { provider: spec.name.clone(), address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        bound.push((listener, address));
    }
    Ok(bound)
}

/// Serves whoever comes, while the door is open.
pub async fn accept(mut listener: TcpListener, address: SocketAddr, shop: Arc<Shop>, mut door: Door) {
    loop {
        tokio::select! {
            biased;
            () = door.shut() => {
                drop(listener);
                listener = reopened(address, &mut door).await;
            }
            accepted = listener.accept() => match accepted {
                Ok((socket, _)) => {
                    tokio::spawn(converse(socket, Arc::clone(&shop), door.clone()));
                }
                // Out of file descriptors, as a rule: some will come back.
                Err(_) => tokio::time::sleep(AGAIN).await,
            },
        }
    }
}

/// Listens at the same address once the door is open. Until then the port is kept by a socket that does not listen, so that
/// nobody else gets it.
async fn reopened(address: SocketAddr, door: &mut Door) -> TcpListener {
    let mut kept = keep(address).ok();
    door.open().await;
    loop {
        let socket = match kept.take() {
            Some(socket) => Ok(socket),
            None => keep(address),
        };
        match socket.and_then(|socket| socket.listen(BACKLOG)) {
            Ok(listener) => return listener,
            // Someone was quicker.
            Err(_) => tokio::time::sleep(AGAIN).await,
        }
    }
}

fn keep(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    // As listeners do: what is left of old connections keeps nobody out.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}

async fn converse(socket: TcpStream, shop: Arc<Shop>, mut door: Door) {
    // Small answers in time matter more than full packets.
    let _ = socket.set_nodelay(true);
    let busy = Arc::new(());
    let token = Arc::clone(&busy);
    let service = service_fn(move |request| {
        let (shop, token) = (Arc::clone(&shop), Arc::clone(&token));
        async move { shop.serve(request).await.map(|response| response.map(|body| Held { body, _busy: token })) }
    });
    let mut connection =
        http1::Builder::new().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).serve_connection(TokioIo::new(socket), service);
    tokio::select! {
        // However it ended: the client is gone, broke the protocol, or was refused.
        _ = &mut connection => return,
        () = door.shut() => {}
    }
    if Arc::strong_count(&busy) == IDLE {
        // Closing it resets it then.
        let _ = connection.into_parts().io.into_inner().set_zero_linger();
    } else {
        Pin::new(&mut connection).graceful_shutdown();
        let _ = connection.await;
    }
}

/// Holders of a connection's token when nothing is under way: the connection, and its service.
const IDLE: usize = 2;

/// A body that keeps its connection busy until it is out.
struct Held {
    body: Body,
    _busy: Arc<()>,
}

impl hyper::body::Body for Held {
    type Data = <Body as hyper::body::Body>::Data;
    type Error = <Body as hyper::body::Body>::Error;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

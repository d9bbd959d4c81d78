//! Listeners: one for each mock provider, and the connections of each.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};

use super::server::Shop;
use crate::drive::plan::Plan;

/// A client has so long for the head of its request.
const HEAD_TIME: Duration = Duration::from_secs(30);

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

/// Serves whoever comes.
pub async fn accept(listener: TcpListener, shop: Arc<Shop>) {
    loop {
        match listener.accept().await {
            Ok((socket, _)) => {
                tokio::spawn(converse(socket, Arc::clone(&shop)));
            }
            // Out of file descriptors, as a rule: some will come back.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

async fn converse(socket: TcpStream, shop: Arc<Shop>) {
    // Small answers in time matter more than full packets.
    let _ = socket.set_nodelay(true);
    let service = service_fn(move |request| {
        let shop = Arc::clone(&shop);
        async move { shop.serve(request).await }
    });
    let connection =
        http1::Builder::new().timer(TokioTimer::new()).header_read_timeout(HEAD_TIME).serve_connection(TokioIo::new(socket), service);
    // However it ended: the client is gone, broke the protocol, or was refused.
    let _ = connection.await;
}

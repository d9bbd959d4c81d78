//! Everything that runs when the mock providers of a plan are up: runtime, station, listeners.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::thread::available_parallelism;
use std::time::Duration;

use thiserror::Error;
use tokio::runtime::{Builder, Runtime};

use super::ahead::{Host, host, hosted};
use super::clock::Clock;
use super::listen::{Listen, ListenError, accept, bind};
use super::server::shops;
use super::sight::Watch;
use super::station::Station;
use crate::drive::plan::Plan;
use crate::engine::limit::LimitError;

/// Scenario time begins so long after everything has been started: an arrival at t = 0 is not late.
const DELAY: Duration = Duration::from_millis(30);
/// More threads for sockets than this bring nothing on loopback.
const WORKERS_MAX: usize = 4;

/// Why the mocks cannot be started.
#[derive(Debug, Error)]
pub enum MocksError {
    /// A port.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// Limits that contradict themselves.
    #[error(transparent)]
    Limits(#[from] LimitError),
    /// Threads.
    #[error("cannot start threads: {0}")]
    Threads(std::io::Error),
}

/// Running mock providers. Dropping it stops them.
#[derive(Debug)]
pub struct Mocks {
    /// In file order.
    pub addresses: Vec<SocketAddr>,
    /// Their time.
    pub clock: Clock,
    /// Behind the listeners.
    pub station: Station,
    runtime: Option<Runtime>,
    /// Those that wiremock hosts.
    _hosts: Vec<Host>,
}

impl Mocks {
    /// Starts them. `scale`: see [`Clock::start`].
    ///
    /// # Errors
    /// [`MocksError`].
    pub fn start(plan: &Plan, scale: f64, at: Listen, watch: Watch) -> Result<Mocks, MocksError> {
        let workers = available_parallelism().map_or(2, |cores| cores.get().min(WORKERS_MAX));
        let runtime = Builder::new_multi_thread().worker_threads(workers).enable_all().build().map_err(MocksError::Threads)?;
        let bound = runtime.block_on(bind(plan, at))?;
        let clock = Clock::start(DELAY, scale);
        let station = Station::start(plan, clock, watch)?;
        let addresses = bound.iter().map(|(_, address)| *address).collect();
        let mut ahead = hosted(plan).into_iter().map(|hosted| hosted && at.driver);
        let mut hosts = Vec::new();
        let shops = shops(plan, &station.inbox(), clock);
        for (((listener, address), shop), door) in bound.into_iter().zip(shops).zip(station.doors()) {
            if ahead.next() == Some(true) {
                let listener = listener.into_std().map_err(MocksError::Threads)?;
                hosts.push(runtime.block_on(host(listener, shop)));
            } else {
                runtime.spawn(accept(listener, address, shop, door.clone()));
            }
        }
        Ok(Mocks { addresses, clock, station, runtime: Some(runtime), _hosts: hosts })
    }

    /// Where the listeners run; clients may run there too.
    pub fn handle(&self) -> tokio::runtime::Handle {
        self.runtime.as_ref().map(|runtime| runtime.handle().clone()).expect("it is taken only on drop")
    }
}

impl Drop for Mocks {
    fn drop(&mut self) {
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

/// Free ports on loopback.
pub const LOOPBACK: Listen = Listen { ip: IpAddr::V4(Ipv4Addr::LOCALHOST), port: 0, driver: false };

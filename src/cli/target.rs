//! `--target`: someone else's gateway in place of our engine.

use std::net::{TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use clap::Args;
use hyper::Uri;
use hyper::header::{HeaderName, HeaderValue};

use super::exit::Failure;
use super::terminal::Terminal;
use crate::drive::real::Target;
use crate::drive::real::target::endpoint;
use crate::drive::{Plan, RealTime};

/// Where the first mock provider listens unless said.
const PORT: u16 = 9_100;
/// So long a gateway that does not listen yet is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// And so long one attempt to reach it.
const CONNECT: Duration = Duration::from_secs(1);

pub const HELP: &str = "\
A gateway under test must know where the mock providers are: provider k of
the file listens on 127.0.0.1, port 9100 + k (or --port + k). `lbsim serve SCENARIO --port N`
starts the same mocks by themselves, and --print writes a configuration for
well-known gateways. The prompt of each request begins with a label, by which
the mocks know which request it is; headers need not pass.";

/// Headers that are as the request is.
const OURS: [&str; 8] =
    ["connection", "content-length", "content-type", "expect", "host", "transfer-encoding", "upgrade", crate::drive::real::label::LABEL];

/// In the help of `run` and `compare`.
pub const HEADING: &str = "Behind a gateway";

/// How to reach a gateway, and where its providers are.
#[derive(Clone, Debug, Default, Args)]
pub struct GatewayFlags {
    #[arg(long, value_name = "N", requires = "target", help_heading = HEADING, value_parser = clap::value_parser!(u16).range(1..))]
    #[arg(help = "Port of the first mock provider, the others follow in file order\n[default: 9100]")]
    pub port: Option<u16>,
    /// Model to ask the gateway for [default: the class's, else `lbsim`]
    #[arg(long, value_name = "NAME", requires = "target", help_heading = HEADING)]
    pub model: Option<String>,
    #[arg(long, value_name = "VARIABLE", requires = "target", help_heading = HEADING)]
    #[arg(help = "Environment variable with the gateway's API key, sent as a bearer token")]
    pub api_key_env: Option<String>,
    /// Send this header too; repeatable
    #[arg(long, value_name = "NAME: VALUE", requires = "target", help_heading = HEADING)]
    pub header: Vec<String>,
}

impl GatewayFlags {
    /// Sends a plan through the gateway at `url`, which has a name beside others.
    ///
    /// # Errors
    /// A usage error for what cannot be used, e.g. an address that is none.
    pub fn apply(&self, plan: &mut Plan, url: &str, name: Option<&str>) -> Result<(), Failure> {
        let endpoint = endpoint(url).map_err(|error| Failure::usage(format!("--target: {error}")))?;
        let port = self.port.unwrap_or(PORT);
        let last = usize::from(port) + plan.providers.len() - 1;
        if last > usize::from(u16::MAX) {
            return Err(Failure::usage(format!(
                "--port {port}: the last of {} providers would listen on port {last}",
                plan.providers.len()
            )));
        }
        if endpoint.port_u16().is_some_and(|at| (usize::from(port)..=last).contains(&usize::from(at))) && is_local(&endpoint) {
            return Err(Failure::usage(format!("--target {url} is where a mock provider will listen (--port {port}): give another port")));
        }
        let name = name.map(str::to_owned);
        let target = Target { url: url.to_owned(), name, endpoint, model: self.model.clone(), headers: self.headers()? };
        let real = plan.real.take().unwrap_or_default();
        plan.real = Some(RealTime { port, target: Some(target), ..real });
        Ok(())
    }

    fn headers(&self) -> Result<Vec<(HeaderName, HeaderValue)>, Failure> {
        let mut headers = Vec::new();
        if let Some(variable) = &self.api_key_env {
            let key = std::env::var(variable).map_err(|_| Failure::usage(format!("--api-key-env: {variable} is not set")))?;
            let mut value = HeaderValue::try_from(format!("Bearer {key}"))
                .map_err(|_| Failure::usage(format!("--api-key-env: the value of {variable} cannot stand in a header")))?;
            value.set_sensitive(true);
            headers.push((hyper::header::AUTHORIZATION, value));
        }
        for text in &self.header {
            let wrong = || Failure::usage(format!("--header {text:?}: `Name: value` is needed, e.g. 'x-team: blue'"));
            let (name, value) = text.split_once(':').ok_or_else(wrong)?;
            let name = HeaderName::try_from(name.trim()).map_err(|_| wrong())?;
            if OURS.contains(&name.as_str()) {
                return Err(Failure::usage(format!("--header {name}: lbsim sets it itself for each request: leave it out")));
            }
            headers.push((name, HeaderValue::try_from(value.trim()).map_err(|_| wrong())?));
        }
        Ok(headers)
    }
}

/// What `compare --target` is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Contender {
    /// Our own engine, in real time.
    Ours,
    /// Someone's gateway.
    Gateway {
        /// Name of the variant.
        name: String,
        /// Its address.
        url: String,
    },
}

impl Contender {
    /// `ours`, `NAME=URL` or `URL`.
    pub fn parse(text: &str) -> Contender {
        match text.split_once('=') {
            _ if text == "ours" => Contender::Ours,
            Some((name, url)) if !name.is_empty() && !name.contains([':', '/']) => {
                Contender::Gateway { name: name.to_owned(), url: url.to_owned() }
            }
            _ => {
                let name = text.trim_start_matches("http://").trim_end_matches('/');
                Contender::Gateway { name: name.to_owned(), url: text.to_owned() }
            }
        }
    }

    /// Name of the variant.
    pub fn name(&self) -> &str {
        match self {
            Contender::Ours => "ours",
            Contender::Gateway { name, .. } => name,
        }
    }
}

fn is_local(uri: &Uri) -> bool {
    matches!(uri.host(), Some("127.0.0.1" | "localhost" | "[::1]" | "0.0.0.0"))
}

/// To any of the addresses of a host: `localhost` may have two, of which a gateway listens on one.
fn connect(host: &str, port: u16) -> std::io::Result<TcpStream> {
    let mut problem = std::io::Error::other("no such host");
    for address in (host, port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, CONNECT) {
            Ok(stream) => return Ok(stream),
            Err(error) => problem = error,
        }
    }
    Err(problem)
}

/// Waits until something listens there.
///
/// # Errors
/// Nothing does.
pub fn await_gateway(target: &Target, terminal: &Terminal) -> Result<(), Failure> {
    let uri = &target.endpoint;
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let start = Instant::now();
    let mut told = false;
    loop {
        match connect(host, uri.port_u16().unwrap_or(80)) {
            Ok(_) => return Ok(()),
            Err(problem) if start.elapsed() > PATIENCE => {
                return Err(Failure::usage(format!("nothing answers at {}: {problem}; start the gateway first", target.url)));
            }
            Err(_) => std::thread::sleep(Duration::from_millis(200)),
        }
        if !std::mem::replace(&mut told, true) {
            terminal.remark(&format!("waiting for {} …", target.url));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contenders_are_named_or_go_by_their_address() {
        let gateway = |name: &str, url: &str| Contender::Gateway { name: name.to_owned(), url: url.to_owned() };
        assert_eq!(Contender::parse("ours"), Contender::Ours);
        assert_eq!(Contender::parse("litellm=http://127.0.0.1:4000"), gateway("litellm", "http://127.0.0.1:4000"));
        assert_eq!(Contender::parse("http://127.0.0.1:4000/"), gateway("127.0.0.1:4000", "http://127.0.0.1:4000/"));
        // An equals sign within an address names nothing.
        assert_eq!(Contender::parse("http://x/?a=b"), gateway("x/?a=b", "http://x/?a=b"));
    }
}

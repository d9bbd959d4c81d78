//! `lbsim serve`: the mock providers of a scenario as HTTP servers, for any gateway or client.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser};

use super::exit::{Exit, Failure};
use super::load::{self, Ready};
use super::terminal::Terminal;
use super::{interrupt, run};
use crate::drive::Plan;
use crate::drive::real::listen::Listen;
use crate::drive::real::mocks::Mocks;
use crate::engine::ProviderConfig;
use crate::render::serve::{FORMS, Form, Served, Serving};
use crate::scenario::{Overrides, Scenario};
use crate::world::spec::ProviderSpec;

/// How soon Ctrl-C is noticed.
const LOOK: Duration = Duration::from_millis(50);

const HELP: &str = "\
Provider k of the file (from 0) listens on port N + k. What it answers:
  POST …/chat/completions  plain, or streamed with \"stream\": true; any model
                           name and any API key will do
  POST …/messages          the same as Anthropic has it, where that is the shape
  GET …/models             its models; fails as health probes do
  GET /stats               what it has counted, as JSON
  POST /reset              all providers count from zero again;
                           /reset?clock starts scenario time over, too: events,
                           limits and draws begin anew, and what is under way
                           ends without an answer
Errors, refusals, headers and request ids look as those of the provider's
profile do, or of its `shape`: openai (unless given), azure, azure-ptu,
anthropic, gemini, bedrock, mistral, cohere or openrouter. Rate-limit headers
are there where `visibility` is \"headers\".
Latency, quotas, errors and events are those of the scenario, whose time runs
from the start. Nothing of a body is sent before the first token is due. A
prompt counts a token for every 4 characters; output tokens are drawn as the
scenario says, and cut at max_tokens. A provider that refuses connections does not
listen: /stats and /reset of another one answer then.

  lbsim serve scenarios/weighted.toml --port 9000 --print litellm > config.yaml &
  curl -s http://127.0.0.1:9000/stats

Ctrl-C (or SIGTERM) is how it ends: exit code 0. 2: it could not start.";

/// Serve the mock providers over HTTP, for any gateway or client
#[derive(Debug, Args)]
#[command(after_help = HELP, after_long_help = HELP)]
pub struct Options {
    /// The scenario file (TOML)
    pub scenario: String,
    /// Port of the first provider; the others follow in file order [default: any free ports]
    #[arg(long, value_name = "N")]
    #[arg(help = "Port of the first provider; the others follow in file order\n[default: any free ports]")]
    pub port: Option<u16>,
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1")]
    #[arg(help = "Listen here, e.g. 0.0.0.0 for everyone who can reach this machine:\nnothing is authenticated or encrypted")]
    pub bind: IpAddr,
    /// What is written to stdout once they listen
    #[arg(long, value_name = "FORM", default_value = "table", value_parser = forms(), hide_possible_values = true)]
    #[arg(
        help = "What is written to stdout once they listen: table, or a configuration\nfor litellm, nginx, envoy, or env (variables), json"
    )]
    pub print: String,
    #[arg(long, value_name = "FACTOR", value_parser = run::factor, default_value = "1")]
    #[arg(help = "Everything happens so many times faster (0.01 to 1000)")]
    pub time_scale: f64,
    /// Seed of every draw, instead of the file's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Change one key, e.g. provider.beta.error_rate=5%
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

/// The names of the table of forms.
fn forms() -> PossibleValuesParser {
    PossibleValuesParser::new(FORMS.map(|form| PossibleValue::new(form.name).help(form.summary)))
}

pub fn execute(options: &Options, terminal: &Terminal) -> Result<Exit, Failure> {
    let overrides = Overrides { set: options.set.clone(), seed: options.seed, ..Overrides::default() };
    let Ready { scenario, .. } = match load::scenario(&options.scenario, &overrides, terminal) {
        Ok(ready) => ready,
        Err(exit) => return Ok(exit),
    };
    let port = options.port.unwrap_or(0);
    check_ports(port, scenario.plan.providers.len())?;
    interrupt::install().map_err(|error| Failure::usage(format!("Ctrl-C cannot be caught: {error}")))?;
    let listen = Listen { ip: options.bind, port, driver: false };
    let mocks = Mocks::start(&scenario.plan, options.time_scale, listen, Box::new(|_, _| {}));
    let mocks = mocks.map_err(|error| Failure::usage(error.to_string()))?;
    if !options.bind.is_loopback() {
        terminal.complain(&format!(
            "warning: --bind {}: everyone who reaches this machine can use the mocks; nothing is authenticated or encrypted",
            options.bind
        ));
    }
    terminal.print(&printed(options, &scenario, &mocks.addresses, terminal.view.width))?;
    if options.print == "table" {
        terminal.remark("serving until Ctrl-C; --print litellm, nginx, envoy, env or json writes a configuration instead");
    }
    while !interrupt::stop().load(Relaxed) {
        std::thread::sleep(LOOK);
    }
    Ok(Exit::Held)
}

/// All of them must be ports.
fn check_ports(port: u16, providers: usize) -> Result<(), Failure> {
    let last = usize::from(port) + providers - 1;
    if port > 0 && last > usize::from(u16::MAX) {
        let first = usize::from(u16::MAX) + 1 - providers;
        return Err(Failure::usage(format!(
            "--port {port}: the last of {providers} providers would listen on port {last}; the highest possible is {first}"
        )));
    }
    Ok(())
}

fn printed(options: &Options, scenario: &Scenario, addresses: &[SocketAddr], width: usize) -> String {
    let form = Form::parse(&options.print).expect("the parser takes only names of the table");
    let serving = Serving { scenario: scenario.name.clone(), providers: served(&scenario.plan, addresses) };
    (form.render)(&serving, width)
}

fn served(plan: &Plan, addresses: &[SocketAddr]) -> Vec<Served> {
    let provider = |((known, truth), address): ((&ProviderConfig, &ProviderSpec), &SocketAddr)| Served {
        name: known.name.clone(),
        address: reachable(*address),
        models: known.models.clone(),
        weight: known.weight,
        priority: known.priority,
        shape: truth.shape,
        rpm: known.limits.rpm,
        tpm: known.limits.tpm,
    };
    plan.engine.providers.iter().zip(&plan.providers).zip(addresses).map(provider).collect()
}

/// An address of "everywhere" is none that can be called: from this machine, loopback is.
fn reachable(address: SocketAddr) -> SocketAddr {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_needs_a_port() {
        for (port, providers, good) in [(0, 70_000, true), (65_535, 1, true), (65_535, 2, false), (65_533, 3, true), (65_534, 3, false)] {
            assert_eq!(check_ports(port, providers).is_ok(), good, "{port} {providers}");
        }
        let Failure { exit, message } = check_ports(65_534, 3).expect_err("one too many");
        assert_eq!(
            (exit, message.as_str()),
            (Exit::Usage, "--port 65534: the last of 3 providers would listen on port 65536; the highest possible is 65533")
        );
    }

    #[test]
    fn an_address_of_everywhere_is_called_on_loopback() {
        for (bound, called) in [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:1", "[::1]:1"), ("10.0.0.1:1", "10.0.0.1:1")] {
            assert_eq!(reachable(bound.parse().expect("valid")), called.parse().expect("valid"));
        }
    }
}

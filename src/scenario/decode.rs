//! The whole file: text and overrides → [`Scenario`].

use std::path::Path;
use std::sync::Arc;

use crate::drive::RealTime;
use crate::drive::plan::{Plan, Slo};
use crate::engine::config::{Config, ProbeRules};
use crate::engine::strategy::Strategy;
use crate::gate::expect::Expectation;
use crate::world::spec;

use super::asked;
use super::diagnostic::{Diagnostic, Diagnostics, Location, Source};
use super::digest::digest;
use super::event::{self, Events};
use super::expect;
use super::keys;
use super::load::{self};
use super::names::Names;
use super::pool;
use super::provider;
use super::reader::{Fields, count, name, string, word};
use super::sink::Sink;
use super::syntax;
use super::trace::{self, Reader, Traces};
use super::tree::{Node, Span, Value};
use super::units::positive_duration;
use super::warn::{self, Places};
use super::{Clock, Loaded, Overrides, Scenario, balancer, set};

/// Reads and checks the scenario at `path`.
///
/// # Errors
/// Every mistake in the file, in the overrides and in the trace it names, or the one reason why the file cannot be read.
pub fn load(path: &str, overrides: &Overrides) -> Result<Loaded, Diagnostics> {
    let bytes = std::fs::read(path).map_err(|error| Diagnostics::one(unreadable(path, &error)))?;
    let text = String::from_utf8(bytes).map_err(|error| Diagnostics::one(not_text(path, &error)))?;
    parse(path, &text, overrides)
}

/// Checks a scenario given as text; `path` names it in messages, and traces are looked up relative to it.
///
/// # Errors
/// Every mistake in the text, in the overrides and in the trace it names.
pub fn parse(path: &str, text: &str, overrides: &Overrides) -> Result<Loaded, Diagnostics> {
    parse_with(path, text, overrides, &trace::read)
}

/// [`parse`] with another way to read traces.
pub(super) fn parse_with(path: &str, text: &str, overrides: &Overrides, reader: &Reader<'_>) -> Result<Loaded, Diagnostics> {
    let mut sink = Sink::default();
    let file = sink.add_source(Source::new(path, text.strip_prefix('\u{feff}').unwrap_or(text)));
    let mut root = syntax::parse(file, &mut sink);
    apply(overrides, &mut root, &mut sink);
    let traces = Traces { scenario: Path::new(path), file, reader };
    let scenario = decode(&root, path, &traces, &mut sink);
    match scenario {
        Some(scenario) if !sink.failed() => {
            Ok(Loaded { scenario: Scenario { arguments: overrides.arguments(), ..scenario }, warnings: sink.finish() })
        }
        _ => Err(sink.finish()),
    }
}

fn apply(overrides: &Overrides, root: &mut Node, sink: &mut Sink) {
    for argument in &overrides.set {
        set::apply(root, argument, sink);
    }
    if let Some(seed) = overrides.seed {
        set::replace(root, "--seed", &["seed"], Value::Int(i128::from(seed)), &seed.to_string(), sink);
    }
    if let Some(name) = &overrides.strategy {
        set::replace(root, "--strategy", &["balancer", "strategy"], Value::Str(name.clone()), name, sink);
    }
    for argument in &overrides.expect {
        asked::apply(root, argument, sink);
    }
}

/// The first table of a file, its one-line keys.
struct Head {
    name: Option<String>,
    description: Option<String>,
    seed: u64,
    clock: Clock,
    slo: Slo,
}

fn decode(root: &Node, path: &str, traces: &Traces<'_>, sink: &mut Sink) -> Option<Scenario> {
    let fields = Fields::of(root, "the scenario", keys::ROOT, sink)?;
    let head = head(&fields, sink);
    let load = section(&fields, "load", "`[load]` with `rate = \"100/s\"` and `duration = \"2m\"`", sink, |node, sink| {
        load::decode(node, traces, sink)
    });
    let balancer = section(&fields, "balancer", "`[balancer]` with `strategy = \"round-robin\"`", sink, balancer::decode);
    let mut names = Names::default();
    let providers = pool::decode(
        fields.tables("provider", "[[provider]]", sink),
        fields.node("provider").is_some_and(|node| !node.is_empty_array()),
        root.span,
        &mut names,
        sink,
    );
    let end = load.as_ref().and_then(|load| load.end);
    let events = event::decode_all(fields.tables("event", "[[event]]", sink), event::Scope { names: &names, pool: &providers, end }, sink);
    let no_classes = Names::default();
    let classes = load.as_ref().map_or(&no_classes, |load| &load.classes);
    let expectations = expectations(&fields, &expect::Scope { providers: &names, classes, events: &events, file: traces.file }, sink);
    let (load, balancer) = (load?, balancer?);
    let (strategy, output_estimate) = (balancer.strategy_span, balancer.output_estimate_span);
    let compare = balancer.compare.clone();
    let plan = plan(&head, &load, balancer, &providers, events)?;
    if !sink.failed() {
        let places = Places { load: &load, providers: &providers, strategy, output_estimate };
        warn::check(&plan, &places, &expectations, sink);
    }
    let rows = if let spec::Source::Trace { rows, .. } = &plan.load.source { &rows[..] } else { &[] };
    Some(Scenario {
        name: head.name?,
        description: head.description,
        path: path.to_owned(),
        trace: load.trace,
        digest: digest(root, head.seed, rows),
        clock: head.clock,
        expectations: expectations.into_iter().map(|(expectation, _)| expectation).collect(),
        compare,
        arguments: Vec::new(),
        source: Arc::clone(sink.source(traces.file)),
        plan,
    })
}

fn head(fields: &Fields<'_>, sink: &mut Sink) -> Head {
    fields.require("schema", "`schema = 1`", sink, schema);
    Head {
        name: fields.require("name", "`name = \"…\"`", sink, name),
        description: fields.read("description", sink, string),
        seed: fields.read("seed", sink, |node, sink| count(node, 0, u64::MAX, sink)).unwrap_or(0),
        clock: fields.read("clock", sink, clock).unwrap_or_default(),
        slo: fields.read("slo", sink, slo).unwrap_or_default(),
    }
}

fn schema(node: &Node, sink: &mut Sink) -> Option<u64> {
    let version = count(node, 0, u64::MAX, sink)?;
    if version != 1 {
        sink.error(node.span, "schema-version", format!("unknown schema version {version}"))
            .help("this version of lbsim knows `schema = 1`");
        return None;
    }
    Some(version)
}

fn clock(node: &Node, sink: &mut Sink) -> Option<Clock> {
    word(node, "clock", &[("virtual", Clock::Virtual), ("real", Clock::Real)], sink)
}

fn slo(node: &Node, sink: &mut Sink) -> Option<Slo> {
    let fields = Fields::of(node, "[slo]", keys::SLO, sink)?;
    Some(Slo { ttft: fields.read("ttft", sink, positive_duration), latency: fields.read("latency", sink, positive_duration) })
}

/// A required table; when it is absent that is the only error about it.
fn section<T>(
    fields: &Fields<'_>,
    key: &'static str,
    example: &str,
    sink: &mut Sink,
    read: impl Fn(&Node, &mut Sink) -> Option<T>,
) -> Option<T> {
    match fields.node(key) {
        Some(node) => read(node, sink),
        None => {
            sink.error(fields.span, "missing-key", format!("the table `[{key}]` is missing")).help(format!("add {example}"));
            None
        }
    }
}

fn expectations(fields: &Fields<'_>, scope: &expect::Scope<'_>, sink: &mut Sink) -> Vec<(Expectation, Span)> {
    fields.tables("expect", "[[expect]]", sink).iter().filter_map(|node| expect::decode(node, scope, sink)).collect()
}

/// Puts the parts together; `None` without a strategy, which has been reported.
fn plan(head: &Head, load: &load::Decoded, balancer: balancer::Balancer, providers: &[provider::Decoded], events: Events) -> Option<Plan> {
    let strategy: Strategy = balancer.strategy?;
    Some(Plan {
        seed: head.seed,
        load: load.load.clone(),
        providers: providers.iter().map(|provider| provider.truth.clone()).collect(),
        events: events.events,
        engine: Config {
            strategy,
            choices: balancer.choices,
            seed: head.seed,
            providers: providers.iter().map(|provider| provider.belief.clone()).collect(),
            quota: balancer.quota,
            output_estimate: balancer.output_estimate,
            probes: balancer.health_check.map_or_else(ProbeRules::default, |check| ProbeRules {
                unhealthy_threshold: check.unhealthy_threshold,
                healthy_threshold: check.healthy_threshold,
            }),
            outlier_detection: balancer.outlier_detection,
            retry: balancer.retry,
        },
        replicas: balancer.replicas,
        replica_shares: balancer.replica_shares,
        sync: balancer.sync,
        timeout: balancer.timeout,
        queue: balancer.queue,
        hedge: balancer.hedge,
        health_check: balancer.health_check,
        slo: head.slo,
        real: (head.clock == Clock::Real).then(RealTime::default),
    })
}

fn unreadable(path: &str, error: &std::io::Error) -> Diagnostic {
    let mut diagnostic = Diagnostic::error("io", format!("cannot read {path}: {error}"), None);
    if error.kind() == std::io::ErrorKind::IsADirectory {
        diagnostic.help("a scenario is a file; `lbsim check` and `lbsim validate` take folders");
    }
    diagnostic
}

fn not_text(path: &str, error: &std::string::FromUtf8Error) -> Diagnostic {
    let offset = error.utf8_error().valid_up_to();
    let before = &error.as_bytes()[..offset];
    let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |newline| newline + 1);
    let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
    let text: String = String::from_utf8_lossy(&before[line_start..]).into_owned() + "\u{fffd}";
    let start = text.len() - '\u{fffd}'.len_utf8();
    let location = Location { start, end: text.len(), source: Arc::new(Source { name: path.to_owned(), text, first_line: line }) };
    let mut diagnostic = Diagnostic::error("io", format!("{path} is not UTF-8 text: byte {offset}"), Some(location));
    diagnostic.help("save the file as UTF-8");
    diagnostic
}

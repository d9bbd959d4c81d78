//! `[[event]]`: timed changes of one provider.

use crate::time::Nanos;
use crate::world::spec::{Change, Event, RetryAfter, Service};

use super::distribution;
use super::keys;
use super::limits;
use super::names::Names;
use super::provider::{Decoded, error_status};
use super::reader::{Fields, boolean, name, positive, string};
use super::sink::Sink;
use super::tree::{Node, Span, Value};
use super::units::{duration, ratio};

/// All events, in file order, with their names.
pub(super) struct Events {
    pub(super) events: Vec<Event>,
    pub(super) names: Names,
    /// Index into `events` for each entry of `names`.
    pub(super) named: Vec<Option<usize>>,
}

/// One event and where its parts stand.
struct Placed {
    event: Event,
    /// Fields it sets, and where.
    sets: Vec<(&'static str, Span)>,
}

/// What events refer to.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s> {
    /// Of the providers.
    pub(super) names: &'s Names,
    pub(super) pool: &'s [Decoded],
    /// The end of arrivals, where it is known.
    pub(super) end: Option<Nanos>,
}

/// Reads every `[[event]]`.
pub(super) fn decode_all(nodes: &[Node], scope: Scope<'_>, sink: &mut Sink) -> Events {
    let mut names = Names::default();
    let mut placed: Vec<Placed> = Vec::new();
    let mut named = Vec::new();
    for node in nodes {
        let members = names.len();
        let event = decode(node, scope, &mut names, sink);
        if names.len() > members {
            named.push(event.is_some().then_some(placed.len()));
        }
        if let Some(event) = event {
            for before in &placed {
                check_overlap(before, &event, sink);
            }
            placed.push(event);
        }
    }
    Events { events: placed.into_iter().map(|placed| placed.event).collect(), names, named }
}

fn decode(node: &Node, scope: Scope<'_>, names: &mut Names, sink: &mut Sink) -> Option<Placed> {
    let fields = Fields::of(node, "[[event]]", keys::EVENT, sink)?;
    let name = fields.read("name", sink, name);
    if fields.has("name") {
        names.add(name.as_deref(), fields.node("name"), "event", sink);
    }
    let provider = fields.require("provider", "`provider = \"alpha\"`", sink, |node, sink| {
        let name = string(node, sink)?;
        scope.names.resolve(&name, node.span, "provider", "unknown-provider", sink)
    });
    let at = fields.require("at", "`at = \"30s\"`", sink, duration);
    let until = fields.read("until", sink, duration);
    check_times(&fields, at, until, scope.end, sink);
    let set = fields.require("set", "`set = { error_rate = 1.0 }`", sink, change);
    let (set, sets) = set?;
    check_factors(scope, provider, &sets, sink);
    if fields.has("until") && until.is_none() {
        return None;
    }
    Some(Placed { event: Event { name, provider: provider?, at: at?, until, set }, sets })
}

fn check_times(fields: &Fields<'_>, at: Option<Nanos>, until: Option<Nanos>, end: Option<Nanos>, sink: &mut Sink) {
    let Some(at) = at else { return };
    let at_span = fields.node("at").map_or(fields.span, |node| node.span);
    let until_span = fields.node("until").map_or(fields.span, |node| node.span);
    if until.is_some_and(|until| until <= at) {
        let start = sink.locate(at_span);
        sink.error(until_span, "event-order", "this event ends before it starts")
            .label("not after `at`")
            .also(start, "starts here")
            .help("an event holds for at ≤ t < until; leave `until` out to let it hold to the end");
    } else if let Some(end) = end.filter(|end| at >= *end) {
        sink.error(at_span, "never-happens", format!("this event never happens: arrivals end at {end}"))
            .help("times count from the start of the run; arrivals end at warm-up + duration");
    }
}

/// Only a streamed answer has two times to slow down apart.
fn check_factors(scope: Scope<'_>, provider: Option<usize>, sets: &[(&'static str, Span)], sink: &mut Sink) {
    // A provider that could not be read is missing from the pool, and positions would be off: it has been reported.
    let known = provider.filter(|_| scope.pool.len() == scope.names.len());
    let Some(provider) = known.and_then(|index| scope.pool.get(index)) else { return };
    if !matches!(provider.truth.service, Service::Whole(_)) {
        return;
    }
    for (key, span) in sets.iter().filter(|(key, _)| matches!(*key, "ttft_factor" | "itl_factor")) {
        let other = sink.locate(provider.span);
        sink.error(*span, "conflict", format!("`{key}` for a provider whose answer comes as a whole"))
            .also(other, "the provider")
            .help("use `latency_factor`, or give the provider `ttft` and `itl` in place of `latency`");
    }
}

/// What an event replaces, and which keys say so.
fn change(node: &Node, sink: &mut Sink) -> Option<(Change, Vec<(&'static str, Span)>)> {
    let fields = Fields::of(node, "`set`", keys::SET, sink)?;
    if fields.is_empty() {
        sink.error(fields.span, "missing-key", "this event changes nothing")
            .help("for example `set = { error_rate = 1.0, error_status = 503 }`");
    }
    let sets = keys::SET.iter().filter_map(|key| Some((*key, fields.entry(key)?.key_span))).collect();
    let change = Change {
        error_rate: fields.read("error_rate", sink, ratio),
        error_status: fields.read("error_status", sink, error_status),
        error_latency: fields.read("error_latency", sink, distribution::time),
        latency_factor: fields.read("latency_factor", sink, factor),
        ttft_factor: fields.read("ttft_factor", sink, factor),
        itl_factor: fields.read("itl_factor", sink, factor),
        hang: fields.read("hang", sink, boolean),
        stall: fields.read("stall", sink, boolean),
        refuse_connections: fields.read("refuse_connections", sink, boolean),
        retry_after: fields.read("retry_after", sink, retry_after),
        limits: fields.read("limits", sink, limits::decode),
        enabled: fields.read("enabled", sink, boolean),
    };
    Some((change, sets))
}

/// A factor on times.
fn factor(node: &Node, sink: &mut Sink) -> Option<f64> {
    positive(node, 1e6, sink)
}

/// A duration, or `"off"`: no hint at all.
fn retry_after(node: &Node, sink: &mut Sink) -> Option<RetryAfter> {
    match &node.value {
        Value::Str(text) if text == "off" => Some(RetryAfter::Off),
        _ => duration(node, sink).map(RetryAfter::Fixed),
    }
}

/// Two events of one provider may not set the same field at the same time.
fn check_overlap(first: &Placed, second: &Placed, sink: &mut Sink) {
    let end = |event: &Event| event.until.unwrap_or(Nanos::MAX);
    let (a, b) = (&first.event, &second.event);
    if a.provider != b.provider || end(a) <= b.at || end(b) <= a.at {
        return;
    }
    for (key, span) in &second.sets {
        if let Some((_, other)) = first.sets.iter().find(|(set, _)| set == key) {
            let other = sink.locate(*other);
            sink.error(*span, "event-overlap", format!("two events set `{key}` of the same provider at the same time"))
                .label("set again here")
                .also(other, "set here")
                .help("let one end (`until`) before the other starts (`at`)");
        }
    }
}

//! `[load]`: what arrives, and when it ends.

use std::path::PathBuf;

use crate::time::Nanos;
use crate::world::dist::Dist;
use crate::world::spec::{ArrivalLaw, Burst, End, Load, OpenLoop, Sessions, Source, Stage};

use super::class;
use super::distribution;
use super::keys;
use super::names::Names;
use super::reader::{Fields, count, count32, non_negative, positive, word};
use super::sink::Sink;
use super::trace::Traces;
use super::tree::{Node, Span, Value};
use super::units::{RATE_MAX, duration, positive_duration, positive_rate, rate};

/// The load and what later checks need to know of it.
pub(super) struct Decoded {
    pub(super) load: Load,
    /// End of arrivals, where the file states it as a time and that could be read.
    pub(super) end: Option<Nanos>,
    /// Where the source of requests stands.
    pub(super) source_span: Span,
    /// The file that is replayed.
    pub(super) trace: Option<PathBuf>,
    /// Names of the classes.
    pub(super) classes: Names,
}

/// Each user takes some fifty bytes for the whole run.
const USERS_MAX: u32 = 10_000_000;

const SOURCES: [&str; 3] = ["rate", "users", "trace"];

/// Reads `[load]`.
pub(super) fn decode(node: &Node, traces: &Traces<'_>, sink: &mut Sink) -> Option<Decoded> {
    let fields = Fields::of(node, "[load]", keys::LOAD, sink)?;
    let warmup = fields.read("warmup", sink, duration);
    let duration = fields.read("duration", sink, positive_duration);
    let kind = source_kind(&fields, sink);
    let end = end(&fields, kind, duration, sink);
    check_warmup(&fields, warmup, duration, sink);
    let end_time = duration.map(|duration| duration + warmup.unwrap_or_default());
    misplaced(&fields, kind, sink);
    ignored_tokens(&fields, kind, sink);
    let source = match kind {
        Some("users") => closed_loop(&fields, sink),
        Some("trace") => replay(&fields, warmup.unwrap_or_default(), traces, sink),
        _ => open_loop(&fields, end_time, sink),
    };
    let mut classes = Names::default();
    let load = Load {
        source: source.unwrap_or(Source::Closed { users: 1, think_time: Dist::Fixed(0.0) }),
        end,
        warmup: warmup.unwrap_or_default(),
        classes: class::decode_all(&fields, &mut classes, sink),
        sessions: fields.read("sessions", sink, sessions),
    };
    let source_span = kind.map_or(fields.span, |kind| fields.key_span(kind));
    let trace = fields.node("trace").and_then(|node| traces.path(node));
    Some(Decoded { load, end: end_time, source_span, trace, classes })
}

/// The one key that says where requests come from; `None` if there is none or more than one.
fn source_kind(fields: &Fields<'_>, sink: &mut Sink) -> Option<&'static str> {
    let given: Vec<&'static str> = SOURCES.into_iter().filter(|key| fields.has(key)).collect();
    match given.as_slice() {
        [one] => Some(one),
        [] => {
            fields.missing(
                "rate",
                "exactly one source: `rate = \"100/s\"` (open loop), `users = 50` (closed loop) or `trace = \"file.csv\"` (replay)",
                sink,
            );
            None
        }
        [first, second, ..] => {
            let other = sink.locate(fields.key_span(first));
            sink.error(fields.key_span(second), "conflict", format!("two load sources: `{first}` and `{second}`"))
                .label("second source")
                .also(other, "first source")
                .help("keep one of `rate` (open loop), `users` (closed loop) and `trace` (replay)");
            None
        }
    }
}

fn end(fields: &Fields<'_>, kind: Option<&str>, duration: Option<Nanos>, sink: &mut Sink) -> End {
    let requests = fields.read("requests", sink, |node, sink| count(node, 1, 1_000_000_000_000, sink));
    match (fields.has("duration"), fields.has("requests")) {
        (true, true) => {
            let other = sink.locate(fields.key_span("duration"));
            sink.error(fields.key_span("requests"), "conflict", "both `duration` and `requests` say when the load ends")
                .also(other, "the other end")
                .help("keep one of them");
        }
        (false, false) if kind == Some("trace") => return End::Trace,
        (false, false) => fields.missing("duration", "an end: `duration = \"2m\"` or `requests = 100_000`", sink),
        _ => {}
    }
    match requests {
        Some(requests) => End::Requests(requests),
        None => End::Duration(duration.unwrap_or_default()),
    }
}

fn check_warmup(fields: &Fields<'_>, warmup: Option<Nanos>, duration: Option<Nanos>, sink: &mut Sink) {
    let (Some(warmup), Some(duration)) = (warmup, duration) else { return };
    if warmup >= duration {
        let other = sink.locate(fields.key_span("duration"));
        sink.error(
            fields.key_span("warmup"),
            "warmup-too-long",
            format!("the warm-up ({warmup}) is not shorter than the measured part ({duration})"),
        )
        .also(other, "the measured part")
        .help("`duration` is the measured part alone: the run lasts warm-up + duration");
    }
}

/// Reports keys that belong to another source than the one given.
fn misplaced(fields: &Fields<'_>, kind: Option<&'static str>, sink: &mut Sink) {
    let Some(kind) = kind else { return };
    const OWNERS: [(&str, &str); 6] =
        [("arrival", "rate"), ("burstiness", "rate"), ("stage", "rate"), ("burst", "rate"), ("think_time", "users"), ("speed", "trace")];
    for (key, owner) in OWNERS.into_iter().filter(|(key, owner)| *owner != kind && fields.has(key)) {
        let source = sink.locate(fields.key_span(kind));
        sink.error(fields.key_span(key), "conflict", format!("`{key}` goes with `{owner}`, not with `{kind}`"))
            .also(source, "the source of requests");
    }
}

/// The requests of a trace have sizes of their own.
fn ignored_tokens(fields: &Fields<'_>, kind: Option<&str>, sink: &mut Sink) {
    if kind != Some("trace") {
        return;
    }
    let classes = match fields.node("class").map(|node| &node.value) {
        Some(Value::Array(classes)) => classes.as_slice(),
        _ => &[],
    };
    let of_class = |class: &Node| match &class.value {
        Value::Table(table) => table.get("tokens").map(|entry| entry.key_span),
        _ => None,
    };
    let of_load = fields.has("tokens").then(|| fields.key_span("tokens"));
    for span in of_load.into_iter().chain(classes.iter().filter_map(of_class)) {
        sink.warning(span, "ignored-tokens", "the trace brings its own sizes: `tokens` is ignored").help("leave it out");
    }
}

fn open_loop(fields: &Fields<'_>, end: Option<Nanos>, sink: &mut Sink) -> Option<Source> {
    let rate = fields.read("rate", sink, positive_rate);
    let arrival = arrival(fields, sink);
    let stages = stages(fields, end, sink);
    let bursts = fields.tables("burst", "[[load.burst]]", sink).iter().filter_map(|node| burst(node, end, sink)).collect();
    Some(Source::Open(OpenLoop { arrival, rate: rate?, stages, bursts }))
}

fn arrival(fields: &Fields<'_>, sink: &mut Sink) -> ArrivalLaw {
    let words = [("constant", "constant"), ("poisson", "poisson"), ("gamma", "gamma")];
    let law = fields.read("arrival", sink, |node, sink| word(node, "arrival law", &words, sink));
    let burstiness = fields.read("burstiness", sink, |node, sink| positive(node, 1e6, sink));
    if law == Some("gamma") {
        if !fields.has("burstiness") {
            let at = fields.key_span("arrival");
            sink.error(at, "missing-key", "gamma arrivals need `burstiness`")
                .help("add `burstiness = 0.5`: 1 is Poisson, below 1 is burstier");
        }
        return ArrivalLaw::Gamma { burstiness: burstiness.unwrap_or(1.0) };
    }
    let unreadable = fields.has("arrival") && law.is_none();
    if fields.has("burstiness") && !unreadable {
        sink.error(fields.key_span("burstiness"), "conflict", "`burstiness` goes with `arrival = \"gamma\"`");
    }
    if law == Some("constant") { ArrivalLaw::Constant } else { ArrivalLaw::Poisson }
}

fn stages(fields: &Fields<'_>, end: Option<Nanos>, sink: &mut Sink) -> Vec<Stage> {
    let mut stages: Vec<(Stage, Span)> = Vec::new();
    for node in fields.tables("stage", "[[load.stage]]", sink) {
        let Some((stage, span)) = stage(node, end, sink) else { continue };
        if let Some((before, before_span)) = stages.last()
            && (stage.at < before.at + before.over || stage.at == before.at)
        {
            let other = sink.locate(*before_span);
            sink.error(
                span,
                "stage-order",
                format!("this stage begins at {} before the one above has ended at {}", stage.at, before.at + before.over),
            )
            .also(other, "the stage above")
            .help("order stages by `at`; each may begin when the ramp before has ended");
        }
        stages.push((stage, span));
    }
    stages.into_iter().map(|(stage, _)| stage).collect()
}

fn stage(node: &Node, end: Option<Nanos>, sink: &mut Sink) -> Option<(Stage, Span)> {
    let fields = Fields::of(node, "[[load.stage]]", keys::STAGE, sink)?;
    let at = fields.require("at", "`at = \"60s\"`", sink, duration);
    let over = fields.read("over", sink, duration);
    let rate = fields.require("rate", "`rate = \"150/s\"`", sink, rate);
    never(&fields, at, end, "stage", sink);
    Some((Stage { at: at?, over: over.unwrap_or_default(), rate: rate? }, fields.key_span("at")))
}

fn burst(node: &Node, end: Option<Nanos>, sink: &mut Sink) -> Option<Burst> {
    let fields = Fields::of(node, "[[load.burst]]", keys::BURST, sink)?;
    let at = fields.require("at", "`at = \"60s\"`", sink, duration);
    let count = fields.require("count", "`count = 60`", sink, |node, sink| count(node, 1, 1_000_000_000, sink));
    let every = fields.read("every", sink, positive_duration);
    never(&fields, at, end, "burst", sink);
    if let (Some(count), Some(every)) = (count, every)
        && count as f64 / every.as_secs_f64() > RATE_MAX
    {
        sink.error(fields.key_span("every"), "out-of-range", "a rate above 1_000_000_000/s is absurd");
    }
    Some(Burst { at: at?, count: count?, every })
}

/// Reports something timed that lies beyond the end of arrivals.
fn never(fields: &Fields<'_>, at: Option<Nanos>, end: Option<Nanos>, what: &str, sink: &mut Sink) {
    if let (Some(at), Some(end)) = (at, end)
        && at >= end
    {
        sink.error(
            fields.node("at").map_or(fields.span, |node| node.span),
            "never-happens",
            format!("this {what} never happens: arrivals end at {end}"),
        )
        .help("times count from the start of the run; arrivals end at warm-up + duration");
    }
}

fn closed_loop(fields: &Fields<'_>, sink: &mut Sink) -> Option<Source> {
    let users = fields.read("users", sink, |node, sink| count32(node, 1, USERS_MAX, sink));
    let think_time = fields.read("think_time", sink, distribution::time);
    Some(Source::Closed { users: users?, think_time: think_time.unwrap_or(Dist::Fixed(0.0)) })
}

fn replay(fields: &Fields<'_>, warmup: Nanos, traces: &Traces<'_>, sink: &mut Sink) -> Option<Source> {
    let speed = fields.read("speed", sink, |node, sink| positive(node, 1e9, sink));
    let rows = fields.read("trace", sink, |node, sink| traces.read(node, sink));
    if fields.has("speed") && speed.is_none() {
        return None;
    }
    let (rows, speed) = (rows?, speed.unwrap_or(1.0));
    let last = rows.last().map_or(Nanos::ZERO, |row| Nanos::from_f64(row.at.as_f64() / speed));
    if last < warmup {
        let other = sink.locate(fields.key_span("trace"));
        sink.error(fields.key_span("warmup"), "warmup-too-long", format!("the trace ends at {last}, within the warm-up of {warmup}"))
            .also(other, "the trace")
            .help("nothing would be measured: use a shorter warm-up");
    }
    Some(Source::Trace { rows, speed })
}

fn sessions(node: &Node, sink: &mut Sink) -> Option<Sessions> {
    let fields = Fields::of(node, "`sessions`", keys::SESSIONS, sink)?;
    let count = fields.require("count", "`count = 1000`", sink, |node, sink| count(node, 1, 1_000_000_000, sink));
    let skew = fields.read("skew", sink, |node, sink| non_negative(node, 100.0, sink));
    Some(Sessions { count: count?, skew: skew.unwrap_or(0.0) })
}

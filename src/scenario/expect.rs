//! `[[expect]]`: what must hold.

use crate::gate::expect::{Expectation, Want, Window};
use crate::gate::metric::{Metric, Unit};
use crate::time::{Nanos, parse_duration};

use super::event::Events;
use super::keys;
use super::names::Names;
use super::nearest::{list, nearest};
use super::reader::{Fields, number, string, wrong_type};
use super::sink::Sink;
use super::tree::{Node, Span, Value};
use super::units::{duration, ratio, ratio_text};

/// What an expectation may refer to.
pub(super) struct Scope<'s> {
    pub(super) providers: &'s Names,
    pub(super) classes: &'s Names,
    pub(super) events: &'s Events,
    /// Index of the scenario file's source.
    pub(super) file: usize,
}

/// Reads one `[[expect]]`; the span is that of what is wanted.
pub(super) fn decode(node: &Node, scope: &Scope<'_>, sink: &mut Sink) -> Option<(Expectation, Span)> {
    let fields = Fields::of(node, "[[expect]]", keys::EXPECT, sink)?;
    let metric = fields.require("metric", "`metric = \"success_ratio\"`", sink, metric);
    let provider = fields.read("provider", sink, |node, sink| {
        let name = string(node, sink)?;
        scope.providers.resolve(&name, node.span, "provider", "unknown-provider", sink)
    });
    let class = fields.read("class", sink, |node, sink| {
        let name = string(node, sink)?;
        scope.classes.resolve(&name, node.span, "class", "unknown-class", sink)
    });
    let during = fields.read("during", sink, |node, sink| window(node, scope.events, sink));
    if let Some((metric, name)) = &metric {
        check_scope(&fields, *metric, name, scope, sink);
    }
    let want = want(&fields, metric.as_ref().map(|(metric, _)| metric.unit()), sink);
    let (want, span) = want?;
    let line = if fields.span.source == scope.file { sink.locate(fields.span).line() } else { 0 };
    Some((Expectation { metric: metric?.0, provider, during, class, want, line }, span))
}

fn metric(node: &Node, sink: &mut Sink) -> Option<(Metric, String)> {
    let name = string(node, sink)?;
    if let Some(metric) = Metric::parse(&name) {
        return Some((metric, name));
    }
    let known: Vec<String> = Metric::names().into_iter().collect();
    let names = || known.iter().map(String::as_str);
    // `latency_p98`: the family exists, the percentile does not.
    let family = name.rsplit_once("_p").filter(|(_, digits)| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    if let Some((family, digits)) = family {
        let siblings: Vec<&str> = names().filter(|known| known.strip_prefix(family).is_some_and(|rest| rest.starts_with("_p"))).collect();
        if !siblings.is_empty() {
            sink.error(node.span, "impossible-percentile", format!("there is no percentile `p{digits}` of `{family}`"))
                .help(format!("the percentiles are {}", list(siblings)));
            return None;
        }
    }
    let report = sink.error(node.span, "unknown-metric", format!("unknown metric `{name}`")).suggest(nearest(&name, names()));
    if report.suggestion.is_none() {
        report.help(format!("the metrics are {}", list(names())));
    }
    None
}

fn check_scope(fields: &Fields<'_>, metric: Metric, name: &str, scope: &Scope<'_>, sink: &mut Sink) {
    if metric.needs_provider() && !fields.has("provider") {
        let example = scope.providers.iter().next().unwrap_or("alpha");
        sink.error(fields.span, "missing-key", format!("`{name}` needs a `provider`")).help(format!("add `provider = \"{example}\"`"));
    }
    for (key, allowed) in [("provider", metric.allows_provider()), ("during", metric.allows_during()), ("class", metric.allows_class())] {
        if fields.has(key) && !allowed {
            sink.error(fields.key_span(key), "conflict", format!("`{name}` is not available by `{key}`")).help("leave the key out");
        }
    }
}

/// An event's name, or a span `"60s..120s"`.
fn window(node: &Node, events: &Events, sink: &mut Sink) -> Option<Window> {
    let label = string(node, sink)?;
    if let Some(index) = events.names.position(&label) {
        let event = &events.events[events.named.get(index).copied().flatten()?];
        return Some(Window { from: event.at, until: event.until.unwrap_or(Nanos::MAX), label });
    }
    let Some((from, until)) = label.split_once("..") else {
        events.names.resolve(&label, node.span, "event", "unknown-event", sink);
        return None;
    };
    match (parse_duration(from), parse_duration(until)) {
        (Ok(from), Ok(until)) if from < until => Some(Window { label, from, until }),
        (Ok(_), Ok(_)) => {
            sink.error(node.span, "event-order", "this span ends before it starts");
            None
        }
        (from, until) => {
            let reason = from.and(until).err().map(|error| error.to_string()).unwrap_or_default();
            sink.error(node.span, "bad-duration", reason).help("a span looks like \"60s..120s\"");
            None
        }
    }
}

/// `target` with `tolerance`, or `min` and `max`. Without a known metric only the keys are checked.
fn want(fields: &Fields<'_>, unit: Option<Unit>, sink: &mut Sink) -> Option<(Want, Span)> {
    const BOUNDS: [&str; 4] = ["target", "tolerance", "min", "max"];
    let [target, tolerance, min, max] =
        BOUNDS.map(|key| unit.and_then(|unit| fields.read(key, sink, |node, sink| quantity(node, unit, sink))));
    let has = |key| fields.has(key);
    let aim = if has("target") { Some("target") } else { has("tolerance").then_some("tolerance") };
    let bound = if has("min") { Some("min") } else { has("max").then_some("max") };
    match (aim, bound) {
        (None, None) => {
            fields.missing("target", "what is wanted: `target` and `tolerance`, or `min`, or `max`", sink);
            None
        }
        (Some(aim), Some(bound)) => {
            let other = sink.locate(fields.key_span(aim));
            sink.error(fields.key_span(bound), "conflict", format!("`{aim}` together with `{bound}`"))
                .also(other, "the other form")
                .help("keep `target` and `tolerance`, or `min` and `max`");
            None
        }
        (Some(_), None) => {
            let target = fields.require("target", "the aim, `target = …`", sink, |_, _| target);
            let tolerance = fields.require("tolerance", "the distance allowed, `tolerance = …`", sink, |_, _| tolerance);
            Some((Want::Target { target: target?, tolerance: tolerance? }, fields.key_span("tolerance")))
        }
        (None, Some(bound)) => {
            if (has("min") && min.is_none()) || (has("max") && max.is_none()) {
                return None;
            }
            if let (Some(low), Some(high)) = (min, max)
                && low > high
            {
                let other = sink.locate(fields.key_span("min"));
                sink.error(fields.key_span("max"), "min-above-max", "`min` is above `max`").also(other, "the smallest accepted value");
                return None;
            }
            Some((Want::Range { min, max }, fields.key_span(bound)))
        }
    }
}

/// A value in the unit of the metric.
fn quantity(node: &Node, unit: Unit, sink: &mut Sink) -> Option<f64> {
    let text = match &node.value {
        Value::Str(text) => Some(text.as_str()),
        Value::Int(_) | Value::Float(_) => None,
        _ => {
            wrong_type(node, "a value", sink);
            return None;
        }
    };
    let is_duration = text.is_some_and(|text| parse_duration(text).is_ok());
    let is_percent = text.is_some_and(|text| text.contains('%') && ratio_text(text).is_some());
    let mismatch = match unit {
        Unit::Ratio if is_duration => "this metric is a ratio, such as 0.995 or \"99.5%\"",
        Unit::Number if is_duration || is_percent => "this metric is a plain number",
        Unit::Millis | Unit::Nanos if is_percent => "this metric is a duration, such as \"250ms\"",
        _ => "",
    };
    if !mismatch.is_empty() {
        let found = if is_duration { "a duration" } else { "a ratio" };
        sink.error(node.span, "unit-mismatch", format!("{found} does not fit this metric")).help(mismatch);
        return None;
    }
    match unit {
        Unit::Ratio => ratio(node, sink),
        Unit::Millis => duration(node, sink).map(Nanos::as_millis_f64),
        Unit::Nanos => duration(node, sink).map(Nanos::as_f64),
        Unit::Number => {
            let value = number(node, sink)?;
            if !value.is_finite() || value < 0.0 {
                sink.error(node.span, "out-of-range", "must be a finite number, 0 or more");
                return None;
            }
            Some(value)
        }
    }
}

//! `[[provider]]`: one provider as it is, and as the balancer knows it.

use crate::engine::config::{Cost, ProviderConfig};
use crate::engine::limit::Limits;
use crate::time::Nanos;
use crate::world::dist::Dist;
use crate::world::profile::PROFILES;
use crate::world::shape::{SHAPES, Shape};
use crate::world::spec::{ProviderSpec, Service, Visibility};

use super::distribution;
use super::keys;
use super::limits;
use super::names::Names;
use super::reader::{Fields, array, boolean, count, count32, name, non_negative, positive, string, word};
use super::sink::Sink;
use super::tree::{Node, Span, Value};
use super::units::{positive_rate, ratio};

/// How long error answers and refusals take unless the scenario says otherwise.
const ERROR_LATENCY: Nanos = Nanos::from_millis(20);

/// One provider, read, and the places that later checks point at.
pub(super) struct Decoded {
    pub(super) truth: ProviderSpec,
    pub(super) belief: ProviderConfig,
    pub(super) span: Span,
    /// Where `weight` stands, readable or not.
    pub(super) weight_span: Option<Span>,
    pub(super) limits_span: Option<Span>,
    /// Where the profile stands that states the limits, if no `limits` do.
    pub(super) profile_span: Option<Span>,
    pub(super) group_span: Span,
    /// Where `visibility` stands, if it is given.
    pub(super) visibility_span: Option<Span>,
    /// Limits that the balancer is told in place of the true ones.
    pub(super) declared: Option<Limits>,
}

/// What a provider is when its table does not say: the one place where a built-in profile comes in.
struct Defaults {
    service: Option<Service>,
    error_rate: f64,
    error_status: u16,
    error_latency: Dist,
    slots: Option<u32>,
    queue: Option<u64>,
    limits: Limits,
    visibility: Visibility,
    cost: Option<Cost>,
    shape: Shape,
}

impl Default for Defaults {
    fn default() -> Defaults {
        Defaults {
            service: None,
            error_rate: 0.0,
            error_status: 500,
            error_latency: Dist::Fixed(ERROR_LATENCY.as_f64()),
            slots: None,
            queue: None,
            limits: Limits::default(),
            visibility: Visibility::default(),
            cost: None,
            shape: Shape::default(),
        }
    }
}

/// Reads one `[[provider]]`.
pub(super) fn decode(node: &Node, names: &mut Names, sink: &mut Sink) -> Option<Decoded> {
    let Some(fields) = Fields::of(node, "[[provider]]", keys::PROVIDER, sink) else {
        names.add(None, None, "provider", sink);
        return None;
    };
    let name = fields.require("name", "`name = \"alpha\"`", sink, name);
    names.add(name.as_deref(), fields.node("name"), "provider", sink);
    let defaults = profile(&fields, sink);
    let profile_span = (!defaults.limits.is_unlimited() && !fields.has("limits")).then(|| fields.key_span("profile"));
    let truth = truth(&fields, name.unwrap_or_default(), defaults, sink);
    let declared = declared(&fields, truth.visibility, sink);
    let belief = ProviderConfig {
        tag: 0,
        name: truth.name.clone(),
        weight: fields.read("weight", sink, weight),
        priority: fields.read("priority", sink, |node, sink| count32(node, 0, u32::MAX, sink)).unwrap_or(0),
        models: fields.read("models", sink, |node, sink| array(node, "model names", sink, string)).unwrap_or_default(),
        drained: !fields.read("enabled", sink, boolean).unwrap_or(true),
        limits: known_limits(&truth, declared.as_ref()),
        quota_group: truth.quota_group.clone(),
        cost: truth.cost,
    };
    for key in ["url", "api_key_env"] {
        if fields.has(key) {
            unsupported(fields.key_span(key), &format!("`{key}`"), sink);
        }
    }
    Some(Decoded {
        truth,
        belief,
        span: fields.span,
        weight_span: fields.entry("weight").map(|entry| entry.key_span),
        limits_span: fields.entry("limits").map(|entry| entry.key_span),
        profile_span,
        declared,
        group_span: fields.key_span("quota_group"),
        visibility_span: fields.entry("visibility").map(|entry| entry.key_span),
    })
}

/// Reports something that the format knows and this version cannot do.
pub(super) fn unsupported(span: Span, what: &str, sink: &mut Sink) {
    sink.error(span, "unsupported", format!("{what} is not supported yet in this version"));
}

/// The limits as far as the balancer knows them: what it was told, else by visibility.
pub(super) fn known_limits(truth: &ProviderSpec, declared: Option<&Limits>) -> Limits {
    match (declared, truth.visibility) {
        (Some(declared), _) => declared.clone(),
        (None, Visibility::Config) => truth.limits.clone(),
        (None, Visibility::Headers | Visibility::None) => Limits::default(),
    }
}

/// What the balancer is told of the limits where that is not the truth: a rule of thumb from a price list, or a
/// replica's part of a shared quota.
fn declared(fields: &Fields<'_>, visibility: Visibility, sink: &mut Sink) -> Option<Limits> {
    if fields.has("declared") && visibility == Visibility::None {
        let other = sink.locate(fields.key_span("visibility"));
        sink.error(fields.key_span("declared"), "conflict", "`declared` limits that the balancer cannot see")
            .also(other, "the balancer knows nothing")
            .help("leave out one of the two: `declared` is what the balancer is told in place of the true limits");
    }
    fields.read("declared", sink, limits::decode)
}

/// The defaults that `profile` names, or the plain ones. A key that the provider's table has wins as a whole: `limits`
/// replaces all limits of the profile, not single ones, since half of one provider's limits and half of another's are
/// nobody's.
fn profile(fields: &Fields<'_>, sink: &mut Sink) -> Defaults {
    let known: Vec<_> = PROFILES.iter().map(|profile| (profile.name, *profile)).collect();
    match fields.read("profile", sink, |node, sink| word(node, "profile", &known, sink)) {
        Some(profile) => Defaults {
            service: Some(profile.service()),
            error_rate: profile.errors.value.rate,
            error_status: profile.errors.value.status,
            slots: profile.slots.map(|slots| slots.value),
            limits: profile.limits(),
            shape: profile.shape,
            ..Defaults::default()
        },
        None => Defaults::default(),
    }
}

fn truth(fields: &Fields<'_>, name: String, defaults: Defaults, sink: &mut Sink) -> ProviderSpec {
    let visibility = [("config", Visibility::Config), ("headers", Visibility::Headers), ("none", Visibility::None)];
    let capacity = fields.read("capacity", sink, capacity);
    let (slots, queue) = capacity.unwrap_or((defaults.slots, defaults.queue));
    ProviderSpec {
        name,
        // A service that could not be read has been reported: any other will do, nothing runs.
        service: service(fields, defaults.service, sink).unwrap_or(Service::Whole(Dist::Fixed(0.0))),
        error_rate: fields.read("error_rate", sink, ratio).unwrap_or(defaults.error_rate),
        error_status: fields.read("error_status", sink, error_status).unwrap_or(defaults.error_status),
        error_latency: fields.read("error_latency", sink, distribution::time).unwrap_or(defaults.error_latency),
        slots,
        queue,
        limits: fields.read("limits", sink, limits::decode).unwrap_or(defaults.limits),
        visibility: fields
            .read("visibility", sink, |node, sink| word(node, "visibility", &visibility, sink))
            .unwrap_or(defaults.visibility),
        quota_group: fields.read("quota_group", sink, string),
        background: fields.read("background", sink, positive_rate).unwrap_or(0.0),
        cost: fields.read("cost", sink, cost).or(defaults.cost),
        shape: fields.read("shape", sink, |node, sink| word(node, "shape", &SHAPES, sink)).unwrap_or(defaults.shape),
    }
}

/// Exactly one of `latency` and `ttft` + `itl`. Beside a profile each of the two forms is optional, and so is each half
/// of the second: what is not given is the profile's.
fn service(fields: &Fields<'_>, profile: Option<Service>, sink: &mut Sink) -> Option<Service> {
    let latency = fields.read("latency", sink, distribution::time);
    let ttft = fields.read("ttft", sink, distribution::first_token);
    let itl = fields.read("itl", sink, distribution::time);
    let streamed = if fields.has("ttft") { Some("ttft") } else { fields.has("itl").then_some("itl") };
    match (fields.has("latency"), streamed) {
        (true, Some(key)) => {
            let other = sink.locate(fields.key_span("latency"));
            sink.error(fields.key_span(key), "conflict", format!("`latency` together with `{key}`"))
                .also(other, "the whole answer")
                .help("`latency` is the whole answer; `ttft` and `itl` describe a streamed one: keep one of the two forms");
        }
        (true, None) => return latency.map(Service::Whole),
        (false, Some(_)) => return stream(fields, ttft, itl, profile, sink),
        (false, None) if fields.has("profile") => return profile,
        (false, None) => {
            fields.missing("latency", "how long answers take: `latency = \"250ms\"`, or `ttft` and `itl`, or a `profile`", sink)
        }
    }
    None
}

/// A streamed answer from what is given and what the profile says.
fn stream(
    fields: &Fields<'_>,
    first: Option<(Dist, f64)>,
    further: Option<Dist>,
    profile: Option<Service>,
    sink: &mut Sink,
) -> Option<Service> {
    let further = further.map(|itl| (itl, 0.0));
    let (first, further) = match profile {
        Some(Service::Streamed { ttft, prefill, itl, crowding }) => (first.or(Some((ttft, prefill))), further.or(Some((itl, crowding)))),
        _ if fields.has("profile") => (first, further),
        _ => (
            fields.require("ttft", "the time to first token, `ttft = \"400ms\"`", sink, |_, _| first),
            fields.require("itl", "the time per output token, `itl = \"20ms\"`", sink, |_, _| further),
        ),
    };
    let ((ttft, prefill), (itl, crowding)) = (first?, further?);
    Some(Service::Streamed { ttft, prefill, itl, crowding })
}

fn weight(node: &Node, sink: &mut Sink) -> Option<f64> {
    positive(node, 1e9, sink)
}

/// A status that says "error".
pub(super) fn error_status(node: &Node, sink: &mut Sink) -> Option<u16> {
    count(node, 400, 599, sink).map(|status| status as u16)
}

/// Slots, and places in the queue before them.
fn capacity(node: &Node, sink: &mut Sink) -> Option<(Option<u32>, Option<u64>)> {
    let fields = Fields::of(node, "`capacity`", keys::CAPACITY, sink)?;
    let slots = fields.require("slots", "`slots = 8`", sink, |node, sink| count32(node, 1, 1_000_000_000, sink));
    let queue = fields.read("queue", sink, |node, sink| match &node.value {
        Value::Str(_) => word(node, "queue length", &[("unbounded", None)], sink),
        _ => count(node, 0, 1_000_000_000, sink).map(Some),
    });
    Some((Some(slots?), queue.flatten()))
}

fn cost(node: &Node, sink: &mut Sink) -> Option<Cost> {
    let fields = Fields::of(node, "`cost`", keys::COST, sink)?;
    let input =
        fields.require("input", "the price per million input tokens, `input = 2.5`", sink, |node, sink| non_negative(node, 1e9, sink));
    let output =
        fields.require("output", "the price per million output tokens, `output = 10.0`", sink, |node, sink| non_negative(node, 1e9, sink));
    Some(Cost { input: input?, output: output? })
}

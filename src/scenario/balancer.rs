//! `[balancer]`: what a real gateway would hand to the engine.

use crate::drive::plan::{HealthCheck, Hedge, Queue, Sync};
use crate::engine::config::{OutlierDetection, OutputEstimate, PROVIDERS_MAX, Retry};
use crate::engine::strategy::{CATALOGUE, Strategy};
use crate::time::Nanos;

use super::diagnostic::Severity;
use super::keys;
use super::nearest::{list, nearest};
use super::reader::{Fields, array, boolean, count, count32, switch, wrong_type};
use super::replicas;
use super::sink::Sink;
use super::tree::{Node, Span, Value};
use super::units::{duration, positive_duration, ratio};

/// `[balancer]`, read.
pub(super) struct Balancer {
    /// `None` if it could not be read.
    pub(super) strategy: Option<Strategy>,
    pub(super) strategy_span: Span,
    pub(super) choices: usize,
    pub(super) quota: bool,
    pub(super) output_estimate: OutputEstimate,
    pub(super) output_estimate_span: Span,
    pub(super) compare: Vec<Strategy>,
    pub(super) replicas: u32,
    pub(super) replica_shares: Vec<f64>,
    pub(super) sync: Option<Sync>,
    pub(super) timeout: Nanos,
    pub(super) queue: Queue,
    pub(super) retry: Retry,
    pub(super) hedge: Option<Hedge>,
    pub(super) outlier_detection: Option<OutlierDetection>,
    pub(super) health_check: Option<HealthCheck>,
}

/// Reads `[balancer]`.
pub(super) fn decode(node: &Node, sink: &mut Sink) -> Option<Balancer> {
    let fields = Fields::of(node, "[balancer]", keys::BALANCER, sink)?;
    let health = fields.read("health", sink, switch).unwrap_or(true);
    let outlier_detection = fields.read("outlier_detection", sink, outlier_detection).unwrap_or_default();
    let health_check = fields.read("health_check", sink, health_check);
    let retry = fields.read("retry", sink, retry).unwrap_or_default();
    let timeout = fields.read("timeout", sink, positive_duration).unwrap_or(Nanos::from_secs(60));
    let hedge = fields.read("hedge", sink, hedge);
    if let Some(Hedge { after, .. }) = hedge.filter(|hedge| hedge.after >= timeout && retry.max_retries == 0) {
        let message = format!("no hedge is ever sent: an attempt is over after {timeout}, before `after` ({after})");
        sink.warning(fields.key_span("hedge"), "no-effect", message).help("lower `after`, or raise `timeout`");
    }
    let replicas = fields.read("replicas", sink, |node, sink| count32(node, 1, 64, sink)).unwrap_or(1);
    Some(Balancer {
        strategy: fields.require("strategy", "`strategy = \"round-robin\"`", sink, strategy),
        strategy_span: fields.node("strategy").map_or(fields.span, |node| node.span),
        choices: fields.read("choices", sink, |node, sink| count(node, 1, PROVIDERS_MAX as u64, sink)).unwrap_or(2) as usize,
        quota: fields.read("quota", sink, switch).unwrap_or(true),
        output_estimate_span: fields.node("output_estimate").map_or(fields.span, |node| node.span),
        output_estimate: fields.read("output_estimate", sink, output_estimate).unwrap_or_default(),
        compare: fields.read("compare", sink, |node, sink| array(node, "strategies", sink, strategy)).unwrap_or_default(),
        replicas,
        replica_shares: fields.read("replica_shares", sink, |node, sink| replicas::shares(node, replicas, sink)).unwrap_or_default(),
        sync: fields.read("sync", sink, |node, sink| replicas::sync(node, replicas, sink)),
        timeout,
        queue: fields.read("queue", sink, queue).unwrap_or(QUEUE),
        retry,
        hedge,
        outlier_detection: health.then_some(outlier_detection),
        health_check: health_check.filter(|_| health),
    })
}

/// A strategy by name; an alias is accepted with a note.
pub(super) fn strategy(node: &Node, sink: &mut Sink) -> Option<Strategy> {
    let Value::Str(name) = &node.value else {
        wrong_type(node, "the name of a strategy", sink);
        return None;
    };
    let found = Strategy::parse(name);
    match found {
        Some(strategy) if strategy.name() != name => {
            sink.warning(node.span, "alias", format!("`{name}` is `{}`", strategy.name())).severity(Severity::Note);
        }
        Some(_) => {}
        None => {
            let all = CATALOGUE.iter().flat_map(|info| std::iter::once(info.name).chain(info.aliases.iter().copied()));
            sink.error(node.span, "unknown-strategy", format!("unknown strategy `{name}`"))
                .suggest(nearest(name, all))
                .help(format!("the strategies are {}", list(CATALOGUE.iter().map(|info| info.name))));
        }
    }
    found
}

/// `"max-tokens"`, or a percentile as it stands in the names of metrics.
fn output_estimate(node: &Node, sink: &mut Sink) -> Option<OutputEstimate> {
    const RIGHT: &str = "\"max-tokens\", or a percentile from \"p50\" to \"p99\", such as \"p90\"";
    let Value::Str(text) = &node.value else {
        wrong_type(node, RIGHT, sink);
        return None;
    };
    if text == "max-tokens" {
        return Some(OutputEstimate::MaxTokens);
    }
    match text.as_bytes() {
        [b'p', tens @ b'5'..=b'9', ones @ b'0'..=b'9'] => Some(OutputEstimate::Percentile((tens - b'0') * 10 + (ones - b'0'))),
        _ => {
            sink.error(node.span, "unknown-value", format!("unknown output estimate `{text}`"))
                .suggest(nearest(text, ["max-tokens"]))
                .help(format!("it is {RIGHT}"));
            None
        }
    }
}

const QUEUE: Queue = Queue { max_wait: Nanos::ZERO, max_length: 1_000 };

fn queue(node: &Node, sink: &mut Sink) -> Option<Queue> {
    let fields = Fields::of(node, "`queue`", keys::QUEUE, sink)?;
    if fields.has("max_length") && !fields.has("max_wait") {
        sink.warning(fields.key_span("max_length"), "no-effect", "`max_length` changes nothing: without `max_wait` nothing waits")
            .help("add `max_wait = \"5s\"`, or leave it out");
    }
    Some(Queue {
        max_wait: fields.read("max_wait", sink, duration).unwrap_or(QUEUE.max_wait),
        max_length: fields.read("max_length", sink, |node, sink| count(node, 0, 1_000_000_000, sink)).unwrap_or(QUEUE.max_length),
    })
}

fn retry(node: &Node, sink: &mut Sink) -> Option<Retry> {
    let fields = Fields::of(node, "`retry`", keys::RETRY, sink)?;
    if let Some(key) = keys::RETRY.iter().find(|key| fields.has(key)).filter(|_| !fields.has("max_retries")) {
        sink.warning(fields.key_span(key), "no-effect", format!("`{key}` changes nothing: without `max_retries` nothing is retried"))
            .help("add `max_retries = 2`, or leave it out");
    }
    let default = Retry::default();
    let backoff = fields.read("backoff", sink, duration).unwrap_or(default.backoff);
    let given_max = fields.read("max_backoff", sink, duration);
    if let Some(max) = given_max
        && max < backoff
    {
        sink.error(fields.key_span("max_backoff"), "min-above-max", format!("`max_backoff` ({max}) is below `backoff` ({backoff})"));
    }
    Some(Retry {
        max_retries: fields.read("max_retries", sink, |node, sink| count32(node, 0, 1_000, sink)).unwrap_or(default.max_retries),
        backoff,
        max_backoff: given_max.unwrap_or(default.max_backoff.max(backoff)),
        budget: fields.read("budget", sink, budget).unwrap_or(default.budget),
        honor_retry_after: fields.read("honor_retry_after", sink, boolean).unwrap_or(default.honor_retry_after),
    })
}

/// A ratio, or `"off"`.
fn budget(node: &Node, sink: &mut Sink) -> Option<Option<f64>> {
    match &node.value {
        Value::Str(text) if text == "off" => Some(None),
        Value::Bool(false) => Some(None),
        _ => ratio(node, sink).map(Some),
    }
}

fn hedge(node: &Node, sink: &mut Sink) -> Option<Hedge> {
    let fields = Fields::of(node, "`hedge`", keys::HEDGE, sink)?;
    let after = fields.require("after", "`after = \"1s\"`", sink, duration);
    let budget = fields.read("budget", sink, ratio);
    Some(Hedge { after: after?, budget: budget.unwrap_or(0.05) })
}

fn outlier_detection(node: &Node, sink: &mut Sink) -> Option<OutlierDetection> {
    let fields = Fields::of(node, "`outlier_detection`", keys::OUTLIER_DETECTION, sink)?;
    let default = OutlierDetection::default();
    let small = |node: &Node, sink: &mut Sink| count32(node, 1, 1_000_000, sink);
    let error_ratio = fields.read("error_ratio", sink, |node, sink| {
        let value = ratio(node, sink)?;
        if value == 0.0 {
            sink.error(node.span, "out-of-range", "an error ratio of 0 would eject every provider")
                .help("a ratio above 0, such as \"50%\"");
            return None;
        }
        Some(value)
    });
    let base = fields.read("base_ejection_time", sink, positive_duration).unwrap_or(default.base_ejection_time);
    let given_max = fields.read("max_ejection_time", sink, positive_duration);
    if let Some(max) = given_max
        && max < base
    {
        let span = fields.key_span("max_ejection_time");
        sink.error(span, "min-above-max", format!("`max_ejection_time` ({max}) is below `base_ejection_time` ({base})"));
    }
    Some(OutlierDetection {
        consecutive_errors: fields.read("consecutive_errors", sink, small).unwrap_or(default.consecutive_errors),
        error_ratio: error_ratio.unwrap_or(default.error_ratio),
        window: fields.read("window", sink, positive_duration).unwrap_or(default.window),
        min_requests: fields.read("min_requests", sink, small).unwrap_or(default.min_requests),
        base_ejection_time: base,
        max_ejection_time: given_max.unwrap_or(default.max_ejection_time.max(base)),
        max_ejection_percent: fields
            .read("max_ejection_percent", sink, |node, sink| count32(node, 0, 100, sink))
            .unwrap_or(default.max_ejection_percent),
        slow_start: fields.read("slow_start", sink, duration).unwrap_or(default.slow_start),
    })
}

fn health_check(node: &Node, sink: &mut Sink) -> Option<HealthCheck> {
    let fields = Fields::of(node, "`health_check`", keys::HEALTH_CHECK, sink)?;
    let threshold = |node: &Node, sink: &mut Sink| count32(node, 1, 1_000_000, sink);
    Some(HealthCheck {
        interval: fields.read("interval", sink, positive_duration).unwrap_or(Nanos::from_secs(5)),
        timeout: fields.read("timeout", sink, positive_duration).unwrap_or(Nanos::from_secs(1)),
        unhealthy_threshold: fields.read("unhealthy_threshold", sink, threshold).unwrap_or(3),
        healthy_threshold: fields.read("healthy_threshold", sink, threshold).unwrap_or(2),
    })
}

//! What is valid but hardly meant.

use crate::drive::plan::Plan;
use crate::engine::config::{OutputEstimate, ProviderConfig};
use crate::engine::limit::{Charge, Cost, FreeAt, Ledger, Limits};
use crate::engine::strategy::Strategy;
use crate::gate::chance;
use crate::gate::expect::{Expectation, Want};
use crate::gate::metric::{Metric, Unit};
use crate::time::Nanos;
use crate::world::spec::{Class, End, Source};

use super::load;
use super::nearest::nearest;
use super::provider;
use super::sink::Sink;
use super::tree::Span;
use super::warn_limits;

/// Warns about a plan without errors. `wants` are the places of what the expectations want.
pub(super) fn check(plan: &Plan, places: &Places<'_>, expectations: &[(Expectation, Span)], sink: &mut Sink) {
    ignored_weights(plan, places, sink);
    missing_sessions(plan, places, sink);
    ignored_estimate(plan, places, sink);
    unserved_models(plan, places, sink);
    never_fits(plan, places, sink);
    warn_limits::check(plan, places.providers, sink);
    overload(plan, places, sink);
    for (expectation, span) in expectations {
        empty_window(plan, expectation, *span, sink);
        cannot_fail(expectation, *span, sink);
        tight_tolerance(plan, expectation, *span, sink);
    }
}

/// Where the parts of the plan were written.
pub(super) struct Places<'p> {
    pub(super) load: &'p load::Decoded,
    pub(super) providers: &'p [provider::Decoded],
    pub(super) strategy: Span,
    pub(super) output_estimate: Span,
}

fn ignored_weights(plan: &Plan, places: &Places<'_>, sink: &mut Sink) {
    let strategy = plan.engine.strategy;
    let mut weights = plan.engine.providers.iter().filter_map(|provider| provider.weight);
    let first = weights.next();
    if strategy.info().weighted || !weights.any(|weight| Some(weight) != first) {
        return;
    }
    if let Some(span) = places.providers.iter().find_map(|provider| provider.weight_span) {
        let other = sink.locate(places.strategy);
        let weighted = match strategy {
            Strategy::RoundRobin => "`weighted-round-robin` follows them",
            Strategy::Random => "`weighted-random` follows them",
            _ => "choose a weighted strategy, or leave them out",
        };
        sink.warning(span, "ignored-weights", format!("`{strategy}` ignores weights")).also(other, "the strategy").help(weighted);
    }
}

fn missing_sessions(plan: &Plan, places: &Places<'_>, sink: &mut Sink) {
    let in_trace = matches!(&plan.load.source, Source::Trace { rows, .. } if rows.iter().any(|row| row.session.is_some()));
    if plan.engine.strategy == Strategy::ConsistentHash && plan.load.sessions.is_none() && !in_trace {
        sink.warning(places.strategy, "no-sessions", "`consistent-hash` without sessions hashes the request id: no request meets its like")
            .help("add `sessions = { count = 1000, skew = 1.1 }` to [load]");
    }
}

fn ignored_estimate(plan: &Plan, places: &Places<'_>, sink: &mut Sink) {
    let learns = plan.engine.output_estimate != OutputEstimate::MaxTokens;
    if learns && !plan.engine.providers.iter().any(|provider| provider.limits.charge == Charge::Actual) {
        let message = "no provider is known to charge what an answer used: `max_tokens` stays reserved everywhere";
        sink.warning(places.output_estimate, "ignored-estimate", message)
            .help("say `charge = \"actual\"` in the `limits` of providers that do, or leave `output_estimate` out");
    }
}

fn unserved_models(plan: &Plan, places: &Places<'_>, sink: &mut Sink) {
    for model in plan.load.classes.iter().filter_map(|class| class.model.as_deref()) {
        let providers = &plan.engine.providers;
        if !providers.iter().any(|provider| serves(provider, Some(model))) {
            let near = nearest(model, providers.iter().flat_map(|provider| provider.models.iter().map(String::as_str)));
            sink.warning(places.load.source_span, "unserved-model", format!("no provider serves the model `{model}` of a class"))
                .label("this load asks for it")
                .suggest(near)
                .help("all its requests will be shed: list the model in a provider's `models`");
        }
    }
}

fn serves(provider: &ProviderConfig, model: Option<&str>) -> bool {
    model.is_none_or(|model| provider.models.is_empty() || provider.models.iter().any(|served| served == model))
}

/// A `max_tokens` that alone is more than every provider's limits hold: each request is refused for ever.
fn never_fits(plan: &Plan, places: &Places<'_>, sink: &mut Sink) {
    let learns = plan.engine.output_estimate != OutputEstimate::MaxTokens;
    let holds = |provider: &ProviderConfig, output| {
        let fits = |mut ledger: Ledger| ledger.free_at(Nanos::ZERO, Cost { input: 0, output }) != FreeAt::Never;
        learns && provider.limits.charge == Charge::Actual || Ledger::new(&provider.limits).is_ok_and(fits)
    };
    for class in plan.load.classes.iter().filter(|_| plan.engine.quota) {
        let Some(most) = class.max_tokens else { continue };
        let mut serving = plan.engine.providers.iter().filter(|provider| serves(provider, class.model.as_deref())).peekable();
        if serving.peek().is_some() && !serving.any(|provider| holds(provider, most.into())) {
            let message = format!("`max_tokens` of {most} is more than the limits of any provider ever hold: nothing can be sent");
            sink.warning(places.load.source_span, "never-fits", message)
                .label("all of this load asks for it, or a class of it")
                .help("lower it, or raise `tpm`, `otpm` or `period`; where `charge = \"actual\"`, `output_estimate = \"p95\"` helps too");
            return;
        }
    }
}

/// Offered requests above what the per-minute limits of all providers admit; members of a quota group count once.
fn overload(plan: &Plan, places: &Places<'_>, sink: &mut Sink) {
    let Source::Open(open) = &plan.load.source else { return };
    let output = |class: &Class| class.max_tokens.map_or(f64::INFINITY, f64::from).min(class.output.mean());
    let tokens = (plan.load.mean(|class| class.input.mean()), plan.load.mean(output));
    let mut groups: Vec<&str> = Vec::new();
    let mut quota = 0.0;
    for provider in &plan.providers {
        if let Some(group) = provider.quota_group.as_deref() {
            if groups.contains(&group) {
                continue;
            }
            groups.push(group);
        }
        let Some(admitted) = admitted(&provider.limits, tokens) else { return };
        quota += admitted;
    }
    if open.rate > quota {
        let message = format!("the offered load of {}/s is above what all limits together admit, {}/s", brief(open.rate), brief(quota));
        sink.warning(places.load.source_span, "overload", message)
            .help("no balancer can serve it all: the rest is shed, waits, or is answered 429");
    }
}

/// Requests per second of a mean size (input, output tokens) that the per-minute limits admit; `None`: any number.
fn admitted(limits: &Limits, (input, output): (f64, f64)) -> Option<f64> {
    let each = [(limits.rpm, 1.0), (limits.tpm, input + output), (limits.itpm, input), (limits.otpm, output)];
    let rates = each.into_iter().filter(|(_, cost)| *cost > 0.0).filter_map(|(limit, cost)| Some(limit? / 60.0 / cost));
    rates.reduce(f64::min)
}

/// A window in which no measured request can arrive gives no data.
fn empty_window(plan: &Plan, expectation: &Expectation, span: Span, sink: &mut Sink) {
    let Some(window) = &expectation.during else { return };
    let warmup = plan.load.warmup;
    let end = if let End::Duration(duration) = plan.load.end { warmup + duration } else { Nanos::MAX };
    let reason = if window.until <= warmup {
        format!("it ends within the warm-up of {warmup}")
    } else if window.from >= end {
        format!("it begins when arrivals have ended, at {end}")
    } else {
        return;
    };
    sink.warning(span, "empty-window", format!("no measured request arrives in `{}`: {reason}", window.label))
        .help("times count from the start of the run, warm-up included");
}

fn cannot_fail(expectation: &Expectation, span: Span, sink: &mut Sink) {
    let top = match expectation.metric {
        // After a warm-up, or in a window, what a quota has saved before may be used, too.
        Metric::QuotaUtilization => f64::INFINITY,
        metric if metric.unit() == Unit::Ratio => 1.0,
        _ => f64::INFINITY,
    };
    let (low, high) = match expectation.want {
        Want::Target { target, tolerance } => (target - tolerance, target + tolerance),
        Want::Range { min, max } => (min.unwrap_or(0.0), max.unwrap_or(top)),
    };
    if low <= 0.0 && high >= top {
        sink.warning(span, "cannot-fail", "this expectation cannot fail: it accepts every possible value").help("narrow it, or remove it");
    }
}

/// Of random draws the gate judges shares as an equivalence test (see [`chance`]), which takes draws.
fn tight_tolerance(plan: &Plan, expectation: &Expectation, span: Span, sink: &mut Sink) {
    let random = chance::draws(plan.engine.strategy);
    let (Metric::Share, Want::Target { target, tolerance }, true) = (expectation.metric, expectation.want, random) else { return };
    let Some(draws) = draws(plan, expectation).filter(|draws| *draws >= 1.0) else { return };
    let providers = plan.providers.len();
    let needed = chance::needed(target, tolerance, providers);
    if needed.is_none_or(|needed| needed as f64 > draws) {
        // Half of the width goes to the test, half to chance: see `chance::needed`.
        let enough = tolerance * (needed.map_or(f64::INFINITY, |needed| needed as f64) / draws).sqrt();
        let enough = if enough.is_finite() { enough } else { 2.0 * chance::share_by_chance(target, draws) };
        let more = needed.map_or_else(String::new, |needed| format!(", or measure about {needed} requests"));
        let message = format!("a tolerance of {} % is finer than chance allows for about {draws:.0} requests", brief(tolerance * 100.0));
        sink.warning(span, "tight-tolerance", message)
            .help(format!("a correct balancer would often be left undecided (exit 3): allow about {} %{more}", brief(enough * 100.0)));
    }
}

/// About how many requests the expectation looks at; `None` where that depends on the run.
fn draws(plan: &Plan, expectation: &Expectation) -> Option<f64> {
    let share = expectation.class.and_then(|class| plan.load.classes.get(class)).map_or(1.0, |class| class.share);
    let rate = match &plan.load.source {
        Source::Open(open) if open.stages.is_empty() && open.bursts.is_empty() => Some(open.rate),
        _ => None,
    };
    let measured = match (plan.load.end, &plan.load.source) {
        (End::Requests(requests), _) => Some(requests as f64),
        (End::Duration(duration), _) => rate.map(|rate| rate * duration.as_secs_f64()),
        (End::Trace, Source::Trace { rows, .. }) => Some(rows.len() as f64),
        (End::Trace, _) => None,
    };
    let Some(window) = &expectation.during else { return measured.map(|measured| measured * share) };
    let end = if let End::Duration(duration) = plan.load.end { plan.load.warmup + duration } else { Nanos::MAX };
    let length = window.until.min(end).since(window.from.max(plan.load.warmup));
    let within = rate? * length.as_secs_f64();
    Some(measured.map_or(within, |measured| within.min(measured)) * share)
}

/// At most three significant decimals.
fn brief(value: f64) -> String {
    let text = format!("{value:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

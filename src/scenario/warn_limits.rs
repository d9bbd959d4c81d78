//! Limits that are valid but hardly meant.

use crate::drive::plan::Plan;
use crate::engine::limit::{Cost, FreeAt, Ledger, Limits};
use crate::time::Nanos;
use crate::world::spec::Source;

use super::provider::Decoded;
use super::sink::Sink;
use super::tree::Span;

/// Warns about the limits of each provider.
pub(super) fn check(plan: &Plan, providers: &[Decoded], sink: &mut Sink) {
    for provider in providers {
        let (name, limits) = (&provider.truth.name, &provider.truth.limits);
        if provider.truth.background > 0.0 && is_unlimited(limits) && provider.truth.quota_group.is_none() {
            sink.warning(provider.span, "never-binds", format!("`background` of `{name}` uses up no limit: it has none"))
                .help("add `limits`, or leave it out");
        }
        let Some(span) = provider.limits_span else { continue };
        if is_unlimited(limits) {
            sink.warning(span, "never-binds", format!("these `limits` of `{name}` limit nothing"))
                .help("add one: `rpm`, `rpd`, `tpm`, `itpm`, `otpm`, `tpd`, `ramp` or `max_concurrency`");
        }
        for (key, tighter) in never_bind(limits) {
            sink.warning(span, "never-binds", format!("`{key}` of `{name}` never binds: `{tighter}` is used up before"))
                .help(format!("raise `{tighter}`, or leave `{key}` out"));
        }
        never_fits(plan, provider, span, sink);
    }
}

/// A provider whose limits do not hold the mean input of any class it serves is never used.
fn never_fits(plan: &Plan, provider: &Decoded, span: Span, sink: &mut Sink) {
    let serves = |model: Option<&str>| {
        model.is_none_or(|model| provider.belief.models.is_empty() || provider.belief.models.iter().any(|served| served == model))
    };
    let inputs = plan.load.classes.iter().filter(|class| serves(class.model.as_deref())).map(|class| class.input.mean());
    let Some(least) = inputs.reduce(f64::min).filter(|_| !matches!(plan.load.source, Source::Trace { .. })) else { return };
    let cost = Cost { input: least as u64, output: 0 };
    if Ledger::new(&provider.truth.limits).is_ok_and(|mut ledger| ledger.free_at(Nanos::ZERO, cost) == FreeAt::Never) {
        let name = &provider.truth.name;
        let message = format!("the limits of `{name}` never hold the mean input of this load, {least:.0} tokens");
        sink.warning(span, "never-fits", message).help("raise `tpm`, `itpm` or `period`: one period's worth is what a limit holds at once");
    }
}

fn is_unlimited(limits: &Limits) -> bool {
    Ledger::new(limits).is_ok_and(|ledger| ledger.is_unlimited()) && limits.ramp.is_none()
}

/// Limits that others make pointless: a day's that is no more than a minute's, a part's that is no less than the whole's.
fn never_bind(limits: &Limits) -> impl Iterator<Item = (&'static str, &'static str)> {
    let pairs = [
        ("rpm", limits.rpm, "rpd", limits.rpd),
        ("tpm", limits.tpm, "tpd", limits.tpd),
        ("itpm", limits.itpm, "tpm", limits.tpm),
        ("otpm", limits.otpm, "tpm", limits.tpm),
    ];
    // A slice of a minute holds less than the minute says.
    let sliced = limits.period.is_some() || limits.request_period.is_some() || limits.burst.is_some();
    let pairs = pairs.into_iter().filter(move |(_, _, tighter, _)| !sliced || *tighter == "tpm");
    let beaten = pairs.filter(|(_, loose, _, tight)| loose.zip(*tight).is_some_and(|(loose, tight)| loose >= tight));
    beaten.map(|(loose, _, tight, _)| (loose, tight))
}

//! All providers together: weights, quota groups.

use crate::engine::config::PROVIDERS_MAX;
use crate::world::spec::Visibility;

use super::names::Names;
use super::provider::{self, Decoded, known_limits};
use super::sink::Sink;
use super::tree::{Node, Span};

/// Reads every `[[provider]]` and checks what concerns several of them. `root` is where a missing one is reported.
pub(super) fn decode(nodes: &[Node], present: bool, root: Span, names: &mut Names, sink: &mut Sink) -> Vec<Decoded> {
    if nodes.is_empty() && !present {
        sink.error(root, "no-provider", "the scenario has no provider")
            .help("add at least one:\n[[provider]]\nname = \"alpha\"\nlatency = \"250ms\"");
    }
    if let Some(beyond) = nodes.get(PROVIDERS_MAX) {
        sink.error(beyond.span, "out-of-range", format!("{} providers; at most {PROVIDERS_MAX} are supported", nodes.len()));
    }
    let mut pool: Vec<Decoded> = nodes.iter().take(PROVIDERS_MAX).filter_map(|node| provider::decode(node, names, sink)).collect();
    check_weights(&pool, sink);
    share_quotas(&mut pool, sink);
    pool
}

/// All have a weight, or none.
fn check_weights(pool: &[Decoded], sink: &mut Sink) {
    let given = pool.iter().find_map(|provider| provider.weight_span);
    let without: Vec<&Decoded> = pool.iter().filter(|provider| provider.weight_span.is_none()).collect();
    let (Some(given), Some(first)) = (given, without.first()) else { return };
    let other = sink.locate(given);
    let more = if without.len() > 1 { format!(" and {} more", without.len() - 1) } else { String::new() };
    sink.error(first.span, "mixed-weights", format!("`{}`{more} has no `weight`, others have one", first.truth.name))
        .also(other, "a weight is given here")
        .help("give every provider a weight, or none (then all are equal)");
}

/// What the balancer sees of the one quota of a group: what a member states holds for all.
fn visibility(pool: &[Decoded], members: &[usize], group: &str, sink: &mut Sink) -> Visibility {
    let mut stated = members.iter().filter_map(|member| Some((pool[*member].truth.visibility, pool[*member].visibility_span?)));
    let Some((visibility, first)) = stated.next() else { return pool[members[0]].truth.visibility };
    let first = sink.locate(first);
    for (_, span) in stated.filter(|(other, _)| *other != visibility) {
        sink.error(span, "conflict", format!("the limits of the quota group `{group}` are seen in two different ways"))
            .also(first.clone(), "stated here")
            .help("the members share one quota: state its `visibility` once, at one of them");
    }
    visibility
}

/// Gives all members of a quota group the limits that one of them states.
fn share_quotas(pool: &mut [Decoded], sink: &mut Sink) {
    for first in 0..pool.len() {
        let Some(group) = pool[first].truth.quota_group.clone() else { continue };
        let members: Vec<usize> = (0..pool.len()).filter(|member| pool[*member].truth.quota_group.as_ref() == Some(&group)).collect();
        if members[0] != first {
            continue;
        }
        if members.len() == 1 {
            sink.error(pool[first].group_span, "lonely-group", format!("the quota group `{group}` has one member"))
                .help("name the same group in the other provider, or leave the key out");
        }
        let with = |span: fn(&Decoded) -> Option<Span>| members.iter().copied().filter(|member| span(&pool[*member]).is_some()).collect();
        // What a table says explicitly overrides what profiles say, in a group too.
        let explicit: Vec<usize> = with(|member| member.limits_span);
        let stated = if explicit.is_empty() { with(|member| member.profile_span) } else { explicit };
        let Some((&source, others)) = stated.split_first() else {
            let span = pool[first].group_span;
            sink.error(span, "missing-key", format!("no member of the quota group `{group}` states its limits"))
                .help("add `limits = { rpm = … }` to one of them");
            continue;
        };
        let limits = pool[source].truth.limits.clone();
        for &other in others.iter().filter(|other| pool[**other].truth.limits != limits) {
            let span_of = |member: &Decoded| member.limits_span.or(member.profile_span);
            let stated = span_of(&pool[source]).map(|span| sink.locate(span));
            let span = span_of(&pool[other]).unwrap_or(pool[other].span);
            let report = sink
                .error(span, "conflict", format!("the quota group `{group}` has two different limits"))
                .help("the members share one quota: state it once, as `limits` of one of them");
            if let Some(stated) = stated {
                report.also(stated, "stated here");
            }
        }
        let visibility = visibility(pool, &members, &group, sink);
        let declared = members.iter().find_map(|member| pool[*member].declared.clone());
        for member in members {
            pool[member].truth.limits = limits.clone();
            pool[member].truth.visibility = visibility;
            pool[member].belief.limits = known_limits(&pool[member].truth, declared.as_ref());
        }
    }
}

//! `[[load.class]]`: the kinds of request, and what the load says of all of them.

use crate::time::Nanos;
use crate::world::dist::Dist;
use crate::world::spec::Class;

use super::distribution;
use super::keys;
use super::names::Names;
use super::provider::error_status;
use super::reader::{Fields, count32, name, string};
use super::sink::Sink;
use super::tree::{Node, Span, Value};
use super::units::{duration, positive_duration, ratio};

/// Tokens of a request unless the scenario says otherwise.
const INPUT_TOKENS: f64 = 400.0;
const OUTPUT_TOKENS: f64 = 180.0;

/// What classes take from the load unless they say otherwise.
struct Common {
    input: Dist,
    output: Dist,
    max_tokens: Option<u32>,
    timeout: Option<Nanos>,
}

/// All classes of the load; without any `[[load.class]]` a single one without a name.
pub(super) fn decode_all(load: &Fields<'_>, names: &mut Names, sink: &mut Sink) -> Vec<Class> {
    let none = Common { input: Dist::Fixed(INPUT_TOKENS), output: Dist::Fixed(OUTPUT_TOKENS), max_tokens: None, timeout: None };
    let common = common(load, &none, sink);
    let nodes = load.tables("class", "[[load.class]]", sink);
    let read: Vec<(Class, Share)> = nodes.iter().filter_map(|node| decode(node, &common, names, sink)).collect();
    if nodes.is_empty() {
        return vec![Class {
            name: None,
            model: None,
            share: 1.0,
            priority: 0,
            deadline: None,
            cancel: 0.0,
            poison: 0.0,
            poison_status: None,
            timeout: common.timeout,
            input: common.input,
            output: common.output,
            max_tokens: common.max_tokens,
        }];
    }
    let complete = read.len() == nodes.len();
    shares(read, complete, sink)
}

/// Tokens and timeout of `fields`, falling back to `base`.
fn common(fields: &Fields<'_>, base: &Common, sink: &mut Sink) -> Common {
    let (input, output) = match fields.read("tokens", sink, |node, sink| Fields::of(node, "`tokens`", keys::TOKENS, sink)) {
        Some(tokens) => (tokens.read("input", sink, distribution::tokens), tokens.read("output", sink, distribution::tokens)),
        None => (None, None),
    };
    Common {
        input: input.unwrap_or_else(|| base.input.clone()),
        output: output.unwrap_or_else(|| base.output.clone()),
        max_tokens: fields.read("max_tokens", sink, max_tokens).unwrap_or(base.max_tokens),
        timeout: fields.read("timeout", sink, positive_duration).or(base.timeout),
    }
}

/// A count, or `"unlimited"`.
fn max_tokens(node: &Node, sink: &mut Sink) -> Option<Option<u32>> {
    match &node.value {
        Value::Str(text) if text == "unlimited" => Some(None),
        _ => count32(node, 0, 1_000_000_000, sink).map(Some),
    }
}

/// The share as written.
#[derive(Clone, Copy)]
enum Share {
    Absent(Span),
    Given(Span, f64),
    Unreadable,
}

fn decode(node: &Node, common_of_load: &Common, names: &mut Names, sink: &mut Sink) -> Option<(Class, Share)> {
    let fields = Fields::of(node, "[[load.class]]", keys::CLASS, sink)?;
    let name = fields.require("name", "`name = \"interactive\"`", sink, name);
    names.add(name.as_deref(), fields.node("name"), "class", sink);
    let share = match (fields.has("share"), fields.read("share", sink, ratio)) {
        (false, _) => Share::Absent(fields.span),
        (true, Some(value)) => Share::Given(fields.key_span("share"), value),
        (true, None) => Share::Unreadable,
    };
    let common = common(&fields, common_of_load, sink);
    let class = Class {
        name,
        model: fields.read("model", sink, string),
        share: 0.0,
        priority: fields.read("priority", sink, |node, sink| count32(node, 0, u32::MAX, sink)).unwrap_or(0),
        deadline: fields.read("deadline", sink, duration),
        cancel: fields.read("cancel", sink, ratio).unwrap_or(0.0),
        poison: fields.read("poison", sink, ratio).unwrap_or(0.0),
        poison_status: poison_status(&fields, sink),
        timeout: common.timeout,
        input: common.input,
        output: common.output,
        max_tokens: common.max_tokens,
    };
    Some((class, share))
}

/// How poison requests fail; without any it would say nothing.
fn poison_status(fields: &Fields<'_>, sink: &mut Sink) -> Option<u16> {
    if fields.has("poison_status") && !fields.has("poison") {
        sink.error(fields.key_span("poison_status"), "conflict", "`poison_status` without `poison`")
            .help("say how many fail: `poison = \"1%\"`");
    }
    fields.read("poison_status", sink, error_status)
}

/// Fills in the shares: all given and summing to one, or all absent and equal.
fn shares(read: Vec<(Class, Share)>, complete: bool, sink: &mut Sink) -> Vec<Class> {
    let equal = 1.0 / read.len().max(1) as f64;
    let first_given = read.iter().find_map(|(_, share)| if let Share::Given(span, _) = share { Some(*span) } else { None });
    let first_absent = read.iter().find_map(|(_, share)| if let Share::Absent(span) = share { Some(*span) } else { None });
    let unreadable = !complete || read.iter().any(|(_, share)| matches!(share, Share::Unreadable));
    let sum: f64 = read.iter().map(|(_, share)| if let Share::Given(_, value) = share { *value } else { 0.0 }).sum();
    match (first_given, first_absent) {
        (Some(given), Some(absent)) => {
            let other = sink.locate(given);
            sink.error(absent, "bad-shares", "some classes have a `share` and this one has none")
                .also(other, "a share is given here")
                .help("give all classes a share, or none (then all are equal)");
        }
        // Shares written with a few decimals, such as thirds, may miss one by a little.
        (Some(given), None) if !unreadable && (sum - 1.0).abs() > 1e-6 => {
            sink.error(given, "bad-shares", format!("the shares of the classes sum to {:.6} %, not to 100 %", sum * 100.0))
                .help("change them so that they sum to 100 %");
        }
        _ => {}
    }
    read.into_iter()
        .map(|(class, share)| Class { share: if let Share::Given(_, value) = share { value / sum } else { equal }, ..class })
        .collect()
}

//! `--set KEY=VALUE`: a change of the tree before it is read.

use super::diagnostic::Source;
use super::nearest::{list, nearest};
use super::sink::Sink;
use super::syntax;
use super::tree::{Entry, Node, Span, Table, Value};

/// Deeper than any key of a scenario.
const SEGMENTS_MAX: usize = 16;

/// Keys that hold arrays of tables: their members are never created.
const ARRAYS: [&str; 6] = ["provider", "event", "expect", "class", "stage", "burst"];

/// One part of a dotted key.
struct Segment {
    text: String,
    span: Span,
}

/// Applies `KEY=VALUE` to the tree. KEY is a dotted path, members of arrays of tables by their `name` (those that have
/// none by position, from 0); parts that hold a dot or an equals sign stand in quotes. VALUE is read as TOML, else as
/// a plain string.
pub(super) fn apply(root: &mut Node, argument: &str, sink: &mut Sink) {
    let source = sink.add_source(Source::new("--set", argument));
    let Some((path, value_start)) = split(argument, source, sink) else { return };
    let text = &argument[value_start..];
    let start = value_start + (text.len() - text.trim_start().len());
    let value = syntax::value(source, start..start + text.trim().len(), sink);
    place(root, &path, value, sink);
}

/// Replaces a value by a flag of its own, such as `--seed 7`.
pub(super) fn replace(root: &mut Node, flag: &'static str, path: &[&str], value: Value, text: &str, sink: &mut Sink) {
    let source = sink.add_source(Source::new(flag, text));
    let span = Span { source, start: 0, end: text.len() };
    let path: Vec<Segment> = path.iter().map(|part| Segment { text: (*part).to_owned(), span }).collect();
    place(root, &path, Node { value, span }, sink);
}

/// The path before the equals sign, and where the value begins.
fn split(argument: &str, source: usize, sink: &mut Sink) -> Option<(Vec<Segment>, usize)> {
    let mut path = Vec::new();
    let mut start = 0;
    loop {
        let rest = &argument[start..];
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''));
        let (text, end) = match quote.and_then(|quote| Some((quote, rest[1..].find(quote)?))) {
            Some((_, length)) => (&rest[1..1 + length], start + length + 2),
            None => {
                let length = rest.find(['.', '=']).unwrap_or(rest.len());
                (rest[..length].trim(), start + length)
            }
        };
        let span = Span { source, start, end };
        let next = argument[end..].chars().next();
        if text.is_empty() || path.len() == SEGMENTS_MAX || !matches!(next, Some('.' | '=')) {
            sink.error(span, "bad-set", "expected KEY=VALUE").help("for example `--set load.rate=200/s` or `--set provider.beta.weight=4`");
            return None;
        }
        path.push(Segment { text: text.to_owned(), span });
        start = end + 1;
        if next == Some('=') {
            return Some((path, start));
        }
    }
}

/// Puts `value` at `path` below `node`.
fn place(node: &mut Node, path: &[Segment], value: Node, sink: &mut Sink) {
    let Some((first, rest)) = path.split_first() else {
        *node = value;
        return;
    };
    match &mut node.value {
        Value::Table(table) => place_in_table(table, first, rest, value, sink),
        Value::Array(items) => place_in_member(items, path, value, sink),
        Value::Invalid => {}
        other => {
            let kind = other.kind();
            sink.error(first.span, "bad-set", format!("`{}` would be a key of {kind}", first.text)).help("only a table has keys");
        }
    }
}

fn place_in_table(table: &mut Table, first: &Segment, rest: &[Segment], value: Node, sink: &mut Sink) {
    let entry = |node: Node| Entry { key: first.text.clone(), key_span: first.span, node };
    if rest.is_empty() {
        return table.insert(entry(value));
    }
    match table.entries.iter_mut().find(|entry| entry.key == first.text) {
        Some(entry) => place(&mut entry.node, rest, value, sink),
        None if ARRAYS.contains(&first.text.as_str()) => no_member(&[], rest, sink),
        None => {
            let mut created = Node { value: Value::Table(Table::default()), span: first.span };
            place(&mut created, rest, value, sink);
            table.insert(entry(created));
        }
    }
}

/// A name may hold dots (`gpt-4.1`): the longest run of parts that names a member counts.
fn place_in_member(items: &mut [Node], path: &[Segment], value: Node, sink: &mut Sink) {
    for taken in (1..=path.len()).rev() {
        let name = path[..taken].iter().map(|segment| segment.text.as_str()).collect::<Vec<_>>().join(".");
        if let Some(index) = items.iter().position(|item| name_of(item) == Some(&name)) {
            return place(&mut items[index], &path[taken..], value, sink);
        }
    }
    let position = path[0].text.parse::<usize>().ok().filter(|position| *position < items.len());
    match position.filter(|position| name_of(&items[*position]).is_none()) {
        Some(position) => place(&mut items[position], &path[1..], value, sink),
        None => {
            let names: Vec<String> = items.iter().filter_map(name_of).map(str::to_owned).collect();
            no_member(&names, path, sink);
        }
    }
}

fn name_of(node: &Node) -> Option<&str> {
    let Value::Table(table) = &node.value else { return None };
    match &table.get("name")?.node.value {
        Value::Str(name) => Some(name),
        _ => None,
    }
}

fn no_member(names: &[String], path: &[Segment], sink: &mut Sink) {
    let names = || names.iter().map(String::as_str);
    let wanted = &path[0];
    sink.error(wanted.span, "bad-set", format!("no member is called `{}`", wanted.text))
        .suggest(nearest(&wanted.text, names()))
        .help(format!("the names are {}", list(names())));
}

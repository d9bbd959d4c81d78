//! Typed reading of nodes: each function returns the value or reports one error.

use super::nearest::{list, nearest};
use super::sink::Sink;
use super::tree::{Entry, Node, Span, Table, Value};

/// A table whose keys have been checked against the valid ones.
#[derive(Clone, Copy)]
pub(super) struct Fields<'t> {
    /// The table's header, or the whole inline table.
    pub(super) span: Span,
    /// How the table is called in messages, e.g. `[load]`.
    what: &'static str,
    table: &'t Table,
    keys: &'static [&'static str],
}

impl<'t> Fields<'t> {
    /// Checks that `node` is a table and that all its keys are in `keys`.
    pub(super) fn of(node: &'t Node, what: &'static str, keys: &'static [&'static str], sink: &mut Sink) -> Option<Fields<'t>> {
        let Value::Table(table) = &node.value else {
            wrong_type(node, &format!("a table for `{what}`"), sink);
            return None;
        };
        for entry in table.entries.iter().filter(|entry| !keys.contains(&entry.key.as_str())) {
            unknown_key(entry, what, keys, sink);
        }
        Some(Fields { span: node.span, what, table, keys })
    }

    /// The entry of a key, if it is there.
    pub(super) fn entry(&self, key: &'static str) -> Option<&'t Entry> {
        debug_assert!(self.keys.contains(&key), "`{key}` is read from {} but not among its valid keys", self.what);
        self.table.get(key)
    }

    /// The value of a key, if it is there.
    pub(super) fn node(&self, key: &'static str) -> Option<&'t Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// Whether a key is there, readable or not.
    pub(super) fn has(&self, key: &'static str) -> bool {
        self.entry(key).is_some()
    }

    /// Whether it holds no key at all.
    pub(super) fn is_empty(&self) -> bool {
        self.table.entries.is_empty()
    }

    /// Where a key stands; the table if it does not.
    pub(super) fn key_span(&self, key: &'static str) -> Span {
        self.entry(key).map_or(self.span, |entry| entry.key_span)
    }

    /// Reads an optional key.
    pub(super) fn read<T>(&self, key: &'static str, sink: &mut Sink, read: impl FnOnce(&'t Node, &mut Sink) -> Option<T>) -> Option<T> {
        self.node(key).and_then(|node| read(node, sink))
    }

    /// Reads a required key; `example` shows how the line would look.
    pub(super) fn require<T>(
        &self,
        key: &'static str,
        example: &str,
        sink: &mut Sink,
        read: impl FnOnce(&'t Node, &mut Sink) -> Option<T>,
    ) -> Option<T> {
        if !self.has(key) {
            self.missing(key, example, sink);
        }
        self.read(key, sink, read)
    }

    /// Reports that a key is missing, unless an unknown key is it with a slip in its name: that was reported already, and one
    /// mistake is one error.
    pub(super) fn missing(&self, key: &str, example: &str, sink: &mut Sink) {
        let slips = self.table.entries.iter().filter(|entry| !self.keys.contains(&entry.key.as_str()));
        let mut meant = slips.filter_map(|entry| nearest(&entry.key, self.keys.iter().copied()));
        if meant.any(|meant| meant == key || example.contains(&format!("`{meant}"))) {
            return;
        }
        sink.error(self.span, "missing-key", format!("`{key}` is missing in {}", self.what)).help(format!("add {example}"));
    }

    /// The elements of an array of tables, e.g. `[[provider]]`; none if the key is absent.
    pub(super) fn tables(&self, key: &'static str, what: &'static str, sink: &mut Sink) -> &'t [Node] {
        match self.node(key) {
            None => &[],
            Some(Node { value: Value::Array(items), .. }) => items,
            Some(node) => {
                if !matches!(node.value, Value::Invalid) {
                    sink.error(node.span, "wrong-type", format!("expected {what} tables, found {}", node.value.kind()))
                        .help(format!("begin each one with a line `{what}`"));
                }
                &[]
            }
        }
    }
}

fn unknown_key(entry: &Entry, what: &str, keys: &[&'static str], sink: &mut Sink) {
    let (key, span) = (entry.key.as_str(), entry.key_span);
    let is_percentile = key.strip_prefix('p').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    if is_percentile && keys.contains(&"p99") {
        sink.error(span, "impossible-percentile", format!("a distribution is not given by `{key}`"))
            .help("a log-normal law is given by `p50` and `p99`");
        return;
    }
    let near = nearest(key, keys.iter().copied());
    let home = super::keys::home_of(key).filter(|_| near.is_none());
    let report = sink.error(span, "unknown-key", format!("unknown key `{key}` in {what}")).suggest(near);
    match (near, home) {
        (None, Some(home)) => drop_ref(report.help(format!("`{key}` belongs in {home}"))),
        (None, None) => drop_ref(report.help(format!("the keys are {}", list(keys.iter().copied())))),
        (Some(_), _) => {}
    }
}

/// Ends a chain of builder calls where a match needs `()`.
fn drop_ref<T>(_: &mut T) {}

/// Reports a value of the wrong type, unless it is unreadable (which has been reported).
pub(super) fn wrong_type(node: &Node, expected: &str, sink: &mut Sink) {
    if !matches!(node.value, Value::Invalid) {
        sink.error(node.span, "wrong-type", format!("expected {expected}, found {}", node.value.kind()));
    }
}

/// A string that is not empty.
pub(super) fn string(node: &Node, sink: &mut Sink) -> Option<String> {
    match &node.value {
        Value::Str(text) if text.trim().is_empty() => {
            sink.error(node.span, "out-of-range", "an empty text says nothing here");
            None
        }
        Value::Str(text) => Some(text.clone()),
        _ => {
            wrong_type(node, "a string", sink);
            None
        }
    }
}

/// A name: a string that is not empty and fits into a line of a table.
pub(super) fn name(node: &Node, sink: &mut Sink) -> Option<String> {
    let text = string(node, sink)?;
    if text.contains(char::is_control) {
        sink.error(node.span, "out-of-range", "a name is one line of text without control characters");
        return None;
    }
    Some(text)
}

/// `true` or `false`.
pub(super) fn boolean(node: &Node, sink: &mut Sink) -> Option<bool> {
    match node.value {
        Value::Bool(value) => Some(value),
        _ => {
            wrong_type(node, "`true` or `false`", sink);
            None
        }
    }
}

/// `"on"`, `"off"`, or a boolean.
pub(super) fn switch(node: &Node, sink: &mut Sink) -> Option<bool> {
    match &node.value {
        Value::Bool(value) => Some(*value),
        Value::Str(_) => word(node, "switch", &[("on", true), ("off", false)], sink),
        _ => {
            wrong_type(node, "\"on\" or \"off\"", sink);
            None
        }
    }
}

/// One of a few words.
pub(super) fn word<T: Copy>(node: &Node, what: &str, words: &[(&'static str, T)], sink: &mut Sink) -> Option<T> {
    let names = || words.iter().map(|(name, _)| *name);
    let Value::Str(text) = &node.value else {
        wrong_type(node, &format!("one of {}", list(names())), sink);
        return None;
    };
    let found = words.iter().find(|(name, _)| name == text);
    if found.is_none() {
        sink.error(node.span, "unknown-value", format!("unknown {what} `{text}`"))
            .suggest(nearest(text, names()))
            .help(format!("it is one of {}", list(names())));
    }
    found.map(|(_, value)| *value)
}

/// An array, each element read on its own.
pub(super) fn array<T>(node: &Node, of: &str, sink: &mut Sink, read: impl Fn(&Node, &mut Sink) -> Option<T>) -> Option<Vec<T>> {
    let Value::Array(items) = &node.value else {
        wrong_type(node, &format!("an array of {of}"), sink);
        return None;
    };
    if items.is_empty() {
        sink.error(node.span, "out-of-range", format!("an empty array of {of}")).help("leave the key out instead");
        return None;
    }
    Some(items.iter().filter_map(|item| read(item, sink)).collect())
}

/// A whole number in `low..=high`.
pub(super) fn count(node: &Node, low: u64, high: u64, sink: &mut Sink) -> Option<u64> {
    match node.value {
        Value::Int(value) => match u64::try_from(value) {
            Ok(value) if (low..=high).contains(&value) => Some(value),
            _ => {
                out_of_range(node, low as f64, high as f64, sink);
                None
            }
        },
        Value::Float(value) if value.is_finite() && value.fract() != 0.0 => {
            sink.error(node.span, "wrong-type", "expected a whole number");
            None
        }
        Value::Float(value) if value.is_infinite() => {
            out_of_range(node, low as f64, high as f64, sink);
            None
        }
        _ => {
            wrong_type(node, "a whole number without quotes", sink);
            None
        }
    }
}

/// As [`count`], for what is kept in 32 bits.
pub(super) fn count32(node: &Node, low: u32, high: u32, sink: &mut Sink) -> Option<u32> {
    count(node, u64::from(low), u64::from(high), sink).and_then(|value| u32::try_from(value).ok())
}

/// Any number as it stands, without a check.
pub(super) fn number(node: &Node, sink: &mut Sink) -> Option<f64> {
    match node.value {
        Value::Int(value) => Some(value as f64),
        Value::Float(value) => Some(value),
        _ => {
            wrong_type(node, "a number without quotes", sink);
            None
        }
    }
}

/// A number > 0 and ≤ `high`.
pub(super) fn positive(node: &Node, high: f64, sink: &mut Sink) -> Option<f64> {
    let value = number(node, sink)?;
    if value > 0.0 && value <= high {
        return Some(value);
    }
    above_zero(node, value, high, sink);
    None
}

/// A number ≥ 0 and ≤ `high`.
pub(super) fn non_negative(node: &Node, high: f64, sink: &mut Sink) -> Option<f64> {
    let value = number(node, sink)?;
    if value >= 0.0 && value <= high {
        return Some(value);
    }
    out_of_range(node, 0.0, high, sink);
    None
}

/// Reports a number that is not in (0, high].
pub(super) fn above_zero(node: &Node, value: f64, high: f64, sink: &mut Sink) {
    let message = if !value.is_finite() {
        "not a finite number".to_owned()
    } else if value <= 0.0 {
        "must be greater than 0".to_owned()
    } else {
        format!("larger than {}", plain(high))
    };
    sink.error(node.span, "out-of-range", message).help(format!("a number above 0, at most {}", plain(high)));
}

fn out_of_range(node: &Node, low: f64, high: f64, sink: &mut Sink) {
    sink.error(node.span, "out-of-range", format!("not in the range {} to {}", plain(low), plain(high)));
}

/// A bound as one would write it: grouped digits, no exponent up to 10^15.
fn plain(value: f64) -> String {
    if value.fract() != 0.0 || value.abs() >= 1e15 {
        return format!("{value:e}");
    }
    let digits = format!("{value:.0}");
    let mut grouped = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}

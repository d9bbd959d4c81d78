//! The scenario as a tree of values that know where they were written, whatever file or flag that was.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::sink::Sink;

/// A place: bytes `start..end` of a source of the [`Sink`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) source: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Span {
    pub(super) fn new(source: usize, range: Range<usize>) -> Span {
        Span { source, start: range.start, end: range.end }
    }
}

/// A value and its place. The place of a table with a header is the header.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) span: Span,
}

/// A TOML value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Array(Vec<Node>),
    Bool(bool),
    Datetime(String),
    Float(f64),
    Int(i128),
    /// Something with a syntax error in it, which has been reported: present, but without a value.
    Invalid,
    Str(String),
    Table(Table),
}

impl Node {
    /// Whether it is `[]`.
    pub(super) fn is_empty_array(&self) -> bool {
        matches!(&self.value, Value::Array(items) if items.is_empty())
    }
}

impl Value {
    /// What it is, with an article.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Value::Array(_) => "an array",
            Value::Bool(_) => "a boolean",
            Value::Datetime(_) => "a date",
            Value::Float(_) => "a number",
            Value::Int(_) => "an integer",
            Value::Invalid => "an unreadable value",
            Value::Str(_) => "a string",
            Value::Table(_) => "a table",
        }
    }
}

/// Keys and values in the order they were written.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) entries: Vec<Entry>,
}

/// One `key = value`.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Span,
    pub(super) node: Node,
}

impl Table {
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Replaces the value of a key, or appends it.
    pub(super) fn insert(&mut self, new: Entry) {
        match self.entries.iter_mut().find(|entry| entry.key == new.key) {
            Some(entry) => *entry = new,
            None => self.entries.push(new),
        }
    }
}

/// Deeper nesting than any scenario has; a bound for the recursions over the tree.
const DEPTH_MAX: usize = 32;

/// Turns toml's tree into ours.
pub(super) struct Conversion<'s> {
    pub(super) source: usize,
    /// Added to every offset: where the text begins within its source.
    pub(super) offset: usize,
    /// Places of syntax errors; a value that holds one is [`Value::Invalid`].
    pub(super) broken: &'s [Range<usize>],
}

impl Conversion<'_> {
    /// The root table, or any table with a header.
    pub(super) fn table(&self, table: &DeTable<'_>, sink: &mut Sink, depth: usize) -> Table {
        let mut entries: Vec<Entry> = table
            .iter()
            .filter(|(key, _)| !self.is_broken(&key.span()))
            .map(|(key, value)| Entry {
                key: key.get_ref().to_string(),
                key_span: self.span(key.span()),
                node: self.node(value.get_ref(), value.span(), sink, depth),
            })
            .collect();
        entries.sort_by_key(|entry| entry.key_span.start);
        Table { entries }
    }

    /// A value.
    pub(super) fn node(&self, value: &DeValue<'_>, range: Range<usize>, sink: &mut Sink, depth: usize) -> Node {
        let span = self.span(range.clone());
        // The parser puts a scalar without a place where it could not read the value, and no scalar is written in no letters.
        let made_up = range.is_empty() && !matches!(value, DeValue::Array(_) | DeValue::Table(_));
        if made_up || self.is_broken(&range) {
            return Node { value: Value::Invalid, span };
        }
        if depth == DEPTH_MAX {
            sink.error(span, "syntax", format!("nested more than {DEPTH_MAX} levels deep"));
            return Node { value: Value::Invalid, span };
        }
        let value = match value {
            DeValue::String(text) => Value::Str(text.to_string()),
            DeValue::Integer(integer) => match i128::from_str_radix(integer.as_str(), integer.radix()) {
                Ok(integer) => Value::Int(integer),
                // Beyond 128 bits only the magnitude matters: every range check refuses it.
                Err(_) => Value::Float(f64::INFINITY),
            },
            DeValue::Float(float) => Value::Float(float.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(boolean) => Value::Bool(*boolean),
            DeValue::Datetime(datetime) => Value::Datetime(datetime.to_string()),
            DeValue::Array(items) => {
                Value::Array(items.iter().map(|item| self.node(item.get_ref(), item.span(), sink, depth + 1)).collect())
            }
            DeValue::Table(table) => Value::Table(self.table(table, sink, depth + 1)),
        };
        Node { value, span }
    }

    fn is_broken(&self, range: &Range<usize>) -> bool {
        self.broken.iter().any(|broken| range.start <= broken.start && broken.start <= range.end)
    }

    fn span(&self, range: Range<usize>) -> Span {
        Span::new(self.source, range.start + self.offset..range.end + self.offset)
    }
}

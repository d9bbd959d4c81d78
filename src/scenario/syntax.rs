//! Text → tree, with one report per syntax error.

use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, DeValue};

use super::recovery;
use super::sink::Sink;
use super::tree::{Conversion, Node, Span, Value};

/// The message of toml for a bare word where a string is meant.
const UNQUOTED: &str = "string values must be quoted";
const DUPLICATE: &str = "duplicate key";

/// Parses the text of source `source`; what can be read is returned even where there are errors.
pub(super) fn parse(source: usize, sink: &mut Sink) -> Node {
    let shared = Arc::clone(sink.source(source));
    let text = shared.text.as_str();
    let (readable, mut errors) = recovery::unblock(text);
    let (table, rest) = DeTable::parse_recoverable(&readable);
    let table = table.into_inner();
    errors.extend(rest.iter().map(|error| Mistake::new(error, text)));
    errors.sort_by_key(|error| error.range.start);
    let broken: Vec<Range<usize>> = errors.iter().filter(|error| error.message != DUPLICATE).map(|error| error.range.clone()).collect();
    let mut line_before = None;
    let mut table_end = 0;
    for error in &errors {
        let line = shared.line(error.range.start);
        if error.message == DUPLICATE {
            // The keys of a table that is there twice are no mistakes of their own.
            if error.range.start >= table_end {
                error.report_duplicate(text, source, &table, sink);
                table_end = error.end_of_table(text);
            }
        } else if line_before != Some(line) {
            // A mistake confuses the parser up to the end of its line; only the first report of a line is to be trusted.
            line_before = Some(line);
            error.report(text, source, sink);
        }
    }
    let root = Conversion { source, offset: 0, broken: &broken }.table(&table, sink, 0);
    Node { value: Value::Table(root), span: Span { source, start: 0, end: 0 } }
}

/// Reads one value, as in `--set KEY=VALUE`: TOML where it is TOML, a plain string otherwise.
pub(super) fn value(source: usize, range: Range<usize>, sink: &mut Sink) -> Node {
    let shared = Arc::clone(sink.source(source));
    let text = &shared.text[range.clone()];
    let span = Span::new(source, range.clone());
    match DeValue::parse(text) {
        Ok(parsed) => {
            let conversion = Conversion { source, offset: range.start, broken: &[] };
            Node { span, ..conversion.node(parsed.get_ref(), parsed.span(), sink, 0) }
        }
        Err(_) => Node { value: Value::Str(text.to_owned()), span },
    }
}

/// A syntax error: toml's message, cut at what it expected.
pub(super) struct Mistake {
    pub(super) message: String,
    pub(super) expected: Option<String>,
    pub(super) range: Range<usize>,
}

impl Mistake {
    pub(super) fn new(error: &toml::de::Error, text: &str) -> Mistake {
        let range = error.span().unwrap_or(text.len()..text.len());
        match error.message().split_once(", expected ") {
            Some((message, expected)) => Mistake { message: message.to_owned(), expected: Some(expected.to_owned()), range },
            None => Mistake { message: error.message().to_owned(), expected: None, range },
        }
    }

    fn report(&self, text: &str, source: usize, sink: &mut Sink) {
        let span = Span::new(source, self.range.clone());
        if self.message == UNQUOTED && self.range.is_empty() {
            sink.error(span, "syntax", "a value is missing after `=`");
        } else if self.message == UNQUOTED {
            let written = text.get(self.range.clone()).unwrap_or_default();
            sink.error(span, "syntax", UNQUOTED).suggest(Some(format!("\"{written}\"")));
        } else {
            sink.incomplete = true;
            let report = sink.error(span, "syntax", self.message.clone());
            match self.expected.as_deref() {
                None | Some("nothing") => report.label("not allowed here"),
                Some(expected) => report.help(format!("expected {expected}")),
            };
        }
    }

    /// Where the table ends whose header this mistake stands in; where it stands, if it is in no header.
    fn end_of_table(&self, text: &str) -> usize {
        let start = text[..self.range.start].rfind('\n').map_or(0, |newline| newline + 1);
        if !text[start..].trim_start().starts_with('[') {
            return self.range.start;
        }
        text[self.range.end..].find("\n[").map_or(text.len(), |length| self.range.end + length)
    }

    fn report_duplicate(&self, text: &str, source: usize, table: &DeTable<'_>, sink: &mut Sink) {
        let written = text.get(self.range.clone()).unwrap_or_default();
        let first = first_key(table, written, self.range.start).map(|range| sink.locate(Span::new(source, range)));
        let span = Span::new(source, self.range.clone());
        let report = sink.error(span, "duplicate-key", format!("duplicate key `{written}`")).help("keep one of the two");
        if let Some(first) = first {
            report.also(first, "first given here");
        }
    }
}

/// Where the first of two equal keys stands: the last one before `offset` of that name.
fn first_key(table: &DeTable<'_>, key: &str, offset: usize) -> Option<Range<usize>> {
    let mut best: Option<Range<usize>> = None;
    let mut consider = |range: Range<usize>| {
        if range.start < offset && best.as_ref().is_none_or(|best| best.start < range.start) {
            best = Some(range);
        }
    };
    for (name, value) in table {
        if name.get_ref() == key {
            consider(name.span());
        }
        match value.get_ref() {
            DeValue::Array(items) => {
                items.iter().filter_map(|item| first_key(item.get_ref().as_table()?, key, offset)).for_each(&mut consider);
            }
            DeValue::Table(inner) => first_key(inner, key, offset).into_iter().for_each(&mut consider),
            _ => {}
        }
    }
    best
}

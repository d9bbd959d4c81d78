//! `--expect 'share(alpha)@down=50%±1%'`: an expectation on the command line, turned into the `[[expect]]` it stands for.
//!
//! The grammar is `METRIC(PROVIDER)[CLASS]@WINDOW OP VALUE`, of which all but metric, operator and value may be left out:
//! OP is `=` (with `±TOLERANCE` behind the value, `+-` on keyboards without the sign), `>=` or `<=`. Everything else, names
//! and units included, is checked by the reader of `[[expect]]`, with places in this argument.

use super::diagnostic::Source;
use super::sink::Sink;
use super::syntax;
use super::tree::{Entry, Node, Span, Table, Value};

/// The operators, longest first, with the key each stands for.
const OPERATORS: [(&str, &str); 6] = [(">=", "min"), ("<=", "max"), ("==", "target"), ("≥", "min"), ("≤", "max"), ("=", "target")];

/// Appends what `argument` asks to the expectations of the tree.
pub(super) fn apply(root: &mut Node, argument: &str, sink: &mut Sink) {
    let source = sink.add_source(Source::new("--expect", argument));
    let whole = Span::new(source, 0..argument.len());
    let Some(table) = (Text { source, text: argument }).table(sink) else { return };
    let node = Node { value: Value::Table(table), span: whole };
    let Value::Table(root) = &mut root.value else { return };
    match root.entries.iter_mut().find(|entry| entry.key == "expect").map(|entry| &mut entry.node.value) {
        Some(Value::Array(items)) => items.push(node),
        Some(_) => {}
        None => {
            let list = Node { value: Value::Array(vec![node]), span: whole };
            root.entries.push(Entry { key: "expect".to_owned(), key_span: whole, node: list });
        }
    }
}

/// The argument and its place among the sources.
#[derive(Clone, Copy)]
struct Text<'a> {
    source: usize,
    text: &'a str,
}

impl Text<'_> {
    fn table(self, sink: &mut Sink) -> Option<Table> {
        let mut table = Table::default();
        let subject_end = self.subject(&mut table, sink)?;
        let (operator, key) = self.operator(subject_end, sink)?;
        let value_start = subject_end + operator;
        let (value, tolerance) =
            match self.text[value_start..].find('±').map(|at| (at, '±'.len_utf8())).or_else(|| self.plus_minus(value_start)) {
                Some((at, length)) => (value_start..value_start + at, Some(value_start + at + length..self.text.len())),
                None => (value_start..self.text.len(), None),
            };
        self.value(&mut table, key, value, sink)?;
        match tolerance {
            Some(range) => self.value(&mut table, "tolerance", range, sink)?,
            // Equal means equal: the reader wants the tolerance said.
            None if key == "target" => {
                let span = Span::new(self.source, value_start..self.text.len());
                table.insert(Entry { key: "tolerance".to_owned(), key_span: span, node: Node { value: Value::Int(0), span } });
            }
            None => {}
        }
        Some(table)
    }

    /// Reads `METRIC(PROVIDER)[CLASS]@WINDOW`; the position of the operator.
    fn subject(self, table: &mut Table, sink: &mut Sink) -> Option<usize> {
        let metric = self.text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(self.text.len());
        if metric == 0 {
            return self.wrong(0..self.text.len(), "expected a metric", sink);
        }
        self.word(table, "metric", 0..metric);
        let mut at = metric;
        for (open, close, key) in [('(', ')', "provider"), ('[', ']', "class")] {
            at = self.skip_blanks(at);
            if self.text[at..].starts_with(open) {
                let Some(length) = self.text[at..].find(close) else {
                    return self.wrong(at..self.text.len(), &format!("expected `{close}` behind the name"), sink);
                };
                self.word(table, key, at + 1..at + length);
                at += length + 1;
            }
        }
        at = self.skip_blanks(at);
        if self.text[at..].starts_with('@') {
            let length = self.text[at..].find(['=', '<', '>', '≥', '≤']).unwrap_or(self.text.len() - at);
            self.word(table, "during", at + 1..at + length);
            at += length;
        }
        Some(at)
    }

    /// Its length and its key.
    fn operator(self, at: usize, sink: &mut Sink) -> Option<(usize, &'static str)> {
        let rest = &self.text[at..];
        match OPERATORS.iter().find(|(operator, _)| rest.starts_with(operator)) {
            Some((operator, key)) => Some((operator.len(), key)),
            None if rest.starts_with(['<', '>']) => self.wrong(at..at + 1, "both ends of a range are accepted: write `<=` or `>=`", sink),
            None => self.wrong(at..self.text.len(), "expected `=`, `<=` or `>=` here", sink),
        }
    }

    fn plus_minus(self, from: usize) -> Option<(usize, usize)> {
        ["+/-", "+-"].iter().find_map(|sign| Some((self.text[from..].find(sign)?, sign.len())))
    }

    fn value(self, table: &mut Table, key: &str, range: std::ops::Range<usize>, sink: &mut Sink) -> Option<()> {
        let start = range.start + (self.text[range.clone()].len() - self.text[range.clone()].trim_start().len());
        let end = start + self.text[start..range.end].trim_end().len();
        if start == end {
            return self.wrong(range.start.saturating_sub(1)..range.end, "a value is missing here", sink);
        }
        let node = syntax::value(self.source, start..end, sink);
        table.insert(Entry { key: key.to_owned(), key_span: node.span, node });
        Some(())
    }

    fn word(self, table: &mut Table, key: &str, range: std::ops::Range<usize>) {
        let text = self.text[range.clone()].trim().to_owned();
        let span = Span::new(self.source, range);
        table.insert(Entry { key: key.to_owned(), key_span: span, node: Node { value: Value::Str(text), span } });
    }

    fn skip_blanks(self, at: usize) -> usize {
        at + (self.text[at..].len() - self.text[at..].trim_start().len())
    }

    fn wrong<T>(self, range: std::ops::Range<usize>, message: &str, sink: &mut Sink) -> Option<T> {
        sink.error(Span::new(self.source, range), "bad-expect", message.to_owned()).help(
            "for example `--expect 'share(alpha)=50%±1%'`, `--expect 'success_ratio>=99%'` or `--expect 'latency_p99(beta)@down<=2s'`",
        );
        None
    }
}

//! Getting past the mistakes after which the TOML parser reads no further, or reads everything wrongly.
//!
//! toml recovers from many errors, but gives up after a key without a value, and a bracket that is never closed swallows
//! the rest of the file. What is to blame is blanked out, and the text parsed again: the other mistakes are then found in
//! the same pass. Offsets stay as they are.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use super::syntax::Mistake;

/// Errors after which toml reads no further.
const STOPS: [&str; 3] = ["key with no value", "unclosed table", "unclosed array table"];

/// Errors that may come from a bracket or a quote opened on an earlier line.
const UNCLOSED: [&str; 5] = [
    "unclosed array",
    "unclosed inline table",
    "missing key for inline table element",
    "invalid multi-line basic string",
    "invalid multi-line literal string",
];

/// More than anyone mends in one pass; a bound on the work.
const PASSES_MAX: usize = 50;

/// The text without what blocks the parser, and the errors that stood there.
pub(super) fn unblock(text: &str) -> (String, Vec<Mistake>) {
    let mut readable = text.to_owned();
    let mut errors = Vec::new();
    for _ in 0..PASSES_MAX {
        let (table, found) = DeTable::parse_recoverable(&readable);
        let block = found.iter().find_map(|error| block(Mistake::new(error, &readable), table.get_ref(), &readable));
        let Some((error, range)) = block else { break };
        let blank: String = readable[range.clone()].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }).collect();
        if readable[range.clone()] == blank {
            break;
        }
        readable.replace_range(range, &blank);
        errors.push(error);
    }
    (readable, errors)
}

/// What to report and what to blank out, if `error` blocks the rest of the text.
fn block(error: Mistake, table: &DeTable<'_>, text: &str) -> Option<(Mistake, Range<usize>)> {
    let message = error.message.as_str();
    if STOPS.contains(&message) {
        let start = line_start(text, error.range.start);
        let rest = &text[error.range.start..];
        // Without its header the keys of a table would belong to the table above: they go with it.
        let is_header = text[start..].trim_start().starts_with('[');
        let end = rest.find(if is_header { "\n[" } else { "\n" }).map_or(text.len(), |length| error.range.start + length);
        return Some((error, start..end));
    }
    if !UNCLOSED.contains(&message) {
        return None;
    }
    let value = outermost_value(table, error.range.start, text)?;
    let first_line = text[value.start..].find('\n').map(|length| value.start + length)?;
    if error.range.start <= first_line {
        return None;
    }
    let (what, closing) = match text.as_bytes()[value.start] {
        b'[' => ("array", "]"),
        b'{' => ("inline table", "}"),
        b'"' => ("string", "\"\"\""),
        _ => ("string", "'''"),
    };
    let end = next_key(text, first_line);
    let opening = value.start..value.start + 1;
    let error = Mistake { message: format!("unclosed {what}"), expected: Some(format!("`{closing}` at its end")), range: opening };
    Some((error, line_start(text, value.start)..end))
}

fn line_start(text: &str, offset: usize) -> usize {
    text[..offset].rfind('\n').map_or(0, |newline| newline + 1)
}

/// The first line end at or after `from` behind which a line begins like `key =` or `[header]`.
fn next_key(text: &str, from: usize) -> usize {
    let newlines = text[from..].match_indices('\n').map(|(length, _)| from + length);
    let begins = |newline: &usize| {
        let line = text[newline + 1..].lines().next().unwrap_or_default().trim_start();
        let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ');
        line.starts_with('[') || line.split_once('=').is_some_and(|(key, _)| !key.is_empty() && key.chars().all(bare))
    };
    newlines.into_iter().find(begins).unwrap_or(text.len())
}

/// The outermost array, inline table or multi-line string that holds `offset` or ends there. A table with a header does
/// not count: its span is the header.
fn outermost_value(table: &DeTable<'_>, offset: usize, text: &str) -> Option<Range<usize>> {
    table.values().find_map(|value| {
        let span = value.span();
        let holds = span.start < offset && offset <= span.end;
        match value.get_ref() {
            DeValue::Array(_) | DeValue::Table(_) if holds => Some(span),
            DeValue::String(_) if holds => text[span.start..].starts_with(['"', '\'']).then_some(span),
            DeValue::Array(items) => items.iter().find_map(|item| outermost_value(item.get_ref().as_table()?, offset, text)),
            DeValue::Table(inner) => outermost_value(inner, offset, text),
            _ => None,
        }
    })
}

//! What is wrong with a scenario, where, and what would be right.

use std::ops::Deref;
use std::sync::Arc;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing is wrong.
    Note,
    /// Valid, but hardly what was meant.
    Warning,
    /// The scenario cannot be run.
    Error,
}

/// A text that diagnostics point into: a scenario file, a `--set` argument, a line of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Path of the file, or the flag (`--set`).
    pub name: String,
    /// The text, or a part of it.
    pub text: String,
    /// Number of the first line of `text`, from 1.
    pub first_line: usize,
}

impl Source {
    /// A whole text.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Source {
        Source { name: name.into(), text: text.into(), first_line: 1 }
    }

    /// Line of a byte offset, from 1; an offset beyond the end is on the last line.
    pub fn line(&self, offset: usize) -> usize {
        self.first_line + self.before(offset).matches('\n').count()
    }

    /// Column of a byte offset in characters, from 1.
    pub fn column(&self, offset: usize) -> usize {
        let before = self.before(offset);
        before[before.rfind('\n').map_or(0, |newline| newline + 1)..].chars().count() + 1
    }

    /// The text before `offset`, which is moved down to a character boundary within the text.
    pub(super) fn before(&self, offset: usize) -> &str {
        let mut end = offset.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        &self.text[..end]
    }
}

/// A place in a source: bytes `start..end`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Location {
    /// Where.
    pub source: Arc<Source>,
    /// First byte.
    pub start: usize,
    /// First byte after it; equal to `start` for a place between two characters.
    pub end: usize,
}

impl Location {
    /// Line of the first byte, from 1.
    pub fn line(&self) -> usize {
        self.source.line(self.start)
    }

    /// Column of the first byte in characters, from 1.
    pub fn column(&self) -> usize {
        self.source.column(self.start)
    }
}

/// One mistake, warning or note.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// Stable kebab-case word, see [`CODES`](super::code::CODES).
    pub code: &'static str,
    /// What is wrong, as a lowercase fragment.
    pub message: String,
    /// Where; `None` when there is no text to point into (a file that cannot be read).
    pub location: Option<Location>,
    /// A few words at the caret.
    pub label: Option<String>,
    /// Other places that belong to it, with a few words each.
    pub related: Vec<(Location, String)>,
    /// What would be right.
    pub help: Option<String>,
    /// A text that would be right in place of the one at `location`.
    pub suggestion: Option<String>,
}

impl Diagnostic {
    /// An error without further detail.
    pub fn error(code: &'static str, message: impl Into<String>, location: Option<Location>) -> Diagnostic {
        Diagnostic {
            severity: Severity::Error,
            code,
            message: message.into(),
            location,
            label: None,
            related: Vec::new(),
            help: None,
            suggestion: None,
        }
    }

    /// With another severity.
    pub fn severity(&mut self, severity: Severity) -> &mut Diagnostic {
        self.severity = severity;
        self
    }

    /// With a few words at the caret.
    pub fn label(&mut self, label: impl Into<String>) -> &mut Diagnostic {
        self.label = Some(label.into());
        self
    }

    /// With another place that belongs to it.
    pub fn also(&mut self, location: Location, label: impl Into<String>) -> &mut Diagnostic {
        self.related.push((location, label.into()));
        self
    }

    /// With what would be right.
    pub fn help(&mut self, help: impl Into<String>) -> &mut Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// With a replacement for the text at the location, if there is a good one.
    pub fn suggest(&mut self, suggestion: Option<impl Into<String>>) -> &mut Diagnostic {
        self.suggestion = suggestion.map(Into::into);
        self
    }
}

/// All findings of one pass, in the order of the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// A single finding.
    pub fn one(diagnostic: Diagnostic) -> Diagnostics {
        Diagnostics(vec![diagnostic])
    }
}

impl Deref for Diagnostics {
    type Target = [Diagnostic];
    fn deref(&self) -> &[Diagnostic] {
        &self.0
    }
}

/// The plain rendering at 92 columns.
impl std::fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.render(false, super::render::WIDTH))
    }
}

impl std::error::Error for Diagnostics {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_characters_from_one() {
        let source = Source::new("x", "ab\nçd\n");
        // 'ç' takes two bytes, so that 'd' is byte 5 and column 2; an offset within 'ç' counts as its start.
        for (offset, line, column) in [(0, 1, 1), (2, 1, 3), (3, 2, 1), (4, 2, 1), (5, 2, 2), (7, 3, 1), (99, 3, 1)] {
            assert_eq!((source.line(offset), source.column(offset)), (line, column), "offset {offset}");
        }
    }
}

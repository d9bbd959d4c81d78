//! Where decoding puts what it finds: errors are collected, never thrown.

use std::sync::Arc;

use super::diagnostic::{Diagnostic, Diagnostics, Location, Severity, Source};
use super::tree::Span;

/// Collects the findings of one pass and knows the sources they point into.
#[derive(Debug, Default)]
pub(super) struct Sink {
    sources: Vec<Arc<Source>>,
    found: Vec<(Span, Diagnostic)>,
    /// Whether a syntax error may have swallowed keys or tables: then what seems to be missing probably is not.
    pub(super) incomplete: bool,
}

/// Findings that are no news while a syntax error hides a part of the file.
const ABSENCES: [&str; 5] = ["missing-key", "no-provider", "unknown-provider", "unknown-event", "unknown-class"];

impl Sink {
    /// Registers a text; spans refer to it by the returned index.
    pub(super) fn add_source(&mut self, source: Source) -> usize {
        self.sources.push(Arc::new(source));
        self.sources.len() - 1
    }

    pub(super) fn source(&self, index: usize) -> &Arc<Source> {
        &self.sources[index]
    }

    pub(super) fn locate(&self, span: Span) -> Location {
        Location { source: Arc::clone(&self.sources[span.source]), start: span.start, end: span.end }
    }

    /// Adds an error; details are chained on the returned diagnostic.
    pub(super) fn error(&mut self, span: Span, code: &'static str, message: impl Into<String>) -> &mut Diagnostic {
        let location = self.locate(span);
        self.push(span, Diagnostic::error(code, message, Some(location)))
    }

    /// Adds a warning.
    pub(super) fn warning(&mut self, span: Span, code: &'static str, message: impl Into<String>) -> &mut Diagnostic {
        self.error(span, code, message).severity(Severity::Warning)
    }

    /// Adds a ready diagnostic; `span` only orders it.
    pub(super) fn push(&mut self, span: Span, diagnostic: Diagnostic) -> &mut Diagnostic {
        let index = self.found.len();
        self.found.push((span, diagnostic));
        &mut self.found[index].1
    }

    /// Whether there is an error so far.
    pub(super) fn failed(&self) -> bool {
        self.found.iter().any(|(_, diagnostic)| diagnostic.severity == Severity::Error)
    }

    /// The findings in the order of the text, flags after the file.
    pub(super) fn finish(mut self) -> Diagnostics {
        let incomplete = self.incomplete;
        self.found.retain(|(_, diagnostic)| !(incomplete && ABSENCES.contains(&diagnostic.code)));
        self.found.sort_by_key(|(span, _)| (span.source, span.start));
        Diagnostics(self.found.into_iter().map(|(_, diagnostic)| diagnostic).collect())
    }
}

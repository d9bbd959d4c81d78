//! `trace = "file"`: reading it, and saying what is wrong with it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::world::spec::TraceRow;
pub(super) use crate::world::trace::{TraceError, read};

use super::diagnostic::{Diagnostic, Location, Source};
use super::reader::string;
use super::sink::Sink;
use super::tree::{Node, Value};

/// Reads the rows of a trace file.
pub(super) type Reader<'r> = dyn Fn(&Path) -> Result<Vec<TraceRow>, TraceError> + 'r;

/// Finds traces relative to the scenario, and reads them.
pub(super) struct Traces<'r> {
    /// Path of the scenario file.
    pub(super) scenario: &'r Path,
    /// Index of its source: paths written anywhere else are relative to the working directory.
    pub(super) file: usize,
    /// How a trace is read.
    pub(super) reader: &'r Reader<'r>,
}

impl Traces<'_> {
    /// Reads the trace that `node` names.
    pub(super) fn read(&self, node: &Node, sink: &mut Sink) -> Option<Arc<[TraceRow]>> {
        let written = string(node, sink)?;
        let path = self.resolve(&written, node.span.source);
        match (self.reader)(&path) {
            Ok(rows) if rows.is_empty() => {
                sink.error(node.span, "trace", format!("the trace {} has no requests", path.display()));
                None
            }
            Ok(rows) => Some(rows.into()),
            Err(error) => {
                let diagnostic = explain(error, sink.locate(node.span));
                sink.push(node.span, diagnostic);
                None
            }
        }
    }

    /// The file that `node` names.
    pub(super) fn path(&self, node: &Node) -> Option<PathBuf> {
        match &node.value {
            Value::Str(written) => Some(self.resolve(written, node.span.source)),
            _ => None,
        }
    }

    fn resolve(&self, written: &str, source: usize) -> PathBuf {
        let path = Path::new(written);
        match self.scenario.parent() {
            Some(folder) if source == self.file => folder.join(path),
            _ => path.to_owned(),
        }
    }
}

/// Points at the offending line of the trace, and at where the scenario names the trace.
fn explain(error: TraceError, named: Location) -> Diagnostic {
    let name = error.path.display().to_string();
    let Some(line) = error.line else {
        let mut diagnostic = Diagnostic::error("trace", format!("{}: {name}", error.what), Some(named));
        diagnostic.help(error.help);
        return diagnostic;
    };
    let text = line_of(&error.path, line).unwrap_or_default();
    let start = error.column.map_or(0, |column| usize::try_from(column.saturating_sub(1)).unwrap_or(usize::MAX));
    let source = Arc::new(Source { name, text, first_line: usize::try_from(line).unwrap_or(usize::MAX) });
    let start = source.before(start).len();
    let end = if error.column.is_some() { end_of_field(&source.text, start) } else { source.text.len() };
    let mut diagnostic = Diagnostic::error("trace", error.what, Some(Location { source, start, end }));
    diagnostic.also(named, "the trace is named here").help(error.help);
    diagnostic
}

/// End of the comma-separated field that begins at `start`.
fn end_of_field(line: &str, start: usize) -> usize {
    line[start..].find(',').map_or(line.len(), |length| start + length)
}

/// The longest line shown; a bound for files that are no traces at all.
const LINE_MAX: usize = 400;

/// Line `number` (from 1) of a file, cut to a sensible length.
fn line_of(path: &Path, number: u64) -> Option<String> {
    let mut reader = BufReader::new(std::fs::File::open(path).ok()?);
    let mut bytes = Vec::new();
    for _ in 0..number {
        bytes.clear();
        reader.read_until(b'\n', &mut bytes).ok()?;
    }
    let line = String::from_utf8_lossy(&bytes);
    Some(line.trim_end_matches(['\r', '\n']).chars().take(LINE_MAX).collect())
}

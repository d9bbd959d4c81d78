//! What is wrong with a trace file, and where.

use std::fmt;
use std::path::PathBuf;

/// Why a trace cannot be used. Displayed as `file:line:column: what; what would be right`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct TraceError {
    /// The file.
    pub path: PathBuf,
    /// From 1; `None` where no line is to blame (a missing file).
    pub line: Option<u64>,
    /// From 1, in bytes, where known (in a CSV line that quotes fields it is only near).
    pub column: Option<u64>,
    /// What is wrong.
    pub what: String,
    /// What would be right.
    pub help: String,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        for place in [self.line, self.column].into_iter().flatten() {
            write!(f, ":{place}")?;
        }
        write!(f, ": {}; {}", self.what, self.help)
    }
}

/// A [`TraceError`] before the path is known: the readers see lines, not files.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) line: Option<u64>,
    pub(super) column: Option<u64>,
    pub(super) what: String,
    pub(super) help: String,
}

impl Fault {
    pub(super) fn at(line: u64, what: impl Into<String>, help: impl Into<String>) -> Fault {
        Fault { line: Some(line), column: None, what: what.into(), help: help.into() }
    }

    pub(super) fn column(mut self, column: u64) -> Fault {
        self.column = Some(column);
        self
    }

    /// The file could not be read (further).
    pub(super) fn io(error: &std::io::Error) -> Fault {
        let help = match error.kind() {
            std::io::ErrorKind::NotFound => {
                "check the path: in a scenario it is relative to the scenario file, on the command line to the working directory"
            }
            std::io::ErrorKind::PermissionDenied => "make the file readable",
            _ => "a trace is a readable text file",
        };
        Fault { line: None, column: None, what: format!("cannot read the trace: {error}"), help: help.into() }
    }

    pub(super) fn not_text(line: u64) -> Fault {
        Fault::at(line, "the line is not UTF-8 text", "save the trace as plain UTF-8 text, not compressed")
    }
}

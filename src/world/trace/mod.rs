//! Reads recorded traffic. The format is recognised by content, not by name:
//!
//! | format | first line | a row |
//! |---|---|---|
//! | Azure LLM inference traces (Patel et al., "Splitwise", ISCA 2024) | `TIMESTAMP,ContextTokens,GeneratedTokens` | `2023-11-16 18:15:46.6805900,374,44` |
//! | Mooncake traces (Qin et al., "Mooncake", FAST 2025) | `{` | `{"timestamp": 0, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1]}` |
//! | our own | `arrival_s,input_tokens,output_tokens[,session]` | `0.25,400,180,alice` |
//!
//! Rows must be in order of time; times are counted from the first row. CRLF, a byte order mark and blank lines are
//! accepted. The file is read line by line: what stays in memory is one [`TraceRow`] a row.

mod azure;
mod error;
mod mooncake;
mod number;
mod spread;
mod table;

#[cfg(test)]
mod tests;

pub use self::error::TraceError;

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use self::error::Fault;
use self::table::Layout;
use crate::time::Nanos;
use crate::world::spec::TraceRow;

const KNOWN: &str = "known are `TIMESTAMP,ContextTokens,GeneratedTokens` (Azure LLM CSV), `arrival_s,input_tokens,output_tokens[,session]`, \
                     and Mooncake JSON Lines, whose first line begins with `{`";

/// Reads the trace at `path`: at least one row, in order of time, the first at 0.
///
/// # Errors
/// [`TraceError`]: the file is missing, empty, not text, in no known format, out of order, or a line of it is wrong.
pub fn read(path: &Path) -> Result<Vec<TraceRow>, TraceError> {
    let rows = File::open(path).map_err(|error| Fault::io(&error)).and_then(|file| read_from(BufReader::new(file)));
    rows.map_err(|Fault { line, column, what, help }| TraceError { path: path.to_path_buf(), line, column, what, help })
}

fn read_from(input: impl BufRead) -> Result<Vec<TraceRow>, Fault> {
    let mut lines = Lines { input, number: 0, text: Vec::new() };
    let Some(first) = lines.next()?.map(|line| line.trim_start_matches('\u{feff}').to_owned()) else {
        return Err(Fault { line: None, column: None, what: "the trace is empty".into(), help: KNOWN.into() });
    };
    if first.trim_start().starts_with('{') {
        return mooncake::read(first, lines);
    }
    let Some(layout) = Layout::of_header(&first) else {
        return Err(Fault::at(lines.number, format!("unknown header `{}`", shortened(&first)), KNOWN));
    };
    let rows = table::read(layout, lines.input, lines.number)?;
    if rows.is_empty() {
        return Err(Fault::at(lines.number, "the trace has a header and no rows", "give at least one request"));
    }
    Ok(rows)
}

/// The lines of a text that are not blank, without their ends, and which one it is.
struct Lines<R> {
    input: R,
    /// Number of the last line read, from 1.
    number: u64,
    text: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    fn next(&mut self) -> Result<Option<&str>, Fault> {
        loop {
            self.text.clear();
            if self.input.read_until(b'\n', &mut self.text).map_err(|error| Fault::io(&error))? == 0 {
                return Ok(None);
            }
            self.number += 1;
            if !self.text.trim_ascii().is_empty() {
                break;
            }
        }
        let text = std::str::from_utf8(&self.text).map_err(|_| Fault::not_text(self.number))?;
        Ok(Some(text.trim_end_matches(['\r', '\n'])))
    }
}

/// Rows as they are read: checks their order and counts times from the first.
#[derive(Default)]
struct Rows {
    rows: Vec<TraceRow>,
    /// Time of the first row, in the file's own reckoning.
    origin: i128,
}

impl Rows {
    /// A row at `nanos` of the file's own reckoning, read from `line`, where the time stands in `column`.
    fn push(&mut self, line: u64, column: Option<u64>, nanos: i128, row: TraceRow) -> Result<(), Fault> {
        if self.rows.is_empty() {
            self.origin = nanos;
        }
        let last = self.rows.last().map_or(Nanos::ZERO, |row| row.at);
        let fault = |what, help| Err(Fault { line: Some(line), column, what, help });
        match u64::try_from(nanos - self.origin).map(Nanos::new) {
            Ok(at) if at >= last => {
                self.rows.push(TraceRow { at, ..row });
                Ok(())
            }
            Err(_) if nanos > self.origin => fault("the row lies more than 584 years behind the first".into(), "check its time".into()),
            _ => fault("the row arrives before the one above it".into(), "sort the rows by time".into()),
        }
    }
}

/// The beginning of a text, for a message.
fn shortened(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST { text.to_owned() } else { text.chars().take(MOST).chain(['…']).collect() }
}

//! Traces as CSV: Azure's and our own.

use std::io::{self, BufRead, Read};

use csv::ByteRecord;
use xxhash_rust::xxh3::xxh3_64;

use super::error::Fault;
use super::number::{self, Refusal};
use super::{Rows, azure};
use crate::time::Nanos;
use crate::world::spec::TraceRow;

/// Which columns there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    Azure,
    Own,
    OwnWithSession,
}

impl Layout {
    const ALL: [Layout; 3] = [Layout::Azure, Layout::Own, Layout::OwnWithSession];

    /// The names have to be exact: a near miss is more likely another format than a typing error.
    pub(super) fn of_header(line: &str) -> Option<Layout> {
        Layout::ALL.into_iter().find(|layout| line.split(',').eq(layout.columns().iter().copied()))
    }

    fn columns(self) -> &'static [&'static str] {
        match self {
            Layout::Azure => &["TIMESTAMP", "ContextTokens", "GeneratedTokens"],
            Layout::Own => &["arrival_s", "input_tokens", "output_tokens"],
            Layout::OwnWithSession => &["arrival_s", "input_tokens", "output_tokens", "session"],
        }
    }

    fn time(self, text: &str) -> Result<i128, Refusal> {
        match self {
            Layout::Azure => azure::timestamp(text).ok_or_else(|| {
                (format!("`{}` is not a timestamp", super::shortened(text)), "timestamps look like 2023-11-16 18:15:46.6805900")
            }),
            Layout::Own | Layout::OwnWithSession => number::seconds(text),
        }
    }
}

/// The rows behind a header that stood in line `header`.
pub(super) fn read(layout: Layout, input: impl BufRead, header: u64) -> Result<Vec<TraceRow>, Fault> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(Visible { input, line: Vec::new(), taken: 0 });
    let mut record = ByteRecord::new();
    let mut rows = Rows::default();
    loop {
        let more = reader.read_byte_record(&mut record).map_err(|error| fault_of(error, header + reader.position().line()))?;
        if !more {
            return Ok(rows.rows);
        }
        // The position is where the reader began, which is the record itself because no line was skipped.
        let line = header + record.position().map_or(0, |position| position.line());
        if record.len() == 1 && record[0].trim_ascii().is_empty() {
            continue;
        }
        push(layout, &record, line, &mut rows)?;
    }
}

/// Makes blank lines visible to the CSV reader, which would skip them and then give the line of the record as that of
/// the first blank one: a blank line becomes a record with one blank field. Line ends become plain newlines.
struct Visible<R> {
    input: R,
    line: Vec<u8>,
    taken: usize,
}

impl<R: BufRead> Read for Visible<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.taken == self.line.len() {
            self.taken = 0;
            self.line.clear();
            if self.input.read_until(b'\n', &mut self.line)? == 0 {
                return Ok(0);
            }
            self.line.truncate(self.line.trim_ascii_end().len());
            self.line.extend_from_slice(if self.line.is_empty() { b" \n" } else { b"\n" });
        }
        let count = buffer.len().min(self.line.len() - self.taken);
        buffer[..count].copy_from_slice(&self.line[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

/// One record → one row.
fn push(layout: Layout, record: &ByteRecord, line: u64, rows: &mut Rows) -> Result<(), Fault> {
    let columns = layout.columns();
    if record.len() != columns.len() {
        let what =
            format!("the row has {} {}, the header {}", record.len(), if record.len() == 1 { "field" } else { "fields" }, columns.len());
        return Err(Fault::at(line, what, format!("give `{}`", columns.join(","))));
    }
    let field = |index: usize| {
        let text = std::str::from_utf8(&record[index]).map_err(|_| Fault::not_text(line).column(column(record, index)))?;
        Ok::<&str, Fault>(text.trim())
    };
    let place = |index: usize| move |(what, help): Refusal| Fault::at(line, what, help).column(column(record, index));
    let tokens = |index: usize| number::tokens(columns[index], field(index)?).map_err(place(index));
    let nanos = layout.time(field(0)?).map_err(place(0))?;
    let session = if layout == Layout::OwnWithSession { session(field(3)?) } else { None };
    let row = TraceRow { at: Nanos::ZERO, input: tokens(1)?, output: tokens(2)?, session };
    rows.push(line, Some(column(record, 0)), nanos, row)
}

/// A whole number is itself, any other text its XXH3 hash (fixed by its specification), blank is none.
fn session(text: &str) -> Option<u64> {
    match text {
        "" => None,
        _ => Some(text.parse().unwrap_or_else(|_| xxh3_64(text.as_bytes()))),
    }
}

/// Where a field begins, from 1: fields stand one behind the other in the record, and each comma adds one.
fn column(record: &ByteRecord, index: usize) -> u64 {
    record.range(index).map_or(1, |range| (range.start + index + 1) as u64)
}

fn fault_of(error: csv::Error, line: u64) -> Fault {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => Fault::io(&error),
        kind => Fault::at(line, format!("the row cannot be read: {kind:?}"), "a row is plain comma-separated text"),
    }
}

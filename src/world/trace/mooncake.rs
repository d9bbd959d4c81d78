//! Mooncake traces: one JSON object a line.

use std::io::BufRead;

use serde::Deserialize;

use super::error::Fault;
use super::number::{self, Refusal};
use super::{Lines, Rows, spread};
use crate::time::Nanos;
use crate::world::spec::TraceRow;

/// One line. Other keys are ignored: later releases of the traces have more.
#[derive(Deserialize)]
struct Entry {
    /// Milliseconds.
    timestamp: f64,
    input_length: f64,
    output_length: f64,
    /// Ids of the prefix blocks of 512 tokens; an id seen before is a prefix that can be reused.
    #[serde(default)]
    hash_ids: Vec<u64>,
}

/// The rows; `first` is the first line, the others are still in `lines`.
pub(super) fn read<R: BufRead>(first: String, mut lines: Lines<R>) -> Result<Vec<TraceRow>, Fault> {
    let mut rows = Rows::default();
    let mut prefixes = Prefixes::default();
    push(&first, lines.number, &mut rows, &mut prefixes)?;
    while let Some(text) = lines.next()?.map(str::to_owned) {
        push(&text, lines.number, &mut rows, &mut prefixes)?;
    }
    let mut rows = rows.rows;
    for (index, row) in rows.iter_mut().enumerate() {
        row.session = prefixes.session(index);
    }
    spread::spread(&mut rows);
    Ok(rows)
}

fn push(text: &str, line: u64, rows: &mut Rows, prefixes: &mut Prefixes) -> Result<(), Fault> {
    let entry: Entry = serde_json::from_str(text).map_err(|error| fault_of(&error, line))?;
    let place = |(what, help): Refusal| Fault::at(line, what, help);
    let nanos = nanos_of(entry.timestamp).map_err(place)?;
    let input = number::whole_tokens("input_length", entry.input_length).map_err(place)?;
    let output = number::whole_tokens("output_length", entry.output_length).map_err(place)?;
    prefixes.add(&entry.hash_ids);
    rows.push(line, None, nanos, TraceRow { at: Nanos::ZERO, input, output, session: None })
}

fn fault_of(error: &serde_json::Error, line: u64) -> Fault {
    let text = error.to_string();
    // serde_json counts lines within the text it is given, which here is one line.
    let what = text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what);
    let help = "a line looks like {\"timestamp\": 0, \"input_length\": 6758, \"output_length\": 500, \"hash_ids\": [0, 1]}";
    Fault::at(line, format!("the line is no request: {what}"), help).column(error.column().max(1) as u64)
}

/// Milliseconds → nanoseconds; exact for whole milliseconds.
fn nanos_of(millis: f64) -> Result<i128, Refusal> {
    if (0.0..=1.8e13).contains(&millis) {
        Ok(millis.trunc() as i128 * 1_000_000 + (millis.fract() * 1e6).round() as i128)
    } else {
        Err((format!("the timestamp {millis} is out of range"), "timestamps are milliseconds from 0, at most 584 years"))
    }
}

/// Finds a session for each row: the first prefix block that tells conversations apart.
///
/// All requests of the conversation trace begin with the same block (the system prompt), so the first block as such says
/// nothing there; in the synthetic trace it does. Hence: skip what *every* row has in common, and take the next block. Two
/// requests with that block in common share a prefix that is worth keeping on one provider, which is what a session is for.
/// A row that ends before it has no session.
#[derive(Default)]
struct Prefixes {
    /// What all rows so far begin with.
    common: Option<Vec<u64>>,
    /// Of each row as many blocks as may still be needed: `common` only ever gets shorter.
    heads: Vec<u64>,
    /// Where each row's blocks end in `heads`.
    ends: Vec<usize>,
}

impl Prefixes {
    fn add(&mut self, ids: &[u64]) {
        if !ids.is_empty() {
            let common = self.common.get_or_insert_with(|| ids.to_vec());
            common.truncate(common.iter().zip(ids).take_while(|(a, b)| a == b).count());
            self.heads.extend_from_slice(&ids[..ids.len().min(common.len() + 1)]);
        }
        self.ends.push(self.heads.len());
    }

    fn session(&self, row: usize) -> Option<u64> {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        let skip = self.common.as_ref().map_or(0, Vec::len);
        self.heads[start..self.ends[row]].get(skip).copied()
    }
}

//! `--decisions FILE`: every decision as a line of JSON, written beside the run and not in its way.

use std::io::{ErrorKind, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::exit::{Exit, Failure};
use super::output::Output;
use crate::metrics::observe::{DecisionRecord, DecisionSink};
use crate::render::decision::DecisionLine;

/// Lines are handed over in pieces of about this size.
const PIECE: usize = 256 * 1024;
/// Pieces that may wait for the disk before the run waits too: bounds the memory.
const PIECES_WAITING: usize = 8;

/// A decision log under way.
pub struct DecisionLog {
    names: Vec<String>,
    lines: Vec<u8>,
    writer: Writer,
    /// Set when writing has failed, so that the run need not go on in vain.
    stop: &'static AtomicBool,
    /// Nothing more can be written.
    closed: bool,
}

enum Writer {
    /// On the thread of the run.
    Here(Output),
    /// On a thread of its own.
    There { pieces: Option<SyncSender<Vec<u8>>>, thread: Option<JoinHandle<Result<(), Failure>>> },
    /// Writing has failed.
    Failed(Option<Failure>),
}

impl DecisionLog {
    /// Of providers with these names; writes to `output`, on another thread if `threaded`; sets `stop` when that fails.
    pub fn new(names: Vec<String>, output: Output, threaded: bool, stop: &'static AtomicBool) -> DecisionLog {
        let writer = if threaded {
            let (sender, receiver) = sync_channel(PIECES_WAITING);
            Writer::There { pieces: Some(sender), thread: Some(std::thread::spawn(move || write_all(output, &receiver, stop))) }
        } else {
            Writer::Here(output)
        };
        DecisionLog { names, lines: Vec::with_capacity(PIECE + PIECE / 8), writer, stop, closed: false }
    }

    /// Writes the rest and makes the file appear.
    ///
    /// # Errors
    /// The first that occurred since the start.
    pub fn finish(mut self) -> Result<(), Failure> {
        self.hand_over();
        match self.writer {
            Writer::Here(output) => output.finish(),
            Writer::There { pieces, thread } => {
                drop(pieces);
                let gone = || Failure { exit: Exit::Output, message: "cannot write the decisions: the writing thread is gone".to_owned() };
                thread.and_then(|thread| thread.join().ok()).unwrap_or_else(|| Err(gone()))
            }
            Writer::Failed(failure) => failure.map_or(Ok(()), Err),
        }
    }

    fn hand_over(&mut self) {
        if self.closed || self.lines.is_empty() {
            self.lines.clear();
            return;
        }
        let written = match &mut self.writer {
            Writer::Here(output) => write(output, &self.lines),
            Writer::There { pieces, .. } => {
                let piece = std::mem::replace(&mut self.lines, Vec::with_capacity(PIECE + PIECE / 8));
                // The receiver hangs up only when it is done: after an error, or when nobody reads any more.
                let sent = pieces.as_ref().is_some_and(|pieces| pieces.send(piece).is_ok());
                self.closed = !sent;
                Ok(true)
            }
            Writer::Failed(_) => Ok(false),
        };
        self.lines.clear();
        match written {
            Ok(open) => self.closed |= !open,
            Err(failure) => {
                self.closed = true;
                self.stop.store(true, Ordering::Relaxed);
                self.writer = Writer::Failed(Some(failure));
            }
        }
    }
}

impl DecisionSink for DecisionLog {
    fn decision(&mut self, record: &DecisionRecord<'_>) {
        if self.closed {
            return;
        }
        let line = DecisionLine::new(record, &self.names);
        serde_json::to_writer(&mut self.lines, &line).expect("a record is plain data and memory takes every byte");
        self.lines.push(b'\n');
        if self.lines.len() >= PIECE {
            self.hand_over();
        }
    }
}

fn write_all(mut output: Output, pieces: &Receiver<Vec<u8>>, stop: &AtomicBool) -> Result<(), Failure> {
    for piece in pieces {
        match write(&mut output, &piece) {
            Ok(true) => {}
            Ok(false) => return Ok(()),
            Err(failure) => {
                stop.store(true, Ordering::Relaxed);
                return Err(failure);
            }
        }
    }
    output.finish()
}

/// `false` when the reader of a pipe went away, which is no error.
fn write(output: &mut Output, piece: &[u8]) -> Result<bool, Failure> {
    match output.write_all(piece) {
        Ok(()) => Ok(true),
        Err(problem) if problem.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(problem) => Err(Failure::output(output.path().display(), &problem)),
    }
}

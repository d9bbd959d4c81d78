//! The body of a streamed answer.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use super::ask::Part;
use super::openai::Head;
use super::server::Visit;

/// Tokens leave together if they are due within this: thousands of streams would otherwise cost a packet a token.
const PACE: Duration = Duration::from_millis(40);
/// Pieces that may wait for a slow reader.
const PIECES_MAX: usize = 8;

/// Pieces of text, as they become due.
#[derive(Debug)]
pub struct Stream {
    pieces: mpsc::Receiver<Bytes>,
    finished: bool,
}

impl Stream {
    /// A stream and where its pieces go. When the sender is dropped without an empty piece, the answer breaks off.
    pub fn new() -> (mpsc::Sender<Bytes>, Stream) {
        let (sender, pieces) = mpsc::channel(PIECES_MAX);
        (sender, Stream { pieces, finished: false })
    }
}

/// The answer breaks off.
#[derive(Debug, Error)]
#[error("the answer breaks off")]
pub struct BrokenOff;

impl Body for Stream {
    type Data = Bytes;
    type Error = BrokenOff;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if self.finished {
            return Poll::Ready(None);
        }
        self.pieces.poll_recv(context).map(|piece| match piece {
            Some(piece) if piece.is_empty() => {
                self.finished = true;
                None
            }
            Some(piece) => Some(Ok(Frame::data(piece))),
            None => Some(Err(BrokenOff)),
        })
    }
}

/// Sends a stream at its pace: the first token now, the last one when the station says so, the others evenly between.
pub async fn pour(
    head: Head,
    usage: bool,
    rest: Duration,
    mut parts: mpsc::UnboundedReceiver<Part>,
    to: mpsc::Sender<Bytes>,
    visit: Visit,
) {
    let start = Instant::now();
    let mut sent = 1.min(head.output);
    if to.send(Bytes::from(head.opening())).await.is_err() {
        return;
    }
    let mut next = start + PACE;
    loop {
        tokio::select! {
            biased;
            part = parts.recv() => {
                if !matches!(part, Some(Part::Done { .. })) {
                    return;
                }
                let tokens = if head.output > sent { head.tokens(head.output - sent) } else { String::new() };
                let _ = to.send(Bytes::from(tokens + &head.closing(usage))).await;
                let _ = to.send(Bytes::new()).await;
                break;
            }
            () = to.closed() => return,
            () = sleep_until(next) => {
                let due = due_by(head.output, start.elapsed().as_secs_f64() / rest.as_secs_f64());
                if due > sent {
                    if to.send(Bytes::from(head.tokens(due - sent))).await.is_err() {
                        return;
                    }
                    sent = due;
                }
                next += PACE;
            }
        }
    }
    drop(visit);
}

/// Tokens that are out when the fraction `elapsed` of the time after the first one has passed; the last one never is.
fn due_by(output: u32, elapsed: f64) -> u32 {
    let after_first = output.saturating_sub(1);
    let due = 1 + (f64::from(after_first) * elapsed.clamp(0.0, 1.0)) as u32;
    due.min(after_first.max(1)).min(output)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_evenly_and_the_last_one_with_the_end() {
        assert_eq!([0.0, 0.5, 0.99, 1.0, 7.0].map(|elapsed| due_by(101, elapsed)), [1, 51, 100, 100, 100]);
        assert_eq!((due_by(0, 0.5), due_by(1, 0.5), due_by(2, 1.0)), (0, 1, 1));
    }
}

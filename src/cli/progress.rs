//! How far a long run is, on stderr: another thread looks at a counter now and then, so that the run itself pays one store.

use std::io::{IsTerminal, stderr};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::args::Progress as How;
use super::terminal::Terminal;
use crate::gate::run::Progress;
use crate::render::number::{count, nanos, ratio};

/// What ends sooner needs no progress.
const PATIENCE: Duration = Duration::from_secs(1);
const LOOK_EVERY: Duration = Duration::from_millis(100);
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Runs `work` while showing how far `progress` is.
pub fn watched<T>(terminal: &Terminal, progress: &Progress, work: impl FnOnce() -> T) -> T {
    let on_terminal = stderr().is_terminal();
    let bar = match terminal.progress {
        How::None => return work(),
        How::Auto if !on_terminal => return work(),
        How::Auto | How::Bar => on_terminal,
        How::Plain => false,
    };
    std::thread::scope(|scope| {
        // The sender is dropped when the work ends, by whatever way: that is the signal.
        let (working, ended) = channel::<()>();
        scope.spawn(move || if bar { draw_bar(progress, &ended) } else { write_lines(terminal, progress, &ended) });
        let result = work();
        drop(working);
        result
    })
}

fn draw_bar(progress: &Progress, ended: &Receiver<()>) {
    if !stillworking(ended, PATIENCE) {
        return;
    }
    let (bar, template) = match progress.total {
        Some(total) => (ProgressBar::new(total), "{wide_bar} {human_pos} of {human_len} {msg}, {eta} left"),
        None => (ProgressBar::new_spinner(), "{spinner} {human_pos} {msg} in {elapsed}"),
    };
    bar.set_message(progress.of);
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    while stillworking(ended, LOOK_EVERY) {
        bar.set_position(progress.done());
    }
    bar.finish_and_clear();
}

fn write_lines(terminal: &Terminal, progress: &Progress, ended: &Receiver<()>) {
    let started = Instant::now();
    let mut wait = PATIENCE;
    while stillworking(ended, wait) {
        terminal.remark(&line(progress, started.elapsed()));
        wait = LINE_EVERY;
    }
}

fn line(progress: &Progress, elapsed: Duration) -> String {
    let (done, of) = (progress.done(), progress.of);
    let elapsed = nanos(elapsed.as_nanos() as f64);
    match progress.total {
        Some(total) if total > 0 => {
            let part = ratio((done as f64 / total as f64).min(1.0));
            format!("{} of about {} {of} ({part}) after {elapsed}", count(done), count(total))
        }
        _ => format!("{} {of} after {elapsed}", count(done)),
    }
}

fn stillworking(ended: &Receiver<()>, wait: Duration) -> bool {
    ended.recv_timeout(wait) == Err(RecvTimeoutError::Timeout)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;

    #[test]
    fn lines_say_how_far_it_is_and_never_more_than_all() {
        let elapsed = Duration::from_millis(2_500);
        let line_at = |done, total| {
            let progress = Progress::counting("requests", total);
            progress.run(0).unwrap().store(done, Relaxed);
            line(&progress, elapsed)
        };
        assert_eq!(line_at(1_000, Some(4_000)), "1,000 of about 4,000 requests (25.00 %) after 2.50 s");
        assert_eq!(line_at(4_001, Some(4_000)), "4,001 of about 4,000 requests (100.00 %) after 2.50 s");
        assert_eq!(line_at(1_000, None), "1,000 requests after 2.50 s");
    }
}

//! Ctrl-C: the first one asks the run to end, the second one ends the program.

use std::sync::atomic::{AtomicBool, Ordering};

use super::exit::Exit;
use super::output;
use super::terminal::Terminal;

static STOP: AtomicBool = AtomicBool::new(false);

/// Set once the run should end early.
pub fn stop() -> &'static AtomicBool {
    &STOP
}

/// [`install`]; where that is refused, a warning that Ctrl-C will end the program without a `result`.
pub fn install_or_warn(result: &str, terminal: &Terminal) {
    if let Err(problem) = install() {
        terminal.remark(&format!("warning: Ctrl-C will end the program without a {result}: {problem}"));
    }
}

/// From now on Ctrl-C (and a request to terminate) sets [`stop`]; the second one removes temporary files and exits at once.
///
/// # Errors
/// The operating system may refuse; then Ctrl-C ends the program without a report.
pub fn install() -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            output::remove_temporary_files();
            std::process::exit(i32::from(Exit::Interrupted.code()));
        }
    })
}

//! Ctrl-C: the first one asks the run to end, the second one ends the program.

use std::sync::atomic::{AtomicBool, Ordering};

use super::exit::Exit;
use super::output;

static STOP: AtomicBool = AtomicBool::new(false);

/// Set once the run should end early.
pub fn stop() -> &'static AtomicBool {
    &STOP
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

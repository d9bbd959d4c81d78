//! Where text goes: results to stdout, everything else to stderr.

use std::io::{ErrorKind, IsTerminal, Write, stderr, stdout};

use anstream::{AutoStream, ColorChoice};

use super::args::{Color, Global, Progress};
use super::exit::Failure;
use crate::render::View;
use crate::render::text::{Tone, paint};

/// Text is at most this wide unless `--width` says otherwise: longer lines are hard to read.
const WIDTH_MAX: usize = 92;
/// Below this no table is readable.
const WIDTH_MIN: usize = 40;

/// What the environment and the global flags say about output.
#[derive(Debug)]
pub struct Terminal {
    /// For stdout.
    pub view: View,
    /// Whether stderr takes escape codes.
    pub color_stderr: bool,
    /// As asked for; none with `-q`.
    pub progress: Progress,
}

impl Terminal {
    /// Reads `NO_COLOR`, `CLICOLOR_FORCE` and `COLUMNS`, and looks at what stdout and stderr are.
    pub fn new(global: &Global) -> Terminal {
        match global.color {
            // anstream takes any value for "yes"; by bixense.com/clicolors a zero is none.
            Color::Auto if std::env::var_os("CLICOLOR_FORCE").is_some_and(|value| value == "0") && !stdout().is_terminal() => {
                ColorChoice::Never
            }
            Color::Auto => ColorChoice::Auto,
            Color::Always => ColorChoice::AlwaysAnsi,
            Color::Never => ColorChoice::Never,
        }
        .write_global();
        let view = View {
            width: global.width.map_or_else(default_width, usize::from),
            color: AutoStream::choice(&stdout()) != ColorChoice::Never,
            quiet: global.quiet,
            verbose: global.verbose > 0,
            gate: false,
        };
        let progress = if global.quiet { Progress::None } else { global.progress };
        Terminal { view, color_stderr: AutoStream::choice(&stderr()) != ColorChoice::Never, progress }
    }

    /// A result. A reader that went away is no error.
    ///
    /// # Errors
    /// [`Failure::output`] for anything else, such as a full disk behind a redirection.
    pub fn print(&self, text: &str) -> Result<(), Failure> {
        let mut stream = AutoStream::auto(stdout().lock());
        match stream.write_all(text.as_bytes()).and_then(|()| stream.flush()) {
            Err(problem) if problem.kind() != ErrorKind::BrokenPipe => Err(Failure::output("to stdout", &problem)),
            _ => Ok(()),
        }
    }

    /// A remark, unless `-q`; ends with a newline. Nobody can be told when stderr is gone.
    pub fn remark(&self, text: &str) {
        if !self.view.quiet {
            self.complain(text);
        }
    }

    /// A problem, `-q` or not.
    pub fn complain(&self, text: &str) {
        let mut stream = AutoStream::auto(stderr().lock());
        let _ = writeln!(stream, "{}", text.trim_end());
    }

    /// What ends the program.
    pub fn error(&self, message: &str) {
        self.complain(&format!("{} {message}", paint("error:", Tone::Bad, self.color_stderr)));
    }
}

/// `COLUMNS`, else the terminal's width, else 92; at most 92.
fn default_width() -> usize {
    let columns = std::env::var("COLUMNS").ok().and_then(|columns| columns.trim().parse::<usize>().ok()).filter(|columns| *columns > 0);
    let terminal = || console::Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
    columns.or_else(terminal).unwrap_or(WIDTH_MAX).clamp(WIDTH_MIN, WIDTH_MAX)
}

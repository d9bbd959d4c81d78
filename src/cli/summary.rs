//! `--summary`: Markdown appended to a file, by default the job summary of GitHub Actions.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::exit::Failure;
use crate::render::{Format, View};
use crate::report::Document;

/// Where GitHub Actions takes a job's summary from.
const VARIABLE: &str = "GITHUB_STEP_SUMMARY";
/// A step's summary may hold 1 MiB (docs.github.com, "Workflow commands: job summaries, step isolation and limits"); a larger
/// one is dropped whole.
const LARGEST: usize = 1024 * 1024;
const CUT: &str = "\n\n… cut here: a job summary may hold 1 MiB\n";

/// A summary to write.
#[derive(Debug)]
pub struct Summary {
    path: PathBuf,
    file: File,
    /// Bytes there already.
    size: usize,
}

impl Summary {
    /// Opens the file that was asked for, or the one that the environment names.
    ///
    /// # Errors
    /// A usage error where neither says one; an output error where it cannot be appended to.
    pub fn open(asked: Option<&Path>) -> Result<Summary, Failure> {
        let from_environment = || std::env::var_os(VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        let path = asked.map(Path::to_owned).or_else(from_environment);
        let path = path.ok_or_else(|| Failure::usage(format!("--summary needs a file where {VARIABLE} is not set")))?;
        let open = || {
            let file = OpenOptions::new().append(true).create(true).open(&path)?;
            let size = file.metadata()?.len();
            Ok((file, usize::try_from(size).unwrap_or(usize::MAX)))
        };
        let (file, size) = open().map_err(|problem| Failure::output(path.display(), &problem))?;
        Ok(Summary { path, file, size })
    }

    /// Appends `document`, cut at what GitHub takes.
    ///
    /// # Errors
    /// An output error.
    pub fn write(mut self, document: &Document, view: &View) -> Result<(), Failure> {
        let text = capped(Format::Markdown.render(document, view), LARGEST.saturating_sub(self.size));
        self.file.write_all(text.as_bytes()).map_err(|problem| Failure::output(self.path.display(), &problem))
    }
}

/// At most `room` bytes, cut between lines.
fn capped(text: String, room: usize) -> String {
    if text.len() <= room {
        return text;
    }
    let Some(room) = room.checked_sub(CUT.len()) else { return String::new() };
    let end = text.as_bytes()[..room].iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
    format!("{}{CUT}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What fits stays as it is; what does not is cut between lines, never inside a character, and never above the room.
    #[test]
    fn summaries_are_cut_between_lines() {
        assert_eq!(capped("abc\n".to_owned(), 4), "abc\n");
        let long = "≥ 99 % ✓\n".repeat(1_000);
        for room in 0..200 {
            let cut = capped(long.clone(), room);
            assert!(cut.len() <= room, "{room}");
            assert!(cut.is_empty() || cut.strip_suffix(CUT).is_some_and(|kept| long.starts_with(kept)), "{room}");
        }
    }
}

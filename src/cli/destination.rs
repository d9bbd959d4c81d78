//! Where a report goes: names and formats from the command line, conflicts found before anything is opened.

use std::fs;
use std::path::{Path, PathBuf};

use super::args::Results;
use super::exit::Failure;
use super::interrupt;
use super::output::Output;
use super::summary::Summary;
use super::terminal::Terminal;
use crate::render::{FORMATS, Format, View};
use crate::report::Document;

/// Formats and conflicts, from the command line alone. `inputs` are the scenarios that are read.
///
/// # Errors
/// Usage errors: an extension that no format has, one file for two outputs, or the scenario itself.
pub fn plan(inputs: &[&Path], results: &Results, decisions: Option<&Path>) -> Result<Vec<Planned>, Failure> {
    let standard = results.format;
    let mut planned = Vec::new();
    for path in &results.output {
        planned.push(match path {
            path if is_stdout(path) => Planned { path: None, format: standard, summary: false },
            path => Planned { path: Some(path.clone()), format: format_of(path, standard)?, summary: false },
        });
    }
    if planned.is_empty() {
        planned.push(Planned { path: None, format: standard, summary: false });
    }
    planned.extend(results.summary.iter().map(|path| Planned { path: path.clone(), format: Format::Markdown, summary: true }));
    let files: Vec<&Path> = planned.iter().filter_map(|output| output.path.as_deref()).chain(decisions).collect();
    for (position, path) in files.iter().enumerate() {
        if files[..position].iter().any(|earlier| same_file(earlier, path)) {
            return Err(Failure::usage(format!("{} is given for two outputs", path.display())));
        }
        if inputs.iter().any(|input| same_file(path, input)) {
            return Err(Failure::usage(format!("{} is the scenario, which would be overwritten", path.display())));
        }
    }
    if decisions.is_some_and(|path| path == Path::new("-")) {
        return Err(Failure::usage("--decisions needs a file; /dev/stdout works where -o sends the report elsewhere"));
    }
    Ok(planned)
}

/// Refuses to write over the trace that the scenario replays, which is known once it has been read.
///
/// # Errors
/// A usage error.
pub fn spare_trace(trace: Option<&Path>, planned: &[Planned], decisions: Option<&Path>) -> Result<(), Failure> {
    let Some(trace) = trace else { return Ok(()) };
    let mut files = planned.iter().filter_map(|output| output.path.as_deref()).chain(decisions);
    match files.find(|path| same_file(path, trace)) {
        Some(path) => Err(Failure::usage(format!("{} is the scenario's trace, which would be overwritten", path.display()))),
        None => Ok(()),
    }
}

/// Opens all outputs; from then on Ctrl-C ends the runs and not the program. In this order, so that no temporary file can be left
/// behind.
///
/// # Errors
/// As [`Planned::open`].
pub fn open(planned: Vec<Planned>, terminal: &Terminal) -> Result<Vec<Destination>, Failure> {
    interrupt::install_or_warn("report", terminal);
    open_all(planned)
}

/// Opens all outputs, in order.
///
/// # Errors
/// As [`Planned::open`].
pub fn open_all(planned: Vec<Planned>) -> Result<Vec<Destination>, Failure> {
    planned.into_iter().map(Planned::open).collect()
}

/// Writes `document` everywhere, in order.
///
/// # Errors
/// The first output that cannot be written ends it.
pub fn write(document: &Document, outputs: Vec<Destination>, view: &View, terminal: &Terminal) -> Result<(), Failure> {
    for output in outputs {
        match output {
            Destination::Stdout(format) => terminal.print(&format.render(document, view))?,
            // A file outlives the terminal: no colours in it.
            Destination::Summary(summary) => summary.write(document, view)?,
            Destination::File(format, file) => file.write_whole(&format.render(document, &View { color: false, ..*view }))?,
        }
    }
    Ok(())
}

/// Where a report goes, before anything is opened.
#[derive(Debug, PartialEq, Eq)]
pub struct Planned {
    /// `None`: stdout, or the summary that the environment names.
    path: Option<PathBuf>,
    format: Format,
    /// Appended to, not replaced.
    summary: bool,
}

/// Where a report goes, opened.
pub enum Destination {
    Stdout(Format),
    File(Format, Output),
    Summary(Summary),
}

impl Planned {
    /// Opens it.
    ///
    /// # Errors
    /// As [`Output::create`].
    pub fn open(self) -> Result<Destination, Failure> {
        match self.path {
            path if self.summary => Ok(Destination::Summary(Summary::open(path.as_deref())?)),
            None => Ok(Destination::Stdout(self.format)),
            Some(path) => Ok(Destination::File(self.format, Output::create(&path)?)),
        }
    }
}

/// The names stdout goes by. Opening `/dev/stdout` anew would write from the start of a file that others append to.
fn is_stdout(path: &Path) -> bool {
    ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"].iter().any(|name| path == Path::new(name))
}

/// By extension; without one as on stdout.
fn format_of(path: &Path, standard: Format) -> Result<Format, Failure> {
    if path.extension().is_none() {
        return Ok(standard);
    }
    path.file_name().and_then(|name| Format::of_file(&name.to_string_lossy())).ok_or_else(|| {
        let known = FORMATS.map(|info| format!(".{}", info.extension)).join(", ");
        Failure::usage(format!("cannot tell the format of {} by its extension; known are {known}", path.display()))
    })
}

/// Whether two names lead to one regular file, there already or not (devices may well be given twice).
fn same_file(a: &Path, b: &Path) -> bool {
    match (location(a), location(b)) {
        (Some(a), Some(b)) => a == b && (a.is_file() || !a.exists()),
        _ => a == b,
    }
}

/// The file's place whatever way it is named; `None` if its folder does not exist.
fn location(path: &Path) -> Option<PathBuf> {
    let folder = || path.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    fs::canonicalize(path).ok().or_else(|| Some(fs::canonicalize(folder()?).ok()?.join(path.file_name()?)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::exit::Exit;

    #[test]
    fn the_extension_decides_the_format_and_an_unknown_one_is_a_usage_error() {
        for (name, format) in [("a.json", Format::Json), ("a.b.CSV", Format::Csv), ("a.md", Format::Markdown), ("a.txt", Format::Human)] {
            assert_eq!(format_of(Path::new(name), Format::Human).unwrap(), format, "{name}");
        }
        assert_eq!(format_of(Path::new("/dev/null"), Format::Json).unwrap(), Format::Json);
        let failure = format_of(Path::new("result.xml"), Format::Human).unwrap_err();
        assert_eq!(failure.exit, Exit::Usage);
        assert_eq!(
            failure.message,
            "cannot tell the format of result.xml by its extension; known are .txt, .json, .md, .csv, .github.txt, .junit.xml, .hgrm, .prom"
        );
    }
}

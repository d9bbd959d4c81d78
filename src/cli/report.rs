//! `lbsim report`: a result file, shown again.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::args::{Describing, Results};
use super::destination;
use super::exit::{Exit, Failure, judge};
use super::terminal::Terminal;
use crate::report::{Document, Verdict};

/// Render a result file again, in any format
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  lbsim run weighted.toml -o result.json -q\n  lbsim report result.json --format markdown")]
pub struct Options {
    /// A result in JSON, of `lbsim run` or `lbsim check`
    pub result: PathBuf,
    #[command(flatten)]
    pub results: Results,
    #[command(flatten)]
    pub describing: Describing,
}

pub fn execute(options: &Options, terminal: &Terminal) -> Result<Exit, Failure> {
    let fail_on = options.describing.checked()?;
    let planned = destination::plan(&[&options.result], &options.results, None)?;
    let document = read(&options.result)?;
    let outputs = destination::open_all(planned)?;
    destination::write(&document, outputs, &terminal.view, terminal)?;
    let interrupted = document.reports().iter().any(|report| report.verdict == Verdict::Incomplete);
    Ok(judge(document.verdicts(), 0, interrupted && !fail_on.is_empty(), fail_on))
}

/// A result file.
///
/// # Errors
/// A usage error that says where the file is wrong.
pub fn read(path: &Path) -> Result<Document, Failure> {
    let wrong = |why: String| Failure::usage(format!("{}: {why}", path.display()));
    let text = fs::read_to_string(path).map_err(|problem| wrong(format!("cannot read it: {problem}")))?;
    Document::parse(&text).map_err(|why| wrong(why.to_string()))
}

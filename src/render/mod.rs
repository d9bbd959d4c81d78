//! How a report looks: one file per format, all fed by the same [`Report`], so that no two formats can disagree.
//!
//! | format | file name | for |
//! |---|---|---|
//! | `human` | `.txt` | reading in a terminal |
//! | `json` | `.json` | scripts; everything there is, unrounded |
//! | `csv` | `.csv` | spreadsheets; a row per provider |
//! | `markdown` | `.md` | pull requests and wikis |

pub mod catalogue;
pub mod csv;
pub mod decision;
pub mod human;
pub mod json;
pub mod markdown;
pub mod number;
pub mod profiles;
pub mod table;
pub mod text;

use crate::report::Report;

/// A way to write a report down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values.
    Csv,
    /// Text for people.
    Human,
    /// The whole report.
    Json,
    /// GitHub's Markdown.
    Markdown,
}

/// Every format with the ending of its file names.
pub const FORMATS: [(Format, &str); 4] = [(Format::Json, "json"), (Format::Csv, "csv"), (Format::Markdown, "md"), (Format::Human, "txt")];

/// How much a person wants to see, and on what.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Columns; no line is wider.
    pub width: usize,
    /// Whether escape codes may be written.
    pub color: bool,
    /// Only the verdict and what did not hold.
    pub quiet: bool,
    /// Every provider and every column.
    pub verbose: bool,
}

impl Format {
    /// By the ending of a file name, without its dot.
    pub fn by_extension(extension: &str) -> Option<Format> {
        FORMATS.iter().find(|(_, known)| known.eq_ignore_ascii_case(extension)).map(|(format, _)| *format)
    }

    /// `report` in this format; `view` matters to `human` alone.
    pub fn render(self, report: &Report, view: &View) -> String {
        match self {
            Format::Csv => csv::render(report),
            Format::Human => human::render(report, view),
            Format::Json => json::render(report),
            Format::Markdown => markdown::render(report),
        }
    }
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

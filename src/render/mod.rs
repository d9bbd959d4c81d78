//! How results look: one file per format and one row in [`FORMATS`], all fed by the same [`Document`], so that no two
//! formats can disagree.

pub mod bench;
pub mod catalogue;
pub mod check;
pub mod compare;
pub mod csv;
pub mod decision;
pub mod github;
pub mod hgrm;
pub mod human;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod number;
pub mod profiles;
pub mod prom;
pub mod serve;
pub mod sweep;
pub mod table;
pub mod text;

mod expectation;

use crate::report::Document;

/// A way to write results down: a row of [`FORMATS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values.
    Csv,
    /// Workflow commands of GitHub Actions.
    Github,
    /// Latency percentiles as HdrHistogram prints them.
    Hgrm,
    /// Text for people.
    Human,
    /// The whole report.
    Json,
    /// JUnit XML.
    Junit,
    /// GitHub's Markdown.
    Markdown,
    /// OpenMetrics.
    Prom,
}

/// What is known of a format.
#[derive(Clone, Copy, Debug)]
pub struct FormatInfo {
    /// Which.
    pub format: Format,
    /// For `--format`.
    pub name: &'static str,
    /// How its file names end, without the dot in front.
    pub extension: &'static str,
    /// What it is for, in a few words.
    pub summary: &'static str,
    /// Writes it down; `view` matters to `human` alone.
    render: fn(&Document, &View) -> String,
}

/// Every format, in the order in which they are listed.
pub const FORMATS: [FormatInfo; 8] = [
    row(Format::Human, "human", "txt", "reading in a terminal", human::document),
    row(Format::Json, "json", "json", "scripts: everything there is, unrounded", |document, _| json::render(document)),
    row(Format::Markdown, "markdown", "md", "pull requests, job summaries, wikis", |document, _| markdown::document(document)),
    row(Format::Csv, "csv", "csv", "spreadsheets: a row per run and provider", |document, _| csv::render(document)),
    row(Format::Github, "github", "github.txt", "annotations in GitHub Actions", |document, _| github::render(document)),
    row(Format::Junit, "junit", "junit.xml", "test reports of CI systems", |document, _| junit::render(document)),
    row(Format::Hgrm, "hgrm", "hgrm", "HdrHistogram's plotters: latency percentiles", |document, _| hgrm::render(document)),
    row(Format::Prom, "prom", "prom", "Prometheus: OpenMetrics", |document, _| prom::render(document)),
];

const fn row(
    format: Format,
    name: &'static str,
    extension: &'static str,
    summary: &'static str,
    render: fn(&Document, &View) -> String,
) -> FormatInfo {
    FormatInfo { format, name, extension, summary, render }
}

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
    /// Of one scenario, too, only the verdict and what does not hold with its cause: what a gate shows.
    pub gate: bool,
}

impl Format {
    /// By the ending of a file name, whatever the case; the longest that fits.
    pub fn of_file(name: &str) -> Option<Format> {
        let name = name.to_ascii_lowercase();
        let ends = |info: &&FormatInfo| name.strip_suffix(info.extension).is_some_and(|stem| stem.ends_with('.'));
        FORMATS.iter().filter(ends).max_by_key(|info| info.extension.len()).map(|info| info.format)
    }

    /// By its name.
    pub fn parse(name: &str) -> Option<Format> {
        FORMATS.iter().find(|info| info.name == name).map(|info| info.format)
    }

    /// Its row.
    pub fn info(self) -> &'static FormatInfo {
        FORMATS.iter().find(|info| info.format == self).expect("FORMATS has a row for each variant, as its test counts")
    }

    /// `document` in this format.
    pub fn render(self, document: &Document, view: &View) -> String {
        (self.info().render)(document, view)
    }
}

#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

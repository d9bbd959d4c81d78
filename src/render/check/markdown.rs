//! For a pull request or a job summary.

use super::{Missed, Tally, missed, score};
use crate::render::expectation::{mark, reproduce, sentence};
use crate::render::human::head::label;
use crate::render::number::{count, plural};
use crate::render::table::{Column, Table};
use crate::render::text::Tone;
use crate::report::Collection;

/// The count, what does not hold, and a table of all files, folded where everything holds.
pub fn render(collection: &Collection) -> String {
    let (word, _) = label(collection.verdict);
    let mut text = format!("### {word}: {}\n", Tally::of(&collection.reports, &collection.invalid).text());
    for report in &collection.reports {
        for Missed { first: (run, expectation), runs } in missed(report) {
            let (sign, ..) = mark(expectation.verdict);
            let often = if report.runs.len() > 1 { format!(" in {runs} of {} runs", report.runs.len()) } else { String::new() };
            text += &format!("\n- {sign} **{}**: {}{often}", report.scenario.name, sentence(expectation));
            if let Some(cause) = &expectation.cause {
                text += &format!("  \n  probably: {cause}");
            }
            text += &format!("  \n  `{}`", reproduce(report, run).line());
        }
    }
    let mut table =
        Table::new(&[Column::word("verdict"), Column::text("scenario"), Column::text("expectations"), Column::figure("requests")]);
    for report in &collection.reports {
        let requests: u64 = report.runs.iter().map(|run| run.requests.offered).sum();
        table.row(Tone::Plain, vec![label(report.verdict).0.to_owned(), report.scenario.name.clone(), score(report), count(requests)]);
    }
    for path in &collection.invalid {
        table.row(Tone::Plain, vec!["INVALID".to_owned(), path.clone()]);
    }
    let files = plural((collection.reports.len() + collection.invalid.len()) as u64, "scenario");
    text += &format!("\n\n<details><summary>{files}</summary>\n\n{}\n</details>\n", table.markdown());
    text += &format!("\n<sub>lbsim {}</sub>\n", collection.lbsim);
    text
}

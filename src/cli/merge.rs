//! `lbsim merge`: the shards of one experiment, put together.

use std::path::Path;

use clap::Args;

use super::args::{Describing, Results};
use super::exit::{Exit, Failure, HELP, judge};
use super::experiment::{self, holds};
use super::terminal::Terminal;
use super::{destination, report};
use crate::render::number::plural;
use crate::report::{Document, Report, Run, Shard, Sweep, Variant};

const EXAMPLES: &str = "\
Examples:
  lbsim compare weighted.toml --shard 1/2 -o 1.json   # on one machine
  lbsim compare weighted.toml --shard 2/2 -o 2.json   # on another
  lbsim merge 1.json 2.json
The result is that of one machine with --stable, byte for byte: what depends
on the machines (the `wall` part) is left out.";

/// Put the results of all shards of an experiment together
#[derive(Debug, Args)]
#[command(after_help = format!("{EXAMPLES}\n\n{HELP}"))]
pub struct Options {
    /// Results of `--shard I/N`, one for each I, in any order
    #[arg(required = true, value_name = "RESULT")]
    pub files: Vec<String>,
    #[command(flatten)]
    pub results: Results,
    #[command(flatten)]
    pub describing: Describing,
}

pub fn execute(options: &Options, terminal: &Terminal) -> Result<Exit, Failure> {
    let fail_on = options.describing.checked()?;
    let inputs: Vec<&Path> = options.files.iter().map(Path::new).collect();
    let planned = destination::plan(&inputs, &options.results, None)?;
    let parts = options.files.iter().map(|file| part(file)).collect::<Result<Vec<_>, _>>()?;
    let document = merge(parts)?;
    let outputs = destination::open_all(planned)?;
    destination::write(&document, outputs, &terminal.view, terminal)?;
    Ok(judge(document.verdicts(), 0, false, fail_on))
}

/// One shard, its runs apart from their reports.
struct Part {
    file: String,
    lbsim: String,
    shard: Shard,
    reports: Vec<Report>,
    variants: Vec<Variant>,
    /// What is swept over, if anything.
    sweep: Option<Sweep>,
    runs: Vec<(usize, Run)>,
}

fn part(file: &str) -> Result<Part, Failure> {
    let document = report::read(Path::new(file))?;
    let lbsim = document.lbsim().to_owned();
    let (mut reports, comparison, sweep) = match document {
        Document::One(mut report) => {
            let comparison = report.comparison.take();
            (vec![Report { wall: None, ..report }], comparison, None)
        }
        Document::Many(collection) => (collection.reports, collection.comparison, collection.sweep),
    };
    let mut sweep = sweep;
    let parts = match (comparison, &mut sweep) {
        (Some(comparison), _) => Some((comparison.shard, comparison.variants)),
        (None, Some(sweep)) => Some((sweep.shard.take(), std::mem::take(&mut sweep.variants))),
        (None, None) => None,
    };
    let no_shard = || Failure::usage(format!("{file} is no shard: `--shard I/N` of compare or sweep makes one"));
    let (shard, mut variants) = parts.and_then(|(shard, variants)| Some((shard?, variants))).ok_or_else(no_shard)?;
    let runs = numbered(&mut reports, &mut variants, &shard).ok_or_else(|| {
        let index = shard.index;
        Failure::usage(format!("{file}: shard {index} does not hold all of its runs; it was interrupted: make it again"))
    })?;
    Ok(Part { file: file.to_owned(), lbsim, shard, reports, variants, sweep, runs })
}

/// Takes the runs out, each with its number; `None` if some are missing.
fn numbered(reports: &mut [Report], variants: &mut [Variant], shard: &Shard) -> Option<Vec<(usize, Run)>> {
    if !(1..=shard.of).contains(&shard.index) || shard.runs > experiment::RUNS_MAX as u64 {
        return None;
    }
    let mut taken = vec![0; variants.len()];
    let mut runs = Vec::new();
    for number in (0..usize::try_from(shard.runs).ok()?).filter(|number| holds(shard, *number)) {
        let arm = number % variants.len();
        let position = *variants[arm].runs.get(taken[arm])?;
        taken[arm] += 1;
        runs.push((number, reports.get(variants[arm].report)?.runs.get(position)?.clone()));
    }
    reports.iter_mut().for_each(|report| report.runs.clear());
    variants.iter_mut().for_each(|variant| variant.runs.clear());
    Some(runs)
}

fn merge(mut parts: Vec<Part>) -> Result<Document, Failure> {
    parts.sort_by_key(|part| part.shard.index);
    let mut parts = parts.into_iter();
    let Some(first) = parts.next() else { return Err(Failure::usage("nothing to merge")) };
    if first.lbsim != env!("CARGO_PKG_VERSION") {
        let (file, theirs, ours) = (&first.file, &first.lbsim, env!("CARGO_PKG_VERSION"));
        return Err(Failure::usage(format!("{file} was made by lbsim {theirs}, this is {ours}: figures of two versions cannot be mixed")));
    }
    let Part { file, shard, mut reports, mut variants, sweep, mut runs, .. } = first;
    let mut found = vec![(shard.index, file.clone())];
    for part in parts {
        if let Some(why) = other(&part, &file, &shard, &reports, &variants) {
            return Err(Failure::usage(format!("{} does not belong to {file}: {why}", part.file)));
        }
        if let Some((index, earlier)) = found.last().filter(|(index, _)| *index == part.shard.index) {
            return Err(Failure::usage(format!("{earlier} and {} are both shard {index} of {}", part.file, shard.of)));
        }
        found.push((part.shard.index, part.file));
        runs.extend(part.runs);
    }
    let missing: Vec<String> =
        (1..=shard.of).filter(|index| found.iter().all(|(known, _)| known != index)).take(20).map(|index| index.to_string()).collect();
    if !missing.is_empty() {
        let of = plural(shard.of, "shard");
        return Err(Failure::usage(format!(
            "of {of} {} missing: {}",
            if missing.len() == 1 { "one is" } else { "some are" },
            missing.join(", ")
        )));
    }
    runs.sort_by_key(|(number, _)| *number);
    experiment::arrange(&mut reports, &mut variants, runs, false);
    Ok(match sweep {
        None => experiment::compared(reports, variants, None, None),
        Some(sweep) => experiment::swept(reports, sweep, variants, None, None),
    })
}

/// Why a part is of another experiment, if it is.
fn other(part: &Part, file: &str, shard: &Shard, reports: &[Report], variants: &[Variant]) -> Option<String> {
    let digests = |reports: &[Report]| reports.iter().map(|report| report.scenario.digest.clone()).collect::<Vec<_>>();
    let names = |variants: &[Variant]| variants.iter().map(|variant| variant.name.clone()).collect::<Vec<_>>();
    let ours = env!("CARGO_PKG_VERSION");
    if part.lbsim != ours {
        Some(format!("it was made by lbsim {}, the other by {ours}", part.lbsim))
    } else if digests(&part.reports) != digests(reports) {
        Some("the scenarios differ (their digests do)".to_owned())
    } else if names(&part.variants) != names(variants) {
        Some(format!("it holds {}, {file} {}", names(&part.variants).join(", "), names(variants).join(", ")))
    } else if part.shard.of != shard.of {
        Some(format!("it is one of {}, {file} one of {}", plural(part.shard.of, "shard"), shard.of))
    } else if part.shard.runs != shard.runs {
        Some(format!("it is part of {}, {file} of {}", plural(part.shard.runs, "run"), shard.runs))
    } else {
        None
    }
}

//! `lbsim check --prove`: would the gate notice a broken balancer?

use std::path::PathBuf;

use super::args::threads;
use super::check::Options;
use super::exit::{Exit, Failure};
use super::interrupt;
use super::load;
use super::terminal::Terminal;
use crate::gate::prove::{Subject, prove};
use crate::render::Format;
use crate::render::check::prove as render;

/// Runs the faults against the files; exit 1 when one of them is missed.
pub fn execute(options: &Options, paths: &[PathBuf], terminal: &Terminal) -> Result<Exit, Failure> {
    if !options.results.output.is_empty() || options.results.summary.is_some() {
        return Err(Failure::usage("--prove writes to stdout alone; redirect it"));
    }
    if options.seeds.get() > 1 {
        return Err(Failure::usage("--prove runs every file once a fault; leave --seeds out, or choose one with --seed"));
    }
    let format = options.results.format;
    if !matches!(format, Format::Human | Format::Json) {
        return Err(Failure::usage("--prove knows the formats human and json"));
    }
    let mut ready = Vec::new();
    for path in paths {
        match load::scenario(&path.to_string_lossy(), &options.changes.overrides(), terminal) {
            Ok(mut loaded) => {
                // A fault shows in either clock, and dozens of runs in real time would take hours.
                loaded.scenario.plan.real = None;
                ready.push(loaded.scenario);
            }
            Err(exit) => return Ok(exit),
        }
    }
    interrupt::install_or_warn("result", terminal);
    ready.retain(|scenario| !scenario.expectations.is_empty());
    if ready.is_empty() {
        return Err(Failure { exit: Exit::NothingRun, message: "no scenario expects anything: there is no gate to prove".to_owned() });
    }
    let subjects: Vec<Subject<'_>> =
        ready.iter().map(|scenario| Subject { name: &scenario.name, plan: &scenario.plan, expectations: &scenario.expectations }).collect();
    let proof = prove(&subjects, threads(options.jobs), interrupt::stop())
        .map_err(|(subject, error)| load::cannot_drive(&ready[subject], &error))?;
    terminal.print(&if format == Format::Json { render::json(&proof) } else { render::human(&proof, &terminal.view) })?;
    Ok(match proof.faults.iter().any(|fault| fault.caught.is_empty()) {
        _ if proof.interrupted => Exit::Interrupted,
        true => Exit::Failed,
        false => Exit::Held,
    })
}

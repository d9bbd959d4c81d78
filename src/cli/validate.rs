//! `lbsim validate`: every error of every file, without running anything.

use std::path::PathBuf;

use clap::Args;

use super::exit::{Exit, Failure, HELP};
use super::files;
use super::terminal::Terminal;
use crate::render::number::plural;
use crate::scenario::{self, Overrides, Scenario};

/// Check scenario files without running them
#[derive(Debug, Args)]
#[command(after_help = HELP)]
pub struct Options {
    /// Files, and folders to search for *.toml [default: scenarios]
    pub paths: Vec<PathBuf>,
    /// Change one key of every file before checking it
    #[arg(long, value_name = "KEY=VALUE")]
    pub set: Vec<String>,
}

pub fn execute(options: &Options, terminal: &Terminal) -> Result<Exit, Failure> {
    let files = files::scenarios(&options.paths)?;
    let overrides = Overrides { set: options.set.clone(), ..Overrides::default() };
    let mut invalid = 0;
    for file in &files {
        match scenario::load(&file.to_string_lossy(), &overrides) {
            Ok(loaded) => {
                let warnings = loaded.warnings.len();
                if warnings > 0 {
                    terminal.remark(&loaded.warnings.render(terminal.color_stderr, terminal.view.width));
                }
                terminal.print(&line(&loaded.scenario, terminal.view.verbose))?;
            }
            Err(wrong) => {
                invalid += 1;
                terminal.complain(&wrong.render(terminal.color_stderr, terminal.view.width));
            }
        }
    }
    if invalid == 0 {
        return Ok(Exit::Held);
    }
    let bad = if invalid == 1 { "1 is".to_owned() } else { format!("{invalid} are") };
    Err(Failure::usage(format!("of {} {bad} invalid", plural(files.len() as u64, "scenario"))))
}

fn line(scenario: &Scenario, verbose: bool) -> String {
    let Scenario { name, path, digest, plan, expectations, .. } = scenario;
    if !verbose {
        return format!("ok {name} ({path})\n");
    }
    let providers = plural(plan.engine.providers.len() as u64, "provider");
    let expectations = plural(expectations.len() as u64, "expectation");
    format!("ok {name} ({path}): {}, {providers}, {expectations}, digest {digest}\n", plan.engine.strategy)
}

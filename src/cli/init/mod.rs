//! `lbsim init`: a scenario to begin with.

mod template;

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use super::exit::{Exit, Failure};
use super::output::Output;
use super::terminal::Terminal;
use crate::scenario::import::litellm;

/// Write a commented scenario to begin with
#[derive(Debug, Args)]
#[command(after_help = template::help())]
pub struct Options {
    /// Where to write it; `-` is stdout [default: scenario.toml]
    #[arg(default_value = "scenario.toml", hide_default_value = true)]
    pub file: PathBuf,
    /// Which one; see the list below
    #[arg(long, value_name = "NAME", default_value = "starter", conflicts_with = "from")]
    pub template: String,
    /// Make it from a LiteLLM configuration (config.yaml); what has no place in a scenario is said
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    pub force: bool,
}

pub fn execute(options: &Options, terminal: &Terminal) -> Result<Exit, Failure> {
    let text = match &options.from {
        Some(path) => import(path, terminal)?,
        None => template::find(&options.template)?.to_owned(),
    };
    if options.file == Path::new("-") {
        terminal.print(&text)?;
        return Ok(Exit::Held);
    }
    let shown = options.file.display();
    if options.file.exists() && !options.force {
        return Err(Failure::usage(format!("{shown} is there already; name another file, or give --force to replace it")));
    }
    Output::create(&options.file)?.write_whole(&text)?;
    terminal.remark(&format!("wrote {shown}; try: lbsim run {shown}"));
    Ok(Exit::Held)
}

fn import(path: &Path, terminal: &Terminal) -> Result<String, Failure> {
    let wrong = |why: String| Failure::usage(format!("cannot read {}: {why}", path.display()));
    let text = fs::read_to_string(path).map_err(|problem| wrong(problem.to_string()))?;
    let imported = litellm::import(&text, &path.display().to_string()).map_err(|problem| wrong(problem.to_string()))?;
    terminal.remark("not carried over, or assumed:");
    imported.left.iter().for_each(|line| terminal.remark(&format!("- {line}")));
    Ok(imported.text)
}

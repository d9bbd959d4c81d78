//! `lbsim profiles`: the provider profiles that scenarios can name.

use clap::Args;

use super::args::ListFormat;
use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::unknown::unknown;
use crate::render::profiles;
use crate::world::profile::{PROFILES, Profile};

const EXAMPLE: &str = "\
A scenario begins with a profile and overrides what it knows better:
  [[provider]]
  name = \"alpha\"
  profile = \"openai-tier3\"
  ttft = { p50 = \"900ms\", p99 = \"4s\", per_1k_input = \"30ms\" }
`latency` replaces how long answers take, `ttft` and `itl` one half of it each;
`limits` replaces all limits, not single ones.";

/// List the built-in provider profiles: limits, latencies, sources
#[derive(Debug, Args)]
#[command(after_help = EXAMPLE, after_long_help = EXAMPLE)]
pub struct Options {
    /// Every figure of this one, with its source
    pub name: Option<String>,
    /// How to write the list
    #[arg(long, value_enum, default_value_t = ListFormat::Human)]
    pub format: ListFormat,
}

pub fn execute(options: &Options, terminal: &Terminal) -> Result<Exit, Failure> {
    let one = options.name.as_deref().map(find).transpose()?;
    let list: &[&Profile] = one.as_ref().map_or(&PROFILES, std::slice::from_ref);
    let text = match (options.format, one) {
        (ListFormat::Human, None) => profiles::human(list, terminal.view.width),
        (ListFormat::Human, Some(profile)) => profiles::details(profile, terminal.view.width),
        (ListFormat::Json, _) => profiles::json(list),
        (ListFormat::Markdown, None) => profiles::markdown(list),
        (ListFormat::Markdown, Some(profile)) => profiles::details_markdown(profile),
    };
    terminal.print(&text)?;
    Ok(Exit::Held)
}

fn find(name: &str) -> Result<&'static Profile, Failure> {
    Profile::find(name).ok_or_else(|| unknown("profile", name, PROFILES.iter().map(|profile| profile.name), "lbsim profiles"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspellings_are_guessed() {
        assert_eq!(find("deepseek").unwrap().name, "deepseek");
        assert_eq!(find("openai-teir3").unwrap_err().message, "unknown profile `openai-teir3`; did you mean `openai-tier3`?");
        assert_eq!(find("x").unwrap_err().message, "unknown profile `x`; `lbsim profiles` lists them");
    }
}

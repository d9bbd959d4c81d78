//! `lbsim strategies`: the catalogue that the engine itself uses.

use clap::Args;

use super::args::ListFormat;
use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use super::unknown::unknown;
use crate::engine::strategy::{CATALOGUE, Strategy, StrategyInfo};
use crate::render::catalogue;

/// List the strategies: rule, when to choose it, cost
#[derive(Debug, Args)]
pub struct Options {
    /// Everything about this one (also by its other names)
    pub name: Option<String>,
    /// How to write the list
    #[arg(long, value_enum, default_value_t = ListFormat::Human)]
    pub format: ListFormat,
}

pub fn execute(options: &Options, terminal: &Terminal) -> Result<Exit, Failure> {
    let one = options.name.as_deref().map(find).transpose()?;
    let list: &[StrategyInfo] = one.map_or(&CATALOGUE, std::slice::from_ref);
    let text = match (options.format, one) {
        (ListFormat::Human, None) => catalogue::human(list, terminal.view.width),
        (ListFormat::Human, Some(info)) => catalogue::details(info, terminal.view.width),
        (ListFormat::Json, _) => catalogue::json(list),
        (ListFormat::Markdown, _) => catalogue::markdown(list),
    };
    terminal.print(&text)?;
    Ok(Exit::Held)
}

/// By any of its names, or a usage error with the nearest one.
pub(super) fn find(name: &str) -> Result<&'static StrategyInfo, Failure> {
    Strategy::parse(name).map(Strategy::info).ok_or_else(|| {
        let names = CATALOGUE.iter().flat_map(|info| [info.name].into_iter().chain(info.aliases.iter().copied()));
        unknown("strategy", name, names, "lbsim strategies")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aliases_are_found_and_misspellings_guessed() {
        assert_eq!(find("p2c").unwrap().name, "power-of-two");
        assert_eq!(find("round-robbin").unwrap_err().message, "unknown strategy `round-robbin`; did you mean `round-robin`?");
        assert_eq!(find("x").unwrap_err().message, "unknown strategy `x`; `lbsim strategies` lists them");
    }
}

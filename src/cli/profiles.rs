//! `lbsim profiles`: the provider profiles that scenarios can name.

use super::args::{ListFormat, Profiles as Options};
use super::exit::{Exit, Failure};
use super::terminal::Terminal;
use crate::render::profiles;
use crate::world::profile::{PROFILES, Profile};

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
    Profile::find(name).ok_or_else(|| {
        // A guess is worth making only when a third of the letters at most differ.
        let near = PROFILES.iter().map(|profile| (strsim::damerau_levenshtein(profile.name, name), profile.name)).min();
        let guess = near.filter(|(distance, _)| *distance <= (name.chars().count() / 3).max(1));
        let hint = guess.map_or_else(|| "; `lbsim profiles` lists them".to_owned(), |(_, known)| format!("; did you mean `{known}`?"));
        Failure::usage(format!("unknown profile `{name}`{hint}"))
    })
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

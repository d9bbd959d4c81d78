//! The templates: one to fill in, and shipped scenarios to vary.

use crate::cli::exit::Failure;
use crate::cli::unknown::unknown;

/// Name, what it is, text.
const TEMPLATES: [(&str, &str, &str); 7] = [
    ("starter", "every table, with the most used keys and what they mean", include_str!("starter.toml")),
    ("weighted", "shares by weight, and a gate on them", include_str!("../../../scenarios/weighted.toml")),
    ("rate-limits", "quotas kept to the last request", include_str!("../../../scenarios/rate_limits.toml")),
    ("outage", "a provider that fails, is left and taken back", include_str!("../../../scenarios/outage.toml")),
    ("brownout", "a provider that is slow without errors", include_str!("../../../scenarios/brownout.toml")),
    ("retries", "retries and their budget", include_str!("../../../scenarios/retries.toml")),
    ("sessions", "affinity with a bound on the load", include_str!("../../../scenarios/sessions.toml")),
];

/// Its text, without the line that names the schema beside the shipped files.
pub fn find(name: &str) -> Result<&'static str, Failure> {
    let found = TEMPLATES.iter().find(|(known, ..)| *known == name);
    let (.., text) = found.ok_or_else(|| unknown("template", name, TEMPLATES.iter().map(|(known, ..)| *known), "lbsim init --help"))?;
    Ok(text.strip_prefix("#:schema ./scenario.v1.json\n").unwrap_or(text))
}

/// The list for `--help`.
pub fn help() -> String {
    let rows: String = TEMPLATES.iter().map(|(name, what, _)| format!("  {name:<12} {what}\n")).collect();
    format!("Templates:\n{rows}\nExamples:\n  lbsim init --template outage outage.toml\n  lbsim init --from config.yaml litellm.toml")
}

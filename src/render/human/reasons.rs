//! Why providers were chosen or not, with `-v`.

use super::Page;
use crate::render::number::{count, ratio};
use crate::report::{ProviderDecisions, Run};

pub(super) fn write(page: &mut Page<'_>, run: &Run) {
    let Some(decisions) = &run.decisions else { return };
    page.blank();
    let all = decisions.send + decisions.wait + decisions.refuse;
    let mut items = vec![format!("{} in all", count(all)), format!("{} sent", count(decisions.send))];
    items.push(format!("{} to wait", count(decisions.wait)));
    items.push(format!("{} refused", count(decisions.refuse)));
    items.extend(decisions.held_by.iter().map(|(why, times)| format!("held by {why}: {}", count(*times))));
    page.labelled("decisions", &items);
    for provider in &decisions.providers {
        page.labelled(&label(&provider.name), &reasons(provider, all));
    }
}

/// A name that leaves room for the reasons.
fn label(name: &str) -> String {
    if name.chars().count() <= NAME_MAX {
        return format!("{name:<9} ");
    }
    let kept: String = name.chars().take(NAME_MAX - 1).collect();
    format!("{kept}… ")
}

/// The longest name that is shown whole.
const NAME_MAX: usize = 24;

/// The share of each reason; the one to be chosen first.
fn reasons(provider: &ProviderDecisions, all: u64) -> Vec<String> {
    let mut reasons: Vec<(&String, &u64)> = provider.why.iter().collect();
    reasons.sort_by_key(|(word, times)| (word.as_str() != "ok", u64::MAX - **times));
    reasons.iter().map(|(word, times)| format!("{word} {}", ratio(**times as f64 / all as f64))).collect()
}

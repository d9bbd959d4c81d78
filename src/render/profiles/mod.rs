//! The provider profiles, for `lbsim profiles`: the list here, the figures of one in `figures`.

mod figures;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table as Grid, Width};
use serde::Serialize;

use self::figures::{Row, counts_slots, errors, rows};
use super::number::{ABSENT, millis};
use super::table::{Column, Table};
use super::text::{Tone, wrap};
use crate::engine::limit::Algorithm;
use crate::world::profile::{Counting, Profile};

/// A table in lines of at most `width` columns, limits wrapped, and where to read more.
pub fn human(profiles: &[&Profile], width: usize) -> String {
    let mut text = if width < WRAPS_FROM { narrow(profiles, width) } else { wrapped(profiles, width) };
    for line in wrap(FOOT, width, 0) {
        text += &format!("{line}\n");
    }
    text
}

/// Names and limits alone, where there is no room for more: a name that is cut could not be written into a scenario.
fn narrow(profiles: &[&Profile], width: usize) -> String {
    let name_width = profiles.iter().map(|profile| profile.name.len()).max().unwrap_or(0) + 2;
    let mut text = String::new();
    for profile in profiles {
        let [name, limits, ..] = cells(profile);
        for (position, line) in wrap(&limits, width.saturating_sub(name_width), 0).iter().enumerate() {
            text += &format!("{:<name_width$}{line}\n", if position == 0 { &name } else { "" });
        }
    }
    text
}

/// All columns, limits wrapped.
fn wrapped(profiles: &[&Profile], width: usize) -> String {
    let mut grid = Grid::new();
    grid.load_style(NOTHING.header_separator(LineStyle::none().fill('─')));
    grid.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.min(usize::from(u16::MAX)) as u16);
    grid.set_header(TITLES);
    profiles.iter().for_each(|profile| drop_ref(grid.add_row(cells(profile))));
    let last = TITLES.len() - 1;
    for index in 0..=last {
        if let Some(column) = grid.column_mut(index) {
            column.set_padding((0, if index == last { 0 } else { 2 }));
            if index >= FIRST_FIGURE {
                column.set_cell_alignment(CellAlignment::Right);
            }
            if index != LIMITS {
                // Only the limits may wrap: anything else is a word or a figure.
                column.set_constraint(ColumnConstraint::ContentWidth);
            } else {
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(12)));
            }
        }
    }
    grid.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Every figure of one profile with its source.
pub fn details(profile: &Profile, width: usize) -> String {
    let mut text = format!("{}\n", profile.name);
    let mut put = |label: &str, indent: usize, body: &str| {
        let room = width.saturating_sub(indent);
        for (position, line) in wrap(&breakable(body, room), room, 0).iter().enumerate() {
            text += &format!("{:<indent$}{line}\n", if position == 0 { label } else { "" });
        }
    };
    put("", 0, profile.about);
    let rows = rows(profile);
    let label = rows.iter().map(|row| row.figure.len()).max().unwrap_or(0) + 2;
    for row in &rows {
        put(row.figure, label, &row.value);
        put("", label + 2, &format!("{}: {}", row.kind, row.source));
    }
    for (position, approximation) in profile.approximations.iter().enumerate() {
        put(if position == 0 { "only near" } else { "" }, label, approximation);
    }
    text
}

/// Every figure of one profile with its source, for the documentation.
pub fn details_markdown(profile: &Profile) -> String {
    let mut table = Table::new(&["figure", "value", "kind", "source"].map(Column::text));
    for row in rows(profile) {
        table.row(Tone::Plain, vec![row.figure.to_owned(), row.value, row.kind.to_owned(), row.source.to_owned()]);
    }
    let notes: String = profile.approximations.iter().map(|note| format!("- {note}\n")).collect();
    let notes = if notes.is_empty() { notes } else { format!("\n{notes}") };
    format!("**`{}`**: {}\n\n{}{notes}", profile.name, profile.about, table.markdown())
}

/// A table for the documentation.
pub fn markdown(profiles: &[&Profile]) -> String {
    let [name, rest @ ..] = TITLES;
    let titles: Vec<Column> = [name, "like"].into_iter().chain(rest).map(Column::text).collect();
    let mut table = Table::new(&titles);
    for profile in profiles {
        let [name, rest @ ..] = cells(profile);
        table.row(Tone::Plain, [format!("`{name}`"), profile.about.to_owned()].into_iter().chain(rest).collect());
    }
    table.markdown()
}

/// An array of objects: name, about, figures (each with value, kind and source), approximations.
pub fn json(profiles: &[&Profile]) -> String {
    let list: Vec<Entry> = profiles
        .iter()
        .map(|profile| Entry { name: profile.name, about: profile.about, figures: rows(profile), approximations: profile.approximations })
        .collect();
    let mut text = serde_json::to_string_pretty(&list).expect("texts always serialize");
    text.push('\n');
    text
}

/// `text` with blanks in words that are too long for a line, such as addresses: after a `/` or `-` where there is one.
fn breakable(text: &str, room: usize) -> String {
    let mut words: Vec<&str> = Vec::new();
    for mut word in text.split_whitespace() {
        while word.len() > room.max(1) {
            let end = (1..=room.max(1)).rev().find(|end| word.is_char_boundary(*end));
            let joint = end.and_then(|end| word[..end].rfind(['/', '-']).map(|at| at + 1)).or(end);
            let Some(joint) = joint else { break };
            words.push(&word[..joint]);
            word = &word[joint..];
        }
        words.push(word);
    }
    words.join(" ")
}

/// Narrower lists have no room for all columns.
const WRAPS_FROM: usize = 76;
const TITLES: [&str; 6] = ["profile", "limits", "counted by", "ttft p50", "per token", "errors"];
const LIMITS: usize = 1;
const FIRST_FIGURE: usize = 3;
const FOOT: &str = "ttft p50 is that of a request without input. `lbsim profiles NAME` shows every figure and its source: documented, \
                    measured, reported or assumed.";

#[derive(Serialize)]
struct Entry {
    name: &'static str,
    about: &'static str,
    figures: Vec<Row>,
    approximations: &'static [&'static str],
}

fn cells(profile: &Profile) -> [String; 6] {
    let counted = profile.limits.as_ref().map_or_else(
        || ABSENT.to_owned(),
        |limited| match limited.counting.value {
            _ if counts_slots(profile) => "slots".to_owned(),
            Counting { request_period: Some(period), .. } => format!("{period}, minute"),
            Counting { algorithm: Algorithm::TokenBucket, .. } => "bucket".to_owned(),
            Counting { algorithm: Algorithm::FixedWindow, .. } => "minute".to_owned(),
            Counting { algorithm: Algorithm::SlidingWindow, .. } => "sliding".to_owned(),
        },
    );
    [
        profile.name.to_owned(),
        limits(profile),
        counted,
        millis(profile.ttft.median_ms.value),
        millis(profile.itl.median_ms.value),
        errors(profile),
    ]
}

fn limits(profile: &Profile) -> String {
    let mut parts: Vec<String> = Vec::new();
    for quota in profile.limits.iter().flat_map(|limited| limited.quotas) {
        let (key, value) = quota.value.key_and_value();
        parts.push(format!("{} {}", short(value), if key == "max_concurrency" { "at once" } else { key }));
    }
    parts.extend(profile.slots.map(|slots| format!("{} slots", slots.value)));
    if parts.is_empty() { ABSENT.to_owned() } else { parts.join(", ") }
}

/// `500`, `30k`, `83.3k`, `2M`.
fn short(value: f64) -> String {
    let text = |value: f64, unit: &str| format!("{}{unit}", (value * 1e3).round() / 1e3);
    match value {
        _ if value >= 1e6 => text(value / 1e6, "M"),
        _ if value >= 1e3 => text(value / 1e3, "k"),
        _ => text(value, ""),
    }
}

/// Ends a chain of builder calls where `()` is needed.
fn drop_ref<T>(_: &mut T) {}

#[cfg(test)]
mod tests {
    use console::measure_text_width;

    use super::*;
    use crate::world::profile::PROFILES;

    #[test]
    fn amounts_are_short() {
        for (value, text) in [(20.0, "20"), (1_000.0, "1k"), (83_300.0, "83.3k"), (250_000.0, "250k"), (2e6, "2M"), (3e7, "30M")] {
            assert_eq!(short(value), text);
        }
    }

    /// At the usual widths no line is too long and no name or figure is broken; the details show every figure and source.
    #[test]
    fn lists_and_details_fit() {
        for width in [80, 92, 40] {
            let list = human(&PROFILES, width);
            assert!(list.lines().all(|line| measure_text_width(line) <= width), "{width}:\n{list}");
            for profile in PROFILES.into_iter().filter(|_| width >= WRAPS_FROM) {
                let figures =
                    format!("{}  {}  {}", millis(profile.ttft.median_ms.value), millis(profile.itl.median_ms.value), errors(profile));
                let figures: Vec<&str> = figures.split_whitespace().collect();
                let line = list.lines().find(|line| line.split_whitespace().next() == Some(profile.name)).expect("a line of its own");
                let words: Vec<&str> = line.split_whitespace().collect();
                assert!(words.ends_with(&figures), "{line}");
                let details = details(profile, width);
                assert!(details.lines().all(|line| measure_text_width(line) <= width), "{width}:\n{details}");
                assert!(!details.contains('…') || details.contains("exceeded token rate limit …"), "nothing is cut:\n{details}");
            }
        }
    }
}

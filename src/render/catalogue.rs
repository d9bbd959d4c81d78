//! The catalogue of strategies, for `lbsim strategies`.

use comfy_table::presets::NOTHING;
use comfy_table::{ColumnConstraint, ContentArrangement, LineStyle, Table as Grid, Width};
use serde::Serialize;

use super::table::{Column, Table};
use super::text::{Tone, wrap};
use crate::engine::strategy::StrategyInfo;

/// A table in lines of at most `width` columns, cells wrapped.
pub fn human(catalogue: &[StrategyInfo], width: usize) -> String {
    let names = catalogue.iter().map(|info| info.name.len().max(info.aliases.iter().map(|alias| alias.len() + 2).max().unwrap_or(0)));
    let name_width = names.max().unwrap_or(0) as u16;
    let rule_line = LineStyle::none().fill('─');
    let mut grid = Grid::new();
    grid.load_style(NOTHING.header_separator(rule_line).row_separator(LineStyle::none().fill(' ')));
    grid.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.min(usize::from(u16::MAX)) as u16);
    grid.set_header(["strategy ← also", "the next provider is", "choose it for", "a pick costs"]);
    for info in catalogue {
        let names: Vec<String> = [info.name.to_owned()].into_iter().chain(info.aliases.iter().map(|alias| format!("← {alias}"))).collect();
        grid.add_row([names.join("\n"), info.rule.to_owned(), info.when.to_owned(), info.cost.to_owned()]);
    }
    for (index, padding) in [(0, 2), (1, 2), (2, 2), (3, 0)] {
        if let Some(column) = grid.column_mut(index) {
            column.set_padding((0, padding));
        }
    }
    for (index, fixed) in [(0, name_width + 2), (3, 12)] {
        if let Some(column) = grid.column_mut(index) {
            column.set_constraint(ColumnConstraint::Absolute(Width::Fixed(fixed)));
        }
    }
    grid.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Everything about one strategy.
pub fn details(info: &StrategyInfo, width: usize) -> String {
    let aliases = if info.aliases.is_empty() { "–".to_owned() } else { info.aliases.join(", ") };
    let rows = [
        ("picks", info.rule),
        ("choose for", info.when),
        ("cost", info.cost),
        ("weights", if info.weighted { "have an effect" } else { "have no effect" }),
        ("also", &aliases),
        ("source", info.source),
    ];
    let mut text = format!("{}\n", info.name);
    for (label, value) in rows {
        for (position, line) in wrap(value, width.saturating_sub(LABEL), 0).iter().enumerate() {
            text += &format!("{:<LABEL$}{line}\n", if position == 0 { label } else { "" });
        }
    }
    text
}

/// An array of objects with the fields of [`StrategyInfo`].
pub fn json(catalogue: &[StrategyInfo]) -> String {
    let rows: Vec<Row> = catalogue.iter().map(Row::from).collect();
    let mut text = serde_json::to_string_pretty(&rows).expect("texts and flags always serialize");
    text.push('\n');
    text
}

/// A table for the documentation.
pub fn markdown(catalogue: &[StrategyInfo]) -> String {
    let mut table =
        Table::new(&["strategy", "also accepted", "the next provider is", "choose it for", "a pick costs", "source"].map(Column::text));
    for info in catalogue {
        let aliases: Vec<String> = info.aliases.iter().map(|alias| format!("`{alias}`")).collect();
        let cells = [&format!("`{}`", info.name), &aliases.join(", "), info.rule, info.when, info.cost, info.source];
        table.row(Tone::Plain, cells.map(str::to_owned).to_vec());
    }
    table.markdown()
}

/// Columns of a label and the blanks behind it.
const LABEL: usize = 12;

#[derive(Serialize)]
struct Row {
    name: &'static str,
    aliases: &'static [&'static str],
    rule: &'static str,
    when: &'static str,
    cost: &'static str,
    weighted: bool,
    source: &'static str,
}

impl From<&StrategyInfo> for Row {
    fn from(info: &StrategyInfo) -> Row {
        let StrategyInfo { strategy: _, name, aliases, rule, when, cost, weighted, source } = *info;
        Row { name, aliases, rule, when, cost, weighted, source }
    }
}

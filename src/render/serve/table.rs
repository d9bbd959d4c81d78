//! A table for people.

use super::Serving;
use crate::render::table::{Column, Table};
use crate::render::text::Tone;

pub(super) fn render(serving: &Serving, width: usize) -> String {
    let mut table = Table::new(&[
        Column::text("provider"),
        Column::word("base URL"),
        Column::word("like").dispensable(2),
        Column::text("models").dispensable(1),
    ]);
    for served in &serving.providers {
        let models = if served.models.is_empty() { "any".to_owned() } else { served.models.join(", ") };
        table.row(Tone::Plain, vec![served.comment(), served.base_url(), served.shape.name().to_owned(), models]);
    }
    table.lines(width).into_iter().map(|(_, line)| format!("{line}\n")).collect()
}

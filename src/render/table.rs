//! A table that fits a width: it shortens names, closes up its columns, and at last leaves the least important columns out.

use std::borrow::Cow;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table as Grid};
use console::measure_text_width;

use super::text::{Tone, cut};

/// A column.
#[derive(Clone, Debug)]
pub struct Column {
    title: Cow<'static, str>,
    right: bool,
    shrinks: Shrinks,
    /// 0: always shown; otherwise higher ones go first.
    dispensable: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Shrinks {
    First,
    Late,
    Never,
}

impl Column {
    /// Words, to the left; shortened with `…` when the table is too wide.
    pub const fn text(title: &'static str) -> Column {
        Column { title: Cow::Borrowed(title), right: false, shrinks: Shrinks::First, dispensable: 0 }
    }

    /// As [`Column::text`], with a title that is not known beforehand.
    pub fn named(title: String) -> Column {
        Column { title: Cow::Owned(title), ..Column::text("") }
    }

    /// Words of a fixed vocabulary, to the left; shortened only when nothing else helps.
    pub const fn word(title: &'static str) -> Column {
        Column { title: Cow::Borrowed(title), right: false, shrinks: Shrinks::Late, dispensable: 0 }
    }

    /// Figures, to the right, never shortened.
    pub const fn figure(title: &'static str) -> Column {
        Column { title: Cow::Borrowed(title), right: true, shrinks: Shrinks::Never, dispensable: 0 }
    }

    /// As [`Column::figure`], with a title that is not known beforehand.
    pub fn named_figure(title: String) -> Column {
        Column { title: Cow::Owned(title), ..Column::figure("") }
    }

    /// May be left out when there is no room, the highest `rank` first.
    pub const fn dispensable(mut self, rank: u8) -> Column {
        self.dispensable = rank;
        self
    }
}

/// Rows under titled columns.
#[derive(Clone, Debug, Default)]
pub struct Table {
    columns: Vec<Column>,
    rows: Vec<(Tone, Vec<String>)>,
}

impl Table {
    /// No rows yet.
    pub fn new(columns: &[Column]) -> Table {
        Table { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// Adds a row: one cell per column (missing ones stay empty).
    pub fn row(&mut self, tone: Tone, mut cells: Vec<String>) {
        cells.resize(self.columns.len(), String::new());
        self.rows.push((tone, cells));
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Whether it fits with nothing shortened or left out.
    pub fn fits(&self, width: usize) -> bool {
        let all: Vec<usize> = (0..self.columns.len()).collect();
        self.try_layout(&all, width, 2, usize::MAX, Shrinks::First).is_some()
    }

    /// The table in lines of at most `width` columns: titles, a rule, rows.
    pub fn lines(&self, width: usize) -> Vec<(Tone, String)> {
        let layout = self.layout(width);
        let last = layout.columns.len().saturating_sub(1);
        let mut grid = Grid::new();
        grid.load_style(NOTHING.header_separator(LineStyle::none().fill('─'))).set_content_arrangement(ContentArrangement::Disabled);
        grid.set_header(layout.columns.iter().map(|&(index, limit)| cut(&self.columns[index].title, limit)));
        for (_, cells) in &self.rows {
            grid.add_row(layout.columns.iter().map(|&(index, limit)| cut(&cells[index], limit)));
        }
        for (position, &(index, _)) in layout.columns.iter().enumerate() {
            if let Some(column) = grid.column_mut(position) {
                column.set_padding((0, if position == last { 0 } else { layout.gap }));
                column.set_cell_alignment(if self.columns[index].right { CellAlignment::Right } else { CellAlignment::Left });
            }
        }
        let tones = [Tone::Strong, Tone::Quiet].into_iter().chain(self.rows.iter().map(|(tone, _)| *tone));
        tones.zip(grid.lines().map(|line| cut(line.trim_end(), width))).collect()
    }

    /// The table in GitHub's Markdown, all columns.
    pub fn markdown(&self) -> String {
        let row = |cells: &mut dyn Iterator<Item = String>| format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "));
        let mut text = row(&mut self.columns.iter().map(|column| column.title.clone().into_owned()));
        text += &row(&mut self.columns.iter().map(|column| if column.right { "---:" } else { "---" }.to_owned()));
        for (_, cells) in &self.rows {
            text += &row(&mut cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")));
        }
        text
    }

    /// The first of these that fits: everything; shorter names; less space; still shorter names; one column less, and again.
    fn layout(&self, width: usize) -> Layout {
        let mut shown: Vec<usize> = (0..self.columns.len()).collect();
        loop {
            for (gap, shortest, who) in [(2, 16, Shrinks::First), (1, 16, Shrinks::First), (1, 8, Shrinks::First), (1, 8, Shrinks::Late)] {
                if let Some(layout) = self.try_layout(&shown, width, gap, shortest, who) {
                    return layout;
                }
            }
            let rank = |index: &&usize| self.columns[**index].dispensable;
            match shown.iter().max_by_key(rank).copied().filter(|index| self.columns[*index].dispensable > 0) {
                Some(index) => shown.retain(|other| *other != index),
                // Nothing more to leave out: the lines are cut at the width.
                None => return Layout { gap: 1, columns: shown.iter().map(|index| (*index, self.natural(*index).max(1))).collect() },
            }
        }
    }

    /// Columns at their natural width; those that shrink no later than `who` are cut evenly as far as needed, not below `shortest`.
    fn try_layout(&self, shown: &[usize], width: usize, gap: u16, shortest: usize, who: Shrinks) -> Option<Layout> {
        let mut columns: Vec<(usize, usize)> = shown.iter().map(|index| (*index, self.natural(*index))).collect();
        let gaps = usize::from(gap) * columns.len().saturating_sub(1);
        let mut excess = (columns.iter().map(|(_, natural)| natural).sum::<usize>() + gaps).saturating_sub(width);
        while excess > 0 {
            let shrinking = columns.iter_mut().filter(|(index, limit)| self.columns[*index].shrinks <= who && *limit > shortest);
            shrinking.max_by_key(|(_, limit)| *limit)?.1 -= 1;
            excess -= 1;
        }
        Some(Layout { gap, columns })
    }

    fn natural(&self, index: usize) -> usize {
        let cells = self.rows.iter().map(|(_, cells)| measure_text_width(&cells[index]));
        cells.chain([measure_text_width(&self.columns[index].title)]).max().unwrap_or(0)
    }
}

/// Which columns are shown, how wide each may be, and the blanks between them.
struct Layout {
    gap: u16,
    columns: Vec<(usize, usize)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Table {
        let mut table = Table::new(&[Column::text("provider"), Column::figure("attempts"), Column::figure("p99").dispensable(1)]);
        table.row(Tone::Plain, vec!["alpha".into(), "6,000".into(), "2.10 s".into()]);
        table.row(Tone::Bad, vec!["a-deployment-with-a-long-name".into(), "6".into()]);
        table
    }

    fn text(lines: &[(Tone, String)]) -> Vec<&str> {
        lines.iter().map(|(_, line)| line.as_str()).collect()
    }

    #[test]
    fn names_shrink_before_figures_are_left_out() {
        let table = sample();
        assert_eq!(
            text(&table.lines(92)),
            [
                "provider                       attempts     p99",
                "───────────────────────────────────────────────",
                "alpha                             6,000  2.10 s",
                "a-deployment-with-a-long-name         6",
            ]
        );
        assert_eq!(text(&table.lines(34))[3], "a-deployment-wi…         6");
        assert_eq!(text(&table.lines(17)), ["provider attempts", "─────────────────", "alpha       6,000", "a-deplo…        6"]);
        for width in 1..60 {
            assert!(table.lines(width).iter().all(|(_, line)| measure_text_width(line) <= width), "width {width}");
        }
        assert_eq!(table.lines(92)[3].0, Tone::Bad);
    }

    #[test]
    fn markdown_has_every_column_and_escapes_bars() {
        let mut table = sample();
        table.row(Tone::Plain, vec!["a|b".into()]);
        assert_eq!(
            table.markdown(),
            "| provider | attempts | p99 |\n| --- | ---: | ---: |\n| alpha | 6,000 | 2.10 s |\n\
             | a-deployment-with-a-long-name | 6 |  |\n| a\\|b |  |  |\n"
        );
    }
}

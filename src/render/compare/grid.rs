//! The table of a comparison: metrics down, variants across, the base in every block.

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table as Grid};
use console::measure_text_width;

use crate::render::text::{Tone, cut, paint};

/// A row: its label and a cell for each variant; cells may have two lines.
pub(super) struct Row {
    pub(super) label: String,
    pub(super) cells: Vec<String>,
}

/// Lines of at most `width` columns; where not all variants fit beside each other, blocks, each with the base.
pub(super) fn lines(names: &[String], rows: &[Row], width: usize, color: bool) -> Vec<String> {
    let titles: Vec<String> = names.iter().map(|name| folded(name)).collect();
    let label = rows.iter().map(|row| measure_text_width(&row.label)).max().unwrap_or(0);
    let widths: Vec<usize> = (0..names.len()).map(|index| column(&titles[index], rows, index)).collect();
    let mut lines = Vec::new();
    let mut next = 1;
    loop {
        let block = block(&widths, next, width.saturating_sub(label));
        next = block.last().map_or(next, |last| last + 1).max(next + 1);
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend(draw(&titles, rows, &block, label, width, color));
        if next >= names.len() {
            return lines;
        }
    }
}

/// The base and as many from `next` on as fit, at least one.
fn block(widths: &[usize], next: usize, room: usize) -> Vec<usize> {
    let mut block = vec![0];
    let mut used = widths[0] + GAP;
    for (index, width) in widths.iter().enumerate().skip(next) {
        used += width + GAP;
        if used > room && block.len() > 1 {
            break;
        }
        block.push(index);
    }
    block
}

fn draw(titles: &[String], rows: &[Row], block: &[usize], label: usize, width: usize, color: bool) -> Vec<String> {
    // Only a single variant that is too wide beside the base is ever cut.
    let room = width.saturating_sub(label) / block.len().max(1);
    let limit = if block.len() <= 2 { room.saturating_sub(GAP).max(4) } else { usize::MAX };
    let fit = |cell: &str| cell.lines().map(|line| cut(line, limit)).collect::<Vec<_>>().join("\n");
    let mut grid = Grid::new();
    grid.load_style(NOTHING.header_separator(LineStyle::none().fill('─'))).set_content_arrangement(ContentArrangement::Disabled);
    grid.set_header(std::iter::once(String::new()).chain(block.iter().map(|index| fit(&titles[*index]))));
    for row in rows {
        grid.add_row(std::iter::once(row.label.clone()).chain(block.iter().map(|index| fit(&row.cells[*index]))));
    }
    for position in 0..=block.len() {
        if let Some(column) = grid.column_mut(position) {
            column.set_padding((if position == 0 { 0 } else { GAP as u16 }, 0));
            column.set_cell_alignment(if position == 0 { CellAlignment::Left } else { CellAlignment::Right });
        }
    }
    grid.lines().map(|line| coloured(line.trim_end(), color)).collect()
}

/// The marks in their colours; everything else as it is.
fn coloured(line: &str, color: bool) -> String {
    let mark = |text: String, mark: &str, tone| if color { text.replace(mark, &paint(mark, tone, true)) } else { text };
    mark(mark(line.to_owned(), "▲", Tone::Good), "▼", Tone::Bad)
}

fn column(title: &str, rows: &[Row], index: usize) -> usize {
    let cells = rows.iter().flat_map(|row| row.cells[index].lines());
    cells.chain(title.lines()).map(measure_text_width).max().unwrap_or(0)
}

/// A long name in two lines, broken behind a hyphen, a blank or a slash near its middle.
fn folded(name: &str) -> String {
    if measure_text_width(name) <= SHORT {
        return name.to_owned();
    }
    let middle = name.len() / 2;
    let joints = name.char_indices().filter(|(_, c)| matches!(c, '-' | ' ' | '/')).map(|(at, c)| at + c.len_utf8());
    match joints.filter(|at| *at < name.len()).min_by_key(|at| at.abs_diff(middle)) {
        Some(at) => format!("{}\n{}", name[..at].trim_end(), &name[at..]),
        None => name.to_owned(),
    }
}

const GAP: usize = 2;
/// Names up to here stay in one line.
const SHORT: usize = 12;

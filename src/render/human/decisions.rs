//! What a pick costs on this machine.

use super::Page;
use crate::render::number::{nanos, or_absent, plural, ratio};
use crate::render::text::Tone;
use crate::report::DecisionCost;

/// Rows of the histogram at most; the rest of the tail is one more row.
const ROWS_MAX: usize = 10;

pub(super) fn write(page: &mut Page<'_>, cost: &DecisionCost) {
    let figures = &cost.quantiles;
    page.blank();
    if figures.count == 0 {
        page.labelled("decisions", &["none was timed".to_owned()]);
        return;
    }
    let figure = |name: &str, value: Option<f64>| format!("{name} {}", or_absent(value, nanos));
    let items = [
        format!("{} timed", plural(figures.count, "pick")),
        figure("mean", figures.mean),
        figure("p50", figures.p50),
        figure("p99", figures.p99),
        figure("max", figures.max),
    ];
    page.labelled("decisions", &items);
    let rows = bars(&cost.histogram);
    let most = rows.iter().map(|row| row.count).max().unwrap_or(0);
    let total: u64 = rows.iter().map(|row| row.count).sum();
    for row in &rows {
        let label = format!("{:>8} {}", if row.open { "above" } else { "to" }, pad_left(&nanos(row.bound as f64), 7));
        let share = ratio(row.count as f64 / total.max(1) as f64);
        page.line(
            Tone::Plain,
            format!("{label}  {}  {}", pad_left(&share, 8), bar(row.count, most, bar_width(page.view.width))).trim_end(),
        );
    }
    let note =
        format!("wall clock of this machine; the timer's own {} are subtracted; left out with --stable", nanos(cost.timer_ns as f64));
    page.paragraph(&note, 0, Tone::Quiet);
}

/// A bar of the histogram: picks of at most `bound` ns that no row before counts, or with `open` all above it.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    bound: u64,
    open: bool,
    count: u64,
}

/// The buckets in steps of 1–2–5 from the first to the last with a count, at most [`ROWS_MAX`] and one for the tail.
fn bars(histogram: &[(u64, u64)]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for &(upper, count) in histogram.iter().filter(|(_, count)| *count > 0) {
        let bound = step_above(upper);
        while rows.last().is_some_and(|row| row.bound < bound && !row.open) {
            let last = rows[rows.len() - 1].bound;
            let open = rows.len() == ROWS_MAX;
            rows.push(Row { bound: if open { last } else { step_above(last.saturating_add(1)) }, open, count: 0 });
        }
        match rows.last_mut() {
            Some(row) => row.count = row.count.saturating_add(count),
            None => rows.push(Row { bound, open: false, count }),
        }
    }
    rows
}

/// The smallest of 1, 2, 5, 10, 20, 50 … that is at least `value`.
fn step_above(value: u64) -> u64 {
    let mut decade: u64 = 1;
    loop {
        for step in [1, 2, 5] {
            let bound = decade.saturating_mul(step);
            if bound >= value {
                return bound;
            }
        }
        decade = decade.saturating_mul(10);
    }
}

/// Block characters in eighths of a column; something that happened is never an empty bar.
fn bar(count: u64, most: u64, width: usize) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = (count as f64 / most.max(1) as f64 * width as f64 * 8.0).round() as usize;
    let eighths = if count > 0 { eighths.max(1) } else { 0 };
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

/// What the labels leave, up to 48 columns.
fn bar_width(width: usize) -> usize {
    width.saturating_sub(29).clamp(1, 48)
}

fn pad_left(text: &str, width: usize) -> String {
    console::pad_str(text, width, console::Alignment::Right, None).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_gather_in_steps_of_one_two_five_without_holes() {
        let row = |bound, count| Row { bound, open: false, count };
        assert_eq!(bars(&[]), []);
        assert_eq!(bars(&[(33, 5), (48, 5), (51, 1), (600, 2)]), [row(50, 10), row(100, 1), row(200, 0), row(500, 0), row(1_000, 2)]);
    }

    #[test]
    fn a_long_tail_becomes_one_row_and_no_count_is_lost() {
        let rows = bars(&[(10, 1), (1_000_000, 2), (u64::MAX, 3)]);
        assert_eq!(rows.len(), ROWS_MAX + 1);
        assert_eq!(rows[ROWS_MAX], Row { bound: 10_000, open: true, count: 5 });
        assert_eq!(rows.iter().map(|row| row.count).sum::<u64>(), 6);
    }

    #[test]
    fn what_happened_is_seen() {
        assert_eq!(bar(0, 10, 8), "");
        assert_eq!(bar(1, 1_000_000, 8), "▏");
        assert_eq!(bar(10, 10, 8), "████████");
    }
}

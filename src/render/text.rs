//! Lines of text: wrapping to a width, and the few styles a report uses.

use anstyle::{AnsiColor, Style};
use console::measure_text_width;

/// What a piece of text says about the result; decides its colour on a terminal, and nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tone {
    /// Something did not hold.
    Bad,
    /// Everything held.
    Good,
    /// Secondary.
    Quiet,
    /// As it is.
    #[default]
    Plain,
    /// A heading.
    Strong,
    /// Neither held nor failed.
    Unsure,
}

/// `text` in the colour of `tone`, or as it is without colour.
pub fn paint(text: &str, tone: Tone, color: bool) -> String {
    if !color || tone == Tone::Plain || text.is_empty() {
        return text.to_owned();
    }
    let style = match tone {
        Tone::Bad => Style::new().bold().fg_color(Some(AnsiColor::Red.into())),
        Tone::Good => Style::new().bold().fg_color(Some(AnsiColor::Green.into())),
        Tone::Quiet => Style::new().dimmed(),
        Tone::Plain => Style::new(),
        Tone::Strong => Style::new().bold(),
        Tone::Unsure => Style::new().bold().fg_color(Some(AnsiColor::Yellow.into())),
    };
    format!("{style}{text}{style:#}")
}

/// Words of `text` in lines of at most `width` columns; lines after the first begin with `indent` blanks. A single word that is
/// longer is cut with `…`.
pub fn wrap(text: &str, width: usize, indent: usize) -> Vec<String> {
    fill("", text.split_whitespace(), " ", width, indent)
}

/// `first` and then the items joined by ` · `, broken only between items where each of them fits a line, else between words.
pub fn wrap_items(first: &str, items: &[String], width: usize, indent: usize) -> Vec<String> {
    let widest = items.iter().map(|item| measure_text_width(item)).max().unwrap_or(0);
    if indent + widest > width {
        return fill(first, items.join(" · ").split_whitespace(), " ", width, indent);
    }
    fill(first, items.iter().map(String::as_str), " · ", width, indent)
}

/// `text` in at most `width` columns, its end replaced by `…` where it does not fit.
pub fn cut(text: &str, width: usize) -> String {
    console::truncate_str(text, width, "…").into_owned()
}

fn fill<'a>(first: &str, parts: impl Iterator<Item = &'a str>, between: &str, width: usize, indent: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = first.to_owned();
    let mut empty = true;
    for part in parts {
        if !empty && measure_text_width(&line) + measure_text_width(between) + measure_text_width(part) > width {
            lines.push(cut(&line, width));
            line = " ".repeat(indent);
            empty = true;
        }
        if !empty {
            line.push_str(between);
        }
        line.push_str(part);
        empty = false;
    }
    if !empty {
        lines.push(cut(&line, width));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_breaks_between_words_and_never_exceeds_the_width() {
        assert_eq!(wrap("one two three", 7, 2), ["one two", "  three"]);
        assert_eq!(wrap("incomprehensibilities", 8, 0), ["incompr…"]);
        assert_eq!(wrap("", 8, 0), Vec::<String>::new());
        let items = ["alpha beta".to_owned(), "gamma".to_owned()];
        assert_eq!(wrap_items("PASS ", &items, 16, 5), ["PASS alpha beta", "     gamma"]);
        assert_eq!(wrap_items("PASS ", &items, 40, 5), ["PASS alpha beta · gamma"]);
        assert_eq!(wrap_items("PASS ", &items, 12, 5), ["PASS alpha", "     beta ·", "     gamma"]);
    }

    #[test]
    fn no_escape_code_is_written_without_colour() {
        assert_eq!(paint("PASS", Tone::Good, false), "PASS");
        assert!(paint("PASS", Tone::Good, true).starts_with('\u{1b}'));
    }
}

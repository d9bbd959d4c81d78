//! Diagnostics as text: title, `path:line:column`, the source line with a caret, help.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::diagnostic::{Diagnostic, Diagnostics, Location, Severity};

/// Columns unless told otherwise.
pub(super) const WIDTH: usize = 92;

impl Diagnostics {
    /// All findings as text, one after another with an empty line between, without a newline at the end. Texts wrap at
    /// `width` columns; source lines are cut to it.
    pub fn render(&self, color: bool, width: usize) -> String {
        self.0.iter().map(|diagnostic| diagnostic.render(color, width)).collect::<Vec<_>>().join("\n\n")
    }
}

impl Diagnostic {
    /// This finding as text.
    pub fn render(&self, color: bool, width: usize) -> String {
        let renderer = if color { Renderer::styled() } else { Renderer::plain() }.term_width(width);
        let level = match self.severity {
            Severity::Note => Level::NOTE,
            Severity::Warning => Level::WARNING,
            Severity::Error => Level::ERROR,
        };
        // `warning[code]: ` precedes the first line.
        let title = wrap(&self.message, width.saturating_sub(self.code.len() + 11));
        let mut group = level.primary_title(title).id(self.code).elements(Vec::<Origin<'_>>::new());
        group = self.snippets(group);
        // `   = help: ` precedes the text.
        let indent = 14;
        if let Some(suggestion) = &self.suggestion {
            group = group.element(Level::HELP.message(wrap(&format!("did you mean `{suggestion}`?"), width.saturating_sub(indent))));
        }
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(wrap(help, width.saturating_sub(indent))));
        }
        renderer.render(&[group])
    }

    /// The places, those in the same source as the first in one snippet.
    fn snippets<'a>(&'a self, mut group: Group<'a>) -> Group<'a> {
        let Some(main) = &self.location else { return group };
        let mut snippet = snippet_of(main);
        let mut primary = AnnotationKind::Primary.span(span(main));
        if let Some(label) = &self.label {
            primary = primary.label(label.as_str());
        }
        snippet = snippet.annotation(primary);
        let same = |location: &Location| location.source == main.source;
        for (location, label) in self.related.iter().filter(|(location, _)| same(location)) {
            snippet = snippet.annotation(AnnotationKind::Context.span(span(location)).label(label.as_str()));
        }
        group = group.element(snippet);
        for (location, label) in self.related.iter().filter(|(location, _)| !same(location)) {
            group = group.element(snippet_of(location).annotation(AnnotationKind::Context.span(span(location)).label(label.as_str())));
        }
        group
    }
}

fn snippet_of(location: &Location) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
    let source = &location.source;
    Snippet::source(source.text.as_str()).line_start(source.first_line).path(source.name.as_str())
}

/// The span, moved onto character boundaries within the text.
fn span(location: &Location) -> std::ops::Range<usize> {
    let start = location.source.before(location.start).len();
    start..location.source.before(location.end).len().max(start)
}

/// Breaks lines at spaces so that none is longer than `width` characters, where words permit. Control characters, which
/// may come from the file, do not reach the terminal.
fn wrap(text: &str, width: usize) -> String {
    let text: String = text.chars().map(|c| if c.is_control() && c != '\n' { '\u{fffd}' } else { c }).collect();
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        let mut length = 0;
        for word in paragraph.split(' ') {
            let word_length = word.chars().count();
            if length > 0 && length + 1 + word_length > width {
                lines.push(std::mem::take(&mut line));
                length = 0;
            }
            if length > 0 {
                line.push(' ');
                length += 1;
            }
            line.push_str(word);
            length += word_length;
        }
        lines.push(line);
    }
    lines.join("\n")
}

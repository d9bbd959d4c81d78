//! Names that must be unique, and references to them.

use super::nearest::{list, nearest};
use super::sink::Sink;
use super::tree::{Node, Span};

fn plural(kind: &str) -> String {
    let ending = if kind.ends_with('s') { "es" } else { "s" };
    format!("{kind}{ending}")
}

/// The names of one kind of thing, in file order.
#[derive(Default)]
pub(super) struct Names {
    /// `None` for members without a (readable) name.
    members: Vec<Option<String>>,
    spans: Vec<Span>,
}

impl Names {
    /// Adds the next member; a name that exists is an error that points at both.
    pub(super) fn add(&mut self, name: Option<&str>, node: Option<&Node>, kind: &str, sink: &mut Sink) {
        let span = node.map_or(Span::default(), |node| node.span);
        if let Some(name) = name
            && let Some(first) = self.position(name)
        {
            let other = sink.locate(self.spans[first]);
            sink.error(span, "duplicate-name", format!("two {} are called `{name}`", plural(kind)))
                .label("second use")
                .also(other, "first use")
                .help(format!("each {kind} needs a name of its own"));
        }
        self.members.push(name.map(str::to_owned));
        self.spans.push(span);
    }

    /// Index of the first member of that name.
    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.members.iter().position(|member| member.as_deref() == Some(name))
    }

    /// How many members, those without a name included.
    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// All names.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        self.members.iter().flatten().map(String::as_str)
    }

    /// The member that `node` names, or an error `code` with the nearest name.
    pub(super) fn resolve(&self, name: &str, span: Span, kind: &str, code: &'static str, sink: &mut Sink) -> Option<usize> {
        let found = self.position(name);
        // A member whose own name could not be read may be the one that is meant.
        if found.is_none() && !self.members.contains(&None) {
            let help = match self.iter().count() {
                0 => format!("the scenario has no {kind} with a name"),
                _ => format!("the {} are {}", plural(kind), list(self.iter())),
            };
            sink.error(span, code, format!("unknown {kind} `{name}`")).suggest(nearest(name, self.iter())).help(help);
        }
        found
    }
}

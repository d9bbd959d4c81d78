//! The scenario layer from text to plan and to diagnostics.

mod corpus;
mod full;
mod mutation;
mod overrides;
mod profiles;
mod rendering;
mod schema;
mod traces;
mod warnings;

use std::path::Path;

use crate::world::spec::TraceRow;

use super::decode::parse_with;
use super::trace::TraceError;
use super::{Diagnostics, Loaded, Overrides};

/// Checks a text without any trace at hand.
fn check(text: &str) -> Result<Loaded, Diagnostics> {
    let result = check_with(text, &Overrides::default());
    schema::agrees(text, result.as_ref().err());
    result
}

fn check_with(text: &str, overrides: &Overrides) -> Result<Loaded, Diagnostics> {
    parse_with("s.toml", text, overrides, &no_trace)
}

/// A world without traces.
fn no_trace(path: &Path) -> Result<Vec<TraceRow>, TraceError> {
    Err(TraceError { path: path.to_owned(), line: None, column: None, what: "no such file".into(), help: "check the path".into() })
}

/// Findings as `code line:column`.
fn brief(findings: &Diagnostics) -> Vec<String> {
    let place = |d: &super::Diagnostic| d.location.as_ref().map_or("-".to_owned(), |l| format!("{}:{}", l.line(), l.column()));
    findings.iter().map(|d| format!("{} {}", d.code, place(d))).collect()
}

/// A valid scenario with five marked places (lines 1–4 head, then load, balancer, provider) where a test writes its mistake.
struct Parts<'p> {
    head: &'p str,
    load: &'p str,
    balancer: &'p str,
    provider: &'p str,
    rest: &'p str,
}

impl Default for Parts<'_> {
    fn default() -> Self {
        Parts {
            head: "schema = 1\nname = \"t\"",
            load: "rate = \"10/s\"\nduration = \"60s\"",
            balancer: "strategy = \"random\"",
            provider: "latency = \"100ms\"",
            rest: "",
        }
    }
}

impl Parts<'_> {
    /// Two lines of head, `[load]` on line 3, and so on: the line of a mistake follows from what stands above it.
    fn text(&self) -> String {
        let Parts { head, load, balancer, provider, rest } = self;
        format!("{head}\n[load]\n{load}\n[balancer]\n{balancer}\n[[provider]]\nname = \"alpha\"\n{provider}\n{rest}\n")
    }
}

/// Each text with one mistake gives exactly the expected finding, and its rendering holds the expected words.
fn expect_errors(cases: &[(&str, String, &str, &str)]) {
    for (title, text, wanted, words) in cases {
        match check(text) {
            Ok(_) => panic!("{title}: passed, wanted {wanted}\n{text}"),
            Err(found) => {
                let rendered = found.render(false, 92);
                assert_eq!(brief(&found), [*wanted], "{title}\n{rendered}");
                let flat = rendered.split_whitespace().filter(|word| *word != "|").collect::<Vec<_>>().join(" ");
                assert!(flat.contains(words), "{title}: wanted {words:?} in\n{rendered}");
                assert!(super::code::explain(found[0].code).is_some(), "{title}: `{}` is not explained", found[0].code);
            }
        }
    }
}

//! Result files that somebody has edited: read or refused, never a panic.

use lbsim::render::{Format, View};
use lbsim::report::Document;
use serde_json::{Value, json};

use crate::cli::{Place, scenario};

/// Parts of a comparison and of a sweep, removed, emptied or replaced: what is still taken for a result is rendered in
/// every format that reads that part.
#[test]
fn no_edit_of_a_result_makes_a_reader_panic() {
    let place = Place::new();
    place.write("tiny.toml", &scenario("min = 0.99").replace("requests = 600", "requests = 6"));
    let commands = [
        (&["compare", "tiny.toml", "--strategies", "random,round-robin"][..], "/comparison"),
        (&["sweep", "tiny.toml", "--over", "load.rate=50/s,60/s", "--over", "balancer.replicas=1,2"], "/sweep"),
        (&["sweep", "tiny.toml", "--over", "load.rate=50/s,60/s", "--shard", "1/2"], "/sweep"),
        (&["run", "tiny.toml"], "/replicated"),
    ];
    let (mut read, mut refused) = (0, 0);
    for (command, part) in commands {
        let output = place.run(&[command, &["--seeds", "2", "--stable", "--format", "json"]].concat());
        let whole: Value = serde_json::from_slice(&output.stdout).unwrap();
        let mut paths = Vec::new();
        collect(whole.pointer(part).unwrap(), part, &mut paths);
        let changes = [None, Some(json!(0)), Some(json!([])), Some(json!(9)), Some(json!(null)), Some(json!("x"))];
        let edits = paths.iter().flat_map(|path| changes.iter().map(move |change| (path, change)));
        // Every seventh: enough to meet each kind of part with each change, in a second.
        for (path, change) in edits.step_by(7) {
            let mut edited = whole.clone();
            edit(&mut edited, path, change.clone());
            match Document::parse(&edited.to_string()) {
                Ok(document) => read += render(&document),
                Err(_) => refused += 1,
            }
        }
    }
    assert!(read > 100 && refused > 100, "the edits were of both kinds: {read} {refused}");
}

fn render(document: &Document) -> u32 {
    let view = View { width: 80, color: false, quiet: false, verbose: true, gate: false };
    let formats = [Format::Human, Format::Markdown, Format::Csv];
    formats.into_iter().filter(|format| !format.render(document, &view).is_empty()).count().min(1) as u32
}

/// The pointers of all values below `value`.
fn collect(value: &Value, at: &str, paths: &mut Vec<String>) {
    paths.push(at.to_owned());
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, field)| collect(field, &format!("{at}/{key}"), paths)),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| collect(item, &format!("{at}/{index}"), paths)),
        _ => {}
    }
}

/// Puts `change` at `path`; `None`: takes the value away.
fn edit(document: &mut Value, path: &str, change: Option<Value>) {
    if let Some(change) = change {
        *document.pointer_mut(path).unwrap() = change;
        return;
    }
    let (parent, key) = path.rsplit_once('/').unwrap();
    match document.pointer_mut(parent).unwrap() {
        Value::Object(fields) => drop(fields.remove(key)),
        Value::Array(items) => drop(items.remove(key.parse().unwrap())),
        _ => unreachable!("only objects and arrays have members"),
    }
}

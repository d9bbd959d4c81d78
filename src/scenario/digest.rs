//! The fingerprint of a scenario: equal for scenarios that mean the same, whatever their layout and comments.

use xxhash_rust::xxh3::Xxh3;

use crate::world::spec::TraceRow;

use super::tree::{Node, Table, Value};

/// 128-bit xxh3, in hex, over the tree after all overrides with sorted keys, the effective seed and the trace's rows.
///
/// Left out: the description, which changes nothing; `seed`, whose effective value is hashed; the path of the trace, whose
/// rows are hashed.
pub(super) fn digest(root: &Node, seed: u64, rows: &[TraceRow]) -> String {
    let mut hash = Xxh3::new();
    if let Value::Table(table) = &root.value {
        hash_table(table, Depth::Root, &mut hash);
    }
    hash.update(b"seed");
    hash.update(&seed.to_le_bytes());
    for row in rows {
        hash.update(&row.at.as_nanos().to_le_bytes());
        hash.update(&row.input.to_le_bytes());
        hash.update(&row.output.to_le_bytes());
        hash.update(&[u8::from(row.session.is_some())]);
        hash.update(&row.session.unwrap_or(0).to_le_bytes());
    }
    format!("{:032x}", hash.digest128())
}

/// Which keys of a table are left out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Depth {
    Root,
    Load,
    Below,
}

impl Depth {
    fn leaves_out(self, key: &str) -> bool {
        match self {
            Depth::Root => matches!(key, "description" | "seed"),
            Depth::Load => key == "trace",
            Depth::Below => false,
        }
    }
}

fn hash_table(table: &Table, depth: Depth, hash: &mut Xxh3) {
    let mut entries: Vec<_> = table.entries.iter().filter(|entry| !depth.leaves_out(&entry.key)).collect();
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    hash.update(b"{");
    for entry in entries {
        hash_text(&entry.key, hash);
        let below = if depth == Depth::Root && entry.key == "load" { Depth::Load } else { Depth::Below };
        hash_node(&entry.node, below, hash);
    }
    hash.update(b"}");
}

/// Every value begins with a byte that names its kind, and texts carry their length: no two trees give the same bytes.
fn hash_node(node: &Node, depth: Depth, hash: &mut Xxh3) {
    match &node.value {
        Value::Array(items) => {
            hash.update(b"[");
            items.iter().for_each(|item| hash_node(item, Depth::Below, hash));
            hash.update(b"]");
        }
        Value::Bool(value) => hash.update(&[b'b', u8::from(*value)]),
        Value::Datetime(text) => hash_text(text, hash),
        // An integer is valid wherever a number is, and means the same.
        Value::Float(value) if value.fract() == 0.0 && value.abs() < 9e15 => hash_int(*value as i128, hash),
        Value::Float(value) => {
            hash.update(b"f");
            hash.update(&value.to_le_bytes());
        }
        Value::Int(value) => hash_int(*value, hash),
        Value::Invalid => hash.update(b"?"),
        Value::Str(text) => hash_text(text, hash),
        Value::Table(table) => hash_table(table, depth, hash),
    }
}

fn hash_int(value: i128, hash: &mut Xxh3) {
    hash.update(b"i");
    hash.update(&value.to_le_bytes());
}

fn hash_text(text: &str, hash: &mut Xxh3) {
    hash.update(b"s");
    hash.update(&(text.len() as u64).to_le_bytes());
    hash.update(text.as_bytes());
}

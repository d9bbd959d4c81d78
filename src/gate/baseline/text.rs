//! A baseline as text: TOML, sorted, a line a figure.

use std::collections::BTreeMap;

use thiserror::Error;
use toml::{Table, Value};

use super::{Baseline, Entry, Figure};

/// Version of the file format.
const FORMAT: i64 = 1;

const HEAD: &str = "\
# Baseline of lbsim: what these scenarios gave. Made by --save-baseline, compared by --baseline.
# One seed: equal to the last digit. Several: mean and standard deviation of `runs` runs.
";

/// Why a text is no baseline.
#[derive(Debug, Error)]
pub enum BaselineError {
    /// Not TOML; the message has line and column.
    #[error("it is no TOML: {0}")]
    Toml(#[from] toml::de::Error),
    /// Made for another reader.
    #[error("its `format` is not 1, which is the one this version reads: save the baseline again")]
    Format,
    /// A value that no baseline has.
    #[error("`{place}` is not {what}")]
    Value {
        /// Dotted path.
        place: String,
        /// What stands there in a baseline.
        what: &'static str,
    },
}

impl Baseline {
    /// The file: sorted by scenario and figure; numbers as short as they can be and still read back as the same.
    pub fn to_text(&self) -> String {
        let mut text = format!("{HEAD}format = {FORMAT}\n");
        for (name, entry) in &self.scenarios {
            text += &format!("\n[{}]\n", key(name));
            text += &format!("digest = {}\nseed = {}\nseeds = {}\n", key(&entry.digest), entry.seed, entry.seeds);
            for (name, figure) in &entry.figures {
                text += &match figure {
                    Figure::Exact(value) => format!("{} = {}\n", key(name), number(*value)),
                    Figure::Sampled { mean, stddev, count } => {
                        format!("{} = {{ mean = {}, stddev = {}, runs = {count} }}\n", key(name), number(*mean), number(*stddev))
                    }
                };
            }
        }
        text
    }

    /// Reads such a file.
    ///
    /// # Errors
    /// [`BaselineError`] says where it is wrong.
    pub fn parse(text: &str) -> Result<Baseline, BaselineError> {
        let root: Table = text.parse()?;
        if root.get("format").and_then(Value::as_integer) != Some(FORMAT) {
            return Err(BaselineError::Format);
        }
        let tables = root.iter().filter(|(name, _)| *name != "format");
        let scenarios: Result<BTreeMap<String, Entry>, BaselineError> =
            tables.map(|(name, value)| Ok((name.clone(), entry(name, value.as_table().ok_or_else(|| wrong(name, "a table"))?)?))).collect();
        Ok(Baseline { scenarios: scenarios? })
    }
}

fn entry(scenario: &str, table: &Table) -> Result<Entry, BaselineError> {
    let place = |name: &str| format!("{scenario}.{name}");
    let count = |name: &str| {
        let value = table.get(name).and_then(Value::as_integer).and_then(|value| u64::try_from(value).ok());
        value.ok_or_else(|| wrong(&place(name), "a whole number"))
    };
    let digest = table.get("digest").and_then(Value::as_str).ok_or_else(|| wrong(&place("digest"), "a text"))?;
    let figures = table.iter().filter(|(name, _)| !["digest", "seed", "seeds"].contains(&name.as_str()));
    let figures: Result<BTreeMap<String, Figure>, BaselineError> =
        figures.map(|(name, value)| Ok((name.clone(), figure(value).ok_or_else(|| wrong(&place(name), "a figure"))?))).collect();
    Ok(Entry { digest: digest.to_owned(), seed: count("seed")?, seeds: count("seeds")?, figures: figures? })
}

fn figure(value: &Value) -> Option<Figure> {
    let Some(table) = value.as_table() else { return float(value).map(Figure::Exact) };
    let count = table.get("runs")?.as_integer().and_then(|count| u64::try_from(count).ok())?;
    Some(Figure::Sampled { mean: float(table.get("mean")?)?, stddev: float(table.get("stddev")?)?, count })
}

/// A finite number, an integer too.
fn float(value: &Value) -> Option<f64> {
    value.as_float().or_else(|| value.as_integer().map(|value| value as f64)).filter(|value| value.is_finite())
}

fn wrong(place: &str, what: &'static str) -> BaselineError {
    BaselineError::Value { place: place.to_owned(), what }
}

/// As a TOML key or string: in quotes.
fn key(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// Rust's shortest text that reads back as the same number; TOML wants a point in it.
fn number(value: f64) -> String {
    format!("{value:?}")
}

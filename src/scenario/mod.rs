//! The scenario file: TOML text → a checked [`Scenario`], or every mistake in it at once.
//!
//! The text becomes a tree of values that know where they were written (`tree`), `--set` changes that tree (`set`),
//! and a small typed reader decodes it (`reader`). serde is not used on the way: it stops at the first error and
//! loses places in what it buffers, and a scenario with six mistakes shall say so six times, each with its line.
//!
//! | file | subject |
//! |---|---|
//! | `diagnostic`, `render`, `code` | what is wrong, as data, as text, and explained |
//! | `tree`, `syntax`, `recovery`, `set`, `asked` | text and flags → tree |
//! | `sink`, `reader`, `units`, `distribution`, `names`, `nearest`, `keys` | tree → typed values and errors |
//! | `load`, `class`, `trace`, `balancer`, `provider`, `limits`, `pool`, `event`, `expect` | one table of the file each |
//! | `decode` | the whole file |
//! | `import` | configurations of other programs → scenarios |
//! | `warn`, `digest` | what is valid but hardly meant; the fingerprint |

mod asked;
mod balancer;
mod class;
pub mod code;
mod decode;
mod diagnostic;
mod digest;
mod distribution;
mod event;
mod expect;
pub mod import;
mod keys;
mod limits;
mod load;
mod names;
mod nearest;
mod pool;
mod provider;
mod reader;
mod recovery;
mod render;
mod replicas;
pub mod schema;
mod set;
mod sink;
mod syntax;
mod trace;
mod tree;
mod units;
mod warn;
mod warn_limits;

use std::path::PathBuf;
use std::sync::Arc;

use crate::drive::plan::Plan;
use crate::engine::strategy::Strategy;
use crate::gate::expect::Expectation;

pub use decode::{load, parse};
pub use diagnostic::{Diagnostic, Diagnostics, Location, Severity, Source};
pub use units::ratio_text;

/// A scenario, checked: nothing in it can be wrong any more.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Its `name`.
    pub name: String,
    /// One sentence: what it shows.
    pub description: Option<String>,
    /// Path of the file, as given.
    pub path: String,
    /// The trace it replays, if any, as seen from the working directory.
    pub trace: Option<PathBuf>,
    /// Fingerprint in hex: equal for files that mean the same under the same overrides.
    pub digest: String,
    /// Which clock it asks for.
    pub clock: Clock,
    /// What to run.
    pub plan: Plan,
    /// What must hold, in file order.
    pub expectations: Vec<Expectation>,
    /// The default set of strategies of a comparison.
    pub compare: Vec<Strategy>,
    /// Flags that changed it, the seed apart: `--set`, `load.rate=200/s` …
    pub arguments: Vec<String>,
    /// The text of the file, for later annotations.
    pub source: Arc<Source>,
}

/// How time passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Clock {
    /// In jumps, from event to event. The default.
    #[default]
    Virtual,
    /// As it does: over HTTP on loopback.
    Real,
}

/// What the command line changes in a scenario.
#[derive(Clone, Debug, Default)]
pub struct Overrides {
    /// `KEY=VALUE`, applied in order.
    pub set: Vec<String>,
    /// In place of `seed`.
    pub seed: Option<u64>,
    /// In place of `balancer.strategy`.
    pub strategy: Option<String>,
    /// Expectations beside those of the file, such as `share(alpha)=50%±1%`.
    pub expect: Vec<String>,
}

impl Overrides {
    /// The flags that say the same, the seed apart.
    pub fn arguments(&self) -> Vec<String> {
        let set = self.set.iter().map(|change| ("--set", change));
        let strategy = self.strategy.iter().map(|name| ("--strategy", name));
        let expect = self.expect.iter().map(|expectation| ("--expect", expectation));
        set.chain(strategy).chain(expect).flat_map(|(flag, value)| [flag.to_owned(), value.clone()]).collect()
    }
}

/// A scenario that can be run.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The scenario.
    pub scenario: Scenario,
    /// Warnings and notes, in the order of the text.
    pub warnings: Diagnostics,
}

#[cfg(test)]
mod tests;

//! Configurations of other programs, turned into scenarios.

pub mod litellm;

/// A scenario made of something else.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The scenario file.
    pub text: String,
    /// What could not be carried over, and what was assumed in its place, a line each.
    pub left: Vec<String>,
}

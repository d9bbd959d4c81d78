//! One experiment over the values of its parameters.
//!
//! | file | subject |
//! |---|---|
//! | [`over`] | `--over`: keys, values, ranges |
//! | [`quantity`] | numbers with units, kept exactly |
//! | [`table`] | from runs to rows and limits |
//! | [`limit`] | how far a parameter can go while every expectation holds |

pub mod limit;
pub mod over;
pub mod quantity;
pub mod table;

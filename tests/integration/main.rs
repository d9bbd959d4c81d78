//! Tests from outside: the program as a user or a script meets it, its scenarios and README, and the shape of its source.

mod baseline;
mod bench;
mod check;
mod cli;
mod compare;
mod formats;
mod gallery;
mod health;
mod init;
mod layers;
mod mutation;
mod prove;
mod readme;
mod scenarios;
mod schemas;
mod sweep;

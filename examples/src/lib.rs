//! The library beneath the programs of this crate; `src/bin/` holds the programs themselves.

pub mod database;
pub mod demo;
pub mod dump;
pub mod faults;
pub mod import;
pub mod replay;
pub mod serve;
pub mod tokens;
pub mod triage;

/// The README's own example, which thereby runs as a test.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

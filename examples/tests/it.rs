//! Integration tests of the programs in this crate, in one binary so that they link once.

#[path = "it/replay.rs"]
mod replay;

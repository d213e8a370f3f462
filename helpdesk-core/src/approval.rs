//! Approvals (SEMANTICS, "Approvals"): what a step asks for and when it has ended ([`rule`]).
//!
//! A step counts in exact integers. How many approvals it needs is fixed when it opens, so that it never shrinks when
//! somebody leaves.

pub mod rule;

pub use rule::{Needed, Rejection, Rule, Seat, Tally, Vote};

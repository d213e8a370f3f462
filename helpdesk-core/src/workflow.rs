//! Workflows: definitions as data ([`model`]), their check ([`check`]) and what may happen ([`decide`]).
//!
//! A definition never changes once published: a ticket stays on the version it was created with.
pub mod check;
pub mod decide;
pub mod model;

pub use check::{Malformed, Problem};
pub use model::*;

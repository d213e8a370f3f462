//! Workflows: definitions as data ([`model`], [`rule`]), reading them ([`read`]) and checking them ([`check`]), who may pass ([`exits`]), what may
//! happen ([`decide`]) and what follows ([`effects`]).
//!
//! A definition never changes once published: a ticket stays on the version it was created with.
pub mod check;
pub mod decide;
pub mod draw;
pub mod effects;
pub mod exits;
pub mod migrate;
pub mod model;
pub mod read;
pub mod rule;

pub use check::{Malformed, Place, Problem};
pub use model::*;
pub use rule::{Assign, ChildTemplate, Effect, Guard, Strategy, Validator};

//! Tickets and their conversation: what they are ([`model`]) and what may happen to them ([`decide`]).
pub mod decide;
pub mod entry;
pub mod model;

pub use model::*;

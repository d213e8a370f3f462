//! Tickets, their conversation and their links: what they are ([`model`]) and what may happen to them ([`decide`]).
pub mod decide;
pub mod entry;
pub mod link;
pub mod model;
pub mod priority;

pub use link::{Link, LinkKind};
pub use model::*;

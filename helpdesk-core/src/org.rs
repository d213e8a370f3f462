//! Tenants, projects, people and groups: what they are ([`model`]) and what may happen to them ([`decide`]).
pub mod decide;
pub mod model;

pub use model::*;

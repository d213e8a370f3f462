//! Who may do what: roles, grants, relations and the compiled [`Access`].
pub mod access;
pub mod decide;
pub mod explain;
pub mod model;
pub mod relation;

pub use access::{Access, Denied};
pub use model::*;
pub use relation::{RELATION_MAX, Relations};

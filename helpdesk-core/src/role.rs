//! Who may do what: roles, grants, relations and the compiled [`Access`].
pub mod access;
mod authorizer;
pub mod decide;
pub mod explain;
mod key;
pub mod model;
pub mod relation;

pub use access::{Access, Denied};
pub use authorizer::{Authorizer, Everything};
pub use key::{BadRoleKey, CustomRole, RoleKey};
pub use model::*;
pub use relation::{RELATION_MAX, Relations};

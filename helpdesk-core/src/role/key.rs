//! Keys of roles, and the roles that tenants define themselves.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::model::{Permissions, Role};
use crate::actor::Author;
use crate::id::TenantId;
use crate::time::Timestamp;

/// The key of a role: a built-in one, or one that the tenant has defined. As text: `agent`, `triager`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RoleKey {
    /// One of the built-in roles.
    BuiltIn(Role),
    /// One of the tenant's own.
    Custom(Arc<str>),
}

/// A key no role may bear.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no key of a role; use 2 to 40 of a-z 0-9 _ -, beginning with a letter")]
pub struct BadRoleKey(String);

impl RoleKey {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        match self {
            Self::BuiltIn(role) => role.as_str(),
            Self::Custom(key) => key,
        }
    }
    /// The role, if it is a built-in one.
    pub const fn built_in(&self) -> Option<Role> {
        match self {
            Self::BuiltIn(role) => Some(*role),
            Self::Custom(_) => None,
        }
    }
}

impl std::str::FromStr for RoleKey {
    type Err = BadRoleKey;
    fn from_str(s: &str) -> Result<Self, BadRoleKey> {
        if let Ok(role) = s.parse() {
            return Ok(Self::BuiltIn(role));
        }
        let fits = (2..=40).contains(&s.len())
            && s.as_bytes()[0].is_ascii_lowercase()
            && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b));
        if fits { Ok(Self::Custom(s.into())) } else { Err(BadRoleKey(s.chars().take(64).collect())) }
    }
}
impl TryFrom<String> for RoleKey {
    type Error = BadRoleKey;
    fn try_from(s: String) -> Result<Self, BadRoleKey> {
        s.parse()
    }
}
impl From<RoleKey> for String {
    fn from(key: RoleKey) -> Self {
        key.as_str().into()
    }
}
impl From<Role> for RoleKey {
    fn from(role: Role) -> Self {
        Self::BuiltIn(role)
    }
}
impl std::fmt::Display for RoleKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}
impl PartialEq<Role> for RoleKey {
    fn eq(&self, role: &Role) -> bool {
        self.built_in() == Some(*role)
    }
}

/// A role that a tenant has defined (FEATURES R2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CustomRole {
    /// The tenant.
    pub tenant: TenantId,
    /// Its key, never that of a built-in role.
    pub key: RoleKey,
    /// Display name.
    pub name: String,
    /// What it allows, inside the scope it is granted on.
    pub permissions: Permissions,
    /// Counts changes, from 1.
    pub version: i64,
    /// Who defined it.
    pub created_by: Author,
    /// When.
    pub created_at: Timestamp,
}

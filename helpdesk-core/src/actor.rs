//! Who acts: a person, a service account, a plugin, or the host itself.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::id::{PersonId, TenantId};

/// The name of a plugin, as its manifest gives it: `triage`, `acme.escalate`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PluginId(Arc<str>);

/// A name no plugin may bear.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a plugin id; use 1 to 64 of a-z 0-9 . _ -, beginning with a letter")]
pub struct BadPluginId(String);

impl PluginId {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PluginId {
    type Err = BadPluginId;
    fn from_str(s: &str) -> Result<Self, BadPluginId> {
        let fits = (1..=64).contains(&s.len())
            && s.as_bytes()[0].is_ascii_lowercase()
            && s.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-".contains(&b));
        if fits { Ok(Self(s.into())) } else { Err(BadPluginId(s.chars().take(64).collect())) }
    }
}
impl TryFrom<String> for PluginId {
    type Error = BadPluginId;
    fn try_from(s: String) -> Result<Self, BadPluginId> {
        s.parse()
    }
}
impl From<PluginId> for String {
    fn from(id: PluginId) -> Self {
        id.0.as_ref().into()
    }
}
impl fmt::Display for PluginId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who sends a command or reads.
///
/// The host says who acts; the desk believes it and decides what they may. Everyone but the system belongs to one
/// tenant and never sees another.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    /// The host itself: may do anything, in one tenant or (`None`) across them.
    System(Option<TenantId>),
    /// A person: staff, requester or outside contact.
    Person(TenantId, PersonId),
    /// A service account: a person row of kind `service`, held to the same grants, counted as automation.
    Service(TenantId, PersonId),
    /// An installed plugin, with the grants given to it.
    Plugin(TenantId, PluginId),
}

impl Actor {
    /// The host itself, across tenants.
    pub const fn system() -> Self {
        Self::System(None)
    }
    /// The host itself, inside one tenant.
    pub const fn system_of(tenant: TenantId) -> Self {
        Self::System(Some(tenant))
    }
    /// A person of `tenant`.
    pub const fn person(tenant: TenantId, id: PersonId) -> Self {
        Self::Person(tenant, id)
    }
    /// The tenant the actor belongs to; `None` for the host across tenants.
    pub const fn tenant(&self) -> Option<TenantId> {
        match self {
            Self::System(tenant) => *tenant,
            Self::Person(tenant, _) | Self::Service(tenant, _) | Self::Plugin(tenant, _) => Some(*tenant),
        }
    }
    /// The row in the directory that stands for this actor, if there is one.
    pub const fn person_id(&self) -> Option<PersonId> {
        match self {
            Self::Person(_, id) | Self::Service(_, id) => Some(*id),
            Self::System(_) | Self::Plugin(..) => None,
        }
    }
    /// The actor as the log remembers it.
    pub fn author(&self) -> Author {
        match self {
            Self::System(_) => Author::System,
            Self::Person(_, id) => Author::Person(*id),
            Self::Service(_, id) => Author::Service(*id),
            Self::Plugin(_, id) => Author::Plugin(id.clone()),
        }
    }
}

/// An actor inside its tenant, as rows and events remember it: `system`, `person:<id>`, `service:<id>`, `plugin:<name>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Author {
    /// The host itself.
    System,
    /// A person.
    Person(PersonId),
    /// A service account.
    Service(PersonId),
    /// A plugin.
    Plugin(PluginId),
}

/// A text that names no author.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no author; expected `system`, `person:<id>`, `service:<id>` or `plugin:<name>`")]
pub struct BadAuthor(String);

impl Author {
    /// `system`, `person`, `service` or `plugin`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Person(_) => "person",
            Self::Service(_) => "service",
            Self::Plugin(_) => "plugin",
        }
    }
    /// The row in the directory, if there is one.
    pub const fn person(&self) -> Option<PersonId> {
        match self {
            Self::Person(id) | Self::Service(id) => Some(*id),
            Self::System | Self::Plugin(_) => None,
        }
    }
    /// This author as an actor of `tenant`.
    pub fn actor(&self, tenant: TenantId) -> Actor {
        match self {
            Self::System => Actor::System(Some(tenant)),
            Self::Person(id) => Actor::Person(tenant, *id),
            Self::Service(id) => Actor::Service(tenant, *id),
            Self::Plugin(id) => Actor::Plugin(tenant, id.clone()),
        }
    }
}

impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System => f.write_str("system"),
            Self::Person(id) => write!(f, "person:{id}"),
            Self::Service(id) => write!(f, "service:{id}"),
            Self::Plugin(id) => write!(f, "plugin:{id}"),
        }
    }
}
impl FromStr for Author {
    type Err = BadAuthor;
    fn from_str(s: &str) -> Result<Self, BadAuthor> {
        let bad = || BadAuthor(s.chars().take(80).collect());
        match s.split_once(':') {
            None if s == "system" => Ok(Self::System),
            Some(("person", id)) => id.parse().map(Self::Person).map_err(|_| bad()),
            Some(("service", id)) => id.parse().map(Self::Service).map_err(|_| bad()),
            Some(("plugin", id)) => id.parse().map(Self::Plugin).map_err(|_| bad()),
            _ => Err(bad()),
        }
    }
}
impl TryFrom<String> for Author {
    type Error = BadAuthor;
    fn try_from(s: String) -> Result<Self, BadAuthor> {
        s.parse()
    }
}
impl From<Author> for String {
    fn from(author: Author) -> Self {
        author.to_string()
    }
}

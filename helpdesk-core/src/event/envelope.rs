//! What surrounds an event in the log: what it is about, why it happened, and where it stands.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Event;
use crate::actor::{Author, PluginId};
use crate::id::{BoardId, DelegationId, EventId, GrantId, GroupId, PersonId, ProjectId, TagId, TenantId, TicketId};
use crate::role::RoleKey;
use crate::time::Timestamp;

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// The tenant itself.
    Tenant(TenantId),
    /// A project.
    Project(ProjectId),
    /// A person.
    Person(PersonId),
    /// A group.
    Group(GroupId),
    /// A grant.
    Grant(GrantId),
    /// A role of the tenant's own.
    Role(RoleKey),
    /// A tag.
    Tag(TagId),
    /// A workflow, by key.
    Workflow(String),
    /// An installed plugin.
    Plugin(PluginId),
    /// An approval template, by key.
    Template(String),
    /// A delegation of approvals.
    Delegation(DelegationId),
    /// A ticket.
    Ticket(TicketId),
    /// A board with its columns.
    Board(BoardId),
    /// The place of a ticket on a board.
    Card(BoardId, TicketId),
}

impl Subject {
    /// The stable name of the noun.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Tenant(_) => "tenant",
            Self::Project(_) => "project",
            Self::Person(_) => "person",
            Self::Group(_) => "group",
            Self::Grant(_) => "grant",
            Self::Role(_) => "role",
            Self::Tag(_) => "tag",
            Self::Workflow(_) => "workflow",
            Self::Plugin(_) => "plugin",
            Self::Template(_) => "template",
            Self::Delegation(_) => "delegation",
            Self::Ticket(_) => "ticket",
            Self::Board(_) => "board",
            Self::Card(..) => "card",
        }
    }
    /// The id or name inside the noun.
    pub fn key(&self) -> String {
        match self {
            Self::Tenant(id) => id.to_string(),
            Self::Project(id) => id.to_string(),
            Self::Person(id) => id.to_string(),
            Self::Group(id) => id.to_string(),
            Self::Grant(id) => id.to_string(),
            Self::Role(key) => key.to_string(),
            Self::Tag(id) => id.to_string(),
            Self::Workflow(key) => key.clone(),
            Self::Plugin(id) => id.to_string(),
            Self::Template(key) => key.clone(),
            Self::Delegation(id) => id.to_string(),
            Self::Ticket(id) => id.to_string(),
            Self::Board(id) => id.to_string(),
            Self::Card(board, ticket) => format!("{board}/{ticket}"),
        }
    }
    /// Reads what [`kind`](Self::kind) and [`key`](Self::key) wrote.
    pub fn parse(kind: &str, key: &str) -> Option<Self> {
        Some(match kind {
            "tenant" => Self::Tenant(key.parse().ok()?),
            "project" => Self::Project(key.parse().ok()?),
            "person" => Self::Person(key.parse().ok()?),
            "group" => Self::Group(key.parse().ok()?),
            "grant" => Self::Grant(key.parse().ok()?),
            "role" => Self::Role(key.parse().ok()?),
            "tag" => Self::Tag(key.parse().ok()?),
            "workflow" => Self::Workflow(key.into()),
            "plugin" => Self::Plugin(key.parse().ok()?),
            "template" => Self::Template(key.into()),
            "delegation" => Self::Delegation(key.parse().ok()?),
            "ticket" => Self::Ticket(key.parse().ok()?),
            "board" => Self::Board(key.parse().ok()?),
            "card" => {
                let (board, ticket) = key.split_once('/')?;
                Self::Card(board.parse().ok()?, ticket.parse().ok()?)
            }
            _ => return None,
        })
    }
    /// The ticket, if it is one.
    pub const fn ticket(&self) -> Option<TicketId> {
        match self {
            Self::Ticket(id) => Some(*id),
            Self::Tenant(_)
            | Self::Project(_)
            | Self::Person(_)
            | Self::Group(_)
            | Self::Grant(_)
            | Self::Role(_)
            | Self::Tag(_)
            | Self::Workflow(_)
            | Self::Plugin(_)
            | Self::Template(_)
            | Self::Delegation(_)
            | Self::Board(_)
            | Self::Card(..) => None,
        }
    }
    /// The ticket that must be seen for it to be: that of a card, too.
    pub const fn shows(&self) -> Option<TicketId> {
        match self {
            Self::Card(_, ticket) => Some(*ticket),
            other => other.ticket(),
        }
    }
}

/// Why something was written: the chain from the first event to this command (SEMANTICS, Automation).
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Cause {
    /// The event everything began with.
    pub root: Option<EventId>,
    /// The event that led to this command.
    pub parent: Option<EventId>,
    /// How many automatic steps lie between; 0 for what people do.
    pub depth: u8,
    /// The plugins and rules on the way, first to last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub via: Vec<PluginId>,
}

/// An event as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    /// The tenant.
    pub tenant: TenantId,
    /// Its place in commit order; opaque outside, see [`Cursor`].
    pub cursor: Cursor,
    /// Its id.
    pub id: EventId,
    /// What it is about.
    pub subject: Subject,
    /// The subject's version that the command made.
    pub version: i64,
    /// Its place among the events of that version, from 0.
    pub ord: i32,
    /// Who acted.
    pub by: Author,
    /// Why.
    pub cause: Arc<Cause>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was written down; later than `occurred_at` for imports.
    pub recorded_at: Timestamp,
    /// Whether only staff may see it.
    pub internal: bool,
    /// What happened.
    pub event: Event,
}

/// A place in the log. Later is larger; nothing else can be told from it. As text: a token of letters and digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Cursor(i64);

/// A text that is no cursor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a cursor; give one the desk handed out, unchanged")]
pub struct BadCursor(String);

impl Cursor {
    /// Before the first event.
    pub const START: Self = Self(0);
    /// For stores: the cursor of the event with this sequence number.
    pub const fn at(seq: i64) -> Self {
        Self(seq)
    }
    /// For stores: the sequence number.
    pub const fn seq(self) -> i64 {
        self.0
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "c{:016x}", self.0)
    }
}
impl std::str::FromStr for Cursor {
    type Err = BadCursor;
    fn from_str(s: &str) -> Result<Self, BadCursor> {
        s.strip_prefix('c')
            .filter(|hex| hex.len() == 16)
            .and_then(|hex| i64::from_str_radix(hex, 16).ok())
            .map(Self)
            .ok_or_else(|| BadCursor(s.chars().take(64).collect()))
    }
}

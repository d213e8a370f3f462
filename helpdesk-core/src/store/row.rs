//! Row images: what a commit carries, one variant per table.

use crate::approval::{Approval, ApprovalDecision, ApprovalStep, Delegation, PublishedTemplate, Slot};
use crate::board::{Board, Card};
use crate::id::{JobId, TenantId};
use crate::org::{Group, Installation, Membership, Person, Project, Tenant};
use crate::role::{CustomRole, Grant};
use crate::ticket::{Entry, Link, Participant, Revision, SearchDoc, Tag, Tagging, Ticket, TicketText};
use crate::time::Timestamp;
use crate::workflow::Published;

/// A plugin's stored value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kv {
    /// The tenant.
    pub tenant: TenantId,
    /// The plugin.
    pub plugin: String,
    /// The key.
    pub key: String,
    /// The value.
    pub value: Vec<u8>,
    /// Counts changes, from 1.
    pub version: i64,
    /// When it ceases to exist, if ever.
    pub expires_at: Option<Timestamp>,
}

/// One run of a plugin: what became of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRecord {
    /// The tenant.
    pub tenant: TenantId,
    /// The delivery; of a run that did not finish it, an id of its own.
    pub id: JobId,
    /// The plugin.
    pub plugin: String,
    /// The event it was given.
    pub event: String,
    /// `done`, `skipped`, `retry`, `rejected`, `trapped`, `limit-hit`, `refused` (what it staged could not be applied),
    /// `stopped` (automation went too far), `deferred` (too much in a minute), `outrun` (others were faster, over and
    /// over) or `host-fault`.
    pub outcome: String,
    /// What it said or why it failed.
    pub message: String,
    /// How many effects were applied.
    pub effects: i32,
    /// Fuel used.
    pub fuel: i64,
    /// Time taken, microseconds.
    pub micros: i64,
    /// When.
    pub at: Timestamp,
}

/// A ticket's row: with copies of who is something to it now and of its tags, so that whoever reads tickets reads one
/// table. The rows of participants and tags are what conditions and history are about; all change in one commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The ticket.
    pub ticket: Ticket,
    /// Its live participants.
    pub people: Vec<Participant>,
    /// Its tags.
    pub tags: Vec<Tagging>,
}

impl Head {
    /// The row of a ticket with neither people nor tags.
    pub const fn bare(ticket: Ticket) -> Self {
        Self { ticket, people: vec![], tags: vec![] }
    }
}

/// The image of one row.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "each variant is the struct it holds")]
#[allow(clippy::large_enum_variant, reason = "most rows are tickets, and none is kept for long")]
pub enum Row {
    Tenant(Tenant),
    Project(Project),
    Person(Person),
    Group(Group),
    Membership(Membership),
    Grant(Grant),
    Role(CustomRole),
    Workflow(Published),
    Tag(Tag),
    Installation(Installation),
    Ticket(Head),
    TicketText(TicketText),
    Participant(Participant),
    Tagging(Tagging),
    Link(Link),
    Entry(Entry),
    Revision(Revision),
    SearchDoc(SearchDoc),
    Kv(Kv),
    Run(RunRecord),
    Template(PublishedTemplate),
    Approval(Approval),
    ApprovalStep(ApprovalStep),
    Slot(Slot),
    ApprovalDecision(ApprovalDecision),
    Delegation(Delegation),
    Board(Board),
    Card(Card),
}

impl Row {
    /// Noun, key and version of rows that are subjects of events outside tickets.
    pub(crate) fn version(&self) -> Option<((&'static str, String), i64)> {
        Some(match self {
            Self::Tenant(row) => (("tenant", row.id.to_string()), row.version),
            Self::Project(row) => (("project", row.id.to_string()), row.version),
            Self::Person(row) => (("person", row.id.to_string()), row.version),
            Self::Group(row) => (("group", row.id.to_string()), row.version),
            Self::Tag(row) => (("tag", row.id.to_string()), row.version),
            Self::Installation(row) => (("plugin", row.plugin.to_string()), row.version),
            Self::Role(row) => (("role", row.key.to_string()), row.version),
            Self::Template(row) => (("template", row.key.clone()), i64::from(row.version)),
            Self::Board(row) => (("board", row.id.to_string()), row.version),
            Self::Card(row) => (("card", format!("{}/{}", row.board, row.ticket)), row.version),
            Self::Workflow(row) => (("workflow", row.key.clone()), i64::from(row.version)),
            Self::Membership(_)
            | Self::Grant(_)
            | Self::Ticket(_)
            | Self::TicketText(_)
            | Self::Participant(_)
            | Self::Tagging(_)
            | Self::Link(_)
            | Self::Entry(_)
            | Self::Revision(_)
            | Self::SearchDoc(_)
            | Self::Kv(_)
            | Self::Run(_)
            | Self::Approval(_)
            | Self::ApprovalStep(_)
            | Self::Slot(_)
            | Self::ApprovalDecision(_)
            | Self::Delegation(_) => return None,
        })
    }
}

/// One row before and after: an insert (`None` before), an update, or a delete (`None` after).
///
/// Rows that count versions (tenants, projects, people, groups, roles, tags, installations, tickets, entries, plugin values,
/// boards, cards)
/// must still have the version of the image before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// The row as it was seen.
    pub before: Option<Row>,
    /// The row as it shall be.
    pub after: Option<Row>,
}

//! Permissions, the built-in roles, scopes and grants.

use serde::{Deserialize, Serialize};

use super::key::RoleKey;
use crate::actor::{Author, PluginId};
use crate::id::{GrantId, GroupId, PersonId, ProjectId, TenantId, TicketId};
use crate::time::Timestamp;
use crate::value::names;

names! {
    /// One thing somebody may be allowed to do.
    pub enum Permission ("permission") {
        /// See tickets that are not restricted.
        TicketRead = "ticket.read",
        /// See restricted tickets without being a participant.
        RestrictedRead = "restricted.read",
        /// Create tickets.
        TicketCreate = "ticket.create",
        /// Change fields.
        TicketEdit = "ticket.edit",
        /// Move along the workflow.
        TicketMove = "ticket.move",
        /// Move past the workflow; every use is audited.
        TicketForce = "ticket.force",
        /// Give tickets to people and groups.
        TicketAssign = "ticket.assign",
        /// Delete and restore.
        TicketDelete = "ticket.delete",
        /// Follow, and let others follow.
        TicketWatch = "ticket.watch",
        /// Write public entries.
        EntryWrite = "entry.write",
        /// Read and write internal entries.
        EntryInternal = "entry.internal",
        /// Edit and delete other people's entries.
        EntryModerate = "entry.moderate",
        /// Define tags.
        TagManage = "tag.manage",
        /// See the directory.
        PeopleRead = "people.read",
        /// Change people and groups.
        PeopleManage = "people.manage",
        /// Create and change projects.
        ProjectManage = "project.manage",
        /// Publish workflows.
        WorkflowManage = "workflow.manage",
        /// Grant and revoke roles, never more than one holds.
        RoleGrant = "role.grant",
        /// Install and configure plugins.
        PluginManage = "plugin.manage",
        /// Read the whole log, not only of tickets one sees.
        AuditRead = "audit.read",
        /// Request approvals, and resubmit and recall them.
        ApprovalRequest = "approval.request",
        /// Publish approval templates, give slots to others, mend what is blocked.
        ApprovalManage = "approval.manage",
        /// State the time at which something happened, and create tickets in any state a workflow records.
        Import = "import",
    }
}

/// A set of permissions. JSON: the list of their names.
#[derive(Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Permissions(u64);

impl Permissions {
    /// None.
    pub const NONE: Self = Self(0);
    /// All.
    pub const ALL: Self = Self((1 << Permission::ALL.len()) - 1);

    /// Exactly `list`.
    pub const fn of(list: &[Permission]) -> Self {
        let (mut bits, mut i) = (0, 0);
        while i < list.len() {
            bits |= 1 << list[i] as u64;
            i += 1;
        }
        Self(bits)
    }
    /// Whether `permission` is among them.
    pub const fn has(self, permission: Permission) -> bool {
        self.0 & (1 << permission as u64) != 0
    }
    /// Both together.
    pub const fn with(self, more: Self) -> Self {
        Self(self.0 | more.0)
    }
    /// Those that are not among `others`.
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }
    /// Whether all of `other` are among them.
    pub const fn covers(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Permission> {
        Permission::ALL.iter().copied().filter(move |permission| self.has(*permission))
    }
}

impl FromIterator<Permission> for Permissions {
    fn from_iter<T: IntoIterator<Item = Permission>>(list: T) -> Self {
        list.into_iter().fold(Self::NONE, |all, permission| all.with(Self::of(&[permission])))
    }
}
impl Serialize for Permissions {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}
impl<'de> Deserialize<'de> for Permissions {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Permission>::deserialize(deserializer)?.into_iter().collect())
    }
}

impl std::fmt::Debug for Permissions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter().map(Permission::as_str)).finish()
    }
}

names! {
    /// The built-in roles (FEATURES R2). They never change.
    pub enum Role ("role") {
        /// Everything.
        Owner = "owner",
        /// Everything but forcing transitions and seeing restricted tickets they are not part of.
        Admin = "admin",
        /// Runs a project: moderates, forces, reads restricted tickets.
        Moderator = "moderator",
        /// Works on tickets.
        Agent = "agent",
        /// Creates tickets and sees their own.
        Requester = "requester",
        /// Sees what they are asked to approve.
        Approver = "approver",
        /// Sees everything that is not restricted, silently.
        Observer = "observer",
        /// Sees everything and the whole log, changes nothing.
        Auditor = "auditor",
    }
}

impl Role {
    /// What the role allows, inside the scope it is granted on.
    pub const fn permissions(self) -> Permissions {
        use Permission::*;
        const AGENT: Permissions = Permissions::of(&[
            TicketRead,
            TicketCreate,
            TicketEdit,
            TicketMove,
            TicketAssign,
            TicketWatch,
            EntryWrite,
            EntryInternal,
            PeopleRead,
            ApprovalRequest,
        ]);
        match self {
            Self::Owner => Permissions::ALL,
            Self::Admin => AGENT.with(Permissions::of(&[
                TicketDelete,
                EntryModerate,
                TagManage,
                PeopleManage,
                ProjectManage,
                WorkflowManage,
                RoleGrant,
                PluginManage,
                AuditRead,
                ApprovalManage,
                Import,
            ])),
            Self::Moderator => AGENT.with(Permissions::of(&[
                TicketDelete,
                TicketForce,
                EntryModerate,
                TagManage,
                RestrictedRead,
                ApprovalManage,
            ])),
            Self::Agent => AGENT,
            Self::Requester => Permissions::of(&[TicketCreate]),
            Self::Approver => Permissions::NONE,
            Self::Observer => Permissions::of(&[TicketRead, PeopleRead]),
            Self::Auditor => Permissions::of(&[TicketRead, RestrictedRead, EntryInternal, PeopleRead, AuditRead]),
        }
    }
}

/// Who holds a grant. JSON: `{"person": "…"}`, `{"group": "…"}`, `{"plugin": "…"}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Principal {
    /// One person or service account.
    Person(PersonId),
    /// Everyone in a group.
    Group(GroupId),
    /// A plugin.
    Plugin(PluginId),
}

impl Principal {
    /// `person`, `group` or `plugin`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Person(_) => "person",
            Self::Group(_) => "group",
            Self::Plugin(_) => "plugin",
        }
    }
    /// The id or name.
    pub fn key(&self) -> String {
        match self {
            Self::Person(id) => id.to_string(),
            Self::Group(id) => id.to_string(),
            Self::Plugin(id) => id.to_string(),
        }
    }
}

impl From<PersonId> for Principal {
    fn from(id: PersonId) -> Self {
        Self::Person(id)
    }
}
impl From<GroupId> for Principal {
    fn from(id: GroupId) -> Self {
        Self::Group(id)
    }
}
impl From<PluginId> for Principal {
    fn from(id: PluginId) -> Self {
        Self::Plugin(id)
    }
}

/// Where a grant holds: tenant ⊃ department, company, project ⊃ ticket (FEATURES R1). Permissions add up down the tree;
/// there are no denials. JSON: `"tenant"`, `{"project": "…"}`, …
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// In the whole tenant.
    Tenant,
    /// On tickets owned by this department, or by a group below it.
    Department(GroupId),
    /// On tickets of this company.
    Company(GroupId),
    /// In one project.
    Project(ProjectId),
    /// On one ticket.
    Ticket(TicketId),
}

impl Scope {
    /// `tenant`, `department`, `company`, `project` or `ticket`.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Department(_) => "department",
            Self::Company(_) => "company",
            Self::Project(_) => "project",
            Self::Ticket(_) => "ticket",
        }
    }

    /// What a role that allows `permissions` allows when it is granted here: whoever is given a role on one ticket is
    /// shown it, unless it is restricted.
    pub const fn lends(&self, permissions: Permissions) -> Permissions {
        match self {
            Self::Ticket(_) => permissions.with(Permissions::of(&[Permission::TicketRead])),
            Self::Tenant | Self::Department(_) | Self::Company(_) | Self::Project(_) => permissions,
        }
    }
}

impl From<ProjectId> for Scope {
    fn from(id: ProjectId) -> Self {
        Self::Project(id)
    }
}
impl From<TicketId> for Scope {
    fn from(id: TicketId) -> Self {
        Self::Ticket(id)
    }
}

/// A role given to somebody somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// The tenant.
    pub tenant: TenantId,
    /// The grant.
    pub id: GrantId,
    /// Who holds it.
    pub to: Principal,
    /// Which role.
    pub role: RoleKey,
    /// Where.
    pub scope: Scope,
    /// Until when; open when none.
    pub expires_at: Option<Timestamp>,
    /// Who granted it.
    pub granted_by: Author,
    /// When.
    pub granted_at: Timestamp,
}

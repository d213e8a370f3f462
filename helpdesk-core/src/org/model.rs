//! The organisation around the tickets, one struct per stored row.

use crate::actor::PluginId;
use crate::id::{GroupId, PersonId, ProjectId, TenantId};
use crate::role::Relations;
use crate::ticket::Visibility;
use crate::time::Timestamp;
use crate::value::names;

/// A tenant (FEATURES P1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenant {
    /// The tenant.
    pub id: TenantId,
    /// Short unique name, lower-case: `acme`.
    pub key: String,
    /// Display name.
    pub name: String,
    /// While suspended nobody but the system may act or read.
    pub suspended: bool,
    /// Counts changes, from 1.
    pub version: i64,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// A project (FEATURES P2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Project {
    /// The tenant.
    pub tenant: TenantId,
    /// The project.
    pub id: ProjectId,
    /// 2 to 10 of A-Z 0-9, beginning with a letter, unique in the tenant, also among deleted ones.
    pub key: String,
    /// Display name.
    pub name: String,
    /// Who answers for it.
    pub lead: Option<PersonId>,
    /// Key of the workflow new tickets get, always its newest version.
    pub workflow: String,
    /// The visibility new tickets get.
    pub visibility: Visibility,
    /// What being something to its tickets allows, where it differs from the default.
    pub relations: Relations,
    /// Counts changes, from 1.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was deleted, if it is.
    pub deleted_at: Option<Timestamp>,
}

names! {
    /// What somebody in the directory is (FEATURES P4).
    pub enum PersonKind ("kind of person") {
        /// Works for the desk: may be given internal notes to read, by a role.
        Staff = "staff",
        /// Asks the desk.
        Requester = "requester",
        /// Outside, without login.
        Contact = "contact",
        /// A service account.
        Service = "service",
    }
}

/// Somebody in the directory. Personal data stands here and nowhere in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The tenant.
    pub tenant: TenantId,
    /// The person.
    pub id: PersonId,
    /// The host's own user id, unique in the tenant.
    pub external: String,
    /// What they are.
    pub kind: PersonKind,
    /// Display name.
    pub name: String,
    /// E-mail address, or empty.
    pub email: String,
    /// Telephone, or empty.
    pub phone: String,
    /// Job title, or empty.
    pub title: String,
    /// Whom they report to: approves what they request.
    pub manager: Option<PersonId>,
    /// Inactive people may not act and are not assigned.
    pub active: bool,
    /// What they are good at, in lower case, in order of the alphabet: tickets with such tags are theirs (FEATURES P5).
    pub skills: Vec<String>,
    /// Counts changes, from 1.
    pub version: i64,
    /// When they were first seen.
    pub created_at: Timestamp,
    /// When they last changed.
    pub updated_at: Timestamp,
}

impl Person {
    /// Leaves what everybody may know: who it is, not how to reach them.
    pub(crate) fn hide_particulars(&mut self) {
        for text in [&mut self.email, &mut self.phone, &mut self.title, &mut self.external] {
            text.clear();
        }
        self.manager = None;
        self.skills.clear();
    }
}

names! {
    /// What a group is (FEATURES P3).
    pub enum GroupKind ("kind of group") {
        /// A department; they form a tree.
        Department = "department",
        /// A team.
        Team = "team",
        /// A client's company.
        Company = "company",
    }
}

/// A group of people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The tenant.
    pub tenant: TenantId,
    /// The group.
    pub id: GroupId,
    /// What it is.
    pub kind: GroupKind,
    /// Display name, unique in the tenant without regard to case.
    pub name: String,
    /// The group above.
    pub parent: Option<GroupId>,
    /// Who leads it.
    pub head: Option<PersonId>,
    /// Counts changes, from 1.
    pub version: i64,
    /// When it was created.
    pub created_at: Timestamp,
}

/// Somebody's membership of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Membership {
    /// The tenant.
    pub tenant: TenantId,
    /// The group.
    pub group: GroupId,
    /// The person.
    pub person: PersonId,
    /// Since when.
    pub since: Timestamp,
}

/// An active member of a group somebody is chosen out of (FEATURES P5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The person.
    pub person: PersonId,
    /// How many tickets that have not ended they are assigned to; deleted ones do not count.
    pub open: u32,
    /// What they are good at.
    pub skills: Vec<String>,
}

/// A plugin installed in a tenant: what it is, what it may, how it is set up. Its code is the host's to provide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installation {
    /// The tenant.
    pub tenant: TenantId,
    /// The plugin.
    pub plugin: PluginId,
    /// SHA-256 of the component, hexadecimal.
    pub digest: String,
    /// The manifest it was installed with, JSON.
    pub manifest: String,
    /// The capabilities granted to it, JSON; a subset of what the manifest asks for.
    pub granted: String,
    /// Its configuration, JSON.
    pub config: String,
    /// Whether it gets events.
    pub enabled: bool,
    /// Counts changes, from 1.
    pub version: i64,
    /// When it was installed.
    pub created_at: Timestamp,
}

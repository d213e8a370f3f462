//! A tenant's configuration at one policy epoch: small, immutable, shared, cached for good.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::actor::PluginId;
use crate::approval::template::Templates;
use crate::board::Board;
use crate::id::{BoardId, GroupId, ProjectId, TagId, TenantId};
use crate::org::{Group, Installation, Project, Tenant};
use crate::role::{CustomRole, Permissions, RoleKey, Scope};
use crate::text::fold;
use crate::ticket::{Tag, Ticket};
use crate::time::Timestamp;
use crate::workflow::check::Shelf;

/// Everything decisions need to know about a tenant that changes rarely. People are not in it: there may be very many.
#[derive(Debug, Clone)]
pub struct TenantConfig {
    /// The policy epoch it was read at.
    pub epoch: i64,
    /// The tenant.
    pub tenant: Tenant,
    /// Its projects, deleted ones too.
    pub projects: BTreeMap<ProjectId, Project>,
    /// Its groups.
    pub groups: BTreeMap<GroupId, Group>,
    /// The tags of its projects, deleted ones too.
    pub tags: BTreeMap<TagId, Tag>,
    /// Every published version of its workflows.
    pub workflows: Shelf,
    /// Every published version of its approval templates.
    pub templates: Templates,
    /// The roles it has defined, by key.
    pub roles: BTreeMap<RoleKey, CustomRole>,
    /// The boards of its projects, deleted ones too.
    pub boards: BTreeMap<BoardId, Arc<Board>>,
    /// Its plugins.
    pub plugins: BTreeMap<PluginId, Arc<Installation>>,
}

impl TenantConfig {
    /// What a role allows; nothing, when there is none with this key.
    pub fn permissions_of(&self, role: &RoleKey) -> Permissions {
        match role {
            RoleKey::BuiltIn(role) => role.permissions(),
            RoleKey::Custom(_) => self.roles.get(role).map_or(Permissions::NONE, |role| role.permissions),
        }
    }
    /// The project with this key.
    pub fn project_by_key(&self, key: &str) -> Option<&Project> {
        self.projects.values().find(|project| project.key == key)
    }
    /// The tag of `project` with this name, without regard to case.
    pub fn tag_by_name(&self, project: ProjectId, name: &str) -> Option<&Tag> {
        let name = fold(name);
        self.tags.values().find(|tag| tag.project == project && tag.deleted_at.is_none() && fold(&tag.name) == name)
    }
    /// What holds for some groups, for those below them too; groups with nothing are left out.
    pub(crate) fn inherited(&self, own: &BTreeMap<GroupId, Permissions>) -> BTreeMap<GroupId, Permissions> {
        if own.is_empty() {
            return BTreeMap::new();
        }
        let all = self.groups.keys().map(|group| {
            let there = self.lineage(*group).filter_map(|above| own.get(&above));
            (*group, there.fold(Permissions::NONE, |all, more| all.with(*more)))
        });
        all.filter(|(_, there)| *there != Permissions::NONE).collect()
    }
    /// The group and those above it, nearest first.
    pub fn lineage(&self, group: GroupId) -> impl Iterator<Item = GroupId> {
        let above = move |group: &GroupId| self.groups.get(group).and_then(|group| group.parent);
        // A ring in the data must not spin.
        std::iter::successors(Some(group), above).take(self.groups.len() + 1)
    }
    /// Whether what is granted on `scope` holds on the ticket.
    pub fn reaches(&self, scope: Scope, ticket: &Ticket) -> bool {
        match scope {
            Scope::Tenant => true,
            Scope::Project(id) => ticket.project == id,
            Scope::Department(id) => ticket.group.is_some_and(|group| self.lineage(group).any(|above| above == id)),
            Scope::Company(id) => ticket.company == Some(id),
            Scope::Ticket(id) => ticket.id == id,
        }
    }
    /// The group with this name, without regard to case.
    pub fn group_by_name(&self, name: &str) -> Option<&Group> {
        let name = fold(name);
        self.groups.values().find(|group| fold(&group.name) == name)
    }
}

impl TenantConfig {
    /// Of a tenant that is being registered: nothing yet.
    pub(crate) fn blank(id: TenantId, now: Timestamp) -> Self {
        let tenant =
            Tenant { id, key: String::new(), name: String::new(), suspended: false, version: 0, created_at: now };
        Self {
            epoch: 0,
            tenant,
            projects: BTreeMap::new(),
            groups: BTreeMap::new(),
            tags: BTreeMap::new(),
            workflows: Shelf::default(),
            templates: Templates::default(),
            roles: BTreeMap::new(),
            boards: BTreeMap::new(),
            plugins: BTreeMap::new(),
        }
    }
}

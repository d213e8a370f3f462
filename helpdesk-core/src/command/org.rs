//! Commands about tenants, projects, people, groups, roles, workflows, tags and plugins.

use serde::{Deserialize, Serialize};

use crate::actor::PluginId;
use crate::id::{GrantId, GroupId, PersonId, ProjectId, TagId, TenantId};
use crate::org::{GroupKind, PersonKind};
use crate::role::{Permissions, Principal, Relations, RoleKey, Scope};
use crate::ticket::Visibility;
use crate::time::Timestamp;
use crate::value::double;
use crate::workflow::Definition;

/// Registers a tenant with the built-in workflows and, unless told otherwise, a first project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RegisterTenant {
    /// 2 to 40 of a-z 0-9 -, beginning with a letter; unique.
    pub key: String,
    /// Display name.
    pub name: String,
    /// The first owner: the host's user id and a name.
    pub owner: Option<(String, String)>,
    /// Key and name of the first project, if one is wanted.
    pub project: Option<(String, String)>,
}

impl RegisterTenant {
    /// A tenant without people or projects yet.
    pub fn new(key: impl Into<String>, name: impl Into<String>) -> Self {
        Self { key: key.into(), name: name.into(), owner: None, project: None }
    }
    /// With a first owner, known to the host as `external`.
    #[must_use]
    pub fn owner(mut self, external: impl Into<String>, name: impl Into<String>) -> Self {
        self.owner = Some((external.into(), name.into()));
        self
    }
    /// With a first project.
    #[must_use]
    pub fn project(mut self, key: impl Into<String>, name: impl Into<String>) -> Self {
        self.project = Some((key.into(), name.into()));
        self
    }
}

/// Renames, suspends or reopens a tenant; what is absent stays.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EditTenant {
    /// New display name.
    pub name: Option<String>,
    /// Suspend or reopen.
    pub suspended: Option<bool>,
}

/// Creates a project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CreateProject {
    /// The tenant.
    pub tenant: TenantId,
    /// 2 to 10 of A-Z 0-9, beginning with a letter; unique in the tenant.
    pub key: String,
    /// Display name; the key when absent.
    pub name: Option<String>,
    /// Who answers for it.
    pub lead: Option<PersonId>,
    /// Key of the workflow; kanban when absent.
    pub workflow: Option<String>,
    /// Visibility new tickets get; `project` when absent.
    pub visibility: Option<Visibility>,
}

impl CreateProject {
    /// A kanban project.
    pub fn new(tenant: TenantId, key: impl Into<String>) -> Self {
        Self { tenant, key: key.into(), name: None, lead: None, workflow: None, visibility: None }
    }
    /// With a display name.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }
    /// With another workflow.
    #[must_use]
    pub fn workflow(mut self, key: impl Into<String>) -> Self {
        self.workflow = Some(key.into());
        self
    }
}

/// Changes, deletes or restores a project; what is absent stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditProject {
    /// The project.
    pub project: ProjectId,
    /// New display name.
    pub name: Option<String>,
    /// New lead, or none.
    #[serde(default, with = "double", skip_serializing_if = "Option::is_none")]
    pub lead: Option<Option<PersonId>>,
    /// Key of the workflow for new tickets.
    pub workflow: Option<String>,
    /// Visibility for new tickets.
    pub visibility: Option<Visibility>,
    /// What being something to its tickets allows from now on; relations not named go back to the default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relations: Option<Relations>,
    /// Delete or restore.
    pub deleted: Option<bool>,
}

impl EditProject {
    /// Changes nothing yet.
    pub const fn new(project: ProjectId) -> Self {
        Self { project, name: None, lead: None, workflow: None, visibility: None, relations: None, deleted: None }
    }
}

/// Makes sure that somebody is in the directory: adds or updates by the host's own user id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EnsurePerson {
    /// The tenant.
    pub tenant: TenantId,
    /// The host's own user id, 1 to 200 characters.
    pub external: String,
    /// Display name.
    pub name: String,
    /// What they are; kept when absent, `requester` for new ones.
    pub kind: Option<PersonKind>,
    /// E-mail address; kept when absent.
    pub email: Option<String>,
    /// Telephone; kept when absent.
    pub phone: Option<String>,
    /// Job title; kept when absent.
    pub title: Option<String>,
}

impl EnsurePerson {
    /// Somebody the host knows as `external`.
    pub fn external(tenant: TenantId, external: impl Into<String>, name: impl Into<String>) -> Self {
        let (external, name) = (external.into(), name.into());
        Self { tenant, external, name, kind: None, email: None, phone: None, title: None }
    }
    /// As staff, contact or service account.
    #[must_use]
    pub fn kind(mut self, kind: PersonKind) -> Self {
        self.kind = Some(kind);
        self
    }
    /// With an e-mail address.
    #[must_use]
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }
}

/// Changes somebody's entry in the directory; people may change their own name, e-mail, phone and title.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditPerson {
    /// The person.
    pub person: PersonId,
    /// New display name.
    pub name: Option<String>,
    /// What they are.
    pub kind: Option<PersonKind>,
    /// E-mail address.
    pub email: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// Job title.
    pub title: Option<String>,
    /// Whom they report to, or nobody.
    #[serde(default, with = "double", skip_serializing_if = "Option::is_none")]
    pub manager: Option<Option<PersonId>>,
    /// Deactivate or reactivate.
    pub active: Option<bool>,
    /// What they are good at, in place of what is known: at most 50 names of up to 50 characters, kept in lower case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub skills: Option<Vec<String>>,
}

impl EditPerson {
    /// Changes nothing yet.
    pub const fn new(person: PersonId) -> Self {
        Self {
            person,
            name: None,
            kind: None,
            email: None,
            phone: None,
            title: None,
            manager: None,
            active: None,
            skills: None,
        }
    }
}

/// Creates a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CreateGroup {
    /// The tenant.
    pub tenant: TenantId,
    /// Department, team or company.
    pub kind: GroupKind,
    /// Display name, unique in the tenant without regard to case.
    pub name: String,
    /// The group above.
    pub parent: Option<GroupId>,
}

impl CreateGroup {
    /// A group without one above.
    pub fn new(tenant: TenantId, kind: GroupKind, name: impl Into<String>) -> Self {
        Self { tenant, kind, name: name.into(), parent: None }
    }
}

/// Renames or moves a group; what is absent stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditGroup {
    /// The group.
    pub group: GroupId,
    /// New display name.
    pub name: Option<String>,
    /// The group above, or none.
    #[serde(default, with = "double", skip_serializing_if = "Option::is_none")]
    pub parent: Option<Option<GroupId>>,
    /// Who leads it, or nobody.
    #[serde(default, with = "double", skip_serializing_if = "Option::is_none")]
    pub head: Option<Option<PersonId>>,
}

impl EditGroup {
    /// Changes nothing yet.
    pub const fn new(group: GroupId) -> Self {
        Self { group, name: None, parent: None, head: None }
    }
}

/// Puts somebody into a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AddMember {
    /// The group.
    pub group: GroupId,
    /// The person.
    pub person: PersonId,
}

/// Takes somebody out of a group.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RemoveMember {
    /// The group.
    pub group: GroupId,
    /// The person.
    pub person: PersonId,
}

/// Grants a role. Nobody grants what they lack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GrantRole {
    /// The role, by key.
    pub role: RoleKey,
    /// To whom.
    pub to: Principal,
    /// Where; in the whole tenant unless [`on`](Self::on) a project.
    pub scope: Scope,
    /// Until when.
    pub expires_at: Option<Timestamp>,
}

impl GrantRole {
    /// In the whole tenant, without end.
    pub fn new(role: impl Into<RoleKey>, to: impl Into<Principal>) -> Self {
        Self { role: role.into(), to: to.into(), scope: Scope::Tenant, expires_at: None }
    }
    /// In a narrower scope.
    #[must_use]
    pub fn on(mut self, scope: impl Into<Scope>) -> Self {
        self.scope = scope.into();
        self
    }
    /// Until an instant.
    #[must_use]
    pub fn until(mut self, end: Timestamp) -> Self {
        self.expires_at = Some(end);
        self
    }
}

/// Defines a role of the tenant's own. Nobody names permissions they lack in the whole tenant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DefineRole {
    /// The tenant.
    pub tenant: TenantId,
    /// Its key: 2 to 40 of a-z 0-9 _ -, beginning with a letter; unique in the tenant, and none of a built-in role.
    pub key: String,
    /// Display name, unique in the tenant without regard to case.
    pub name: String,
    /// What it allows, inside the scope it is granted on.
    pub permissions: Permissions,
}

/// Changes a role of the tenant's own, for all who hold it; what is absent stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditRole {
    /// The role, by key.
    pub role: RoleKey,
    /// New display name.
    pub name: Option<String>,
    /// What it allows from now on.
    pub permissions: Option<Permissions>,
}

/// Deletes a role of the tenant's own. Refused while somebody holds it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeleteRole {
    /// The role, by key.
    pub role: RoleKey,
}

/// Takes a grant back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RevokeRole {
    /// The grant.
    pub grant: GrantId,
}

/// Publishes a version of a workflow: the next one of its key. Publishing what the newest version already is changes
/// nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublishWorkflow {
    /// The tenant.
    pub tenant: TenantId,
    /// The definition.
    pub definition: Definition,
}

/// Defines a tag of a project.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DefineTag {
    /// The project.
    pub project: ProjectId,
    /// Its name, 1 to 60 characters, unique in the project without regard to case.
    pub name: String,
    /// What it is for.
    pub description: String,
    /// `#rrggbb`, or empty.
    pub colour: String,
}

impl DefineTag {
    /// A tag without description or colour.
    pub fn new(project: ProjectId, name: impl Into<String>) -> Self {
        Self { project, name: name.into(), description: String::new(), colour: String::new() }
    }
}

/// Changes, deletes or restores a tag; what is absent stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditTag {
    /// The tag.
    pub tag: TagId,
    /// New name.
    pub name: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// `#rrggbb`, or empty.
    pub colour: Option<String>,
    /// Delete or restore.
    pub deleted: Option<bool>,
}

/// Installs a plugin in a tenant, or sets it up anew. The code with this digest is the host's to provide.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InstallPlugin {
    /// The tenant.
    pub tenant: TenantId,
    /// The plugin.
    pub plugin: PluginId,
    /// SHA-256 of the component, hexadecimal.
    pub digest: String,
    /// The manifest, JSON.
    pub manifest: String,
    /// Granted capabilities, JSON.
    pub granted: String,
    /// Configuration, JSON.
    pub config: String,
    /// Whether it gets events.
    pub enabled: bool,
}

/// Removes a plugin from the tenant; its past deeds stay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RemovePlugin {
    /// The plugin.
    pub plugin: PluginId,
}

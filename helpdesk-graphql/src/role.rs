//! Roles: the built-in ones, and those that the tenant has defined.

use async_graphql::{
    Context, Description, InputObject, InputValueError, InputValueResult, Object, OneofObject, Result, Scalar,
};
use async_graphql::{ScalarType, Value};
use helpdesk_core::command::{DefineRole, DeleteRole, EditRole};
use helpdesk_core::id::{GroupId, ProjectId, TicketId};
use helpdesk_core::role::{self, CustomRole, Permissions, Scope};

use crate::actor::Actor;
use crate::connection::{connection, page_of};
use crate::fault::{failed, not_found};
use crate::grant::Grant;
use crate::id::Ref;
use crate::names::Permission;
use crate::payload::{With, act, payloads};
use crate::person::Person;
use crate::scalar::DateTime;
use crate::session::Session;

/// The key of a role: `agent`, or one of the tenant's own.
#[derive(Debug, Clone, PartialEq, Eq, Description)]
pub(crate) struct RoleKey(pub(crate) role::RoleKey);

#[Scalar(use_type_description)]
impl ScalarType for RoleKey {
    fn parse(value: Value) -> InputValueResult<Self> {
        match value {
            Value::String(text) => text.parse().map(Self).map_err(InputValueError::custom),
            other => Err(InputValueError::expected_type(other)),
        }
    }
    fn to_value(&self) -> Value {
        Value::String(self.0.to_string())
    }
}

/// A role: a set of permissions that is granted to somebody somewhere.
#[derive(Debug, Clone, Description)]
pub(crate) struct Role {
    key: role::RoleKey,
    permissions: Permissions,
    custom: Option<CustomRole>,
}

impl From<role::Role> for Role {
    fn from(role: role::Role) -> Self {
        Self { key: role.into(), permissions: role.permissions(), custom: None }
    }
}
impl From<CustomRole> for Role {
    fn from(role: CustomRole) -> Self {
        Self { key: role.key.clone(), permissions: role.permissions, custom: Some(role) }
    }
}

#[Object(use_type_description)]
impl Role {
    /// Its key, unique in the tenant.
    async fn key(&self) -> RoleKey {
        RoleKey(self.key.clone())
    }
    /// Display name; of a built-in role its key.
    async fn name(&self) -> &str {
        self.custom.as_ref().map_or(self.key.as_str(), |role| &role.name)
    }
    /// Whether it is one of the built-in roles, which never change.
    async fn built_in(&self) -> bool {
        self.key.built_in().is_some()
    }
    /// What it allows, inside the scope it is granted on.
    async fn permissions(&self) -> Vec<Permission> {
        self.permissions.iter().map(Into::into).collect()
    }
    /// Counts changes, from 1; always 1 of a built-in role.
    async fn version(&self) -> i64 {
        self.custom.as_ref().map_or(1, |role| role.version)
    }
    /// Who defined it; null of a built-in role.
    async fn created_by(&self) -> Option<Actor> {
        self.custom.as_ref().map(|role| Actor(role.created_by.clone()))
    }
    /// When it was defined; null of a built-in role.
    async fn created_at(&self) -> Option<DateTime> {
        self.custom.as_ref().map(|role| DateTime(role.created_at))
    }
}

/// The role with this key. One that is hidden from the viewer, or no more, is shown by its key alone.
pub(crate) async fn of(ctx: &Context<'_>, key: &role::RoleKey) -> Result<Role> {
    if let Some(role) = key.built_in() {
        return Ok(role.into());
    }
    let known = Session::of(ctx)?.config().await?.roles.get(key).cloned();
    Ok(known.map_or_else(|| Role { key: key.clone(), permissions: Permissions::NONE, custom: None }, Into::into))
}

pub(crate) async fn load(ctx: &Context<'_>, key: &role::RoleKey) -> Result<Role> {
    let config = Session::of(ctx)?.config().await?;
    config.roles.get(key).cloned().map(Into::into).ok_or_else(|| not_found("role", key))
}

connection! {
    /// A page of people who hold a role.
    RoleHolderConnection,
    /// Somebody in a list of those who hold a role.
    RoleHolderEdge of RoleHolder, count = usize
}

#[derive(Default)]
pub(crate) struct RoleQuery;

#[Object]
impl RoleQuery {
    /// The roles that can be granted: the built-in ones, then, for those who see the directory, the tenant's own by key.
    async fn roles(&self, ctx: &Context<'_>) -> Result<Vec<Role>> {
        let config = Session::of(ctx)?.config().await?;
        let built_in = role::Role::ALL.iter().map(|role| Role::from(*role));
        Ok(built_in.chain(config.roles.values().cloned().map(Into::into)).collect())
    }

    /// The active people who hold a role at a scope, by a grant there or on a scope around it: for those who grant roles,
    /// and auditors.
    async fn role_holders(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The role, by key.")] role: RoleKey,
        #[graphql(desc = "Where; in the whole tenant when omitted.")] scope: Option<RoleScopeInput>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<RoleHolderConnection> {
        let session = Session::of(ctx)?;
        let scope = scope.map_or(Scope::Tenant, Into::into);
        let holders = session.desk.holders(&session.actor, &role.0, scope).await.map_err(|error| failed(&error))?;
        let one = |(person, grants): (_, Vec<_>)| RoleHolder {
            person: Person(person),
            grants: grants.into_iter().map(Grant).collect(),
        };
        let all: Vec<RoleHolder> = holders.people.into_iter().map(one).collect();
        let count = all.len();
        Ok(RoleHolderConnection { page: page_of(all, |holder| holder.person.0.id, first, after.as_deref())?, count })
    }
}

/// Somebody who holds a role at a scope.
#[derive(Debug, Clone, Description)]
pub(crate) struct RoleHolder {
    person: Person,
    grants: Vec<Grant>,
}

#[Object(use_type_description)]
impl RoleHolder {
    /// Who.
    pub(crate) async fn person(&self) -> &Person {
        &self.person
    }
    /// Through which grants: their own first, then those of their groups.
    async fn grants(&self) -> &[Grant] {
        &self.grants
    }
}

/// At which scope: at most one of these; the whole tenant when omitted.
#[derive(OneofObject)]
pub(crate) enum RoleScopeInput {
    /// In one project.
    Project(Ref<ProjectId>),
    /// On tickets owned by a department or a group below it.
    Department(Ref<GroupId>),
    /// On tickets of a company.
    Company(Ref<GroupId>),
    /// On one ticket.
    Ticket(Ref<TicketId>),
}

impl From<RoleScopeInput> for Scope {
    fn from(scope: RoleScopeInput) -> Self {
        match scope {
            RoleScopeInput::Project(id) => Self::Project(id.0),
            RoleScopeInput::Department(id) => Self::Department(id.0),
            RoleScopeInput::Company(id) => Self::Company(id.0),
            RoleScopeInput::Ticket(id) => Self::Ticket(id.0),
        }
    }
}

/// Defines a role of the tenant's own. Nobody names permissions they lack in the whole tenant.
#[derive(InputObject)]
struct RoleDefineInput {
    /// Its key: 2 to 40 of a-z 0-9 _ -, beginning with a letter; none of a built-in role.
    key: String,
    /// Display name, unique in the tenant without regard to case.
    name: String,
    /// What it allows, inside the scope it is granted on.
    permissions: Vec<Permission>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Changes a role of the tenant's own, for all who hold it; what is omitted stays.
#[derive(InputObject)]
struct RoleEditInput {
    /// The role, by key.
    role: RoleKey,
    /// New display name.
    name: Option<String>,
    /// What it allows from now on.
    permissions: Option<Vec<Permission>>,
    /// The version you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Deletes a role of the tenant's own. Refused while somebody holds it.
#[derive(InputObject)]
struct RoleDeleteInput {
    /// The role, by key.
    role: RoleKey,
    /// The version you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

async fn gone(_: &Context<'_>, key: &role::RoleKey) -> Result<RoleKey> {
    Ok(RoleKey(key.clone()))
}

payloads! {
    /// What `roleDefine` answers.
    RoleDefinePayload {
        /// The new role.
        role: Role = load, from role::RoleKey
    }
    /// What `roleEdit` answers.
    RoleEditPayload {
        /// The role after the command.
        role: Role = load, from role::RoleKey
    }
    /// What `roleDelete` answers.
    RoleDeletePayload {
        /// The role that is no more.
        role_key: RoleKey = gone, from role::RoleKey
    }
}

fn permissions(list: Vec<Permission>) -> Permissions {
    list.into_iter().map(role::Permission::from).collect()
}

#[derive(Default)]
pub(crate) struct RoleMutation;

#[Object]
impl RoleMutation {
    /// Defines a role of the tenant's own.
    async fn role_define(&self, ctx: &Context<'_>, input: RoleDefineInput) -> Result<Option<RoleDefinePayload>> {
        let command = DefineRole {
            tenant: crate::viewer::tenant(ctx)?,
            key: input.key,
            name: input.name,
            permissions: permissions(input.permissions),
        };
        let with = With::new(None, input.idempotency_key);
        Ok(Some(RoleDefinePayload(act(ctx, command, with).await?)))
    }

    /// Changes a role of the tenant's own.
    async fn role_edit(&self, ctx: &Context<'_>, input: RoleEditInput) -> Result<Option<RoleEditPayload>> {
        let key = input.role.0;
        let command = EditRole { role: key.clone(), name: input.name, permissions: input.permissions.map(permissions) };
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(RoleEditPayload(act(ctx, command, with).await?.about(key))))
    }

    /// Deletes a role of the tenant's own.
    async fn role_delete(&self, ctx: &Context<'_>, input: RoleDeleteInput) -> Result<Option<RoleDeletePayload>> {
        let key = input.role.0;
        let with = With::new(input.expected_version, input.idempotency_key);
        let outcome = act(ctx, DeleteRole { role: key.clone() }, with).await?;
        Ok(Some(RoleDeletePayload(outcome.about(key))))
    }
}

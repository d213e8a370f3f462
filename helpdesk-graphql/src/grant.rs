//! Grants of roles.

use async_graphql::{Context, Description, Enum, ID, InputObject, Object, OneofObject, Result, Union};
use helpdesk_core::actor::PluginId;
use helpdesk_core::command::{GrantRole, RevokeRole};
use helpdesk_core::id::{GrantId, GroupId, PersonId, ProjectId, TicketId};
use helpdesk_core::role::{Grant as Stored, Principal, Scope};

use crate::actor::Actor;
use crate::connection::{connection, page_of};
use crate::fault::{bad_input, not_found};
use crate::group::Group;
use crate::id::{Ref, global};
use crate::payload::{With, act, payloads};
use crate::person::Person;
use crate::plugin::Plugin;
use crate::project::Project;
use crate::role::{self, Role, RoleKey};
use crate::scalar::DateTime;
use crate::session::Session;
use crate::ticket::Ticket;
use crate::user_error::Places;

/// A role given to somebody somewhere.
#[derive(Debug, Clone, Description)]
pub(crate) struct Grant(pub(crate) Stored);

/// The kinds of scopes a grant or a delegation can hold in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Enum)]
pub(crate) enum ScopeKind {
    /// The whole tenant.
    Tenant,
    /// Tickets owned by a department or a group below it.
    Department,
    /// Tickets of a company.
    Company,
    /// One project.
    Project,
    /// One ticket.
    Ticket,
}

impl From<Scope> for ScopeKind {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Tenant => Self::Tenant,
            Scope::Department(_) => Self::Department,
            Scope::Company(_) => Self::Company,
            Scope::Project(_) => Self::Project,
            Scope::Ticket(_) => Self::Ticket,
        }
    }
}

/// Who holds a grant.
#[derive(Clone, Union)]
pub(crate) enum GrantHolder {
    Person(Person),
    Group(Group),
    Plugin(Plugin),
}

#[Object(use_type_description)]
impl Grant {
    /// Its global id.
    pub(crate) async fn id(&self) -> ID {
        global(&self.0.id)
    }
    /// Who holds it; null when they are not visible to you.
    async fn to(&self, ctx: &Context<'_>) -> Result<Option<GrantHolder>> {
        let session = Session::of(ctx)?;
        Ok(match &self.0.to {
            Principal::Person(id) => session.loaders.person(*id).await?.map(|it| GrantHolder::Person(Person(it))),
            Principal::Group(id) => {
                session.config().await?.groups.get(id).cloned().map(|it| GrantHolder::Group(Group(it)))
            }
            Principal::Plugin(id) => {
                session.config().await?.plugins.get(id).cloned().map(|it| GrantHolder::Plugin(Plugin(it)))
            }
        })
    }
    /// Which role.
    async fn role(&self, ctx: &Context<'_>) -> Result<Role> {
        role::of(ctx, &self.0.role).await
    }
    /// The project it holds in; null for other scopes, and for a project that is not visible to you.
    async fn project(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
        match self.0.scope {
            Scope::Tenant | Scope::Department(_) | Scope::Company(_) | Scope::Ticket(_) => Ok(None),
            Scope::Project(id) => Ok(Session::of(ctx)?.config().await?.projects.get(&id).cloned().map(Project)),
        }
    }
    /// What kind of scope it holds in.
    async fn scope(&self) -> ScopeKind {
        self.0.scope.into()
    }
    /// The department or company on whose tickets it holds; null for other scopes, and for those who may not see the
    /// directory.
    async fn group(&self, ctx: &Context<'_>) -> Result<Option<Group>> {
        match self.0.scope {
            Scope::Department(id) | Scope::Company(id) => {
                Ok(Session::of(ctx)?.config().await?.groups.get(&id).cloned().map(Group))
            }
            Scope::Tenant | Scope::Project(_) | Scope::Ticket(_) => Ok(None),
        }
    }
    /// The ticket it holds on; null for other scopes, and for a ticket that is not visible to you.
    async fn ticket(&self, ctx: &Context<'_>) -> Result<Option<Ticket>> {
        match self.0.scope {
            Scope::Ticket(id) => Ok(Session::of(ctx)?.loaders.ticket(id).await?.map(Ticket)),
            Scope::Tenant | Scope::Department(_) | Scope::Company(_) | Scope::Project(_) => Ok(None),
        }
    }
    /// Whether it holds in the whole tenant.
    async fn everywhere(&self) -> bool {
        self.0.scope == Scope::Tenant
    }
    /// Until when; open when null.
    async fn expires_at(&self) -> Option<DateTime> {
        self.0.expires_at.map(DateTime)
    }
    /// Who granted it.
    async fn created_by(&self) -> Actor {
        Actor(self.0.granted_by.clone())
    }
    /// When it was granted.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.granted_at)
    }
}

connection! {
    /// A page of grants.
    GrantConnection,
    /// A grant in a list.
    GrantEdge of Grant, count = usize
}

async fn all(ctx: &Context<'_>) -> Result<Vec<Grant>> {
    let grants = Session::of(ctx)?.loaders.grants().await?;
    Ok(grants.iter().cloned().map(Grant).collect())
}

pub(crate) async fn load(ctx: &Context<'_>, id: &GrantId) -> Result<Grant> {
    all(ctx).await?.into_iter().find(|grant| grant.0.id == *id).ok_or_else(|| not_found("grant", id))
}

#[derive(Default)]
pub(crate) struct GrantQuery;

#[Object]
impl GrantQuery {
    /// The grants of the tenant, oldest first: for those who grant roles, and auditors.
    async fn grants(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<GrantConnection> {
        let all = all(ctx).await?;
        let count = all.len();
        Ok(GrantConnection { page: page_of(all, |grant| grant.0.id, first, after.as_deref())?, count })
    }
}

/// Who is to hold a grant: exactly one of these.
#[derive(OneofObject)]
enum GrantHolderInput {
    /// One person or service account.
    Person(Ref<PersonId>),
    /// Everyone in a group.
    Group(Ref<GroupId>),
    /// A plugin.
    Plugin(Ref<PluginId>),
}

/// Grants a role in the whole tenant or in one narrower scope. Nobody grants what they lack there.
#[derive(InputObject)]
struct RoleGrantInput {
    /// The role, by key: `agent`, or one of the tenant's own.
    role: RoleKey,
    /// To whom.
    to: GrantHolderInput,
    /// In one project.
    project: Option<Ref<ProjectId>>,
    /// On tickets owned by this department or a group below it.
    department: Option<Ref<GroupId>>,
    /// On tickets of this company.
    company: Option<Ref<GroupId>>,
    /// On one ticket.
    ticket: Option<Ref<TicketId>>,
    /// Until when; without end when omitted.
    expires_at: Option<DateTime>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Takes a grant back.
#[derive(InputObject)]
struct RoleRevokeInput {
    /// The grant.
    grant: Ref<GrantId>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

impl RoleGrantInput {
    /// The scope, and the input that names it.
    fn scope(&self) -> Result<(Scope, Places)> {
        let named: Vec<(Scope, Places)> = [
            self.project.as_ref().map(|it| (Scope::Project(it.0), &[("scope", "project")] as Places)),
            self.department.as_ref().map(|it| (Scope::Department(it.0), &[("scope", "department")] as Places)),
            self.company.as_ref().map(|it| (Scope::Company(it.0), &[("scope", "company")] as Places)),
            self.ticket.as_ref().map(|it| (Scope::Ticket(it.0), &[("scope", "ticket")] as Places)),
        ]
        .into_iter()
        .flatten()
        .collect();
        match named.as_slice() {
            [] => Ok((Scope::Tenant, &[])),
            [only] => Ok(*only),
            [..] => Err(bad_input("name at most one of project, department, company and ticket")),
        }
    }
}

async fn revoked(_: &Context<'_>, id: &GrantId) -> Result<ID> {
    Ok(global(id))
}

payloads! {
    /// What `roleGrant` answers.
    RoleGrantPayload {
        /// The new grant.
        grant: Grant = load, from GrantId
    }
    /// What `roleRevoke` answers.
    RoleRevokePayload {
        /// The grant that is no more.
        grant_id: ID = revoked, from GrantId
    }
}

#[derive(Default)]
pub(crate) struct GrantMutation;

#[Object]
impl GrantMutation {
    /// Grants a role.
    async fn role_grant(&self, ctx: &Context<'_>, input: RoleGrantInput) -> Result<Option<RoleGrantPayload>> {
        let (scope, places) = input.scope()?;
        let command = GrantRole {
            role: input.role.0,
            to: match input.to {
                GrantHolderInput::Person(id) => Principal::Person(id.0),
                GrantHolderInput::Group(id) => Principal::Group(id.0),
                GrantHolderInput::Plugin(id) => Principal::Plugin(id.0),
            },
            scope,
            expires_at: input.expires_at.map(|end| end.0),
        };
        let with = With::new(None, input.idempotency_key).at(places);
        Ok(Some(RoleGrantPayload(act(ctx, command, with).await?)))
    }

    /// Takes a grant back.
    async fn role_revoke(&self, ctx: &Context<'_>, input: RoleRevokeInput) -> Result<Option<RoleRevokePayload>> {
        let with = With::new(None, input.idempotency_key);
        let outcome = act(ctx, RevokeRole { grant: input.grant.0 }, with).await?;
        Ok(Some(RoleRevokePayload(outcome.about(input.grant.0))))
    }
}

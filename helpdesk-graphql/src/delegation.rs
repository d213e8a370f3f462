//! Standing delegations: who may decide for whom.

use async_graphql::{Context, Description, ID, InputObject, Object, Result};
use helpdesk_core::approval::Delegation as Stored;
use helpdesk_core::command::{Delegate, RevokeDelegation};
use helpdesk_core::id::PersonId;
use helpdesk_core::role::Scope;

use crate::connection::{connection, page_of};
use crate::fault::{FORBIDDEN, has_code, not_found};
use crate::grant::ScopeKind;
use crate::group::Group;
use crate::id::{DelegationOf, Ref, global};
use crate::payload::{With, act, payloads};
use crate::person::Person;
use crate::project::Project;
use crate::role::RoleScopeInput;
use crate::scalar::DateTime;
use crate::session::Session;
use crate::ticket::Ticket;

/// A standing delegation: one person may decide approvals for another.
#[derive(Debug, Clone, Description)]
pub(crate) struct Delegation(Stored);

#[Object(use_type_description)]
impl Delegation {
    /// Its global id.
    pub(crate) async fn id(&self) -> ID {
        global(&DelegationOf(self.0.principal, self.0.id))
    }
    /// Whose decisions.
    async fn principal(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        Ok(Session::of(ctx)?.loaders.person(self.0.principal).await?.map(Person))
    }
    /// Who may make them, on tickets they may see themselves.
    async fn delegate(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        Ok(Session::of(ctx)?.loaders.person(self.0.delegate).await?.map(Person))
    }
    /// What kind of scope it holds in.
    async fn scope(&self) -> ScopeKind {
        self.0.scope.into()
    }
    /// The project it holds in; null for other scopes, and for a project that is not visible to you.
    async fn project(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
        let Scope::Project(id) = self.0.scope else { return Ok(None) };
        Ok(Session::of(ctx)?.config().await?.projects.get(&id).cloned().map(Project))
    }
    /// The department or company on whose tickets it holds; null for other scopes, and for those who may not see the
    /// directory.
    async fn group(&self, ctx: &Context<'_>) -> Result<Option<Group>> {
        let (Scope::Department(id) | Scope::Company(id)) = self.0.scope else { return Ok(None) };
        Ok(Session::of(ctx)?.config().await?.groups.get(&id).cloned().map(Group))
    }
    /// The ticket it holds on; null for other scopes, and for a ticket that is not visible to you.
    async fn ticket(&self, ctx: &Context<'_>) -> Result<Option<Ticket>> {
        let Scope::Ticket(id) = self.0.scope else { return Ok(None) };
        Ok(Session::of(ctx)?.loaders.ticket(id).await?.map(Ticket))
    }
    /// From when on; since ever when null.
    async fn starts_at(&self) -> Option<DateTime> {
        self.0.starts_at.map(DateTime)
    }
    /// Until when; for good when null.
    async fn ends_at(&self) -> Option<DateTime> {
        self.0.ends_at.map(DateTime)
    }
    /// When it was given.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
    /// When it was taken back, if it was. What was decided by it stands.
    async fn revoked_at(&self) -> Option<DateTime> {
        self.0.revoked_at.map(DateTime)
    }
}

connection! {
    /// A page of delegations.
    DelegationConnection,
    /// A delegation in a list.
    DelegationEdge of Delegation, count = usize
}

/// One of the principal's; or the viewer's own, when they may not list the principal's.
pub(crate) async fn load(ctx: &Context<'_>, id: &DelegationOf) -> Result<Delegation> {
    let session = Session::of(ctx)?;
    let people = [session.actor.person_id(), Some(id.0)];
    for person in people.into_iter().flatten() {
        let found = match session.loaders.delegations(person).await {
            Err(error) if has_code(&error, FORBIDDEN) => break,
            found => found?,
        };
        if let Some(found) = found.iter().find(|it| (it.principal, it.id) == (id.0, id.1)) {
            return Ok(Delegation(found.clone()));
        }
    }
    Err(not_found("delegation", id.1))
}

#[derive(Default)]
pub(crate) struct DelegationQuery;

#[Object]
impl DelegationQuery {
    /// The delegations somebody has given or was given, those that have ended included: your own, or anybody's for those
    /// who manage people.
    async fn delegations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Whose; yours when omitted.")] person: Option<Ref<PersonId>>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<DelegationConnection> {
        let session = Session::of(ctx)?;
        let all = match person.map(|person| person.0).or(session.actor.person_id()) {
            Some(person) => session.loaders.delegations(person).await?,
            None => Default::default(),
        };
        let all: Vec<Delegation> = all.iter().cloned().map(Delegation).collect();
        let count = all.len();
        let place = |it: &Delegation| DelegationOf(it.0.principal, it.0.id);
        Ok(DelegationConnection { page: page_of(all, place, first, after.as_deref())?, count })
    }
}

/// Lets somebody decide approvals for somebody else.
#[derive(InputObject)]
struct DelegationCreateInput {
    /// Whose decisions: yours when omitted, or anybody's for those who manage people.
    principal: Option<Ref<PersonId>>,
    /// Who may make them.
    delegate: Ref<PersonId>,
    /// For which tickets; all when omitted.
    scope: Option<RoleScopeInput>,
    /// From when on; at once when omitted.
    starts_at: Option<DateTime>,
    /// Until when, exclusive; for good when omitted.
    ends_at: Option<DateTime>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Takes a delegation back.
#[derive(InputObject)]
struct DelegationRevokeInput {
    /// The delegation.
    delegation: Ref<DelegationOf>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

payloads! {
    /// What `delegationCreate` answers.
    DelegationCreatePayload {
        /// The new delegation.
        delegation: Delegation = load, from DelegationOf
    }
    /// What `delegationRevoke` answers.
    DelegationRevokePayload {
        /// The delegation after the command.
        delegation: Delegation = load, from DelegationOf
    }
}

#[derive(Default)]
pub(crate) struct DelegationMutation;

#[Object]
impl DelegationMutation {
    /// Lets somebody decide approvals for you, or, by those who manage people, for somebody else. Whoever decides so
    /// needs to see the ticket themselves; a proxy has no proxy.
    async fn delegation_create(
        &self,
        ctx: &Context<'_>,
        input: DelegationCreateInput,
    ) -> Result<Option<DelegationCreatePayload>> {
        let me = Session::of(ctx)?.actor.person_id();
        let principal = input.principal.map(|person| person.0).or(me).unwrap_or(PersonId::NIL);
        let command = Delegate {
            principal,
            delegate: input.delegate.0,
            scope: input.scope.map_or(Scope::Tenant, Into::into),
            starts_at: input.starts_at.map(|at| at.0),
            ends_at: input.ends_at.map(|at| at.0),
        };
        let outcome = act(ctx, command, With::new(None, input.idempotency_key)).await?;
        Ok(Some(DelegationCreatePayload(outcome.map(|id| DelegationOf(principal, id)))))
    }

    /// Takes a delegation back; what was decided by it stands.
    async fn delegation_revoke(
        &self,
        ctx: &Context<'_>,
        input: DelegationRevokeInput,
    ) -> Result<Option<DelegationRevokePayload>> {
        let with = With::new(None, input.idempotency_key);
        let outcome = act(ctx, RevokeDelegation { delegation: input.delegation.0.1 }, with).await?;
        Ok(Some(DelegationRevokePayload(outcome.about(input.delegation.0))))
    }
}

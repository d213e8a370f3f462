//! Why somebody may or may not do something to a ticket.

use async_graphql::{Context, Description, InputObject, Object, OneofObject, Result};
use helpdesk_core::command::{Command, ForceState, MoveTo};
use helpdesk_core::id::{PersonId, TicketId};
use helpdesk_core::org::PersonKind;
use helpdesk_core::role::explain::{self, Asked};
use helpdesk_core::role::{self, Permissions};

use crate::fault::failed;
use crate::grant::Grant;
use crate::group::Group;
use crate::id::Ref;
use crate::names::{GrantBearing, Permission, Relation, RightsRule};
use crate::scalar::DateTime;
use crate::session::Session;

/// Why somebody may or may not do something to a ticket.
#[derive(Debug, Clone, Description)]
pub(crate) struct Explanation(explain::Explanation);

/// A grant, and what it comes to on a ticket.
#[derive(Debug, Clone, Description)]
pub(crate) struct ExplainedGrant {
    reason: explain::GrantReason,
    decides: bool,
}

/// What somebody is to a ticket, and what that gives.
#[derive(Debug, Clone, Description)]
pub(crate) struct ExplainedRelation(explain::RelationReason);

fn listed(permissions: Permissions) -> Vec<Permission> {
    permissions.iter().map(Into::into).collect()
}

#[Object(use_type_description)]
impl Explanation {
    /// Whether it is allowed.
    async fn allowed(&self) -> bool {
        self.0.allowed()
    }
    /// Why not: the stable code they would be told; null when it is allowed.
    async fn code(&self) -> Option<&str> {
        self.0.refused.as_ref().map(helpdesk_core::Refusal::code)
    }
    /// Why not, for people; null when it is allowed.
    async fn message(&self) -> Option<String> {
        self.0.refused.as_ref().map(ToString::to_string)
    }
    /// The permissions it takes on the ticket, as far as they are known beforehand.
    async fn needed(&self) -> Vec<Permission> {
        listed(self.0.needed)
    }
    /// Everything they may do on the ticket.
    async fn permissions(&self) -> Vec<Permission> {
        listed(self.0.may)
    }
    /// All their grants and those of their groups, those that hold there first.
    async fn grants(&self) -> Vec<ExplainedGrant> {
        let deciding: Vec<_> = self.0.deciding().map(|reason| reason.grant.id).collect();
        let one = |reason: &explain::GrantReason| ExplainedGrant {
            reason: reason.clone(),
            decides: deciding.contains(&reason.grant.id),
        };
        self.0.grants.iter().map(one).collect()
    }
    /// What they are to the ticket now.
    async fn relations(&self) -> Vec<ExplainedRelation> {
        self.0.relations.iter().cloned().map(ExplainedRelation).collect()
    }
    /// The rules that decided beside grants and relations.
    async fn rules(&self) -> Vec<RightsRule> {
        self.0.rules.iter().copied().map(Into::into).collect()
    }
}

#[Object(use_type_description)]
impl ExplainedGrant {
    /// The grant.
    async fn grant(&self) -> Grant {
        Grant(self.reason.grant.clone())
    }
    /// Whether it was granted to a group they are in.
    async fn via_group(&self) -> bool {
        self.reason.via.is_some()
    }
    /// That group; null too for those who may not see the directory.
    async fn group(&self, ctx: &Context<'_>) -> Result<Option<Group>> {
        let Some(group) = self.reason.via else { return Ok(None) };
        Ok(Session::of(ctx)?.config().await?.groups.get(&group).cloned().map(Group))
    }
    /// What its role allows, whether or not it holds there.
    async fn permissions(&self) -> Vec<Permission> {
        listed(self.reason.gives)
    }
    /// Whether it holds on the ticket.
    async fn bearing(&self) -> GrantBearing {
        self.reason.bearing.into()
    }
    /// Whether it holds there and gives some of what it takes.
    async fn decides(&self) -> bool {
        self.decides
    }
}

#[Object(use_type_description)]
impl ExplainedRelation {
    /// As what.
    async fn relation(&self) -> Relation {
        self.0.relation.into()
    }
    /// What it gives in the ticket's project.
    async fn permissions(&self) -> Vec<Permission> {
        listed(self.0.gives)
    }
    /// Since when.
    async fn since(&self) -> DateTime {
        DateTime(self.0.since)
    }
}

/// What is asked about: exactly one of these. Commands are rehearsed; nothing is written.
#[derive(OneofObject)]
enum ExplainActionInput {
    /// A permission on the ticket.
    Permission(Permission),
    /// Moving it along this transition, by id, without setting fields.
    Transition(String),
    /// Forcing it into a state.
    Force(ExplainForceInput),
}

/// Forcing a ticket into a state, rehearsed.
#[derive(InputObject)]
struct ExplainForceInput {
    /// The state, by id.
    state: String,
    /// Why it would be.
    reason: String,
}

impl ExplainActionInput {
    fn asked(self, ticket: TicketId) -> Asked {
        match self {
            Self::Permission(permission) => role::Permission::from(permission).into(),
            Self::Transition(id) => Command::from(MoveTo::new(ticket, id)).into(),
            Self::Force(ExplainForceInput { state, reason }) => {
                Command::from(ForceState { ticket, state, reason }).into()
            }
        }
    }
}

#[derive(Default)]
pub(crate) struct ExplainQuery;

#[Object]
impl ExplainQuery {
    /// Why somebody may or may not do something to a ticket: the grants, relations and rules that decide. About others
    /// for those who grant roles there, and auditors.
    async fn explain(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The ticket.")] ticket: Ref<TicketId>,
        #[graphql(desc = "About whom; you when omitted.")] person: Option<Ref<PersonId>>,
        #[graphql(desc = "What is asked about.")] action: ExplainActionInput,
    ) -> Result<Explanation> {
        let session = Session::of(ctx)?;
        let who = match person {
            Some(person) if Some(person.0) != session.actor.person_id() => {
                let tenant = crate::viewer::tenant(ctx)?;
                let known = session.desk.people_by_id(&session.actor, &[person.0]).await;
                let known = known.map_err(|error| failed(&error))?;
                if known.iter().any(|known| known.kind == PersonKind::Service) {
                    helpdesk_core::Actor::Service(tenant, person.0)
                } else {
                    helpdesk_core::Actor::person(tenant, person.0)
                }
            }
            Some(_) | None => session.actor.clone(),
        };
        let explained = session.desk.explain(&session.actor, &who, action.asked(ticket.0), ticket.0).await;
        explained.map(Explanation).map_err(|error| failed(&error))
    }
}

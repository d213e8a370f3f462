//! Approvals of tickets: the type and a ticket's page of them. Their parts are in [`step`], templates in [`template`],
//! what waits for the viewer in [`inbox`], what would become of a request in [`forecast`], commands in [`mutation`].

pub(crate) mod forecast;
pub(crate) mod inbox;
pub(crate) mod mutation;
pub(crate) mod names;
pub(crate) mod step;
pub(crate) mod template;

use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object, Result};
use helpdesk_core::approval::{self as core, Approvals};
use helpdesk_core::id::TicketId;
use uuid::Uuid;

use self::names::ApprovalState;
use self::step::{ApprovalDecision, ApprovalDecisionConnection, ApprovalStep};
use self::template::ApprovalTemplate;
use crate::connection::{connection, page_of};
use crate::fault::not_found;
use crate::id::{ApprovalOf, Noun, global};
use crate::person::Person;
use crate::scalar::{DateTime, UuidValue};
use crate::session::Session;
use crate::ticket::Ticket;

/// An approval of a ticket. It runs in rounds: the first when it is requested, another when it is resubmitted or begins
/// anew after an edit.
#[derive(Debug, Clone, Description)]
pub(crate) struct Approval {
    all: Arc<Approvals>,
    it: core::Approval,
}

impl Approval {
    fn steps_where(&self, wanted: impl Fn(&core::ApprovalStep) -> bool) -> Vec<ApprovalStep> {
        let own = self.all.steps.iter().filter(|step| step.approval == self.it.id && wanted(step));
        own.map(|step| ApprovalStep::new(&self.all, &self.it, step)).collect()
    }
}

#[Object(use_type_description)]
impl Approval {
    /// Its global id.
    pub(crate) async fn id(&self) -> ID {
        global(&ApprovalOf(self.it.ticket, self.it.id))
    }
    /// Its UUID, as events know it.
    async fn uuid(&self) -> UuidValue {
        UuidValue(Uuid::from(self.it.id))
    }
    /// Counts the approvals of the ticket, from 1.
    async fn number(&self) -> u32 {
        self.it.number
    }
    /// Its ticket.
    async fn ticket(&self, ctx: &Context<'_>) -> Result<Option<Ticket>> {
        Ok(Session::of(ctx)?.loaders.ticket(self.it.ticket).await?.map(Ticket))
    }
    /// The version of the template it runs by.
    async fn template(&self, ctx: &Context<'_>) -> Result<Option<ApprovalTemplate>> {
        Ok(Session::of(ctx)?.config().await?.templates.get(&self.it.template).cloned().map(ApprovalTemplate))
    }
    /// How it stands.
    async fn state(&self) -> ApprovalState {
        self.it.state.into()
    }
    /// The present round, from 1.
    async fn round(&self) -> u32 {
        self.it.round
    }
    /// The steps of the present round that have begun, in order of the template.
    async fn steps(&self) -> Vec<ApprovalStep> {
        self.steps_where(|step| step.round == self.it.round)
    }
    /// The steps of every round that have begun, in order of rounds.
    async fn all_steps(&self) -> Vec<ApprovalStep> {
        self.steps_where(|_| true)
    }
    /// What was said in every round, oldest first. What approvers asked each other is for them, and for those who read
    /// internal entries.
    async fn decisions(
        &self,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<ApprovalDecisionConnection> {
        let own = self.all.decisions.iter().filter(|said| said.approval == self.it.id);
        let own: Vec<ApprovalDecision> = own.cloned().map(ApprovalDecision).collect();
        let count = own.len();
        let page = page_of(own, |said| step::Place(said.0.number), first, after.as_deref())?;
        Ok(ApprovalDecisionConnection { page, count })
    }
    /// Who requested it; null when a workflow did.
    async fn requested_by(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        let Some(person) = self.it.requested_by else { return Ok(None) };
        Ok(Session::of(ctx)?.loaders.person(person).await?.map(Person))
    }
    /// When it was requested.
    async fn requested_at(&self) -> DateTime {
        DateTime(self.it.requested_at)
    }
    /// When its present round ended, if it has.
    async fn ended_at(&self) -> Option<DateTime> {
        self.it.ended_at.map(DateTime)
    }
}

connection! {
    /// A page of a ticket's approvals.
    ApprovalConnection,
    /// An approval in a list.
    ApprovalEdge of Approval, count = usize
}

/// A place among the approvals of a ticket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place(u32);

impl Noun for Place {
    const KIND: &'static str = "approvals";
    fn key(&self) -> String {
        self.0.to_string()
    }
    fn read(key: &str) -> Option<Self> {
        key.parse().ok().map(Self)
    }
}

/// All approvals of a ticket as the viewer may see them; none when they may not see the ticket.
async fn all(ctx: &Context<'_>, ticket: TicketId) -> Result<Arc<Approvals>> {
    Ok(Session::of(ctx)?.loaders.approvals(ticket).await?.unwrap_or_default())
}

/// One page of a ticket's approvals.
pub(crate) async fn page(
    ctx: &Context<'_>,
    ticket: TicketId,
    first: i32,
    after: Option<String>,
) -> Result<ApprovalConnection> {
    let all = all(ctx, ticket).await?;
    let list: Vec<_> = all.all.iter().map(|it| Approval { all: all.clone(), it: it.clone() }).collect();
    let count = list.len();
    Ok(ApprovalConnection { page: page_of(list, |it| Place(it.it.number), first, after.as_deref())?, count })
}

pub(crate) async fn load(ctx: &Context<'_>, id: &ApprovalOf) -> Result<Approval> {
    let all = all(ctx, id.0).await?;
    let found = all.get(id.1).cloned().map(|it| Approval { all: all.clone(), it });
    found.ok_or_else(|| not_found("approval", id.1))
}

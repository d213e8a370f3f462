//! Tickets: the type. Lists and filters are in [`query`] and [`filter`], commands in [`mutation`] and [`input`].

pub(crate) mod filter;
pub(crate) mod input;
pub(crate) mod mutation;
pub(crate) mod query;

use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object, Result, SimpleObject};
use helpdesk_core::desk::read::View;
use helpdesk_core::filter::Cond;
use helpdesk_core::id::TicketId;
use helpdesk_core::ticket;
use helpdesk_core::value::Field;
use helpdesk_core::workflow::exits::Exit;
use uuid::Uuid;

use self::query::{TicketConnection, TicketOrder, order, shown};
use crate::actor::Actor;
use crate::approval::ApprovalConnection;
use crate::approval::names::ApprovalStanding;
use crate::connection::{Paged, page_size};
use crate::drawing::WorkflowDrawing;
use crate::entry::EntryConnection;
use crate::event::EventConnection;
use crate::fault::{failed, not_found};
use crate::group::Group;
use crate::id::global;
use crate::link::TicketLinkConnection;
use crate::names::{Importance, Permission, Priority, TicketField, TicketType, Urgency, Visibility};
use crate::person::Person;
use crate::project::Project;
use crate::revision::RevisionConnection;
use crate::scalar::{DateTime, UuidValue};
use crate::session::Session;
use crate::tag::Tag;
use crate::workflow::{Workflow, WorkflowState, WorkflowTransition};

/// A ticket, as you may see it.
#[derive(Debug, Clone, Description)]
pub(crate) struct Ticket(pub(crate) Arc<View>);

/// A transition out of the present state, and why it cannot be taken, if so.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct TicketTransition {
    /// The transition.
    transition: WorkflowTransition,
    /// Whether you can take it now, without setting anything.
    available: bool,
    /// The permission you lack.
    missing_permission: Option<Permission>,
    /// The approval that keeps it closed.
    gated: Option<TicketGate>,
    /// Fields that must have a value first; they can be set with the move.
    missing_fields: Vec<TicketField>,
    /// What the workflow says of its guard, when it does not hold.
    guarded: Option<String>,
    /// What the workflow says of each condition that does not hold for the ticket as it is.
    unmet: Vec<String>,
}

/// An approval that keeps a transition closed.
#[derive(Debug, Clone, SimpleObject)]
pub(crate) struct TicketGate {
    /// The template's key.
    template: String,
    /// How it stands, for people.
    message: String,
}

impl From<Exit> for TicketTransition {
    fn from(exit: Exit) -> Self {
        Self {
            transition: (&exit.transition).into(),
            available: exit.open(),
            missing_permission: exit.denied.map(|denied| denied.needed.into()),
            gated: exit.gated.map(|gate| TicketGate { template: gate.template, message: gate.says.to_owned() }),
            missing_fields: exit.missing.into_iter().map(Into::into).collect(),
            guarded: exit.guarded,
            unmet: exit.unmet,
        }
    }
}

/// The ticket with its text.
pub(crate) async fn load(ctx: &Context<'_>, id: &TicketId) -> Result<Ticket> {
    let whole = Session::of(ctx)?.loaders.whole(*id).await?;
    whole.map(Ticket).ok_or_else(|| not_found("ticket", id))
}

impl Ticket {
    fn head(&self) -> &ticket::Ticket {
        &self.0.case.ticket
    }
    async fn people(&self, ctx: &Context<'_>, relation: ticket::Relation) -> Result<Vec<Person>> {
        let ids = self.0.case.who(relation).collect();
        Ok(Session::of(ctx)?.loaders.people(ids).await?.into_iter().map(Person).collect())
    }
    /// The same ticket with its text, read if need be.
    async fn whole(&self, ctx: &Context<'_>) -> Result<Arc<View>> {
        if self.0.case.text.is_some() {
            return Ok(self.0.clone());
        }
        Ok(load(ctx, &self.head().id).await?.0)
    }
}

#[Object(use_type_description)]
impl Ticket {
    /// Its global id.
    pub(crate) async fn id(&self) -> ID {
        global(&self.head().id)
    }
    /// Its UUID, as events and hosts know it.
    async fn uuid(&self) -> UuidValue {
        UuidValue(Uuid::from(self.head().id))
    }
    /// The human key: `DEMO-1`.
    async fn key(&self) -> &str {
        &self.0.key
    }
    /// Counts every command that changed the ticket, from 1: what `expectedVersion` expects.
    async fn version(&self) -> i64 {
        self.head().version
    }
    /// One line.
    async fn title(&self) -> &str {
        &self.head().title
    }
    /// The long text, Markdown. A list reads the texts of its tickets together.
    async fn description(&self, ctx: &Context<'_>) -> Result<String> {
        let whole = self.whole(ctx).await?;
        Ok(whole.case.text.as_ref().map_or_else(String::new, |text| text.description.clone()))
    }
    /// What kind of ticket.
    #[graphql(name = "type")]
    async fn kind(&self) -> TicketType {
        self.head().kind.into()
    }
    /// Where it stands in its workflow.
    async fn state(&self) -> WorkflowState {
        let head = self.head();
        let known = self.0.case.workflow.state(&head.state).map(Into::into);
        known.unwrap_or_else(|| WorkflowState {
            id: head.state.clone(),
            label: head.state.clone(),
            category: head.category.into(),
            gate: None,
        })
    }
    /// The workflow version it is pinned to.
    async fn workflow(&self) -> Workflow {
        Workflow(self.0.case.workflow.clone())
    }
    /// How soon it should be done: derived from urgency and importance unless it was chosen by hand.
    async fn priority(&self) -> Priority {
        self.head().priority.into()
    }
    /// Whether the priority was chosen by hand.
    async fn priority_manual(&self) -> bool {
        self.head().priority_manual
    }
    /// How soon the requester needs it.
    async fn urgency(&self) -> Urgency {
        self.head().urgency.into()
    }
    /// How much depends on it.
    async fn importance(&self) -> Importance {
        self.head().importance.into()
    }
    /// Who may see it.
    async fn visibility(&self) -> Visibility {
        self.head().visibility.into()
    }
    /// The project that gives the key; null when you see the ticket but not the project.
    async fn project(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
        Ok(Session::of(ctx)?.config().await?.projects.get(&self.head().project).cloned().map(Project))
    }
    /// The client's company it is for; null too for those who may not see the directory.
    async fn company(&self, ctx: &Context<'_>) -> Result<Option<Group>> {
        let Some(company) = self.head().company else { return Ok(None) };
        Ok(Session::of(ctx)?.config().await?.groups.get(&company).cloned().map(Group))
    }
    /// The owning group; null too for those who may not see the directory.
    async fn group(&self, ctx: &Context<'_>) -> Result<Option<Group>> {
        let Some(group) = self.head().group else { return Ok(None) };
        Ok(Session::of(ctx)?.config().await?.groups.get(&group).cloned().map(Group))
    }
    /// The ticket above, if you may see it.
    async fn parent(&self, ctx: &Context<'_>) -> Result<Option<Ticket>> {
        let Some(parent) = self.head().parent else { return Ok(None) };
        Ok(Session::of(ctx)?.loaders.ticket(parent).await?.map(Ticket))
    }
    /// The tickets below that you may see.
    async fn children(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
        #[graphql(desc = "At most one key for now; most recently changed first when omitted.")] order_by: Option<
            Vec<TicketOrder>,
        >,
    ) -> Result<TicketConnection> {
        let (id, order, size) = (self.head().id, order(order_by)?, page_size(first)?);
        let filter = helpdesk_core::Filter::from(Cond::Parent(vec![id]));
        if after.is_some() {
            return query::page(ctx, filter, order, first, after).await;
        }
        let found = Session::of(ctx)?.loaders.children(id, size, order).await?;
        let page = Paged::cut(found.into_iter().map(shown).collect(), size, false);
        Ok(TicketConnection { page, count: query::Matching(filter) })
    }
    /// How it is linked with other tickets: the links whose other end you may see. A list reads the links of its tickets
    /// together.
    async fn links(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<TicketLinkConnection> {
        crate::link::page(ctx, self.head().id, first, after).await
    }
    /// How its approvals stand together.
    async fn approval(&self) -> ApprovalStanding {
        self.head().approval.into()
    }
    /// Its approvals, oldest first. A list reads the approvals of its tickets together.
    async fn approvals(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<ApprovalConnection> {
        crate::approval::page(ctx, self.head().id, first, after).await
    }
    /// Who wrote it down.
    async fn reporters(&self, ctx: &Context<'_>) -> Result<Vec<Person>> {
        self.people(ctx, ticket::Relation::Reporter).await
    }
    /// For whom it is.
    async fn requesters(&self, ctx: &Context<'_>) -> Result<Vec<Person>> {
        self.people(ctx, ticket::Relation::Requester).await
    }
    /// Who works on it.
    async fn assignees(&self, ctx: &Context<'_>) -> Result<Vec<Person>> {
        self.people(ctx, ticket::Relation::Assignee).await
    }
    /// Who follows it.
    async fn watchers(&self, ctx: &Context<'_>) -> Result<Vec<Person>> {
        self.people(ctx, ticket::Relation::Watcher).await
    }
    /// Who was asked to approve.
    async fn approvers(&self, ctx: &Context<'_>) -> Result<Vec<Person>> {
        self.people(ctx, ticket::Relation::Approver).await
    }
    /// Who may see it although it is restricted.
    async fn members(&self, ctx: &Context<'_>) -> Result<Vec<Person>> {
        self.people(ctx, ticket::Relation::Member).await
    }
    /// Its tags, by name.
    async fn tags(&self, ctx: &Context<'_>) -> Result<Vec<Tag>> {
        let config = Session::of(ctx)?.config().await?;
        let tags = self.0.case.tags.iter().filter_map(|tagging| config.tags.get(&tagging.tag));
        let mut tags: Vec<Tag> = tags.cloned().map(Tag).collect();
        tags.sort_by(|a, b| a.0.name.cmp(&b.0.name));
        Ok(tags)
    }
    /// Planned start.
    async fn start_at(&self) -> Option<DateTime> {
        self.head().start_at.map(DateTime)
    }
    /// Due date.
    async fn due_at(&self) -> Option<DateTime> {
        self.head().due_at.map(DateTime)
    }
    /// Estimated work in minutes.
    async fn estimate(&self) -> Option<u32> {
        self.head().estimate
    }
    /// When it was resolved, while it is resolved or closed.
    async fn resolved_at(&self) -> Option<DateTime> {
        self.head().resolved_at.map(DateTime)
    }
    /// When it was closed, while it is closed.
    async fn closed_at(&self) -> Option<DateTime> {
        self.head().closed_at.map(DateTime)
    }
    /// How often it went back from resolved or closed to work.
    async fn reopened(&self) -> u32 {
        self.head().reopened
    }
    /// How often its group changed.
    async fn regrouped(&self) -> u32 {
        self.head().regrouped
    }
    /// The conversation, oldest first: what you may read of it. Read ticket by ticket.
    async fn entries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<EntryConnection> {
        crate::entry::page(ctx, self.head().id, first, after).await
    }
    /// What happened to it, oldest first: what you may see of it. Read ticket by ticket.
    async fn timeline(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<EventConnection> {
        crate::event::timeline(ctx, self.head().id, first, after).await
    }
    /// The ways out of the present state, with the reasons why some are closed to you.
    async fn transitions(&self, ctx: &Context<'_>) -> Result<Vec<TicketTransition>> {
        if self.0.looks_further() {
            let session = Session::of(ctx)?;
            let exits = session.desk.exits(&session.actor, self.head().id).await;
            let exits = exits.map_err(|error| failed(&error))?;
            return Ok(exits.into_iter().map(Into::into).collect());
        }
        let (mut view, head) = (self.0.clone(), self.head());
        let gated = view.case.workflow.state(&head.state).is_some_and(|state| state.gate.is_some());
        if gated && view.case.approvals.is_none() {
            let approvals = Session::of(ctx)?.loaders.approvals(head.id).await?;
            Arc::make_mut(&mut view).case.approvals = approvals.map(Arc::unwrap_or_clone);
        }
        let unsure = |exit: &Exit| exit.transition.required.contains(&Field::Description);
        let mut exits = view.exits();
        if view.case.text.is_none() && exits.iter().any(unsure) {
            Arc::make_mut(&mut view).case.text = self.whole(ctx).await?.case.text.clone();
            exits = view.exits();
        }
        Ok(exits.into_iter().map(Into::into).collect())
    }
    /// Its workflow with its own path on it, as far as its timeline shows that to you. Read ticket by ticket.
    async fn drawing(&self, ctx: &Context<'_>) -> Result<WorkflowDrawing> {
        WorkflowDrawing::of(ctx, &self.0.case.workflow, self.head().id).await
    }
    /// When it was created.
    async fn created_at(&self) -> DateTime {
        DateTime(self.head().created_at)
    }
    /// Who created it.
    async fn created_by(&self) -> Actor {
        Actor(self.head().created_by.clone())
    }
    /// When it changed last.
    async fn updated_at(&self) -> DateTime {
        DateTime(self.head().updated_at)
    }
    /// Who changed it last.
    async fn updated_by(&self) -> Actor {
        Actor(self.head().updated_by.clone())
    }
    /// When it was deleted, if it is.
    async fn deleted_at(&self) -> Option<DateTime> {
        self.head().deleted_at.map(DateTime)
    }
    /// What you may do on it.
    async fn viewer_permissions(&self) -> Vec<Permission> {
        self.0.may.iter().map(Into::into).collect()
    }
    /// Whether you may do this on it.
    async fn viewer_can(&self, #[graphql(desc = "What you would do.")] permission: Permission) -> bool {
        self.0.may.has(permission.into())
    }
    /// Texts as they were before edits, oldest first: title, description, and entries you may read. Read ticket by
    /// ticket.
    async fn revisions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<RevisionConnection> {
        crate::revision::page(ctx, self.head().id, first, after).await
    }
}

//! What waits for the viewer to decide, and what waits for those who manage approvals.

use std::sync::Arc;

use async_graphql::{Context, Description, Object, Result};
use helpdesk_core::desk::read::{self, INBOX_MAX, View};
use helpdesk_core::id::{SlotId, TicketId};
use helpdesk_core::time::Timestamp;
use helpdesk_core::{ActError, Actor, Desk};
use uuid::Uuid;

use super::step::{ApprovalSlot, ApprovalStep};
use super::{Approval, all};
use crate::connection::{Paged, after, connection, cursor, page_size};
use crate::id::Noun;
use crate::person::Person;
use crate::session::Session;
use crate::ticket::Ticket;

/// One thing you are asked to decide.
#[derive(Debug, Clone, Description)]
pub(crate) struct InboxItem(pub(crate) Arc<read::InboxItem>);

#[Object(use_type_description)]
impl InboxItem {
    /// The ticket.
    async fn ticket(&self) -> Ticket {
        Ticket(Arc::new(self.0.ticket.clone()))
    }
    /// The approval that waits.
    async fn approval(&self, ctx: &Context<'_>) -> Result<Approval> {
        Ok(Approval { all: all(ctx, self.0.slot.ticket).await?, it: self.0.approval.clone() })
    }
    /// Its step.
    async fn step(&self, ctx: &Context<'_>) -> Result<ApprovalStep> {
        Ok(ApprovalStep::new(&all(ctx, self.0.slot.ticket).await?, &self.0.approval, &self.0.step))
    }
    /// The slot that waits.
    async fn slot(&self, ctx: &Context<'_>) -> Result<ApprovalSlot> {
        Ok(ApprovalSlot::new(&all(ctx, self.0.slot.ticket).await?, &self.0.slot))
    }
    /// Whose slot it is, when you are their proxy: what `approvalDecide` takes as `onBehalfOf`.
    async fn on_behalf_of(&self, ctx: &Context<'_>) -> Result<Option<Person>> {
        let Some(person) = self.0.on_behalf_of else { return Ok(None) };
        Ok(Session::of(ctx)?.loaders.person(person).await?.map(Person))
    }
}

connection! {
    /// A page of your inbox.
    InboxConnection,
    /// Something in your inbox.
    InboxEdge of InboxItem
}

connection! {
    /// A page of tickets with an approval that cannot go on.
    StuckApprovalConnection,
    /// A ticket with an approval that cannot go on.
    StuckApprovalEdge of Ticket
}

/// A place in an inbox.
#[derive(Debug, Clone, Copy)]
struct Place(Timestamp, SlotId);

impl Place {
    fn of(item: &read::InboxItem) -> Self {
        Self(item.slot.opened_at, item.slot.id)
    }
}

impl Noun for Place {
    const KIND: &'static str = "inbox";
    fn key(&self) -> String {
        format!("{}_{}", self.0.millis(), Uuid::from(self.1).simple())
    }
    fn read(key: &str) -> Option<Self> {
        let (at, id) = key.split_once('_')?;
        Some(Self(Timestamp::from_millis(at.parse().ok()?), Uuid::try_parse(id).ok()?.into()))
    }
}

/// A place among the tickets that are stuck.
#[derive(Debug, Clone, Copy)]
struct Stuck(TicketId);

impl Noun for Stuck {
    const KIND: &'static str = "stuck";
    fn key(&self) -> String {
        self.0.key()
    }
    fn read(key: &str) -> Option<Self> {
        TicketId::read(key).map(Self)
    }
}

/// Reads until there is one item more than a page takes, or no more: pages of the desk are shorter where something was
/// left out, and empty at the end.
async fn fill<T, P: Copy, F>(
    first: u16,
    start: Option<P>,
    place: impl Fn(&T) -> P,
    read: impl Fn(u16, Option<P>) -> F,
) -> Result<Vec<T>, ActError>
where
    F: Future<Output = Result<Vec<T>, ActError>>,
{
    let (mut found, mut after): (Vec<T>, _) = (vec![], start);
    while found.len() <= usize::from(first) {
        let page = read((first + 1).min(INBOX_MAX), after).await?;
        let Some(last) = page.last() else { break };
        after = Some(place(last));
        found.extend(page);
    }
    Ok(found)
}

#[derive(Default)]
pub(crate) struct InboxQuery;

#[Object]
impl InboxQuery {
    /// What waits for you to decide, that of those who made you their proxy included, oldest first.
    async fn inbox(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(name = "after", desc = "A cursor of this list: what follows it.")] after_cursor: Option<String>,
    ) -> Result<InboxConnection> {
        let (first, start) = (page_size(first)?, after::<Place>(after_cursor.as_deref())?);
        let read = move |desk: Desk, actor: Actor| {
            fill(first, start, Place::of, move |limit, after: Option<Place>| {
                let (desk, actor) = (desk.clone(), actor.clone());
                async move { desk.inbox(&actor, limit, after.map(|place| (place.0, place.1))).await }
            })
        };
        let found = Session::of(ctx)?.loaders.read(read).await?;
        let items = found.into_iter().map(|it| (cursor(&Place::of(&it)), InboxItem(Arc::new(it)))).collect();
        Ok(InboxConnection { page: Paged::cut(items, first, start.is_some()) })
    }

    /// The tickets with an approval that is blocked, or has lost somebody who was asked: for those who manage approvals.
    async fn stuck_approvals(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(name = "after", desc = "A cursor of this list: what follows it.")] after_cursor: Option<String>,
    ) -> Result<StuckApprovalConnection> {
        let (first, start) = (page_size(first)?, after::<Stuck>(after_cursor.as_deref())?);
        let place = |view: &View| Stuck(view.case.ticket.id);
        let read = move |desk: Desk, actor: Actor| {
            fill(first, start, place, move |limit, after: Option<Stuck>| {
                let (desk, actor) = (desk.clone(), actor.clone());
                async move { desk.stuck_approvals(&actor, limit, after.map(|place| place.0)).await }
            })
        };
        let found = Session::of(ctx)?.loaders.read(read).await?;
        let items = found.into_iter().map(|view| (cursor(&place(&view)), Ticket(Arc::new(view)))).collect();
        Ok(StuckApprovalConnection { page: Paged::cut(items, first, start.is_some()) })
    }
}

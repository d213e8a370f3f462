//! Finding tickets: by id or key, and in lists.

use std::sync::Arc;

use async_graphql::{Context, Object, OneofObject, Result};
use helpdesk_core::desk::read::{Place, View};
use helpdesk_core::filter::{Order, SortBy};
use helpdesk_core::id::TicketId;
use helpdesk_core::store::Which;
use helpdesk_core::{Desk, Filter};

use super::filter::TicketFilter;
use super::{Ticket, load};
use crate::connection::{Counted, Paged, TotalCount, connection, page_size};
use crate::fault::bad_input;
use crate::id::Ref;
use crate::names::Direction;
use crate::session::Session;

/// What a list of tickets is sorted by: exactly one of these. The id breaks ties.
#[derive(Debug, Clone, OneofObject)]
pub(crate) enum TicketOrder {
    /// When it was created.
    CreatedAt(Direction),
    /// When it changed last.
    UpdatedAt(Direction),
    /// Due date; those without come last ascending.
    DueAt(Direction),
    /// Priority.
    Priority(Direction),
    /// The number in its key.
    Number(Direction),
}

/// The order asked for; most recently changed first when none is.
pub(crate) fn order(asked: Option<Vec<TicketOrder>>) -> Result<Order> {
    let Some(asked) = asked.filter(|asked| !asked.is_empty()) else { return Ok(Order::default()) };
    let [one] = asked.as_slice() else { return Err(bad_input("`orderBy` takes one key; the id breaks ties")) };
    let (by, direction) = match one {
        TicketOrder::CreatedAt(direction) => (SortBy::Created, direction),
        TicketOrder::UpdatedAt(direction) => (SortBy::Updated, direction),
        TicketOrder::DueAt(direction) => (SortBy::Due, direction),
        TicketOrder::Priority(direction) => (SortBy::Priority, direction),
        TicketOrder::Number(direction) => (SortBy::Number, direction),
    };
    Ok(Order { by, descending: *direction == Direction::Desc })
}

connection! {
    /// A page of tickets.
    TicketConnection,
    /// A ticket in a list.
    TicketEdge of Ticket, count = Matching
}

/// The tickets that match, counted when asked for.
pub(crate) struct Matching(pub(crate) Filter);

impl Counted for Matching {
    async fn count(&self, ctx: &Context<'_>) -> Result<TotalCount> {
        let session = Session::of(ctx)?;
        let filter = self.0.clone();
        let count = session.loaders.read(|desk, actor| async move { desk.count(&actor, &filter).await }).await?;
        Ok(TotalCount { value: count.value, is_exact: count.exact })
    }
}

/// A ticket with its place in the list.
pub(crate) fn shown(view: Arc<View>) -> (String, Ticket) {
    (view.place.to_string(), Ticket(view))
}

/// One page of the tickets that match.
pub(crate) async fn page(
    ctx: &Context<'_>,
    filter: Filter,
    order: Order,
    first: i32,
    after: Option<String>,
) -> Result<TicketConnection> {
    let session = Session::of(ctx)?;
    let first = page_size(first)?;
    let after: Option<Place> = after.as_deref().map(str::parse).transpose()?;
    let wanted = filter.clone();
    let read = |desk, actor| async move { crate::loaders::page(&desk, &actor, &wanted, order, first, after).await };
    let found = session.loaders.read(read).await?;
    let items = found.into_iter().map(|view| shown(Arc::new(view))).collect();
    Ok(TicketConnection { page: Paged::cut(items, first, after.is_some()), count: Matching(filter) })
}

#[derive(Default)]
pub(crate) struct TicketQuery;

#[Object]
impl TicketQuery {
    /// A ticket, by id or by key (`DEMO-1`).
    async fn ticket(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Its id; or give its key.")] id: Option<Ref<TicketId>>,
        #[graphql(desc = "Its key; or give its id.")] key: Option<String>,
    ) -> Result<Option<Ticket>> {
        match (id, key) {
            (Some(id), None) => load(ctx, &id.0).await.map(Some),
            (None, Some(key)) => {
                let session = Session::of(ctx)?;
                let which: Which = key.parse()?;
                let read = |desk: Desk, actor| async move { desk.ticket_text(&actor, which).await };
                let view = session.loaders.read(read).await?;
                Ok(Some(Ticket(Arc::new(view))))
            }
            _ => Err(bad_input("give either `id` or `key`")),
        }
    }

    /// The tickets that match and that you may see.
    async fn tickets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones; all when omitted.")] filter: Option<TicketFilter>,
        #[graphql(desc = "At most one key for now; most recently changed first when omitted.")] order_by: Option<
            Vec<TicketOrder>,
        >,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<TicketConnection> {
        let filter = filter.map_or(Ok(Filter::All), TicketFilter::compile)?;
        page(ctx, filter, order(order_by)?, first, after).await
    }
}

//! Cards: the tickets in a column of a board, in its order.

use std::sync::Arc;

use async_graphql::{Context, Description, Object, Result};
use helpdesk_core::board::Rank;
use helpdesk_core::desk::read::{CardView, PAGE_MAX};
use helpdesk_core::id::{BoardId, ColumnId};
use helpdesk_core::{ActError, Desk};

use crate::connection::{Counted, Paged, TotalCount, after, connection, cursor, page_size};
use crate::id::Noun;
use crate::session::Session;
use crate::ticket::Ticket;

/// A ticket on a board.
#[derive(Debug, Clone, Description)]
pub(crate) struct Card(Arc<CardView>);

#[Object(use_type_description)]
impl Card {
    /// The ticket.
    async fn ticket(&self) -> Ticket {
        Ticket(Arc::new(self.0.view.clone()))
    }
    /// How many entries it has that you may read.
    async fn comment_count(&self) -> u32 {
        self.0.comments
    }
}

connection! {
    /// A page of a column's cards.
    CardConnection,
    /// A card in a list.
    CardEdge of Card, count = Standing
}

impl Noun for Rank {
    const KIND: &'static str = "card";
    fn key(&self) -> String {
        self.as_str().to_owned()
    }
    fn read(key: &str) -> Option<Self> {
        key.parse().ok()
    }
}

/// The cards in a column, counted when asked for.
pub(crate) struct Standing(BoardId, ColumnId);

impl Counted for Standing {
    async fn count(&self, ctx: &Context<'_>) -> Result<TotalCount> {
        let (board, column) = (self.0, self.1);
        let read = move |desk: Desk, actor| async move { desk.count_cards(&actor, board, column).await };
        let count = Session::of(ctx)?.loaders.read(read).await?;
        Ok(TotalCount { value: count.value, is_exact: count.exact })
    }
}

/// One page of the cards in a column.
pub(crate) async fn page(
    ctx: &Context<'_>,
    board: BoardId,
    column: ColumnId,
    first: i32,
    after_cursor: Option<String>,
) -> Result<CardConnection> {
    let first = page_size(first)?;
    let start = after::<Rank>(after_cursor.as_deref())?;
    let before = start.is_some();
    let read = move |desk: Desk, actor| async move {
        let limit = (first + 1).min(PAGE_MAX);
        let mut found = desk.cards(&actor, board, column, limit, start).await?;
        // A full page of the largest size: look whether anything follows.
        if limit == first && found.len() == usize::from(first) {
            let last = found.last().map(|card| card.rank.clone());
            found.extend(desk.cards(&actor, board, column, 1, last).await?);
        }
        Ok::<_, ActError>(found)
    };
    let found = Session::of(ctx)?.loaders.read(read).await?;
    let items = found.into_iter().map(|card| (cursor(&card.rank), Card(Arc::new(card)))).collect();
    Ok(CardConnection { page: Paged::cut(items, first, before), count: Standing(board, column) })
}

//! Boards: columns over the states of a project's tickets, and the cards in them.

pub(crate) mod card;
pub(crate) mod mutation;

use std::sync::Arc;

use async_graphql::{Context, Description, ID, Object, Result};
use helpdesk_core::board;
use helpdesk_core::id::{BoardId, ColumnId};

use crate::actor::Actor;
use crate::board::card::CardConnection;
use crate::connection::{Named, Paged, connection, cursor, page_size};
use crate::fault::not_found;
use crate::id::{Ref, global};
use crate::project::Project;
use crate::scalar::{DateTime, Json};
use crate::session::Session;

/// A board over the tickets of a project. Whoever knows the project sees it; of its cards those that they may see.
#[derive(Debug, Clone, Description)]
pub(crate) struct Board(pub(crate) Arc<board::Board>);

impl Board {
    /// Its place in lists: by name.
    pub(crate) fn place(&self) -> Named<BoardId> {
        Named(self.0.name.clone(), self.0.id)
    }
}

#[Object(use_type_description)]
impl Board {
    /// Its global id.
    pub(crate) async fn id(&self) -> ID {
        global(&self.0.id)
    }
    /// The project whose tickets it shows.
    async fn project(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
        Ok(Session::of(ctx)?.config().await?.projects.get(&self.0.project).cloned().map(Project))
    }
    /// Its name, unique among the boards of the project.
    async fn name(&self) -> &str {
        &self.0.name
    }
    /// Which of the project's tickets it shows, as the log keeps conditions: ids are UUIDs. Null for all of them.
    async fn filter(&self) -> Option<Json> {
        let all = self.0.filter == helpdesk_core::Filter::All;
        // Plain data always serialises.
        (!all).then(|| Json::of(&serde_json::to_string(&self.0.filter).unwrap_or_default()))
    }
    /// Its columns, left to right. There are at most 40.
    async fn columns(
        &self,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<BoardColumnConnection> {
        let first = page_size(first)?;
        let start = crate::connection::after::<ColumnId>(after.as_deref())?;
        let live: Vec<&board::Column> = self.0.live().collect();
        // Behind a column that is gone there is nothing: the order is the board's, and tells no place of it.
        let from = start.map(|id| live.iter().position(|column| column.id == id).map_or(live.len(), |at| at + 1));
        let rest = live.iter().skip(from.unwrap_or(0)).take(usize::from(first) + 1);
        let column = |column: &&board::Column| BoardColumn { board: self.0.id, column: (*column).clone() };
        let items = rest.map(|it| (cursor(&it.id), column(it))).collect();
        Ok(BoardColumnConnection { page: Paged::cut(items, first, from.is_some()), count: live.len() })
    }
    /// Counts changes, from 1. Moving cards is none.
    async fn version(&self) -> i64 {
        self.0.version
    }
    /// Who created it.
    async fn created_by(&self) -> Actor {
        Actor(self.0.created_by.clone())
    }
    /// When it was created.
    async fn created_at(&self) -> DateTime {
        DateTime(self.0.created_at)
    }
    /// When it was deleted, if it is.
    async fn deleted_at(&self) -> Option<DateTime> {
        self.0.deleted_at.map(DateTime)
    }
}

/// A column of a board: a view of the tickets in its states.
#[derive(Debug, Clone, Description)]
pub(crate) struct BoardColumn {
    board: BoardId,
    column: board::Column,
}

#[Object(use_type_description)]
impl BoardColumn {
    /// Its id; commands take it together with that of the board.
    async fn id(&self) -> ID {
        global(&self.column.id)
    }
    /// What people read above it.
    async fn title(&self) -> &str {
        &self.column.title
    }
    /// `#rrggbb`, or empty.
    async fn colour(&self) -> &str {
        &self.column.colour
    }
    /// The ids of the states it shows, whichever workflow they belong to.
    async fn states(&self) -> &[String] {
        &self.column.states
    }
    /// How many cards should stand in it at most. It refuses nothing.
    async fn limit(&self) -> Option<u32> {
        self.column.limit
    }
    /// The cards in it, from the top: the tickets in its states that you may see.
    async fn cards(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "At most this many, 1 to 100.")] first: i32,
        #[graphql(desc = "A cursor of this list: what follows it.")] after: Option<String>,
    ) -> Result<CardConnection> {
        card::page(ctx, self.board, self.column.id, first, after).await
    }
}

connection! {
    /// A page of boards.
    BoardConnection,
    /// A board in a list.
    BoardEdge of Board, count = usize
}

connection! {
    /// A page of a board's columns.
    BoardColumnConnection,
    /// A column in a list.
    BoardColumnEdge of BoardColumn, count = usize
}

pub(crate) async fn load(ctx: &Context<'_>, id: &BoardId) -> Result<Board> {
    let config = Session::of(ctx)?.config().await?;
    config.boards.get(id).cloned().map(Board).ok_or_else(|| not_found("board", id))
}

#[derive(Default)]
pub(crate) struct BoardQuery;

#[Object]
impl BoardQuery {
    /// A board. Those of a project: `Project.boards`.
    async fn board(&self, ctx: &Context<'_>, #[graphql(desc = "Its id.")] id: Ref<BoardId>) -> Result<Option<Board>> {
        load(ctx, &id.0).await.map(Some)
    }
}

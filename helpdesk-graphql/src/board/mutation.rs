//! Commands about boards, their columns and their cards.

use async_graphql::{Context, InputObject, MaybeUndefined, Object, Result};
use helpdesk_core::Filter;
use helpdesk_core::command::{
    AddColumn, CreateBoard, DeleteColumn, EditBoard, EditColumn, MoveCard, MoveColumn, NewColumn, RestoreColumn,
};
use helpdesk_core::id::{BoardId, ColumnId, ProjectId, TicketId};

use super::{Board, load};
use crate::id::Ref;
use crate::payload::{With, act, payloads};
use crate::ticket::filter::TicketFilter;
use crate::ticket::input::TicketMoveFieldsInput;
use crate::ticket::mutation::MOVED;
use crate::ticket::{Ticket, load as load_ticket};

/// A column to be.
#[derive(InputObject)]
struct BoardColumnInput {
    /// What people read above it, 1 to 60 characters, unique on the board without regard to case.
    title: String,
    /// `#rrggbb`, or empty.
    #[graphql(default)]
    colour: String,
    /// The ids of the states it shows: of any workflow, none of them in another column of the board.
    states: Vec<String>,
    /// How many cards should stand in it at most. It refuses nothing.
    limit: Option<u32>,
}

impl From<BoardColumnInput> for NewColumn {
    fn from(input: BoardColumnInput) -> Self {
        Self { title: input.title, colour: input.colour, states: input.states, limit: input.limit }
    }
}

/// Makes a board.
#[derive(InputObject)]
struct BoardCreateInput {
    /// The project.
    project: Ref<ProjectId>,
    /// Its name, 1 to 100 characters, unique among the boards of the project without regard to case.
    name: String,
    /// Which of the project's tickets it shows; all of them when omitted. Neither full text nor single tickets are taken.
    filter: Option<TicketFilter>,
    /// Its columns, left to right; one for each state of the project's workflow when omitted.
    columns: Option<Vec<BoardColumnInput>>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Changes, deletes or restores a board; what is omitted stays.
#[derive(InputObject)]
struct BoardEditInput {
    /// The board.
    board: Ref<BoardId>,
    /// New name.
    name: Option<String>,
    /// Which tickets it shows from now on; null for all of the project.
    filter: MaybeUndefined<TicketFilter>,
    /// Delete or restore. Its tickets stay where they are.
    deleted: Option<bool>,
    /// The version you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Puts a new column on a board.
#[derive(InputObject)]
struct ColumnAddInput {
    /// The board.
    board: Ref<BoardId>,
    /// What people read above it, 1 to 60 characters, unique on the board without regard to case.
    title: String,
    /// `#rrggbb`, or empty.
    #[graphql(default)]
    colour: String,
    /// The ids of the states it shows: of any workflow, none of them in another column of the board.
    states: Vec<String>,
    /// How many cards should stand in it at most. It refuses nothing.
    limit: Option<u32>,
    /// To the left of this column; at the right end when omitted.
    before: Option<Ref<ColumnId>>,
    /// The version of the board you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Changes a column; what is omitted stays.
#[derive(InputObject)]
struct ColumnEditInput {
    /// The board.
    board: Ref<BoardId>,
    /// The column.
    column: Ref<ColumnId>,
    /// New title.
    title: Option<String>,
    /// `#rrggbb`; null or empty for none.
    colour: MaybeUndefined<String>,
    /// All states it shall show. One that another column shows is taken from there.
    states: Option<Vec<String>>,
    /// How many cards should stand in it at most; null for no limit.
    limit: MaybeUndefined<u32>,
    /// The version of the board you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Moves a column to another place.
#[derive(InputObject)]
struct ColumnMoveInput {
    /// The board.
    board: Ref<BoardId>,
    /// The column.
    column: Ref<ColumnId>,
    /// To the left of this column; to the right end when omitted.
    before: Option<Ref<ColumnId>>,
    /// The version of the board you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Deletes a column.
#[derive(InputObject)]
struct ColumnDeleteInput {
    /// The board.
    board: Ref<BoardId>,
    /// The column.
    column: Ref<ColumnId>,
    /// The column that takes the states it shows; needed when it shows some.
    into: Option<Ref<ColumnId>>,
    /// The version of the board you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Brings a deleted column back.
#[derive(InputObject)]
struct ColumnRestoreInput {
    /// The board.
    board: Ref<BoardId>,
    /// The column.
    column: Ref<ColumnId>,
    /// The version of the board you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

/// Moves a card.
#[derive(InputObject)]
struct CardMoveInput {
    /// The board.
    board: Ref<BoardId>,
    /// The ticket.
    ticket: Ref<TicketId>,
    /// The column it shall stand in.
    column: Ref<ColumnId>,
    /// Directly above this ticket. Without a neighbour it goes to the end.
    before: Option<Ref<TicketId>>,
    /// Directly below this ticket; goes without `before`.
    after: Option<Ref<TicketId>>,
    /// The transition to take into another column; when omitted, the first of the workflow's that can be taken.
    transition: Option<String>,
    /// Fields to set with the transition.
    fields: Option<TicketMoveFieldsInput>,
    /// The version of the ticket you saw: refused when somebody else has changed it since.
    expected_version: Option<i64>,
    /// Does it once, however often it is sent with this key, for 24 hours (1 to 128 characters).
    idempotency_key: Option<String>,
}

payloads! {
    /// What `boardCreate` answers.
    BoardCreatePayload {
        /// The new board.
        board: Board = load, from BoardId
    }
    /// What `boardEdit` answers.
    BoardEditPayload {
        /// The board after the command.
        board: Board = load, from BoardId
    }
    /// What `columnAdd` answers.
    ColumnAddPayload {
        /// The board after the command.
        board: Board = load, from BoardId
    }
    /// What `columnEdit` answers.
    ColumnEditPayload {
        /// The board after the command.
        board: Board = load, from BoardId
    }
    /// What `columnMove` answers.
    ColumnMovePayload {
        /// The board after the command.
        board: Board = load, from BoardId
    }
    /// What `columnDelete` answers.
    ColumnDeletePayload {
        /// The board after the command.
        board: Board = load, from BoardId
    }
    /// What `columnRestore` answers.
    ColumnRestorePayload {
        /// The board after the command.
        board: Board = load, from BoardId
    }
    /// What `cardMove` answers.
    CardMovePayload {
        /// The ticket after the command.
        ticket: Ticket = load_ticket, from TicketId
    }
}

fn filter(input: Option<TicketFilter>) -> Result<Option<Filter>> {
    input.map(TicketFilter::compile).transpose()
}

#[derive(Default)]
pub(crate) struct BoardMutation;

#[Object]
impl BoardMutation {
    /// Makes a board over the tickets of a project.
    async fn board_create(&self, ctx: &Context<'_>, input: BoardCreateInput) -> Result<Option<BoardCreatePayload>> {
        let command = CreateBoard {
            project: input.project.0,
            name: input.name,
            filter: filter(input.filter)?,
            columns: input.columns.map(|columns| columns.into_iter().map(Into::into).collect()),
        };
        let inside = &[("title", "columns"), ("colour", "columns"), ("states", "columns"), ("limit", "columns")];
        let with = With::new(None, input.idempotency_key).at(inside);
        Ok(Some(BoardCreatePayload(act(ctx, command, with).await?)))
    }

    /// Changes, deletes or restores a board.
    async fn board_edit(&self, ctx: &Context<'_>, input: BoardEditInput) -> Result<Option<BoardEditPayload>> {
        let board = input.board.0;
        let filter = match input.filter {
            MaybeUndefined::Undefined => None,
            MaybeUndefined::Null => Some(Filter::All),
            MaybeUndefined::Value(it) => Some(it.compile()?),
        };
        let command = EditBoard { board, name: input.name, filter, deleted: input.deleted };
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(BoardEditPayload(act(ctx, command, with).await?.about(board))))
    }

    /// Puts a new column on a board.
    async fn column_add(&self, ctx: &Context<'_>, input: ColumnAddInput) -> Result<Option<ColumnAddPayload>> {
        let board = input.board.0;
        let column = NewColumn { title: input.title, colour: input.colour, states: input.states, limit: input.limit };
        let command = AddColumn { board, column, before: input.before.map(|it| it.0) };
        let with = With::new(input.expected_version, input.idempotency_key).at(&[("columns", "board")]);
        Ok(Some(ColumnAddPayload(act(ctx, command, with).await?.about(board))))
    }

    /// Renames or recolours a column, or changes its limit or the states it shows.
    async fn column_edit(&self, ctx: &Context<'_>, input: ColumnEditInput) -> Result<Option<ColumnEditPayload>> {
        let board = input.board.0;
        let command = EditColumn {
            board,
            column: input.column.0,
            title: input.title,
            colour: Option::<Option<String>>::from(input.colour).map(Option::unwrap_or_default),
            states: input.states,
            limit: input.limit.into(),
        };
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(ColumnEditPayload(act(ctx, command, with).await?.about(board))))
    }

    /// Moves a column to another place.
    async fn column_move(&self, ctx: &Context<'_>, input: ColumnMoveInput) -> Result<Option<ColumnMovePayload>> {
        let board = input.board.0;
        let command = MoveColumn { board, column: input.column.0, before: input.before.map(|it| it.0) };
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(ColumnMovePayload(act(ctx, command, with).await?.about(board))))
    }

    /// Deletes a column. One that shows states names another one, which shows them from then on: no ticket moves.
    async fn column_delete(&self, ctx: &Context<'_>, input: ColumnDeleteInput) -> Result<Option<ColumnDeletePayload>> {
        let board = input.board.0;
        let command = DeleteColumn { board, column: input.column.0, into: input.into.map(|it| it.0) };
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(ColumnDeletePayload(act(ctx, command, with).await?.about(board))))
    }

    /// Brings a deleted column back to its place, without states.
    async fn column_restore(
        &self,
        ctx: &Context<'_>,
        input: ColumnRestoreInput,
    ) -> Result<Option<ColumnRestorePayload>> {
        let board = input.board.0;
        let command = RestoreColumn { board, column: input.column.0 };
        let with = With::new(input.expected_version, input.idempotency_key);
        Ok(Some(ColumnRestorePayload(act(ctx, command, with).await?.about(board))))
    }

    /// Moves a card. Into another column it is the transition that leads there, with its guards, required fields and
    /// permissions; inside its column it changes the order of the board and nothing of the ticket.
    async fn card_move(&self, ctx: &Context<'_>, input: CardMoveInput) -> Result<Option<CardMovePayload>> {
        let ticket = input.ticket.0;
        let fields = input.fields.unwrap_or_default();
        let command = MoveCard {
            board: input.board.0,
            ticket,
            column: input.column.0,
            before: input.before.map(|it| it.0),
            after: input.after.map(|it| it.0),
            transition: input.transition,
            fields: fields.fields.patch(fields.title),
        };
        let with = With::new(input.expected_version, input.idempotency_key).at(MOVED);
        Ok(Some(CardMovePayload(act(ctx, command, with).await?.about(ticket))))
    }
}

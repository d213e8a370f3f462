//! Commands about boards, their columns and the places of cards (FEATURES T13).

use serde::{Deserialize, Serialize};

use super::Patch;
use crate::filter::Filter;
use crate::id::{BoardId, ColumnId, ProjectId, TicketId};
use crate::value::double;

/// Makes a board over the tickets of a project. Needs `project.manage` there, as all commands on boards and columns do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CreateBoard {
    /// The project.
    pub project: ProjectId,
    /// Unique among the boards of the project, 1 to 100 characters.
    pub name: String,
    /// Which of the project's tickets it shows; all of them when absent. No full text.
    #[serde(default)]
    pub filter: Option<Filter>,
    /// Its columns, left to right; one for each state of the project's workflow when absent.
    #[serde(default)]
    pub columns: Option<Vec<NewColumn>>,
}

impl CreateBoard {
    /// A board with a column for each state of the project's workflow.
    pub fn new(project: ProjectId, name: impl Into<String>) -> Self {
        Self { project, name: name.into(), filter: None, columns: None }
    }
    /// With these columns.
    #[must_use]
    pub fn columns(mut self, columns: impl IntoIterator<Item = NewColumn>) -> Self {
        self.columns = Some(columns.into_iter().collect());
        self
    }
    /// Of these tickets only.
    #[must_use]
    pub fn filter(mut self, filter: impl Into<Filter>) -> Self {
        self.filter = Some(filter.into());
        self
    }
}

/// A column to be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewColumn {
    /// Unique on the board, 1 to 60 characters.
    pub title: String,
    /// `#rrggbb`, or empty.
    #[serde(default)]
    pub colour: String,
    /// The ids of the states it shows: of any workflow of the tenant, none of them in another column.
    pub states: Vec<String>,
    /// How many cards should stand in it at most, at least 1; shown, refuses nothing.
    #[serde(default)]
    pub limit: Option<u32>,
}

impl NewColumn {
    /// A column without colour and limit.
    pub fn new<T: Into<String>>(title: impl Into<String>, states: impl IntoIterator<Item = T>) -> Self {
        let states = states.into_iter().map(Into::into).collect();
        Self { title: title.into(), colour: String::new(), states, limit: None }
    }
}

/// Changes, deletes or restores a board; what is absent stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditBoard {
    /// The board.
    pub board: BoardId,
    /// See [`CreateBoard::name`].
    pub name: Option<String>,
    /// See [`CreateBoard::filter`]; [`Filter::All`] takes it away.
    pub filter: Option<Filter>,
    /// Deletes it, or restores it. Its tickets stay where they are.
    pub deleted: Option<bool>,
}

impl EditBoard {
    /// Changes nothing yet.
    pub const fn new(board: BoardId) -> Self {
        Self { board, name: None, filter: None, deleted: None }
    }
}

/// Puts a new column on a board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AddColumn {
    /// The board.
    pub board: BoardId,
    /// The column.
    pub column: NewColumn,
    /// To the left of this one; at the right end when absent.
    #[serde(default)]
    pub before: Option<ColumnId>,
}

/// Renames or recolours a column, changes its limit or the states it shows; what is absent stays.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EditColumn {
    /// The board.
    pub board: BoardId,
    /// The column.
    pub column: ColumnId,
    /// See [`NewColumn::title`].
    pub title: Option<String>,
    /// See [`NewColumn::colour`].
    pub colour: Option<String>,
    /// All states it shall show. One that another column shows is taken from there, in the same commit.
    pub states: Option<Vec<String>>,
    /// See [`NewColumn::limit`].
    #[serde(default, with = "double", skip_serializing_if = "Option::is_none")]
    pub limit: Option<Option<u32>>,
}

impl EditColumn {
    /// Changes nothing yet.
    pub const fn new(board: BoardId, column: ColumnId) -> Self {
        Self { board, column, title: None, colour: None, states: None, limit: None }
    }
}

/// Moves a column to another place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MoveColumn {
    /// The board.
    pub board: BoardId,
    /// The column.
    pub column: ColumnId,
    /// To the left of this one; to the right end when absent.
    #[serde(default)]
    pub before: Option<ColumnId>,
}

/// Deletes a column. One that shows states names another one, which shows them from then on: no ticket moves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeleteColumn {
    /// The board.
    pub board: BoardId,
    /// The column.
    pub column: ColumnId,
    /// The column that takes its states.
    #[serde(default)]
    pub into: Option<ColumnId>,
}

/// Brings a deleted column back to its place, without states: those it had belong to another one now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RestoreColumn {
    /// The board.
    pub board: BoardId,
    /// The column.
    pub column: ColumnId,
}

/// Moves a card. Into another column it is the transition that leads there, with all that belongs to one; inside its column
/// it changes the order of the board and nothing of the ticket, and needs `ticket.edit`.
///
/// Without a neighbour the card goes to the end. A neighbour that has left the column meanwhile still marks the place: the
/// order is that of the whole board.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MoveCard {
    /// The board.
    pub board: BoardId,
    /// The ticket.
    pub ticket: TicketId,
    /// The column it shall stand in.
    pub column: ColumnId,
    /// Directly above this ticket.
    #[serde(default)]
    pub before: Option<TicketId>,
    /// Directly below this ticket.
    #[serde(default)]
    pub after: Option<TicketId>,
    /// The transition to take into the other column; when absent, the first of the workflow's that can be taken.
    #[serde(default)]
    pub transition: Option<String>,
    /// Fields to set with the transition.
    #[serde(default)]
    pub fields: Patch,
}

impl MoveCard {
    /// To the end of a column.
    pub fn new(board: BoardId, ticket: TicketId, column: ColumnId) -> Self {
        Self { board, ticket, column, before: None, after: None, transition: None, fields: Patch::default() }
    }
    /// Directly above `ticket`.
    #[must_use]
    pub fn before(mut self, ticket: TicketId) -> Self {
        self.before = Some(ticket);
        self
    }
    /// Directly below `ticket`.
    #[must_use]
    pub fn after(mut self, ticket: TicketId) -> Self {
        self.after = Some(ticket);
        self
    }
}

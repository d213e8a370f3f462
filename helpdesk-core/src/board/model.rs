//! Boards, their columns, and the places of cards.

use serde::{Deserialize, Serialize};

use super::rank::Rank;
use crate::actor::Author;
use crate::filter::{Cond, Filter};
use crate::id::{BoardId, ColumnId, ProjectId, TenantId, TicketId};
use crate::text::fold;
use crate::time::Timestamp;

/// Most columns of a board, deleted ones not counted.
pub const COLUMNS_MAX: usize = 40;
/// Most boards of a project, deleted ones not counted.
pub const BOARDS_MAX: usize = 100;
/// Most states of a column.
pub const STATES_MAX: usize = 60;

/// A board over the tickets of a project (FEATURES T13).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Board {
    /// The tenant.
    pub tenant: TenantId,
    /// The board.
    pub id: BoardId,
    /// Its project.
    pub project: ProjectId,
    /// Display name, unique among the project's boards without regard to case.
    pub name: String,
    /// Which of the project's tickets it shows. No full text.
    pub filter: Filter,
    /// Its columns in order, deleted ones too. No state is in two of them.
    pub columns: Vec<Column>,
    /// Counts changes, from 1. Moving cards is none.
    pub version: i64,
    /// Who created it.
    pub created_by: Author,
    /// When.
    pub created_at: Timestamp,
    /// When it was deleted, if it is.
    pub deleted_at: Option<Timestamp>,
}

/// A column of a board: a view of the tickets in its states. States are matched by id, whichever workflow and version
/// they belong to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// The column.
    pub id: ColumnId,
    /// What people read above it, unique on the board without regard to case.
    pub title: String,
    /// `#rrggbb`, or empty.
    pub colour: String,
    /// The ids of the states it shows; without any it shows no cards and takes none.
    pub states: Vec<String>,
    /// How many cards should stand in it at most: shown to people, refuses nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// When it was deleted, if it is. Then it has no states.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

impl Board {
    /// Its columns, in order, without deleted ones.
    pub fn live(&self) -> impl Iterator<Item = &Column> {
        self.columns.iter().filter(|column| column.deleted_at.is_none())
    }
    /// The column with this id, unless it is deleted.
    pub fn column(&self, id: ColumnId) -> Option<&Column> {
        self.live().find(|column| column.id == id)
    }
    /// The column with this title, without regard to case.
    pub fn column_by_title(&self, title: &str) -> Option<&Column> {
        let title = fold(title);
        self.live().find(|column| fold(&column.title) == title)
    }
    /// The column that shows a state.
    pub fn column_of(&self, state: &str) -> Option<&Column> {
        self.live().find(|column| column.states.iter().any(|known| known == state))
    }
    /// The tickets that are cards in some of its columns. Whoever reads adds what they may see.
    pub fn cards<'a>(&self, columns: impl IntoIterator<Item = &'a Column>) -> Filter {
        let states = columns.into_iter().flat_map(|column| column.states.iter().cloned()).collect();
        self.tickets().and(Cond::State(states))
    }
    /// The tickets it is about, whatever their state.
    pub fn tickets(&self) -> Filter {
        let here = Filter::from(Cond::Project(vec![self.project]));
        here.and(Cond::Deleted(false)).and(self.filter.clone())
    }
}

/// The place of a ticket on a board, once it was moved by hand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// The tenant.
    pub tenant: TenantId,
    /// The board.
    pub board: BoardId,
    /// The ticket.
    pub ticket: TicketId,
    /// Its place; no two cards of a board have the same.
    pub rank: Rank,
    /// Counts changes, from 1: it also counts when another card was put beside it.
    pub version: i64,
}

/// What is loaded to put a card somewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The board.
    pub board: BoardId,
    /// The ticket to be moved.
    pub ticket: TicketId,
    /// The ticket beside which it shall stand; at the end of the board without one.
    pub beside: Option<TicketId>,
    /// How many cards on either side are wanted.
    pub reach: u16,
}

/// The surroundings of a [`Place`].
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Surroundings {
    /// The cards, if they have one, of the ticket to be moved and of that beside; and those next to the place, as many as
    /// wanted on either side, in order of rank.
    pub cards: Vec<Card>,
    /// The largest number of a ticket of the project, when the place is at the end of the board; else 0.
    pub last: i64,
    /// How many on either side were wanted.
    pub reach: u16,
}

//! Kanban boards (FEATURES T13): columns over the states of a project's tickets, and an order of the cards in them.
//!
//! A board changes nothing about workflows: a card stands in the column that shows its ticket's state, a state no column
//! shows is not on the board, and moving a card to another column is a transition. What is a board's own is the order of
//! its cards: a [`Rank`] for each ticket that was ever moved by hand. A ticket that never was stands where its number puts
//! it, so that nothing is written when tickets or boards are made.

pub mod card;
pub mod decide;
pub mod model;
pub mod rank;

pub use model::*;
pub use rank::Rank;

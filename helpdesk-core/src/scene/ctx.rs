//! What surrounds a decision: who, when, where ids come from, and what it still lacks.

use super::drawn::{Numbers, Turns};
use crate::actor::{Actor, Author};
use crate::id::Mint;
use crate::role::Access;
use crate::time::Timestamp;
use crate::workflow::effects::Wants;

/// What a decision needs from outside: who, when, and where ids come from.
pub struct Ctx<'a> {
    /// Who acts.
    pub actor: &'a Actor,
    /// The actor as the log remembers it.
    pub by: Author,
    /// What they may.
    pub access: &'a Access,
    /// When the command is written down.
    pub now: Timestamp,
    /// When it happened.
    pub at: Timestamp,
    /// Where ids come from.
    pub mint: Mint,
    /// The ticket numbers drawn for creations; one without is number 0, as in a rehearsal that stores nothing.
    pub numbers: Numbers,
    /// Whose turn it is.
    pub turns: Turns,
    /// What decisions looked for and was not loaded: they are made again when it is.
    pub wants: Wants,
}

//! What surrounds a decision: who, when, where ids come from, and what it still lacks.

use std::collections::BTreeMap;

use crate::actor::{Actor, Author};
use crate::id::{GroupId, Mint};
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
    /// The ticket numbers drawn for creations, to be taken from the end; a creation without one is number 0, as in a
    /// rehearsal that stores nothing.
    pub numbers: Vec<i64>,
    /// Whose turn it is.
    pub turns: Turns,
    /// What decisions looked for and was not loaded: they are made again when it is.
    pub wants: Wants,
}

/// The turns of groups that assign by round-robin: those drawn, and how many a decision took.
#[derive(Debug, Clone, Default)]
pub struct Turns {
    drawn: BTreeMap<GroupId, Vec<i64>>,
    taken: BTreeMap<GroupId, usize>,
}

impl Turns {
    /// The group's next turn; 0 when none is left, which [`lacking`](Self::lacking) tells.
    pub(crate) fn take(&mut self, group: GroupId) -> i64 {
        let taken = self.taken.entry(group).or_default();
        *taken += 1;
        self.drawn.get(&group).and_then(|drawn| drawn.get(*taken - 1)).copied().unwrap_or_default()
    }
    /// The groups of which a decision took turns.
    #[cfg(feature = "testing")]
    pub(crate) fn taken(&self) -> Vec<GroupId> {
        self.taken.keys().copied().collect()
    }
    /// How many more turns of which groups a decision needed than were drawn.
    pub(crate) fn lacking(&self) -> Vec<(GroupId, usize)> {
        let drawn = |group| self.drawn.get(group).map_or(0, Vec::len);
        self.taken
            .iter()
            .map(|(group, taken)| (*group, taken.saturating_sub(drawn(group))))
            .filter(|(_, n)| *n > 0)
            .collect()
    }
    /// Adds turns that were drawn.
    pub(crate) fn add(&mut self, group: GroupId, turns: impl IntoIterator<Item = i64>) {
        self.drawn.entry(group).or_default().extend(turns);
    }
}

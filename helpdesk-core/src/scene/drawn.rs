//! Counters of which decisions take: the numbers of new tickets, the turns of groups. Pure: what was not drawn yet a
//! decision takes as 0 and tells, and it is made again once that is drawn.

use std::collections::BTreeMap;

use crate::id::{GroupId, ProjectId};

/// The numbers of new tickets, by project.
pub type Numbers = Drawn<ProjectId>;
/// The turns of groups that assign by round-robin.
pub type Turns = Drawn<GroupId>;

/// What was drawn of counters, and how much of it a decision took.
#[derive(Debug, Clone)]
pub struct Drawn<K> {
    drawn: BTreeMap<K, Vec<i64>>,
    taken: BTreeMap<K, usize>,
}

impl<K> Default for Drawn<K> {
    fn default() -> Self {
        Self { drawn: BTreeMap::new(), taken: BTreeMap::new() }
    }
}

impl<K: Ord + Copy> Drawn<K> {
    /// The counter's next value; 0 when none is left, which [`lacking`](Self::lacking) tells.
    pub(crate) fn take(&mut self, of: K) -> i64 {
        let taken = self.taken.entry(of).or_default();
        *taken += 1;
        self.drawn.get(&of).and_then(|drawn| drawn.get(*taken - 1)).copied().unwrap_or_default()
    }
    /// How many values of which counters a decision took.
    #[cfg(feature = "testing")]
    pub(crate) fn taken(&self) -> impl Iterator<Item = (K, usize)> {
        self.taken.iter().map(|(of, taken)| (*of, *taken))
    }
    /// How many more values of which counters a decision needed than were drawn.
    pub(crate) fn lacking(&self) -> Vec<(K, usize)> {
        let drawn = |of| self.drawn.get(of).map_or(0, Vec::len);
        self.taken.iter().map(|(of, taken)| (*of, taken.saturating_sub(drawn(of)))).filter(|(_, n)| *n > 0).collect()
    }
    /// Adds values that were drawn.
    pub(crate) fn add(&mut self, of: K, values: impl IntoIterator<Item = i64>) {
        self.drawn.entry(of).or_default().extend(values);
    }
}

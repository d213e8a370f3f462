//! When a step is approved or rejected: pure counting over its [`Seat`]s.
//!
//! ```
//! use helpdesk_core::approval::{Rejection, Rule, Seat, Tally, Vote};
//!
//! let seats = [Seat::voted(Vote::Approved), Seat::voted(Vote::Approved), Seat::open()];
//! let needed = Rule::Percent(66).needed(&seats)?;
//! assert_eq!(needed.tally(&Rejection::Any, &seats), Tally::Approved);
//! # Ok::<(), helpdesk_core::approval::rule::Unreachable>(())
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::id::GroupId;

/// Whose approvals a step needs, out of those who are asked. In TOML: `"all"`, `{ count = 2 }`, `{ percent = 66 }`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Everybody's.
    All,
    /// Anybody's.
    Any,
    /// So many.
    Count(u32),
    /// At least this share, 1 to 100, rounded up to whole people: never fewer than one.
    Percent(u32),
    /// More than half.
    Majority,
    /// So many of each group that is asked.
    PerGroup(u32),
}

/// When rejections end a step. A step that can no longer be approved is rejected in any case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rejection {
    /// With the first.
    #[default]
    Any,
    /// With so many.
    Count(u32),
    /// With at least this share of those asked, 1 to 100, rounded up to whole people.
    Percent(u32),
    /// With the first of somebody in this group.
    Veto(GroupId),
}

/// What somebody said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vote {
    /// Yes.
    Approved,
    /// No.
    Rejected,
}

/// One person's place in a step, as far as counting goes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Seat {
    /// The groups through which they were asked: they have one place, and count in each of them.
    pub groups: Vec<GroupId>,
    /// What they said; `None` while they have not.
    pub vote: Option<Vote>,
}

impl Seat {
    /// Nobody has spoken from it.
    pub fn open() -> Self {
        Self::default()
    }
    /// Somebody has.
    pub fn voted(vote: Vote) -> Self {
        Self { groups: vec![], vote: Some(vote) }
    }
    /// Asked through a group, too.
    #[must_use]
    pub fn of(mut self, group: GroupId) -> Self {
        self.groups.push(group);
        self
    }
}

/// How many approvals end a step well. Fixed when it opens: it does not shrink when somebody leaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Needed {
    /// So many, from anybody.
    Total(u32),
    /// So many of each of these groups.
    Groups(BTreeMap<GroupId, u32>),
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tally {
    /// Somebody has still to speak.
    Open,
    /// It ended well.
    Approved,
    /// It did not.
    Rejected,
}

/// A rule that those who are asked can never fulfil: the step is blocked when it opens, not rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreachable {
    /// Nobody is asked.
    #[error("nobody can be asked; add an approver, or say what happens then")]
    Nobody,
    /// Fewer are asked than have to approve.
    #[error("{needed} approvals are needed and {asked} can be asked; add approvers or ask for fewer")]
    TooFew {
        /// How many must approve.
        needed: u32,
        /// How many are asked.
        asked: u32,
    },
    /// A group has fewer members than have to approve.
    #[error("{needed} approvals of group `{group}` are needed and {asked} can be asked; add members or ask for fewer")]
    GroupTooSmall {
        /// The group.
        group: GroupId,
        /// How many of it must approve.
        needed: u32,
        /// How many of it are asked.
        asked: u32,
    },
}

/// max(1, ceil(percent × asked / 100)), exactly.
fn share(percent: u32, asked: u32) -> u32 {
    let share = (u64::from(percent.min(100)) * u64::from(asked)).div_ceil(100);
    u32::try_from(share).unwrap_or(u32::MAX).max(1)
}

impl Rule {
    /// How many approvals a step with these seats needs.
    ///
    /// # Errors
    /// When the seats can never fulfil the rule.
    pub fn needed(self, seats: &[Seat]) -> Result<Needed, Unreachable> {
        let asked = u32::try_from(seats.len()).unwrap_or(u32::MAX);
        if asked == 0 {
            return Err(Unreachable::Nobody);
        }
        let needed = match self {
            Self::All => asked,
            Self::Any => 1,
            Self::Count(n) => n.max(1),
            Self::Percent(percent) => share(percent, asked),
            Self::Majority => asked / 2 + 1,
            Self::PerGroup(n) => return per_group(n.max(1), seats),
        };
        if needed > asked {
            return Err(Unreachable::TooFew { needed, asked });
        }
        Ok(Needed::Total(needed))
    }
}

fn per_group(needed: u32, seats: &[Seat]) -> Result<Needed, Unreachable> {
    let mut asked: BTreeMap<GroupId, u32> = BTreeMap::new();
    for group in seats.iter().flat_map(|seat| &seat.groups) {
        *asked.entry(*group).or_default() += 1;
    }
    if asked.is_empty() {
        return Err(Unreachable::Nobody);
    }
    match asked.iter().find(|(_, asked)| **asked < needed) {
        Some((group, asked)) => Err(Unreachable::GroupTooSmall { group: *group, needed, asked: *asked }),
        None => Ok(Needed::Groups(asked.into_keys().map(|group| (group, needed)).collect())),
    }
}

impl Needed {
    /// How a step with these seats stands.
    pub fn tally(&self, rejection: &Rejection, seats: &[Seat]) -> Tally {
        let approves = |seat: &&Seat| seat.vote == Some(Vote::Approved);
        let may_approve = |seat: &&Seat| seat.vote != Some(Vote::Rejected);
        if self.met(seats, approves) {
            Tally::Approved
        } else if rejection.holds(seats) || !self.met(seats, may_approve) {
            Tally::Rejected
        } else {
            Tally::Open
        }
    }

    /// Whether these seats alone could meet it, if all approved.
    pub(crate) fn reachable(&self, seats: &[Seat]) -> bool {
        self.met(seats, |seat| seat.vote != Some(Vote::Rejected))
    }

    /// Whether there are enough of those who count.
    fn met(&self, seats: &[Seat], counts: impl Fn(&&Seat) -> bool) -> bool {
        match self {
            Self::Total(needed) => seats.iter().filter(|seat| counts(seat)).count() >= *needed as usize,
            Self::Groups(groups) => groups.iter().all(|(group, needed)| {
                let of_group = seats.iter().filter(|seat| counts(seat) && seat.groups.contains(group));
                of_group.count() >= *needed as usize
            }),
        }
    }
}

impl Rejection {
    /// Whether the rejections so far end the step.
    fn holds(&self, seats: &[Seat]) -> bool {
        let asked = u32::try_from(seats.len()).unwrap_or(u32::MAX);
        let mut against = seats.iter().filter(|seat| seat.vote == Some(Vote::Rejected));
        match self {
            Self::Any => against.next().is_some(),
            Self::Count(n) => against.count() >= (*n).max(1) as usize,
            Self::Percent(percent) => against.count() >= share(*percent, asked) as usize,
            Self::Veto(group) => against.any(|seat| seat.groups.contains(group)),
        }
    }
}

#[cfg(test)]
mod tests;

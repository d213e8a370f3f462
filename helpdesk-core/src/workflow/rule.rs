//! What a definition says beyond states and arrows: [`Guard`]s, [`Validator`]s and [`Effect`]s, as data.
//!
//! Nothing is decided here; see [`exits`](super::exits) for who may pass and [`effects`](super::effects) for what follows.

use serde::{Deserialize, Serialize};

use crate::command::Patch;
use crate::filter::Filter;
use crate::id::{GroupId, ProjectId};
use crate::ticket::{Priority, TicketType};
use crate::value::names;

/// A condition on the ticket, with the words people read when it does not hold.
///
/// In TOML: `{ when = { priority = ["critical"] }, says = "only critical tickets are escalated" }`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guard {
    /// What must hold. [`Cond::Mine`](crate::filter::Cond::Mine) is about whoever takes the transition.
    pub when: Filter,
    /// Why the transition is closed when it does not.
    pub says: String,
}

/// What must be true after the fields of the command are set. All that fail are told at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Validator {
    /// Every sub-ticket has ended: `"children_ended"`. Deleted ones do not count.
    ChildrenEnded,
    /// Whoever takes it says why: `"reason"` (FEATURES T1b). Transitions the desk takes by itself say nothing.
    Reason,
    /// A condition on the ticket as it will be.
    #[serde(untagged)]
    Check(Guard),
}

names! {
    /// How somebody is chosen out of a group (FEATURES P5). Inactive people are passed over.
    pub enum Strategy ("strategy") {
        /// In turn.
        RoundRobin = "round_robin",
        /// Whoever is assigned to the fewest tickets that have not ended; among equals the one who came first.
        LeastLoaded = "least_loaded",
        /// Whoever has the most skills that are called like tags of the ticket, without regard to case; among equals the
        /// least loaded. Nobody, when nobody has any.
        Skill = "skill",
    }
}

/// Choosing an assignee.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Assign {
    /// How.
    pub by: Strategy,
    /// Out of which group; the ticket's owning group when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
}

/// A sub-ticket to be opened (FEATURES W4, T6).
///
/// It is created by the first transition from nothing of its project's newest workflow, with that transition's own
/// effects. The requester is the parent's, the reporter whoever takes the transition; a restricted parent's is restricted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChildTemplate {
    /// One line, 1 to 255 characters.
    pub title: String,
    /// Markdown, up to 64 KiB.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Where; in the parent's project when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<ProjectId>,
    /// The owning group; none when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<GroupId>,
    /// What kind of ticket; a task when absent.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<TicketType>,
    /// A priority chosen beforehand; derived when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<Priority>,
}

/// What happens along with a transition, in the same commit. An effect that cannot be carried out refuses the command.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    /// Sets fields: `{ set = { priority = "high" } }`. Neither texts nor the parent.
    Set(Box<Patch>),
    /// Assigns to somebody, unless somebody is assigned already: `{ assign = { by = "round_robin" } }`. A group without
    /// active members assigns nobody.
    Assign(Assign),
    /// Takes all assignees off: `"unassign"`.
    Unassign,
    /// Starts an approval by the newest version of this template, unless one runs or stands:
    /// `{ start_approval = "purchase" }`. One that was rejected, recalled or went stale begins its next round.
    StartApproval(String),
    /// Moves every sub-ticket that has not ended, at every depth, to an end of its own workflow: `"end_children"`. One
    /// from which no transition leads to an end is forced nowhere: it refuses the command.
    EndChildren,
    /// Opens 1 to 20 sub-tickets: `{ open_children = [{ title = "Order the parts", type = "task" }] }`. A ticket that comes
    /// here again gets them again: ask a guard, or put the effect on a transition that is taken once. Opened ones that
    /// open others end at the depth of trees and at [`EVENT_BUDGET`](crate::scene::EVENT_BUDGET), which refuse the command.
    OpenChildren(Vec<ChildTemplate>),
}

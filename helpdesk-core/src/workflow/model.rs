//! A workflow definition: states with categories, transitions with permissions, conditions and effects.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::rule::{Effect, Guard, Validator};
use crate::actor::Author;
use crate::filter::Cond;
use crate::id::TenantId;
use crate::role::Permission;
use crate::time::Timestamp;
use crate::value::{Field, names};

names! {
    /// What a state means to the engines. Names of states are for people; only categories drive clocks and counters.
    pub enum Category ("category") {
        /// Not looked at yet.
        New = "new",
        /// Being worked on.
        Open = "open",
        /// Waiting for somebody outside the desk.
        Waiting = "waiting",
        /// Done, as far as the desk can tell.
        Resolved = "resolved",
        /// Done for good.
        Closed = "closed",
        /// Will not be done.
        Cancelled = "cancelled",
    }
}

impl Category {
    /// Whether work on the ticket has ended.
    pub const fn ended(self) -> bool {
        matches!(self, Self::Resolved | Self::Closed | Self::Cancelled)
    }
}

/// A published version of a workflow: `incident@3`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct WorkflowRef {
    /// The definition's key.
    pub key: Arc<str>,
    /// Its version, from 1.
    pub version: u32,
}

impl std::fmt::Display for WorkflowRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}@{}", self.key, self.version)
    }
}

/// A state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Stable id, a-z 0-9 _.
    pub id: String,
    /// What people read.
    pub label: String,
    /// What engines go by.
    pub category: Category,
    /// No transition leads here any more; tickets that stand here may leave. States that tickets or their history know
    /// are retired, not removed.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
    /// The approval it takes to leave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// What happens whenever a ticket comes here by a transition.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enter: Vec<Effect>,
}

/// A state that may be left only when an approval says so (FEATURES A6): by all transitions but those that bypass it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Key of the template: the ticket's latest approval by it must be approved, and not stale.
    pub template: String,
    /// The transition taken by itself once it is approved, if it is open then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved: Option<String>,
    /// The transition taken by itself once it is rejected, if it is open then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejected: Option<String>,
}

/// Where a transition begins.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum From {
    /// Nothing: this is how tickets are created.
    Nothing,
    /// Any state but the target.
    Any,
    /// One of these.
    #[serde(untagged)]
    States(Vec<String>),
}

/// A way from one state to another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transition {
    /// Stable id, a-z 0-9 _, unique in the definition.
    pub id: String,
    /// What people read on the button.
    pub label: String,
    /// Where it begins: `"nothing"`, `"any"` or a list of state ids.
    pub from: From,
    /// The state it leads to.
    pub to: String,
    /// Needed in addition to `ticket.move`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<Permission>,
    /// `permission` is all that is needed: `ticket.move` is not (a rule of Request Tracker).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub replaces_edit: bool,
    /// It leaves a gate without the approval; `permission` says who may.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bypass_approval: bool,
    /// What must hold before it; a transition whose guard does not hold is closed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guard: Option<Guard>,
    /// Fields that must have a value after the command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<Field>,
    /// What must hold after the command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub validators: Vec<Validator>,
    /// What happens along with it, before the effects of the state it leads to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub effects: Vec<Effect>,
}

impl Transition {
    /// Whether it can be taken in state `id`.
    pub fn leaves(&self, id: &str) -> bool {
        match &self.from {
            From::Nothing => false,
            From::Any => self.to != id,
            From::States(states) => states.iter().any(|state| state == id),
        }
    }

    /// Whether a required field, its guard or a validator is about the ticket above.
    pub fn asks_for_parent(&self) -> bool {
        let checks = self.validators.iter().filter_map(|validator| match validator {
            Validator::ChildrenEnded | Validator::Reason => None,
            Validator::Check(guard) => Some(guard),
        });
        let about = |guard: &Guard| guard.when.mentions(|cond| matches!(cond, Cond::Parent(_)));
        self.required.contains(&Field::Parent) || self.guard.iter().chain(checks).any(about)
    }

    /// The permissions it takes, in the order in which they are asked for.
    pub fn permissions(&self) -> impl Iterator<Item = Permission> {
        let edit = (!self.replaces_edit).then_some(Permission::TicketMove);
        edit.into_iter().chain(self.permission)
    }
}

/// A definition as people write it, in TOML or JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// Stable key, a-z 0-9 _.
    pub key: String,
    /// What people read.
    pub name: String,
    /// The states.
    pub states: Vec<State>,
    /// The transitions; the first one from nothing is how tickets are created unless another is asked for.
    pub transitions: Vec<Transition>,
}

/// A definition that has been checked, with its version: what tickets are pinned to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workflow {
    /// Key and version.
    pub id: WorkflowRef,
    /// SHA-256 of the canonical JSON, hexadecimal.
    pub hash: String,
    // INVARIANT: passed `check`.
    pub(super) definition: Definition,
}

impl Workflow {
    /// Key of the built-in kanban: to do, in progress, review, done.
    pub const KANBAN: &'static str = "kanban";
    /// Key of the built-in incident workflow after ITIL.
    pub const ITIL: &'static str = "itil_incident";
    /// Key of the built-in workflow of requests: submitted, waiting for approval, being fulfilled, done, rejected.
    pub const REQUEST: &'static str = "request";
    /// Key of the built-in departmental workflow: submitted, accepted, assigned, in progress, postponed, resolved, closed.
    pub const DEPARTMENTAL: &'static str = "departmental";

    /// The definition.
    pub fn definition(&self) -> &Definition {
        &self.definition
    }
    /// The state with this id.
    pub fn state(&self, id: &str) -> Option<&State> {
        self.definition.states.iter().find(|state| state.id == id)
    }
    /// The transition with this id.
    pub fn transition(&self, id: &str) -> Option<&Transition> {
        self.definition.transitions.iter().find(|transition| transition.id == id)
    }
    /// The transitions that can be taken in `state`, whoever asks.
    pub fn exits<'a>(&'a self, state: &'a str) -> impl Iterator<Item = &'a Transition> {
        self.definition.transitions.iter().filter(move |transition| transition.leaves(state))
    }
    /// What happens when a ticket takes `transition`, in order.
    pub fn effects<'a>(&'a self, transition: &'a Transition) -> impl Iterator<Item = &'a Effect> {
        let enter = self.state(&transition.to).map_or(&[][..], |state| &state.enter);
        transition.effects.iter().chain(enter)
    }
    /// The transitions that create a ticket.
    pub fn entrances(&self) -> impl Iterator<Item = &Transition> {
        self.definition.transitions.iter().filter(|transition| transition.from == From::Nothing)
    }
}

/// A published definition as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The tenant.
    pub tenant: TenantId,
    /// Its key.
    pub key: String,
    /// Its version, from 1.
    pub version: u32,
    /// SHA-256 of the canonical JSON, hexadecimal.
    pub hash: String,
    /// The canonical JSON.
    pub definition: String,
    /// Who published it.
    pub by: Author,
    /// When.
    pub at: Timestamp,
}

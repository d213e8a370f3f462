//! Taking tickets in flight to another version of a workflow (FEATURES W5; SEMANTICS, "Workflow", Versions).
//!
//! A [`Migration`] maps states: those with equal ids map by themselves, the rest is spelled out. It is carried out
//! ticket by ticket ([`Desk::migrate`](crate::Desk::migrate)), each in a commit of its own, so that it can be stopped
//! and taken up again; a ticket whose state has no place in the new version is left as it was. Only the workflow, the
//! state and what follows from its category change: no guard is asked, no effect happens.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::check::{Malformed, Problem};
use super::model::{State, Workflow, WorkflowRef};
use crate::command::MigrateTicket;
use crate::config::TenantConfig;
use crate::error::{Refusal, WorkflowRefusal};
use crate::event::TicketMigrated;
use crate::role::{Denied, Permission};
use crate::scene::{Ctx, Decision, Scene};

/// From which versions to which, and where their states go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    /// The workflow's key.
    pub key: String,
    /// The version tickets are taken to; all others of the key are taken there.
    pub to: u32,
    /// Old state → new state, for states whose id the new version does not have (or that shall go elsewhere).
    #[serde(default)]
    pub states: BTreeMap<String, String>,
}

impl Migration {
    /// To the version `to` of `key`, with equal states mapping by themselves.
    pub fn new(key: impl Into<String>, to: u32) -> Self {
        Self { key: key.into(), to, states: BTreeMap::new() }
    }
    /// Sends what stands in `old` to `new`.
    #[must_use]
    pub fn state(mut self, old: impl Into<String>, new: impl Into<String>) -> Self {
        self.states.insert(old.into(), new.into());
        self
    }

    /// The version it leads to, after finding every name in the plan that means nothing.
    ///
    /// # Errors
    /// `NOT_FOUND` for an unknown version; `WORKFLOW_MALFORMED` with the places of unknown states.
    pub fn target<'a>(&self, config: &'a TenantConfig) -> Result<&'a Workflow, Refusal> {
        let id = WorkflowRef { key: self.key.as_str().into(), version: self.to };
        let target = config.workflows.get(&id).ok_or_else(|| Refusal::not_found("workflow", &id))?;
        let others = || config.workflows.iter().filter(|other| *other.id.key == *self.key && other.id != id);
        let mut problems = vec![];
        for (old, new) in &self.states {
            let at = format!("/states/{old}");
            if others().all(|other| other.state(old).is_none()) {
                problems.push(Problem::new(at.as_str(), format!("no other version has a state `{old}`; remove it")));
            }
            if target.state(new).is_none() {
                problems.push(Problem::new(at, format!("`{id}` has no state `{new}`; name one it has")));
            }
        }
        if problems.is_empty() { Ok(target) } else { Err(Malformed(problems).into()) }
    }

    /// Where a ticket in `state` goes.
    pub fn place<'a>(&self, target: &'a Workflow, state: &str) -> Option<&'a State> {
        let id = self.states.get(state).map_or(state, String::as_str);
        target.state(id)
    }
}

/// Takes one ticket to another published version, into `state` or the one with the same id.
///
/// Needs `workflow.manage` in the whole tenant, and the ticket is seen: of those that are not, the desk takes care when
/// all are migrated.
pub fn migrate(scene: &Scene, ask: &MigrateTicket, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    if !ctx.access.everywhere().has(Permission::WorkflowManage) {
        return Err(Denied { needed: Permission::WorkflowManage }.into());
    }
    let case = scene.seen(ask.ticket, ctx)?;
    let target = scene.config.workflows.get(&ask.to).ok_or_else(|| Refusal::not_found("workflow", &ask.to))?;
    if ask.to.key != case.ticket.workflow.key {
        let message = format!("is of another workflow than `{}`; give a version of that one", case.ticket.workflow);
        return Err(Refusal::invalid("to", message));
    }
    if ask.to == case.ticket.workflow {
        return Ok(Decision::default()); // moving inside a version is for transitions, and for force
    }
    if ask.from.as_ref().is_some_and(|from| *from != case.ticket.state) {
        return Ok(Decision::default());
    }
    let wanted = ask.state.as_deref().unwrap_or(&case.ticket.state);
    let state = target.state(wanted).ok_or_else(|| WorkflowRefusal::NoState(wanted.chars().take(64).collect()))?;
    let ticket = &case.ticket;
    let migrated = TicketMigrated {
        from: ticket.workflow.clone(),
        to: ask.to.clone(),
        before: ticket.state.clone(),
        after: state.id.clone(),
        category_before: ticket.category,
        category_after: state.category,
    };
    Ok(Decision::ticket(ask.ticket, migrated))
}

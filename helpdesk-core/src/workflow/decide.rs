//! Moving along a workflow.

use super::effects;
use super::exits::{self, Asker};
use super::model::{From, Transition, Workflow};
use super::rule::Validator;
use crate::command::{ForceState, MoveTo, PublishWorkflow};
use crate::error::{Refusal, WorkflowRefusal};
use crate::event::{Event, Subject, TicketMoved, WorkflowPublished};
use crate::role::{Denied, Permission, Permissions};
use crate::scene::{Ctx, Decision, Scene};
use crate::store::{Row, Write};
use crate::ticket::decide::fields::{apply, is_shown};
use crate::ticket::decide::{live, patch, require};
use crate::workflow::{Published, WorkflowRef};

/// The transition by which a ticket is created: the one asked for, else the workflow's first.
pub(crate) fn entrance<'a>(
    workflow: &'a Workflow,
    asked: Option<&str>,
    may: Permissions,
) -> Result<&'a Transition, Refusal> {
    let found = match asked {
        None => workflow.entrances().next(),
        Some(id) => workflow.entrances().find(|transition| transition.id == id),
    };
    let transition = found.ok_or_else(|| WorkflowRefusal::Unknown {
        given: asked.unwrap_or_default().chars().take(64).collect(),
        state: "nothing".into(),
        open: workflow.entrances().map(|t| t.id.as_str()).collect::<Vec<_>>().join(", "),
    })?;
    match transition.permission.filter(|needed| !may.has(*needed)) {
        Some(needed) => Err(Denied { needed }.into()),
        None => Ok(transition),
    }
}

/// Takes a transition, setting fields on the way: permissions, guard, validators, in this order (SEMANTICS, "Order of
/// one command"). What follows from it is told by [`effects`].
pub fn move_to(scene: &Scene, ask: &MoveTo, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    let case = live(scene, ask.ticket, ctx)?;
    let ticket = &case.ticket;
    let found = case.workflow.transition(&ask.transition);
    // Ways that replace the right to move are open to those who have none.
    if found.is_none_or(|transition| !transition.replaces_edit) {
        require(ctx, case, Permission::TicketMove)?;
    }
    let open = || case.workflow.exits(&ticket.state).map(|t| t.id.as_str()).collect::<Vec<_>>().join(", ");
    let transition = found.ok_or_else(|| WorkflowRefusal::Unknown {
        given: ask.transition.chars().take(64).collect(),
        state: ticket.state.clone(),
        open: open(),
    })?;
    if !transition.leaves(&ticket.state) {
        let (transition, state, open) = (transition.id.clone(), ticket.state.clone(), open());
        return Err(WorkflowRefusal::Closed { transition, state, open }.into());
    }
    let may = ctx.access.on(case);
    if let Some(denied) = exits::denied(transition, may) {
        return Err(denied.into());
    }
    if !ask.fields.fields().is_empty() {
        require(ctx, case, Permission::TicketEdit)?;
    }
    if let Some(exits::Gated { template, says }) = exits::gated(transition, case) {
        return Err(WorkflowRefusal::Gated { transition: transition.id.clone(), template, says }.into());
    }
    // A parent they are not shown is none to them, as in the view that told them what is open.
    let shown = |parent: Option<_>| parent.filter(|parent| is_shown(scene, *parent, ctx));
    let mut after = case.clone();
    after.ticket.parent = shown(ticket.parent);
    let person = ctx.access.person();
    if let Some(says) = exits::guarded(transition, &after, person) {
        return Err(WorkflowRefusal::Guarded { transition: transition.id.clone(), says: says.into() }.into());
    }
    let looks = transition.validators.contains(&Validator::ChildrenEnded);
    let children_ended = if looks { effects::children_ended(scene, ticket, ctx) } else { None };
    crate::ticket::decide::check_reason(ask.reason.as_deref())?;
    let reason = ask.reason.clone().filter(|reason| !reason.trim().is_empty());
    let asker = Asker { may, person, children_ended, reasoned: reason.is_some() };
    let decision = patch(scene, case, &ask.fields, ctx)?;
    // What was approved is the ticket as it is: nothing of it changes on the way out.
    if let Some(gated) = exits::changed_on_the_way(scene, transition, case, &ask.fields.fields()) {
        let exits::Gated { template, says } = gated;
        return Err(WorkflowRefusal::Gated { transition: transition.id.clone(), template, says }.into());
    }
    for (_, event) in &decision.events {
        if let Event::TicketEdited(edited) = event {
            apply(&mut after.ticket, &edited.changes);
        }
    }
    after.ticket.parent = after.ticket.parent.filter(|parent| is_shown(scene, *parent, ctx));
    if let Some(title) = &ask.fields.title {
        after.ticket.title.clone_from(title);
    }
    let described = ask.fields.description.as_ref().map(|text| !text.is_empty());
    exits::validate(transition, &after, described, asker)?;
    let to = case.workflow.state(&transition.to).ok_or_else(|| WorkflowRefusal::NoState(transition.to.clone()))?;
    let moved = TicketMoved {
        transition: Some(transition.id.clone()),
        from: ticket.state.clone(),
        to: to.id.clone(),
        before: ticket.category,
        after: to.category,
        reason,
    };
    Ok(decision.and(ask.ticket, moved))
}

/// Puts a ticket into a state without a transition.
pub fn force(scene: &Scene, ask: &ForceState, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let case = live(scene, ask.ticket, ctx)?;
    require(ctx, case, Permission::TicketForce)?;
    if ask.reason.trim().is_empty() {
        return Err(Refusal::invalid("reason", "is empty; say why the workflow is passed over"));
    }
    crate::ticket::decide::check_reason(Some(&ask.reason))?;
    let to = case.workflow.state(&ask.state).ok_or_else(|| WorkflowRefusal::NoState(ask.state.clone()))?;
    if to.id == case.ticket.state {
        return Ok(Decision::default());
    }
    let event = TicketMoved {
        transition: None,
        from: case.ticket.state.clone(),
        to: to.id.clone(),
        before: case.ticket.category,
        after: to.category,
        reason: Some(ask.reason.clone()),
    };
    Ok(Decision::ticket(ask.ticket, event))
}

/// Publishes the next version of a workflow.
pub fn publish(scene: &Scene, ask: &PublishWorkflow, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    if !ctx.access.everywhere().has(Permission::WorkflowManage) {
        return Err(Denied { needed: Permission::WorkflowManage }.into());
    }
    let newest = scene.config.workflows.newest(&ask.definition.key);
    if let Some(same) = newest.filter(|newest| *newest.definition() == ask.definition) {
        return Ok(Decision::default().made(same.id.clone()));
    }
    ask.definition.check_in(&scene.config)?;
    let version = newest.map_or(1, |newest| newest.id.version + 1);
    let workflow = ask.definition.clone().publish(version)?;
    Ok(published(scene.tenant, &workflow, ctx))
}

/// The rows and the event of a published version.
pub(crate) fn published(tenant: crate::id::TenantId, workflow: &Workflow, ctx: &Ctx<'_>) -> Decision {
    let WorkflowRef { key, version } = workflow.id.clone();
    let row = Published {
        tenant,
        key: key.to_string(),
        version,
        hash: workflow.hash.clone(),
        definition: workflow.definition.canonical(),
        by: ctx.by.clone(),
        at: ctx.at,
    };
    let event = WorkflowPublished { workflow: workflow.id.clone(), hash: workflow.hash.clone() };
    Decision {
        events: vec![(Subject::Workflow(key.to_string()), event.into())],
        writes: vec![Write { before: None, after: Some(Row::Workflow(row)) }],
        moves_epoch: true,
        made: Some(workflow.id.clone().into()),
        ..Decision::default()
    }
}

/// Where a transition begins, for people.
impl std::fmt::Display for From {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Nothing => f.write_str("nothing"),
            Self::Any => f.write_str("any"),
            Self::States(states) => f.write_str(&states.join(", ")),
        }
    }
}

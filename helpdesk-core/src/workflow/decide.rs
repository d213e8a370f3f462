//! Moving along a workflow.

use super::model::{From, Transition, Workflow};
use crate::case::Case;
use crate::command::{ForceState, MoveTo, PublishWorkflow};
use crate::error::{Refusal, WorkflowRefusal};
use crate::event::{Subject, TicketMoved, WorkflowPublished};
use crate::id::{PersonId, TagId};
use crate::role::{Denied, Permission, Permissions};
use crate::scene::{Ctx, Decision, Scene};
use crate::store::{Row, Write};
use crate::ticket::decide::fields::{apply, is_shown};
use crate::ticket::decide::{live, patch, require};
use crate::ticket::{Relation, Ticket};
use crate::value::Field;
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

/// The required fields that are still empty.
pub(crate) fn missing(
    transition: &Transition,
    ticket: &Ticket,
    described: bool,
    people: &[(Relation, PersonId)],
    tags: &[TagId],
) -> Vec<Field> {
    let has = |relation| people.iter().any(|(r, _)| *r == relation);
    let empty = |field: &Field| match field {
        Field::Description => !described,
        Field::Group => ticket.group.is_none(),
        Field::Company => ticket.company.is_none(),
        Field::Parent => ticket.parent.is_none(),
        Field::StartAt => ticket.start_at.is_none(),
        Field::DueAt => ticket.due_at.is_none(),
        Field::Estimate => ticket.estimate.is_none(),
        Field::Assignees => !has(Relation::Assignee),
        Field::Requester => !has(Relation::Requester),
        Field::Watchers => !has(Relation::Watcher),
        Field::Members => !has(Relation::Member),
        Field::Approvers => !has(Relation::Approver),
        Field::Reporter => !has(Relation::Reporter),
        Field::Tags => tags.is_empty(),
        // A manual choice is what a workflow can ask for.
        Field::Priority => !ticket.priority_manual,
        // Always have a value.
        Field::Title
        | Field::Type
        | Field::Urgency
        | Field::Importance
        | Field::Visibility
        | Field::State
        | Field::Deleted => false,
    };
    transition.required.iter().copied().filter(|field| empty(field)).collect()
}

/// A transition out of the present state, and why it cannot be taken, if so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// The transition.
    pub transition: Transition,
    /// The permission the actor lacks.
    pub denied: Option<Denied>,
    /// Required fields that are still empty; they can be set with the move.
    pub missing: Vec<Field>,
}

/// The transitions out of the present state for somebody who `may` do this on the case, with the reasons why some are
/// closed (FEATURES W6).
pub fn available(case: &Case, may: Permissions) -> Vec<Exit> {
    let closed = |transition: &Transition| {
        let needed = [Some(Permission::TicketMove), transition.permission];
        needed.into_iter().flatten().find(|needed| !may.has(*needed)).map(|needed| Denied { needed })
    };
    case.workflow
        .exits(&case.ticket.state)
        .map(|transition| Exit {
            transition: transition.clone(),
            denied: closed(transition),
            missing: empty_in(case, &case.ticket, None, transition),
        })
        .collect()
}

fn empty_in(case: &Case, ticket: &Ticket, described: Option<bool>, transition: &Transition) -> Vec<Field> {
    let people: Vec<_> = case.people.iter().map(|p| (p.relation, p.person)).collect();
    let tags: Vec<_> = case.tags.iter().map(|t| t.tag).collect();
    let described = described.unwrap_or_else(|| case.text.as_ref().is_none_or(|text| !text.description.is_empty()));
    missing(transition, ticket, described, &people, &tags)
}

/// Takes a transition, setting fields on the way.
pub fn move_to(scene: &Scene, ask: &MoveTo, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    let case = live(scene, ask.ticket, ctx)?;
    require(ctx, case, Permission::TicketMove)?;
    let ticket = &case.ticket;
    let open = || case.workflow.exits(&ticket.state).map(|t| t.id.as_str()).collect::<Vec<_>>().join(", ");
    let transition = case.workflow.transition(&ask.transition).ok_or_else(|| WorkflowRefusal::Unknown {
        given: ask.transition.chars().take(64).collect(),
        state: ticket.state.clone(),
        open: open(),
    })?;
    if !transition.leaves(&ticket.state) {
        let (transition, state, open) = (transition.id.clone(), ticket.state.clone(), open());
        return Err(WorkflowRefusal::Closed { transition, state, open }.into());
    }
    if let Some(needed) = transition.permission {
        require(ctx, case, needed)?;
    }
    let fields = ask.fields.fields();
    if !fields.is_empty() {
        require(ctx, case, Permission::TicketEdit)?;
    }
    let mut decision = patch(scene, case, &ask.fields, ctx)?;
    let mut after = ticket.clone();
    for (_, event) in &decision.events {
        if let crate::event::Event::TicketEdited(edited) = event {
            apply(&mut after, &edited.changes);
        }
    }
    // A parent they are not shown is none to them, as in the view that told them what is missing.
    after.parent = after.parent.filter(|parent| is_shown(scene, *parent, ctx));
    let described = ask.fields.description.as_ref().map(|text| !text.is_empty());
    let missing = empty_in(case, &after, described, transition);
    if !missing.is_empty() {
        return Err(WorkflowRefusal::Missing { transition: transition.id.clone(), missing }.into());
    }
    let to = case.workflow.state(&transition.to).ok_or_else(|| WorkflowRefusal::NoState(transition.to.clone()))?;
    decision = decision.and(
        ask.ticket,
        TicketMoved {
            transition: Some(transition.id.clone()),
            from: ticket.state.clone(),
            to: to.id.clone(),
            before: ticket.category,
            after: to.category,
            reason: None,
        },
    );
    Ok(decision)
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

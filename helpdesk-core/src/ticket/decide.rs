//! What may happen to a ticket: pure functions from a scene and a command to events or a refusal.

pub mod fields;
mod people;

pub(crate) use people::needed_for;
pub use people::{claim, reassign, relate, tag, unrelate};

use std::sync::Arc;

use super::model::{Participant, Relation, Tagging, Ticket, TicketText};
use crate::approval::{Approvals, Overall};
use crate::case::{Case, Moment, follow};
use crate::command::{CreateTicket, DeleteTicket, EditTicket, RestoreTicket, StopAutomation};
use crate::error::{Fault, Refusal, WorkflowRefusal};
use crate::event::{
    AutomationStopped, ChildAdded, ChildRemoved, Event, Subject, TicketCreated, TicketDeleted, TicketEdited,
    TicketRestored,
};
use crate::id::{PersonId, Salt, TagId, TenantId, TicketId};
use crate::org::Project;
use crate::role::{Denied, Permission};
use crate::scene::{Ctx, Decision, Scene, Side};
use crate::value::{Field, Value};
use crate::workflow::exits::{self, Asker};
use crate::workflow::{Category, Transition, Workflow};

/// Refuses unless the actor has `needed` on the case (which they can see).
pub(crate) fn require(ctx: &Ctx<'_>, case: &Case, needed: Permission) -> Result<(), Refusal> {
    if ctx.access.on(case).has(needed) { Ok(()) } else { Err(Denied { needed }.into()) }
}

/// The case to be changed: visible, not deleted.
pub(crate) fn live<'a>(scene: &'a Scene, id: TicketId, ctx: &Ctx<'_>) -> Result<&'a Case, Refusal> {
    let case = scene.seen(id, ctx)?;
    match case.ticket.deleted_at {
        None => Ok(case),
        Some(_) => Err(Refusal::not_found("ticket", id)),
    }
}

/// The project tickets are created in: it exists, is not deleted, and the actor may create there.
fn creatable<'a>(scene: &'a Scene, ask: &CreateTicket, ctx: &Ctx<'_>) -> Result<&'a Project, Refusal> {
    let unknown = || Refusal::not_found("project", ask.project);
    let project = scene.config.projects.get(&ask.project).ok_or_else(unknown)?;
    let may = ctx.access.in_project(project.id);
    if project.deleted_at.is_some() {
        return Err(unknown());
    }
    if may.has(Permission::TicketCreate) {
        Ok(project)
    } else if may.has(Permission::TicketRead) {
        Err(Denied { needed: Permission::TicketCreate }.into())
    } else {
        Err(unknown())
    }
}

/// Creates a ticket: the transition from nothing.
///
/// Somebody who may only create sets what a requester knows (title, description, type, urgency, importance); anything
/// else needs `ticket.edit` or `ticket.assign`.
pub fn create(scene: &Scene, ask: &CreateTicket, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    let project = creatable(scene, ask, ctx)?;
    let may = ctx.access.in_project(project.id);
    let workflow = scene
        .config
        .workflows
        .newest(&project.workflow)
        .ok_or_else(|| Refusal::not_found("workflow", &project.workflow))?
        .clone();
    let transition = crate::workflow::decide::entrance(&workflow, ask.transition.as_deref(), may)?;
    let state = workflow.state(&transition.to).ok_or_else(|| WorkflowRefusal::NoState(transition.to.clone()))?;

    let mut faults = Vec::new();
    fields::check_title(&ask.title, &mut faults);
    let beyond =
        ask.fields.fields().into_iter().any(|f| {
            !matches!(f, Field::Title | Field::Description | Field::Type | Field::Urgency | Field::Importance)
        });
    if (beyond || !ask.tags.is_empty()) && !may.has(Permission::TicketEdit) {
        return Err(Denied { needed: Permission::TicketEdit }.into());
    }
    if !ask.assignees.is_empty() && !may.has(Permission::TicketAssign) {
        return Err(Denied { needed: Permission::TicketAssign }.into());
    }
    let myself = ctx.access.person();
    if ask.requester.is_some_and(|person| Some(person) != myself) && !may.has(Permission::TicketEdit) {
        return Err(Denied { needed: Permission::TicketEdit }.into());
    }
    let mut people: Vec<(Relation, _)> = myself.map(|person| (Relation::Reporter, person)).into_iter().collect();
    people.extend(ask.requester.or(myself).map(|person| (Relation::Requester, person)));
    let mut assignees = ask.assignees.clone();
    assignees.sort_unstable();
    assignees.dedup();
    people::check(scene, "requester", ask.requester.as_slice(), &mut faults);
    people::check(scene, "assignees", &assignees, &mut faults);
    if assignees.len() > super::model::PEOPLE_MAX {
        faults.push(Fault::new(
            "assignees",
            format!("are {}, at most {} fit", assignees.len(), super::model::PEOPLE_MAX),
        ));
    }
    people.extend(assignees.into_iter().map(|person| (Relation::Assignee, person)));
    let mut tags = ask.tags.clone();
    tags.sort_unstable();
    tags.dedup();
    people::check_tags(scene, project.id, &tags, &mut faults);

    let id = ask.id.unwrap_or_else(|| ctx.mint.id());
    if scene.case(id).is_some() {
        return Err(Refusal::Taken { noun: "ticket", given: id.to_string() });
    }
    let mut draft = fields::blank(scene.tenant, id, project, &workflow, state, ctx);
    let description = ask.fields.description.clone().unwrap_or_default();
    fields::check_text("description", &description, &mut faults);
    let patch = crate::command::Patch { title: None, description: None, ..ask.fields.clone() };
    let changes = fields::plan(scene, &draft, &patch, ctx, &mut faults);
    if !faults.is_empty() {
        return Err(Refusal::Invalid(faults));
    }
    fields::apply(&mut draft, &changes);
    fields::check_order(&draft)?;
    draft.number = ctx.numbers.take(project.id);
    draft.title.clone_from(&ask.title);
    let text = TicketText { tenant: scene.tenant, ticket: id, description, salt: ctx.mint.salt() };
    let event = creation(&draft, transition, &text, people, tags);
    check_entrance(scene.tenant, (id, &ask.title), &event, transition, workflow.clone(), ctx)?;
    if ctx.access.is_narrowed() {
        let moment = Moment { by: &ctx.by, at: ctx.at, version: 1 };
        let mut case = created(scene.tenant, id, &event, workflow.clone(), moment);
        case.ticket.title.clone_from(&ask.title);
        if !ctx.access.admits(&case) {
            return Err(Denied { needed: Permission::TicketCreate }.into());
        }
    }
    Ok(Decision::ticket(id, event).side(Side::Title(id, ask.title.clone(), draft.salt)).side(Side::Text(text)).made(id))
}

/// The event of creating `draft`; its title and long text go into it as digests.
pub(crate) fn creation(
    draft: &Ticket,
    transition: &Transition,
    text: &TicketText,
    people: Vec<(Relation, PersonId)>,
    tags: Vec<TagId>,
) -> TicketCreated {
    TicketCreated {
        project: draft.project,
        number: draft.number,
        r#type: draft.kind,
        workflow: draft.workflow.clone(),
        transition: transition.id.clone(),
        state: draft.state.clone(),
        category: draft.category,
        title: draft.salt.digest(&draft.title),
        description: (!text.description.is_empty()).then(|| text.salt.digest(&text.description)),
        priority: draft.priority,
        priority_manual: draft.priority_manual,
        urgency: draft.urgency,
        importance: draft.importance,
        visibility: draft.visibility,
        group: draft.group,
        parent: draft.parent,
        start_at: draft.start_at,
        due_at: draft.due_at,
        estimate: draft.estimate,
        people,
        tags,
        company: draft.company,
    }
}

/// Guard and validators of the transition from nothing, judged by the ticket as it will be.
pub(crate) fn check_entrance(
    tenant: TenantId,
    (id, title): (TicketId, &str),
    event: &TicketCreated,
    transition: &Transition,
    workflow: Arc<Workflow>,
    ctx: &Ctx<'_>,
) -> Result<(), Refusal> {
    if transition.guard.is_none() && transition.required.is_empty() && transition.validators.is_empty() {
        return Ok(());
    }
    let mut case = created(tenant, id, event, workflow, Moment { by: &ctx.by, at: ctx.at, version: 1 });
    title.clone_into(&mut case.ticket.title);
    let person = ctx.access.person();
    if let Some(says) = exits::guarded(transition, &case, person) {
        return Err(WorkflowRefusal::Guarded { transition: transition.id.clone(), says: says.into() }.into());
    }
    let asker = Asker { may: ctx.access.in_project(event.project), person, children_ended: None, reasoned: false };
    exits::validate(transition, &case, Some(event.description.is_some()), asker)
}

/// The case a creation makes. Title and description come beside the event.
pub(crate) fn created(
    tenant: TenantId,
    id: TicketId,
    event: &TicketCreated,
    workflow: Arc<Workflow>,
    moment: Moment<'_>,
) -> Case {
    let mut ticket = Ticket {
        tenant,
        id,
        project: event.project,
        number: event.number,
        kind: event.r#type,
        workflow: event.workflow.clone(),
        state: event.state.clone(),
        category: event.category,
        title: String::new(),
        priority: event.priority,
        priority_manual: event.priority_manual,
        urgency: event.urgency,
        importance: event.importance,
        visibility: event.visibility,
        group: event.group,
        company: event.company,
        approval: Overall::None,
        parent: event.parent,
        start_at: event.start_at,
        due_at: event.due_at,
        estimate: event.estimate,
        resolved_at: None,
        closed_at: None,
        reopened: 0,
        regrouped: 0,
        version: 1,
        created_by: moment.by.clone(),
        created_at: moment.at,
        updated_by: moment.by.clone(),
        updated_at: moment.at,
        deleted_at: None,
        salt: Salt([0; 16]),
    };
    follow(&mut ticket, Category::New, moment.at);
    let mut people: Vec<Participant> = event
        .people
        .iter()
        .map(|(relation, person)| Participant {
            tenant,
            ticket: id,
            person: *person,
            relation: *relation,
            joined: moment.version,
            since: moment.at,
            until: None,
        })
        .collect();
    people.sort_by_key(|p| (p.relation, p.person));
    let tags =
        event.tags.iter().map(|tag| Tagging { tenant, ticket: id, tag: *tag, by: moment.by.clone(), at: moment.at });
    Case {
        ticket,
        workflow,
        text: None,
        people,
        tags: tags.collect(),
        links: Some(vec![]),
        approvals: Some(Approvals::default()),
        entries: vec![],
        revisions: vec![],
    }
}

/// Sets fields. Equal values change nothing.
pub fn edit(scene: &Scene, ask: &EditTicket, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    let case = live(scene, ask.ticket, ctx)?;
    require(ctx, case, Permission::TicketEdit)?;
    patch(scene, case, &ask.fields, ctx)
}

/// The events of setting `patch` on `case`, permission already checked.
pub(crate) fn patch(
    scene: &Scene,
    case: &Case,
    patch: &crate::command::Patch,
    ctx: &mut Ctx<'_>,
) -> Result<Decision, Refusal> {
    let mut faults = Vec::new();
    if let Some(title) = &patch.title {
        fields::check_title(title, &mut faults);
    }
    if let Some(description) = &patch.description {
        fields::check_text("description", description, &mut faults);
    }
    let mut changes = fields::plan(scene, &case.ticket, patch, ctx, &mut faults);
    if !faults.is_empty() {
        return Err(Refusal::Invalid(faults));
    }
    let mut draft = case.ticket.clone();
    fields::apply(&mut draft, &changes);
    fields::check_order(&draft)?;
    let sides = fields::texts(case, patch, &mut changes);
    if changes.is_empty() {
        return Ok(Decision::default());
    }
    let mut decision = Decision::ticket(case.ticket.id, TicketEdited { changes });
    decision.sides = sides;
    Ok(decision)
}

/// Deletes: the ticket leaves every list.
pub fn delete(scene: &Scene, ask: &DeleteTicket, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let case = scene.seen(ask.ticket, ctx)?;
    require(ctx, case, Permission::TicketDelete)?;
    check_reason(ask.reason.as_deref())?;
    if case.ticket.deleted_at.is_some() {
        return Ok(Decision::default());
    }
    Ok(Decision::ticket(ask.ticket, TicketDeleted { reason: ask.reason.clone() }))
}

/// Restores a deleted ticket.
pub fn restore(scene: &Scene, ask: &RestoreTicket, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let case = scene.seen(ask.ticket, ctx)?;
    let may = ctx.access.on(case).has(Permission::TicketDelete);
    if case.ticket.deleted_at.is_some() && !may {
        return Err(Refusal::not_found("ticket", ask.ticket));
    }
    require(ctx, case, Permission::TicketDelete)?;
    check_reason(ask.reason.as_deref())?;
    if case.ticket.deleted_at.is_none() {
        return Ok(Decision::default());
    }
    Ok(Decision::ticket(ask.ticket, TicketRestored { reason: ask.reason.clone() }))
}

/// Notes that a chain of automation was stopped.
pub fn stopped(scene: &Scene, ask: &StopAutomation, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    scene.seen(ask.ticket, ctx)?;
    if !matches!(ctx.actor, crate::actor::Actor::System(_)) {
        return Err(Denied { needed: Permission::PluginManage }.into());
    }
    let StopAutomation { ticket, plugin, limit, used, allowed } = ask.clone();
    Ok(Decision::ticket(ticket, AutomationStopped { plugin, limit, used, allowed }))
}

pub(crate) fn check_reason(reason: Option<&str>) -> Result<(), Refusal> {
    match reason {
        Some(text) if text.chars().count() > 1000 => {
            Err(Refusal::Invalid(vec![Fault::new("reason", "is longer than 1000 characters; shorten it")]))
        }
        Some(_) | None => Ok(()),
    }
}

/// What follows from an event: a parent's timeline tells of its sub-tickets, and its version moves with them.
pub(crate) fn react(
    _: &Scene,
    subject: &Subject,
    event: &Event,
    _: &mut Ctx<'_>,
) -> Result<Vec<(Subject, Event)>, Refusal> {
    let Some(child) = subject.ticket() else { return Ok(vec![]) };
    let (before, after) = match event {
        Event::TicketCreated(e) => (None, e.parent),
        Event::TicketEdited(e) => match e.changes.iter().find(|change| change.field == Field::Parent) {
            Some(change) => (ticket(&change.before), ticket(&change.after)),
            None => return Ok(vec![]),
        },
        _ => return Ok(vec![]),
    };
    let mut then = vec![];
    if let Some(parent) = before {
        then.push((Subject::Ticket(parent), ChildRemoved { child }.into()));
    }
    if let Some(parent) = after {
        then.push((Subject::Ticket(parent), ChildAdded { child }.into()));
    }
    Ok(then)
}

fn ticket(value: &Value) -> Option<TicketId> {
    match value {
        Value::Text(text) => text.parse().ok(),
        Value::Null | Value::Bool(_) | Value::Int(_) | Value::Texts(_) | Value::Time { .. } | Value::Digest { .. } => {
            None
        }
    }
}

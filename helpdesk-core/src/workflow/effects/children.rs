//! Opening sub-tickets as an effect of a transition: each is created by the first transition from nothing of the newest
//! version of its project's workflow, whose own effects follow.

use super::stuck;
use crate::case::Case;
use crate::command::Patch;
use crate::error::Refusal;
use crate::id::TicketId;
use crate::scene::{Ctx, Decision, Scene, Side};
use crate::ticket::decide::fields::{self, DEPTH_MAX};
use crate::ticket::decide::{check_entrance, creation};
use crate::ticket::{Relation, TicketText, Visibility};
use crate::workflow::model::Transition;
use crate::workflow::rule::ChildTemplate;

/// The sub-tickets of `parent`, in order. Nobody is asked for the right to create them.
pub(super) fn open(
    scene: &Scene,
    parent: &Case,
    templates: &[ChildTemplate],
    taken: &Transition,
    ctx: &mut Ctx<'_>,
) -> Result<Decision, Refusal> {
    match level(scene, parent.ticket.id) {
        Ok(level) if level >= DEPTH_MAX => {
            let says = format!("the ticket is {DEPTH_MAX} levels deep already, so it can have no sub-tickets");
            return Err(stuck(taken, says));
        }
        Ok(_) => {}
        Err(above) => {
            ctx.wants.above.insert(above);
        }
    }
    let mut all = Decision::default();
    for template in templates {
        let made = one(scene, parent, template, ctx)
            .map_err(|why| stuck(taken, format!("its sub-ticket `{}` cannot be opened: {why}", template.title)))?;
        all.events.extend(made.events);
        all.sides.extend(made.sides);
    }
    Ok(all)
}

fn one(scene: &Scene, parent: &Case, template: &ChildTemplate, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    let project = template.project.unwrap_or(parent.ticket.project);
    let unknown = || Refusal::not_found("project", project);
    let project = scene.config.projects.get(&project).filter(|it| it.deleted_at.is_none()).ok_or_else(unknown)?;
    let unknown = || Refusal::not_found("workflow", &project.workflow);
    let workflow = scene.config.workflows.newest(&project.workflow).ok_or_else(unknown)?.clone();
    let (transition, state) = workflow
        .entrances()
        .next()
        .and_then(|transition| Some((transition, workflow.state(&transition.to)?)))
        .ok_or_else(unknown)?;

    let id: TicketId = ctx.mint.id();
    let mut draft = fields::blank(scene.tenant, id, project, &workflow, state, ctx);
    // What belongs to a few stays theirs.
    let restricted = parent.ticket.visibility == Visibility::Restricted;
    let patch = Patch {
        kind: template.kind,
        priority: template.priority.map(Some),
        group: template.group.map(Some),
        visibility: restricted.then_some(Visibility::Restricted),
        ..Patch::default()
    };
    let mut faults = vec![];
    let changes = fields::plan(scene, &draft, &patch, ctx, &mut faults);
    if !faults.is_empty() {
        return Err(Refusal::Invalid(faults));
    }
    fields::apply(&mut draft, &changes);
    draft.parent = Some(parent.ticket.id);
    draft.number = ctx.numbers.take(project.id);
    draft.title.clone_from(&template.title);
    let reporter = ctx.access.person().map(|person| (Relation::Reporter, person));
    let requesters = parent.who(Relation::Requester).map(|person| (Relation::Requester, person));
    let people = reporter.into_iter().chain(requesters).collect();
    let description = template.description.clone();
    let text = TicketText { tenant: scene.tenant, ticket: id, description, salt: ctx.mint.salt() };
    let event = creation(&draft, transition, &text, people, vec![]);
    check_entrance(scene.tenant, (id, &template.title), &event, transition, workflow.clone(), ctx)?;
    let title = Side::Title(id, template.title.clone(), draft.salt);
    Ok(Decision::ticket(id, event).side(title).side(Side::Text(text)))
}

/// How deep the ticket stands, from 1; or the ticket of which it is not known what stands above.
fn level(scene: &Scene, ticket: TicketId) -> Result<usize, TicketId> {
    let (mut at, mut level) = (ticket, 1);
    // A ring in the data must not spin.
    while level < DEPTH_MAX {
        let Some(parent) = scene.case(at).and_then(|case| case.ticket.parent) else { return Ok(level) };
        if scene.case(parent).is_none() {
            return scene.lines.get(&at).map(|line| level + line.len()).ok_or(at);
        }
        (at, level) = (parent, level + 1);
    }
    Ok(level)
}

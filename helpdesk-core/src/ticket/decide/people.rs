//! People and tags on a ticket.

use std::collections::BTreeSet;

use super::super::model::{PEOPLE_MAX, Relation, TAGS_MAX};
use super::{check_reason, live, require};
use crate::case::Case;
use crate::command::{Claim, Reassign, Relate, TagTicket, Unrelate};
use crate::error::{Fault, Refusal};
use crate::event::{ParticipantAdded, ParticipantRemoved, TicketReassigned, TicketTagged};
use crate::id::{PersonId, ProjectId, TagId};
use crate::role::{Denied, Permission};
use crate::scene::{Ctx, Decision, Scene};

/// Every one of `people` must be an active person of the tenant.
pub(super) fn check(scene: &Scene, field: &'static str, people: &[PersonId], faults: &mut Vec<Fault>) {
    for id in people {
        match scene.people.get(id) {
            None => faults.push(Fault::new(field, format!("no person `{id}`; add them to the directory first"))),
            Some(person) if !person.active => {
                faults.push(Fault::new(field, format!("person `{id}` is inactive; choose somebody else")));
            }
            Some(_) => {}
        }
    }
}

/// Every one of `tags` must be defined in the project.
pub(super) fn check_tags(scene: &Scene, project: ProjectId, tags: &[TagId], faults: &mut Vec<Fault>) {
    for id in tags {
        let known = scene.config.tags.get(id).is_some_and(|tag| tag.project == project && tag.deleted_at.is_none());
        if !known {
            faults.push(Fault::new("tags", format!("the project has no tag `{id}`; define it first")));
        }
    }
    if tags.len() > TAGS_MAX {
        faults.push(Fault::new("tags", format!("are {}, at most {TAGS_MAX} fit", tags.len())));
    }
}

/// What it takes to change a relation of these people: less of oneself as watcher.
pub(crate) fn needed_for(relation: Relation, people: &[PersonId], me: Option<PersonId>) -> Permission {
    match relation {
        Relation::Assignee => Permission::TicketAssign,
        Relation::Watcher => {
            let oneself = people.iter().all(|person| Some(*person) == me);
            if oneself { Permission::TicketWatch } else { Permission::TicketEdit }
        }
        Relation::Reporter | Relation::Requester | Relation::Approver | Relation::Member => Permission::TicketEdit,
    }
}

fn may_change(case: &Case, relation: Relation, people: &[PersonId], ctx: &Ctx<'_>) -> Result<(), Refusal> {
    let may = ctx.access.on(case);
    let needed = needed_for(relation, people, ctx.access.person());
    if may.has(needed) { Ok(()) } else { Err(Denied { needed }.into()) }
}

/// Makes people something to a ticket; with `only`, those not named cease to be it.
pub fn relate(scene: &Scene, ask: &Relate, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let case = live(scene, ask.ticket, ctx)?;
    may_change(case, ask.relation, &ask.people, ctx)?;
    if ask.only {
        let others: Vec<PersonId> = case.who(ask.relation).filter(|person| !ask.people.contains(person)).collect();
        may_change(case, ask.relation, &others, ctx)?;
    }
    let wanted: BTreeSet<PersonId> = ask.people.iter().copied().collect();
    let new: Vec<PersonId> = wanted.iter().copied().filter(|person| !case.is(*person, ask.relation)).collect();
    let mut faults = Vec::new();
    check(scene, "people", &new, &mut faults);
    let stay = if ask.only { 0 } else { case.who(ask.relation).filter(|person| !wanted.contains(person)).count() };
    if stay + wanted.len() > PEOPLE_MAX {
        faults.push(Fault::new("people", format!("are more than {PEOPLE_MAX} in one relation; name fewer")));
    }
    if !faults.is_empty() {
        return Err(Refusal::Invalid(faults));
    }
    let relation = ask.relation;
    let mut decision = Decision::default();
    if ask.only {
        for person in case.who(relation).filter(|person| !wanted.contains(person)) {
            decision = decision.and(ask.ticket, ParticipantRemoved { person, relation });
        }
    }
    Ok(new.into_iter().fold(decision, |all, person| all.and(ask.ticket, ParticipantAdded { person, relation })))
}

/// Makes people no longer something to a ticket.
pub fn unrelate(scene: &Scene, ask: &Unrelate, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let case = live(scene, ask.ticket, ctx)?;
    may_change(case, ask.relation, &ask.people, ctx)?;
    let relation = ask.relation;
    let gone: BTreeSet<PersonId> = ask.people.iter().copied().filter(|person| case.is(*person, relation)).collect();
    Ok(gone
        .into_iter()
        .fold(Decision::default(), |all, person| all.and(ask.ticket, ParticipantRemoved { person, relation })))
}

/// Takes a ticket that nobody works on (FEATURES T1b). Needs `ticket.assign`, as assigning oneself does.
///
/// # Errors
/// [`Refusal::Claimed`] when others work on it; `FIELD_INVALID` `ticket` for an actor who is nobody in particular.
pub fn claim(scene: &Scene, ask: &Claim, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let case = live(scene, ask.ticket, ctx)?;
    require(ctx, case, Permission::TicketAssign)?;
    let Some(person) = ctx.access.person() else {
        return Err(Refusal::invalid("ticket", "can be claimed by people only; assign it to somebody"));
    };
    let relation = Relation::Assignee;
    if case.is(person, relation) {
        return Ok(Decision::default());
    }
    let by: Vec<PersonId> = case.who(relation).collect();
    if by.is_empty() {
        Ok(Decision::ticket(ask.ticket, ParticipantAdded { person, relation }))
    } else {
        Err(Refusal::Claimed { by })
    }
}

/// Hands a ticket over (FEATURES T1b): one event, so that it happens and is told at once. Needs `ticket.assign`.
///
/// # Errors
/// `FIELD_INVALID`: `from` does not work on it (any more), `to` is the same person, unknown or inactive, `reason` is empty
/// or longer than 1000 characters. Whoever comes second learns it from `from`.
pub fn reassign(scene: &Scene, ask: &Reassign, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let case = live(scene, ask.ticket, ctx)?;
    require(ctx, case, Permission::TicketAssign)?;
    let Reassign { ticket, from, to, ref reason } = *ask;
    let mut faults = Vec::new();
    if !case.is(from, Relation::Assignee) {
        faults.push(Fault::new("from", format!("person `{from}` does not work on it; look who does")));
    }
    if from == to {
        faults.push(Fault::new("to", "is who works on it already; choose somebody else"));
    }
    check(scene, "to", &[to], &mut faults);
    if reason.trim().is_empty() {
        faults.push(Fault::new("reason", "is empty; say why it is handed over"));
    }
    if !faults.is_empty() {
        return Err(Refusal::Invalid(faults));
    }
    check_reason(Some(reason))?;
    Ok(Decision::ticket(ticket, TicketReassigned { from, to, reason: reason.clone() }))
}

/// Puts tags on and takes others off; unknown ones are refused.
pub fn tag(scene: &Scene, ask: &TagTicket, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let case = live(scene, ask.ticket, ctx)?;
    require(ctx, case, Permission::TicketEdit)?;
    let added: BTreeSet<TagId> = ask.add.iter().copied().filter(|tag| !case.bears(*tag)).collect();
    let removed: BTreeSet<TagId> =
        ask.remove.iter().copied().filter(|tag| case.bears(*tag) && !ask.add.contains(tag)).collect();
    let (added, removed): (Vec<_>, Vec<_>) = (added.into_iter().collect(), removed.into_iter().collect());
    let mut faults = Vec::new();
    check_tags(scene, case.ticket.project, &added, &mut faults);
    if case.tags.len() + added.len() - removed.len() > TAGS_MAX {
        faults.push(Fault::new("tags", format!("would be more than {TAGS_MAX}; take some off first")));
    }
    if !faults.is_empty() {
        return Err(Refusal::Invalid(faults));
    }
    if added.is_empty() && removed.is_empty() {
        return Ok(Decision::default());
    }
    Ok(Decision::ticket(ask.ticket, TicketTagged { added, removed }))
}

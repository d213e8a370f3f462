//! What follows a transition in the same commit: the effects its definition names, as consequences of the move.
//!
//! Nothing here asks who may: the definition was published by somebody who manages workflows, and the transition was
//! open. What an effect needs to know beyond the case and does not find it leaves in [`Wants`]: it is loaded, and the
//! decision is made again.

mod children;

use std::collections::BTreeSet;

use super::model::Transition;
use super::rule::{Effect, Strategy};
use crate::case::Case;
use crate::command::Patch;
use crate::error::{Refusal, WorkflowRefusal};
use crate::event::{Event, ParticipantAdded, ParticipantRemoved, Subject, TicketEdited, TicketMoved};
use crate::id::{GroupId, PersonId, TicketId};
use crate::org::Candidate;
use crate::role::RoleKey;
use crate::scene::{Ctx, Decision, Scene};
use crate::text::fold;
use crate::ticket::{Relation, Ticket};
use crate::workflow::exits;

/// What conditions and effects of transitions asked for and did not find.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wants {
    /// Groups somebody is chosen out of.
    pub pools: BTreeSet<GroupId>,
    /// Tickets whose sub-tickets count, at every depth.
    pub below: BTreeSet<TicketId>,
    /// Tickets above which it matters how many stand.
    pub above: BTreeSet<TicketId>,
    /// People who may be asked.
    pub people: BTreeSet<PersonId>,
    /// Roles whose holders are asked.
    pub holders: BTreeSet<RoleKey>,
    /// People whose proxies may stand in.
    pub delegations: BTreeSet<PersonId>,
    /// Tickets of which it matters who edited them last.
    pub editors: BTreeSet<TicketId>,
    /// Whether more cards around the place on the board are wanted.
    pub cards: bool,
}

impl Wants {
    /// Whether nothing was missing.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What follows a move or a creation.
pub(crate) fn react(scene: &Scene, subject: &Subject, event: &Event, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    let none = || Ok(Decision::default());
    let taken = match event {
        Event::TicketMoved(moved) => moved.transition.as_deref(),
        Event::TicketCreated(created) => Some(created.transition.as_str()),
        _ => None,
    };
    let Some((id, taken)) = subject.ticket().zip(taken) else { return none() };
    let Some(case) = scene.case(id) else { return none() };
    let Some(transition) = case.workflow.transition(taken) else { return none() };
    let mut draft = case.clone();
    let mut then = Decision::default();
    for effect in case.workflow.effects(transition) {
        let events = match effect {
            Effect::Set(patch) => set(scene, &draft, patch, transition, ctx)?,
            Effect::Assign(assign) => {
                let group = assign.group.or(draft.ticket.group);
                let chosen = group.and_then(|group| choose(scene, &draft, group, assign.by, ctx));
                chosen
                    .map(|person| ParticipantAdded { person, relation: Relation::Assignee }.into())
                    .into_iter()
                    .collect()
            }
            Effect::Unassign => unassign(&draft),
            Effect::StartApproval(key) => {
                let begun = crate::approval::decide::started(scene, &draft, key, ctx);
                let begun = begun.map_err(|why| stuck(transition, format!("its approval cannot begin: {why}")))?;
                begun.into_iter().collect()
            }
            Effect::EndChildren => {
                if !scene.looked_below(id) {
                    ctx.wants.below.insert(id);
                }
                then.events.extend(end_children(scene, case, transition, ctx)?);
                vec![]
            }
            Effect::OpenChildren(templates) => {
                let opened = children::open(scene, &draft, templates, transition, ctx)?;
                then.events.extend(opened.events);
                then.sides.extend(opened.sides);
                vec![]
            }
        };
        for event in events {
            draft.apply(&event, crate::case::Moment { by: &ctx.by, at: ctx.at, version: draft.ticket.version });
            then.events.push((Subject::Ticket(id), event));
        }
    }
    Ok(then)
}

fn stuck(transition: &Transition, says: impl Into<String>) -> Refusal {
    WorkflowRefusal::Stuck { transition: transition.id.clone(), says: says.into() }.into()
}

fn set(
    scene: &Scene,
    draft: &Case,
    patch: &Patch,
    transition: &Transition,
    ctx: &Ctx<'_>,
) -> Result<Vec<Event>, Refusal> {
    let mut faults = vec![];
    let changes = crate::ticket::decide::fields::plan(scene, &draft.ticket, patch, ctx, &mut faults);
    if let Some(fault) = faults.into_iter().next() {
        return Err(stuck(transition, format!("its effect cannot set {}: {}", fault.field, fault.message)));
    }
    let mut after = draft.ticket.clone();
    crate::ticket::decide::fields::apply(&mut after, &changes);
    crate::ticket::decide::fields::check_order(&after)
        .map_err(|refusal| stuck(transition, format!("its effect cannot be: {refusal}")))?;
    Ok(if changes.is_empty() { vec![] } else { vec![TicketEdited { changes }.into()] })
}

/// Somebody out of the group, unless somebody works on the ticket already.
fn choose(scene: &Scene, case: &Case, group: GroupId, by: Strategy, ctx: &mut Ctx<'_>) -> Option<PersonId> {
    if case.who(Relation::Assignee).next().is_some() {
        return None;
    }
    let Some(pool) = scene.pools.get(&group) else {
        ctx.wants.pools.insert(group);
        return None;
    };
    let pool: &[Candidate] = Some(pool).filter(|pool| !pool.is_empty())?;
    let load = |one: &&Candidate| i64::from(one.open) + scene.assigned_here(one.person);
    let chosen = match by {
        Strategy::RoundRobin => {
            let turn = (ctx.turns.take(group) - 1).rem_euclid(pool.len() as i64);
            pool.get(usize::try_from(turn).unwrap_or_default())
        }
        // The first of those with the fewest: they come in order of who came first.
        Strategy::LeastLoaded => pool.iter().min_by_key(load),
        Strategy::Skill => {
            let tags = case.tags.iter().filter_map(|tagging| scene.config.tags.get(&tagging.tag));
            let tags: BTreeSet<String> = tags.map(|tag| fold(&tag.name)).collect();
            let fit = |one: &&Candidate| one.skills.iter().filter(|skill| tags.contains(&fold(skill))).count();
            let best = pool.iter().map(|one| fit(&one)).max().filter(|best| *best > 0)?;
            pool.iter().filter(|one| fit(one) == best).min_by_key(load)
        }
    };
    chosen.map(|candidate| candidate.person)
}

fn unassign(case: &Case) -> Vec<Event> {
    let off = |person| ParticipantRemoved { person, relation: Relation::Assignee }.into();
    case.who(Relation::Assignee).map(off).collect()
}

/// The sub-tickets that have not ended, at every depth, each moved to an end of its own workflow.
fn end_children(
    scene: &Scene,
    case: &Case,
    transition: &Transition,
    ctx: &mut Ctx<'_>,
) -> Result<Vec<(Subject, Event)>, Refusal> {
    let mut then = vec![];
    for child in below(scene, case.ticket.id) {
        if scene.came_under(child) && !scene.looked_below(child.ticket.id) {
            ctx.wants.below.insert(child.ticket.id);
        }
        if child.ticket.category.ended() || child.ticket.deleted_at.is_some() {
            continue;
        }
        let Some(way) = ending(child, case) else {
            // Nobody hears of a sub-ticket they are not shown: it stays as it is.
            if !shown(child, ctx) {
                continue;
            }
            return Err(stuck(
                transition,
                "a sub-ticket has no way to an end from where it stands; end it by hand first",
            ));
        };
        let to = child.workflow.state(&way.to).ok_or_else(|| WorkflowRefusal::NoState(way.to.clone()))?;
        let moved = TicketMoved {
            transition: Some(way.id.clone()),
            from: child.ticket.state.clone(),
            to: to.id.clone(),
            before: child.ticket.category,
            after: to.category,
            reason: None,
        };
        then.push((Subject::Ticket(child.ticket.id), moved.into()));
    }
    Ok(then)
}

/// The transition by which a sub-ticket ends: one whose guard, required fields and conditions hold; best one to the
/// category its parent has now, else the first.
fn ending<'a>(child: &'a Case, parent: &Case) -> Option<&'a Transition> {
    let may = crate::role::Permissions::ALL;
    let asker = exits::Asker { may, person: None, children_ended: None, reasoned: true };
    let ends = |transition: &&Transition| {
        let category = child.workflow.state(&transition.to).map(|state| state.category);
        category.is_some_and(crate::workflow::Category::ended)
            // Ways past a shut gate take a permission that nobody was asked for.
            && exits::shut(child).is_none()
            && exits::guarded(transition, child, None).is_none()
            && exits::validate(transition, child, None, asker).is_ok()
    };
    let same = |transition: &&Transition| {
        child.workflow.state(&transition.to).is_some_and(|state| state.category == parent.ticket.category)
    };
    let mut ways = child.workflow.exits(&child.ticket.state).filter(ends);
    let first = ways.next()?;
    if same(&first) { Some(first) } else { Some(ways.find(same).unwrap_or(first)) }
}

/// The sub-tickets among the scene's cases, at every depth.
pub(crate) fn below(scene: &Scene, top: TicketId) -> Vec<&Case> {
    let (mut found, mut seen): (Vec<&Case>, BTreeSet<TicketId>) = (vec![], BTreeSet::from([top]));
    loop {
        let below = |case: &&Case| case.ticket.parent.is_some_and(|parent| seen.contains(&parent));
        // A ring in the data must not spin.
        let level: Vec<&Case> = scene.cases().filter(below).filter(|case| !seen.contains(&case.ticket.id)).collect();
        if level.is_empty() {
            return found;
        }
        seen.extend(level.iter().map(|case| case.ticket.id));
        found.extend(level);
    }
}

/// Whether every direct sub-ticket the actor may see has ended; `None` when nobody looked.
pub(crate) fn children_ended(scene: &Scene, ticket: &Ticket, ctx: &mut Ctx<'_>) -> Option<bool> {
    if !scene.looked_below(ticket.id) {
        ctx.wants.below.insert(ticket.id);
        return None;
    }
    let open = |case: &Case| case.ticket.deleted_at.is_none() && !case.ticket.category.ended() && shown(case, ctx);
    Some(!scene.cases().filter(|case| case.ticket.parent == Some(ticket.id)).any(open))
}

fn shown(case: &Case, ctx: &Ctx<'_>) -> bool {
    ctx.access.on(case).has(crate::role::Permission::TicketRead)
}

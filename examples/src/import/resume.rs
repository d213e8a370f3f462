//! How far an earlier run got with a case, from its timeline.
//!
//! Idempotency keys are kept for a day only; the log of events is kept for good. Steps were carried out in order, so
//! the earliest step that fits a change is the one that made it, and one that was passed over had been refused.

use helpdesk_core::event::{Envelope, Event};
use helpdesk_core::ticket::Relation;
use helpdesk_core::value::{Field, Value};
use helpdesk_core::{Actor, Author};

use super::ground::Ground;
use super::instant;
use crate::replay::{Act, Step};

/// What an earlier run left of a case's steps.
#[derive(Debug)]
pub(super) struct Past {
    /// The first step that is still to do; the opening is done.
    pub next: usize,
    /// Steps before it that changed nothing although they should have: the desk had refused them.
    pub refused: Vec<usize>,
}

/// How far an earlier run got with `steps`, given the whole timeline of their ticket.
pub(super) fn past(ground: &Ground, steps: &[Step], timeline: &[Envelope]) -> Past {
    let mut past = Past { next: 1, refused: Vec::new() };
    let mut done: Vec<&Act> = steps.iter().take(1).map(|step| &step.act).collect();
    for change in timeline.chunk_by(|a, b| a.version == b.version) {
        let left = steps.iter().enumerate().skip(past.next);
        let Some((found, step)) = left.clone().find(|(_, step)| made(ground, step, change)) else { continue };
        let over = left.take_while(|(place, _)| *place < found);
        past.refused.extend(over.filter(|(_, step)| !idle(&done, &step.act)).map(|(place, _)| place));
        past.next = found + 1;
        done.push(&step.act);
    }
    past
}

/// Whether `act` had nothing to change after `done`: such a step leaves no trace although it was carried out.
fn idle(done: &[&Act], act: &Act) -> bool {
    done.iter().rev().find_map(|earlier| leaves(earlier, act)).unwrap_or(false)
}

/// Whether `earlier` leaves the field that `act` sets as `act` wants it; nothing when it does not set that field.
fn leaves(earlier: &Act, act: &Act) -> Option<bool> {
    match (earlier, act) {
        (Act::Open(opening), Act::SetGroup { to, .. }) => Some(opening.group == *to),
        (Act::Open(opening), Act::Assign { to, .. }) => Some(opening.assignee == *to),
        (Act::Open(opening), Act::SetPriority { to }) => Some(opening.priority == Some(*to)),
        (Act::SetGroup { to: left, .. }, Act::SetGroup { to, .. }) => Some(left == to),
        (Act::Assign { to: left, .. }, Act::Assign { to, .. }) => Some(left == to),
        (Act::SetPriority { to: left }, Act::SetPriority { to }) => Some(left == to),
        // A move to where a ticket stands already is refused.
        (Act::Open(_) | Act::SetGroup { .. } | Act::Assign { .. } | Act::SetPriority { .. } | Act::Move { .. }, _) => {
            None
        }
    }
}

/// Whether `step` made `change`, the events of one version.
fn made(ground: &Ground, step: &Step, change: &[Envelope]) -> bool {
    let by: Actor = ground.actor(step);
    let author: Author = by.author();
    let here = |event: &&Envelope| event.occurred_at == instant(step.at) && event.by == author;
    change.iter().filter(here).any(|event| did(ground, &step.act, &event.event))
}

fn did(ground: &Ground, act: &Act, event: &Event) -> bool {
    let set = |field, to: Value| {
        matches!(event, Event::TicketEdited(edited)
            if edited.changes.iter().any(|change| change.field == field && change.after == to))
    };
    match act {
        Act::Open(_) => false,
        Act::SetGroup { to, .. } => set(Field::Group, Value::text(to.as_deref().and_then(|name| ground.group(name)))),
        // A priority chosen by hand has a mark in the log.
        Act::SetPriority { to } => set(Field::Priority, format!("!{}", to.id()).as_str().into()),
        Act::Assign { to: Some(person), .. } => {
            matches!(event, Event::ParticipantAdded(added)
                if added.relation == Relation::Assignee && Some(added.person) == ground.person(person))
        }
        Act::Assign { to: None, .. } => {
            matches!(event, Event::ParticipantRemoved(removed) if removed.relation == Relation::Assignee)
        }
        Act::Move { to, .. } => matches!(event, Event::TicketMoved(moved) if moved.to == to.id()),
    }
}

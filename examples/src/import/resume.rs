//! How far an earlier run got with a case, from its timeline.
//!
//! Idempotency keys are kept for a day only; the log of events is kept for good. Steps were carried out in order, so
//! the earliest step that fits a change is the one that made it.

use helpdesk_core::event::{Envelope, Event};
use helpdesk_core::ticket::Relation;
use helpdesk_core::value::{Field, Value};
use helpdesk_core::{Actor, Author};

use super::ground::Ground;
use super::instant;
use crate::replay::{Act, Step};

/// How many of a case's steps are done, the opening included, given the whole timeline of its ticket.
pub(super) fn done(ground: &Ground, steps: &[Step], timeline: &[Envelope]) -> usize {
    let mut next = 1;
    for change in timeline.chunk_by(|a, b| a.version == b.version) {
        if let Some(ahead) = steps[next.min(steps.len())..].iter().position(|step| made(ground, step, change)) {
            next += ahead + 1;
        }
    }
    next
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

//! The plain fields of a ticket: checking new values, telling the difference, applying it.

use super::super::model::{
    Importance, Priority, Revision, TEXT_MAX, TITLE_MAX, Ticket, TicketText, TicketType, Urgency,
};
use crate::case::Case;
use crate::command::Patch;
use crate::error::{Fault, Refusal};
use crate::id::{GroupId, TenantId, TicketId};
use crate::org::{GroupKind, Project};
use crate::role::Permission;
use crate::scene::{Ctx, Scene, Side};
use crate::time::Timestamp;
use crate::value::{Change, Field, Value};
use crate::workflow::{State, Workflow};

/// Deepest tree of sub-tickets.
pub const DEPTH_MAX: usize = 10;
/// Longest estimate, in minutes: ten years.
const ESTIMATE_MAX: u32 = 10 * 366 * 24 * 60;

pub(crate) fn check_title(title: &str, faults: &mut Vec<Fault>) {
    let length = title.chars().count();
    if title.trim().is_empty() {
        faults.push(Fault::new("title", "is empty; say in one line what this is about"));
    } else if length > TITLE_MAX {
        faults.push(Fault::new("title", format!("has {length} characters, at most {TITLE_MAX} fit; shorten it")));
    } else if title.chars().any(char::is_control) {
        faults.push(Fault::new("title", "has line breaks or control characters; give one plain line"));
    }
}

pub(crate) fn check_text(field: &'static str, text: &str, faults: &mut Vec<Fault>) {
    if text.len() > TEXT_MAX {
        faults
            .push(Fault::new(field, format!("has {} bytes, at most {TEXT_MAX} fit; shorten or attach it", text.len())));
    } else if text.contains('\0') {
        faults.push(Fault::new(field, "has a NUL character, which cannot be stored; remove it"));
    }
}

/// A new ticket with the project's defaults.
pub(crate) fn blank(
    tenant: TenantId,
    id: TicketId,
    project: &Project,
    workflow: &Workflow,
    state: &State,
    ctx: &mut Ctx<'_>,
) -> Ticket {
    Ticket {
        tenant,
        id,
        project: project.id,
        number: 0,
        kind: TicketType::Task,
        workflow: workflow.id.clone(),
        state: state.id.clone(),
        category: state.category,
        title: String::new(),
        priority: Priority::derived(Urgency::Normal, Importance::Normal),
        priority_manual: false,
        urgency: Urgency::Normal,
        importance: Importance::Normal,
        visibility: project.visibility,
        group: None,
        company: None,
        approval: crate::approval::Overall::None,
        parent: None,
        start_at: None,
        due_at: None,
        estimate: None,
        resolved_at: None,
        closed_at: None,
        reopened: 0,
        regrouped: 0,
        version: 1,
        created_by: ctx.by.clone(),
        created_at: ctx.at,
        updated_by: ctx.by.clone(),
        updated_at: ctx.at,
        deleted_at: None,
        salt: ctx.mint.salt(),
    }
}

/// The differences `patch` makes to `ticket`, texts apart; every value that cannot be taken becomes a fault.
pub(crate) fn plan(
    scene: &Scene,
    ticket: &Ticket,
    patch: &Patch,
    ctx: &Ctx<'_>,
    faults: &mut Vec<Fault>,
) -> Vec<Change> {
    let mut changes = Vec::new();
    let mut put = |field, before: Value, after: Value| {
        if before != after {
            changes.push(Change { field, before, after });
        }
    };
    if let Some(kind) = patch.kind {
        put(Field::Type, ticket.kind.as_str().into(), kind.as_str().into());
    }
    // Before and after carry the hand: `!high` is manual, `high` is not.
    let shown = |(priority, manual): (Priority, bool)| {
        let hand = if manual { "!" } else { "" };
        Value::Text(format!("{hand}{priority}"))
    };
    put(Field::Priority, shown((ticket.priority, ticket.priority_manual)), shown(weigh(ticket, patch)));
    if let Some(urgency) = patch.urgency {
        put(Field::Urgency, ticket.urgency.as_str().into(), urgency.as_str().into());
    }
    if let Some(importance) = patch.importance {
        put(Field::Importance, ticket.importance.as_str().into(), importance.as_str().into());
    }
    if let Some(visibility) = patch.visibility {
        put(Field::Visibility, ticket.visibility.as_str().into(), visibility.as_str().into());
    }
    if let Some(group) = patch.group {
        if let Some(id) = group.filter(|id| !scene.config.groups.contains_key(id)) {
            faults.push(Fault::new("group", format!("no group `{id}`; give the id of an existing one")));
        }
        put(Field::Group, Value::text(ticket.group), Value::text(group));
    }
    if let Some(company) = patch.company {
        let known = |id: &GroupId| scene.config.groups.get(id).is_some_and(|group| group.kind == GroupKind::Company);
        if let Some(id) = company.filter(|id| !known(id)) {
            faults.push(Fault::new("company", format!("no company `{id}`; give the id of a group of that kind")));
        }
        put(Field::Company, Value::text(ticket.company), Value::text(company));
    }
    if let Some(parent) = patch.parent {
        // A parent the actor is not shown is none to them: guessing confirms nothing and clearing changes nothing; only
        // another parent takes its place.
        let shown = ticket.parent.filter(|id| is_shown(scene, *id, ctx));
        if let Some(id) = parent.filter(|id| Some(*id) != shown) {
            check_parent(scene, ticket.id, id, ctx, faults);
        }
        if parent.is_some() || shown.is_some() {
            put(Field::Parent, Value::text(ticket.parent), Value::text(parent));
        }
    }
    for (field, name, new, old) in [
        (Field::StartAt, "start_at", patch.start_at, ticket.start_at),
        (Field::DueAt, "due_at", patch.due_at, ticket.due_at),
    ] {
        let Some(new) = new else { continue };
        if new.is_some_and(|at| at.millis() < 0 || at.millis() > 253_402_300_799_999) {
            faults.push(Fault::new(name, "lies outside the years 1970 to 9999; give an instant inside"));
        }
        put(field, old.into(), new.into());
    }
    if let Some(estimate) = patch.estimate {
        if estimate.is_some_and(|minutes| minutes > ESTIMATE_MAX) {
            faults.push(Fault::new("estimate", "is more than ten years; give minutes of work"));
        }
        let value = |minutes: Option<u32>| minutes.map_or(Value::Null, |minutes| Value::Int(minutes.into()));
        put(Field::Estimate, value(ticket.estimate), value(estimate));
    }
    changes
}

/// The priority after `patch`, and whether it was chosen by hand. A derived one follows urgency and importance when they
/// change, and not of itself: tickets keep the priority they have when the matrix is another one than it was.
fn weigh(ticket: &Ticket, patch: &Patch) -> (Priority, bool) {
    let before = (ticket.urgency, ticket.importance);
    let after = (patch.urgency.unwrap_or(ticket.urgency), patch.importance.unwrap_or(ticket.importance));
    match patch.priority {
        Some(Some(chosen)) => (chosen, true),
        None if ticket.priority_manual || before == after => (ticket.priority, ticket.priority_manual),
        Some(None) | None => (Priority::derived(after.0, after.1), false),
    }
}

/// Whether views show this parent to the actor; it must be among the scene's cases.
pub(crate) fn is_shown(scene: &Scene, parent: TicketId, ctx: &Ctx<'_>) -> bool {
    scene
        .seen(parent, ctx)
        .is_ok_and(|case| case.ticket.deleted_at.is_none() || ctx.access.on(case).has(Permission::TicketDelete))
}

fn check_parent(scene: &Scene, ticket: TicketId, parent: TicketId, ctx: &Ctx<'_>, faults: &mut Vec<Fault>) {
    let visible = scene.seen(parent, ctx).ok().filter(|case| case.ticket.deleted_at.is_none());
    match visible {
        None => faults.push(Fault::new("parent", format!("no ticket `{parent}` here; check the id"))),
        Some(case) if !ctx.access.on(case).has(Permission::TicketEdit) => {
            faults.push(Fault::new("parent", "needs the right to edit the ticket above; ask its agents"));
        }
        Some(_) if parent == ticket || scene.ancestors.iter().any(|(above, _)| *above == ticket) => {
            faults.push(Fault::new("parent", "would make the ticket its own ancestor; choose another"));
        }
        Some(_) if scene.ancestors.len() + 1 >= DEPTH_MAX => {
            faults.push(Fault::new("parent", format!("is {DEPTH_MAX} levels deep already; choose one higher up")));
        }
        Some(_) => {}
    }
}

/// Refuses a due date before the start.
pub(crate) fn check_order(ticket: &Ticket) -> Result<(), Refusal> {
    match (ticket.start_at, ticket.due_at) {
        (Some(start), Some(due)) if due < start => {
            Err(Refusal::invalid("due_at", "lies before start_at; move one of them"))
        }
        (_, _) => Ok(()),
    }
}

/// Title and description: adds their digests to `changes` and returns the texts themselves, old and new.
pub(super) fn texts(case: &Case, patch: &Patch, changes: &mut Vec<Change>) -> Vec<Side> {
    let ticket = &case.ticket;
    let mut sides = Vec::new();
    let revision = |of: &str, before: &str, salt| {
        Side::Revision(Revision {
            tenant: ticket.tenant,
            ticket: ticket.id,
            of: of.into(),
            version: ticket.version + 1,
            before: before.into(),
            salt,
        })
    };
    if let Some(title) = patch.title.as_ref().filter(|title| **title != ticket.title) {
        let digest = |text: &str| Value::Digest { digest: ticket.salt.digest(text) };
        changes.push(Change { field: Field::Title, before: digest(&ticket.title), after: digest(title) });
        sides.push(revision("title", &ticket.title, ticket.salt));
        sides.push(Side::Title(ticket.id, title.clone(), ticket.salt));
    }
    let old = case.text.as_ref();
    if let (Some(new), Some(old)) =
        (&patch.description, old.filter(|old| patch.description.as_ref() != Some(&old.description)))
    {
        let digest = |text: &str| Value::Digest { digest: old.salt.digest(text) };
        changes.push(Change { field: Field::Description, before: digest(&old.description), after: digest(new) });
        sides.push(revision("description", &old.description, old.salt));
        sides.push(Side::Text(TicketText { description: new.clone(), ..old.clone() }));
    }
    sides
}

/// Sets the fields that changes name; texts stay, for changes hold only their digests.
pub(crate) fn apply(ticket: &mut Ticket, changes: &[Change]) {
    for Change { field, before: _, after } in changes {
        match field {
            Field::Type => set(&mut ticket.kind, after),
            Field::Priority => {
                if let Value::Text(text) = after {
                    ticket.priority_manual = text.starts_with('!');
                    ticket.priority = text.trim_start_matches('!').parse().unwrap_or(ticket.priority);
                }
            }
            Field::Urgency => set(&mut ticket.urgency, after),
            Field::Importance => set(&mut ticket.importance, after),
            Field::Visibility => set(&mut ticket.visibility, after),
            Field::Group => {
                ticket.group = optional(after);
                ticket.regrouped += 1;
            }
            Field::Company => ticket.company = optional(after),
            Field::Parent => ticket.parent = optional(after),
            Field::StartAt => ticket.start_at = instant(after),
            Field::DueAt => ticket.due_at = instant(after),
            Field::Estimate => {
                ticket.estimate = if let Value::Int(minutes) = after { u32::try_from(*minutes).ok() } else { None };
            }
            // Texts stand beside the event; the rest has events of its own.
            Field::Title
            | Field::Description
            | Field::State
            | Field::Assignees
            | Field::Requester
            | Field::Watchers
            | Field::Members
            | Field::Approvers
            | Field::Reporter
            | Field::Tags
            | Field::Deleted => {}
        }
    }
}

fn set<T: std::str::FromStr>(slot: &mut T, value: &Value) {
    if let Some(new) = optional(value) {
        *slot = new;
    }
}

fn optional<T: std::str::FromStr>(value: &Value) -> Option<T> {
    if let Value::Text(text) = value { text.parse().ok() } else { None }
}

fn instant(value: &Value) -> Option<Timestamp> {
    if let Value::Time { time } = value { Some(*time) } else { None }
}

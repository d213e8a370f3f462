//! The conversation: writing, editing and deleting entries.

use super::decide::{fields, live, require};
use super::model::{Entry, EntryVisibility, Revision};
use crate::command::{Comment, DeleteComment, EditComment};
use crate::error::{Fault, Refusal};
use crate::event::{EntryAdded, EntryDeleted, EntryEdited};
use crate::id::EntryId;
use crate::role::Permission;
use crate::scene::{Ctx, Decision, Scene, Side};

/// How long authors may edit and delete what they wrote, in milliseconds: 24 hours. Moderators always may.
pub const EDIT_WINDOW: i64 = 24 * 60 * 60 * 1000;

fn check_body(body: &str) -> Result<(), Refusal> {
    let mut faults = Vec::new();
    if body.trim().is_empty() {
        faults.push(Fault::new("body", "is empty; write something"));
    }
    fields::check_text("body", body, &mut faults);
    if faults.is_empty() { Ok(()) } else { Err(Refusal::Invalid(faults)) }
}

/// Writes an entry.
pub fn comment(scene: &Scene, ask: &Comment, ctx: &mut Ctx<'_>) -> Result<Decision, Refusal> {
    let case = live(scene, ask.ticket, ctx)?;
    require(ctx, case, Permission::EntryWrite)?;
    if ask.visibility == EntryVisibility::Internal {
        require(ctx, case, Permission::EntryInternal)?;
    }
    check_body(&ask.body)?;
    let entry = Entry {
        tenant: scene.tenant,
        id: ctx.mint.id(),
        ticket: ask.ticket,
        author: ctx.by.clone(),
        visibility: ask.visibility,
        body: ask.body.clone(),
        salt: ctx.mint.salt(),
        version: 1,
        created_at: ctx.at,
        edited_at: None,
        deleted_at: None,
    };
    let event = EntryAdded {
        entry: entry.id,
        visibility: entry.visibility,
        digest: entry.salt.digest(&entry.body),
        length: length(&entry.body),
    };
    let id = entry.id;
    Ok(Decision::ticket(ask.ticket, event).side(Side::Entry(entry)).made(id))
}

/// The entry, if the actor may see it and change it.
fn mine<'a>(scene: &'a Scene, ticket: crate::id::TicketId, id: EntryId, ctx: &Ctx<'_>) -> Result<&'a Entry, Refusal> {
    let case = live(scene, ticket, ctx)?;
    let may = ctx.access.on(case);
    let hidden = |entry: &&Entry| entry.visibility == EntryVisibility::Internal && !may.has(Permission::EntryInternal);
    let entry = scene
        .entry(ticket, id)
        .filter(|entry| entry.deleted_at.is_none() && !hidden(entry))
        .ok_or_else(|| Refusal::not_found("entry", id))?;
    let fresh = ctx.at.millis().saturating_sub(entry.created_at.millis()) <= EDIT_WINDOW;
    let own = entry.author == ctx.by && fresh && may.has(Permission::EntryWrite);
    if !own {
        require(ctx, case, Permission::EntryModerate)?;
    }
    Ok(entry)
}

/// Edits an entry. An equal text changes nothing.
pub fn edit(scene: &Scene, ask: &EditComment, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let old = mine(scene, ask.ticket, ask.entry, ctx)?;
    check_body(&ask.body)?;
    if old.body == ask.body {
        return Ok(Decision::default());
    }
    let version = scene.case(ask.ticket).map_or(1, |case| case.ticket.version + 1);
    let new = Entry { body: ask.body.clone(), version: old.version + 1, edited_at: Some(ctx.at), ..old.clone() };
    let event = EntryEdited {
        entry: old.id,
        visibility: old.visibility,
        before: old.salt.digest(&old.body),
        after: old.salt.digest(&new.body),
        length: length(&new.body),
    };
    let revision = Revision {
        tenant: old.tenant,
        ticket: old.ticket,
        of: old.id.to_string(),
        version,
        before: old.body.clone(),
        salt: old.salt,
    };
    Ok(Decision::ticket(ask.ticket, event).side(Side::Entry(new)).side(Side::Revision(revision)))
}

/// Deletes an entry.
pub fn delete(scene: &Scene, ask: &DeleteComment, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let old = mine(scene, ask.ticket, ask.entry, ctx)?;
    Ok(Decision::ticket(ask.ticket, EntryDeleted { entry: old.id, visibility: old.visibility }))
}

fn length(body: &str) -> u32 {
    u32::try_from(body.len()).unwrap_or(u32::MAX)
}

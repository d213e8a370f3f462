//! Every ticket of a desk as text, line by line: two desks hold the same when their dumps are equal.
//!
//! Tickets come by key, events by version. Places in the log and the times of writing are left out: they are the
//! database's own.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use helpdesk_core::desk::read::{Page, View};
use helpdesk_core::event::{Envelope, Event};
use helpdesk_core::filter::{Order, SortBy};
use helpdesk_core::id::{Salt, TagId};
use helpdesk_core::store::Which;
use helpdesk_core::time::Timestamp;
use helpdesk_core::{ActError, Actor, Author, Desk, Filter};

/// How closely to look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// Everything.
    Exact,
    /// Without what a crash or the speed of automation may change: numbers (a crash leaves gaps) and, where plugins act
    /// between a person's changes, which version each change made, when the plugin came to it, and its event's id.
    Settled,
}

/// Dumps every ticket that `viewer` may see.
pub async fn dump(desk: &Desk, viewer: &Actor, detail: Detail) -> Result<String, ActError> {
    let config = desk.config(viewer).await?;
    let tags: BTreeMap<TagId, String> = config.tags.values().map(|tag| (tag.id, tag.name.clone())).collect();
    let mut all = Vec::new();
    let mut page = Page::first(100).order(Order { by: SortBy::Number, descending: false });
    loop {
        let views = desk.tickets(viewer, &Filter::All, page.clone()).await?;
        let Some(last) = views.last() else { break };
        page = page.after(last.place);
        for view in views {
            let whole = desk.ticket(viewer, Which::Id(view.case.ticket.id)).await?;
            let events = history(desk, viewer, &whole).await?;
            let place = (whole.case.ticket.project, whole.case.ticket.number);
            all.push((place, ticket(&whole, &events, &tags, detail)));
        }
    }
    all.sort();
    Ok(all.into_iter().map(|(_, text)| text).collect())
}

/// The whole timeline of a ticket.
async fn history(desk: &Desk, viewer: &Actor, view: &View) -> Result<Vec<Envelope>, ActError> {
    const PAGE: u16 = 500;
    let mut all: Vec<Envelope> = Vec::new();
    loop {
        let seen = all.last().map_or(0, |event| event.version);
        let mut next = desk.timeline(viewer, view.case.ticket.id, seen, PAGE).await?;
        let full = next.len() == usize::from(PAGE);
        if full && let Some(cut) = next.last().map(|event| event.version) {
            // The page may end inside a version: take that one up again.
            next.retain(|event| event.version < cut);
        }
        all.append(&mut next);
        if !full {
            return Ok(all);
        }
    }
}

fn ticket(view: &View, events: &[Envelope], tags: &BTreeMap<TagId, String>, detail: Detail) -> String {
    let mut out = String::new();
    let case = &view.case;
    let mut head = case.ticket.clone();
    let key = match detail {
        Detail::Exact => view.key.clone(),
        Detail::Settled => {
            (head.number, head.version, head.updated_at) = (0, 0, Timestamp::from_millis(0));
            head.updated_by = Author::System;
            head.title.clone()
        }
    };
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{key} salt {} {head:?}", salt(head.salt));
    if let Some(text) = &case.text {
        let _ = writeln!(out, "  text {:?} salt {}", text.description, salt(text.salt));
    }
    for person in &case.people {
        let _ = writeln!(out, "  {} {} since {}", person.relation, person.person, person.since);
    }
    for tag in &case.tags {
        let name = tags.get(&tag.tag).map_or("?", String::as_str);
        let _ = match (detail, &tag.by) {
            (Detail::Settled, Author::Plugin(_)) => writeln!(out, "  tag {name} by {}", tag.by),
            _ => writeln!(out, "  tag {name} {} by {} at {}", tag.tag, tag.by, tag.at),
        };
    }
    for entry in &case.entries {
        let _ = writeln!(out, "  entry salt {} {entry:?}", salt(entry.salt));
    }
    let (mut own, mut automatic) = (Vec::new(), Vec::new());
    for event in events {
        match (detail, &event.by) {
            (Detail::Exact, _) => own.push(format!("v{}.{} {}", event.version, event.ord, line(event, true))),
            (Detail::Settled, Author::Plugin(_)) => automatic.push(line(event, false)),
            (Detail::Settled, _) => own.push(line(event, true)),
        }
    }
    automatic.sort();
    for line in own.iter().chain(&automatic) {
        let _ = writeln!(out, "  {line}");
    }
    out
}

/// One event; of what a plugin did, without its time, which is merely when the plugin came to it, and without its id,
/// which is another one when the delivery is repeated after a crash.
fn line(event: &Envelope, own: bool) -> String {
    let mut what = event.event.clone();
    if let Event::TicketCreated(created) = &mut what {
        created.number = 0; // stands in the key
    }
    let when = if own { format!("{} {}", event.id, event.occurred_at) } else { "later".into() };
    format!("{when} {} by {} because {:?}: {}", what.kind(), event.by, event.cause, what.data())
}

/// Salts print nothing of themselves; a digest of nothing tells two of them apart.
fn salt(salt: Salt) -> String {
    salt.digest("")
}

//! Row images: the difference of a case before and after.

use std::collections::BTreeSet;

use crate::approval::Approvals;
use crate::case::Case;
use crate::id::EntryId;
use crate::store::{Head, Row, Write};
use crate::text;
use crate::ticket::{EntryVisibility, Link, Participant, SearchDoc, Tagging, Ticket};

/// Appends the writes that turn `before` into `after`.
pub(super) fn write(before: Option<&Case>, after: Case, writes: &mut Vec<Write>) {
    let Case { ticket, text: long, people, tags, links, approvals, entries, revisions, workflow: _ } = after;
    let head = head_doc(before, &ticket, long.as_ref());
    let approvals = approvals.unwrap_or_default();
    let mut put = |before: Option<Row>, after: Option<Row>| {
        if before != after {
            writes.push(Write { before, after });
        }
    };
    let was = before.map(|case| (&case.ticket, &case.people, &case.tags));
    let image = |(ticket, people, tags): (&Ticket, &Vec<Participant>, &Vec<Tagging>)| {
        Row::Ticket(Head { ticket: ticket.clone(), people: people.clone(), tags: tags.clone() })
    };
    put(was.map(image), Some(image((&ticket, &people, &tags))));
    if let Some(long) = long {
        put(before.and_then(|case| case.text.clone()).map(Row::TicketText), Some(Row::TicketText(long)));
    }
    let old_people = before.map_or(&[][..], |case| &case.people);
    for left in old_people.iter().filter(|p| !people.iter().any(|q| same_person(p, q))) {
        let ended = Participant { until: Some(ticket.updated_at), ..left.clone() };
        put(Some(Row::Participant(left.clone())), Some(Row::Participant(ended)));
    }
    for joined in people.into_iter().filter(|q| !old_people.iter().any(|p| same_person(p, q))) {
        put(None, Some(Row::Participant(joined)));
    }
    let old_tags = before.map_or(&[][..], |case| &case.tags);
    for gone in old_tags.iter().filter(|t| !tags.iter().any(|u| u.tag == t.tag)) {
        put(Some(Row::Tagging(gone.clone())), None);
    }
    for new in tags {
        let old = old_tags.iter().find(|t| t.tag == new.tag).cloned();
        put(old.map(Row::Tagging), Some(Row::Tagging(new)));
    }
    // A link is in both cases; its row is the source's.
    let old_links = before.and_then(|case| case.links.as_ref()).map_or(&[][..], Vec::as_slice);
    let links: Vec<Link> = links.into_iter().flatten().filter(|link| link.source == ticket.id).collect();
    for gone in old_links.iter().filter(|link| link.source == ticket.id && !links.iter().any(|l| l.key() == link.key()))
    {
        put(Some(Row::Link(gone.clone())), None);
    }
    for new in links {
        let old = old_links.iter().find(|link| link.key() == new.key()).cloned();
        put(old.map(Row::Link), Some(Row::Link(new)));
    }
    let none = Approvals::default();
    let was = before.and_then(|case| case.approvals.as_ref()).unwrap_or(&none);
    differ(&was.all, approvals.all, |it| it.id, Row::Approval, &mut put);
    differ(&was.steps, approvals.steps, |it| (it.approval, it.round, it.index), Row::ApprovalStep, &mut put);
    differ(&was.slots, approvals.slots, |it| it.id, Row::Slot, &mut put);
    differ(&was.decisions, approvals.decisions, |it| it.id, Row::ApprovalDecision, &mut put);
    if let Some((old, new)) = head {
        put(old.map(Row::SearchDoc), Some(Row::SearchDoc(new)));
    }
    for entry in entries {
        let old = before.and_then(|case| case.entries.iter().find(|e| e.id == entry.id));
        if old == Some(&entry) {
            continue;
        }
        let (old_doc, doc) = (old.and_then(entry_doc), entry_doc(&entry));
        put(old.cloned().map(Row::Entry), Some(Row::Entry(entry)));
        put(old_doc.map(Row::SearchDoc), doc.map(Row::SearchDoc));
    }
    for revision in revisions {
        put(None, Some(Row::Revision(revision)));
    }
}

/// The rows of a list that only grows: new ones, and those that changed.
fn differ<T: PartialEq + Clone, K: PartialEq>(
    before: &[T],
    after: Vec<T>,
    key: impl Fn(&T) -> K,
    row: fn(T) -> Row,
    put: &mut impl FnMut(Option<Row>, Option<Row>),
) {
    for new in after {
        let old = before.iter().find(|old| key(old) == key(&new));
        if old != Some(&new) {
            put(old.cloned().map(row), Some(row(new)));
        }
    }
}

fn same_person(a: &Participant, b: &Participant) -> bool {
    (a.person, a.relation, a.joined) == (b.person, b.relation, b.joined)
}

fn head_doc(
    before: Option<&Case>,
    ticket: &Ticket,
    long: Option<&crate::ticket::TicketText>,
) -> Option<(Option<SearchDoc>, SearchDoc)> {
    let doc = |title: &str, description: &str| SearchDoc {
        tenant: ticket.tenant,
        ticket: ticket.id,
        entry: EntryId::NIL,
        internal: false,
        words: joined(&[title, description]),
    };
    let long = long?; // without the long text neither it nor the title was changed
    let Some(before) = before else { return Some((None, doc(&ticket.title, &long.description))) };
    let description = before.text.as_ref().map_or("", |text| &text.description);
    if before.ticket.title == ticket.title && description == long.description {
        return None; // finding the words takes longer than all the rest
    }
    let (old, new) = (doc(&before.ticket.title, description), doc(&ticket.title, &long.description));
    (old != new).then_some((Some(old), new))
}

fn entry_doc(entry: &crate::ticket::Entry) -> Option<SearchDoc> {
    entry.deleted_at.is_none().then(|| SearchDoc {
        tenant: entry.tenant,
        ticket: entry.ticket,
        entry: entry.id,
        internal: entry.visibility == EntryVisibility::Internal,
        words: joined(&[&entry.body]),
    })
}

fn joined(texts: &[&str]) -> String {
    let words: BTreeSet<String> = texts.iter().flat_map(|text| text::words(text)).collect();
    words.into_iter().collect::<Vec<_>>().join(" ")
}

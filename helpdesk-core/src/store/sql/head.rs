//! The columns of a ticket, with copies of its live people and its tags as text, one per line:
//!
//! ```text
//! people   relation person joined since        assignee 0192f0c1a2b37000800000000000000a 3 1767225600000
//! tags     tag since author                    0192f0c1a2b37000800000000000000b 1767225600000 person:0192…
//! ```

use std::fmt::Write as _;

use uuid::Uuid;

use super::column::{Column as _, Kind, Seen, Val, odd};
use super::image::{Image, Table, next};
use crate::approval::{Approvals, Overall};
use crate::id::{TenantId, TicketId};
use crate::store::{Head, Parts, StoreError};
use crate::text::fold;
use crate::ticket::{Participant, Tagging, Ticket};
use crate::time::Timestamp;
use crate::workflow::WorkflowRef;

impl From<Head> for Parts {
    fn from(Head { ticket, people, tags }: Head) -> Self {
        let approvals = (ticket.approval == Overall::None).then(Approvals::default);
        Self { ticket, text: None, people, tags, links: None, approvals, entries: vec![] }
    }
}

impl Image for Head {
    const TABLE: Table = Table {
        name: "hd_ticket",
        columns: &[
            ("tenant_id", Kind::Uuid),
            ("id", Kind::Uuid),
            ("project_id", Kind::Uuid),
            ("number", Kind::Int),
            ("type", Kind::Text),
            ("workflow", Kind::Text),
            ("workflow_version", Kind::Int),
            ("state", Kind::Text),
            ("category", Kind::Int),
            ("title", Kind::Text),
            ("priority", Kind::Int),
            ("priority_manual", Kind::Bool),
            ("urgency", Kind::Int),
            ("importance", Kind::Int),
            ("visibility", Kind::Text),
            ("group_id", Kind::Uuid),
            ("parent_id", Kind::Uuid),
            ("start_at", Kind::Int),
            ("due_at", Kind::Int),
            ("estimate", Kind::Int),
            ("resolved_at", Kind::Int),
            ("closed_at", Kind::Int),
            ("reopened", Kind::Int),
            ("regrouped", Kind::Int),
            ("version", Kind::Int),
            ("created_by", Kind::Text),
            ("created_at", Kind::Int),
            ("updated_by", Kind::Text),
            ("updated_at", Kind::Int),
            ("deleted_at", Kind::Int),
            ("salt", Kind::Bytes),
            // Copies, see [`Head`].
            ("people", Kind::Text),
            ("tags", Kind::Text),
            ("company_id", Kind::Uuid),
            ("approval", Kind::Text),
            // The title folded, for conditions on it.
            ("folded", Kind::Text),
        ],
        key: 2,
        version: Some(24),
        derived: 1,
        // Version, who and when; the state and what follows from it; the title; the priority.
        families: &[
            1 << 24 | 1 << 27 | 1 << 28,
            1 << 7 | 1 << 8 | 1 << 20 | 1 << 21 | 1 << 22,
            1 << 9 | 1 << 30 | 1 << 35,
            1 << 10 | 1 << 11 | 1 << 12 | 1 << 13,
        ],
    };
    fn values(&self) -> Vec<Val> {
        let ticket = &self.ticket;
        vec![
            ticket.tenant.put(),
            ticket.id.put(),
            ticket.project.put(),
            ticket.number.put(),
            ticket.kind.put(),
            Val::Text(ticket.workflow.key.to_string()),
            ticket.workflow.version.put(),
            ticket.state.put(),
            ticket.category.put(),
            ticket.title.put(),
            ticket.priority.put(),
            ticket.priority_manual.put(),
            ticket.urgency.put(),
            ticket.importance.put(),
            ticket.visibility.put(),
            ticket.group.put(),
            ticket.parent.put(),
            ticket.start_at.put(),
            ticket.due_at.put(),
            ticket.estimate.put(),
            ticket.resolved_at.put(),
            ticket.closed_at.put(),
            ticket.reopened.put(),
            ticket.regrouped.put(),
            ticket.version.put(),
            ticket.created_by.put(),
            ticket.created_at.put(),
            ticket.updated_by.put(),
            ticket.updated_at.put(),
            ticket.deleted_at.put(),
            ticket.salt.put(),
            Val::Text(people_text(&self.people)),
            Val::Text(tags_text(&self.tags)),
            ticket.company.put(),
            ticket.approval.put(),
            fold(&ticket.title).put(),
        ]
    }
    fn read<'a>(v: &mut impl Iterator<Item = Seen<'a>>) -> Result<Self, StoreError> {
        let mut ticket = Ticket {
            tenant: next(v)?,
            id: next(v)?,
            project: next(v)?,
            number: next(v)?,
            kind: next(v)?,
            workflow: WorkflowRef { key: text(v)?.into(), version: next(v)? },
            state: next(v)?,
            category: next(v)?,
            title: next(v)?,
            priority: next(v)?,
            priority_manual: next(v)?,
            urgency: next(v)?,
            importance: next(v)?,
            visibility: next(v)?,
            group: next(v)?,
            company: None, // this and the next stand behind the copies
            approval: Overall::None,
            parent: next(v)?,
            start_at: next(v)?,
            due_at: next(v)?,
            estimate: next(v)?,
            resolved_at: next(v)?,
            closed_at: next(v)?,
            reopened: next(v)?,
            regrouped: next(v)?,
            version: next(v)?,
            created_by: next(v)?,
            created_at: next(v)?,
            updated_by: next(v)?,
            updated_at: next(v)?,
            deleted_at: next(v)?,
            salt: next(v)?,
        };
        let people = people(ticket.tenant, ticket.id, text(v)?)?;
        let tags = tags(ticket.tenant, ticket.id, text(v)?)?;
        ticket.company = next(v)?;
        ticket.approval = next(v)?;
        Ok(Self { ticket, people, tags })
    }
}

/// What stands before the first `sign`, and what behind it: for the short words here, faster than searching for one.
pub(crate) fn cut(text: &str, sign: u8) -> (&str, &str) {
    debug_assert!(sign.is_ascii(), "a cut at an ASCII sign never parts a character");
    match text.bytes().position(|byte| byte == sign) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    }
}

fn text<'a>(values: &mut impl Iterator<Item = Seen<'a>>) -> Result<&'a str, StoreError> {
    match values.next() {
        Some(Seen::Text(text)) => Ok(text),
        other => Err(odd("a text", other)),
    }
}

/// In one order, so that equal people make equal texts.
fn people_text(people: &[Participant]) -> String {
    let mut sorted: Vec<&Participant> = people.iter().collect();
    sorted.sort_by_key(|person| (person.relation, person.person));
    let mut text = String::with_capacity(64 * people.len());
    for Participant { relation, person, joined, since, .. } in sorted {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{relation} {} {joined} {}", Uuid::from(*person).simple(), since.millis());
    }
    text
}

fn tags_text(tags: &[Tagging]) -> String {
    let mut sorted: Vec<&Tagging> = tags.iter().collect();
    sorted.sort_by_key(|tagging| tagging.tag);
    let mut text = String::with_capacity(96 * tags.len());
    for Tagging { tag, by, at, .. } in sorted {
        let _ = writeln!(text, "{} {} {by}", Uuid::from(*tag).simple(), at.millis());
    }
    text
}

fn people(tenant: TenantId, ticket: TicketId, lines: &str) -> Result<Vec<Participant>, StoreError> {
    let read = |line: &str| {
        let (relation, rest) = cut(line, b' ');
        let (person, rest) = cut(rest, b' ');
        let (joined, since) = cut(rest, b' ');
        Some(Participant {
            tenant,
            ticket,
            relation: relation.parse().ok()?,
            person: Uuid::try_parse(person).ok()?.into(),
            joined: joined.parse().ok()?,
            since: Timestamp::from_millis(since.parse().ok()?),
            until: None,
        })
    };
    let (mut all, mut rest) = (Vec::new(), lines);
    while !rest.is_empty() {
        let (line, others) = cut(rest, b'\n');
        all.push(read(line).ok_or_else(|| odd("a person of a ticket", line))?);
        rest = others;
    }
    Ok(all)
}

fn tags(tenant: TenantId, ticket: TicketId, lines: &str) -> Result<Vec<Tagging>, StoreError> {
    let read = |line: &str| {
        let mut words = line.splitn(3, ' ');
        Some(Tagging {
            tenant,
            ticket,
            tag: Uuid::try_parse(words.next()?).ok()?.into(),
            at: Timestamp::from_millis(words.next()?.parse().ok()?),
            by: words.next()?.parse().ok()?,
        })
    };
    lines.lines().map(|line| read(line).ok_or_else(|| odd("a tag of a ticket", line))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actor::{Author, PluginId};
    use crate::ticket::Relation;

    #[test]
    fn copies_come_back_in_order() {
        let id = |n: u128| Uuid::from_u128(n);
        let (tenant, ticket) = (id(8).into(), id(9).into());
        let person = |relation, n, since| Participant {
            tenant,
            ticket,
            person: id(n).into(),
            relation,
            joined: i64::MAX,
            since: Timestamp::from_millis(since),
            until: None,
        };
        let mut all: Vec<Participant> = Relation::ALL.iter().map(|relation| person(*relation, 7, -5)).collect();
        all.insert(0, person(Relation::Member, 1, i64::MAX));
        let back = people(tenant, ticket, &people_text(&all)).unwrap();
        all.sort_by_key(|one| (one.relation, one.person));
        assert_eq!(back, all);
        let authors = [
            Author::System,
            Author::Person(id(3).into()),
            Author::Service(id(4).into()),
            Author::Plugin("a-b.c_d".parse::<PluginId>().unwrap()),
        ];
        let tagging = |(n, by): (u128, &Author)| Tagging {
            tenant,
            ticket,
            tag: id(n).into(),
            by: by.clone(),
            at: Timestamp::from_millis(-1),
        };
        let all: Vec<Tagging> = (1..).zip(&authors).map(tagging).collect();
        let mixed: Vec<Tagging> = all.iter().rev().cloned().collect();
        assert_eq!(tags(tenant, ticket, &tags_text(&mixed)).unwrap(), all);
        assert_eq!((people_text(&[]), tags_text(&[])), (String::new(), String::new()));
        for odd in ["assignee", "assignee x 1 2", "friend 00000000000000000000000000000007 1 2", "\n"] {
            assert!(people(tenant, ticket, odd).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn families_are_what_they_say() {
        let names = |mask: u64| -> Vec<&str> {
            let columns = Head::TABLE.columns.iter().enumerate();
            columns.filter(|(i, _)| mask & (1 << i) != 0).map(|(_, (name, _))| *name).collect()
        };
        let families: Vec<_> = Head::TABLE.families.iter().map(|family| names(*family)).collect();
        let expected: [&[&str]; 4] = [
            &["version", "updated_by", "updated_at"],
            &["state", "category", "resolved_at", "closed_at", "reopened"],
            &["title", "salt", "folded"],
            &["priority", "priority_manual", "urgency", "importance"],
        ];
        assert_eq!(families, expected);
        let moved = Head::TABLE.widened(1 << 7 | 1 << 24);
        assert_eq!(
            names(moved),
            ["state", "category", "resolved_at", "closed_at", "reopened", "version", "updated_by", "updated_at"]
        );
    }
}

//! Reading rows into plain values: everything the desk reads is decoded here too.

use std::fmt::Write as _;

use anyhow::Context;
use deadpool_postgres::Object;
use helpdesk_core::ticket::Relation;
use tokio_postgres::Row;
use uuid::Uuid;

use super::Hand;
use crate::world::{COLUMNS, place};

/// A ticket's head.
#[derive(Debug, Clone)]
#[allow(dead_code, reason = "everything the desk decodes is decoded here too, looked at or not")]
pub(super) struct Head {
    pub(super) id: Uuid,
    pub(super) project: Uuid,
    pub(super) number: i64,
    pub(super) kind: String,
    pub(super) workflow: (String, i64),
    pub(super) state: String,
    pub(super) category: i64,
    pub(super) title: String,
    pub(super) priority: (i64, bool),
    pub(super) weight: (i64, i64),
    pub(super) visibility: String,
    pub(super) group: Uuid,
    pub(super) parent: Uuid,
    pub(super) planned: (i64, i64, i64),
    pub(super) resolved_at: i64,
    pub(super) closed_at: i64,
    pub(super) reopened: i64,
    pub(super) regrouped: i64,
    pub(super) version: i64,
    pub(super) created: (String, i64),
    pub(super) updated: (String, i64),
    pub(super) deleted_at: i64,
    pub(super) salt: [u8; 16],
}

/// Who is something to a ticket: as what, who, made so by which version, since when.
pub type Person = (Relation, Uuid, i64, i64);

/// Reads the copies of people in a ticket's row, one per line.
pub fn people(text: &str) -> anyhow::Result<Vec<Person>> {
    let read = |mut line: &str| {
        let (relation, id) = (cut(&mut line, b' ').parse().ok()?, Uuid::try_parse(cut(&mut line, b' ')).ok()?);
        Some((relation, id, cut(&mut line, b' ').parse().ok()?, line.parse().ok()?))
    };
    let (mut all, mut rest) = (Vec::new(), text);
    while !rest.is_empty() {
        let line = cut(&mut rest, b'\n');
        all.push(read(line).with_context(|| format!("no person: {line}"))?);
    }
    Ok(all)
}

/// A ticket as it is loaded.
#[derive(Debug, Clone)]
#[allow(dead_code, reason = "as above")]
pub(super) struct Loaded {
    pub(super) epoch: i64,
    pub(super) head: Head,
    pub(super) people: Vec<Person>,
    /// Nothing here has tags.
    pub(super) tags: String,
    pub(super) company: Uuid,
}

/// Where columns behind those of [`Loaded`] begin.
const BEHIND: usize = 2;

fn list<'a, T: tokio_postgres::types::FromSql<'a>>(row: &'a Row, at: usize) -> anyhow::Result<Vec<T>> {
    Ok(row.try_get::<_, Option<Vec<T>>>(at)?.unwrap_or_default())
}

fn id(field: &str) -> anyhow::Result<Uuid> {
    if field.is_empty() { Ok(Uuid::nil()) } else { Ok(Uuid::try_parse(field)?) }
}

fn number(field: &str) -> anyhow::Result<i64> {
    if field.is_empty() { Ok(i64::MAX) } else { Ok(field.parse()?) }
}

impl Loaded {
    /// The row as the one text beside it.
    pub(super) fn whole(&self) -> String {
        let Self { head: h, people, tags, company, .. } = self;
        let id = |id: Uuid| if id.is_nil() { String::new() } else { id.to_string() };
        let at = |at: i64| if at == i64::MAX { String::new() } else { at.to_string() };
        let mut on_it = String::new();
        for (relation, person, joined, since) in people {
            let _ = writeln!(on_it, "{relation} {} {joined} {since}", person.simple()); // writing to a String cannot fail
        }
        format!(
            "{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t\
             {}\t{on_it}\t{tags}\t{}\t{}\t{}",
            h.id,
            h.project,
            h.number,
            h.kind,
            h.workflow.0,
            h.workflow.1,
            h.state,
            h.category,
            h.priority.0,
            h.priority.1,
            h.weight.0,
            h.weight.1,
            h.visibility,
            id(h.group),
            id(h.parent),
            at(h.planned.0),
            at(h.planned.1),
            h.planned.2,
            at(h.resolved_at),
            at(h.closed_at),
            h.reopened,
            h.regrouped,
            h.version,
            h.created.0,
            h.created.1,
            h.updated.0,
            h.updated.1,
            at(h.deleted_at),
            id(*company),
            Uuid::from_bytes(h.salt).simple(),
            h.title,
        )
    }
}

/// What stands before the first `sign`; `rest` moves on behind it.
fn cut<'a>(rest: &mut &'a str, sign: u8) -> &'a str {
    let (text, at) = (*rest, rest.bytes().position(|byte| byte == sign));
    let (before, behind) = at.map_or((text, ""), |at| (&text[..at], &text[at + 1..]));
    *rest = behind;
    before
}

/// Epoch and the ticket's row as the one text that the database keeps of it.
pub(super) fn loaded(row: &Row) -> anyhow::Result<Loaded> {
    let mut text: &str = row.try_get(1)?;
    let mut f = || cut(&mut text, b'\t');
    let (head_id, project, nth, kind, workflow) = (id(f())?, id(f())?, number(f())?, f(), (f(), number(f())?));
    let (state, category, priority, weight) = (f(), number(f())?, (number(f())?, f()), (number(f())?, number(f())?));
    let (visibility, group, parent) = (f(), id(f())?, id(f())?);
    let planned = (number(f())?, number(f())?, number(f())?);
    let (resolved_at, closed_at, reopened, regrouped, version) =
        (number(f())?, number(f())?, number(f())?, number(f())?, number(f())?);
    let (created, updated, deleted_at) = ((f(), number(f())?), (f(), number(f())?), number(f())?);
    let (on_it, tags, company, salt, title) = (people(f())?, f(), id(f())?, id(f())?, f());
    let head = Head {
        id: head_id,
        project,
        number: nth,
        kind: kind.into(),
        workflow: (workflow.0.into(), workflow.1),
        state: state.into(),
        category,
        title: title.into(),
        priority: (priority.0, priority.1 == "true"),
        weight,
        visibility: visibility.into(),
        group,
        parent,
        planned,
        resolved_at,
        closed_at,
        reopened,
        regrouped,
        version,
        created: (created.0.into(), created.1),
        updated: (updated.0.into(), updated.1),
        deleted_at,
        salt: salt.into_bytes(),
    };
    Ok(Loaded { epoch: row.try_get(0)?, head, people: on_it, tags: tags.into(), company })
}

impl Hand {
    /// Reads a ticket whole.
    pub(super) async fn get(&self, client: &Object, i: u64) -> anyhow::Result<()> {
        let (t, p, number) = place(i);
        let tenant = &self.world.tenants[t];
        let row = self.one(client, &self.texts.get, &[&Uuid::from(tenant.id), &tenant.projects[p].1, &number]).await?;
        let ticket = loaded(&row)?;
        anyhow::ensure!(ticket.head.number == number, "another ticket was read");
        let at = BEHIND;
        let text: (String, Vec<u8>) = (row.try_get(at)?, row.try_get(at + 1)?);
        let entries = (
            (list::<Uuid>(&row, at + 2)?, list::<String>(&row, at + 3)?, list::<String>(&row, at + 4)?),
            (list::<String>(&row, at + 5)?, list::<Vec<u8>>(&row, at + 6)?, list::<i64>(&row, at + 7)?),
            (list::<i64>(&row, at + 8)?, list::<i64>(&row, at + 9)?, list::<i64>(&row, at + 10)?),
        );
        std::hint::black_box((ticket, text, entries));
        Ok(())
    }

    /// Reads a page.
    pub(super) async fn list(&self, client: &Object, t: usize, p: usize) -> anyhow::Result<()> {
        let tenant = &self.world.tenants[t];
        let (project, viewer) = (Uuid::from(tenant.projects[p].0), Uuid::from(tenant.agent));
        let state = COLUMNS[0].state;
        let rows = self.all(client, &self.texts.list, &[&Uuid::from(tenant.id), &project, &state, &viewer]).await?;
        let page = rows.iter().map(loaded).collect::<anyhow::Result<Vec<_>>>()?;
        std::hint::black_box(page.last().context("a list is empty")?);
        Ok(())
    }
}

//! Reading rows into plain values: everything the desk reads is decoded here too.

use anyhow::Context;
use deadpool_postgres::Object;
use helpdesk_core::ticket::Relation;
use tokio_postgres::Row;
use uuid::Uuid;

use super::Hand;
use crate::world::{COLUMNS, place};

/// A ticket's head.
#[derive(Debug)]
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
    pub(super) salt: Vec<u8>,
}

/// Who is something to a ticket: as what, who, made so by which version, since when.
pub type Person = (Relation, Uuid, i64, i64);

/// Reads the copies of people in a ticket's row, one per line.
pub fn people(text: &str) -> anyhow::Result<Vec<Person>> {
    let read = |line: &str| {
        let mut words = line.split(' ');
        let (relation, id) = (words.next()?.parse().ok()?, Uuid::try_parse(words.next()?).ok()?);
        Some((relation, id, words.next()?.parse().ok()?, words.next()?.parse().ok()?))
    };
    text.lines().map(|line| read(line).with_context(|| format!("no person: {line}"))).collect()
}

/// A ticket as it is loaded.
#[derive(Debug)]
#[allow(dead_code, reason = "as above")]
pub(super) struct Loaded {
    pub(super) epoch: i64,
    pub(super) head: Head,
    pub(super) people: Vec<Person>,
    /// Nothing here has tags.
    pub(super) tags: String,
}

/// Where columns behind those of [`Loaded`] begin.
const BEHIND: usize = 35;

fn list<'a, T: tokio_postgres::types::FromSql<'a>>(row: &'a Row, at: usize) -> anyhow::Result<Vec<T>> {
    Ok(row.try_get::<_, Option<Vec<T>>>(at)?.unwrap_or_default())
}

pub(super) fn loaded(row: &Row) -> anyhow::Result<Loaded> {
    let head = Head {
        id: row.try_get(2)?,
        project: row.try_get(3)?,
        number: row.try_get(4)?,
        kind: row.try_get(5)?,
        workflow: (row.try_get(6)?, row.try_get(7)?),
        state: row.try_get(8)?,
        category: row.try_get(9)?,
        title: row.try_get(10)?,
        priority: (row.try_get(11)?, row.try_get(12)?),
        weight: (row.try_get(13)?, row.try_get(14)?),
        visibility: row.try_get(15)?,
        group: row.try_get(16)?,
        parent: row.try_get(17)?,
        planned: (row.try_get(18)?, row.try_get(19)?, row.try_get(20)?),
        resolved_at: row.try_get(21)?,
        closed_at: row.try_get(22)?,
        reopened: row.try_get(23)?,
        regrouped: row.try_get(24)?,
        version: row.try_get(25)?,
        created: (row.try_get(26)?, row.try_get(27)?),
        updated: (row.try_get(28)?, row.try_get(29)?),
        deleted_at: row.try_get(30)?,
        salt: row.try_get(31)?,
    };
    let (people, tags) = (people(row.try_get(32)?)?, row.try_get(33)?);
    Ok(Loaded { epoch: row.try_get(0)?, head, people, tags })
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

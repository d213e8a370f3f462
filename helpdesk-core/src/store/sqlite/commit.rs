//! A commit: what it saw must still hold, then its rows, events, jobs and key are written.

use std::sync::Arc;

use super::db::{Db, Fault};
use super::threads::Effect;
use super::{log, queue};
use crate::event::Cursor;
use crate::store::sql::column::{Column, Val};
use crate::store::sql::image::{self, Image, Table};
use crate::store::{Commit, Epoch, Key, Outcome, Row, Write};
use crate::ticket::SearchDoc;

/// Writes all of it, or asks for it to be undone.
pub(super) fn commit(db: &Db, commit: &Commit) -> Result<Effect<Outcome>, Fault> {
    if let Some(lease) = &commit.done
        && !queue::holds(db, lease)?
    {
        return Ok(Effect::Keep(Outcome::LeaseLost));
    }
    if !holds(db, commit)? {
        return Ok(Effect::Keep(Outcome::Stale));
    }
    match write(db, commit) {
        Ok(Some(cursor)) => Ok(Effect::Keep(Outcome::Done(cursor))),
        Ok(None) | Err(Fault::Taken) => Ok(Effect::Undo(Outcome::Stale)),
        Err(fault) => Err(fault),
    }
}

/// Epoch and read set, which are only looked at.
fn holds(db: &Db, commit: &Commit) -> Result<bool, Fault> {
    let tenant = commit.tenant.put();
    if let Epoch::Seen(seen) | Epoch::Move(seen) = commit.epoch
        && db.number("epoch", &db.reads.epoch, std::slice::from_ref(&tenant))? != Some(seen)
    {
        return Ok(false);
    }
    for (ticket, version) in &commit.reads {
        let sql = "SELECT version FROM hd_ticket WHERE tenant_id = $1 AND id = $2";
        if db.number("ticket version", sql, &[tenant.clone(), ticket.put()])? != Some(*version) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// None when a row was no longer as it was seen.
fn write(db: &Db, commit: &Commit) -> Result<Option<Option<Cursor>>, Fault> {
    let tenant = commit.tenant.put();
    match commit.epoch {
        Epoch::Begin => {
            db.execute("epoch begin", "INSERT INTO hd_epoch (tenant_id, epoch) VALUES ($1, 1)", &[tenant])?;
        }
        Epoch::Seen(_) => {}
        Epoch::Move(_) => {
            db.execute("epoch move", "UPDATE hd_epoch SET epoch = epoch + 1 WHERE tenant_id = $1", &[tenant])?;
        }
    }
    for change in &commit.writes {
        if !row(db, change)? {
            return Ok(None);
        }
    }
    let cursor = log::append(db, commit.tenant, &commit.events)?;
    if let Some(lease) = &commit.done {
        queue::finish(db, lease)?;
    }
    for job in &commit.jobs {
        queue::enqueue(db, job)?;
    }
    if let Some(key) = &commit.key {
        remember(db, commit, key)?;
    }
    Ok(Some(cursor))
}

fn remember(db: &Db, commit: &Commit, key: &Key) -> Result<(), Fault> {
    let (kind, id) = key.subject.as_ref().map_or(("", String::new()), |subject| (subject.kind(), subject.key()));
    db.execute(
        "idempotency",
        "INSERT INTO hd_idempotency (tenant_id, author, \"key\", hash, made, version, subject_kind, subject_id, at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        &[
            commit.tenant.put(),
            key.by.put(),
            key.key.put(),
            key.hash.put(),
            key.made.put(),
            key.version.put(),
            Val::Text(kind.into()),
            id.put(),
            key.at.put(),
        ],
    )?;
    Ok(())
}

/// False when the row was no longer as it was seen.
fn row(db: &Db, write: &Write) -> Result<bool, Fault> {
    if let (Some(Row::SearchDoc(_)), _) | (_, Some(Row::SearchDoc(_))) = (&write.before, &write.after) {
        return search_doc(db, write);
    }
    match (&write.before, &write.after) {
        (None, None) => Ok(true),
        (None, Some(after)) => {
            let (table, values) = image::of(after);
            let sql = text(db, table, INSERT, insert);
            Ok(db.execute(table.name, &sql, &values)? == 1)
        }
        (Some(before), Some(after)) => update(db, before, after),
        (Some(before), None) => {
            let (table, values) = image::of(before);
            let sql = text(db, table, DELETE, |table| format!("DELETE FROM {} WHERE {}", table.name, seen(table, 0)));
            Ok(db.execute(table.name, &sql, &seen_values(table, &values))? == 1)
        }
    }
}

/// Writes the columns that differ and no others: an index whose columns stay is not touched.
fn update(db: &Db, before: &Row, after: &Row) -> Result<bool, Fault> {
    let ((table, old), (_, new)) = (image::of(before), image::of(after));
    let mut changed: u64 = 0;
    let mut values = Vec::new();
    for (i, value) in new.into_iter().enumerate() {
        if old.get(i) != Some(&value) {
            changed |= 1 << i;
            values.push(value);
        }
    }
    if changed == 0 {
        return Ok(true);
    }
    let n = values.len();
    values.extend(seen_values(table, &old));
    let sql = text(db, table, changed, |table| {
        let columns = table.columns.iter().enumerate().filter(|(i, _)| changed & (1 << i) != 0);
        let sets: Vec<String> = columns.zip(1..).map(|((_, (name, _)), n)| format!("\"{name}\" = ${n}")).collect();
        format!("UPDATE {} SET {} WHERE {}", table.name, sets.join(", "), seen(table, n))
    });
    Ok(db.execute(table.name, &sql, &values)? == 1)
}

const INSERT: u64 = u64::MAX;
const DELETE: u64 = 0;

/// A text that depends on the table and on what is written, made once.
fn text(db: &Db, table: &'static Table, what: u64, make: impl FnOnce(&Table) -> String) -> Arc<str> {
    let mut texts = db.texts.borrow_mut();
    Arc::clone(texts.entry((table.name, what)).or_insert_with(|| make(table).into()))
}

fn insert(table: &Table) -> String {
    let columns: Vec<String> = table.columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
    let places: Vec<String> = (1..=columns.len()).map(|n| format!("${n}")).collect();
    format!("INSERT INTO {} ({}) VALUES ({})", table.name, columns.join(", "), places.join(", "))
}

/// The condition that finds the row as it was seen; `n` places are taken already.
fn seen(table: &Table, n: usize) -> String {
    let columns = table.columns[..table.key].iter().chain(table.version.map(|i| &table.columns[i]));
    let parts: Vec<String> = columns.zip(n + 1..).map(|((name, _), n)| format!("\"{name}\" = ${n}")).collect();
    parts.join(" AND ")
}

fn seen_values(table: &Table, values: &[Val]) -> Vec<Val> {
    values[..table.key].iter().chain(table.version.map(|i| &values[i])).cloned().collect()
}

/// A document and its words in the index, which must be told what it forgets.
fn search_doc(db: &Db, write: &Write) -> Result<bool, Fault> {
    let doc = |row: &Option<Row>| match row {
        Some(Row::SearchDoc(doc)) => Some(doc.clone()),
        _ => None,
    };
    let (before, after) = (doc(&write.before), doc(&write.after));
    let Some(any) = before.as_ref().or(after.as_ref()) else { return Ok(true) };
    let key = [any.tenant.put(), any.ticket.put(), any.entry.put()];
    if before.is_some() {
        let found = db.query(
            "search forget",
            "DELETE FROM hd_search WHERE tenant_id = $1 AND ticket_id = $2 AND entry_id = $3 RETURNING doc, words",
            &key,
            |row| Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?)),
        )?;
        let Some((doc, words)) = found.into_iter().next() else { return Ok(false) };
        db.execute(
            "search index forget",
            "INSERT INTO hd_search_words (hd_search_words, rowid, words) VALUES ('delete', $1, $2)",
            &[doc.put(), words.put()],
        )?;
    }
    if let Some(after) = after {
        let table = const { &SearchDoc::TABLE };
        let values = after.values();
        let sql = text(db, table, INSERT, insert);
        db.execute(table.name, &sql, &values)?;
        let sql = "INSERT INTO hd_search_words (rowid, words) VALUES ($1, $2)";
        db.execute("search index", sql, &[db.conn.last_insert_rowid().put(), after.words.put()])?;
    }
    Ok(true)
}

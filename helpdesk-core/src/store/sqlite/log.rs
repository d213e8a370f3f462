//! The event log. There is one writer, so the order of rowids is the order of commits.

use std::sync::Arc;

use rusqlite::Row;

use super::db::{Db, Fault, get};
use crate::actor::Author;
use crate::event::{Cursor, Envelope, Event, Subject};
use crate::id::TenantId;
use crate::store::sql::column::{Column, Val, odd};
use crate::store::{NewEvent, StoreError};

const COLUMNS: &str = "tenant_id, seq, id, subject_kind, subject_id, version, ord, kind, schema, author, cause, \
                       occurred_at, recorded_at, internal, data";

/// Appends events; where the last one stands.
pub(super) fn append(db: &Db, tenant: TenantId, events: &[NewEvent]) -> Result<Option<Cursor>, Fault> {
    let mut cause: Option<(*const crate::event::Cause, Arc<str>)> = None;
    for event in events {
        // The events of a command share their cause.
        let text = match &cause {
            Some((of, text)) if *of == Arc::as_ptr(&event.cause) => Arc::clone(text),
            _ => {
                let text = serde_json::to_string(&*event.cause).map_err(|error| odd("a cause", error))?;
                let text: Arc<str> = text.into();
                cause = Some((Arc::as_ptr(&event.cause), Arc::clone(&text)));
                text
            }
        };
        db.execute(
            "event",
            "INSERT INTO hd_event (tenant_id, id, subject_kind, subject_id, version, ord, kind, schema, author, cause, \
             occurred_at, recorded_at, internal, data) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
            &[
                tenant.put(),
                event.id.put(),
                Val::Text(event.subject.kind().into()),
                event.subject.key().put(),
                event.version.put(),
                event.ord.put(),
                Val::Text(event.event.kind().into()),
                Val::Int(event.event.schema().into()),
                event.by.put(),
                Val::Text(text.to_string()),
                event.occurred_at.put(),
                event.recorded_at.put(),
                event.internal.put(),
                event.event.data().put(),
            ],
        )?;
    }
    Ok((!events.is_empty()).then(|| Cursor::at(db.conn.last_insert_rowid())))
}

/// The end of the log.
pub(super) fn head(db: &Db) -> Result<Cursor, Fault> {
    Ok(Cursor::at(db.number("log head", "SELECT max(seq) FROM hd_event", &[])?.unwrap_or(0)))
}

/// Events after `cursor`, and how far the log was read.
pub(super) fn after(
    db: &Db,
    tenant: Option<TenantId>,
    cursor: Cursor,
    limit: u16,
) -> Result<(Vec<Envelope>, Cursor), Fault> {
    let (limit, seq) = (Val::Int(limit.into()), cursor.seq().put());
    let events = match tenant {
        None => {
            let sql = format!("SELECT {COLUMNS} FROM hd_event WHERE seq > $1 ORDER BY seq LIMIT $2");
            db.query("log", &sql, &[seq, limit.clone()], envelope)?
        }
        Some(tenant) => {
            let sql = format!("SELECT {COLUMNS} FROM hd_event WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT $3");
            db.query("log of a tenant", &sql, &[tenant.put(), seq, limit.clone()], envelope)?
        }
    };
    let full = Val::Int(events.len() as i64) == limit;
    let reached = match events.last() {
        Some(last) if full || tenant.is_none() => last.cursor,
        // Fewer than asked for: there are no more up to the end.
        _ => head(db)?.max(cursor),
    };
    Ok((events, reached))
}

/// The events of one subject.
pub(super) fn history(
    db: &Db,
    tenant: TenantId,
    subject: &Subject,
    version: i64,
    limit: u16,
) -> Result<Vec<Envelope>, Fault> {
    let sql = format!(
        "SELECT {COLUMNS} FROM hd_event WHERE tenant_id = $1 AND subject_kind = $2 AND subject_id = $3 \
         AND version > $4 ORDER BY version, ord, seq LIMIT $5"
    );
    let values =
        [tenant.put(), Val::Text(subject.kind().into()), subject.key().put(), version.put(), Val::Int(limit.into())];
    db.query("history", &sql, &values, envelope)
}

fn envelope(row: &Row<'_>) -> Result<Envelope, Fault> {
    let text = |i| row.get_ref(i)?.as_str().map_err(|error| Fault::from(StoreError::Defect(error.to_string())));
    let (kind, key) = (text(3)?, text(4)?);
    let cause: crate::event::Cause = serde_json::from_str(text(10)?).map_err(|error| odd("a cause", error))?;
    let schema = u16::try_from(row.get::<_, i64>(8)?).map_err(|error| odd("a schema number", error))?;
    Ok(Envelope {
        tenant: get(row, 0)?,
        cursor: Cursor::at(row.get(1)?),
        id: get(row, 2)?,
        subject: Subject::parse(kind, key).ok_or_else(|| odd("a subject", format!("{kind} {key}")))?,
        version: row.get(5)?,
        ord: row.get(6)?,
        by: get::<Author>(row, 9)?,
        cause: Arc::new(cause),
        occurred_at: get(row, 11)?,
        recorded_at: get(row, 12)?,
        internal: row.get(13)?,
        event: Event::read(text(7)?, schema, text(14)?),
    })
}

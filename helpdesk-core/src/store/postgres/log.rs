//! The event log, read in commit order behind the writers' watermark (`pg_advisory_xact_lock_shared`).
//!
//! Three statements in this order, each in a transaction of its own: the number last given out (L), the smallest number
//! at which an unfinished writer took its lock (K), then rows up to min(L, K). A writer whose lock is not yet seen
//! takes its numbers after L was read; one whose lock is seen takes them above K. They travel together.

use std::sync::Arc;

use tokio_postgres::Row;

use super::core::Core;
use super::link::{Link, Ready, fault};
use super::value::{Param, get, maybe_int};
use crate::event::{Cause, Cursor, Envelope, Event, Subject};
use crate::id::TenantId;
use crate::store::StoreError;

const LAST: &str = "SELECT last_value FROM {s}hd_event_seq";

const COLUMNS: &str = "tenant_id, seq, id, subject_kind, subject_id, version, ord, kind, schema, author, cause, \
     occurred_at, recorded_at, internal, data";

/// The smallest key among the writers' locks. `objsubid = 1` marks locks of one 64-bit key.
fn lowest(core: &Core) -> Arc<str> {
    core.text("the smallest watermark", || {
        let first = core.magic() << 16;
        let last = first | 0xffff;
        format!(
            "SELECT min((classid::bigint << 32 | objid::bigint) & 281474976710655) FROM pg_locks \
             WHERE locktype = 'advisory' AND objsubid = 1 AND classid::bigint BETWEEN {first} AND {last} \
             AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
    })
}

/// The two statements that tell how far the log can be read.
async fn bounds<'q>(link: &Link<'_>, last: &'q str, low: &'q str) -> Result<[Ready<'q>; 2], StoreError> {
    let last = link.ready("log end", last, vec![]).await.map_err(fault)?;
    let low = link.ready("log watermark", low, vec![]).await.map_err(fault)?;
    Ok([last, low])
}

fn bound(last: &[Row], low: &[Row]) -> Result<i64, StoreError> {
    let number = |rows: &[Row]| rows.first().map(|row| maybe_int(row, 0)).transpose().map(Option::flatten);
    let last = number(last)?.ok_or_else(|| StoreError::Defect("the log has no sequence".into()))?;
    Ok(number(low)?.map_or(last, |low| low.min(last)))
}

pub(super) async fn head(link: &Link<'_>) -> Result<Cursor, StoreError> {
    let core = link.core();
    let (last, low) = (core.sql(LAST), lowest(core));
    let ready = bounds(link, &last, &low).await?;
    let answers = link.together(&ready).await?;
    let [last, low] = answers.as_slice() else { return Ok(Cursor::START) };
    bound(last, low).map(Cursor::at)
}

/// The number last given out, though writers below it may be unfinished.
pub(super) async fn last(link: &Link<'_>) -> Result<Cursor, StoreError> {
    let text = link.core().sql(LAST);
    let rows = link.query("log end", &text, vec![]).await?;
    bound(&rows, &[]).map(Cursor::at)
}

pub(super) async fn after(
    link: &Link<'_>,
    tenant: Option<TenantId>,
    cursor: Cursor,
    limit: u16,
) -> Result<(Vec<Envelope>, Cursor), StoreError> {
    let core = link.core();
    let (last, low) = (core.sql(LAST), lowest(core));
    let events = core.names.text("hd_event");
    let (text, params) = match tenant {
        Some(tenant) => (
            core.text_for("log of a tenant", limit, || {
                format!("SELECT {COLUMNS} FROM {events} WHERE tenant_id = $1 AND seq > $2 ORDER BY seq LIMIT {limit}")
            }),
            vec![Param::uuid(tenant), Param::int(cursor.seq())],
        ),
        None => (
            core.text_for("log", limit, || {
                format!("SELECT {COLUMNS} FROM {events} WHERE seq > $1 ORDER BY seq LIMIT {limit}")
            }),
            vec![Param::int(cursor.seq())],
        ),
    };
    let [last, low] = bounds(link, &last, &low).await?;
    let rows = link.dynamic("log", &text, params).await.map_err(fault)?;
    let answers = link.together(&[last, low, rows]).await?;
    let [last, low, rows] = answers.as_slice() else { return Ok((vec![], cursor)) };
    let bound = bound(last, low)?;
    let full = rows.len() == usize::from(limit);
    let mut all = rows.iter().map(envelope).collect::<Result<Vec<_>, _>>()?;
    let reached = all.last().filter(|_| full).map_or(bound, |last| last.cursor.seq().min(bound));
    all.retain(|envelope| envelope.cursor.seq() <= bound);
    Ok((all, Cursor::at(reached).max(cursor)))
}

pub(super) async fn history(
    link: &Link<'_>,
    tenant: TenantId,
    subject: &Subject,
    version: i64,
    limit: u16,
) -> Result<Vec<Envelope>, StoreError> {
    let core = link.core();
    let text = core.text_for("history", limit, || {
        format!(
            "SELECT {COLUMNS} FROM {} WHERE tenant_id = $1 AND subject_kind = $2 AND subject_id = $3 AND version > $4 \
             ORDER BY version, ord, seq LIMIT {limit}",
            core.names.text("hd_event")
        )
    });
    let params =
        vec![Param::uuid(tenant), Param::text(subject.kind()), Param::text(&subject.key()), Param::int(version)];
    link.query_dynamic("history", &text, params).await?.iter().map(envelope).collect()
}

fn envelope(row: &Row) -> Result<Envelope, StoreError> {
    let (kind, key): (String, String) = (get(row, 3)?, get(row, 4)?);
    let subject = Subject::parse(&kind, &key)
        .ok_or_else(|| StoreError::Defect(format!("an event is about the unknown {kind} {key}")))?;
    let cause: String = get(row, 10)?;
    let cause: Cause =
        serde_json::from_str(&cause).map_err(|error| StoreError::Defect(format!("the cause of an event: {error}")))?;
    let (kind, schema, data): (String, i64, String) = (get(row, 7)?, get(row, 8)?, get(row, 14)?);
    Ok(Envelope {
        tenant: get(row, 0)?,
        cursor: Cursor::at(get(row, 1)?),
        id: get(row, 2)?,
        subject,
        version: get(row, 5)?,
        ord: get(row, 6)?,
        by: get(row, 9)?,
        cause: Arc::new(cause),
        occurred_at: get(row, 11)?,
        recorded_at: get(row, 12)?,
        internal: get(row, 13)?,
        event: Event::read(&kind, u16::try_from(schema).unwrap_or(u16::MAX), &data),
    })
}

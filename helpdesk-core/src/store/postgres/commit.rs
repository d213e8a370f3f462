//! Committing: one statement, so that it happens whole or not at all whatever becomes of its future.

use std::sync::{Arc, PoisonError};

use tokio_postgres::error::SqlState;
use tokio_postgres::{Error, Row};

use super::compose::{Composed, compose};
use super::core::Core;
use super::link::{Link, away, described, fault, lost, passing};
use super::shape::Shape;
use crate::event::Cursor;
use crate::store::sql::image::Table;
use crate::store::{Commit, Outcome, StoreError};

/// Writes all of it, or nothing. No retry here: the desk loads and decides again.
pub(super) async fn commit(link: &Link<'_>, commit: &Commit) -> Result<Outcome, StoreError> {
    let Composed { shape, params, tables } = compose(commit)?;
    let (text, kept) = text_of(link.core(), &shape, &tables);
    let ready = if kept {
        link.ready("commit", &text, params).await.map_err(fault)?
    } else {
        Link::once("commit", &text, params)
    };
    link.trip();
    let rows = match link.send(&ready).await {
        Ok(rows) => rows,
        Err(error) => return judge(&error),
    };
    outcome(&rows)
}

/// The same inside a transaction of the host, behind a savepoint: what fails leaves nothing behind and the transaction
/// whole. All three are sent before this first waits, and it must be driven to its end: a failed statement is still to
/// be undone.
pub(super) async fn within(link: &Link<'_>, commit: &Commit) -> Result<Outcome, StoreError> {
    let Composed { shape, params, tables } = compose(commit)?;
    let (text, _) = text_of(link.core(), &shape, &tables);
    let ready = Link::once("commit", &text, params);
    link.trip();
    let (saved, rows, released) = futures_util::join!(
        link.batch("SAVEPOINT hd_command"),
        link.send(&ready),
        link.batch("RELEASE SAVEPOINT hd_command")
    );
    saved.map_err(fault)?;
    match rows {
        Ok(rows) => {
            released.map_err(fault)?;
            outcome(&rows)
        }
        Err(error) => {
            link.batch("ROLLBACK TO SAVEPOINT hd_command; RELEASE SAVEPOINT hd_command").await.map_err(fault)?;
            judge(&error)
        }
    }
}

fn outcome(rows: &[Row]) -> Result<Outcome, StoreError> {
    let row = rows.first().ok_or_else(|| StoreError::Defect("a commit answered nothing".into()))?;
    let number = |at| super::value::maybe_int(row, at);
    Ok(match (number(0)?, number(1)?) {
        (_, Some(0)) => Outcome::LeaseLost,
        (Some(0), _) => Outcome::Stale,
        _ => Outcome::Done(number(2)?.map(Cursor::at)),
    })
}

/// The statement of this shape, and whether it is kept: when it came twice, and while there is room.
fn text_of(core: &Core, shape: &Shape, tables: &[&'static Table]) -> (Arc<str>, bool) {
    if let Some(text) = core.shapes.read().unwrap_or_else(PoisonError::into_inner).get(shape) {
        return (Arc::clone(text), true);
    }
    let table = |name: &'static str| tables.iter().copied().find(|table| table.name == name).unwrap_or(tables[0]);
    let text: Arc<str> = shape.render(core, &table).into();
    let kept = core.hot_shapes.is_hot(&text);
    if kept {
        core.shapes.write().unwrap_or_else(PoisonError::into_inner).insert(shape.clone(), Arc::clone(&text));
    }
    (text, kept)
}

/// What an error of a commit means. The server undoes a failed statement whole.
fn judge(error: &Error) -> Result<Outcome, StoreError> {
    const STALE: [SqlState; 4] = [
        SqlState::UNIQUE_VIOLATION,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
        SqlState::DIVISION_BY_ZERO, // the gate
    ];
    match error.code() {
        Some(code) if STALE.contains(code) => Ok(Outcome::Stale),
        Some(code) if away(code) => Err(StoreError::Unknown(described(error))),
        Some(code) if passing(code) => Err(StoreError::Unavailable(described(error))),
        Some(_) => Err(StoreError::Defect(described(error))),
        None if lost(error) => Err(StoreError::Unknown(described(error))),
        None => Err(StoreError::Defect(described(error))),
    }
}

//! One connection with its cached statements, and how values go in and rows come out.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::sync::Arc;

use rusqlite::types::{Null, ToSql, ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, ErrorCode, Row, ffi};
use uuid::Uuid;

use crate::store::StoreError;
use crate::store::sql::column::{Column, Kind, Seen, Val, odd};
use crate::store::sql::image::Image;
use crate::store::sql::names::{Dialect, Names};
use crate::store::sql::reads::Reads;

/// Tables have no schema in SQLite.
pub(super) const NAMES: Names = Names { dialect: Dialect::Sqlite, schema: None };

/// Prepared statements kept per connection.
const STATEMENTS: usize = 256;

/// Why something inside the database did not go through.
#[derive(Debug)]
pub(super) enum Fault {
    /// A unique constraint.
    Taken,
    /// Anything else.
    Store(StoreError),
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        if let rusqlite::Error::SqliteFailure(code, _) = &error {
            let unique =
                [ffi::SQLITE_CONSTRAINT_UNIQUE, ffi::SQLITE_CONSTRAINT_PRIMARYKEY, ffi::SQLITE_CONSTRAINT_ROWID];
            if unique.contains(&code.extended_code) {
                return Self::Taken;
            }
        }
        Self::Store(store_error(&error))
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Taken => Self::Defect("a unique constraint was violated where none should be".into()),
            Fault::Store(error) => error,
        }
    }
}

pub(super) fn store_error(error: &rusqlite::Error) -> StoreError {
    let passing = [
        ErrorCode::DatabaseBusy,
        ErrorCode::DatabaseLocked,
        ErrorCode::DiskFull,
        ErrorCode::SystemIoFailure,
        ErrorCode::CannotOpen,
        ErrorCode::OutOfMemory,
    ];
    match error.sqlite_error_code() {
        Some(code) if passing.contains(&code) => StoreError::Unavailable(error.to_string()),
        _ => StoreError::Defect(error.to_string()),
    }
}

fn commit_fault(error: &rusqlite::Error) -> Fault {
    let lost = [ErrorCode::DiskFull, ErrorCode::SystemIoFailure, ErrorCode::OutOfMemory];
    match error.sqlite_error_code() {
        Some(code) if lost.contains(&code) => Fault::Store(StoreError::Unknown(error.to_string())),
        _ => Fault::Store(store_error(error)),
    }
}

/// A connection.
pub(super) struct Db {
    pub(super) conn: Connection,
    pub(super) reads: Arc<Reads>,
    /// Texts of statements that write, made on first use, by table and what they write.
    pub(super) texts: RefCell<HashMap<(&'static str, u64), Arc<str>>>,
    /// Whether commits are flushed to the disk; none where that is not ours to say.
    flushes: Cell<Option<bool>>,
}

impl Db {
    pub(super) fn new(conn: Connection, reads: Arc<Reads>) -> Self {
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
        Self { conn, reads, texts: RefCell::default(), flushes: Cell::new(None) }
    }

    /// Every commit is flushed from now on, as [`flushing`](Self::flushing) says.
    pub(super) fn flushes(&self) {
        self.flushes.set(Some(true));
    }

    /// Whether the next commits are flushed; says nothing where they never are.
    pub(super) fn flushing(&self, flush: bool) -> Result<(), StoreError> {
        if self.flushes.get().is_some_and(|now| now != flush) {
            let sql = if flush { "PRAGMA synchronous = FULL" } else { "PRAGMA synchronous = NORMAL" };
            self.execute("flushing", sql, &[])?;
            self.flushes.set(Some(flush));
        }
        Ok(())
    }

    /// A cached statement; `name` is what traces call it.
    pub(super) fn statement(&self, name: &str, sql: &str) -> Result<CachedStatement<'_>, Fault> {
        tracing::trace!(target: "helpdesk_core::sqlite", name);
        Ok(self.conn.prepare_cached(sql)?)
    }

    /// Runs a statement that gives no rows; answers how many it changed.
    pub(super) fn execute(&self, name: &str, sql: &str, values: &[Val]) -> Result<usize, Fault> {
        let mut statement = self.statement(name, sql)?;
        Ok(statement.execute(rusqlite::params_from_iter(values))?)
    }

    /// Runs a statement and reads each row.
    pub(super) fn query<T, V: ToSql>(
        &self,
        name: &str,
        sql: &str,
        values: impl IntoIterator<Item = V>,
        read: impl Fn(&Row<'_>) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let mut statement = self.statement(name, sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(values))?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            all.push(read(row)?);
        }
        Ok(all)
    }

    /// The row images a statement gives.
    pub(super) fn images<T: Image>(&self, name: &str, sql: &str, values: &[Val]) -> Result<Vec<T>, Fault> {
        self.query(name, sql, values, |row| image(row))
    }

    /// The first row image a statement gives.
    pub(super) fn image<T: Image>(&self, name: &str, sql: &str, values: &[Val]) -> Result<Option<T>, Fault> {
        let mut statement = self.statement(name, sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(values))?;
        rows.next()?.map(image).transpose()
    }

    /// The first number a statement gives.
    pub(super) fn number(&self, name: &str, sql: &str, values: &[Val]) -> Result<Option<i64>, Fault> {
        let mut statement = self.statement(name, sql)?;
        let mut rows = statement.query(rusqlite::params_from_iter(values))?;
        Ok(match rows.next()? {
            Some(row) => row.get::<_, Option<i64>>(0)?,
            None => None,
        })
    }

    /// Reads everything inside at one moment of the database.
    pub(super) fn snapshot<T>(&self, read: impl FnOnce(&Self) -> Result<T, Fault>) -> Result<T, Fault> {
        self.execute("begin", "BEGIN", &[])?;
        let answer = read(self);
        let ended = self.execute("commit", "COMMIT", &[]);
        self.rollback();
        let answer = answer?; // what failed first; SQLite may have ended the transaction because of it
        ended?;
        Ok(answer)
    }

    /// Commits. When the disk failed meanwhile, nobody can say whether the log holds the commit.
    pub(super) fn commit(&self) -> Result<(), Fault> {
        tracing::trace!(target: "helpdesk_core::sqlite", name = "commit");
        let ended = self.conn.prepare_cached("COMMIT").and_then(|mut statement| statement.execute([]));
        ended.map(drop).map_err(|error| commit_fault(&error))
    }

    /// Undoes the transaction, if one is open.
    pub(super) fn rollback(&self) {
        if !self.conn.is_autocommit() {
            let _ = self.conn.execute_batch("ROLLBACK"); // SQLite has rolled back by itself if this fails
        }
    }
}

impl ToSql for Val {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Uuid(id) => ToSqlOutput::from(id.as_bytes().as_slice()),
            Self::Int(int) => ToSqlOutput::from(*int),
            Self::Text(text) => ToSqlOutput::from(text.as_str()),
            Self::Bool(is) => ToSqlOutput::from(*is),
            Self::Bytes(bytes) => ToSqlOutput::from(bytes.as_slice()),
            Self::Words(words) => ToSqlOutput::from(words.as_str()),
        })
    }
}

/// A value of a statement that sea-query built.
pub(super) struct Built(pub(super) sea_query::Value);

impl ToSql for Built {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        use sea_query::Value;
        match &self.0 {
            Value::Uuid(Some(id)) => Ok(ToSqlOutput::from(id.as_bytes().as_slice())),
            Value::BigInt(Some(int)) => Ok(ToSqlOutput::from(*int)),
            Value::String(Some(text)) => Ok(ToSqlOutput::from(text.as_str())),
            Value::Bool(Some(is)) => Ok(ToSqlOutput::from(*is)),
            Value::Bytes(Some(bytes)) => Ok(ToSqlOutput::from(bytes.as_slice())),
            // Filters are made of the five above alone.
            _ => Null.to_sql(),
        }
    }
}

/// The row image that begins at the first column.
pub(super) fn image<T: Image>(row: &Row<'_>) -> Result<T, Fault> {
    let mut failed: Option<Fault> = None;
    // Lazily: what an image does not read is not decoded.
    let mut values = T::TABLE.columns.iter().enumerate().map_while(|(i, (_, kind))| {
        let found = row.get_ref(i).map_err(Fault::from).and_then(|found| Ok(value(found, *kind)?));
        found.map_err(|error| failed = Some(error)).ok()
    });
    let image = T::read(&mut values);
    match failed {
        Some(error) => Err(error),
        None => Ok(image?),
    }
}

/// One column as a Rust value.
pub(super) fn get<T: Column>(row: &Row<'_>, i: usize) -> Result<T, Fault> {
    Ok(T::get(value(row.get_ref(i)?, T::KIND)?)?)
}

fn value(found: ValueRef<'_>, kind: Kind) -> Result<Seen<'_>, StoreError> {
    let text = |bytes| std::str::from_utf8(bytes).map_err(|_| odd("UTF-8", String::from_utf8_lossy(bytes)));
    Ok(match (kind, found) {
        (Kind::Uuid, ValueRef::Blob(bytes)) => {
            Seen::Uuid(Uuid::from_slice(bytes).map_err(|_| odd("16 bytes of an id", bytes.len()))?)
        }
        (Kind::Int, ValueRef::Integer(int)) => Seen::Int(int),
        (Kind::Bool, ValueRef::Integer(int)) => Seen::Bool(int != 0),
        (Kind::Text, ValueRef::Text(bytes)) => Seen::Text(text(bytes)?),
        (Kind::Words, ValueRef::Text(bytes)) => Seen::Words(text(bytes)?),
        (Kind::Bytes, ValueRef::Blob(bytes)) => Seen::Bytes(bytes),
        (kind, found) => return Err(odd(&format!("{kind:?}"), found)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_that_the_disk_broke_is_unknown_and_a_busy_one_did_not_happen() {
        let fault = |code| match commit_fault(&rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)) {
            Fault::Store(error) => error.code(),
            Fault::Taken => "TAKEN",
        };
        assert_eq!(fault(ffi::SQLITE_IOERR_FSYNC), "OUTCOME_UNKNOWN");
        assert_eq!(fault(ffi::SQLITE_FULL), "OUTCOME_UNKNOWN");
        assert_eq!(fault(ffi::SQLITE_BUSY), "UNAVAILABLE");
    }

    #[test]
    fn a_snapshot_answers_what_failed_in_it() {
        let db = Db::new(Connection::open_in_memory().unwrap(), Arc::new(Reads::new(&NAMES)));
        let answer = db.snapshot(|db| -> Result<(), Fault> {
            db.conn.execute_batch("ROLLBACK")?; // as SQLite does by itself on some errors
            Err(StoreError::Unavailable("first".into()).into())
        });
        assert!(matches!(answer, Err(Fault::Store(StoreError::Unavailable(says))) if says == "first"));
        assert!(db.snapshot(|_| Ok(())).is_ok());
    }
}

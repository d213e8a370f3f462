//! How a new connection is prepared: journal, locks, caches and plans.

use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode};

use super::SqliteOptions;
use super::db::store_error;
use crate::store::StoreError;

/// Whether it is not a database in memory, which each connection would have for itself.
pub(super) fn has_file(conn: &Connection) -> bool {
    conn.path().is_some_and(|path| !path.is_empty())
}

/// Plans must not depend on the values of the moment, also when a host has run `ANALYZE`.
pub(super) fn steady_plans(conn: &Connection) -> rusqlite::Result<()> {
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true).map(drop)
}

/// Prepares a connection to a file. SQLite does not always wait by itself while another process turns a new file to
/// write-ahead logging; so this does, as long as for any other lock.
pub(super) fn set_up(conn: &Connection, options: &SqliteOptions, write: bool) -> Result<(), StoreError> {
    const PAUSE: Duration = Duration::from_millis(10);
    let begun = Instant::now();
    let mode = loop {
        match pragmas(conn, options, write) {
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
                    && begun.elapsed() < options.busy_timeout =>
            {
                std::thread::sleep(PAUSE);
            }
            done => break done.map_err(|error| store_error(&error))?,
        }
    };
    match mode.as_deref() {
        // A file system of SQLite's own in memory has no log.
        None | Some("wal" | "memory") => Ok(()),
        Some(mode) => Err(StoreError::Defect(format!(
            "write-ahead logging, which the desk needs: the journal mode stays `{mode}`; put the file on a local disk"
        ))),
    }
}

/// The journal mode of a connection that writes.
fn pragmas(conn: &Connection, options: &SqliteOptions, write: bool) -> rusqlite::Result<Option<String>> {
    conn.busy_timeout(options.busy_timeout)?;
    steady_plans(conn)?;
    let mut mode = None;
    if write {
        mode = Some(conn.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?);
        conn.pragma_update(None, "synchronous", if options.synchronous_full { "FULL" } else { "NORMAL" })?;
    } else {
        conn.pragma_update(None, "query_only", true)?;
    }
    conn.pragma_update(None, "cache_size", -i64::from(options.cache / 1024))?;
    conn.pragma_update(None, "mmap_size", i64::try_from(options.mapped).unwrap_or(i64::MAX))?;
    Ok(mode)
}

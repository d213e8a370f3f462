//! Runs the migrations: one transaction each, under the database's write lock.

use super::db::{Db, Fault, get};
use crate::store::migrate::{self, Applied, Migration, Step, migrations};
use crate::store::sql::column::{Column, Val};
use crate::time::Timestamp;

/// Every migration of this binary.
#[allow(clippy::zero_prefixed_literal, reason = "the numbers are those in the file names")]
pub(super) const KNOWN: &[Migration] = migrations!(
    "sqlite": 0001 = "spine", 0002 = "links", 0003 = "roles", 0004 = "approvals", 0005 = "whole_rows", 0006 = "boards",
    0007 = "skills"
);

const RECORD: &str = "CREATE TABLE IF NOT EXISTS hd_migration (number INTEGER NOT NULL PRIMARY KEY, \
                      name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL)";

/// What the database has, in order.
pub(super) fn applied(db: &Db) -> Result<Vec<Applied>, Fault> {
    let sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'hd_migration'";
    if db.number("migrations known", sql, &[])?.is_none() {
        return Ok(vec![]);
    }
    let sql = "SELECT number, name, checksum, applied_at FROM hd_migration ORDER BY number";
    db.query("migrations", sql, Vec::<Val>::new(), |row| {
        Ok(Applied { number: get(row, 0)?, name: get(row, 1)?, checksum: get(row, 2)?, at: get(row, 3)? })
    })
}

/// Goes to `target`, one step per transaction. Each step looks anew at what is applied, under the lock: several
/// processes may start together.
pub(super) fn migrate(db: &Db, target: i64, now: Timestamp) -> Result<Vec<Applied>, Fault> {
    let mut done = Vec::new();
    loop {
        db.conn.execute_batch("BEGIN IMMEDIATE")?;
        let stepped = step(db, target, now).and_then(|applied| db.commit().map(|()| applied));
        db.rollback(); // of what failed, also of a commit that did
        match stepped? {
            Some(applied) => done.push(applied),
            None => return Ok(done),
        }
    }
}

fn step(db: &Db, target: i64, now: Timestamp) -> Result<Option<Applied>, Fault> {
    db.conn.execute_batch(RECORD)?;
    let steps = migrate::plan(&applied(db)?, KNOWN, target).map_err(crate::store::StoreError::from)?;
    let Some(step) = steps.first() else { return Ok(None) };
    let record = |migration: &Migration| Applied {
        number: migration.number,
        name: migration.name.into(),
        checksum: migration.checksum(),
        at: now,
    };
    match step {
        Step::Up(migration) => {
            db.conn.execute_batch(migration.up)?;
            let record = record(migration);
            let values = [record.number.put(), record.name.put(), record.checksum.put(), now.put()];
            let sql = "INSERT INTO hd_migration (number, name, checksum, applied_at) VALUES ($1, $2, $3, $4)";
            db.execute("migration record", sql, &values)?;
            Ok(Some(record))
        }
        Step::Down(migration) => {
            db.conn.execute_batch(migration.down)?;
            db.execute("migration remove", "DELETE FROM hd_migration WHERE number = $1", &[migration.number.put()])?;
            Ok(Some(record(migration)))
        }
    }
}

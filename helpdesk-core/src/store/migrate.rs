//! Migrations: which there are, and what to run to come from what is applied to what is wanted. Pure: each store
//! executes the steps under its own lock, one transaction per step, and keeps the record in `hd_migration`.

use sha2::{Digest, Sha256};

use crate::id::hex;
use crate::store::StoreError;
use crate::time::Timestamp;

/// One change of the schema, with the way back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Migration {
    /// From 1, without gaps.
    pub(crate) number: i64,
    /// What it is about.
    pub(crate) name: &'static str,
    /// The way there.
    pub(crate) up: &'static str,
    /// The way back.
    pub(crate) down: &'static str,
}

/// The migrations of one dialect, from `migrations/<dialect>/NNNN_name.{up,down}.sql`.
#[allow(unused_macros, reason = "each store feature uses it")]
macro_rules! migrations {
    ($dialect:literal: $($number:literal = $name:literal),* $(,)?) => {
        &[$($crate::store::migrate::Migration {
            number: $number,
            name: $name,
            up: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/migrations/", $dialect, "/", stringify!($number), "_", $name, ".up.sql"
            )),
            down: include_str!(concat!(
                env!("CARGO_MANIFEST_DIR"), "/migrations/", $dialect, "/", stringify!($number), "_", $name, ".down.sql"
            )),
        }),*]
    };
}
#[allow(unused_imports, reason = "each store feature uses it")]
pub(crate) use migrations;

impl Migration {
    /// SHA-256 of both ways, hexadecimal: a published migration is never edited.
    pub(crate) fn checksum(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.up);
        hash.update([0]);
        hash.update(self.down);
        hex(&hash.finalize())
    }
}

/// A migration that a database has, as its `hd_migration` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    /// Its number, from 1.
    pub number: i64,
    /// Its name.
    pub name: String,
    /// SHA-256 of its files, hexadecimal.
    pub checksum: String,
    /// When it was applied.
    pub at: Timestamp,
}

/// One migration and whether a database has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Its number, from 1.
    pub number: i64,
    /// Its name.
    pub name: String,
    /// When it was applied, if it was.
    pub applied_at: Option<Timestamp>,
    /// What is wrong with it, if anything: applied in another form, or not known to this binary.
    pub fault: Option<String>,
}

/// Why a database cannot be migrated, or used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MigrateError {
    /// A migration was applied in another form than this binary knows it.
    #[error(
        "migration {number} `{name}` was applied in another form than this binary knows; use the binary that made the database"
    )]
    Edited {
        /// Its number.
        number: i64,
        /// Its name here.
        name: String,
    },
    /// The record of the database has a hole.
    #[error("the database records migration {found} where {expected} belongs; restore hd_migration from a backup")]
    Gap {
        /// The number that should stand there.
        expected: i64,
        /// The one that does.
        found: i64,
    },
    /// The schema is newer than this binary.
    #[error(
        "the database has schema {found}, this binary (helpdesk-core {version}) knows up to {known}; use the newer binary, or go down with it first",
        version = env!("CARGO_PKG_VERSION")
    )]
    Newer {
        /// The newest migration of the database.
        found: i64,
        /// The newest one known here.
        known: i64,
    },
    /// Migrations are missing.
    #[error("the database has schema {found}, this binary needs {known}; run `migrate` first")]
    Older {
        /// The newest migration of the database; 0 when it is empty.
        found: i64,
        /// The newest one known here.
        known: i64,
    },
    /// There is no such migration.
    #[error("there is no migration {target}; give 0 (nothing) to {known}")]
    UnknownTarget {
        /// What was asked for.
        target: i64,
        /// The newest one known here.
        known: i64,
    },
}

impl MigrateError {
    /// A stable name for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Edited { .. } => "MIGRATION_EDITED",
            Self::Gap { .. } => "MIGRATION_GAP",
            Self::Newer { .. } => "SCHEMA_NEWER",
            Self::Older { .. } => "SCHEMA_OLDER",
            Self::UnknownTarget { .. } => "MIGRATION_UNKNOWN",
        }
    }
}

impl From<MigrateError> for StoreError {
    fn from(error: MigrateError) -> Self {
        Self::Schema(error.to_string())
    }
}

/// One migration to run, in one transaction together with its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Run `up` and record it.
    Up(&'static Migration),
    /// Run `down` and remove its record.
    Down(&'static Migration),
}

/// The number of the newest migration.
pub(crate) fn newest(known: &[Migration]) -> i64 {
    known.last().map_or(0, |migration| migration.number)
}

/// The steps from what is applied (in order of number) to `target`.
pub(crate) fn plan(applied: &[Applied], known: &'static [Migration], target: i64) -> Result<Vec<Step>, MigrateError> {
    verify(applied, known)?;
    let newest = newest(known);
    if !(0..=newest).contains(&target) {
        return Err(MigrateError::UnknownTarget { target, known: newest });
    }
    let stands = applied.last().map_or(0, |applied| applied.number);
    let up = known.iter().filter(|migration| migration.number > stands && migration.number <= target);
    let down = known.iter().rev().filter(|migration| migration.number <= stands && migration.number > target);
    Ok(down.map(Step::Down).chain(up.map(Step::Up)).collect())
}

/// Whether this binary may use the database: everything known is applied, in the known form, and nothing else.
pub(crate) fn usable(applied: &[Applied], known: &[Migration]) -> Result<(), MigrateError> {
    verify(applied, known)?;
    let (found, known) = (applied.last().map_or(0, |applied| applied.number), newest(known));
    if found < known { Err(MigrateError::Older { found, known }) } else { Ok(()) }
}

/// What is applied and what is not, for people.
pub(crate) fn status(applied: &[Applied], known: &[Migration]) -> Vec<MigrationStatus> {
    let mut all: Vec<MigrationStatus> = known
        .iter()
        .map(|migration| {
            let record = applied.iter().find(|applied| applied.number == migration.number);
            let edited = record.is_some_and(|record| record.checksum != migration.checksum());
            MigrationStatus {
                number: migration.number,
                name: migration.name.into(),
                applied_at: record.map(|record| record.at),
                fault: edited.then(|| "was applied in another form".into()),
            }
        })
        .collect();
    let foreign = applied.iter().filter(|applied| known.iter().all(|migration| migration.number != applied.number));
    all.extend(foreign.map(|applied| MigrationStatus {
        number: applied.number,
        name: applied.name.clone(),
        applied_at: Some(applied.at),
        fault: Some("is not known to this binary".into()),
    }));
    all.sort_by_key(|status| status.number);
    all
}

/// What is applied is a beginning of what is known.
fn verify(applied: &[Applied], known: &[Migration]) -> Result<(), MigrateError> {
    for (expected, record) in (1..).zip(applied) {
        if record.number != expected {
            return Err(MigrateError::Gap { expected, found: record.number });
        }
        let Some(migration) = known.iter().find(|migration| migration.number == record.number) else { break };
        if migration.checksum() != record.checksum {
            return Err(MigrateError::Edited { number: migration.number, name: migration.name.into() });
        }
    }
    match applied.last() {
        Some(last) if last.number > newest(known) => {
            Err(MigrateError::Newer { found: last.number, known: newest(known) })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static KNOWN: &[Migration] = &[
        Migration { number: 1, name: "one", up: "a", down: "b" },
        Migration { number: 2, name: "two", up: "c", down: "d" },
        Migration { number: 3, name: "three", up: "e", down: "f" },
    ];

    fn applied(numbers: &[i64]) -> Vec<Applied> {
        let record = |number: &i64| Applied {
            number: *number,
            name: "x".into(),
            checksum: KNOWN.iter().find(|known| known.number == *number).map_or_else(String::new, Migration::checksum),
            at: Timestamp::from_millis(0),
        };
        numbers.iter().map(record).collect()
    }

    fn steps(stands: &[i64], target: i64) -> Result<Vec<i64>, &'static str> {
        let number = |step: &Step| match step {
            Step::Up(migration) => migration.number,
            Step::Down(migration) => -migration.number,
        };
        plan(&applied(stands), KNOWN, target).map(|steps| steps.iter().map(number).collect()).map_err(|e| e.code())
    }

    #[test]
    fn it_goes_up_and_down_one_by_one() {
        assert_eq!(steps(&[], 3), Ok(vec![1, 2, 3]));
        assert_eq!(steps(&[1], 2), Ok(vec![2]));
        assert_eq!(steps(&[1, 2, 3], 1), Ok(vec![-3, -2]));
        assert_eq!(steps(&[1, 2, 3], 3), Ok(vec![]));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        assert_eq!(steps(&[1, 2, 3, 4], 3), Err("SCHEMA_NEWER"));
        assert_eq!(steps(&[1, 3], 3), Err("MIGRATION_GAP"));
        assert_eq!(steps(&[], 4), Err("MIGRATION_UNKNOWN"));
        assert_eq!(steps(&[], -1), Err("MIGRATION_UNKNOWN"));
        let mut edited = applied(&[1, 2]);
        edited[1].checksum = "0".into();
        assert_eq!(plan(&edited, KNOWN, 3).map_err(|e| e.code()), Err("MIGRATION_EDITED"));
        assert_eq!(status(&edited, KNOWN)[1].fault.as_deref(), Some("was applied in another form"));
        assert_eq!(usable(&applied(&[1, 2]), KNOWN).map_err(|e| e.code()), Err("SCHEMA_OLDER"));
        assert_eq!(usable(&applied(&[1, 2, 3]), KNOWN), Ok(()));
    }
}

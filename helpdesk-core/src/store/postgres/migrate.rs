//! Carries out migrations: each step in a transaction of its own, behind an advisory lock that ends with it, so that
//! nodes which start together do not race and a pooler before the database does no harm.

use deadpool_postgres::{ClientWrapper, Object};

use super::core::Core;
use super::link::fault;
use crate::store::StoreError;
use crate::store::migrate::{self, Applied, Migration, MigrationStatus, Step};
use crate::time::Timestamp;

/// All migrations for PostgreSQL.
#[allow(clippy::zero_prefixed_literal, reason = "numbers are written as in the names of the files")]
pub(super) static KNOWN: &[Migration] = migrate::migrations!(
    "postgres": 0001 = "spine", 0002 = "links", 0003 = "roles", 0004 = "approvals", 0005 = "whole_rows", 0006 = "boards",
    0007 = "skills"
);

const RECORD: &str = "CREATE TABLE IF NOT EXISTS hd_migration (\
     number bigint PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, at bigint NOT NULL)";

/// Goes to `target`; what was applied or removed, in order. The connection is not given back: dropped half-way, its open transaction dies with it.
pub(super) async fn to(core: &Core, client: Object, target: i64) -> Result<Vec<Applied>, StoreError> {
    let client = Object::take(client);
    let mut done = vec![];
    loop {
        begin(core, &client).await?;
        let before = applied(&client).await?;
        let steps = migrate::plan(&before, KNOWN, target)?;
        let Some(step) = steps.first() else {
            client.batch_execute("COMMIT").await.map_err(fault)?;
            return Ok(done);
        };
        match step {
            Step::Up(migration) => {
                tracing::info!(number = migration.number, name = migration.name, "migrating up");
                client.batch_execute(migration.up).await.map_err(fault)?;
                let add = "INSERT INTO hd_migration (number, name, checksum, at) \
                           VALUES ($1, $2, $3, (extract(epoch FROM now()) * 1000)::bigint)";
                let checksum = migration.checksum();
                client.execute(add, &[&migration.number, &migration.name, &checksum]).await.map_err(fault)?;
            }
            Step::Down(migration) => {
                tracing::info!(number = migration.number, name = migration.name, "migrating down");
                client.batch_execute(migration.down).await.map_err(fault)?;
                let remove = "DELETE FROM hd_migration WHERE number = $1";
                client.execute(remove, &[&migration.number]).await.map_err(fault)?;
            }
        }
        let after = applied(&client).await?;
        client.batch_execute("COMMIT").await.map_err(fault)?;
        let changed = if after.len() > before.len() { after.last() } else { before.last() };
        done.extend(changed.cloned());
    }
}

/// What is applied and what is not.
pub(super) async fn status(core: &Core, client: Object) -> Result<Vec<MigrationStatus>, StoreError> {
    Ok(migrate::status(&recorded(core, client).await?, KNOWN))
}

/// Whether this binary may use the database.
pub(super) async fn usable(core: &Core, client: Object) -> Result<(), StoreError> {
    Ok(migrate::usable(&recorded(core, client).await?, KNOWN)?)
}

/// The record, without making or locking anything.
async fn recorded(core: &Core, client: Object) -> Result<Vec<Applied>, StoreError> {
    let table = core.names.text("hd_migration");
    let there = client
        .query_typed("SELECT to_regclass($1) IS NOT NULL", &[(&table, tokio_postgres::types::Type::TEXT)])
        .await
        .map_err(fault)?;
    if !there.first().is_some_and(|row| row.try_get(0).unwrap_or_default()) {
        return Ok(vec![]);
    }
    let text = format!("SELECT number, name, checksum, at FROM {table} ORDER BY number");
    rows(client.query_typed(&text, &[]).await.map_err(fault)?)
}

async fn begin(core: &Core, client: &ClientWrapper) -> Result<(), StoreError> {
    client.batch_execute("BEGIN").await.map_err(fault)?;
    let key = (0x4844_4d47_i64 << 32) | core.magic(); // "HDMG"
    client.execute("SELECT pg_advisory_xact_lock($1)", &[&key]).await.map_err(fault)?;
    let schema = format!("\"{}\"", core.schema.replace('"', "\"\""));
    // Asked for first: making one that exists still needs the right to make one.
    let there = client.query_one("SELECT to_regnamespace($1) IS NOT NULL", &[&schema]).await.map_err(fault)?;
    if !there.try_get::<_, bool>(0).map_err(fault)? {
        client.batch_execute(&format!("CREATE SCHEMA {schema}")).await.map_err(fault)?;
    }
    client.batch_execute(&format!("SET LOCAL search_path TO {schema}; {RECORD}")).await.map_err(fault)
}

async fn applied(client: &ClientWrapper) -> Result<Vec<Applied>, StoreError> {
    let text = "SELECT number, name, checksum, at FROM hd_migration ORDER BY number";
    rows(client.query(text, &[]).await.map_err(fault)?)
}

fn rows(rows: Vec<tokio_postgres::Row>) -> Result<Vec<Applied>, StoreError> {
    rows.iter()
        .map(|row| {
            Ok(Applied {
                number: row.try_get(0).map_err(fault)?,
                name: row.try_get(1).map_err(fault)?,
                checksum: row.try_get(2).map_err(fault)?,
                at: Timestamp::from_millis(row.try_get(3).map_err(fault)?),
            })
        })
        .collect()
}

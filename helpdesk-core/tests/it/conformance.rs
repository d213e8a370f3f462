//! The exported conformance suite on every database: SQLite in memory and in a file, PostgreSQL, and PostgreSQL behind
//! PgBouncer in transaction mode.

use std::sync::{Arc, OnceLock};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use helpdesk_core::store::Database;
use helpdesk_core::store::postgres::{PgOptions, PgStore};
use helpdesk_core::store::sqlite::SqliteStore;
use helpdesk_core::testing::conformance::Place;
use helpdesk_testkit::{PgBouncer, shared};

/// One store: a database in memory is its only connection's.
struct Memory(SqliteStore);

impl Place for Memory {
    fn store(&self) -> BoxFuture<'_, Arc<dyn Database>> {
        let store: Arc<dyn Database> = Arc::new(self.0.clone());
        async move { store }.boxed()
    }
}

struct File(tempfile::TempDir);

impl Place for File {
    fn store(&self) -> BoxFuture<'_, Arc<dyn Database>> {
        let path = self.0.path().join("desk.db");
        async move { Arc::new(SqliteStore::open(path).await.unwrap()) as Arc<dyn Database> }.boxed()
    }
}

struct Postgres(String, PgOptions);

impl Place for Postgres {
    fn store(&self) -> BoxFuture<'_, Arc<dyn Database>> {
        async move { Arc::new(PgStore::connect(&self.0, self.1.clone()).await.unwrap()) as Arc<dyn Database> }.boxed()
    }
}

async fn memory() -> impl Place {
    let store = SqliteStore::memory().await.unwrap();
    store.migrate().await.unwrap();
    Memory(store)
}

async fn file() -> impl Place {
    let place = File(tempfile::tempdir().unwrap());
    SqliteStore::open(place.0.path().join("desk.db")).await.unwrap().migrate().await.unwrap();
    place
}

async fn postgres() -> impl Place {
    Postgres(migrated("conformance").await, PgOptions { pool_size: 6, ..PgOptions::default() })
}

/// Behind a pool of server connections smaller than the number of clients, so that they really are shared.
async fn pgbouncer() -> impl Place {
    static BOUNCER: OnceLock<PgBouncer> = OnceLock::new();
    let url = migrated("bounced").await;
    let database = url.rsplit('/').next().unwrap().split('?').next().unwrap().to_owned();
    let bouncer = BOUNCER.get_or_init(|| PgBouncer::start(shared()).unwrap());
    Postgres(bouncer.url(&database), PgOptions { pool_size: 6, prepared: false, listen: false, schema: None })
}

async fn migrated(name: &str) -> String {
    let url = shared().fresh_database(name).unwrap();
    let store = PgStore::connect(&url, PgOptions { listen: false, ..PgOptions::default() }).await.unwrap();
    store.migrate().await.unwrap();
    helpdesk_core::store::Store::close(&store).await;
    url
}

mod on_sqlite_memory {
    helpdesk_core::conformance!(super::memory);
}
mod on_sqlite_file {
    helpdesk_core::conformance!(super::file);
}
mod on_postgres {
    helpdesk_core::conformance!(super::postgres);
}
mod on_pgbouncer {
    helpdesk_core::conformance!(super::pgbouncer);
}

//! PostgreSQL: the production store, for many host processes on one database.
//!
//! A commit is one statement, a load one trip, a ticket with its conversation one statement. Works behind PgBouncer in
//! transaction mode: nothing is kept in a session, listening is optional, preparing too. No rule lives here.

mod bell;
mod commit;
mod compose;
mod core;
mod link;
mod load;
mod log;
mod migrate;
mod over;
mod parts;
mod queue;
mod read;
mod shape;
mod value;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_postgres::{Config, NoTls};

use self::core::Core;
use self::link::{Link, no_connection};
use crate::event::{Cursor, Envelope, Subject};
use crate::id::{JobId, TenantId};
pub use crate::store::migrate::MigrationStatus;
use crate::store::{Answer, Database, Depth, Job, Lease, Log, NewJob, Queue, Release, StoreError};
use crate::time::Timestamp;

/// How a store uses its database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PgOptions {
    /// The schema the tables stand in; `public` when none.
    pub schema: Option<String>,
    /// Most connections at a time.
    pub pool_size: usize,
    /// Whether statements are prepared. Turn it off behind a PgBouncer older than 1.21.
    pub prepared: bool,
    /// Whether other processes are told of commits and listened to, over one more connection. Without it they find out
    /// by polling. A store made [from a pool](PgStore::from_pool) tells and does not listen.
    pub listen: bool,
}

impl Default for PgOptions {
    fn default() -> Self {
        Self { schema: None, pool_size: 16, prepared: true, listen: true }
    }
}

/// How long an operation waits for a connection.
const WAIT: Duration = Duration::from_secs(10);

/// A store on PostgreSQL 13 or newer.
#[derive(Debug)]
pub struct PgStore {
    core: Arc<Core>,
    pool: Pool,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl PgStore {
    /// Connects to `url`, such as `postgres://user@host/database`, without TLS: a host that needs it brings its own
    /// [pool](Self::from_pool). Must be called inside a Tokio runtime.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when the URL cannot be read or no connection can be made.
    pub async fn connect(url: &str, options: PgOptions) -> Result<Self, StoreError> {
        let config: Config =
            url.parse().map_err(|error| StoreError::Unavailable(format!("the database URL: {error}")))?;
        Self::connect_with(config, options).await
    }

    /// Like [`connect`](Self::connect), with a configuration.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when no connection can be made.
    pub async fn connect_with(mut config: Config, options: PgOptions) -> Result<Self, StoreError> {
        if config.get_application_name().is_none() {
            config.application_name("helpdesk");
        }
        let recycling = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let pool = Pool::builder(Manager::from_config(config.clone(), NoTls, recycling))
            .max_size(options.pool_size.max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(WAIT))
            .build()
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let listen = options.listen;
        let store = Self::from_pool(pool, options);
        drop(store.pool.get().await.map_err(no_connection)?);
        if listen {
            store.spawn(bell::listen(Arc::clone(&store.core), config));
        }
        Ok(store)
    }

    /// Uses a pool of the host's. Must be called inside a Tokio runtime.
    pub fn from_pool(pool: Pool, options: PgOptions) -> Self {
        let PgOptions { schema, pool_size: _, prepared, listen } = options;
        let store = Self { core: Arc::new(Core::new(schema, prepared)), pool, tasks: Mutex::default() };
        if listen {
            store.spawn(bell::tell(Arc::clone(&store.core), store.pool.clone()));
        }
        store
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(tokio::spawn(task));
    }

    /// Applies all migrations. Nodes that start together wait for each other.
    ///
    /// # Errors
    /// [`StoreError::Schema`] when the schema is newer than this binary, or was applied in another form.
    pub async fn migrate(&self) -> Result<(), StoreError> {
        self.migrate_to(crate::store::migrate::newest(migrate::KNOWN)).await
    }

    /// Goes up or down to migration `number`; 0 removes everything.
    ///
    /// # Errors
    /// [`StoreError::Schema`] when there is no such migration, or the database does not fit this binary.
    pub async fn migrate_to(&self, number: i64) -> Result<(), StoreError> {
        migrate::to(&self.core, self.client().await?, number).await
    }

    /// Which migrations there are, and which of them the database has.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be reached.
    pub async fn migration_status(&self) -> Result<Vec<MigrationStatus>, StoreError> {
        migrate::status(&self.core, self.client().await?).await
    }

    /// Whether this binary may use the database: every migration is applied, in the known form, and no other.
    ///
    /// # Errors
    /// [`StoreError::Schema`] when it may not.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        migrate::usable(&self.core, self.client().await?).await
    }

    /// Round trips made so far, preparing of statements not counted.
    pub fn trips(&self) -> u64 {
        self.core.trips.load(Ordering::Relaxed)
    }

    /// Wakes waiting workers here and, if set so, in other processes: for a host that committed a transaction which it
    /// had joined.
    pub fn ring(&self) {
        self.core.ring();
    }

    async fn client(&self) -> Result<deadpool_postgres::Object, StoreError> {
        self.pool.get().await.map_err(no_connection)
    }

    async fn link(&self) -> Result<Link<'_>, StoreError> {
        Ok(Link::pooled(&self.core, self.client().await?))
    }

    fn shut(&self) {
        for task in self.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
        self.pool.close();
    }
}

impl Drop for PgStore {
    fn drop(&mut self) {
        // The tasks hold clones of the pool; a pool of the host's stays open.
        for task in self.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
    }
}

impl Log for PgStore {
    fn head(&self) -> Answer<'_, Cursor> {
        Box::pin(async move { log::head(&self.link().await?).await })
    }
    fn after(&self, tenant: Option<TenantId>, cursor: Cursor, limit: u16) -> Answer<'_, (Vec<Envelope>, Cursor)> {
        Box::pin(async move { log::after(&self.link().await?, tenant, cursor, limit).await })
    }
    fn history<'a>(
        &'a self,
        tenant: TenantId,
        subject: &'a Subject,
        version: i64,
        limit: u16,
    ) -> Answer<'a, Vec<Envelope>> {
        Box::pin(async move { log::history(&self.link().await?, tenant, subject, version, limit).await })
    }
}

impl Queue for PgStore {
    fn claim<'a>(&'a self, queue: &'a str, limit: u16, now: Timestamp, until: Timestamp) -> Answer<'a, Vec<Job>> {
        Box::pin(async move { queue::claim(&self.link().await?, queue, limit, now, until).await })
    }
    fn renew<'a>(&'a self, leases: &'a [Lease], until: Timestamp) -> Answer<'a, Vec<Lease>> {
        Box::pin(async move { queue::renew(&self.link().await?, leases, until).await })
    }
    fn release<'a>(&'a self, lease: Lease, how: &'a Release) -> Answer<'a, bool> {
        Box::pin(async move { queue::release(&self.link().await?, lease, how).await })
    }
    fn dead<'a>(&'a self, queue: &'a str, limit: u16) -> Answer<'a, (Vec<Job>, Depth)> {
        Box::pin(async move { queue::dead(&self.link().await?, queue, limit).await })
    }
    fn revive(&self, tenant: TenantId, job: JobId, now: Timestamp) -> Answer<'_, bool> {
        Box::pin(async move {
            let revived = queue::revive(&self.link().await?, tenant, job, now).await?;
            if revived {
                self.ring();
            }
            Ok(revived)
        })
    }
    fn next_due<'a>(&'a self, queues: &'a [String]) -> Answer<'a, Option<Timestamp>> {
        Box::pin(async move { queue::next_due(&self.link().await?, queues).await })
    }
    fn position<'a>(&'a self, subscriber: &'a str) -> Answer<'a, Cursor> {
        Box::pin(async move { queue::position(&self.link().await?, subscriber).await })
    }
    fn advance<'a>(&'a self, subscriber: &'a str, from: Cursor, to: Cursor, jobs: &'a [NewJob]) -> Answer<'a, bool> {
        Box::pin(async move {
            let moved = queue::advance(&self.link().await?, subscriber, from, to, jobs).await?;
            if moved && !jobs.is_empty() {
                self.ring();
            }
            Ok(moved)
        })
    }
    fn sweep(&self, keys: Timestamp, now: Timestamp) -> Answer<'_, u64> {
        Box::pin(async move { queue::sweep(&self.link().await?, keys, now).await })
    }
}

impl Database for PgStore {
    fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.core.bell)
    }
}

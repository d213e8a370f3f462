//! PostgreSQL: the production store, for many host processes on one database.
//!
//! A commit is one statement, a load one trip, a ticket with its conversation one statement. Works behind PgBouncer in
//! transaction mode: nothing is kept in a session, listening is optional, preparing too. No rule lives here.

mod bell;
mod cards;
mod commit;
mod compose;
mod core;
mod head;
mod join;
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

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_postgres::{Config, NoTls};

use self::core::Core;
pub use self::join::{HostClient, PgJoined};
use self::link::{Link, no_connection};
use crate::store::migrate::{Applied, MigrationStatus};
use crate::store::{Database, StoreError};

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
    /// Whether the pool was made here, so that closing the store closes it.
    owned: bool,
    closed: AtomicBool,
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
        let store = Self::over(pool, options, true);
        drop(store.pool.get().await.map_err(no_connection)?);
        if listen {
            store.spawn(bell::listen(Arc::clone(&store.core), config));
        }
        Ok(store)
    }

    /// Uses a pool of the host's, which stays open when the store is closed. Must be called inside a Tokio runtime.
    pub fn from_pool(pool: Pool, options: PgOptions) -> Self {
        Self::over(pool, options, false)
    }

    fn over(pool: Pool, options: PgOptions, owned: bool) -> Self {
        let PgOptions { schema, pool_size: _, prepared, listen } = options;
        let core = Arc::new(Core::new(schema, prepared));
        let store = Self { core, pool, owned, closed: AtomicBool::new(false), tasks: Mutex::default() };
        if listen {
            store.spawn(bell::tell(Arc::clone(&store.core), store.pool.clone()));
        }
        store
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).push(tokio::spawn(task));
    }

    /// Applies all migrations; what was applied, which is nothing when they were there already. Nodes that start
    /// together wait for each other.
    ///
    /// # Errors
    /// [`StoreError::Schema`] when the schema is newer than this binary, or was applied in another form.
    pub async fn migrate(&self) -> Result<Vec<Applied>, StoreError> {
        self.migrate_to(crate::store::migrate::newest(migrate::KNOWN)).await
    }

    /// Goes up or down to migration `number`; 0 removes everything. What was applied or removed, in order.
    ///
    /// # Errors
    /// [`StoreError::Schema`] when there is no such migration, or the database does not fit this binary.
    pub async fn migrate_to(&self, number: i64) -> Result<Vec<Applied>, StoreError> {
        self.core.fits.store(false, Ordering::Relaxed);
        migrate::to(&self.core, self.client().await?, number).await
    }

    /// Which migrations there are, and which of them the database has.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`] when it cannot be reached.
    pub async fn migration_status(&self) -> Result<Vec<MigrationStatus>, StoreError> {
        migrate::status(&self.core, self.client().await?).await
    }

    /// Whether this binary may use the database: every migration is applied, in the known form, and no other. Looked at
    /// once before the first use, too.
    ///
    /// # Errors
    /// [`StoreError::Schema`] when it may not.
    pub async fn check_schema(&self) -> Result<(), StoreError> {
        migrate::usable(&self.core, self.client().await?).await?;
        self.core.fits.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Round trips made so far, preparing of statements not counted.
    pub fn trips(&self) -> u64 {
        self.core.trips.load(Ordering::Relaxed)
    }

    /// This store inside a transaction that the host has begun on `client`, for
    /// [`Desk::within`](crate::Desk::within). The host commits or rolls back, on the same client, and then calls
    /// [`ring`](Self::ring).
    ///
    /// ```no_run
    /// # async fn pay(store: &helpdesk_core::store::postgres::PgStore, client: tokio_postgres::Client)
    /// # -> Result<(), tokio_postgres::Error> {
    /// let client = std::sync::Arc::new(client);
    /// client.batch_execute("BEGIN").await?;
    /// let joined = store.join(client.clone());
    /// // … `desk.within(joined)` and the host's own statements …
    /// client.batch_execute("COMMIT").await?;
    /// store.ring();
    /// # Ok(())
    /// # }
    /// ```
    pub fn join(&self, client: impl HostClient) -> PgJoined {
        PgJoined::new(Arc::clone(&self.core), self.pool.clone(), Arc::new(client))
    }

    /// Wakes waiting workers here and, if set so, in other processes: for a host that committed a transaction which it
    /// had [joined](Self::join).
    pub fn ring(&self) {
        self.core.ring();
    }

    async fn client(&self) -> Result<deadpool_postgres::Object, StoreError> {
        if self.closed.load(Ordering::Acquire) {
            return Err(StoreError::Unavailable("the store is closed".into()));
        }
        self.pool.get().await.map_err(no_connection)
    }

    /// A connection, after the schema was looked at once.
    async fn link(&self) -> Result<Link<'_>, StoreError> {
        if !self.core.fits.load(Ordering::Relaxed) {
            self.check_schema().await?;
        }
        Ok(Link::pooled(&self.core, self.client().await?))
    }

    /// The same; a [`PgJoined`] tells the two apart.
    async fn outside(&self) -> Result<Link<'_>, StoreError> {
        self.link().await
    }

    fn shut(&self) {
        self.closed.store(true, Ordering::Release);
        self.stop();
        if self.owned {
            self.pool.close();
        }
    }

    fn stop(&self) {
        for task in self.tasks.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            task.abort();
        }
    }
}

impl Drop for PgStore {
    fn drop(&mut self) {
        // The tasks hold clones of the pool; a pool of the host's stays open.
        self.stop();
    }
}

impl Database for PgStore {
    fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.core.bell)
    }
}

//! A store inside a transaction of the host's. It neither begins nor ends one.

use std::fmt;
use std::sync::Arc;

use deadpool_postgres::Pool;
use tokio::sync::{Mutex, MutexGuard, Notify};
use tokio_postgres::Client;

use super::core::Core;
use super::link::{Link, no_connection};
use crate::store::{Database, StoreError};

/// Something that holds a connection for as long as a transaction lasts.
pub trait HostClient: Send + Sync + 'static {
    /// The connection.
    fn client(&self) -> &Client;
}

impl HostClient for Client {
    fn client(&self) -> &Client {
        self
    }
}
impl HostClient for deadpool_postgres::Object {
    fn client(&self) -> &Client {
        self
    }
}
impl<T: HostClient> HostClient for Arc<T> {
    fn client(&self) -> &Client {
        self.as_ref().client()
    }
}

/// A store whose commands and reads run in a transaction of the host's, each command behind a savepoint. Made by
/// [`PgStore::join`](super::PgStore::join).
///
/// What it writes is seen by others, and read from the log, when the host commits; until then readers of the log wait
/// before it. Keep such transactions short. Commands of one transaction run one after the other.
#[derive(Clone)]
pub struct PgJoined {
    core: Arc<Core>,
    pool: Pool,
    client: Arc<dyn HostClient>,
    turn: Arc<Mutex<()>>,
}

impl fmt::Debug for PgJoined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PgJoined").field("schema", &self.core.schema).finish_non_exhaustive()
    }
}

impl PgJoined {
    pub(super) fn new(core: Arc<Core>, pool: Pool, client: Arc<dyn HostClient>) -> Self {
        Self { core, pool, client, turn: Arc::default() }
    }

    /// Savepoints of one name must not interleave.
    pub(super) async fn turn(&self) -> MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    #[allow(clippy::unused_async, reason = "the pool's link must be waited for, and both are used alike")]
    pub(super) async fn link(&self) -> Result<Link<'_>, StoreError> {
        Ok(Link::borrowed(&self.core, self.client.client()))
    }

    /// A connection outside the transaction.
    pub(super) async fn outside(&self) -> Result<Link<'_>, StoreError> {
        Ok(Link::pooled(&self.core, self.pool.get().await.map_err(no_connection)?))
    }

    /// Wakes this process; the transaction is not committed yet, so others are told by the host's
    /// [`ring`](super::PgStore::ring).
    pub(super) fn ring(&self) {
        self.core.bell.notify_waiters();
    }
}

impl Database for PgJoined {
    fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.core.bell)
    }
}

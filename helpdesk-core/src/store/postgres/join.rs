//! A store inside a transaction of the host's. It neither begins nor ends one.

use std::fmt;
use std::sync::Arc;
use std::task::Poll;

use deadpool_postgres::Pool;
use tokio::sync::{Mutex, Notify, OwnedMutexGuard};
use tokio_postgres::Client;
use tracing::Instrument;

use super::commit;
use super::core::Core;
use super::link::{Link, no_connection};
use crate::store::{Commit, Database, Outcome, StoreError};

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
/// before it. Keep such transactions short. Commands and reads of one transaction run one after the other. The log and
/// the positions of its readers are read outside the transaction, on connections of the pool.
///
/// A command whose future was dropped is carried to its end, so that the transaction stays whole. A host that goes on
/// with the transaction after dropping one waits until it is [settled](Self::settled) first.
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

    /// Waits until no command or read is under way any more, those with dropped futures included.
    pub async fn settled(&self) {
        drop(self.turn().await);
    }

    /// Savepoints of one name must not interleave, and a read must not meet a statement that is yet to be undone.
    async fn turn(&self) -> OwnedMutexGuard<()> {
        Arc::clone(&self.turn).lock_owned().await
    }

    pub(super) async fn link(&self) -> Result<Link<'_>, StoreError> {
        Ok(Link::borrowed(&self.core, self.client.client(), self.turn().await))
    }

    /// Writes all of it, or nothing, and is carried to its end whatever becomes of this future.
    pub(super) async fn commit(&self, commit: Commit) -> Result<Outcome, StoreError> {
        let turn = self.turn().await;
        let (core, client) = (Arc::clone(&self.core), Arc::clone(&self.client));
        let mut work = Box::pin(async move {
            let link = Link::borrowed(&core, client.client(), turn);
            commit::within(&link, &commit).await
        });
        // Sent from here, before the host can send anything: sent later, it might come after the end of the transaction.
        match futures_util::poll!(&mut work) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => tokio::spawn(work.in_current_span())
                .await
                .map_err(|error| StoreError::Unknown(format!("a command in the host's transaction: {error}")))?,
        }
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

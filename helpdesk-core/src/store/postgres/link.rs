//! One connection for the time of one operation: statements are prepared (or not), counted, traced and sent.
//!
//! No transaction here: everything is one statement, or several sent together that each stand alone. A pooled connection
//! on which something is unanswered (its future was dropped) or whose prepared statements no longer hold is not given
//! back.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use deadpool_postgres::PoolError;
use tokio::sync::OwnedMutexGuard;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Error, Row, Statement};
use tracing::Instrument;

use super::core::Core;
use super::value::Param;
use crate::store::StoreError;

/// A connection and what it needs to know.
pub(super) struct Link<'a> {
    core: &'a Core,
    lane: Lane<'a>,
    /// What was sent and is not answered.
    open: AtomicUsize,
    /// Whether the server no longer has what was prepared here.
    spoilt: AtomicBool,
}

#[allow(clippy::large_enum_variant, reason = "one per operation, on the stack, never kept")]
enum Lane<'a> {
    /// From the pool, given back at the end.
    Pooled(deadpool_postgres::Object),
    /// The host's, inside its transaction, for as long as it is this operation's turn.
    Borrowed(&'a tokio_postgres::Client, #[allow(dead_code, reason = "held")] OwnedMutexGuard<()>),
    /// Given back.
    Gone,
}

/// A statement about to be sent.
pub(super) struct Ready<'q> {
    name: &'static str,
    text: &'q str,
    params: Vec<Param>,
    statement: Option<Statement>,
}

impl<'a> Link<'a> {
    pub(super) fn pooled(core: &'a Core, client: deadpool_postgres::Object) -> Self {
        Self::new(core, Lane::Pooled(client))
    }
    pub(super) fn borrowed(core: &'a Core, client: &'a tokio_postgres::Client, turn: OwnedMutexGuard<()>) -> Self {
        Self::new(core, Lane::Borrowed(client, turn))
    }
    fn new(core: &'a Core, lane: Lane<'a>) -> Self {
        Self { core, lane, open: AtomicUsize::new(0), spoilt: AtomicBool::new(false) }
    }

    pub(super) fn core(&self) -> &'a Core {
        self.core
    }

    fn client(&self) -> &tokio_postgres::Client {
        match &self.lane {
            Lane::Pooled(client) => client,
            Lane::Borrowed(client, _) => client,
            // INVARIANT: only dropping makes it so.
            Lane::Gone => unreachable!("a link is used after it was dropped"),
        }
    }

    /// Waits for an answer of the server. It stays counted when the wait is given up.
    async fn answered<T>(&self, asked: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        self.open.fetch_add(1, Ordering::Relaxed);
        let answer = asked.await;
        self.open.fetch_sub(1, Ordering::Relaxed);
        if answer.as_ref().is_err_and(|error| error.code().is_some_and(forgotten)) {
            self.spoilt.store(true, Ordering::Relaxed);
        }
        answer
    }

    /// Prepares a statement, once per connection.
    pub(super) async fn ready<'q>(
        &self,
        name: &'static str,
        text: &'q str,
        params: Vec<Param>,
    ) -> Result<Ready<'q>, Error> {
        let statement = match &self.lane {
            Lane::Pooled(client) if self.core.prepared => {
                let types: Vec<Type> = params.iter().map(Param::of_type).collect();
                Some(self.answered(client.prepare_typed_cached(text, &types)).await?)
            }
            // Unnamed: a pooler before us may not keep named ones, and a host's connection is not ours to fill.
            Lane::Pooled(_) | Lane::Borrowed(..) | Lane::Gone => None,
        };
        Ok(Ready { name, text, params, statement })
    }

    /// A statement that is not worth preparing.
    pub(super) fn once<'q>(name: &'static str, text: &'q str, params: Vec<Param>) -> Ready<'q> {
        Ready { name, text, params, statement: None }
    }

    /// Like [`ready`](Self::ready) for texts of which there is no end: those seen often are prepared.
    pub(super) async fn dynamic<'q>(
        &self,
        name: &'static str,
        text: &'q str,
        params: Vec<Param>,
    ) -> Result<Ready<'q>, Error> {
        if self.core.hot.is_hot(text) {
            return self.ready(name, text, params).await;
        }
        Ok(Self::once(name, text, params))
    }

    /// Sends a statement. Polled together, several travel together, each in a transaction of its own.
    pub(super) async fn send(&self, ready: &Ready<'_>) -> Result<Vec<Row>, Error> {
        let span = tracing::trace_span!("statement", name = ready.name);
        async {
            match &ready.statement {
                Some(statement) => {
                    let params: Vec<&(dyn ToSql + Sync)> = ready.params.iter().map(|p| p as _).collect();
                    self.answered(self.client().query(statement, &params)).await
                }
                None => {
                    let params: Vec<(&(dyn ToSql + Sync), Type)> =
                        ready.params.iter().map(|p| (p as _, p.of_type())).collect();
                    self.answered(self.client().query_typed(ready.text, &params)).await
                }
            }
        }
        .instrument(span)
        .await
    }

    /// Counts a round trip.
    pub(super) fn trip(&self) {
        self.core.trips.fetch_add(1, Ordering::Relaxed);
    }

    /// Prepares and sends one statement: one trip.
    pub(super) async fn run(&self, name: &'static str, text: &str, params: Vec<Param>) -> Result<Vec<Row>, Error> {
        let ready = self.ready(name, text, params).await?;
        self.trip();
        self.send(&ready).await
    }

    /// Sends several statements together: one trip. Each sees what was committed when its turn came.
    ///
    /// Before a pooler they go one after the other. When a client leaves with two of them under way, PgBouncer (seen with
    /// 1.18) may hand its server connection on after the first answer, and the next client gets the second.
    pub(super) async fn together(&self, all: &[Ready<'_>]) -> Result<Vec<Vec<Row>>, StoreError> {
        if !self.core.prepared && matches!(self.lane, Lane::Pooled(_)) {
            let mut answers = Vec::with_capacity(all.len());
            for ready in all {
                self.trip();
                answers.push(self.send(ready).await.map_err(fault)?);
            }
            return Ok(answers);
        }
        self.trip();
        // All are waited for: a connection with unanswered statements would be lost.
        let answers = futures_util::future::join_all(all.iter().map(|ready| self.send(ready))).await;
        answers.into_iter().collect::<Result<_, _>>().map_err(fault)
    }

    /// Like [`run`](Self::run), for reads whose texts have no end.
    pub(super) async fn query_dynamic(
        &self,
        name: &'static str,
        text: &str,
        params: Vec<Param>,
    ) -> Result<Vec<Row>, StoreError> {
        let ready = self.dynamic(name, text, params).await.map_err(fault)?;
        self.trip();
        self.send(&ready).await.map_err(fault)
    }

    /// Like [`run`](Self::run), for reads.
    pub(super) async fn query(
        &self,
        name: &'static str,
        text: &str,
        params: Vec<Param>,
    ) -> Result<Vec<Row>, StoreError> {
        self.run(name, text, params).await.map_err(fault)
    }

    /// Several statements without results or placeholders, as they are: savepoints of a joined transaction.
    pub(super) async fn batch(&self, text: &str) -> Result<(), Error> {
        self.answered(self.client().batch_execute(text)).await
    }
}

impl Drop for Link<'_> {
    fn drop(&mut self) {
        if (*self.open.get_mut() > 0 || *self.spoilt.get_mut())
            && let Lane::Pooled(client) = std::mem::replace(&mut self.lane, Lane::Gone)
        {
            // The pool makes another one when it needs it; whoever came next would wait behind the unanswered.
            drop(deadpool_postgres::Object::take(client));
        }
    }
}

/// What a failure of a statement that commits nothing (or nothing halfway) means.
pub(super) fn fault(error: Error) -> StoreError {
    match error.code() {
        _ if error.is_closed() => StoreError::Unavailable(error.to_string()),
        Some(code) if *code == SqlState::UNDEFINED_TABLE || *code == SqlState::INVALID_SCHEMA_NAME => {
            StoreError::Schema(format!("{}; run the migrations first", described(&error)))
        }
        Some(code) if away(code) || passing(code) => StoreError::Unavailable(described(&error)),
        Some(_) => StoreError::Defect(described(&error)),
        None if lost(&error) => StoreError::Unavailable(described(&error)),
        None => StoreError::Defect(described(&error)),
    }
}

/// Whether the server said that it, not the statement, is the trouble.
pub(super) fn away(code: &SqlState) -> bool {
    let code = code.code();
    ["08", "53", "57P"].iter().any(|class| code.starts_with(class))
}

/// Whether the server gave a statement up, and the same may succeed another time: cancelled, timed out, or in the way
/// of another.
fn given_up(code: &SqlState) -> bool {
    const GIVEN_UP: [SqlState; 4] = [
        SqlState::QUERY_CANCELED,
        SqlState::LOCK_NOT_AVAILABLE,
        SqlState::T_R_SERIALIZATION_FAILURE,
        SqlState::T_R_DEADLOCK_DETECTED,
    ];
    GIVEN_UP.contains(code)
}

/// Whether a prepared statement is no longer there, or no longer fits the tables.
fn forgotten(code: &SqlState) -> bool {
    *code == SqlState::INVALID_SQL_STATEMENT_NAME || *code == SqlState::FEATURE_NOT_SUPPORTED
}

/// Whether nothing happened and the same may succeed another time.
pub(super) fn passing(code: &SqlState) -> bool {
    given_up(code) || forgotten(code)
}

/// Whether the connection broke, so that nobody knows what the server did.
pub(super) fn lost(error: &Error) -> bool {
    use std::error::Error as _;
    error.is_closed() || error.source().is_some_and(|source| source.is::<std::io::Error>())
}

/// The server's own words, with its code.
pub(super) fn described(error: &Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} ({})", db.message(), db.code().code()),
        None => error.to_string(),
    }
}

/// Why there is no connection.
pub(super) fn no_connection(error: PoolError) -> StoreError {
    match error {
        PoolError::Backend(error) => StoreError::Unavailable(described(&error)),
        other => StoreError::Unavailable(other.to_string()),
    }
}

/// Which of the unending texts are worth a prepared statement: those seen twice within a short time, at most
/// [`HOT_MAX`] of them for the life of the store.
#[derive(Debug)]
pub(super) struct Hot {
    state: Mutex<(Vec<u64>, HashMap<u64, ()>)>,
}

const HOT_MAX: usize = 256;
const SEEN: usize = 1024;

impl Hot {
    pub(super) fn new() -> Self {
        Self { state: Mutex::new((vec![0; SEEN], HashMap::new())) }
    }

    pub(super) fn is_hot(&self, text: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let hash = hasher.finish();
        // A panic cannot leave these two collections in a state that matters.
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (seen, hot) = &mut *state;
        if hot.contains_key(&hash) {
            return true;
        }
        let place = &mut seen[hash as usize % SEEN];
        if *place == hash && hot.len() < HOT_MAX {
            hot.insert(hash, ());
            return true;
        }
        *place = hash;
        false
    }
}

/// Round trips made so far.
pub(super) type Trips = AtomicU64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_grow_hot_when_seen_twice_and_not_without_end() {
        let hot = Hot::new();
        assert!(!hot.is_hot("a"));
        assert!(hot.is_hot("a"));
        let many: Vec<String> = (0..1000).map(|i| format!("text {i}")).collect();
        let prepared = many.iter().filter(|text| hot.is_hot(text) || hot.is_hot(text)).count();
        assert_eq!(prepared, HOT_MAX - 1);
        assert!(hot.is_hot("a"));
    }
}

//! SQLite: the embedded default, in a file or in memory.
//!
//! A store owns one writer thread, which commits whatever waits for it together (one flush for all), and a few reader
//! threads; they end with [`close`](Store::close) or when the store is dropped. Several processes may use one file.
//!
//! ```no_run
//! # async fn example() -> Result<(), helpdesk_core::store::StoreError> {
//! use helpdesk_core::store::sqlite::SqliteStore;
//! let store = SqliteStore::open("desk.db").await?;
//! store.migrate().await?;
//! # Ok(()) }
//! ```

mod cards;
mod commit;
mod db;
mod load;
mod log;
mod migrations;
mod open;
mod queue;
mod threads;

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use futures_util::future::BoxFuture;
use rusqlite::{Connection, OpenFlags};

use self::db::{Db, Fault, NAMES, get, store_error};
use self::open::{has_file, set_up, steady_plans};
use self::threads::{Effect, Threads};
use super::migrate::{self, Applied, MigrateError, MigrationStatus};
use super::sql::column::{Column, Val};
use super::sql::owner::one_tenant;
use super::sql::reads::{Reads, limited};
use super::{
    Answer, CardFind, CardFound, Commit, Concerned, Count, Counter, Database, Depth, Find, Found, Job, Kv, Lease,
    Loaded, Log, NewJob, Outcome, Parts, PeopleFind, Queue, Release, RunRecord, Standing, Store, StoreError, Sweep,
    Which,
};
use crate::actor::{Actor, Author};
use crate::approval::{Delegation, Slot};
use crate::config::TenantConfig;
use crate::decide::Needs;
use crate::event::{Cursor, Envelope, Subject};
use crate::id::{EntryId, GroupId, JobId, PersonId, SlotId, TenantId, TicketId};
use crate::org::{Membership, Person, Tenant};
use crate::role::Grant;
use crate::ticket::{Entry, Link, Participant, Revision};
use crate::time::{Clock, SystemClock, Timestamp};

/// Most tickets that count as a short read.
const GLANCE: usize = 100;

/// How a database file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SqliteOptions {
    /// Whether each commit reaches the disk before it is answered (`synchronous=FULL`). Without, a power failure may
    /// take the last commits; a crash of the process never does. Bookkeeping (numbers drawn, leases, how far a
    /// subscriber has been told) is not flushed for its own sake in either case: a power failure may take back the last
    /// of it, but nothing that a later commit relies on, and it is done again; a try of a job may go uncounted.
    pub synchronous_full: bool,
    /// Threads that read, at least 1: lists, searches, and whatever finds no seat.
    pub readers: usize,
    /// Connections on which callers read by themselves what is found by key, so that it takes no way to another thread
    /// and back. 0: none; for hosts whose threads must never wait for a disk.
    pub seats: usize,
    /// How long to wait for another process that writes.
    pub busy_timeout: Duration,
    /// Page cache per connection, bytes.
    pub cache: u32,
    /// How much of the file is read by mapping it instead of copying its pages, bytes; 0: nothing. Speeds up files that
    /// are larger than the cache. An I/O error of the medium then ends the process (see SQLite's `mmap_size`).
    pub mapped: u64,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            synchronous_full: true,
            readers: 4,
            seats: 2,
            busy_timeout: Duration::from_secs(10),
            cache: 32 << 20,
            mapped: 0,
        }
    }
}

/// A SQLite database.
#[derive(Clone)]
pub struct SqliteStore {
    inner: Arc<Inner>,
}

struct Inner {
    threads: Threads,
    /// Why the schema cannot be used, if it cannot.
    unfit: RwLock<Option<MigrateError>>,
}

impl std::fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteStore").finish_non_exhaustive()
    }
}

impl SqliteStore {
    /// Opens a file, which is made if there is none. Run [`migrate`](Self::migrate) before the first use. `:memory:`,
    /// an empty path and other names of SQLite for a database without a file are [`memory`](Self::memory).
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, SqliteOptions::default()).await
    }

    /// Opens a file in a way of its own.
    pub async fn open_with(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, StoreError> {
        let path = path.as_ref();
        let reads = Arc::new(Reads::new(&NAMES));
        let open = |write: bool| -> Result<Db, StoreError> {
            let access = if write {
                OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE
            } else {
                OpenFlags::SQLITE_OPEN_READ_WRITE // a reader of a WAL may have to recover it
            };
            let conn = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX);
            let conn = conn.map_err(|error| store_error(&error))?;
            if has_file(&conn) {
                set_up(&conn, &options, write)?;
            }
            Ok(Db::new(conn, Arc::clone(&reads)))
        };
        let writer = open(true)?;
        if options.synchronous_full {
            writer.flushes();
        }
        if !has_file(&writer.conn) {
            return Self::memory().await; // each connection would have a database of its own
        }
        let readers = (0..options.readers.max(1)).map(|_| open(false)).collect::<Result<Vec<_>, _>>()?;
        let seats = (0..options.seats).map(|_| open(false)).collect::<Result<Vec<_>, _>>()?;
        Self::start(writer, readers, seats)
    }

    /// A new, empty database in memory, gone when the store is closed or dropped. One thread writes and reads.
    pub async fn memory() -> Result<Self, StoreError> {
        let conn = Connection::open_in_memory().map_err(|error| store_error(&error))?;
        steady_plans(&conn).map_err(|error| store_error(&error))?;
        Self::start(Db::new(conn, Arc::new(Reads::new(&NAMES))), vec![], vec![])
    }

    fn start(writer: Db, readers: Vec<Db>, seats: Vec<Db>) -> Result<Self, StoreError> {
        let unfit = unfit(&writer)?;
        let threads = Threads::start(writer, readers, seats)?;
        Ok(Self { inner: Arc::new(Inner { threads, unfit: RwLock::new(unfit) }) })
    }

    /// Brings the schema to what this binary needs; what was applied, which is nothing when it was there already.
    pub async fn migrate(&self) -> Result<Vec<Applied>, StoreError> {
        self.migrate_to(migrate::newest(migrations::KNOWN)).await
    }

    /// Brings the schema up or down to a migration; 0 removes everything. What was applied or removed, in order.
    pub async fn migrate_to(&self, number: i64) -> Result<Vec<Applied>, StoreError> {
        let now = SystemClock.now();
        let run = move |db: &Db| {
            let done = migrations::migrate(db, number, now);
            Ok((done, unfit(db)?))
        };
        let (done, unfit) = self.inner.threads.alone(run).await?;
        *self.inner.unfit.write().unwrap_or_else(PoisonError::into_inner) = unfit;
        Ok(done?)
    }

    /// Every migration, and whether the database has it.
    pub async fn migration_status(&self) -> Result<Vec<MigrationStatus>, StoreError> {
        let applied = self.inner.threads.alone(migrations::applied).await?;
        Ok(migrate::status(&applied, migrations::KNOWN))
    }

    fn fit(&self) -> Result<&Threads, StoreError> {
        match &*self.inner.unfit.read().unwrap_or_else(PoisonError::into_inner) {
            None => Ok(&self.inner.threads),
            Some(error) => Err(error.clone().into()),
        }
    }

    fn read<'a, T: Send + 'static>(
        &'a self,
        read: impl FnOnce(&Db) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'a, T> {
        Box::pin(async move { self.fit()?.read(read).await })
    }

    /// As [`read`](Self::read), for what is found by key.
    fn glance<'a, T: Send + 'static>(
        &'a self,
        read: impl Fn(&Db) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'a, T> {
        Box::pin(async move { self.fit()?.glance(read).await })
    }

    fn change<'a, T: Send + 'static>(
        &'a self,
        work: impl FnMut(&Db) -> Result<Effect<T>, Fault> + Send + 'static,
    ) -> Answer<'a, T> {
        Box::pin(async move { self.fit()?.change(work).await })
    }

    fn change_lightly<'a, T: Send + 'static>(
        &'a self,
        work: impl FnMut(&Db) -> Result<Effect<T>, Fault> + Send + 'static,
    ) -> Answer<'a, T> {
        Box::pin(async move { self.fit()?.change_lightly(work).await })
    }
}

fn unfit(db: &Db) -> Result<Option<MigrateError>, StoreError> {
    Ok(migrate::usable(&migrations::applied(db)?, migrations::KNOWN).err())
}

impl Store for SqliteStore {
    fn load<'a>(
        &'a self,
        tenant: TenantId,
        needs: &'a Needs,
        key: Option<(&'a Author, &'a str)>,
    ) -> Answer<'a, Loaded> {
        let (needs, key) = (needs.clone(), key.map(|(by, key)| (by.clone(), key.to_owned())));
        self.glance(move |db| load::load(db, tenant, &needs, key.as_ref().map(|(by, key)| (by, key.as_str()))))
    }
    fn config(&self, tenant: TenantId) -> Answer<'_, Option<TenantConfig>> {
        self.read(move |db| load::config(db, tenant))
    }
    fn standing<'a>(&'a self, actor: &'a Actor) -> Answer<'a, (i64, Standing)> {
        let actor = actor.clone();
        self.glance(move |db| load::standing(db, &actor))
    }
    fn draw(&self, tenant: TenantId, of: Counter, n: u32) -> Answer<'_, i64> {
        // A number that a power failure takes back was given to nobody: the ticket's commit came after it.
        self.change_lightly(move |db| {
            let sql = "INSERT INTO hd_counter (tenant_id, project_id, next) VALUES ($1, $2, 1 + $3) \
                       ON CONFLICT (tenant_id, project_id) DO UPDATE SET next = next + $3 RETURNING next - $3";
            let first = db.number("draw", sql, &[tenant.put(), of.key().put(), n.put()])?;
            Ok(Effect::Keep(first.ok_or_else(|| StoreError::Defect("a counter gave no number".into()))?))
        })
    }
    fn commit(&self, commit: Commit) -> Answer<'_, Outcome> {
        Box::pin(async move {
            one_tenant(&commit)?;
            self.fit()?.change(move |db| commit::commit(db, &commit)).await
        })
    }
    fn find<'a>(&'a self, find: &'a Find) -> Answer<'a, (i64, Vec<Found>)> {
        let find = find.clone();
        self.read(move |db| load::find(db, &find))
    }
    fn count<'a>(&'a self, find: &'a Find, cap: u32) -> Answer<'a, (i64, Count)> {
        let find = find.clone();
        self.read(move |db| load::count(db, &find, cap))
    }
    fn cards<'a>(&'a self, find: &'a CardFind) -> Answer<'a, (i64, Vec<CardFound>)> {
        let find = find.clone();
        self.read(move |db| cards::page(db, &find))
    }
    fn ticket<'a>(&'a self, tenant: TenantId, which: &'a Which, entries: u16) -> Answer<'a, (i64, Option<Parts>)> {
        let which = which.clone();
        self.glance(move |db| load::ticket(db, tenant, &which, entries))
    }
    fn tickets<'a>(&'a self, tenant: TenantId, ids: &'a [TicketId]) -> Answer<'a, (i64, Vec<Parts>)> {
        let ids = ids.to_vec();
        let few = ids.len() <= GLANCE;
        let read = move |db: &Db| load::tickets(db, tenant, &ids);
        if few { self.glance(read) } else { self.read(read) }
    }
    fn links<'a>(&'a self, tenant: TenantId, ids: &'a [TicketId]) -> Answer<'a, (i64, Vec<Link>, Vec<Parts>)> {
        let ids = ids.to_vec();
        let few = ids.len() <= 1;
        let read = move |db: &Db| load::links(db, tenant, &ids);
        if few { self.glance(read) } else { self.read(read) }
    }
    fn entries(
        &self,
        tenant: TenantId,
        ticket: TicketId,
        after: Option<(Timestamp, EntryId)>,
        limit: u16,
    ) -> Answer<'_, Vec<Entry>> {
        self.read(move |db| load::entries(db, tenant, ticket, after, limit))
    }
    fn revisions(&self, tenant: TenantId, ticket: TicketId) -> Answer<'_, Vec<Revision>> {
        self.read(move |db| db.images("revisions", &db.reads.revisions, &[tenant.put(), ticket.put()]))
    }
    fn participants(&self, tenant: TenantId, ticket: TicketId) -> Answer<'_, Vec<Participant>> {
        self.read(move |db| {
            let values = [tenant.put(), ticket.put()];
            let mut all: Vec<Participant> = db.images("participants", &db.reads.participants, &values)?;
            all.sort_by_key(|p| (p.since, p.relation, p.person));
            Ok(all)
        })
    }
    fn inbox<'a>(
        &'a self,
        tenant: TenantId,
        people: &'a [PersonId],
        after: Option<(Timestamp, SlotId)>,
        limit: u16,
    ) -> Answer<'a, (i64, Vec<Slot>)> {
        let people = people.to_vec();
        self.read(move |db| load::inbox(db, tenant, &people, after, limit))
    }
    fn concerned<'a>(
        &'a self,
        tenant: TenantId,
        whom: &'a Concerned,
        after: Option<TicketId>,
        limit: u16,
    ) -> Answer<'a, Vec<TicketId>> {
        let whom = whom.clone();
        self.read(move |db| load::concerned(db, tenant, &whom, after, limit))
    }
    fn delegations(&self, tenant: TenantId, person: PersonId) -> Answer<'_, Vec<Delegation>> {
        self.read(move |db| load::delegations(db, tenant, person))
    }
    fn people<'a>(&'a self, tenant: TenantId, ids: &'a [PersonId]) -> Answer<'a, Vec<Person>> {
        let ids = ids.to_vec();
        self.read(move |db| load::people(db, tenant, &ids))
    }
    fn find_people<'a>(&'a self, tenant: TenantId, find: &'a PeopleFind) -> Answer<'a, Vec<Person>> {
        let find = find.clone();
        self.read(move |db| load::find_people(db, tenant, &find))
    }
    fn grants(&self, tenant: TenantId) -> Answer<'_, Vec<Grant>> {
        self.read(move |db| db.images("grants", &db.reads.grants, &[tenant.put()]))
    }
    fn members(&self, tenant: TenantId, group: GroupId) -> Answer<'_, Vec<Membership>> {
        self.read(move |db| db.images("members", &db.reads.members, &[tenant.put(), group.put()]))
    }
    fn tenants(&self) -> Answer<'_, Vec<Tenant>> {
        self.read(|db| db.images("tenants", &db.reads.tenants, &[]))
    }
    fn kv<'a>(&'a self, tenant: TenantId, plugin: &'a str, key: &'a str) -> Answer<'a, Option<Kv>> {
        let values = [tenant.put(), Val::Text(plugin.into()), Val::Text(key.into())];
        self.glance(move |db| db.image("kv", &db.reads.kv, &values))
    }
    fn kv_keys<'a>(
        &'a self,
        tenant: TenantId,
        plugin: &'a str,
        prefix: &'a str,
        after: Option<&'a str>,
        now: Timestamp,
        limit: u16,
    ) -> Answer<'a, Vec<String>> {
        let text = |text: &str| Val::Text(text.into());
        let values = [tenant.put(), text(plugin), text(after.unwrap_or("")), text(prefix), now.put()];
        self.read(move |db| db.query("kv keys", &limited(&db.reads.kv_keys, limit), &values, |row| get(row, 0)))
    }
    fn kv_bytes<'a>(&'a self, tenant: TenantId, plugin: &'a str, now: Timestamp) -> Answer<'a, u64> {
        let values = [tenant.put(), Val::Text(plugin.into()), now.put()];
        self.read(move |db| Ok(db.number("kv bytes", &db.reads.kv_bytes, &values)?.map_or(0, i64::unsigned_abs)))
    }
    fn runs<'a>(&'a self, tenant: TenantId, plugin: &'a str, limit: u16) -> Answer<'a, Vec<RunRecord>> {
        let values = [tenant.put(), Val::Text(plugin.into())];
        self.read(move |db| db.images("runs", &limited(&db.reads.runs, limit), &values))
    }
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.inner.threads.close();
            self.inner.threads.ended().await;
        })
    }
}

impl Log for SqliteStore {
    fn head(&self) -> Answer<'_, Cursor> {
        self.glance(log::head)
    }
    fn after(&self, tenant: Option<TenantId>, cursor: Cursor, limit: u16) -> Answer<'_, (Vec<Envelope>, Cursor)> {
        self.read(move |db| log::after(db, tenant, cursor, limit))
    }
    fn history<'a>(
        &'a self,
        tenant: TenantId,
        subject: &'a Subject,
        version: i64,
        limit: u16,
    ) -> Answer<'a, Vec<Envelope>> {
        let subject = subject.clone();
        self.read(move |db| log::history(db, tenant, &subject, version, limit))
    }
}

/// What a power failure takes back of the bookkeeping is done again; what was finished since cannot have lasted longer
/// than what came before it.
impl Queue for SqliteStore {
    fn claim<'a>(&'a self, queue: &'a str, limit: u16, now: Timestamp, until: Timestamp) -> Answer<'a, Vec<Job>> {
        let queue = queue.to_owned();
        self.change_lightly(move |db| queue::claim(db, &queue, limit, now, until))
    }
    fn renew<'a>(&'a self, leases: &'a [Lease], until: Timestamp) -> Answer<'a, Vec<Lease>> {
        let leases = leases.to_vec();
        self.change_lightly(move |db| queue::renew(db, &leases, until))
    }
    fn release<'a>(&'a self, lease: Lease, how: &'a Release) -> Answer<'a, bool> {
        let how = how.clone();
        self.change(move |db| queue::release(db, &lease, &how))
    }
    fn dead<'a>(&'a self, queue: &'a str, limit: u16) -> Answer<'a, (Vec<Job>, Depth)> {
        let queue = queue.to_owned();
        self.read(move |db| queue::dead(db, &queue, limit))
    }
    fn revive(&self, tenant: TenantId, job: JobId, now: Timestamp) -> Answer<'_, bool> {
        self.change(move |db| queue::revive(db, tenant, job, now))
    }
    fn next_due<'a>(&'a self, queues: &'a [String]) -> Answer<'a, Option<Timestamp>> {
        let queues = queues.to_vec();
        self.read(move |db| queue::next_due(db, &queues))
    }
    fn position<'a>(&'a self, subscriber: &'a str) -> Answer<'a, Cursor> {
        let subscriber = subscriber.to_owned();
        Box::pin(async move {
            let threads = self.fit()?;
            let name = subscriber.clone();
            match threads.read(move |db| queue::position(db, &name)).await? {
                Some(known) => Ok(known),
                None => threads.change(move |db| queue::begin(db, &subscriber)).await,
            }
        })
    }
    fn advance<'a>(&'a self, subscriber: &'a str, from: Cursor, to: Cursor, jobs: &'a [NewJob]) -> Answer<'a, bool> {
        let (subscriber, jobs) = (subscriber.to_owned(), jobs.to_vec());
        self.change_lightly(move |db| queue::advance(db, &subscriber, from, to, &jobs))
    }
    fn sweep(&self, upto: Sweep) -> Answer<'_, u64> {
        self.change(move |db| queue::sweep(db, upto))
    }
}

impl Database for SqliteStore {
    fn bell(&self) -> Arc<tokio::sync::Notify> {
        Arc::clone(&self.inner.threads.bell)
    }
}

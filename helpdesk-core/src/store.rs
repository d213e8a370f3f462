//! The contract between the desk and a database, in words. Third parties can write a store; the exported conformance
//! suite ([`testing`](crate::testing)) says whether it is right.
//!
//! * A **commit** is atomic: all of it or nothing, also when its future is dropped half-way. It checks the policy epoch,
//!   the version of every changed row, the read set and the lease it saw; if one no longer holds, nothing happens and it
//!   answers [`Outcome::Stale`]. It carries row images, not events to interpret: no store knows the rules.
//! * The **log** has one order, that of commits: what [`Log::after`] has shown is never preceded later by anything.
//! * A **job** or delivery is leased; its finisher proves that the lease still holds, in the commit.

#[cfg(feature = "store-sql")]
pub mod migrate;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "store-sql")]
#[cfg_attr(
    not(all(feature = "sqlite", feature = "postgres")),
    allow(dead_code, reason = "each database uses a part of it")
)]
pub(crate) mod sql;
#[cfg(feature = "sqlite")]
pub mod sqlite;

mod loaded;
mod row;
mod work;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::BoxFuture;

pub use self::loaded::{BELOW_MAX, Counter, Earlier, Loaded, Parts};
pub use self::row::{Head, Kv, Row, RunRecord, Write};
pub use self::work::{Depth, Job, Lease, NewJob, Queue, Release, Sweep};
use crate::actor::{Actor, Author};
use crate::approval::{Delegation, Slot};
use crate::board::Rank;
use crate::config::TenantConfig;
use crate::decide::Needs;
use crate::event::{Cause, Cursor, Envelope, Event, Subject};
use crate::filter::{Filter, Order};
use crate::id::{BoardId, EventId, PersonId, SlotId, TenantId, TicketId};
use crate::org::{Membership, Person, PersonKind};
use crate::role::Grant;
use crate::ticket::{Entry, Link, Participant, Revision};
use crate::time::Timestamp;

/// The database failed, or holds what it should not.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, is closed, or has no connection free; nothing happened, try again later.
    #[error("the database is not available: {0}; try again later")]
    Unavailable(String),
    /// The answer to a commit was lost: it may have happened. Repeat it with the same idempotency key.
    #[error("the connection broke during a commit: {0}; repeat with the same idempotency key to learn what happened")]
    Unknown(String),
    /// Its schema is not the one this binary needs.
    #[error("{0}")]
    Schema(String),
    /// It refused a statement, or holds a value that cannot be read: a defect, here or in the data.
    #[error("the database refused: {0}")]
    Defect(String),
}

impl StoreError {
    /// A stable name for machines.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "UNAVAILABLE",
            Self::Unknown(_) => "OUTCOME_UNKNOWN",
            Self::Schema(_) => "SCHEMA_MISMATCH",
            Self::Defect(_) => "INTERNAL",
        }
    }
}

/// The answer of a store.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// The idempotency key of a command, with what a repetition will be answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// Who sent it; keys of different people never meet.
    pub by: Author,
    /// The key.
    pub key: String,
    /// SHA-256 of the command, hexadecimal.
    pub hash: String,
    /// What it made, JSON.
    pub made: String,
    /// The version it made.
    pub version: i64,
    /// The subject whose version that is; empty when nothing changed.
    pub subject: Option<Subject>,
    /// When; kept for 24 hours.
    pub at: Timestamp,
}

/// An event about to be committed; the store gives it its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// What it is about.
    pub subject: Subject,
    /// The version the command makes.
    pub version: i64,
    /// Its place among the events of that version.
    pub ord: i32,
    /// Who acted.
    pub by: Author,
    /// Why.
    pub cause: Arc<Cause>,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was written down.
    pub recorded_at: Timestamp,
    /// Whether only staff may see it.
    pub internal: bool,
    /// What happened.
    pub event: Event,
}

/// How a commit deals with the policy epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Epoch {
    /// The tenant is new: its epoch begins at 1.
    Begin,
    /// It must still be this one.
    Seen(i64),
    /// It must still be this one, and moves on by one.
    Move(i64),
}

/// Everything one command (or one set of commands) writes.
#[derive(Debug, Clone)]
pub struct Commit {
    /// The tenant.
    pub tenant: TenantId,
    /// The policy epoch seen.
    pub epoch: Epoch,
    /// Row images.
    pub writes: Vec<Write>,
    /// Versions of unchanged tickets the decision relied on; they must still hold.
    pub reads: Vec<(TicketId, i64)>,
    /// Events, in order.
    pub events: Vec<NewEvent>,
    /// Jobs to enqueue; one whose (queue, key) exists already is moved to the new time.
    pub jobs: Vec<NewJob>,
    /// The idempotency key.
    pub key: Option<Key>,
    /// The job or delivery this commit finishes; its lease must still hold.
    pub done: Option<Lease>,
}

/// How a commit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It happened; its last event stands here (or nothing was logged).
    Done(Option<Cursor>),
    /// An epoch, version, read, unique name or key no longer held; nothing happened: load and decide again.
    Stale,
    /// The lease is no longer held; nothing happened.
    LeaseLost,
}

/// One page of tickets to find.
#[derive(Debug, Clone)]
pub struct Find {
    /// The tenant.
    pub tenant: TenantId,
    /// Which tickets; the viewer's visibility is already in it.
    pub filter: Filter,
    /// The tickets whose internal entries the viewer may search, without full text.
    pub internal: Filter,
    /// Which parents are shown to the viewer; for conditions on parents, another one is none.
    pub parents: Filter,
    /// In which order; the id breaks ties.
    pub order: Order,
    /// After the ticket with this sort key, exclusive.
    pub after: Option<(i64, TicketId)>,
    /// At most this many.
    pub limit: u16,
}

/// A ticket in a list: the head with its people and tags.
pub type Found = Parts;

/// One page of the cards in a column of a board.
#[derive(Debug, Clone)]
pub struct CardFind {
    /// Which tickets the board shows. Its order and place are not looked at.
    pub find: Find,
    /// The board.
    pub board: BoardId,
    /// The states the column shows.
    pub states: Vec<String>,
    /// After this place, exclusive.
    pub after: Option<Rank>,
}

/// A card in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardFound {
    /// Where it stands: the rank of its card, else that of its number.
    pub rank: Rank,
    /// How many public entries it has, without deleted ones.
    pub public: u32,
    /// How many internal ones.
    pub internal: u32,
    /// The ticket.
    pub parts: Parts,
}

/// Which ticket to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Which {
    /// By id.
    Id(TicketId),
    /// By project key and number: `DEMO-1`.
    Key(String, i64),
}

/// A count that stops at a cap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Count {
    /// How many, at most the cap.
    pub value: u32,
    /// Whether that is all of them.
    pub exact: bool,
}

/// An actor as the directory knows them: the row, and all grants that concern them.
#[derive(Debug, Default)]
pub struct Standing {
    /// The person.
    pub person: Option<Person>,
    /// Their own grants and those of their groups, expired ones too.
    pub grants: Vec<Grant>,
}

/// Which people to list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PeopleFind {
    /// Whose folded name or e-mail contains this, folded; everyone when empty.
    pub search: String,
    /// Of this kind only.
    pub kind: Option<PersonKind>,
    /// After this id, exclusive.
    pub after: Option<PersonId>,
    /// At most this many.
    pub limit: u16,
}

/// Reading and committing.
pub trait Store: Send + Sync + 'static {
    /// Everything `needs` asks for, the epoch, and the trace of an earlier command with this idempotency key; one trip.
    fn load<'a>(&'a self, tenant: TenantId, needs: &'a Needs, key: Option<(&'a Author, &'a str)>)
    -> Answer<'a, Loaded>;

    /// The tenant's configuration with its epoch; none when there is no such tenant.
    fn config(&self, tenant: TenantId) -> Answer<'_, Option<TenantConfig>>;

    /// What the directory knows of an actor, with the epoch it was read at.
    fn standing<'a>(&'a self, actor: &'a Actor) -> Answer<'a, (i64, Standing)>;

    /// Reserves `n` numbers of a counter and returns the first. Gaps are allowed, reuse is not. Not part of a commit.
    fn draw(&self, tenant: TenantId, of: Counter, n: u32) -> Answer<'_, i64>;

    /// Writes all of it, or nothing.
    fn commit(&self, commit: Commit) -> Answer<'_, Outcome>;

    /// One page of tickets, in order, with the tenant's policy epoch (0 when there is no such tenant) read in the same
    /// trip, not before the rows were: the desk compares it with the one the filter was made for.
    fn find<'a>(&'a self, find: &'a Find) -> Answer<'a, (i64, Vec<Found>)>;

    /// How many tickets match, counted up to `cap`, with the epoch.
    fn count<'a>(&'a self, find: &'a Find, cap: u32) -> Answer<'a, (i64, Count)>;

    /// One page of a column's cards, in order of rank, with the epoch as in [`find`](Self::find).
    fn cards<'a>(&'a self, find: &'a CardFind) -> Answer<'a, (i64, Vec<CardFound>)>;

    /// A ticket with text and its first `entries` entries, oldest first, internal ones too; one trip. With the epoch.
    fn ticket<'a>(&'a self, tenant: TenantId, which: &'a Which, entries: u16) -> Answer<'a, (i64, Option<Parts>)>;

    /// Several tickets with people and tags; unknown ids are left out. With the epoch.
    fn tickets<'a>(&'a self, tenant: TenantId, ids: &'a [TicketId]) -> Answer<'a, (i64, Vec<Parts>)>;

    /// Every link of these tickets, once, in order of [`Link::key`], with the heads of these tickets and of those they are
    /// linked with, in no order; unknown ids are left out. With the epoch; one trip.
    fn links<'a>(&'a self, tenant: TenantId, ids: &'a [TicketId]) -> Answer<'a, (i64, Vec<Link>, Vec<Parts>)>;

    /// Entries of a ticket after (created_at, id), exclusive, oldest first.
    fn entries(
        &self,
        tenant: TenantId,
        ticket: TicketId,
        after: Option<(Timestamp, crate::id::EntryId)>,
        limit: u16,
    ) -> Answer<'_, Vec<Entry>>;

    /// Earlier texts of a ticket, oldest first.
    fn revisions(&self, tenant: TenantId, ticket: TicketId) -> Answer<'_, Vec<Revision>>;

    /// Everyone who was ever something to a ticket, with their intervals, in order of (since, relation, person).
    fn participants(&self, tenant: TenantId, ticket: TicketId) -> Answer<'_, Vec<Participant>>;

    /// The slots that wait for one of these people, in steps that are open, of tickets that are not deleted: after
    /// (opened_at, id), exclusive, oldest first. With the epoch.
    fn inbox<'a>(
        &'a self,
        tenant: TenantId,
        people: &'a [PersonId],
        after: Option<(Timestamp, SlotId)>,
        limit: u16,
    ) -> Answer<'a, (i64, Vec<Slot>)>;

    /// Tickets with slots that somebody's leaving may concern: of steps that are open, or that somebody approved; after
    /// this ticket, exclusive, in order of id.
    fn concerned<'a>(
        &'a self,
        tenant: TenantId,
        whom: &'a Concerned,
        after: Option<TicketId>,
        limit: u16,
    ) -> Answer<'a, Vec<TicketId>>;

    /// The delegations somebody has given or was given, in order of (created_at, id).
    fn delegations(&self, tenant: TenantId, person: PersonId) -> Answer<'_, Vec<Delegation>>;

    /// People by id; unknown ids are left out.
    fn people<'a>(&'a self, tenant: TenantId, ids: &'a [PersonId]) -> Answer<'a, Vec<Person>>;

    /// People by search, in order of id.
    fn find_people<'a>(&'a self, tenant: TenantId, find: &'a PeopleFind) -> Answer<'a, Vec<Person>>;

    /// All grants of a tenant, in order of id.
    fn grants(&self, tenant: TenantId) -> Answer<'_, Vec<Grant>>;

    /// The members of a group, in order of person.
    fn members(&self, tenant: TenantId, group: crate::id::GroupId) -> Answer<'_, Vec<Membership>>;

    /// Every tenant, in order of id.
    fn tenants(&self) -> Answer<'_, Vec<crate::org::Tenant>>;

    /// A plugin's stored value.
    fn kv<'a>(&'a self, tenant: TenantId, plugin: &'a str, key: &'a str) -> Answer<'a, Option<Kv>>;

    /// A plugin's keys that begin with `prefix`, after `after`, in order, without those that have expired by `now`.
    fn kv_keys<'a>(
        &'a self,
        tenant: TenantId,
        plugin: &'a str,
        prefix: &'a str,
        after: Option<&'a str>,
        now: Timestamp,
        limit: u16,
    ) -> Answer<'a, Vec<String>>;

    /// The bytes of a plugin's keys and values together, without those that have expired by `now`.
    fn kv_bytes<'a>(&'a self, tenant: TenantId, plugin: &'a str, now: Timestamp) -> Answer<'a, u64>;

    /// The latest runs of a plugin, newest first.
    fn runs<'a>(&'a self, tenant: TenantId, plugin: &'a str, limit: u16) -> Answer<'a, Vec<RunRecord>>;

    /// Releases connections and threads. Everything after it answers [`StoreError::Unavailable`].
    fn close(&self) -> BoxFuture<'_, ()>;
}

/// The event log, in commit order.
pub trait Log: Send + Sync + 'static {
    /// The end of the log: everything up to here can be read and nothing will be inserted before it.
    fn head(&self) -> Answer<'_, Cursor>;

    /// The last place given out: a cursor beyond it is not of this log. It lies beyond the head where writers that came
    /// earlier are still at work.
    fn last(&self) -> Answer<'_, Cursor> {
        self.head()
    }

    /// Events after `cursor`, at most `limit`, of one tenant or of all; with the place up to which the log was read,
    /// which moves on although no event of the tenant was there.
    fn after(&self, tenant: Option<TenantId>, cursor: Cursor, limit: u16) -> Answer<'_, (Vec<Envelope>, Cursor)>;

    /// The events of one subject with versions above `version`, oldest first.
    fn history<'a>(
        &'a self,
        tenant: TenantId,
        subject: &'a Subject,
        version: i64,
        limit: u16,
    ) -> Answer<'a, Vec<Envelope>>;
}

/// Whose slots are looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Concerned {
    /// Those of this person.
    Person(PersonId),
    /// Those of whoever was found in this way, see [`Slot::via`].
    Via(String),
    /// Those that are vacant, and the steps that are blocked.
    Stuck,
}

/// A complete database.
pub trait Database: Store + Log + Queue {
    /// What tells waiting workers that the log has grown or work is due: fired after commits of this process and, where
    /// the database can, of others. Polling is the truth; this only shortens the wait.
    fn bell(&self) -> Arc<tokio::sync::Notify>;
}

/// People by id, for scenes.
pub(crate) fn by_id(people: Vec<Person>) -> BTreeMap<PersonId, Person> {
    people.into_iter().map(|person| (person.id, person)).collect()
}

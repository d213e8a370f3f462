//! A real store behind a wrapper that counts calls and, on a seeded schedule, fails, delays or conflicts.
//!
//! No mock: what it lets through happens in the store inside.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use super::Chance;
use crate::actor::{Actor, Author};
use crate::approval::{Delegation, Slot};
use crate::config::TenantConfig;
use crate::decide::Needs;
use crate::event::{Cursor, Envelope, Subject};
use crate::id::{EntryId, GroupId, JobId, PersonId, SlotId, TenantId, TicketId};
use crate::org::{Membership, Person, Tenant};
use crate::role::Grant;
use crate::store::{
    Answer, CardFind, CardFound, Commit, Concerned, Count, Counter, Database, Depth, Find, Found, Job, Kv, Lease,
    Loaded, Log, NewJob, Outcome, Parts, PeopleFind, Queue, Release, RunRecord, Standing, Store, StoreError, Sweep,
    Which,
};
use crate::ticket::{Entry, Link, Participant, Revision};
use crate::time::Timestamp;

/// What goes wrong with one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mishap {
    /// It fails before anything happened.
    Unavailable,
    /// A commit happens, but its answer is lost; other calls fail before anything happened.
    Lost,
    /// A commit is answered [`Outcome::Stale`] without being tried; other calls are not touched.
    Stale,
    /// It takes this long.
    Late(Duration),
}

/// How often things go wrong, in calls out of a hundred; the rest goes well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Schedule {
    /// See [`Mishap::Unavailable`].
    pub unavailable: usize,
    /// See [`Mishap::Lost`].
    pub lost: usize,
    /// See [`Mishap::Stale`].
    pub stale: usize,
    /// See [`Mishap::Late`]; one millisecond each.
    pub late: usize,
    /// Only with calls of this method; with all of them when none is named.
    pub only: Option<&'static str>,
}

#[derive(Debug)]
struct State {
    chance: Chance,
    schedule: Schedule,
    calls: BTreeMap<&'static str, u64>,
}

/// A [`Database`] that behaves like the one inside, except when its schedule says otherwise. Clones are the same.
#[derive(Clone)]
pub struct Faulty {
    inner: Arc<dyn Database>,
    state: Arc<Mutex<State>>,
}

impl Faulty {
    /// Nothing goes wrong: only counts calls.
    pub fn calm(inner: Arc<dyn Database>) -> Self {
        Self::new(inner, 0, Schedule::default())
    }

    /// Things go wrong as `schedule` says, in the order `seed` gives.
    pub fn new(inner: Arc<dyn Database>, seed: u64, schedule: Schedule) -> Self {
        let state = State { chance: Chance::new(seed), schedule, calls: BTreeMap::new() };
        Self { inner, state: Arc::new(Mutex::new(state)) }
    }

    /// Goes by another schedule from now on.
    pub fn reschedule(&self, schedule: Schedule) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).schedule = schedule;
    }

    /// How often each method was called since the last time this was asked.
    pub fn calls(&self) -> BTreeMap<&'static str, u64> {
        std::mem::take(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner).calls)
    }

    fn strike(&self, method: &'static str) -> Option<Mishap> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state.calls.entry(method).or_default() += 1;
        let Schedule { unavailable, lost, stale, late, only } = state.schedule;
        if only.is_some_and(|only| only != method) {
            return None;
        }
        let die = state.chance.below(100);
        let mut upto = 0;
        for (share, mishap) in [
            (unavailable, Mishap::Unavailable),
            (lost, Mishap::Lost),
            (stale, Mishap::Stale),
            (late, Mishap::Late(Duration::from_millis(1))),
        ] {
            upto += share;
            if die < upto {
                return Some(mishap);
            }
        }
        None
    }

    /// The answer of any call but a commit.
    fn call<'a, T: Send + 'a>(&'a self, method: &'static str, answer: Answer<'a, T>) -> Answer<'a, T> {
        match self.strike(method) {
            None | Some(Mishap::Stale) => answer,
            Some(Mishap::Unavailable | Mishap::Lost) => {
                async move { Err(StoreError::Unavailable(format!("`{method}` fails on schedule"))) }.boxed()
            }
            Some(Mishap::Late(wait)) => async move {
                tokio::time::sleep(wait).await;
                answer.await
            }
            .boxed(),
        }
    }
}

impl Store for Faulty {
    fn load<'a>(
        &'a self,
        tenant: TenantId,
        needs: &'a Needs,
        key: Option<(&'a Author, &'a str)>,
    ) -> Answer<'a, Loaded> {
        self.call("load", self.inner.load(tenant, needs, key))
    }
    fn config(&self, tenant: TenantId) -> Answer<'_, Option<TenantConfig>> {
        self.call("config", self.inner.config(tenant))
    }
    fn standing<'a>(&'a self, actor: &'a Actor) -> Answer<'a, (i64, Standing)> {
        self.call("standing", self.inner.standing(actor))
    }
    fn draw(&self, tenant: TenantId, of: Counter, n: u32) -> Answer<'_, i64> {
        self.call("draw", self.inner.draw(tenant, of, n))
    }
    fn commit(&self, commit: Commit) -> Answer<'_, Outcome> {
        match self.strike("commit") {
            None => self.inner.commit(commit),
            Some(Mishap::Stale) => async { Ok(Outcome::Stale) }.boxed(),
            Some(Mishap::Unavailable) => {
                async { Err(StoreError::Unavailable("`commit` fails on schedule".into())) }.boxed()
            }
            Some(Mishap::Lost) => async move {
                self.inner.commit(commit).await?;
                Err(StoreError::Unknown("the answer is lost on schedule".into()))
            }
            .boxed(),
            Some(Mishap::Late(wait)) => async move {
                tokio::time::sleep(wait).await;
                self.inner.commit(commit).await
            }
            .boxed(),
        }
    }
    fn find<'a>(&'a self, find: &'a Find) -> Answer<'a, (i64, Vec<Found>)> {
        self.call("find", self.inner.find(find))
    }
    fn count<'a>(&'a self, find: &'a Find, cap: u32) -> Answer<'a, (i64, Count)> {
        self.call("count", self.inner.count(find, cap))
    }
    fn ticket<'a>(&'a self, tenant: TenantId, which: &'a Which, entries: u16) -> Answer<'a, (i64, Option<Parts>)> {
        self.call("ticket", self.inner.ticket(tenant, which, entries))
    }
    fn tickets<'a>(&'a self, tenant: TenantId, ids: &'a [TicketId]) -> Answer<'a, (i64, Vec<Parts>)> {
        self.call("tickets", self.inner.tickets(tenant, ids))
    }
    fn cards<'a>(&'a self, find: &'a CardFind) -> Answer<'a, (i64, Vec<CardFound>)> {
        self.call("cards", self.inner.cards(find))
    }
    fn links<'a>(&'a self, tenant: TenantId, ids: &'a [TicketId]) -> Answer<'a, (i64, Vec<Link>, Vec<Parts>)> {
        self.call("links", self.inner.links(tenant, ids))
    }
    fn entries(
        &self,
        tenant: TenantId,
        ticket: TicketId,
        after: Option<(Timestamp, EntryId)>,
        limit: u16,
    ) -> Answer<'_, Vec<Entry>> {
        self.call("entries", self.inner.entries(tenant, ticket, after, limit))
    }
    fn revisions(&self, tenant: TenantId, ticket: TicketId) -> Answer<'_, Vec<Revision>> {
        self.call("revisions", self.inner.revisions(tenant, ticket))
    }
    fn participants(&self, tenant: TenantId, ticket: TicketId) -> Answer<'_, Vec<Participant>> {
        self.call("participants", self.inner.participants(tenant, ticket))
    }
    fn inbox<'a>(
        &'a self,
        tenant: TenantId,
        people: &'a [PersonId],
        after: Option<(Timestamp, SlotId)>,
        limit: u16,
    ) -> Answer<'a, (i64, Vec<Slot>)> {
        self.call("inbox", self.inner.inbox(tenant, people, after, limit))
    }
    fn concerned<'a>(
        &'a self,
        tenant: TenantId,
        whom: &'a Concerned,
        after: Option<TicketId>,
        limit: u16,
    ) -> Answer<'a, Vec<TicketId>> {
        self.call("concerned", self.inner.concerned(tenant, whom, after, limit))
    }
    fn delegations(&self, tenant: TenantId, person: PersonId) -> Answer<'_, Vec<Delegation>> {
        self.call("delegations", self.inner.delegations(tenant, person))
    }
    fn people<'a>(&'a self, tenant: TenantId, ids: &'a [PersonId]) -> Answer<'a, Vec<Person>> {
        self.call("people", self.inner.people(tenant, ids))
    }
    fn find_people<'a>(&'a self, tenant: TenantId, find: &'a PeopleFind) -> Answer<'a, Vec<Person>> {
        self.call("find_people", self.inner.find_people(tenant, find))
    }
    fn grants(&self, tenant: TenantId) -> Answer<'_, Vec<Grant>> {
        self.call("grants", self.inner.grants(tenant))
    }
    fn members(&self, tenant: TenantId, group: GroupId) -> Answer<'_, Vec<Membership>> {
        self.call("members", self.inner.members(tenant, group))
    }
    fn tenants(&self) -> Answer<'_, Vec<Tenant>> {
        self.call("tenants", self.inner.tenants())
    }
    fn kv<'a>(&'a self, tenant: TenantId, plugin: &'a str, key: &'a str) -> Answer<'a, Option<Kv>> {
        self.call("kv", self.inner.kv(tenant, plugin, key))
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
        self.call("kv_keys", self.inner.kv_keys(tenant, plugin, prefix, after, now, limit))
    }
    fn kv_bytes<'a>(&'a self, tenant: TenantId, plugin: &'a str, now: Timestamp) -> Answer<'a, u64> {
        self.call("kv_bytes", self.inner.kv_bytes(tenant, plugin, now))
    }
    fn runs<'a>(&'a self, tenant: TenantId, plugin: &'a str, limit: u16) -> Answer<'a, Vec<RunRecord>> {
        self.call("runs", self.inner.runs(tenant, plugin, limit))
    }
    fn close(&self) -> BoxFuture<'_, ()> {
        self.inner.close()
    }
}

impl Log for Faulty {
    fn head(&self) -> Answer<'_, Cursor> {
        self.call("head", self.inner.head())
    }
    fn last(&self) -> Answer<'_, Cursor> {
        self.call("last", self.inner.last())
    }
    fn after(&self, tenant: Option<TenantId>, cursor: Cursor, limit: u16) -> Answer<'_, (Vec<Envelope>, Cursor)> {
        self.call("after", self.inner.after(tenant, cursor, limit))
    }
    fn history<'a>(
        &'a self,
        tenant: TenantId,
        subject: &'a Subject,
        version: i64,
        limit: u16,
    ) -> Answer<'a, Vec<Envelope>> {
        self.call("history", self.inner.history(tenant, subject, version, limit))
    }
}

impl Queue for Faulty {
    fn claim<'a>(&'a self, queue: &'a str, limit: u16, now: Timestamp, until: Timestamp) -> Answer<'a, Vec<Job>> {
        self.call("claim", self.inner.claim(queue, limit, now, until))
    }
    fn renew<'a>(&'a self, leases: &'a [Lease], until: Timestamp) -> Answer<'a, Vec<Lease>> {
        self.call("renew", self.inner.renew(leases, until))
    }
    fn release<'a>(&'a self, lease: Lease, how: &'a Release) -> Answer<'a, bool> {
        self.call("release", self.inner.release(lease, how))
    }
    fn dead<'a>(&'a self, queue: &'a str, limit: u16) -> Answer<'a, (Vec<Job>, Depth)> {
        self.call("dead", self.inner.dead(queue, limit))
    }
    fn revive(&self, tenant: TenantId, job: JobId, now: Timestamp) -> Answer<'_, bool> {
        self.call("revive", self.inner.revive(tenant, job, now))
    }
    fn next_due<'a>(&'a self, queues: &'a [String]) -> Answer<'a, Option<Timestamp>> {
        self.call("next_due", self.inner.next_due(queues))
    }
    fn position<'a>(&'a self, subscriber: &'a str) -> Answer<'a, Cursor> {
        self.call("position", self.inner.position(subscriber))
    }
    fn advance<'a>(&'a self, subscriber: &'a str, from: Cursor, to: Cursor, jobs: &'a [NewJob]) -> Answer<'a, bool> {
        self.call("advance", self.inner.advance(subscriber, from, to, jobs))
    }
    fn sweep(&self, upto: Sweep) -> Answer<'_, u64> {
        self.call("sweep", self.inner.sweep(upto))
    }
}

impl Database for Faulty {
    fn bell(&self) -> Arc<tokio::sync::Notify> {
        self.inner.bell()
    }
}

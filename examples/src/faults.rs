//! A database that kills its own process at a named point: for crash tests only.
//!
//! `HELPDESK_FAULT=after-commit:17` ends the program with [`std::process::abort`] the 17th time it passes that point,
//! so that a test sees what a crash there leaves behind. Everything else is handed on to the real database unchanged;
//! without the variable no program of this crate has this layer at all.

use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::future::BoxFuture;
use helpdesk_core::actor::{Actor, Author};
use helpdesk_core::approval::{Delegation, Slot};
use helpdesk_core::config::TenantConfig;
use helpdesk_core::decide::Needs;
use helpdesk_core::event::{Cursor, Envelope, Subject};
use helpdesk_core::id::{EntryId, GroupId, JobId, PersonId, SlotId, TenantId, TicketId};
use helpdesk_core::org::{Membership, Person, Tenant};
use helpdesk_core::role::Grant;
use helpdesk_core::store::{
    Answer, CardFind, CardFound, Commit, Concerned, Count, Counter, Database, Depth, Find, Found, Job, Kv, Lease,
    Loaded, Log, NewJob, Outcome, Parts, PeopleFind, Queue, Release, RunRecord, Standing, Store, Sweep, Which,
};
use helpdesk_core::ticket::{Entry, Link, Participant, Revision};
use helpdesk_core::time::Timestamp;

/// The variable that names a fault.
pub const VARIABLE: &str = "HELPDESK_FAULT";

/// Where a process can be made to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Point {
    /// A number is taken, the ticket that needs it is not yet written.
    AfterDraw,
    /// Everything is decided, nothing is written.
    BeforeCommit,
    /// It is written, and nobody has been told.
    AfterCommit,
    /// A delivery's work is done (a plugin has run) and its effects are not written.
    BeforeDeliveryCommit,
    /// A delivery's effects are written together with its end.
    AfterDeliveryCommit,
    /// Events were read for a subscriber, its deliveries are not written.
    BeforeAdvance,
    /// A subscriber's deliveries are written together with its place in the log.
    AfterAdvance,
}

impl Point {
    /// Every point, with its name.
    pub const ALL: [(&'static str, Self); 7] = [
        ("after-draw", Self::AfterDraw),
        ("before-commit", Self::BeforeCommit),
        ("after-commit", Self::AfterCommit),
        ("before-delivery-commit", Self::BeforeDeliveryCommit),
        ("after-delivery-commit", Self::AfterDeliveryCommit),
        ("before-advance", Self::BeforeAdvance),
        ("after-advance", Self::AfterAdvance),
    ];
}

/// A point and which pass of it is the last one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    point: Point,
    pass: u64,
}

/// A text that names no fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no fault; give a point and a pass such as `after-commit:17`, the points being {names}", names = names())]
pub struct BadFault(String);

fn names() -> String {
    Point::ALL.map(|(name, _)| name).join(", ")
}

impl FromStr for Fault {
    type Err = BadFault;
    fn from_str(text: &str) -> Result<Self, BadFault> {
        let bad = || BadFault(text.chars().take(80).collect());
        let (name, pass) = text.split_once(':').ok_or_else(bad)?;
        let (_, point) = Point::ALL.into_iter().find(|(known, _)| *known == name).ok_or_else(bad)?;
        let pass = pass.parse().ok().filter(|pass| *pass > 0).ok_or_else(bad)?;
        Ok(Self { point, pass })
    }
}

impl Fault {
    /// The fault the environment names, if any.
    pub fn from_env() -> Result<Option<Self>, BadFault> {
        std::env::var(VARIABLE).ok().map(|text| text.parse()).transpose()
    }
}

/// A real database with a fault in it.
pub struct Faulty<D> {
    real: D,
    fault: Fault,
    passes: AtomicU64,
}

impl<D: Database> Faulty<D> {
    /// Puts `fault` into `real`.
    pub fn new(real: D, fault: Fault) -> Self {
        Self { real, fault, passes: AtomicU64::new(0) }
    }

    fn pass(&self, point: Point) {
        if point == self.fault.point && self.passes.fetch_add(1, Ordering::SeqCst) + 1 == self.fault.pass {
            std::process::abort();
        }
    }
}

impl<D: Database> Store for Faulty<D> {
    fn load<'a>(
        &'a self,
        tenant: TenantId,
        needs: &'a Needs,
        key: Option<(&'a Author, &'a str)>,
    ) -> Answer<'a, Loaded> {
        self.real.load(tenant, needs, key)
    }
    fn config(&self, tenant: TenantId) -> Answer<'_, Option<TenantConfig>> {
        self.real.config(tenant)
    }
    fn standing<'a>(&'a self, actor: &'a Actor) -> Answer<'a, (i64, Standing)> {
        self.real.standing(actor)
    }
    fn draw(&self, tenant: TenantId, of: Counter, n: u32) -> Answer<'_, i64> {
        Box::pin(async move {
            let first = self.real.draw(tenant, of, n).await;
            self.pass(Point::AfterDraw);
            first
        })
    }
    fn commit(&self, commit: Commit) -> Answer<'_, Outcome> {
        Box::pin(async move {
            let delivery = commit.done.is_some();
            self.pass(Point::BeforeCommit);
            if delivery {
                self.pass(Point::BeforeDeliveryCommit);
            }
            let outcome = self.real.commit(commit).await;
            self.pass(Point::AfterCommit);
            if delivery {
                self.pass(Point::AfterDeliveryCommit);
            }
            outcome
        })
    }
    fn find<'a>(&'a self, find: &'a Find) -> Answer<'a, (i64, Vec<Found>)> {
        self.real.find(find)
    }
    fn count<'a>(&'a self, find: &'a Find, cap: u32) -> Answer<'a, (i64, Count)> {
        self.real.count(find, cap)
    }
    fn links<'a>(&'a self, tenant: TenantId, ids: &'a [TicketId]) -> Answer<'a, (i64, Vec<Link>, Vec<Parts>)> {
        self.real.links(tenant, ids)
    }
    fn ticket<'a>(&'a self, tenant: TenantId, which: &'a Which, entries: u16) -> Answer<'a, (i64, Option<Parts>)> {
        self.real.ticket(tenant, which, entries)
    }
    fn tickets<'a>(&'a self, tenant: TenantId, ids: &'a [TicketId]) -> Answer<'a, (i64, Vec<Parts>)> {
        self.real.tickets(tenant, ids)
    }
    fn entries(
        &self,
        tenant: TenantId,
        ticket: TicketId,
        after: Option<(Timestamp, EntryId)>,
        limit: u16,
    ) -> Answer<'_, Vec<Entry>> {
        self.real.entries(tenant, ticket, after, limit)
    }
    fn revisions(&self, tenant: TenantId, ticket: TicketId) -> Answer<'_, Vec<Revision>> {
        self.real.revisions(tenant, ticket)
    }
    fn participants(&self, tenant: TenantId, ticket: TicketId) -> Answer<'_, Vec<Participant>> {
        self.real.participants(tenant, ticket)
    }
    fn cards<'a>(&'a self, find: &'a CardFind) -> Answer<'a, (i64, Vec<CardFound>)> {
        self.real.cards(find)
    }
    fn inbox<'a>(
        &'a self,
        tenant: TenantId,
        people: &'a [PersonId],
        after: Option<(Timestamp, SlotId)>,
        limit: u16,
    ) -> Answer<'a, (i64, Vec<Slot>)> {
        self.real.inbox(tenant, people, after, limit)
    }
    fn concerned<'a>(
        &'a self,
        tenant: TenantId,
        whom: &'a Concerned,
        after: Option<TicketId>,
        limit: u16,
    ) -> Answer<'a, Vec<TicketId>> {
        self.real.concerned(tenant, whom, after, limit)
    }
    fn delegations(&self, tenant: TenantId, person: PersonId) -> Answer<'_, Vec<Delegation>> {
        self.real.delegations(tenant, person)
    }
    fn people<'a>(&'a self, tenant: TenantId, ids: &'a [PersonId]) -> Answer<'a, Vec<Person>> {
        self.real.people(tenant, ids)
    }
    fn find_people<'a>(&'a self, tenant: TenantId, find: &'a PeopleFind) -> Answer<'a, Vec<Person>> {
        self.real.find_people(tenant, find)
    }
    fn grants(&self, tenant: TenantId) -> Answer<'_, Vec<Grant>> {
        self.real.grants(tenant)
    }
    fn members(&self, tenant: TenantId, group: GroupId) -> Answer<'_, Vec<Membership>> {
        self.real.members(tenant, group)
    }
    fn tenants(&self) -> Answer<'_, Vec<Tenant>> {
        self.real.tenants()
    }
    fn kv<'a>(&'a self, tenant: TenantId, plugin: &'a str, key: &'a str) -> Answer<'a, Option<Kv>> {
        self.real.kv(tenant, plugin, key)
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
        self.real.kv_keys(tenant, plugin, prefix, after, now, limit)
    }
    fn kv_bytes<'a>(&'a self, tenant: TenantId, plugin: &'a str, now: Timestamp) -> Answer<'a, u64> {
        self.real.kv_bytes(tenant, plugin, now)
    }
    fn runs<'a>(&'a self, tenant: TenantId, plugin: &'a str, limit: u16) -> Answer<'a, Vec<RunRecord>> {
        self.real.runs(tenant, plugin, limit)
    }
    fn close(&self) -> BoxFuture<'_, ()> {
        self.real.close()
    }
}

impl<D: Database> Log for Faulty<D> {
    fn head(&self) -> Answer<'_, Cursor> {
        self.real.head()
    }
    fn last(&self) -> Answer<'_, Cursor> {
        self.real.last()
    }
    fn after(&self, tenant: Option<TenantId>, cursor: Cursor, limit: u16) -> Answer<'_, (Vec<Envelope>, Cursor)> {
        self.real.after(tenant, cursor, limit)
    }
    fn history<'a>(
        &'a self,
        tenant: TenantId,
        subject: &'a Subject,
        version: i64,
        limit: u16,
    ) -> Answer<'a, Vec<Envelope>> {
        self.real.history(tenant, subject, version, limit)
    }
}

impl<D: Database> Queue for Faulty<D> {
    fn claim<'a>(&'a self, queue: &'a str, limit: u16, now: Timestamp, until: Timestamp) -> Answer<'a, Vec<Job>> {
        self.real.claim(queue, limit, now, until)
    }
    fn renew<'a>(&'a self, leases: &'a [Lease], until: Timestamp) -> Answer<'a, Vec<Lease>> {
        self.real.renew(leases, until)
    }
    fn release<'a>(&'a self, lease: Lease, how: &'a Release) -> Answer<'a, bool> {
        self.real.release(lease, how)
    }
    fn dead<'a>(&'a self, queue: &'a str, limit: u16) -> Answer<'a, (Vec<Job>, Depth)> {
        self.real.dead(queue, limit)
    }
    fn revive(&self, tenant: TenantId, job: JobId, now: Timestamp) -> Answer<'_, bool> {
        self.real.revive(tenant, job, now)
    }
    fn next_due<'a>(&'a self, queues: &'a [String]) -> Answer<'a, Option<Timestamp>> {
        self.real.next_due(queues)
    }
    fn position<'a>(&'a self, subscriber: &'a str) -> Answer<'a, Cursor> {
        self.real.position(subscriber)
    }
    fn advance<'a>(&'a self, subscriber: &'a str, from: Cursor, to: Cursor, jobs: &'a [NewJob]) -> Answer<'a, bool> {
        Box::pin(async move {
            self.pass(Point::BeforeAdvance);
            let moved = self.real.advance(subscriber, from, to, jobs).await;
            self.pass(Point::AfterAdvance);
            moved
        })
    }
    fn sweep(&self, upto: Sweep) -> Answer<'_, u64> {
        self.real.sweep(upto)
    }
}

impl<D: Database> Database for Faulty<D> {
    fn bell(&self) -> Arc<tokio::sync::Notify> {
        self.real.bell()
    }
}

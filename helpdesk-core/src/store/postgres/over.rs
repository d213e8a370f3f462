//! The traits over whatever gives a [`Link`](super::link::Link): the pool, or a host's transaction.

use super::{PgJoined, PgStore, cards, commit, load, log, queue, read};
use crate::actor::{Actor, Author};
use crate::approval::{Delegation, Slot};
use crate::config::TenantConfig;
use crate::decide::Needs;
use crate::event::{Cursor, Envelope, Subject};
use crate::id::{EntryId, GroupId, JobId, PersonId, SlotId, TenantId, TicketId};
use crate::org::{Membership, Person, Tenant};
use crate::role::Grant;
use crate::store::{
    Answer, CardFind, CardFound, Commit, Concerned, Count, Counter, Depth, Find, Found, Job, Kv, Lease, Loaded, Log,
    NewJob, Outcome, Parts, PeopleFind, Queue, Release, RunRecord, Standing, Store, Sweep, Which,
};
use crate::ticket::{Entry, Link, Participant, Revision};
use crate::time::Timestamp;
use futures_util::future::BoxFuture;

/// What both do alike.
macro_rules! reads {
    () => {
        fn load<'a>(
            &'a self,
            tenant: TenantId,
            needs: &'a Needs,
            key: Option<(&'a Author, &'a str)>,
        ) -> Answer<'a, Loaded> {
            Box::pin(async move { load::load(&self.link().await?, tenant, needs, key).await })
        }
        fn config(&self, tenant: TenantId) -> Answer<'_, Option<TenantConfig>> {
            Box::pin(async move { read::config(&self.link().await?, tenant).await })
        }
        fn standing<'a>(&'a self, actor: &'a Actor) -> Answer<'a, (i64, Standing)> {
            Box::pin(async move { read::standing(&self.link().await?, actor).await })
        }
        fn find<'a>(&'a self, find: &'a Find) -> Answer<'a, (i64, Vec<Found>)> {
            Box::pin(async move { read::find(&self.link().await?, find).await })
        }
        fn count<'a>(&'a self, find: &'a Find, cap: u32) -> Answer<'a, (i64, Count)> {
            Box::pin(async move { read::count(&self.link().await?, find, cap).await })
        }
        fn cards<'a>(&'a self, find: &'a CardFind) -> Answer<'a, (i64, Vec<CardFound>)> {
            Box::pin(async move { cards::page(&self.link().await?, find).await })
        }
        fn ticket<'a>(&'a self, tenant: TenantId, which: &'a Which, entries: u16) -> Answer<'a, (i64, Option<Parts>)> {
            Box::pin(async move { read::ticket(&self.link().await?, tenant, which, entries).await })
        }
        fn tickets<'a>(&'a self, tenant: TenantId, ids: &'a [TicketId]) -> Answer<'a, (i64, Vec<Parts>)> {
            Box::pin(async move { read::tickets(&self.link().await?, tenant, ids).await })
        }
        fn links<'a>(&'a self, tenant: TenantId, ids: &'a [TicketId]) -> Answer<'a, (i64, Vec<Link>, Vec<Parts>)> {
            Box::pin(async move { read::links(&self.link().await?, tenant, ids).await })
        }
        fn entries(
            &self,
            tenant: TenantId,
            ticket: TicketId,
            after: Option<(Timestamp, EntryId)>,
            limit: u16,
        ) -> Answer<'_, Vec<Entry>> {
            Box::pin(async move { read::entries(&self.link().await?, tenant, ticket, after, limit).await })
        }
        fn revisions(&self, tenant: TenantId, ticket: TicketId) -> Answer<'_, Vec<Revision>> {
            Box::pin(async move { read::revisions(&self.link().await?, tenant, ticket).await })
        }
        fn participants(&self, tenant: TenantId, ticket: TicketId) -> Answer<'_, Vec<Participant>> {
            Box::pin(async move { read::participants(&self.link().await?, tenant, ticket).await })
        }
        fn inbox<'a>(
            &'a self,
            tenant: TenantId,
            people: &'a [PersonId],
            after: Option<(Timestamp, SlotId)>,
            limit: u16,
        ) -> Answer<'a, (i64, Vec<Slot>)> {
            Box::pin(async move { read::inbox(&self.link().await?, tenant, people, after, limit).await })
        }
        fn concerned<'a>(
            &'a self,
            tenant: TenantId,
            whom: &'a Concerned,
            after: Option<TicketId>,
            limit: u16,
        ) -> Answer<'a, Vec<TicketId>> {
            Box::pin(async move { read::concerned(&self.link().await?, tenant, whom, after, limit).await })
        }
        fn delegations(&self, tenant: TenantId, person: PersonId) -> Answer<'_, Vec<Delegation>> {
            Box::pin(async move { read::delegations(&self.link().await?, tenant, person).await })
        }
        fn people<'a>(&'a self, tenant: TenantId, ids: &'a [PersonId]) -> Answer<'a, Vec<Person>> {
            Box::pin(async move { read::people(&self.link().await?, tenant, ids).await })
        }
        fn find_people<'a>(&'a self, tenant: TenantId, find: &'a PeopleFind) -> Answer<'a, Vec<Person>> {
            Box::pin(async move { read::find_people(&self.link().await?, tenant, find).await })
        }
        fn grants(&self, tenant: TenantId) -> Answer<'_, Vec<Grant>> {
            Box::pin(async move { read::grants(&self.link().await?, tenant).await })
        }
        fn members(&self, tenant: TenantId, group: GroupId) -> Answer<'_, Vec<Membership>> {
            Box::pin(async move { read::members(&self.link().await?, tenant, group).await })
        }
        fn tenants(&self) -> Answer<'_, Vec<Tenant>> {
            Box::pin(async move { read::tenants(&self.link().await?).await })
        }
        fn kv<'a>(&'a self, tenant: TenantId, plugin: &'a str, key: &'a str) -> Answer<'a, Option<Kv>> {
            Box::pin(async move { read::kv(&self.link().await?, tenant, plugin, key).await })
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
            Box::pin(async move { read::kv_keys(&self.link().await?, tenant, plugin, prefix, after, now, limit).await })
        }
        fn kv_bytes<'a>(&'a self, tenant: TenantId, plugin: &'a str, now: Timestamp) -> Answer<'a, u64> {
            Box::pin(async move { read::kv_bytes(&self.link().await?, tenant, plugin, now).await })
        }
        fn runs<'a>(&'a self, tenant: TenantId, plugin: &'a str, limit: u16) -> Answer<'a, Vec<RunRecord>> {
            Box::pin(async move { read::runs(&self.link().await?, tenant, plugin, limit).await })
        }
    };
}

/// `outside` gives a link on which each statement sees what was committed before it: under a snapshot taken earlier, the
/// watermark would let events be skipped.
macro_rules! log {
    () => {
        fn head(&self) -> Answer<'_, Cursor> {
            Box::pin(async move { log::head(&self.outside().await?).await })
        }
        fn last(&self) -> Answer<'_, Cursor> {
            Box::pin(async move { log::last(&self.outside().await?).await })
        }
        fn after(&self, tenant: Option<TenantId>, cursor: Cursor, limit: u16) -> Answer<'_, (Vec<Envelope>, Cursor)> {
            Box::pin(async move { log::after(&self.outside().await?, tenant, cursor, limit).await })
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
    };
}

macro_rules! queue {
    () => {
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
            Box::pin(async move { queue::position(&self.outside().await?, subscriber).await })
        }
        fn advance<'a>(
            &'a self,
            subscriber: &'a str,
            from: Cursor,
            to: Cursor,
            jobs: &'a [NewJob],
        ) -> Answer<'a, bool> {
            Box::pin(async move {
                let moved = queue::advance(&self.link().await?, subscriber, from, to, jobs).await?;
                if moved && !jobs.is_empty() {
                    self.ring();
                }
                Ok(moved)
            })
        }
        fn sweep(&self, upto: Sweep) -> Answer<'_, u64> {
            Box::pin(async move { queue::sweep(&self.link().await?, upto).await })
        }
    };
}

impl Store for PgStore {
    reads!();

    fn draw(&self, tenant: TenantId, of: Counter, n: u32) -> Answer<'_, i64> {
        Box::pin(async move { queue::draw(&self.link().await?, tenant, of, n).await })
    }

    fn commit(&self, commit: Commit) -> Answer<'_, Outcome> {
        Box::pin(async move {
            let outcome = commit::commit(&self.link().await?, &commit).await?;
            if matches!(outcome, Outcome::Done(_)) && !(commit.events.is_empty() && commit.jobs.is_empty()) {
                self.ring();
            }
            Ok(outcome)
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move { self.shut() })
    }
}

impl Log for PgStore {
    log!();
}

impl Queue for PgStore {
    queue!();
}

impl Store for PgJoined {
    reads!();

    /// On a connection of its own, committed at once: the counter's row must not stay locked until the host commits.
    fn draw(&self, tenant: TenantId, of: Counter, n: u32) -> Answer<'_, i64> {
        Box::pin(async move { queue::draw(&self.outside().await?, tenant, of, n).await })
    }

    fn commit(&self, commit: Commit) -> Answer<'_, Outcome> {
        Box::pin(PgJoined::commit(self, commit))
    }

    /// The host ends its transaction; there is nothing to release.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}

impl Log for PgJoined {
    log!();
}

impl Queue for PgJoined {
    queue!();
}

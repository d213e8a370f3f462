//! [`Store`] over whatever gives a [`Link`](super::link::Link): the pool, or a host's transaction.

use super::{PgStore, commit, load, queue, read};
use crate::actor::{Actor, Author};
use crate::config::TenantConfig;
use crate::decide::Needs;
use crate::id::{EntryId, GroupId, PersonId, ProjectId, TenantId, TicketId};
use crate::org::{Membership, Person, Tenant};
use crate::role::Grant;
use crate::store::{
    Answer, Commit, Count, Find, Found, Kv, Loaded, Outcome, Parts, PeopleFind, RunRecord, Standing, Store, Which,
};
use crate::ticket::{Entry, Participant, Revision};
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
        fn ticket<'a>(
            &'a self,
            tenant: TenantId,
            which: &'a Which,
            entries: u16,
        ) -> Answer<'a, (i64, Option<Parts>)> {
            Box::pin(async move { read::ticket(&self.link().await?, tenant, which, entries).await })
        }
        fn tickets<'a>(&'a self, tenant: TenantId, ids: &'a [TicketId]) -> Answer<'a, (i64, Vec<Parts>)> {
            Box::pin(async move { read::tickets(&self.link().await?, tenant, ids).await })
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
            limit: u16,
        ) -> Answer<'a, Vec<String>> {
            Box::pin(async move { read::kv_keys(&self.link().await?, tenant, plugin, prefix, after, limit).await })
        }
        fn runs<'a>(&'a self, tenant: TenantId, plugin: &'a str, limit: u16) -> Answer<'a, Vec<RunRecord>> {
            Box::pin(async move { read::runs(&self.link().await?, tenant, plugin, limit).await })
        }
    };
}

impl Store for PgStore {
    reads!();

    fn draw(&self, tenant: TenantId, project: ProjectId, n: u32) -> Answer<'_, i64> {
        Box::pin(async move { queue::draw(&self.link().await?, tenant, project, n).await })
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

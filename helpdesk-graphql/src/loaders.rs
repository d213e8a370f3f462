//! Loaders: what many fields of one document ask for one by one is read together.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use async_graphql::Error;
use async_graphql::dataloader::{DataLoader, HashMapCache, Loader};
use futures_util::{StreamExt, TryFutureExt, TryStreamExt, stream};
use helpdesk_core::approval::{Approvals, Delegation};
use helpdesk_core::config::TenantConfig;
use helpdesk_core::desk::read::{Linked, Members, PAGE_MAX, Page, Place, View};
use helpdesk_core::filter::{Cond, Filter, ITEMS_MAX, Order};
use helpdesk_core::id::{EntryId, GroupId, PersonId, TicketId};
use helpdesk_core::org::Person;
use helpdesk_core::role::{Access, Grant};
use helpdesk_core::store::StoreError;
use helpdesk_core::ticket::Entry;
use helpdesk_core::{ActError, Actor, Desk, Refusal};

use crate::fault::failed;
use crate::id::EntryOf;
use crate::waves::{AtOnce, Waves};

/// Single reads of one batch that run at a time.
const AT_ONCE: usize = 8;

/// The loaders of one execution.
pub(crate) struct Loaders {
    by_key: DataLoader<Reader, HashMapCache>,
    waves: Waves,
}

/// Reads for one viewer.
struct Reader {
    desk: Desk,
    actor: Actor,
}

/// The tenant's configuration.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Configuration;

/// What the viewer may do.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Standing;

/// The grants of the tenant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Grants;

/// A ticket with its text, rather than the head alone.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Whole(TicketId);

/// The links of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct LinksOf(TicketId);

/// The approvals of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ApprovalsOf(TicketId);

/// The delegations somebody has given or was given.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct DelegationsOf(PersonId);

/// The first sub-tickets of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Children {
    of: TicketId,
    first: u16,
    order: Order,
}

impl Loaders {
    pub(crate) fn new(desk: &Desk, actor: &Actor, waves: Waves) -> Self {
        let reader = Reader { desk: desk.clone(), actor: actor.clone() };
        let by_key = DataLoader::with_cache(reader, waves.clone(), AtOnce, HashMapCache::default());
        Self { by_key, waves }
    }

    /// A read of its own, in the next wave. `read` is given the desk and the viewer.
    pub(crate) async fn read<T, F>(&self, read: impl FnOnce(Desk, Actor) -> F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ActError>> + Send + 'static,
    {
        let reader = self.by_key.loader();
        let answer = self.waves.read(read(reader.desk.clone(), reader.actor.clone())).await;
        let over = || ActError::from(StoreError::Unavailable("the execution is over".into()));
        answer.unwrap_or_else(|| Err(over())).map_err(|error| failed(&error))
    }

    /// The tenant's configuration as the viewer may see it.
    pub(crate) async fn config(&self) -> Result<Arc<TenantConfig>, Error> {
        let config = self.by_key.load_one(Configuration).await?;
        config.ok_or_else(|| failed(&ActError::from(StoreError::Defect("no configuration was read".into()))))
    }

    /// What the viewer may do.
    pub(crate) async fn access(&self) -> Result<Arc<Access>, Error> {
        let access = self.by_key.load_one(Standing).await?;
        access.ok_or_else(|| failed(&ActError::from(StoreError::Defect("no access was read".into()))))
    }

    /// The grants of the tenant.
    pub(crate) async fn grants(&self) -> Result<Arc<Vec<Grant>>, Error> {
        Ok(self.by_key.load_one(Grants).await?.unwrap_or_default())
    }

    /// The people in a group; none when the viewer may not see it.
    pub(crate) async fn members(&self, group: GroupId) -> Result<Option<Arc<Members>>, Error> {
        self.by_key.load_one(group).await
    }

    /// An entry the viewer may read.
    pub(crate) async fn entry(&self, id: EntryOf) -> Result<Option<Entry>, Error> {
        self.by_key.load_one(id).await
    }

    /// From now on everything is read anew; what is asked for together is still read together.
    pub(crate) fn stop_caching(&self) {
        self.by_key.enable_all_cache(false);
    }

    /// Somebody in the directory.
    pub(crate) async fn person(&self, id: PersonId) -> Result<Option<Person>, Error> {
        self.by_key.load_one(id).await
    }

    /// Several of them, in the order asked for; unknown ones are left out.
    pub(crate) async fn people(&self, ids: Vec<PersonId>) -> Result<Vec<Person>, Error> {
        let found = self.by_key.load_many(ids.clone()).await?;
        Ok(ids.iter().filter_map(|id| found.get(id).cloned()).collect())
    }

    /// The head of a ticket the viewer may see.
    pub(crate) async fn ticket(&self, id: TicketId) -> Result<Option<Arc<View>>, Error> {
        self.by_key.load_one(id).await
    }

    /// A ticket with its text.
    pub(crate) async fn whole(&self, id: TicketId) -> Result<Option<Arc<View>>, Error> {
        self.by_key.load_one(Whole(id)).await
    }

    /// The links of a ticket; none when the viewer may not see it.
    pub(crate) async fn links(&self, of: TicketId) -> Result<Option<Arc<Vec<Linked>>>, Error> {
        self.by_key.load_one(LinksOf(of)).await
    }

    /// The approvals of a ticket; none when the viewer may not see it.
    pub(crate) async fn approvals(&self, of: TicketId) -> Result<Option<Arc<Approvals>>, Error> {
        self.by_key.load_one(ApprovalsOf(of)).await
    }

    /// The delegations somebody has given or was given.
    pub(crate) async fn delegations(&self, of: PersonId) -> Result<Arc<Vec<Delegation>>, Error> {
        Ok(self.by_key.load_one(DelegationsOf(of)).await?.unwrap_or_default())
    }

    /// The first sub-tickets of a ticket, one more than `first` if there are more.
    pub(crate) async fn children(&self, of: TicketId, first: u16, order: Order) -> Result<Vec<Arc<View>>, Error> {
        Ok(self.by_key.load_one(Children { of, first, order }).await?.unwrap_or_default())
    }
}

impl Loader<Configuration> for Reader {
    type Value = Arc<TenantConfig>;
    type Error = Error;
    async fn load(&self, _: &[Configuration]) -> Result<HashMap<Configuration, Arc<TenantConfig>>, Error> {
        let config = self.desk.config(&self.actor).await.map_err(|error| failed(&error))?;
        Ok(HashMap::from([(Configuration, config)]))
    }
}

impl Loader<Standing> for Reader {
    type Value = Arc<Access>;
    type Error = Error;
    async fn load(&self, _: &[Standing]) -> Result<HashMap<Standing, Arc<Access>>, Error> {
        let access = self.desk.access(&self.actor).await.map_err(|error| failed(&error))?;
        Ok(HashMap::from([(Standing, access)]))
    }
}

impl Loader<Grants> for Reader {
    type Value = Arc<Vec<Grant>>;
    type Error = Error;
    async fn load(&self, _: &[Grants]) -> Result<HashMap<Grants, Arc<Vec<Grant>>>, Error> {
        let grants = self.desk.grants(&self.actor).await.map_err(|error| failed(&error))?;
        Ok(HashMap::from([(Grants, Arc::new(grants))]))
    }
}

impl Loader<GroupId> for Reader {
    type Value = Arc<Members>;
    type Error = Error;
    async fn load(&self, ids: &[GroupId]) -> Result<HashMap<GroupId, Arc<Members>>, Error> {
        let members = self.desk.members_of(&self.actor, ids).await.map_err(|error| failed(&error))?;
        Ok(members.into_iter().map(|(group, members)| (group, Arc::new(members))).collect())
    }
}

impl Loader<EntryOf> for Reader {
    type Value = Entry;
    type Error = Error;
    async fn load(&self, ids: &[EntryOf]) -> Result<HashMap<EntryOf, Entry>, Error> {
        let mut by_ticket: HashMap<TicketId, Vec<EntryId>> = HashMap::new();
        for EntryOf(ticket, entry) in ids {
            by_ticket.entry(*ticket).or_default().push(*entry);
        }
        let reads = by_ticket.iter().map(|it| (*it.0, self.desk.entries_by_id(&self.actor, *it.0, it.1)));
        let found = each(reads.collect()).await?;
        Ok(found.into_values().flatten().map(|entry| (EntryOf(entry.ticket, entry.id), entry)).collect())
    }
}

impl Loader<PersonId> for Reader {
    type Value = Person;
    type Error = Error;
    async fn load(&self, ids: &[PersonId]) -> Result<HashMap<PersonId, Person>, Error> {
        let people = self.desk.people_by_id(&self.actor, ids).await.map_err(|error| failed(&error))?;
        Ok(people.into_iter().map(|person| (person.id, person)).collect())
    }
}

impl Loader<TicketId> for Reader {
    type Value = Arc<View>;
    type Error = Error;
    async fn load(&self, ids: &[TicketId]) -> Result<HashMap<TicketId, Arc<View>>, Error> {
        let views = self.desk.tickets_by_id(&self.actor, ids).await.map_err(|error| failed(&error))?;
        Ok(views.into_iter().map(|view| (view.case.ticket.id, Arc::new(view))).collect())
    }
}

impl Loader<Whole> for Reader {
    type Value = Arc<View>;
    type Error = Error;
    async fn load(&self, ids: &[Whole]) -> Result<HashMap<Whole, Arc<View>>, Error> {
        // One alone is a point read, which the storage does by a shorter way.
        if let [only] = ids {
            return each(vec![(only.clone(), self.desk.ticket_text(&self.actor, only.0).map_ok(Arc::new))]).await;
        }
        let ids: Vec<TicketId> = ids.iter().map(|id| id.0).collect();
        let views = self.desk.ticket_texts(&self.actor, &ids).await.map_err(|error| failed(&error))?;
        Ok(views.into_iter().map(|view| (Whole(view.case.ticket.id), Arc::new(view))).collect())
    }
}

impl Loader<LinksOf> for Reader {
    type Value = Arc<Vec<Linked>>;
    type Error = Error;
    async fn load(&self, asked: &[LinksOf]) -> Result<HashMap<LinksOf, Arc<Vec<Linked>>>, Error> {
        let ids: Vec<TicketId> = asked.iter().map(|of| of.0).collect();
        let links = self.desk.links_of(&self.actor, &ids).await.map_err(|error| failed(&error))?;
        Ok(links.into_iter().map(|(ticket, links)| (LinksOf(ticket), Arc::new(links))).collect())
    }
}

impl Loader<ApprovalsOf> for Reader {
    type Value = Arc<Approvals>;
    type Error = Error;
    async fn load(&self, asked: &[ApprovalsOf]) -> Result<HashMap<ApprovalsOf, Arc<Approvals>>, Error> {
        let ids: Vec<TicketId> = asked.iter().map(|of| of.0).collect();
        let all = self.desk.approvals_of(&self.actor, &ids).await.map_err(|error| failed(&error))?;
        Ok(all.into_iter().map(|(ticket, approvals)| (ApprovalsOf(ticket), Arc::new(approvals))).collect())
    }
}

impl Loader<DelegationsOf> for Reader {
    type Value = Arc<Vec<Delegation>>;
    type Error = Error;
    async fn load(&self, asked: &[DelegationsOf]) -> Result<HashMap<DelegationsOf, Arc<Vec<Delegation>>>, Error> {
        let read = |of: &DelegationsOf| (of.clone(), self.desk.delegations(&self.actor, of.0).map_ok(Arc::new));
        each(asked.iter().map(read).collect()).await
    }
}

impl Loader<Children> for Reader {
    type Value = Vec<Arc<View>>;
    type Error = Error;
    async fn load(&self, asked: &[Children]) -> Result<HashMap<Children, Vec<Arc<View>>>, Error> {
        let mut by_order: HashMap<Order, Vec<&Children>> = HashMap::new();
        for children in asked {
            by_order.entry(children.order).or_default().push(children);
        }
        let mut all = HashMap::new();
        for (order, group) in by_order {
            for some in group.chunks(ITEMS_MAX) {
                all.extend(self.children(order, some).await.map_err(|error| failed(&error))?);
            }
        }
        Ok(all)
    }
}

/// These reads, some at a time; what does not exist, or not for the viewer, is left out.
async fn each<K: Eq + Hash, T>(
    reads: Vec<(K, impl Future<Output = Result<T, ActError>>)>,
) -> Result<HashMap<K, T>, Error> {
    let one = |(key, read)| async move {
        match read.await {
            Ok(it) => Ok(Some((key, it))),
            Err(ActError::Refused(Refusal::NotFound { .. })) => Ok(None),
            Err(error) => Err(failed(&error)),
        }
    };
    let all: Vec<_> = reads.into_iter().map(one).collect();
    let found: Vec<_> = stream::iter(all).buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// One page of tickets and, if there is more, one ticket beyond it.
pub(crate) async fn page(
    desk: &Desk,
    actor: &Actor,
    filter: &Filter,
    order: Order,
    first: u16,
    after: Option<Place>,
) -> Result<Vec<View>, ActError> {
    let page = |first, after| Page { first, after, order };
    let limit = (first + 1).min(PAGE_MAX);
    let mut found = desk.tickets(actor, filter, page(limit, after)).await?;
    // A full page of the largest size: look whether anything follows.
    if limit == first && found.len() == usize::from(first) {
        let last = found.last().map(|view| view.place);
        found.extend(desk.tickets(actor, filter, page(1, last)).await?);
    }
    Ok(found)
}

impl Reader {
    /// All of them in one read when they fit on a page; otherwise one read for each.
    async fn children(&self, order: Order, asked: &[&Children]) -> Result<Vec<(Children, Vec<Arc<View>>)>, ActError> {
        let under = |of: Vec<TicketId>| Filter::from(Cond::Parent(of));
        let together = under(asked.iter().map(|children| children.of).collect());
        let found = self.desk.tickets(&self.actor, &together, Page::first(PAGE_MAX).order(order)).await?;
        let mut sorted: HashMap<TicketId, Vec<Arc<View>>> = HashMap::new();
        let complete = found.len() < usize::from(PAGE_MAX);
        if complete {
            for view in found.into_iter().map(Arc::new) {
                if let Some(parent) = view.case.ticket.parent {
                    sorted.entry(parent).or_default().push(view);
                }
            }
        }
        let mut all = Vec::with_capacity(asked.len());
        for children in asked {
            let mut views = if complete {
                sorted.get(&children.of).cloned().unwrap_or_default()
            } else {
                let filter = under(vec![children.of]);
                let found = page(&self.desk, &self.actor, &filter, order, children.first, None).await?;
                found.into_iter().map(Arc::new).collect()
            };
            views.truncate(usize::from(children.first) + 1);
            all.push(((*children).clone(), views));
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use helpdesk_core::command::Comment;
    use helpdesk_core::store::sqlite::SqliteStore;
    use helpdesk_core::testing::World;

    use super::Loaders;
    use crate::waves::Waves;

    #[tokio::test]
    async fn a_text_comes_without_the_conversation() {
        let store = SqliteStore::memory().await.unwrap();
        store.migrate().await.unwrap();
        let world = World::found(Arc::new(store), "acme").await;
        let ticket = world.ticket("Printer").await;
        world.must(&world.ana, Comment::public(ticket, "On my way.")).await;
        let waves = Waves::default();
        let loaders = Loaders::new(&world.desk, &world.ana, waves.clone());
        let whole = waves.run(loaders.whole(ticket)).await.unwrap().unwrap();
        assert!(whole.case.text.is_some() && whole.case.entries.is_empty());
    }
}

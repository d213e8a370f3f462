//! Reading: every method takes a viewer and shows what they may see, nothing else.

mod approvals;
mod boards;
mod events;
mod explain;
mod holders;
mod links;
mod parents;
mod path;
mod people;
mod scopes;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::str::FromStr;

pub use approvals::{INBOX_MAX, InboxItem};
pub use boards::CardView;
pub use holders::Holders;
pub use links::Linked;
pub use people::Members;

use super::Desk;
use super::cache::{ROUNDS, Standpoint};
use crate::actor::Actor;
use crate::case::Case;
use crate::config::TenantConfig;
use crate::decide::Needs;
use crate::error::{ActError, Refusal};
use crate::filter::{Cond, Filter, Order};
use crate::id::{EntryId, PersonId, TenantId, TicketId};
use crate::role::{Permission, Permissions};
use crate::store::{Count, Find, Parts, StoreError, Which};
use crate::ticket::{Entry, EntryVisibility, Ticket};
use crate::time::Timestamp;
use crate::workflow::Category;
use crate::workflow::exits::{Asker, Exit, available, looks_below};

/// Most items in one page.
pub const PAGE_MAX: u16 = 100;
/// Counts stop here.
pub const COUNT_MAX: u32 = 1_000;
/// Entries that come with a ticket.
const ENTRIES: u16 = 100;

/// A ticket as a viewer may see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    /// The human key: `DEMO-1`.
    pub key: String,
    /// The ticket, its people and tags; text and entries when they were read. Internal entries only for those who may
    /// read them, deleted ones never; a parent the viewer may not see is left out.
    pub case: Case,
    /// What the viewer may do on it.
    pub may: Permissions,
    /// What a page of tickets continues after, see [`Page::after`].
    pub place: Place,
    /// The viewer, if they are a person.
    viewer: Option<PersonId>,
}

impl View {
    /// The transitions out of the present state, with the reasons why some are closed. Whether sub-tickets have ended
    /// is not known here: [`Desk::exits`] looks.
    pub fn exits(&self) -> Vec<Exit> {
        available(&self.case, self.asker(None))
    }
    /// Whether a transition out of the present state depends on more than was read: on sub-tickets, or on an approval.
    pub fn looks_further(&self) -> bool {
        let (workflow, state) = (&self.case.workflow, &self.case.ticket.state);
        let gated = workflow.state(state).is_some_and(|state| state.gate.is_some());
        gated && self.case.approvals.is_none() || looks_below(workflow, state)
    }
    const fn asker(&self, children_ended: Option<bool>) -> Asker {
        Asker { may: self.may, person: self.viewer, children_ended, reasoned: false }
    }
    /// The version to expect in the next command.
    pub const fn version(&self) -> i64 {
        self.case.ticket.version
    }
}

/// One page of a list.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// At most this many, 1 to 100.
    pub first: u16,
    /// After this place, exclusive; from the beginning when absent.
    pub after: Option<Place>,
    /// In which order.
    pub order: Order,
}

impl Page {
    /// The first page, most recently changed first.
    pub fn first(first: u16) -> Self {
        Self { first, ..Self::default() }
    }
    /// In another order.
    #[must_use]
    pub fn order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }
    /// What follows `place`.
    #[must_use]
    pub fn after(mut self, place: Place) -> Self {
        self.after = Some(place);
        self
    }
}

/// A place in a sorted list of tickets. As text: an opaque token, valid for the order it was made in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    order: Order,
    key: i64,
    id: TicketId,
}

/// A text that is no place in a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a place in this list; give an `endCursor` of the same list and order, unchanged")]
pub struct BadPlace(String);

impl Place {
    fn of(case: &Case, order: Order) -> Self {
        Self { order, key: sort_key(&case.ticket, order), id: case.ticket.id }
    }
    fn check(order: Order, key: i64, id: TicketId) -> u16 {
        let text = format!("{}{}{key}{id}", order.by, order.descending);
        text.bytes().fold(0x1d0f_u16, |sum, byte| sum.rotate_left(5) ^ u16::from(byte).wrapping_mul(0x9e37))
    }
}

/// What a list sorts a ticket by.
fn sort_key(ticket: &Ticket, order: Order) -> i64 {
    use crate::filter::SortBy;
    match order.by {
        SortBy::Created => ticket.created_at.millis(),
        SortBy::Updated => ticket.updated_at.millis(),
        SortBy::Due => ticket.due_at.unwrap_or(Timestamp::NEVER).millis(),
        SortBy::Priority => ticket.priority as i64,
        SortBy::Number => ticket.number,
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let id = uuid::Uuid::from(self.id);
        let direction = if self.order.descending { 'd' } else { 'a' };
        let check = Self::check(self.order, self.key, self.id);
        write!(f, "{}.{direction}.{:x}.{}.{check:04x}", self.order.by, self.key, id.simple())
    }
}
impl FromStr for Place {
    type Err = BadPlace;
    fn from_str(s: &str) -> Result<Self, BadPlace> {
        let bad = || BadPlace(s.chars().take(80).collect());
        let parts: Vec<&str> = s.split('.').collect();
        let [by, direction, key, id, check] = parts.as_slice() else { return Err(bad()) };
        let order = Order {
            by: by.parse().map_err(|_| bad())?,
            descending: match *direction {
                "d" => true,
                "a" => false,
                _ => return Err(bad()),
            },
        };
        let key = u64::from_str_radix(key, 16).map_err(|_| bad())? as i64;
        let id: TicketId = id.parse().map_err(|_| bad())?;
        let sum = u16::from_str_radix(check, 16).map_err(|_| bad())?;
        if sum == Self::check(order, key, id) { Ok(Self { order, key, id }) } else { Err(bad()) }
    }
}

/// The case of stored parts. A workflow version that is not there is a defect of the data.
pub(super) fn case(config: &TenantConfig, parts: Parts) -> Result<Case, ActError> {
    let workflow = config.workflows.get(&parts.ticket.workflow).cloned();
    let missing =
        || StoreError::Defect(format!("ticket {} has an unknown workflow {}", parts.ticket.id, parts.ticket.workflow));
    let workflow = workflow.ok_or_else(missing)?;
    Ok(parts.case(workflow))
}

/// What the viewer may see of `found`, from which hidden parents were left out.
fn views(stand: &Standpoint, found: Vec<Parts>, order: Order) -> Result<Vec<View>, ActError> {
    let mut views = Vec::with_capacity(found.len());
    for parts in found {
        let mut case = case(&stand.config, parts)?;
        let may = stand.access.on(&case);
        let hidden = case.ticket.deleted_at.is_some() && !may.has(Permission::TicketDelete);
        if hidden || !may.has(Permission::TicketRead) {
            continue;
        }
        let place = Place::of(&case, order);
        case.entries.retain(|entry| readable(entry, may));
        let viewer = stand.access.person();
        views.push(View { key: key(&stand.config, &case), case, may, place, viewer });
    }
    Ok(views)
}

/// What a list looks for on behalf of whoever stands here.
fn find(stand: &Standpoint, tenant: TenantId, filter: &Filter, page: &Page) -> Result<Find, Refusal> {
    filter.check().map_err(|error| Refusal::invalid("filter", error.to_string()))?;
    Ok(finding(stand, tenant, filter, page))
}

/// The same, of a filter that was checked before.
fn finding(stand: &Standpoint, tenant: TenantId, filter: &Filter, page: &Page) -> Find {
    let access = &stand.access;
    let deleted = if filter.mentions(|cond| matches!(cond, Cond::Deleted(_))) {
        access.undeletable().or(Cond::Deleted(false))
    } else {
        Cond::Deleted(false).into()
    };
    Find {
        tenant,
        filter: access.visible().and(deleted).and(filter.clone().bind(access.person())),
        internal: access.internal(),
        parents: parents::shown(access),
        order: page.order,
        after: page.after.map(|place| (place.key, place.id)),
        limit: page.first,
    }
}

impl Desk {
    /// Configuration and access as the cache believes them; whoever reads rows compares the epoch that comes with them.
    pub(crate) async fn believed_standpoint(&self, by: &Actor, tenant: TenantId) -> Result<Standpoint, ActError> {
        self.standpoint(by, tenant, self.believed(tenant)).await
    }

    /// A ticket with its text and the first 100 entries.
    ///
    /// # Errors
    /// `NOT_FOUND` when it does not exist or the viewer may not see it.
    pub async fn ticket(&self, viewer: &Actor, which: impl Into<Which>) -> Result<View, ActError> {
        self.one(viewer, which.into(), ENTRIES).await
    }

    /// A ticket with its text, without entries.
    ///
    /// # Errors
    /// `NOT_FOUND` when it does not exist or the viewer may not see it.
    pub async fn ticket_text(&self, viewer: &Actor, which: impl Into<Which>) -> Result<View, ActError> {
        self.one(viewer, which.into(), 0).await
    }

    /// The transitions out of a ticket's present state, with all reasons why some are closed to the viewer.
    ///
    /// # Errors
    /// `NOT_FOUND` when it does not exist or the viewer may not see it.
    pub async fn exits(&self, viewer: &Actor, which: impl Into<Which>) -> Result<Vec<Exit>, ActError> {
        let mut view = self.ticket_text(viewer, which).await?;
        let gated = view.case.workflow.state(&view.case.ticket.state).is_some_and(|state| state.gate.is_some());
        if gated && view.case.approvals.is_none() {
            view.case.approvals = Some(self.approvals(viewer, view.case.ticket.id).await?);
        }
        if !view.looks_further() {
            return Ok(view.exits());
        }
        let ended = vec![Category::Resolved, Category::Closed, Category::Cancelled];
        let under = Filter::from(Cond::Parent(vec![view.case.ticket.id]));
        let open = under.and(Filter::from(Cond::Category(ended)).negate());
        let open = self.tickets(viewer, &open, Page::first(1)).await?;
        Ok(available(&view.case, view.asker(Some(open.is_empty()))))
    }

    async fn one(&self, viewer: &Actor, which: Which, entries: u16) -> Result<View, ActError> {
        let tenant = Self::tenant_of(viewer)?;
        let (epoch, parts) = self.inner.store.ticket(tenant, &which, entries).await?;
        let stand = self.standpoint(viewer, tenant, epoch).await?;
        let unknown = || Refusal::NotFound { noun: "ticket", id: which.to_string() };
        let parts = parts.ok_or_else(unknown)?;
        let mut views = self.show(&stand, tenant, vec![parts]).await?;
        views.pop().ok_or_else(|| unknown().into())
    }

    /// One page of the tickets that match, as the viewer may see them. A parent they may not see, or that is deleted and
    /// not theirs to restore, is none: for a filter, too.
    ///
    /// # Errors
    /// `FIELD_INVALID` `filter` when it is too large; `first` or `after` when the page is none of this list.
    pub async fn tickets(&self, viewer: &Actor, filter: &Filter, page: Page) -> Result<Vec<View>, ActError> {
        let tenant = Self::tenant_of(viewer)?;
        if page.first == 0 || page.first > PAGE_MAX {
            return Err(Refusal::invalid("first", format!("is {}, give 1 to {PAGE_MAX}", page.first)).into());
        }
        if page.after.is_some_and(|place| place.order != page.order) {
            return Err(Refusal::invalid("after", "belongs to a list in another order; begin anew").into());
        }
        let mut stand = self.believed_standpoint(viewer, tenant).await?;
        for _ in 0..ROUNDS {
            let find = find(&stand, tenant, filter, &page)?;
            let (epoch, mut found) = self.inner.store.find(&find).await?;
            if epoch == stand.config.epoch {
                self.hide_parents(&stand, tenant, &mut found).await?;
                return views(&stand, found, page.order);
            }
            // The policy moved on: what was found may be too much or too little.
            stand = self.again(viewer, tenant, epoch).await?;
        }
        Err(ActError::Busy(ROUNDS))
    }

    /// How many tickets match, counted up to 1,000: as many as [`tickets`](Self::tickets) lists.
    ///
    /// # Errors
    /// `FIELD_INVALID` `filter` when it is too large.
    pub async fn count(&self, viewer: &Actor, filter: &Filter) -> Result<Count, ActError> {
        let tenant = Self::tenant_of(viewer)?;
        let mut stand = self.believed_standpoint(viewer, tenant).await?;
        for _ in 0..ROUNDS {
            let find = find(&stand, tenant, filter, &Page::first(1))?;
            let (epoch, count) = self.inner.store.count(&find, COUNT_MAX).await?;
            if epoch == stand.config.epoch {
                return Ok(count);
            }
            stand = self.again(viewer, tenant, epoch).await?;
        }
        Err(ActError::Busy(ROUNDS))
    }

    /// What the viewer may see of `found`.
    async fn show(&self, stand: &Standpoint, tenant: TenantId, mut found: Vec<Parts>) -> Result<Vec<View>, ActError> {
        self.hide_parents(stand, tenant, &mut found).await?;
        views(stand, found, Order::default())
    }

    /// Several tickets with their texts, without entries, in no order; those the viewer may not see are left out.
    pub async fn ticket_texts(&self, viewer: &Actor, ids: &[TicketId]) -> Result<Vec<View>, ActError> {
        let needs = Needs { tickets: ids.iter().copied().collect(), texts: true, ..Needs::default() };
        self.loaded(viewer, &needs).await
    }

    /// The tickets of `needs` as the viewer may see them.
    async fn loaded(&self, viewer: &Actor, needs: &Needs) -> Result<Vec<View>, ActError> {
        let tenant = Self::tenant_of(viewer)?;
        let loaded = self.inner.store.load(tenant, needs, None).await?;
        let epoch = loaded.epoch.ok_or_else(|| Refusal::not_found("tenant", tenant))?;
        let stand = self.standpoint(viewer, tenant, epoch).await?;
        self.show(&stand, tenant, loaded.cases).await
    }

    /// Several tickets by id, in no order; those the viewer may not see are left out.
    pub async fn tickets_by_id(&self, viewer: &Actor, ids: &[TicketId]) -> Result<Vec<View>, ActError> {
        let tenant = Self::tenant_of(viewer)?;
        let (epoch, found) = self.inner.store.tickets(tenant, ids).await?;
        let stand = self.standpoint(viewer, tenant, epoch).await?;
        self.show(&stand, tenant, found).await
    }

    /// Entries of a ticket the viewer may read, oldest first, after (created_at, id).
    pub async fn entries(
        &self,
        viewer: &Actor,
        ticket: TicketId,
        after: Option<(Timestamp, EntryId)>,
        first: u16,
    ) -> Result<Vec<Entry>, ActError> {
        let view = self.head(viewer, ticket).await?;
        let (first, mut after, mut shown) = (first.clamp(1, PAGE_MAX), after, Vec::new());
        // Pages of what is stored may hold entries the viewer may not read: go on until the page is full.
        loop {
            let page = self.inner.store.entries(view.case.ticket.tenant, ticket, after, PAGE_MAX).await?;
            let Some(last) = page.last() else { return Ok(shown) };
            after = Some((last.created_at, last.id));
            let full = page.len() == usize::from(PAGE_MAX);
            for entry in page.into_iter().filter(|entry| readable(entry, view.may)) {
                shown.push(entry);
                if shown.len() == usize::from(first) {
                    return Ok(shown);
                }
            }
            if !full {
                return Ok(shown);
            }
        }
    }

    /// Entries of one ticket by id, in no order; those the viewer may not read are left out.
    pub async fn entries_by_id(
        &self,
        viewer: &Actor,
        ticket: TicketId,
        ids: &[EntryId],
    ) -> Result<Vec<Entry>, ActError> {
        let mut needs = Needs { entries: ids.iter().copied().collect(), ..Needs::default() };
        needs.tickets.insert(ticket);
        let mut views = self.loaded(viewer, &needs).await?;
        let view = views.pop().ok_or_else(|| Refusal::not_found("ticket", ticket))?;
        Ok(view.case.entries)
    }

    /// Earlier texts of what the viewer may read of a ticket, oldest first.
    pub async fn revisions(&self, viewer: &Actor, ticket: TicketId) -> Result<Vec<crate::ticket::Revision>, ActError> {
        let view = self.head(viewer, ticket).await?;
        let tenant = view.case.ticket.tenant;
        let mut all = self.inner.store.revisions(tenant, ticket).await?;
        let mut entries = BTreeMap::new();
        let mut after = None;
        while all.iter().any(|revision| revision.of.len() > 12) {
            let page = self.inner.store.entries(tenant, ticket, after, PAGE_MAX).await?;
            let Some(last) = page.last() else { break };
            after = Some((last.created_at, last.id));
            entries.extend(page.into_iter().map(|entry| (entry.id.to_string(), readable(&entry, view.may))));
        }
        all.retain(|revision| {
            matches!(revision.of.as_str(), "title" | "description") || entries.get(&revision.of) == Some(&true)
        });
        Ok(all)
    }

    /// A ticket without text and entries.
    pub(crate) async fn head(&self, viewer: &Actor, ticket: TicketId) -> Result<View, ActError> {
        let mut views = self.tickets_by_id(viewer, &[ticket]).await?;
        views.pop().ok_or_else(|| Refusal::not_found("ticket", ticket).into())
    }
}

/// Refuses a filter that cannot be told from one event to the next.
pub(super) fn check_live(filter: &Filter) -> Result<(), ActError> {
    filter.check().map_err(|error| Refusal::invalid("filter", error.to_string()))?;
    if filter.mentions(|cond| matches!(cond, Cond::Text(_))) {
        return Err(Refusal::invalid("filter", "has full text, which is for lists only; leave it out").into());
    }
    Ok(())
}

fn readable(entry: &Entry, may: Permissions) -> bool {
    let open = entry.visibility == EntryVisibility::Public || may.has(Permission::EntryInternal);
    open && entry.deleted_at.is_none()
}

/// The human key of a case.
pub(crate) fn key(config: &TenantConfig, case: &Case) -> String {
    let project = config.projects.get(&case.ticket.project).map_or("?", |project| project.key.as_str());
    let mut key = String::with_capacity(project.len() + 8);
    let _ = write!(key, "{project}-{}", case.ticket.number); // writing to a String cannot fail
    key
}

impl From<TicketId> for Which {
    fn from(id: TicketId) -> Self {
        Self::Id(id)
    }
}

impl std::fmt::Display for Which {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Key(project, number) => write!(f, "{project}-{number}"),
        }
    }
}

/// A text that is neither a ticket's id nor its key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is neither a ticket id nor a key such as `DEMO-1`")]
pub struct BadWhich(String);

impl FromStr for Which {
    type Err = BadWhich;
    fn from_str(s: &str) -> Result<Self, BadWhich> {
        if let Ok(id) = s.parse() {
            return Ok(Self::Id(id));
        }
        let bad = || BadWhich(s.chars().take(64).collect());
        let (project, number) = s.rsplit_once('-').ok_or_else(bad)?;
        let number: i64 = number.parse().ok().filter(|number| *number > 0).ok_or_else(bad)?;
        if project.is_empty() || project.len() > 10 || project.contains('\0') {
            Err(bad())
        } else {
            Ok(Self::Key(project.into(), number))
        }
    }
}

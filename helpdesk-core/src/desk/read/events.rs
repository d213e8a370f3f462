//! Reading the log: timelines, and events as the viewer may see them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::actor::Actor;
use crate::desk::Desk;
use crate::error::ActError;
use crate::event::{Cursor, Envelope, Event, Subject};
use crate::filter::{Cond, Filter};
use crate::id::{BoardId, TenantId, TicketId};
use crate::role::{Permission, Permissions};
use crate::value::{Field, Value};

/// Events of a subject read at once; more than one version can hold.
const HISTORY: u16 = crate::scene::EVENT_BUDGET as u16 + 1;

/// A ticket of some events, as the viewer stands to it now.
struct Seen {
    may: Permissions,
    matches: bool,
    /// Deleted, and not theirs to restore.
    gone: bool,
}

impl Desk {
    /// The event as `viewer` may see it now, without traces of what they may not see; `None` when they may not see it.
    pub async fn event(&self, viewer: &Actor, event: Envelope) -> Result<Option<Envelope>, ActError> {
        let tenant = Self::tenant_of(viewer)?;
        if event.tenant != tenant {
            return Ok(None);
        }
        let mut shown = self.visible(viewer, tenant, vec![Arc::new(event)], &Filter::All).await?;
        Ok(shown.pop().map(Arc::unwrap_or_clone))
    }

    /// The history of a ticket after `version`, oldest first: what the viewer may see of it, at least `first` events
    /// when there are so many, and whole versions always: continue after the last one's.
    pub async fn timeline(
        &self,
        viewer: &Actor,
        ticket: TicketId,
        version: i64,
        first: u16,
    ) -> Result<Vec<Envelope>, ActError> {
        let view = self.head(viewer, ticket).await?;
        let (tenant, subject) = (view.case.ticket.tenant, Subject::Ticket(ticket));
        let (mut version, mut shown) = (version, Vec::new());
        // Pages of what is stored may hold events the viewer may not see: go on until the page is full.
        while shown.len() < usize::from(first.clamp(1, 500)) {
            let mut events = self.store().history(tenant, &subject, version, HISTORY).await?;
            let full = events.len() == usize::from(HISTORY);
            let Some(last) = events.last().map(|event| event.version) else { break };
            if full {
                // Versions are shown whole, so that the next page can begin after one.
                events.retain(|event| event.version < last);
            }
            version = events.last().map_or(last, |event| event.version);
            let events = events.into_iter().map(Arc::new).collect();
            shown.extend(self.visible(viewer, tenant, events, &Filter::All).await?);
            if !full {
                break;
            }
        }
        Ok(shown.into_iter().map(Arc::unwrap_or_clone).collect())
    }

    /// Events after `cursor` that the viewer may see and whose ticket matches `filter` now, with the place up to which
    /// the log was read. Fewer than `first` does not mean the end: compare the cursor with [`Desk::head_of_log`].
    ///
    /// # Errors
    /// `FIELD_INVALID` `after` when `cursor` lies beyond the end of the log, such as one from before a backup was restored;
    /// `filter` when it is too large or has full text.
    pub async fn events(
        &self,
        viewer: &Actor,
        filter: &Filter,
        cursor: Cursor,
        first: u16,
    ) -> Result<(Vec<Arc<Envelope>>, Cursor), ActError> {
        super::check_live(filter)?;
        let tenant = Self::tenant_of(viewer)?;
        let (events, upto) = self.store().after(Some(tenant), cursor, first.clamp(1, 500)).await?;
        if upto <= cursor {
            self.check_reached(cursor).await?;
        }
        let events = events.into_iter().map(Arc::new).collect();
        Ok((self.visible(viewer, tenant, events, filter).await?, upto))
    }

    /// The end of the log.
    pub async fn head_of_log(&self) -> Result<Cursor, ActError> {
        Ok(self.store().head().await?)
    }

    /// What the viewer may see of `events`, checked now, with the same predicate as lists.
    pub(crate) async fn visible(
        &self,
        viewer: &Actor,
        tenant: TenantId,
        events: Vec<Arc<Envelope>>,
        filter: &Filter,
    ) -> Result<Vec<Arc<Envelope>>, ActError> {
        if events.is_empty() {
            return Ok(events);
        }
        let mut ids: BTreeSet<TicketId> = events.iter().filter_map(|event| event.subject.shows()).collect();
        for event in &events {
            ids.extend(event.event.other_tickets());
        }
        let ids: Vec<TicketId> = ids.into_iter().collect();
        let (epoch, found) = self.store().tickets(tenant, &ids).await?;
        let stand = self.standpoint(viewer, tenant, epoch).await?;
        let wanted = filter.clone().bind(stand.access.person());
        // A parent is what the viewer is shown, as in lists; here it is known of which tickets.
        let parents: BTreeSet<TicketId> = match wanted.mentions(|cond| matches!(cond, Cond::Parent(_))) {
            true => found.iter().filter_map(|parts| parts.ticket.parent).collect(),
            false => BTreeSet::new(),
        };
        let shown = self.shown(&stand, tenant, &parents).await?;
        let mut seen: BTreeMap<TicketId, Seen> = BTreeMap::new();
        for parts in found {
            let mut case = super::case(&stand.config, parts)?;
            let may = stand.access.on(&case);
            if may.has(Permission::TicketRead) {
                case.ticket.parent = case.ticket.parent.filter(|parent| shown.contains(parent));
                let matches = *filter == Filter::All || wanted.matches(&case, &[], false);
                let gone = case.ticket.deleted_at.is_some() && !may.has(Permission::TicketDelete);
                seen.insert(case.ticket.id, Seen { may, matches, gone });
            }
        }
        let audits = stand.access.everywhere().has(Permission::AuditRead);
        let on_board = |id: BoardId| {
            let board = stand.config.boards.get(&id);
            board.filter(|board| super::boards::sees(&stand.config, &stand.access, board.project))
        };
        let shows = |event: &Envelope| match (&event.subject, event.subject.shows()) {
            (_, None) if audits && *filter == Filter::All => true,
            // Who sees the project sees its boards; of filters, those select them that are about the project alone.
            (Subject::Board(id), _) => on_board(*id).is_some_and(|board| {
                let here = matches!(filter, Filter::Is(Cond::Project(projects)) if projects.contains(&board.project));
                here || *filter == Filter::All
            }),
            (Subject::Card(id, _), _) if on_board(*id).is_none() && !audits => false,
            (_, None) => false,
            (_, Some(ticket)) => seen.get(&ticket).is_some_and(|Seen { may, matches, gone }| {
                let gone = *gone && !matches!(event.event, Event::TicketDeleted(_));
                *matches && !gone && (!event.internal || may.has(Permission::EntryInternal))
            }),
        };
        let known = |ticket: TicketId| seen.get(&ticket).is_some_and(|seen| !seen.gone);
        let shown = events.into_iter().filter(|event| shows(event));
        Ok(shown.filter_map(|event| redact(event, known)).collect())
    }
}

/// The event without any trace of tickets the viewer may not see.
fn redact(event: Arc<Envelope>, known: impl Fn(TicketId) -> bool) -> Option<Arc<Envelope>> {
    if event.event.other_tickets().into_iter().all(&known) {
        return Some(event);
    }
    let mut event = Arc::unwrap_or_clone(event);
    if let Event::TicketCreated(created) = &mut event.event {
        created.parent = None;
        return Some(Arc::new(event));
    }
    let Event::TicketEdited(edited) = &mut event.event else { return None };
    for change in edited.changes.iter_mut().filter(|change| change.field == Field::Parent) {
        for side in [&mut change.before, &mut change.after] {
            let hidden = matches!(side, Value::Text(text) if !text.parse().is_ok_and(&known));
            if hidden {
                *side = Value::Null;
            }
        }
    }
    edited.changes.retain(|change| change.before != change.after);
    (!edited.changes.is_empty()).then(|| Arc::new(event))
}

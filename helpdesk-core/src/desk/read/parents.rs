//! Parents as a viewer is shown them: one they may not see, or that is deleted for them, is none.
//!
//! Views leave hidden parents out. A filter that names them finds nothing under them, and one for tickets without a
//! parent counts those whose parent is hidden among them; whether a parent is hidden is a question about another ticket
//! than the one that is listed, so such lists are read in steps: see [`Desk::find_shown`].

use std::collections::BTreeSet;

use crate::desk::Desk;
use crate::desk::cache::Standpoint;
use crate::error::{ActError, Refusal};
use crate::filter::Filter;
use crate::id::{TenantId, TicketId};
use crate::role::{Access, Permission};
use crate::store::{Count, Find, Parts};

/// Most steps of one reading.
const STEPS: usize = 16;
/// Most tickets of one step.
const STEP_MAX: u16 = 1_000;
/// Most conditions on single parents in one statement.
const CONDITIONS_MAX: usize = 4_000;

/// Parents met so far.
#[derive(Debug, Default)]
struct Met {
    shown: BTreeSet<TicketId>,
    hidden: BTreeSet<TicketId>,
}

impl Met {
    fn knows(&self, parent: &TicketId) -> bool {
        self.shown.contains(parent) || self.hidden.contains(parent)
    }
}

/// Whether no ticket is hidden from them, deleted ones included.
fn sees_all(access: &Access) -> bool {
    access.visible() == Filter::All && access.undeletable() == Filter::All
}

/// Whether the database finds what the viewer is shown.
fn is_plain(stand: &Standpoint, find: &Find) -> bool {
    sees_all(&stand.access) || find.filter.asks_for_none() == (0, 0)
}

fn hide(parts: &mut Parts, shown: &BTreeSet<TicketId>) {
    parts.ticket.parent = parts.ticket.parent.filter(|parent| shown.contains(parent));
}

impl Desk {
    /// What `find` finds when a hidden parent is none, hidden parents left out; with the epoch, and nothing when it is
    /// not the viewer's any more.
    ///
    /// A filter for tickets without a parent takes more than one read, for viewers from whom something is hidden. The
    /// first takes every parent for hidden where that finds more, and for shown elsewhere. The parents found are looked
    /// up: up to the first of which it was not so, what was found is right, and the next read goes on from there and
    /// knows them.
    ///
    /// # Errors
    /// `FIELD_INVALID` `filter` when the page is not full after 16 reads, or after some 4,000 parents: there are too
    /// many sub-tickets and too few others, or the other way round.
    pub(super) async fn find_shown(&self, stand: &Standpoint, find: Find) -> Result<(i64, Vec<Parts>), ActError> {
        if is_plain(stand, &find) {
            let (epoch, mut found) = self.inner.store.find(&find).await?;
            if epoch == stand.config.epoch {
                self.hide_parents(stand, find.tenant, &mut found).await?;
            }
            return Ok((epoch, found));
        }
        let (more, fewer) = find.filter.asks_for_none();
        let (mut met, mut kept) = (Met::default(), Vec::new());
        let (mut after, mut limit, want) = (find.after, find.limit, usize::from(find.limit));
        for _ in 0..STEPS {
            let filter = find.filter.clone().with_parents(&met.shown, &met.hidden);
            let step = Find { filter, after, limit, internal: find.internal.clone(), ..find };
            let (epoch, found) = self.inner.store.find(&step).await?;
            if epoch != stand.config.epoch {
                return Ok((epoch, vec![]));
            }
            let last = found.len() < usize::from(limit);
            let parents = found.iter().filter_map(|parts| parts.ticket.parent);
            let strangers: BTreeSet<TicketId> = parents.filter(|parent| !met.knows(parent)).collect();
            let shown = self.shown(stand, find.tenant, &strangers).await?;
            let mistaken = |parent| {
                let shown = shown.contains(&parent);
                strangers.contains(&parent) && ((more > 0 && shown) || (fewer > 0 && !shown))
            };
            let wrong = |parts: &Parts| parts.ticket.parent.is_some_and(mistaken);
            let right = found.iter().position(wrong).unwrap_or(found.len());
            let done = last && right == found.len();
            kept.extend(found.into_iter().take(right));
            kept.truncate(want);
            met.hidden.extend(strangers.difference(&shown));
            met.shown.extend(shown);
            if done || kept.len() == want {
                kept.iter_mut().for_each(|parts| hide(parts, &met.shown));
                return Ok((epoch, kept));
            }
            after = kept.last().map(|parts| (super::sort_key(&parts.ticket, find.order), parts.ticket.id)).or(after);
            if met.shown.len() * more + met.hidden.len() * fewer > CONDITIONS_MAX {
                break;
            }
            limit = limit.saturating_mul(2).clamp(100, STEP_MAX.max(find.limit));
        }
        let why = "asks for tickets without a parent, or with one, where few are so; narrow it, or leave that out";
        Err(Refusal::invalid("filter", why).into())
    }

    /// Leaves out the parents that are hidden from the viewer; no trip when there are none.
    pub(super) async fn hide_parents(
        &self,
        stand: &Standpoint,
        tenant: TenantId,
        found: &mut [Parts],
    ) -> Result<(), ActError> {
        let parents: BTreeSet<TicketId> = found.iter().filter_map(|parts| parts.ticket.parent).collect();
        let shown = self.shown(stand, tenant, &parents).await?;
        found.iter_mut().for_each(|parts| hide(parts, &shown));
        Ok(())
    }

    /// How many [`find_shown`](Self::find_shown) would find, counted up to `cap`, with the epoch.
    pub(super) async fn count_shown(&self, stand: &Standpoint, find: Find, cap: u32) -> Result<(i64, Count), ActError> {
        if is_plain(stand, &find) {
            return Ok(self.inner.store.count(&find, cap).await?);
        }
        let limit = u16::try_from(cap).unwrap_or(u16::MAX).saturating_add(1);
        let (epoch, found) = self.find_shown(stand, Find { limit, ..find }).await?;
        let found = u32::try_from(found.len()).unwrap_or(u32::MAX);
        Ok((epoch, Count { value: found.min(cap), exact: found <= cap }))
    }

    /// The filter as this viewer may ask it: "mine" is theirs, and parents they may not see do not exist.
    pub(super) async fn bound(
        &self,
        stand: &Standpoint,
        tenant: TenantId,
        filter: &Filter,
    ) -> Result<Filter, ActError> {
        let asked = filter.clone().bind(stand.access.person());
        let parents = asked.parents();
        if parents.is_empty() || sees_all(&stand.access) {
            return Ok(asked);
        }
        let shown = self.shown(stand, tenant, &parents).await?;
        Ok(asked.without_parents(&|parent| shown.contains(parent)))
    }

    /// Those of `ids` the actor may see, deleted ones only if they could restore them; no trip when there are none.
    pub(super) async fn shown(
        &self,
        stand: &Standpoint,
        tenant: TenantId,
        ids: &BTreeSet<TicketId>,
    ) -> Result<BTreeSet<TicketId>, ActError> {
        if ids.is_empty() {
            return Ok(BTreeSet::new());
        }
        let ids: Vec<TicketId> = ids.iter().copied().collect();
        let (_, found) = self.inner.store.tickets(tenant, &ids).await?;
        let sees = |parts: &Parts| {
            let may = stand.access.on(&parts.ticket, &parts.people);
            may.has(Permission::TicketRead) && (parts.ticket.deleted_at.is_none() || may.has(Permission::TicketDelete))
        };
        Ok(found.into_iter().filter(sees).map(|parts| parts.ticket.id).collect())
    }
}

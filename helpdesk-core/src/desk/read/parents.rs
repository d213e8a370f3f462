//! Parents as a viewer is shown them: one they may not see, or that is deleted for them, is none.
//!
//! Views leave hidden parents out. A filter that names them finds nothing under them, and one for tickets without a
//! parent counts those whose parent is hidden among them; whether a parent is hidden is a question about another ticket
//! than the one that is listed, so such lists are read in steps: see [`Desk::find_shown`].

use std::collections::BTreeSet;

use crate::desk::Desk;
use crate::desk::cache::Standpoint;
use crate::error::{ActError, Refusal};
use crate::filter::{Cond, Filter};
use crate::id::{TenantId, TicketId};
use crate::role::{Access, Permission};
use crate::store::{Count, Find, Parts};

/// Most steps of one reading.
const STEPS: usize = 16;
/// Most tickets of one step.
const STEP_MAX: u16 = 1_000;
/// Most conditions on single parents in one statement.
const CONDITIONS_MAX: usize = 4_000;

/// Parents met so far, in order of id.
#[derive(Debug, Default)]
struct Met {
    shown: BTreeSet<TicketId>,
    hidden: BTreeSet<TicketId>,
}

impl Met {
    fn knows(&self, parent: TicketId) -> bool {
        self.shown.contains(&parent) || self.hidden.contains(&parent)
    }
}

/// How often it asks for tickets without a parent, if that is not what the database holds.
fn nones(stand: &Standpoint, find: &Find) -> usize {
    let asks = |cond: &Cond| matches!(cond, Cond::Parent(list) if list.is_empty());
    if sees_all(&stand.access) { 0 } else { find.filter.occurrences(&asks) }
}

/// Whether no ticket is hidden from them, deleted ones included.
fn sees_all(access: &Access) -> bool {
    access.visible() == Filter::All && access.undeletable() == Filter::All
}

impl Desk {
    /// What `find` finds when a hidden parent is none; with the epoch, and nothing when it is not the viewer's any more.
    ///
    /// Only viewers from whom something is hidden, and filters for tickets without a parent, take more than one read.
    /// For them the first read takes every parent for hidden. What it finds up to the first parent that was not met
    /// before is right; the parents in the rest are looked up, and the next read goes on from there and knows them.
    ///
    /// # Errors
    /// `FIELD_INVALID` `filter` when the page is not full after 16 reads, or after some 4,000 parents: there are too
    /// many sub-tickets and too few others.
    pub(super) async fn find_shown(&self, stand: &Standpoint, find: Find) -> Result<(i64, Vec<Parts>), ActError> {
        let nones = nones(stand, &find);
        if nones == 0 {
            return Ok(self.inner.store.find(&find).await?);
        }
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
            let new = |parts: &Parts| parts.ticket.parent.filter(|parent| !met.knows(*parent));
            let strangers: BTreeSet<TicketId> = found.iter().filter_map(new).collect();
            let right = found.iter().position(|parts| new(parts).is_some()).unwrap_or(found.len());
            kept.extend(found.into_iter().take(right));
            kept.truncate(want);
            if kept.len() == want || (last && strangers.is_empty()) {
                return Ok((epoch, kept));
            }
            after = kept.last().map(|parts| (super::sort_key(&parts.ticket, find.order), parts.ticket.id)).or(after);
            let shown = self.shown(stand, find.tenant, &strangers).await?;
            met.hidden.extend(strangers.difference(&shown));
            met.shown.extend(shown);
            if (met.shown.len() + met.hidden.len()) * nones > CONDITIONS_MAX {
                break;
            }
            limit = limit.saturating_mul(2).clamp(100, STEP_MAX.max(find.limit));
        }
        let why = "asks for tickets without a parent where too many have one; narrow it, or leave that out";
        Err(Refusal::invalid("filter", why).into())
    }

    /// How many [`find_shown`](Self::find_shown) would find, counted up to `cap`, with the epoch.
    pub(super) async fn count_shown(&self, stand: &Standpoint, find: Find, cap: u32) -> Result<(i64, Count), ActError> {
        if nones(stand, &find) == 0 {
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

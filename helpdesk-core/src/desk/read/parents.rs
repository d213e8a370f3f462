//! Parents as a viewer is shown them: one they may not see, or that is deleted for them, is none.
//!
//! Views leave hidden parents out. For filters of lists the database looks at the parent by the same rule, in the same
//! statement: see [`Find::parents`](crate::store::Find::parents).

use std::collections::BTreeSet;

use crate::desk::Desk;
use crate::desk::cache::Standpoint;
use crate::error::ActError;
use crate::filter::{Cond, Filter};
use crate::id::{TenantId, TicketId};
use crate::role::{Access, Permission};
use crate::store::Parts;

/// The tickets that are shown where they are parents, as a filter: the same predicate as [`Desk::shown`].
pub(super) fn shown(access: &Access) -> Filter {
    access.visible().and(access.undeletable().or(Cond::Deleted(false)))
}

impl Desk {
    /// Leaves out the parents that are hidden from the viewer; no trip when there are none.
    pub(super) async fn hide_parents(
        &self,
        stand: &Standpoint,
        tenant: TenantId,
        found: &mut [Parts],
    ) -> Result<(), ActError> {
        let parents: BTreeSet<TicketId> = found.iter().filter_map(|parts| parts.ticket.parent).collect();
        let shown = self.shown(stand, tenant, &parents).await?;
        for parts in found {
            parts.ticket.parent = parts.ticket.parent.filter(|parent| shown.contains(parent));
        }
        Ok(())
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
            let may = stand.access.on(parts);
            may.has(Permission::TicketRead) && (parts.ticket.deleted_at.is_none() || may.has(Permission::TicketDelete))
        };
        Ok(found.into_iter().filter(sees).map(|parts| parts.ticket.id).collect())
    }
}

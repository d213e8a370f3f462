//! Grants and delegations on single tickets, as a viewer is shown them: where the ticket is hidden, they are, too.

use std::collections::BTreeSet;

use crate::desk::Desk;
use crate::desk::cache::Standpoint;
use crate::error::ActError;
use crate::id::{TenantId, TicketId};
use crate::role::Scope;

/// The tickets among some scopes that a viewer is shown.
pub(super) struct Shown(BTreeSet<TicketId>);

impl Shown {
    /// Whether the viewer may know of it.
    pub(super) fn has(&self, scope: Scope) -> bool {
        match scope {
            Scope::Ticket(ticket) => self.0.contains(&ticket),
            Scope::Tenant | Scope::Department(_) | Scope::Company(_) | Scope::Project(_) => true,
        }
    }
}

impl Desk {
    /// Which of `scopes` may be told; no trip when none of them is a ticket.
    pub(super) async fn shown_scopes(
        &self,
        stand: &Standpoint,
        tenant: TenantId,
        scopes: impl Iterator<Item = Scope>,
    ) -> Result<Shown, ActError> {
        let tickets = scopes.filter_map(|scope| if let Scope::Ticket(id) = scope { Some(id) } else { None });
        Ok(Shown(self.shown(stand, tenant, &tickets.collect()).await?))
    }
}

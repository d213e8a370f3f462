//! Links as a viewer may see them: both ends, or not at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::View;
use crate::actor::{Actor, Author};
use crate::desk::Desk;
use crate::error::{ActError, Refusal};
use crate::id::TicketId;
use crate::ticket::LinkKind;
use crate::time::Timestamp;

/// A link seen from one of its tickets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// What the ticket is to the other one.
    pub kind: LinkKind,
    /// The other one.
    pub ticket: Arc<View>,
    /// Who linked them.
    pub by: Author,
    /// When.
    pub at: Timestamp,
}

impl Linked {
    /// Its place among the links of the ticket: by kind, then by the other ticket's id.
    pub fn place(&self) -> (LinkKind, TicketId) {
        (self.kind, self.ticket.case.ticket.id)
    }
}

impl Desk {
    /// The links of a ticket (at most [`LINKS_MAX`](crate::ticket::link::LINKS_MAX)), in order of
    /// [`place`](Linked::place). Those whose other end the viewer may not see, or that is deleted and not theirs to
    /// restore, are left out (FEATURES T6; SEMANTICS, "Merge, split, links"). One read, and one more when some of them have
    /// parents.
    ///
    /// # Errors
    /// `NOT_FOUND` when the ticket does not exist or the viewer may not see it.
    pub async fn links(&self, viewer: &Actor, ticket: TicketId) -> Result<Vec<Linked>, ActError> {
        let mut all = self.links_of(viewer, &[ticket]).await?;
        all.remove(&ticket).ok_or_else(|| Refusal::not_found("ticket", ticket).into())
    }

    /// The links of several tickets, read together; tickets the viewer may not see are left out.
    pub async fn links_of(
        &self,
        viewer: &Actor,
        tickets: &[TicketId],
    ) -> Result<BTreeMap<TicketId, Vec<Linked>>, ActError> {
        let tenant = Self::tenant_of(viewer)?;
        let (epoch, links, found) = self.store().links(tenant, tickets).await?;
        let stand = self.standpoint(viewer, tenant, epoch).await?;
        let views = self.show(&stand, tenant, found).await?.into_iter();
        let views: BTreeMap<TicketId, Arc<View>> = views.map(|view| (view.case.ticket.id, Arc::new(view))).collect();
        let seen = tickets.iter().filter(|ticket| views.contains_key(ticket));
        let mut all: BTreeMap<TicketId, Vec<Linked>> = seen.map(|ticket| (*ticket, vec![])).collect();
        for link in links {
            for end in [link.source, link.target] {
                let Some((kind, other)) = link.seen_from(end) else { continue };
                if let (Some(list), Some(view)) = (all.get_mut(&end), views.get(&other)) {
                    list.push(Linked { kind, ticket: view.clone(), by: link.by.clone(), at: link.at });
                }
            }
        }
        for list in all.values_mut() {
            list.sort_by_key(Linked::place);
        }
        Ok(all)
    }
}

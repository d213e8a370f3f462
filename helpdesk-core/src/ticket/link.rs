//! Links between tickets: what they are, and making and removing them (SEMANTICS, "Merge, split, links").
//!
//! A link is one row and is told on both timelines, on each as it is seen from there. Who is shown a link is not decided
//! here but where it is read: somebody who may not see the other end is told of it nowhere.

use std::collections::{BTreeMap, BTreeSet};

use super::decide::{fields, live, require};
use crate::actor::Author;
use crate::case::Case;
use crate::command::{LinkTickets, UnlinkTickets};
use crate::error::Refusal;
use crate::event::{TicketLinked, TicketUnlinked};
use crate::id::{TenantId, TicketId};
use crate::role::Permission;
use crate::scene::{Ctx, Decision, Scene};
use crate::time::Timestamp;
use crate::value::names;

names! {
    /// What a ticket is to another one, seen from it (FEATURES T6).
    pub enum LinkKind ("link kind") {
        /// The other one cannot go on before this one is done. These never close a circle.
        Blocks = "blocks",
        /// This one cannot go on before the other one is done.
        BlockedBy = "blocked_by",
        /// It says what the other one says already.
        Duplicates = "duplicates",
        /// The other one says what it says already.
        DuplicatedBy = "duplicated_by",
        /// They have to do with each other.
        Relates = "relates",
    }
}

impl LinkKind {
    /// The same link seen from the other end.
    #[must_use]
    pub const fn inverse(self) -> Self {
        match self {
            Self::Blocks => Self::BlockedBy,
            Self::BlockedBy => Self::Blocks,
            Self::Duplicates => Self::DuplicatedBy,
            Self::DuplicatedBy => Self::Duplicates,
            Self::Relates => Self::Relates,
        }
    }
}

/// Most links of one ticket, at both ends together.
pub const LINKS_MAX: usize = 200;
/// Most links that are followed to see whether a new one would close a circle; with more behind it, it is refused.
pub const STEPS_MAX: u16 = 1_000;

/// A link: one row, however it is looked at. Made by [`Link::new`], so that one link has one form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The tenant.
    pub tenant: TenantId,
    /// The ticket that blocks or duplicates; of two that relate, the one with the smaller id.
    pub source: TicketId,
    /// The other one.
    pub target: TicketId,
    /// What the source is to the target: `blocks`, `duplicates` or `relates`.
    pub kind: LinkKind,
    /// Who linked them.
    pub by: Author,
    /// When.
    pub at: Timestamp,
}

impl Link {
    /// The link by which `ticket` is `kind` to `other`.
    pub fn new(tenant: TenantId, ticket: TicketId, kind: LinkKind, other: TicketId, by: Author, at: Timestamp) -> Self {
        let turned = match kind {
            LinkKind::Blocks | LinkKind::Duplicates => false,
            LinkKind::BlockedBy | LinkKind::DuplicatedBy => true,
            LinkKind::Relates => other < ticket,
        };
        let (source, kind, target) = if turned { (other, kind.inverse(), ticket) } else { (ticket, kind, other) };
        Self { tenant, source, target, kind, by, at }
    }

    /// What tells it from every other link of the tenant, and the order of a case's links.
    pub const fn key(&self) -> (TicketId, TicketId, LinkKind) {
        (self.source, self.target, self.kind)
    }

    /// What `ticket` is to which other one; none when it is neither end.
    pub fn seen_from(&self, ticket: TicketId) -> Option<(LinkKind, TicketId)> {
        if self.source == ticket {
            Some((self.kind, self.target))
        } else if self.target == ticket {
            Some((self.kind.inverse(), self.source))
        } else {
            None
        }
    }
}

/// One step along links that block, read for a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// The ticket that blocks.
    pub by: TicketId,
    /// The one it blocks.
    pub ticket: TicketId,
    /// The version in which that one was seen.
    pub version: i64,
}

impl Case {
    /// Whether this ticket is `kind` to `other`; its links must have been loaded.
    fn is_linked(&self, kind: LinkKind, other: TicketId) -> bool {
        let id = self.ticket.id;
        self.links.iter().flatten().any(|link| link.seen_from(id) == Some((kind, other)))
    }
}

/// Links two tickets. Needs `ticket.edit` on the one; the other one is seen, and neither is deleted.
///
/// # Errors
/// `NOT_FOUND` for a ticket that does not exist or not for the actor; `FIELD_INVALID` `to` when it is the ticket itself,
/// when the link would close a circle of tickets that block each other (also through tickets the actor may not see, which
/// are not named), or when one of the two has [`LINKS_MAX`] links.
pub fn link(scene: &Scene, ask: &LinkTickets, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let LinkTickets { ticket, to, kind } = *ask;
    let case = live(scene, ticket, ctx)?;
    require(ctx, case, Permission::TicketEdit)?;
    if to == ticket {
        return Err(Refusal::invalid("to", "is the ticket itself; choose another one"));
    }
    let other = live(scene, to, ctx)?;
    if case.is_linked(kind, to) {
        return Ok(Decision::default());
    }
    let full = |case: &Case| case.links.as_ref().is_some_and(|links| links.len() >= LINKS_MAX);
    if full(case) || full(other) {
        return Err(Refusal::invalid("to", format!("is one too many: a ticket has at most {LINKS_MAX} links")));
    }
    let link = Link::new(scene.tenant, ticket, kind, to, ctx.by.clone(), ctx.at);
    if link.kind == LinkKind::Blocks {
        check_circle(scene, &link)?;
    }
    let decision = Decision::ticket(ticket, TicketLinked { other: to, kind });
    Ok(decision.and(to, TicketLinked { other: ticket, kind: kind.inverse() }))
}

/// Refuses a link that blocks when its source is blocked, however far behind, by its target.
fn check_circle(scene: &Scene, link: &Link) -> Result<(), Refusal> {
    if scene.steps.len() > usize::from(STEPS_MAX) {
        let message =
            format!("has more than {STEPS_MAX} links behind it, too many to follow; remove some of them first");
        return Err(Refusal::invalid("to", message));
    }
    let mut steps: BTreeMap<TicketId, Vec<TicketId>> = BTreeMap::new();
    for step in &scene.steps {
        steps.entry(step.by).or_default().push(step.ticket);
    }
    let (mut reached, mut ahead) = (BTreeSet::from([link.target]), vec![link.target]);
    while let Some(id) = ahead.pop() {
        if id == link.source {
            return Err(Refusal::invalid("to", "would close a circle of tickets that block each other"));
        }
        // Links that were loaded are those of now: this set of commands may have changed them.
        let next: Vec<TicketId> = match scene.case(id).and_then(|case| case.links.as_ref()) {
            Some(links) => {
                let blocks = links.iter().filter(|link| link.source == id && link.kind == LinkKind::Blocks);
                blocks.map(|link| link.target).collect()
            }
            None => steps.get(&id).cloned().unwrap_or_default(),
        };
        ahead.extend(next.into_iter().filter(|next| reached.insert(*next)));
    }
    Ok(())
}

/// Removes a link. Needs `ticket.edit` on the one; the other one is seen, and may be deleted for whoever could restore it.
///
/// # Errors
/// `NOT_FOUND` for a ticket that does not exist or not for the actor.
pub fn unlink(scene: &Scene, ask: &UnlinkTickets, ctx: &Ctx<'_>) -> Result<Decision, Refusal> {
    let UnlinkTickets { ticket, to, kind } = *ask;
    let case = live(scene, ticket, ctx)?;
    require(ctx, case, Permission::TicketEdit)?;
    if !fields::is_shown(scene, to, ctx) {
        return Err(Refusal::not_found("ticket", to));
    }
    if !case.is_linked(kind, to) {
        return Ok(Decision::default());
    }
    let decision = Decision::ticket(ticket, TicketUnlinked { other: to, kind });
    Ok(decision.and(to, TicketUnlinked { other: ticket, kind: kind.inverse() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> TicketId {
        uuid::Uuid::from_u128(n).into()
    }

    #[test]
    fn one_link_has_one_form_from_both_ends() {
        let new = |ticket, kind, other| {
            Link::new(TenantId::NIL, ticket, kind, other, Author::System, Timestamp::from_millis(1))
        };
        for kind in LinkKind::ALL {
            assert_eq!(kind.inverse().inverse(), *kind);
            for (one, two) in [(id(1), id(2)), (id(2), id(1))] {
                let link = new(one, *kind, two);
                assert_eq!(link, new(two, kind.inverse(), one));
                assert_eq!(link.seen_from(one), Some((*kind, two)));
                assert_eq!(link.seen_from(two), Some((kind.inverse(), one)));
                assert_eq!(link.seen_from(id(3)), None);
                assert!(!matches!(link.kind, LinkKind::BlockedBy | LinkKind::DuplicatedBy));
            }
        }
    }
}

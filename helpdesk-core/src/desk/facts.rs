//! What a try reads and draws beyond its first load: parents to take leave of, scopes of grants, what decisions looked for,
//! numbers and turns.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Desk;
use super::order::Order;
use crate::actor::Author;
use crate::board::Place;
use crate::board::card::WIDE;
use crate::decide::Needs;
use crate::error::{ActError, Refusal};
use crate::event::Subject;
use crate::id::{PersonId, TenantId, TicketId};
use crate::scene::{Ctx, Numbers, Turns};
use crate::store::{BELOW_MAX, Counter, Loaded, Parts};
use crate::value::Field;
use crate::workflow::effects::Wants;

/// Events read of a ticket's history at once: more than one version can have.
const HISTORY_PAGE: u16 = crate::scene::EVENT_BUDGET as u16 + 1;

/// What was looked up for a decision, whether or not it was found.
#[derive(Debug, Default)]
pub(super) struct Asked {
    /// Tickets of which everything below was loaded.
    pub(super) below: BTreeSet<TicketId>,
    /// People.
    pub(super) people: BTreeSet<PersonId>,
}

impl Desk {
    /// A ticket that gets another parent takes leave of the one it has; one that needs a parent may have one already.
    pub(super) async fn load_old_parents(&self, order: &Order<'_>, loaded: &mut Loaded) -> Result<(), ActError> {
        let here: BTreeSet<TicketId> = loaded.cases.iter().map(|parts| parts.ticket.id).collect();
        let old: Vec<TicketId> = loaded
            .cases
            .iter()
            .filter_map(|parts| parts.ticket.parent)
            .filter(|parent| !here.contains(parent))
            .collect();
        if !old.is_empty() {
            loaded.cases.extend(self.inner.store.tickets(order.tenant, &old).await?.1);
        }
        Ok(())
    }

    /// Loads what decisions looked for and did not find; whether the policy is still the same.
    pub(super) async fn load_wants(
        &self,
        (tenant, place): (TenantId, Option<Place>),
        wants: Wants,
        known: &mut Loaded,
        asked: &mut Asked,
    ) -> Result<bool, ActError> {
        if wants.is_empty() {
            return Ok(true);
        }
        let Wants { pools, below, above, people, holders, delegations, editors, cards } = wants;
        // A ticket that is being created has nothing below it but what the scene holds.
        let place = place.filter(|_| cards).map(|place| Place { reach: WIDE, ..place });
        let needs = Needs { pools, below, people, holders, delegations, place, ..Needs::default() };
        let mut more = self.inner.store.load(tenant, &needs, None).await?;
        if more.epoch != known.epoch {
            return Ok(false);
        }
        self.load_approvals(tenant, &mut more.below).await?;
        for ticket in above {
            let needs = Needs { above: Some(ticket), ..Needs::default() };
            known.lines.insert(ticket, self.inner.store.load(tenant, &needs, None).await?.ancestors);
        }
        for ticket in editors {
            let edits = self.edits(tenant, ticket).await?;
            known.editors.insert(ticket, edits);
        }
        known.pools.extend(more.pools);
        known.holders.extend(more.holders);
        known.delegations.extend(more.delegations);
        known.people.extend(more.people);
        asked.people.extend(needs.people);
        if needs.place.is_some() {
            known.place = more.place;
        }
        let fresh = |parts: &Parts| known.below.iter().all(|seen| seen.ticket.id != parts.ticket.id);
        let fresh: Vec<Parts> = more.below.into_iter().filter(fresh).collect();
        known.below.extend(fresh);
        asked.below.extend(needs.below);
        if known.below.len() > BELOW_MAX {
            let message = format!("looks at more than {BELOW_MAX} sub-tickets; split the tree");
            return Err(Refusal::invalid("transition", message).into());
        }
        Ok(true)
    }

    /// Tickets with approvals are looked at with all of them, and with their texts: what was approved may be one.
    pub(super) async fn load_approvals(&self, tenant: TenantId, all: &mut [Parts]) -> Result<(), ActError> {
        let lacks = |parts: &&Parts| parts.approvals.is_none();
        let wanted: BTreeSet<TicketId> = all.iter().filter(lacks).map(|parts| parts.ticket.id).collect();
        if wanted.is_empty() {
            return Ok(());
        }
        let needs = Needs { tickets: wanted.clone(), approvals: wanted, texts: true, ..Needs::default() };
        for more in self.inner.store.load(tenant, &needs, None).await?.cases {
            // A version apart, the commit will find it stale.
            if let Some(parts) = all.iter_mut().find(|parts| parts.ticket.id == more.ticket.id) {
                parts.approvals = more.approvals;
                parts.text = parts.text.take().or(more.text);
            }
        }
        Ok(())
    }

    /// Who edited which fields of a ticket since it was created, in the order of the log.
    async fn edits(&self, tenant: TenantId, ticket: TicketId) -> Result<Vec<(Field, PersonId)>, ActError> {
        let (subject, mut edits, mut version) = (Subject::Ticket(ticket), vec![], 1);
        loop {
            let page = self.inner.store.history(tenant, &subject, version, HISTORY_PAGE).await?;
            for event in &page {
                if let Author::Person(person) = event.by {
                    edits.extend(event.event.changes().into_iter().map(|change| (change.field, person)));
                }
            }
            let last = page.last().map_or(version, |event| event.version);
            if page.len() < usize::from(HISTORY_PAGE) {
                return Ok(edits);
            }
            // The last version may have been cut in two, and is read again; it never fills a page alone.
            version = last - 1;
        }
    }

    /// Draws the ticket numbers and turns a decision took beyond those it was given; whether there were any. What an
    /// earlier try drew stays drawn, also when it failed half-way.
    pub(super) async fn draw(
        &self,
        tenant: TenantId,
        ctx: &Ctx<'_>,
        numbers: &mut Numbers,
        turns: &mut Turns,
    ) -> Result<bool, ActError> {
        let (of_projects, of_groups) = (ctx.numbers.lacking(), ctx.turns.lacking());
        for (project, n) in &of_projects {
            numbers.add(*project, self.values(tenant, Counter::Numbers(*project), *n).await?);
        }
        for (group, n) in &of_groups {
            turns.add(*group, self.values(tenant, Counter::Turns(*group), *n).await?);
        }
        Ok(!of_projects.is_empty() || !of_groups.is_empty())
    }

    async fn values(&self, tenant: TenantId, of: Counter, n: usize) -> Result<Range<i64>, ActError> {
        let n = u32::try_from(n).unwrap_or(u32::MAX);
        let first = self.inner.store.draw(tenant, of, n).await?;
        Ok(first..first + i64::from(n))
    }

    /// The tickets on which loaded grants hold: whoever takes one back, or lets others share it, must hold it there.
    pub(super) async fn load_scopes(&self, tenant: TenantId, loaded: &mut Loaded) -> Result<(), ActError> {
        let wanted = loaded.scoped_tickets();
        if !wanted.is_empty() {
            loaded.cases.extend(self.inner.store.tickets(tenant, &wanted).await?.1);
        }
        Ok(())
    }
}

//! What a try reads and draws beyond its first load: parents to take leave of, scopes of grants, what decisions looked for,
//! numbers and turns.

use std::collections::BTreeSet;

use super::Desk;
use super::order::Order;
use crate::board::Place;
use crate::board::card::WIDE;
use crate::command::Command;
use crate::decide::Needs;
use crate::error::{ActError, Refusal};
use crate::id::{TenantId, TicketId};
use crate::scene::{Ctx, Scene, Turns};
use crate::store::{BELOW_MAX, Counter, Loaded, Parts};
use crate::workflow::effects::Wants;

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
        order: &Order<'_>,
        wants: Wants,
        known: &mut Loaded,
        tops: &mut BTreeSet<TicketId>,
    ) -> Result<bool, ActError> {
        let Wants { pools, below, cards } = wants;
        if pools.is_empty() && below.is_empty() && !cards {
            return Ok(true);
        }
        // A ticket that is being created has nothing below it but what the scene holds.
        let place = order.needs.place.filter(|_| cards).map(|place| Place { reach: WIDE, ..place });
        let needs = Needs { pools, below, place, ..Needs::default() };
        let more = self.inner.store.load(order.tenant, &needs, None).await?;
        if more.epoch != known.epoch {
            return Ok(false);
        }
        known.pools.extend(more.pools);
        if needs.place.is_some() {
            known.place = more.place;
        }
        let fresh = |parts: &Parts| known.below.iter().all(|seen| seen.ticket.id != parts.ticket.id);
        let fresh: Vec<Parts> = more.below.into_iter().filter(fresh).collect();
        known.below.extend(fresh);
        tops.extend(needs.below);
        if known.below.len() > BELOW_MAX {
            let message = format!("looks at more than {BELOW_MAX} sub-tickets; split the tree");
            return Err(Refusal::invalid("transition", message).into());
        }
        Ok(true)
    }

    /// Draws the turns a decision took beyond those it was given; whether there were any.
    pub(super) async fn draw_turns(
        &self,
        order: &Order<'_>,
        ctx: &Ctx<'_>,
        turns: &mut Turns,
    ) -> Result<bool, ActError> {
        let lacking = ctx.turns.lacking();
        for (group, n) in &lacking {
            let n = u32::try_from(*n).unwrap_or(u32::MAX);
            let first = self.inner.store.draw(order.tenant, Counter::Turns(*group), n).await?;
            turns.add(*group, first..first + i64::from(n));
        }
        Ok(!lacking.is_empty())
    }

    /// The tickets on which loaded grants hold: whoever takes one back, or lets others share it, must hold it there.
    pub(super) async fn load_scopes(&self, tenant: TenantId, loaded: &mut Loaded) -> Result<(), ActError> {
        let wanted = loaded.scoped_tickets();
        if !wanted.is_empty() {
            loaded.cases.extend(self.inner.store.tickets(tenant, &wanted).await?.1);
        }
        Ok(())
    }

    /// Takes the numbers the set's new tickets need, once, after it is clear that all of them may be created.
    pub(super) async fn draw(
        &self,
        order: &Order<'_>,
        scene: &Scene,
        ctx: &Ctx<'_>,
        numbers: &mut Vec<i64>,
    ) -> Result<(), ActError> {
        let mut projects = Vec::new();
        for command in &order.set.commands {
            if let Command::CreateTicket(create) = command {
                projects.push(crate::ticket::decide::creatable(scene, create, ctx)?.id);
            }
        }
        // What an earlier try drew stays drawn, also when it failed half-way.
        for project in projects.into_iter().skip(numbers.len()) {
            numbers.push(self.inner.store.draw(order.tenant, project.into(), 1).await?);
        }
        Ok(())
    }
}

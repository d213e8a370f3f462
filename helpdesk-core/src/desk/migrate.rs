//! Carrying a [`Migration`] out, ticket by ticket, or only saying what would become of each.

use std::collections::BTreeMap;

use super::Desk;
use crate::actor::Actor;
use crate::command::MigrateTicket;
use crate::error::{ActError, Refusal};
use crate::filter::{Filter, Order, SortBy};
use crate::id::TicketId;
use crate::role::{Denied, Permission};
use crate::store::Find;
use crate::workflow::migrate::Migration;

/// Tickets looked at in one trip.
const PAGE: u16 = 100;
/// How often the tickets are gone through when others move them meanwhile.
const WALKS_MAX: u32 = 8;
/// Most tickets named in a report; the rest are counted.
const NAMED_MAX: usize = 1000;

/// What became of a migration, or would.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Migrated {
    /// Tickets that were taken to the new version, or would be.
    pub moved: u64,
    /// Tickets that stay as they are: states of theirs without a place in the new version, with how many stand there.
    pub blocked: BTreeMap<String, u64>,
    /// Those of them the asker may see, at most 1,000.
    pub named: Vec<(TicketId, String)>,
}

impl Desk {
    /// Says what [`migrate`](Self::migrate) would do; writes nothing.
    ///
    /// # Errors
    /// As [`migrate`](Self::migrate).
    pub async fn rehearse(&self, by: &Actor, plan: &Migration) -> Result<Migrated, ActError> {
        self.walk(by, plan, false).await
    }

    /// Takes every ticket on another version of the plan's workflow to the plan's version, deleted ones too, and those
    /// that are restricted: the desk itself moves the ones `by` may not see, and counts but never names them. Stopped
    /// half-way it leaves each ticket valid; repeated it goes on with the rest.
    ///
    /// # Errors
    /// `FORBIDDEN` without `workflow.manage` in the whole tenant; `NOT_FOUND` for an unknown version;
    /// `WORKFLOW_MALFORMED` when the plan names states that do not exist.
    pub async fn migrate(&self, by: &Actor, plan: &Migration) -> Result<Migrated, ActError> {
        self.walk(by, plan, true).await
    }

    async fn walk(&self, by: &Actor, plan: &Migration, carry_out: bool) -> Result<Migrated, ActError> {
        let tenant = Self::tenant_of(by)?;
        let config = self.config(&Actor::system_of(tenant)).await?;
        let stand = self.standpoint(by, tenant, config.epoch).await?;
        if !stand.access.everywhere().has(Permission::WorkflowManage) {
            return Err(Refusal::from(Denied { needed: Permission::WorkflowManage }).into());
        }
        let target = plan.target(&config)?;
        let desk = Actor::system_of(tenant);
        let mut report = Migrated::default();
        let (mut overtaken, mut walks) = (false, 1);
        // By creation, which no migration changes: what is moved meanwhile is neither skipped nor met twice.
        let mut find = Find {
            tenant,
            filter: Filter::All,
            internal: Filter::All,
            parents: Filter::All,
            order: Order { by: SortBy::Created, descending: false },
            after: None,
            limit: PAGE,
        };
        loop {
            let (_, found) = self.inner.store.find(&find).await?;
            for parts in &found {
                let ticket = &parts.ticket;
                find.after = Some((ticket.created_at.millis(), ticket.id));
                let concerned = *ticket.workflow.key == *plan.key && ticket.workflow != target.id;
                if !concerned || !stand.access.admits(parts) {
                    continue;
                }
                let seen = stand.access.on(parts).has(Permission::TicketRead);
                let Some(state) = plan.place(target, &ticket.state) else {
                    *report.blocked.entry(ticket.state.clone()).or_default() += 1;
                    if seen && report.named.len() < NAMED_MAX {
                        report.named.push((ticket.id, ticket.state.clone()));
                    }
                    continue;
                };
                if carry_out {
                    let (state, from) = (Some(state.id.clone()), Some(ticket.state.clone()));
                    let migrate = MigrateTicket { ticket: ticket.id, to: target.id.clone(), state, from };
                    if !self.act(if seen { by } else { &desk }, migrate).await?.changed {
                        overtaken = true; // somebody moved it meanwhile: the next walk finds it where it is
                        continue;
                    }
                }
                report.moved += 1;
            }
            if found.len() == usize::from(PAGE) {
                continue;
            }
            if !overtaken || walks == WALKS_MAX {
                return Ok(report);
            }
            // Others moved tickets meanwhile: look at what is left.
            (overtaken, walks) = (false, walks + 1);
            (report.blocked, report.named, find.after) = (BTreeMap::new(), vec![], None);
        }
    }
}

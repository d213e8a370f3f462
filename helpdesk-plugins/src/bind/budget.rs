//! What one event of an act may set off: the budgets of a chain of automation (SEMANTICS, Automation), beside its depth.
//!
//! Each event of an act begins a chain of its own: an act that makes three events has three budgets. Events that follow
//! from a plugin's effects count for the chain they are in.
//!
//! Deliveries that run side by side do not see what the others spend; they may exceed a budget by as many as there are.

use std::collections::BTreeMap;

use helpdesk_core::event::Subject;
use helpdesk_core::id::{EventId, JobId, TenantId, TicketId};
use helpdesk_core::store::{Kv, Row, StoreError, Write};
use helpdesk_core::time::Timestamp;
use helpdesk_core::{Author, Desk, PluginId};

/// Most runs that one event of an act may set off.
pub(super) const RUNS_MAX: u64 = 100;
/// Most commands of plugins that one event of an act may set off.
pub(super) const WRITES_MAX: u64 = 500;
/// Most sets of effects of one plugin on one ticket in a minute.
pub(super) const SETS_MAX: u64 = 30;
/// In milliseconds.
const MINUTE: i64 = 60_000;
/// How long it is remembered what an event has set off, in milliseconds: a day.
const REMEMBERED: i64 = 24 * 60 * 60 * 1000;
/// Under whose name it is remembered; no plugin can have this id.
const CHAIN: &str = "#chain";
/// How far back a ticket's history is read, in versions.
const BACK: i64 = 300;

/// What an event of an act has set off so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Spent {
    pub(super) runs: u64,
    pub(super) writes: u64,
}

/// What `root` has set off so far; it stops counting at the limit.
pub(super) async fn spent(desk: &Desk, tenant: TenantId, root: EventId, now: Timestamp) -> Result<Spent, StoreError> {
    let runs = desk.store().kv_keys(tenant, CHAIN, &format!("{root}/"), None, now, RUNS_MAX as u16).await?;
    let writes = runs.iter().filter_map(|run| run.rsplit('/').next()?.parse::<u64>().ok()).sum();
    Ok(Spent { runs: runs.len() as u64, writes })
}

/// One more run with so many commands. A row of its own, so that runs of one chain are not in each other's way.
pub(super) fn note(tenant: TenantId, root: EventId, run: JobId, writes: usize, now: Timestamp) -> Write {
    let row = Kv {
        tenant,
        plugin: CHAIN.into(),
        key: format!("{root}/{}/{writes}", uuid::Uuid::from(run)),
        value: vec![],
        version: 1,
        expires_at: Some(now.plus_millis(REMEMBERED)),
    };
    Write { before: None, after: Some(Row::Kv(row)) }
}

/// When `plugin` may change the ticket again; `None` when it has not changed it too often in the last minute.
pub(super) async fn pause(
    desk: &Desk,
    tenant: TenantId,
    ticket: TicketId,
    version: i64,
    plugin: &PluginId,
    now: Timestamp,
) -> Result<Option<Timestamp>, StoreError> {
    let (sets, since, subject) = (SETS_MAX as i64, now.plus_millis(-MINUTE), Subject::Ticket(ticket));
    // A set is a version: when so many versions took longer than a minute, so did its sets. One row says so.
    let first =
        if version < sets { None } else { desk.store().history(tenant, &subject, version - sets, 1).await?.pop() };
    if first.is_none_or(|event| event.recorded_at <= since) {
        return Ok(None);
    }
    let (mut own, mut from) = (BTreeMap::new(), (version - BACK).max(0));
    loop {
        let events = desk.store().history(tenant, &subject, from, 500).await?;
        let Some(last) = events.last().map(|event| event.version) else { break };
        let recent = events.iter().filter(|event| event.recorded_at > since);
        let its = recent.filter(|event| matches!(&event.by, Author::Plugin(by) if by == plugin));
        own.extend(its.map(|event| (event.version, event.recorded_at)));
        if events.len() < 500 {
            break;
        }
        // The last version may be cut off: it is read again, unless it fills a page.
        from = (last - 1).max(from + 1);
    }
    let earliest = own.into_values().rev().nth(SETS_MAX as usize - 1);
    Ok(earliest.map(|at| at.plus_millis(MINUTE)))
}

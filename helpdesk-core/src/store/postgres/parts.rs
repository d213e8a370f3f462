//! Tickets with all that belongs to them in one statement: entries come as one array per column.
//!
//! A row is: epoch, the [whole ticket](super::head); then, as asked, the columns of [`TicketText`] behind its key, and arrays of
//! [`Entry`].

use tokio_postgres::Row;

use super::core::Core;
use super::head;
use super::value::{maybe_int, seen, transposed};
use crate::id::TenantId;
use crate::store::sql::column::Seen;
use crate::store::sql::image::Image;
use crate::store::{Head, Parts, StoreError};
use crate::ticket::{Entry, Link, TicketText};

/// What is read of each ticket beside its head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Extent {
    /// The long text.
    pub(super) text: bool,
    /// The first entries.
    pub(super) entries: Option<u16>,
}

/// The statement: `tickets` is what stands behind `LEFT JOIN`, gives the ticket the alias `t`, and joins it to the epoch
/// under the alias `e`; `tenant` is the placeholder of the tenant.
pub(super) fn select(core: &Core, extent: Extent, tickets: &str, tenant: &str) -> String {
    let mut list = format!("e.epoch, {}", head::columns());
    let mut joins = String::new();
    if extent.text {
        let texts = core.names.of::<TicketText>();
        list.push_str(", x.description, x.salt");
        joins.push_str(&format!(" LEFT JOIN {texts} x ON x.tenant_id = t.tenant_id AND x.ticket_id = t.id"));
    }
    if let Some(limit) = extent.entries {
        arrays::<Entry>(core, "n", &format!("ORDER BY created_at, id LIMIT {limit}"), &mut list, &mut joins);
    }
    let epochs = core.names.text("hd_epoch");
    format!("SELECT {list} FROM {epochs} e LEFT JOIN {tickets}{joins} WHERE e.tenant_id = {tenant}")
}

/// One array per column of a side table, all columns but tenant and ticket.
fn arrays<T: Image>(core: &Core, alias: &str, rest: &str, list: &mut String, joins: &mut String) {
    let columns: Vec<&str> = T::TABLE.columns[2..].iter().map(|(name, _)| *name).collect();
    let mut all = Vec::with_capacity(columns.len());
    for column in &columns {
        list.push_str(&format!(", {alias}.\"{column}\""));
        all.push(format!("array_agg(r.\"{column}\") AS \"{column}\""));
    }
    let (all, table) = (all.join(", "), core.names.of::<T>());
    joins.push_str(&format!(
        " LEFT JOIN LATERAL (SELECT {all} FROM (SELECT * FROM {table} WHERE tenant_id = t.tenant_id AND ticket_id = t.id \
         {rest}) r) {alias} ON true"
    ));
}

/// The epoch and, if the row holds one, the ticket.
pub(super) fn read(row: &Row, tenant: TenantId, extent: Extent) -> Result<(i64, Option<Parts>), StoreError> {
    let epoch = maybe_int(row, 0)?.unwrap_or_default();
    let mut at = 1;
    let Some(head) = head::read(row, at, tenant)? else { return Ok((epoch, None)) };
    let mut parts = Parts::from(head);
    let first = [Seen::Uuid(parts.ticket.tenant.into()), Seen::Uuid(parts.ticket.id.into())];
    at += head::width();
    if extent.text {
        let [.., (_, description), (_, salt)] = TicketText::TABLE.columns else { return Ok((epoch, None)) };
        let there: Option<&str> = row.try_get(at).map_err(|error| StoreError::Defect(error.to_string()))?;
        if there.is_some() {
            let rest = [seen(row, at, *description)?, seen(row, at + 1, *salt)?];
            parts.text = Some(TicketText::read(&mut first.into_iter().chain(rest))?);
        }
        at += 2;
    }
    if extent.entries.is_some() {
        parts.entries = transposed(row, at, first)?;
        parts.entries.sort_by_key(|entry: &Entry| (entry.created_at, entry.id));
    }
    Ok((epoch, Some(parts)))
}

/// All rows.
pub(super) fn read_all(
    rows: &[Row],
    tenant: TenantId,
    extent: Extent,
) -> Result<(Option<i64>, Vec<Parts>), StoreError> {
    let (mut epoch, mut all) = (None, Vec::with_capacity(rows.len()));
    for row in rows {
        let (seen, parts) = read(row, tenant, extent)?;
        epoch = Some(seen);
        all.extend(parts);
    }
    Ok((epoch, all))
}

/// Behind `LEFT JOIN`: the ticket with the id in the placeholder `$2`.
pub(super) fn by_id(core: &Core) -> String {
    format!("{} t ON t.tenant_id = e.tenant_id AND t.id = $2", core.names.of::<Head>())
}

/// Behind `LEFT JOIN`: the tickets with the ids in the placeholder `$2`.
pub(super) fn by_ids(core: &Core) -> String {
    format!("{} t ON t.tenant_id = e.tenant_id AND t.id = ANY($2)", core.names.of::<Head>())
}

/// Behind `LEFT JOIN`: the tickets with the ids in the placeholder `$2`, and those they are linked with.
pub(super) fn linked(core: &Core) -> String {
    let (links, tickets) = (core.names.of::<Link>(), core.names.of::<Head>());
    format!(
        "((SELECT unnest($2) AS id UNION SELECT target FROM {links} WHERE tenant_id = $1 AND source = ANY($2) \
         UNION SELECT source FROM {links} WHERE tenant_id = $1 AND target = ANY($2)) i \
         JOIN {tickets} t ON t.tenant_id = $1 AND t.id = i.id) ON true"
    )
}

/// Behind `LEFT JOIN`: the ticket with the key `$2` of its project and the number `$3`.
pub(super) fn by_key(core: &Core) -> String {
    let (projects, tickets) = (core.names.text("hd_project"), core.names.of::<Head>());
    format!(
        "({projects} k JOIN {tickets} t ON t.tenant_id = k.tenant_id AND t.project_id = k.id) \
         ON k.tenant_id = e.tenant_id AND k.\"key\" = $2 AND t.number = $3"
    )
}

//! What a command needs, in one trip: a statement for the tickets, and one for each rarer thing, sent together.
//!
//! The statement with the epoch is the first: what is read behind it is never older than the epoch says.

use tokio_postgres::Row;

use super::cards;
use super::link::{Link, Ready, fault};
use super::parts::{self, Extent};
use super::value::{Param, get, image, images, maybe_int};
use crate::actor::Author;
use crate::approval::{Approval, ApprovalDecision, ApprovalStep, Approvals, Slot};
use crate::decide::Needs;
use crate::event::Cursor;
use crate::id::{GroupId, PersonId, TenantId, TicketId};
use crate::org::{Candidate, Person};
use crate::store::sql::column::Column;
use crate::store::sql::image::Image;
use crate::store::sql::names::columns;
use crate::store::sql::reads::limited;
use crate::store::{BELOW_MAX, Earlier, Head, Loaded, Parts, StoreError};
use crate::ticket::link::Step;
use crate::ticket::{self, Entry};
use crate::time::Timestamp;

/// What a statement of a load is for.
#[derive(Clone, Copy)]
enum For {
    Tickets(Extent),
    Entries,
    Ancestors,
    Below,
    Pool(GroupId),
    Links,
    Steps,
    Approvals,
    ApprovalSteps,
    Slots,
    Decisions,
    Holders(usize),
    Delegations(PersonId),
    Delegation,
    People,
    Grant,
    GroupGrants,
    Role,
    Member,
    TenantKey,
    Cards,
    LastNumber,
    Earlier,
}

pub(super) async fn load(
    link: &Link<'_>,
    tenant: TenantId,
    needs: &Needs,
    key: Option<(&Author, &str)>,
) -> Result<Loaded, StoreError> {
    let core = link.core();
    let mut wanted: Vec<(For, std::sync::Arc<str>, Vec<Param>)> = Vec::with_capacity(2);
    let mut want = |what, text, params: Vec<Param>| wanted.push((what, text, params));
    let me = || Param::uuid(tenant);
    let extent = Extent { text: needs.texts, entries: None };
    let mut ids = needs.tickets.iter();
    match (ids.next(), ids.next()) {
        (None, _) => want(For::Tickets(extent), core.sql(EPOCH), vec![me()]),
        (Some(only), None) => {
            let name = if needs.texts { "ticket with text" } else { "ticket" };
            let text = core.text(name, || parts::select(core, extent, &parts::by_id(core), "$1"));
            want(For::Tickets(extent), text, vec![me(), Param::uuid(*only)]);
        }
        (Some(_), Some(_)) => {
            let name = if needs.texts { "tickets with text" } else { "tickets" };
            let text = core.text(name, || parts::select(core, extent, &parts::by_ids(core), "$1"));
            want(For::Tickets(extent), text, vec![me(), Param::uuids(needs.tickets.iter().copied())]);
        }
    }
    if !needs.entries.is_empty() {
        let text = core.text("entries by id", || {
            let entries = core.names.of::<Entry>();
            let columns = columns::<Entry>("");
            format!("SELECT {columns} FROM {entries} WHERE tenant_id = $1 AND ticket_id = ANY($2) AND id = ANY($3)")
        });
        let tickets = Param::uuids(needs.tickets.iter().copied());
        want(For::Entries, text, vec![me(), tickets, Param::uuids(needs.entries.iter().copied())]);
    }
    if let Some(above) = needs.above {
        want(For::Ancestors, core.reads.ancestors.as_str().into(), vec![me(), Param::uuid(above)]);
    }
    for top in &needs.below {
        let text = core.text_for("below", BELOW_MAX as u16 + 1, || limited(&core.reads.below, BELOW_MAX as u16 + 1));
        want(For::Below, text, vec![me(), Param::uuid(*top)]);
    }
    for group in &needs.pools {
        want(For::Pool(*group), core.reads.pool.as_str().into(), vec![me(), Param::uuid(*group)]);
    }
    if !needs.links.is_empty() {
        let ids = Param::uuids(needs.links.iter().copied());
        want(For::Links, core.reads.links.as_str().into(), vec![me(), ids]);
    }
    if !needs.behind.is_empty() {
        let ids = Param::uuids(needs.behind.iter().copied());
        want(For::Steps, core.reads.steps.as_str().into(), vec![me(), ids]);
    }
    if !needs.approvals.is_empty() {
        let r = &core.reads;
        for (what, sql) in [
            (For::Approvals, &r.approvals),
            (For::ApprovalSteps, &r.approval_steps),
            (For::Slots, &r.slots),
            (For::Decisions, &r.decisions),
        ] {
            want(what, sql.as_str().into(), vec![me(), Param::uuids(needs.approvals.iter().copied())]);
        }
    }
    for (at, role) in needs.holders.iter().enumerate() {
        want(For::Holders(at), core.reads.holders.as_str().into(), vec![me(), Param::text(role.as_str())]);
    }
    for person in &needs.delegations {
        want(For::Delegations(*person), core.reads.delegations_of.as_str().into(), vec![me(), Param::uuid(*person)]);
    }
    if let Some(id) = needs.delegation {
        want(For::Delegation, core.reads.delegation.as_str().into(), vec![me(), Param::uuid(id)]);
    }
    if !needs.people.is_empty() {
        want(For::People, people_by_id(core), vec![me(), Param::uuids(needs.people.iter().copied())]);
    }
    if !needs.externals.is_empty() {
        let text = core.text("people by external id", || {
            let people = core.names.of::<Person>();
            format!("SELECT {} FROM {people} WHERE tenant_id = $1 AND external = ANY($2)", columns::<Person>(""))
        });
        want(For::People, text, vec![me(), Param::texts(needs.externals.iter().map(String::as_str))]);
    }
    if let Some(grant) = needs.grant {
        want(For::Grant, core.reads.grant.as_str().into(), vec![me(), Param::uuid(grant)]);
    }
    if let Some((group, person)) = needs.member {
        let (grants, member) = (core.reads.grants_of.as_str().into(), core.reads.member.as_str().into());
        want(For::GroupGrants, grants, vec![me(), Param::text("group"), Param::text(&group.to_string())]);
        want(For::Member, member, vec![me(), Param::uuid(group), Param::uuid(person)]);
    }
    if let Some(role) = &needs.role {
        want(For::Role, core.reads.role_until.as_str().into(), vec![me(), Param::text(role.as_str())]);
    }
    if needs.departments {
        want(For::GroupGrants, core.reads.grants_on_departments.as_str().into(), vec![me()]);
    }
    if let Some(key) = &needs.tenant_key {
        want(For::TenantKey, core.reads.tenant_key.as_str().into(), vec![Param::text(key)]);
    }
    if let Some(place) = &needs.place {
        let (text, params) = cards::around(core, tenant, place);
        want(For::Cards, text, params);
        if place.beside.is_none() {
            let (text, params) = cards::last(core, tenant, place);
            want(For::LastNumber, text, params);
        }
    }
    if let Some((by, key)) = key {
        want(For::Earlier, core.reads.earlier.as_str().into(), vec![me(), Param::One(by.put()), Param::text(key)]);
    }
    let mut ready: Vec<Ready<'_>> = Vec::with_capacity(wanted.len());
    for (_, text, params) in &mut wanted {
        ready.push(link.ready("load", text, std::mem::take(params)).await.map_err(fault)?);
    }
    let answers = link.together(&ready).await?;
    let mut loaded = Loaded::default();
    for ((what, ..), rows) in wanted.iter().zip(&answers) {
        take(&mut loaded, tenant, *what, rows, needs)?;
    }
    Ok(loaded)
}

const EPOCH: &str = "SELECT epoch, NULL::text FROM {s}hd_epoch WHERE tenant_id = $1";

fn take(loaded: &mut Loaded, tenant: TenantId, what: For, rows: &[Row], needs: &Needs) -> Result<(), StoreError> {
    match what {
        For::Tickets(extent) => (loaded.epoch, loaded.cases) = parts::read_all(rows, tenant, extent)?,
        For::Entries => {
            for entry in images::<Entry>(rows)? {
                if let Some(parts) = loaded.cases.iter_mut().find(|parts| parts.ticket.id == entry.ticket) {
                    parts.entries.push(entry);
                }
            }
        }
        For::Ancestors => {
            loaded.ancestors =
                rows.iter().map(|row| Ok((get(row, 1)?, get(row, 2)?))).collect::<Result<_, StoreError>>()?;
        }
        For::Below => loaded.below.extend(images::<Head>(rows)?.into_iter().map(Parts::from)),
        For::Pool(group) => {
            let read = |row: &Row| Ok(Candidate { person: get(row, 0)?, open: get(row, 1)?, skills: get(row, 2)? });
            loaded.pools.insert(group, rows.iter().map(read).collect::<Result<_, StoreError>>()?);
        }
        For::Links => {
            let all = in_order(images(rows)?);
            for parts in loaded.cases.iter_mut().filter(|parts| needs.links.contains(&parts.ticket.id)) {
                let id = parts.ticket.id;
                parts.links = Some(all.iter().filter(|link| link.seen_from(id).is_some()).cloned().collect());
            }
        }
        For::Steps => {
            let read = |row: &Row| Ok(Step { by: get(row, 0)?, ticket: get(row, 1)?, version: get(row, 2)? });
            loaded.steps = rows.iter().map(read).collect::<Result<_, StoreError>>()?;
        }
        For::Approvals => spread(loaded, needs, images(rows)?, |it: &Approval| it.ticket, |to| &mut to.all),
        For::ApprovalSteps => spread(loaded, needs, images(rows)?, |it: &ApprovalStep| it.ticket, |to| &mut to.steps),
        For::Slots => spread(loaded, needs, images(rows)?, |it: &Slot| it.ticket, |to| &mut to.slots),
        For::Decisions => {
            spread(loaded, needs, images(rows)?, |it: &ApprovalDecision| it.ticket, |to| &mut to.decisions);
        }
        For::Holders(at) => {
            if let Some(role) = needs.holders.iter().nth(at) {
                loaded.holders.insert(role.clone(), images(rows)?);
            }
        }
        For::Delegations(person) => drop(loaded.delegations.insert(person, images(rows)?)),
        For::Delegation => loaded.delegation = rows.first().map(|row| image(row, 0)).transpose()?,
        For::People => {
            for person in images::<Person>(rows)? {
                if loaded.people.iter().all(|known| known.id != person.id) {
                    loaded.people.push(person);
                }
            }
        }
        For::Grant => loaded.grant = rows.first().map(|row| image(row, 0)).transpose()?,
        For::Role => {
            loaded.role_until = rows.first().map(|row| get::<i64>(row, 0)).transpose()?.map(Timestamp::from_millis);
        }
        For::GroupGrants => loaded.group_grants = images(rows)?,
        For::Member => loaded.member = !rows.is_empty(),
        For::Cards => {
            loaded.place.cards = images(rows)?;
            loaded.place.reach = needs.place.map_or(0, |place| place.reach);
        }
        For::LastNumber => loaded.place.last = rows.first().map_or(Ok(0), |row| get(row, 0))?,
        For::TenantKey => loaded.tenant_taken = needs.tenant_key.is_some() && !rows.is_empty(),
        For::Earlier => {
            let read = |row: &Row| -> Result<Earlier, StoreError> {
                Ok(Earlier {
                    hash: get(row, 0)?,
                    made: get(row, 1)?,
                    version: get(row, 2)?,
                    cursor: Cursor::at(maybe_int(row, 3)?.unwrap_or_default()),
                })
            };
            loaded.earlier = rows.first().map(read).transpose()?;
        }
    }
    Ok(())
}

/// Gives each ticket whose approvals were asked for its rows of one kind.
fn spread<T>(
    loaded: &mut Loaded,
    needs: &Needs,
    mut rows: Vec<T>,
    of: fn(&T) -> TicketId,
    list: fn(&mut Approvals) -> &mut Vec<T>,
) {
    for parts in loaded.cases.iter_mut().filter(|parts| needs.approvals.contains(&parts.ticket.id)) {
        let (mine, others) = rows.into_iter().partition(|row| of(row) == parts.ticket.id);
        *list(parts.approvals.get_or_insert_default()) = mine;
        rows = others;
    }
}

/// In order of key.
pub(super) fn in_order(mut links: Vec<ticket::Link>) -> Vec<ticket::Link> {
    links.sort_by_key(ticket::Link::key);
    links
}

/// People with the ids in `$2`.
pub(super) fn people_by_id(core: &super::core::Core) -> std::sync::Arc<str> {
    core.text("people by id", || {
        let people = core.names.of::<Person>();
        format!("SELECT {} FROM {people} WHERE tenant_id = $1 AND id = ANY($2)", columns::<Person>(""))
    })
}

/// Row images of one statement.
pub(super) async fn rows_of<T: Image>(
    link: &Link<'_>,
    name: &'static str,
    text: &str,
    params: Vec<Param>,
) -> Result<Vec<T>, StoreError> {
    images(&link.query(name, text, params).await?)
}

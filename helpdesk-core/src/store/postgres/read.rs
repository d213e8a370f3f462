//! Everything a store reads that is no command's: tickets, lists, the directory, configuration. One trip each.

use super::link::{Link, fault};
use super::load::{in_order, people_by_id, rows_of};
use super::parts::{self, Extent};
use super::value::{Param, from_query, get, image, images, maybe_int};
use crate::actor::Actor;
use crate::approval::{Delegation, Slot};
use crate::config::TenantConfig;
use crate::filter::{Order, SortBy};
use crate::id::{EntryId, GroupId, PersonId, SlotId, TenantId, TicketId};
use crate::org::{Membership, Person, Tenant};
use crate::role::Grant;
use crate::store::sql::assemble::{self, ConfigRows};
use crate::store::sql::column::Val;
use crate::store::sql::reads::limited;
use crate::store::sql::select;
use crate::store::{Concerned, Count, Find, Kv, Parts, PeopleFind, RunRecord, Standing, StoreError, Which};
use crate::ticket::{self, Entry, Participant, Revision, Ticket};
use crate::time::Timestamp;

type Read<T> = Result<T, StoreError>;

pub(super) async fn ticket(
    link: &Link<'_>,
    tenant: TenantId,
    which: &Which,
    entries: u16,
) -> Read<(i64, Option<Parts>)> {
    let core = link.core();
    let extent = Extent { text: true, entries: Some(entries) };
    let (text, params) = match which {
        Which::Id(id) => {
            let text =
                core.text_for("ticket whole", entries, || parts::select(core, extent, &parts::by_id(core), "$1"));
            (text, vec![Param::uuid(tenant), Param::uuid(*id)])
        }
        Which::Key(key, number) => {
            let text =
                core.text_for("ticket by key", entries, || parts::select(core, extent, &parts::by_key(core), "$1"));
            (text, vec![Param::uuid(tenant), Param::text(key), Param::int(*number)])
        }
    };
    let rows = link.query_dynamic("ticket", &text, params).await?;
    rows.first().map_or(Ok((0, None)), |row| parts::read(row, tenant, extent))
}

pub(super) async fn tickets(link: &Link<'_>, tenant: TenantId, ids: &[TicketId]) -> Read<(i64, Vec<Parts>)> {
    let core = link.core();
    let text = core.text("tickets", || parts::select(core, Extent::default(), &parts::by_ids(core), "$1"));
    let params = vec![Param::uuid(tenant), Param::uuids(ids.iter().copied())];
    let rows = link.query("tickets", &text, params).await?;
    let (epoch, all) = parts::read_all(&rows, tenant, Extent::default())?;
    Ok((epoch.unwrap_or_default(), all))
}

/// The links first: heads that were read later show both ends of each that is still there.
pub(super) async fn links(
    link: &Link<'_>,
    tenant: TenantId,
    ids: &[TicketId],
) -> Read<(i64, Vec<ticket::Link>, Vec<Parts>)> {
    let core = link.core();
    let heads = core.text("linked tickets", || parts::select(core, Extent::default(), &parts::linked(core), "$1"));
    let params = || vec![Param::uuid(tenant), Param::uuids(ids.iter().copied())];
    let ready = [
        link.ready("links", &core.reads.links, params()).await.map_err(fault)?,
        link.ready("linked tickets", &heads, params()).await.map_err(fault)?,
    ];
    let answers = link.together(&ready).await?;
    let [links, heads] = answers.as_slice() else {
        return Err(StoreError::Defect("links answered too little".into()));
    };
    let (epoch, heads) = parts::read_all(heads, tenant, Extent::default())?;
    Ok((epoch.unwrap_or_default(), in_order(images(links)?), heads))
}

pub(super) async fn find(link: &Link<'_>, find: &Find) -> Read<(i64, Vec<Parts>)> {
    let core = link.core();
    let (page, values) = select::page(find, &core.names);
    let mut params = values.0.into_iter().map(from_query).collect::<Read<Vec<_>>>()?;
    params.push(Param::uuid(find.tenant));
    let text = parts::select(core, Extent::default(), &format!("({page}) t ON true"), &format!("${}", params.len()));
    let rows = link.query_dynamic("find", &text, params).await?;
    let (epoch, mut all) = parts::read_all(&rows, find.tenant, Extent::default())?;
    // The page is the right one; joins promise nothing about its order.
    all.sort_by(|a, b| {
        let place = |parts: &Parts| (sort_key(&parts.ticket, find.order), parts.ticket.id);
        if find.order.descending { place(b).cmp(&place(a)) } else { place(a).cmp(&place(b)) }
    });
    Ok((epoch.unwrap_or_default(), all))
}

fn sort_key(ticket: &Ticket, order: Order) -> i64 {
    match order.by {
        SortBy::Created => ticket.created_at.millis(),
        SortBy::Updated => ticket.updated_at.millis(),
        SortBy::Due => ticket.due_at.unwrap_or(Timestamp::NEVER).millis(),
        SortBy::Priority => ticket.priority as i64,
        SortBy::Number => ticket.number,
    }
}

pub(super) async fn count(link: &Link<'_>, find: &Find, cap: u32) -> Read<(i64, Count)> {
    let core = link.core();
    let (count, values) = select::count(find, cap, &core.names);
    let mut params = values.0.into_iter().map(from_query).collect::<Read<Vec<_>>>()?;
    params.push(Param::uuid(find.tenant));
    let (epochs, tenant) = (core.names.text("hd_epoch"), params.len());
    let text = format!("SELECT ({count}), (SELECT epoch FROM {epochs} WHERE tenant_id = ${tenant})");
    let rows = link.query_dynamic("count", &text, params).await?;
    let row = rows.first().ok_or_else(|| StoreError::Defect("a count answered nothing".into()))?;
    Ok((maybe_int(row, 1)?.unwrap_or_default(), select::counted(get(row, 0)?, cap)))
}

pub(super) async fn entries(
    link: &Link<'_>,
    tenant: TenantId,
    ticket: TicketId,
    after: Option<(Timestamp, EntryId)>,
    limit: u16,
) -> Read<Vec<Entry>> {
    let (at, id) = after.unwrap_or((Timestamp::from_millis(i64::MIN), EntryId::NIL));
    let params = vec![Param::uuid(tenant), Param::uuid(ticket), Param::int(at.millis()), Param::uuid(id)];
    images(&link.query_dynamic("entries", &limited(&link.core().reads.entries, limit), params).await?)
}

pub(super) async fn revisions(link: &Link<'_>, tenant: TenantId, ticket: TicketId) -> Read<Vec<Revision>> {
    rows_of(link, "revisions", &link.core().reads.revisions, vec![Param::uuid(tenant), Param::uuid(ticket)]).await
}

pub(super) async fn participants(link: &Link<'_>, tenant: TenantId, ticket: TicketId) -> Read<Vec<Participant>> {
    let params = vec![Param::uuid(tenant), Param::uuid(ticket)];
    let mut all: Vec<Participant> = rows_of(link, "participants", &link.core().reads.participants, params).await?;
    all.sort_by_key(|participant| (participant.since, participant.relation, participant.person));
    Ok(all)
}

pub(super) async fn people(link: &Link<'_>, tenant: TenantId, ids: &[PersonId]) -> Read<Vec<Person>> {
    let params = vec![Param::uuid(tenant), Param::uuids(ids.iter().copied())];
    rows_of(link, "people", &people_by_id(link.core()), params).await
}

pub(super) async fn find_people(link: &Link<'_>, tenant: TenantId, find: &PeopleFind) -> Read<Vec<Person>> {
    let params = vec![
        Param::uuid(tenant),
        Param::uuid(find.after.unwrap_or(PersonId::NIL)),
        Param::text(&find.search),
        Param::text(find.kind.map_or("", |kind| kind.as_str())),
    ];
    images(&link.query_dynamic("find people", &limited(&link.core().reads.find_people, find.limit), params).await?)
}

pub(super) async fn grants(link: &Link<'_>, tenant: TenantId) -> Read<Vec<Grant>> {
    rows_of(link, "grants", &link.core().reads.grants, vec![Param::uuid(tenant)]).await
}

/// The epoch, and the open slots of these people, oldest first.
pub(super) async fn inbox(
    link: &Link<'_>,
    tenant: TenantId,
    people: &[PersonId],
    after: Option<(Timestamp, SlotId)>,
    limit: u16,
) -> Read<(i64, Vec<Slot>)> {
    let core = link.core();
    let (at, id) = after.unwrap_or((Timestamp::from_millis(i64::MIN), SlotId::NIL));
    let text = core.text_for("inbox", limit, || limited(&core.reads.inbox, limit));
    let mut ready = vec![link.ready("inbox", &core.reads.epoch, vec![Param::uuid(tenant)]).await.map_err(fault)?];
    for person in people {
        let params =
            vec![Param::uuid(tenant), Param::uuid(*person), Param::One(Val::Int(at.millis())), Param::uuid(id)];
        ready.push(link.ready("inbox", &text, params).await.map_err(fault)?);
    }
    let answers = link.together(&ready).await?;
    let (epochs, slots) = answers.split_first().ok_or_else(|| StoreError::Defect("an inbox without epoch".into()))?;
    let epoch = epochs.first().map(|row| get::<i64>(row, 0)).transpose()?.unwrap_or_default();
    let mut found: Vec<Slot> = vec![];
    for rows in slots {
        found.extend(images::<Slot>(rows)?);
    }
    found.sort_by_key(|slot| (slot.opened_at, slot.id));
    found.truncate(usize::from(limit));
    Ok((epoch, found))
}

/// The tickets somebody's leaving may concern.
pub(super) async fn concerned(
    link: &Link<'_>,
    tenant: TenantId,
    whom: &Concerned,
    after: Option<TicketId>,
    limit: u16,
) -> Read<Vec<TicketId>> {
    let core = link.core();
    let after = Param::uuid(after.unwrap_or(TicketId::NIL));
    let (name, sql, whose) = match whom {
        Concerned::Person(person) => ("concerned person", &core.reads.concerned_person, Param::uuid(*person)),
        Concerned::Via(via) => ("concerned via", &core.reads.concerned_via, Param::text(via)),
        Concerned::Stuck => ("concerned via", &core.reads.concerned_via, Param::text("")),
    };
    let text = core.text_for(name, limit, || limited(sql, limit));
    let rows = link.query(name, &text, vec![Param::uuid(tenant), whose, after]).await?;
    rows.iter().map(|row| get(row, 0)).collect()
}

/// The delegations somebody has given or was given.
pub(super) async fn delegations(link: &Link<'_>, tenant: TenantId, person: PersonId) -> Read<Vec<Delegation>> {
    let params = vec![Param::uuid(tenant), Param::uuid(person)];
    rows_of(link, "delegations", &link.core().reads.delegations, params).await
}

pub(super) async fn members(link: &Link<'_>, tenant: TenantId, group: GroupId) -> Read<Vec<Membership>> {
    rows_of(link, "members", &link.core().reads.members, vec![Param::uuid(tenant), Param::uuid(group)]).await
}

pub(super) async fn tenants(link: &Link<'_>) -> Read<Vec<Tenant>> {
    rows_of(link, "tenants", &link.core().reads.tenants, vec![]).await
}

pub(super) async fn kv(link: &Link<'_>, tenant: TenantId, plugin: &str, key: &str) -> Read<Option<Kv>> {
    let params = vec![Param::uuid(tenant), Param::text(plugin), Param::text(key)];
    let rows = link.query("plugin value", &link.core().reads.kv, params).await?;
    rows.first().map(|row| image(row, 0)).transpose()
}

/// Most keys in one answer. The limit comes from plugins, and each makes another text.
const KEYS_MAX: u16 = 1000;

pub(super) async fn kv_keys(
    link: &Link<'_>,
    tenant: TenantId,
    plugin: &str,
    prefix: &str,
    after: Option<&str>,
    now: Timestamp,
    limit: u16,
) -> Read<Vec<String>> {
    let mut params = vec![Param::uuid(tenant), Param::text(plugin), Param::text(after.unwrap_or_default())];
    params.extend([Param::text(prefix), Param::int(now.millis())]);
    let text = limited(&link.core().reads.kv_keys, limit.min(KEYS_MAX));
    link.query_dynamic("plugin keys", &text, params).await?.iter().map(|row| get(row, 0)).collect()
}

pub(super) async fn kv_bytes(link: &Link<'_>, tenant: TenantId, plugin: &str, now: Timestamp) -> Read<u64> {
    let params = vec![Param::uuid(tenant), Param::text(plugin), Param::int(now.millis())];
    let rows = link.query("plugin bytes", &link.core().reads.kv_bytes, params).await?;
    let bytes: i64 = rows.first().map(|row| get(row, 0)).transpose()?.unwrap_or_default();
    Ok(bytes.unsigned_abs())
}

pub(super) async fn runs(link: &Link<'_>, tenant: TenantId, plugin: &str, limit: u16) -> Read<Vec<RunRecord>> {
    let params = vec![Param::uuid(tenant), Param::text(plugin)];
    images(&link.query_dynamic("plugin runs", &limited(&link.core().reads.runs, limit), params).await?)
}

/// The epoch is read first: what stands behind it is never older than it says.
pub(super) async fn standing(link: &Link<'_>, actor: &Actor) -> Read<(i64, Standing)> {
    let Some(tenant) = actor.tenant() else { return Ok((0, Standing::default())) };
    let reads = &link.core().reads;
    let me = || Param::uuid(tenant);
    let own = |kind: &str, key: &str| vec![me(), Param::text(kind), Param::text(key)];
    let mut wanted = vec![(reads.epoch.as_str(), vec![me()])];
    match actor {
        Actor::System(_) => {}
        Actor::Person(_, id) | Actor::Service(_, id) => wanted.extend([
            (reads.grants_of.as_str(), own("person", &id.to_string())),
            (reads.grants_by_group.as_str(), vec![me(), Param::uuid(*id)]),
            (reads.person.as_str(), vec![me(), Param::uuid(*id)]),
        ]),
        Actor::Plugin(_, plugin) => wanted.push((reads.grants_of.as_str(), own("plugin", plugin.as_str()))),
    }
    let mut ready = Vec::with_capacity(wanted.len());
    for (text, params) in wanted {
        ready.push(link.ready("standing", text, params).await.map_err(fault)?);
    }
    let answers = link.together(&ready).await?;
    let rows = |at: usize| answers.get(at).map_or(&[][..], Vec::as_slice);
    let epoch = rows(0).first().map(|row| get(row, 0)).transpose()?.unwrap_or_default();
    let mut grants: Vec<Grant> = images(rows(1))?;
    grants.extend(images::<Grant>(rows(2))?);
    let person = rows(3).first().map(|row| image(row, 0)).transpose()?;
    Ok((epoch, Standing { person, grants }))
}

/// Read again when the epoch moved meanwhile: a configuration is kept for good under its epoch.
pub(super) async fn config(link: &Link<'_>, tenant: TenantId) -> Read<Option<TenantConfig>> {
    let reads = &link.core().reads;
    loop {
        let texts = [
            &reads.epoch,
            &reads.tenant,
            &reads.projects,
            &reads.groups,
            &reads.tags,
            &reads.workflows,
            &reads.templates,
            &reads.roles,
            &reads.boards,
            &reads.plugins,
            &reads.epoch,
        ];
        let mut ready = Vec::with_capacity(texts.len());
        for text in texts {
            ready.push(link.ready("configuration", text, vec![Param::uuid(tenant)]).await.map_err(fault)?);
        }
        let answers = link.together(&ready).await?;
        let [before, tenants, projects, groups, tags, workflows, templates, roles, boards, plugins, after] =
            answers.as_slice()
        else {
            return Err(StoreError::Defect("a configuration answered too little".into()));
        };
        let epoch = |rows: &[tokio_postgres::Row]| rows.first().map(|row| get::<i64>(row, 0)).transpose();
        let (before, after) = (epoch(before)?, epoch(after)?);
        if before != after {
            continue;
        }
        let (Some(epoch), Some(row)) = (before, tenants.first()) else { return Ok(None) };
        let rows = ConfigRows {
            epoch,
            tenant: image(row, 0)?,
            projects: images(projects)?,
            groups: images(groups)?,
            tags: images(tags)?,
            workflows: images(workflows)?,
            templates: images(templates)?,
            roles: images(roles)?,
            boards: images(boards)?,
            plugins: images(plugins)?,
        };
        return assemble::config(rows).map(Some);
    }
}

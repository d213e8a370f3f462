//! Reading: what commands need, configuration, tickets and lists, the directory. Each function reads inside one
//! snapshot that its caller opened.

use std::collections::{BTreeMap, BTreeSet};

use super::db::{Built, Db, Fault, NAMES, get, image};
use crate::actor::{Actor, Author};
use crate::approval::{Approvals, Delegation, Slot};
use crate::config::TenantConfig;
use crate::decide::Needs;
use crate::event::Cursor;
use crate::id::{EntryId, PersonId, SlotId, TenantId, TicketId};
use crate::org::{Candidate, Membership, Person};
use crate::store::sql::column::{Column, Val};
use crate::store::sql::image::Image;
use crate::store::sql::names::columns;
use crate::store::sql::reads::limited;
use crate::store::sql::{assemble, select};
use crate::store::{BELOW_MAX, Concerned, Count, Earlier, Find, Head, Loaded, Parts, PeopleFind, Standing, Which};
use crate::ticket::link::Step;
use crate::ticket::{Entry, Link};
use crate::time::Timestamp;

/// Most ids in one statement.
const IDS: usize = 500;

/// Everything a command needs.
pub(super) fn load(db: &Db, tenant: TenantId, needs: &Needs, key: Option<(&Author, &str)>) -> Result<Loaded, Fault> {
    let (r, t) = (&db.reads, tenant.put());
    let mut loaded = Loaded { epoch: epoch(db, tenant)?, ..Loaded::default() };
    for id in &needs.tickets {
        let found = db.image::<Head>("ticket", &r.ticket, &[t.clone(), id.put()])?;
        let Some(mut parts) = found.map(Parts::from) else { continue };
        if needs.texts {
            parts.text = db.image("text", &r.text, &[t.clone(), id.put()])?;
        }
        for entry in &needs.entries {
            parts.entries.extend(db.image::<Entry>("entry", &r.entry, &[t.clone(), id.put(), entry.put()])?);
        }
        if needs.links.contains(id) {
            parts.links = Some(links_of(db, tenant, std::slice::from_ref(id))?);
        }
        if needs.approvals.contains(id) {
            parts.approvals = Some(approvals_of(db, tenant, *id)?);
        }
        loaded.cases.push(parts);
    }
    if let Some(above) = needs.above {
        let read = |row: &rusqlite::Row<'_>| Ok((get(row, 1)?, get(row, 2)?));
        loaded.ancestors = db.query("ancestors", &r.ancestors, [t.clone(), above.put()], read)?;
    }
    for top in &needs.below {
        let below = limited(&r.below, BELOW_MAX as u16 + 1);
        let found: Vec<Head> = db.images("below", &below, &[t.clone(), top.put()])?;
        loaded.below.extend(found.into_iter().map(Parts::from));
    }
    for group in &needs.pools {
        let read =
            |row: &rusqlite::Row<'_>| Ok(Candidate { person: get(row, 0)?, open: get(row, 1)?, skills: get(row, 2)? });
        loaded.pools.insert(*group, db.query("pool", &r.pool, [t.clone(), group.put()], read)?);
    }
    for role in &needs.holders {
        loaded.holders.insert(role.clone(), db.images("holders", &r.holders, &[t.clone(), role.put()])?);
    }
    for person in &needs.delegations {
        let given = db.images("delegations of", &r.delegations_of, &[t.clone(), person.put()])?;
        loaded.delegations.insert(*person, given);
    }
    if let Some(id) = needs.delegation {
        loaded.delegation = db.image("delegation", &r.delegation, &[t.clone(), id.put()])?;
    }
    let mut steps: BTreeSet<Step> = BTreeSet::new();
    for end in &needs.behind {
        let read = |row: &rusqlite::Row<'_>| Ok(Step { by: get(row, 0)?, ticket: get(row, 1)?, version: get(row, 2)? });
        steps.extend(db.query("steps", &r.steps, [t.clone(), end.put()], read)?);
    }
    loaded.steps = steps.into_iter().collect();
    let mut found: BTreeMap<PersonId, Person> = BTreeMap::new();
    for id in &needs.people {
        found.extend(db.image::<Person>("person", &r.person, &[t.clone(), id.put()])?.map(|p| (p.id, p)));
    }
    for external in &needs.externals {
        let values = [t.clone(), external.put()];
        found.extend(db.image::<Person>("external", &r.external, &values)?.map(|p| (p.id, p)));
    }
    loaded.people = found.into_values().collect();
    if let Some(grant) = needs.grant {
        loaded.grant = db.image("grant", &r.grant, &[t.clone(), grant.put()])?;
    }
    if let Some((group, person)) = needs.member {
        let principal = crate::role::Principal::Group(group);
        loaded.group_grants = grants_of(db, tenant, &principal)?;
        let member = db.image::<Membership>("member", &r.member, &[t.clone(), group.put(), person.put()])?;
        loaded.member = member.is_some();
    }
    if let Some(role) = &needs.role {
        let until = db.number("role until", &r.role_until, &[t.clone(), role.put()])?;
        loaded.role_until = until.map(Timestamp::from_millis);
    }
    if needs.departments {
        loaded.group_grants = db.images("grants on departments", &r.grants_on_departments, std::slice::from_ref(&t))?;
    }
    if let Some(key) = &needs.tenant_key {
        loaded.tenant_taken = db.number("tenant key", &r.tenant_key, &[key.put()])?.is_some();
    }
    if let Some(place) = &needs.place {
        loaded.place = super::cards::surroundings(db, tenant, place)?;
    }
    if let Some((author, key)) = key {
        let read = |row: &rusqlite::Row<'_>| {
            Ok(Earlier {
                hash: get(row, 0)?,
                made: get(row, 1)?,
                version: get(row, 2)?,
                cursor: Cursor::at(get(row, 3)?),
            })
        };
        let values = [t, author.put(), Val::Text(key.into())];
        loaded.earlier = db.query("earlier", &r.earlier, &values, read)?.into_iter().next();
    }
    Ok(loaded)
}

fn epoch(db: &Db, tenant: TenantId) -> Result<Option<i64>, Fault> {
    db.number("epoch", &db.reads.epoch, &[tenant.put()])
}

/// The epoch, 0 when there is no such tenant.
pub(super) fn epoch_or_0(db: &Db, tenant: TenantId) -> Result<i64, Fault> {
    Ok(epoch(db, tenant)?.unwrap_or(0))
}

/// The tenant's configuration.
pub(super) fn config(db: &Db, tenant: TenantId) -> Result<Option<TenantConfig>, Fault> {
    let (r, t) = (&db.reads, [tenant.put()]);
    let (Some(epoch), Some(tenant)) = (epoch(db, tenant)?, db.image("tenant", &r.tenant, &t)?) else {
        return Ok(None);
    };
    let rows = assemble::ConfigRows {
        epoch,
        tenant,
        projects: db.images("projects", &r.projects, &t)?,
        groups: db.images("groups", &r.groups, &t)?,
        tags: db.images("tags", &r.tags, &t)?,
        workflows: db.images("workflows", &r.workflows, &t)?,
        templates: db.images("templates", &r.templates, &t)?,
        roles: db.images("roles", &r.roles, &t)?,
        boards: db.images("boards", &r.boards, &t)?,
        plugins: db.images("plugins", &r.plugins, &t)?,
    };
    Ok(Some(assemble::config(rows)?))
}

/// Every link of these tickets, once, in order of key.
fn links_of(db: &Db, tenant: TenantId, ids: &[TicketId]) -> Result<Vec<Link>, Fault> {
    let mut found = BTreeMap::new();
    for id in ids {
        let links = db.images::<Link>("links", &db.reads.links, &[tenant.put(), id.put()])?;
        found.extend(links.into_iter().map(|link| (link.key(), link)));
    }
    Ok(found.into_values().collect())
}

/// Links of tickets, with the heads of those and of the ones they are linked with, and the epoch.
pub(super) fn links(db: &Db, tenant: TenantId, ids: &[TicketId]) -> Result<(i64, Vec<Link>, Vec<Parts>), Fault> {
    let links = links_of(db, tenant, ids)?;
    let ends = links.iter().flat_map(|link| [link.source, link.target]);
    let ids: Vec<TicketId> = ids.iter().copied().chain(ends).collect::<BTreeSet<_>>().into_iter().collect();
    let (epoch, heads) = tickets(db, tenant, &ids)?;
    Ok((epoch, links, heads))
}

/// The approvals of a ticket with all that belongs to them.
fn approvals_of(db: &Db, tenant: TenantId, ticket: TicketId) -> Result<Approvals, Fault> {
    let (r, values) = (&db.reads, [tenant.put(), ticket.put()]);
    Ok(Approvals {
        all: db.images("approvals", &r.approvals, &values)?,
        steps: db.images("approval steps", &r.approval_steps, &values)?,
        slots: db.images("slots", &r.slots, &values)?,
        decisions: db.images("decisions", &r.decisions, &values)?,
    })
}

/// The open slots of these people, oldest first, and the epoch.
pub(super) fn inbox(
    db: &Db,
    tenant: TenantId,
    people: &[PersonId],
    after: Option<(Timestamp, SlotId)>,
    limit: u16,
) -> Result<(i64, Vec<Slot>), Fault> {
    let (at, id) = after.unwrap_or((Timestamp::from_millis(i64::MIN), SlotId::NIL));
    let sql = limited(&db.reads.inbox, limit);
    let mut found: Vec<Slot> = vec![];
    for person in people {
        found.extend(db.images::<Slot>("inbox", &sql, &[tenant.put(), person.put(), at.put(), id.put()])?);
    }
    found.sort_by_key(|slot| (slot.opened_at, slot.id));
    found.truncate(usize::from(limit));
    Ok((epoch_or_0(db, tenant)?, found))
}

/// The tickets somebody's leaving may concern.
pub(super) fn concerned(
    db: &Db,
    tenant: TenantId,
    whom: &Concerned,
    after: Option<TicketId>,
    limit: u16,
) -> Result<Vec<TicketId>, Fault> {
    let after = after.unwrap_or(TicketId::NIL).put();
    let (sql, whose) = match whom {
        Concerned::Person(person) => (&db.reads.concerned_person, person.put()),
        Concerned::Via(via) => (&db.reads.concerned_via, via.put()),
        Concerned::Stuck => (&db.reads.concerned_via, String::new().put()),
    };
    db.query("concerned", &limited(sql, limit), [tenant.put(), whose, after], |row| get(row, 0))
}

/// The delegations somebody has given or was given.
pub(super) fn delegations(db: &Db, tenant: TenantId, person: PersonId) -> Result<Vec<Delegation>, Fault> {
    db.images("delegations", &db.reads.delegations, &[tenant.put(), person.put()])
}

fn grants_of(db: &Db, tenant: TenantId, to: &crate::role::Principal) -> Result<Vec<crate::role::Grant>, Fault> {
    let values = [tenant.put(), Val::Text(to.kind().into()), to.key().put()];
    db.images("grants of", &db.reads.grants_of, &values)
}

/// What the directory knows of an actor, with the epoch.
pub(super) fn standing(db: &Db, actor: &Actor) -> Result<(i64, Standing), Fault> {
    let Some(tenant) = actor.tenant() else { return Ok((0, Standing::default())) };
    let mut standing = Standing::default();
    match actor {
        Actor::System(_) => {}
        Actor::Person(_, id) | Actor::Service(_, id) => {
            let values = [tenant.put(), id.put()];
            standing.person = db.image("person", &db.reads.person, &values)?;
            standing.grants = grants_of(db, tenant, &(*id).into())?;
            standing.grants.extend(db.images("grants by group", &db.reads.grants_by_group, &values)?);
        }
        Actor::Plugin(_, id) => standing.grants = grants_of(db, tenant, &id.clone().into())?,
    }
    Ok((epoch_or_0(db, tenant)?, standing))
}

/// One page of tickets.
pub(super) fn find(db: &Db, find: &Find) -> Result<(i64, Vec<Parts>), Fault> {
    let (sql, values) = select::page(find, &NAMES);
    let sql = sql.replacen('*', &db.reads.head, 1);
    let found = db.query("find", &sql, values.into_iter().map(Built), |row| Ok(Parts::from(image::<Head>(row)?)))?;
    Ok((epoch_or_0(db, find.tenant)?, found))
}

/// How many tickets match.
pub(super) fn count(db: &Db, find: &Find, cap: u32) -> Result<(i64, Count), Fault> {
    let (sql, values) = select::count(find, cap, &NAMES);
    let found = db.query("count", &sql, values.into_iter().map(Built), |row| Ok(row.get::<_, i64>(0)?))?;
    Ok((epoch_or_0(db, find.tenant)?, select::counted(found.first().copied().unwrap_or(0), cap)))
}

/// A ticket with its text and its first entries, and the epoch.
pub(super) fn ticket(db: &Db, tenant: TenantId, which: &Which, first: u16) -> Result<(i64, Option<Parts>), Fault> {
    let t = tenant.put();
    let found = match which {
        Which::Id(id) => db.image::<Head>("ticket", &db.reads.ticket, &[t.clone(), id.put()])?,
        Which::Key(key, number) => {
            db.image::<Head>("ticket by key", &db.reads.ticket_by_key, &[t.clone(), key.put(), number.put()])?
        }
    };
    let epoch = epoch_or_0(db, tenant)?;
    let Some(found) = found else { return Ok((epoch, None)) };
    let mut parts = Parts::from(found);
    let id = parts.ticket.id;
    parts.text = db.image("text", &db.reads.text, &[t, id.put()])?;
    if first > 0 {
        parts.entries = entries(db, tenant, id, None, first)?;
    }
    Ok((epoch, Some(parts)))
}

/// Several tickets, in no order.
pub(super) fn tickets(db: &Db, tenant: TenantId, ids: &[TicketId]) -> Result<(i64, Vec<Parts>), Fault> {
    let mut found: Vec<Parts> = Vec::with_capacity(ids.len());
    for ids in ids.chunks(IDS) {
        let places = vec!["?"; ids.len()].join(", ");
        let (columns, table) = (columns::<Head>(""), Head::TABLE.name);
        let sql = format!("SELECT {columns} FROM {table} WHERE tenant_id = ? AND id IN ({places})");
        let values = std::iter::once(tenant.put()).chain(ids.iter().map(Column::put));
        found.extend(db.query("tickets", &sql, values, |row| Ok(Parts::from(image::<Head>(row)?)))?);
    }
    Ok((epoch_or_0(db, tenant)?, found))
}

/// Entries after a place, oldest first.
pub(super) fn entries(
    db: &Db,
    tenant: TenantId,
    ticket: TicketId,
    after: Option<(Timestamp, EntryId)>,
    limit: u16,
) -> Result<Vec<Entry>, Fault> {
    let (at, id) = after.unwrap_or((Timestamp::from_millis(i64::MIN), EntryId::NIL));
    let sql = limited(&db.reads.entries, limit);
    db.images("entries", &sql, &[tenant.put(), ticket.put(), at.put(), id.put()])
}

/// People by id, in the order asked for.
pub(super) fn people(db: &Db, tenant: TenantId, ids: &[PersonId]) -> Result<Vec<Person>, Fault> {
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        found.extend(db.image::<Person>("person", &db.reads.person, &[tenant.put(), id.put()])?);
    }
    Ok(found)
}

/// People by search, in order of id.
pub(super) fn find_people(db: &Db, tenant: TenantId, find: &PeopleFind) -> Result<Vec<Person>, Fault> {
    let kind = find.kind.map_or("", crate::org::PersonKind::as_str);
    let after = find.after.unwrap_or(PersonId::NIL);
    let values = [tenant.put(), after.put(), Val::Text(crate::text::fold(&find.search)), Val::Text(kind.into())];
    db.images("find people", &limited(&db.reads.find_people, find.limit), &values)
}
